//! The rows that are shown: read again, and of changed ones the cells that differ.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{Array, ArrayRef, AsArray as _};
use arrow::record_batch::RecordBatch;
use futures::stream::TryStreamExt as _;

use wdt_warehouse::as_of::Source;
use wdt_warehouse::compare::{Columns, Compared, Differing, Pair, RowPlace};

use super::super::cell::{Cell, cell};
use super::columns::label;
use crate::error::EtlError;

/// The rows that are shown, by key.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) removed: Vec<ShownRow>,
    pub(super) added: Vec<ShownRow>,
    pub(super) changed: Vec<ShownRow>,
}

/// A row that differs.
#[derive(Debug)]
pub(super) struct ShownRow {
    /// Names and values, account first.
    pub(super) key: Vec<(String, Value)>,
    pub(super) marked: bool,
    /// Of a changed row, the cells that differ.
    pub(super) cells: Vec<Differs>,
}

/// A cell that differs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Differs {
    pub(super) column: String,
    /// Chinese label.
    pub(super) label: String,
    /// Of either side.
    pub(super) values: [Value; 2],
    /// Inside a list: the member that differs first, `details[2].batch_no`, with its values.
    pub(super) inside: Option<(String, [Value; 2])>,
}

/// A cell in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) json: String,
    /// JSON, but times without quotes.
    pub(super) text: String,
}

impl Shown {
    /// Reads the remembered rows again.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(super) async fn read(
        compared: &Compared,
        sides: [Option<&Source<'_>>; 2],
        columns: &Columns,
    ) -> Result<Self, EtlError> {
        Ok(Self {
            removed: read(&compared.removed, sides, columns).await?,
            added: read(&compared.added, sides, columns).await?,
            changed: read(&compared.changed, sides, columns).await?,
        })
    }
}

async fn read(
    differing: &Differing,
    sides: [Option<&Source<'_>>; 2],
    columns: &Columns,
) -> Result<Vec<ShownRow>, EtlError> {
    let pairs: Vec<Pair> = differing.first.values().copied().collect();
    let mut found = Vec::new();
    for (number, side) in sides.into_iter().enumerate() {
        let places = pairs.iter().filter_map(|pair| pair.places[number]).collect();
        found.push(match side {
            Some(source) => read_places(source, places, columns).await?,
            None => HashMap::new(),
        });
    }
    let row = |pair: &Pair| {
        let rows = [0, 1].map(|side| pair.places[side].and_then(|place| found[side].get(&place)));
        shown(*pair, rows, columns).ok_or_else(|| EtlError::Bug("diff: a row that was read is gone".to_owned()))
    };
    pairs.iter().map(row).collect()
}

/// Rows at these places, a batch of one row each.
async fn read_places(
    source: &Source<'_>,
    mut places: Vec<RowPlace>,
    columns: &Columns,
) -> Result<HashMap<RowPlace, RecordBatch>, EtlError> {
    places.sort_unstable();
    let mut pieces: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (piece, row) in places {
        pieces.entry(piece).or_default().push(row);
    }
    let mut found = HashMap::new();
    for (piece, rows) in pieces {
        let Some(part) = source.part(piece, &rows) else { continue };
        let mut numbers = rows.iter();
        let mut batches = source.read(&part, &columns.read).await?;
        while let Some(batch) = batches.try_next().await? {
            let slices = (0..batch.num_rows()).map(|row| batch.slice(row, 1));
            found.extend(slices.zip(&mut numbers).map(|(slice, number)| ((piece, *number), slice)));
        }
    }
    Ok(found)
}

fn shown(pair: Pair, rows: [Option<&RecordBatch>; 2], columns: &Columns) -> Option<ShownRow> {
    let any = rows[0].or(rows[1])?;
    let key = columns.key.iter().map(|name| Some((name.clone(), value(any.column_by_name(name)?, 0)?)));
    let key = key.collect::<Option<_>>()?;
    let cells = match rows {
        [Some(first), Some(second)] => cells([first, second], columns)?,
        _ => Vec::new(),
    };
    Some(ShownRow { key, marked: pair.marked, cells })
}

/// The cells that differ; `None` for a type that no table has.
fn cells(rows: [&RecordBatch; 2], columns: &Columns) -> Option<Vec<Differs>> {
    let mut cells = Vec::new();
    for name in &columns.content {
        let [first, second] = [rows[0].column_by_name(name)?, rows[1].column_by_name(name)?];
        let values = [value(first, 0)?, value(second, 0)?];
        if values[0] != values[1] {
            let (label, inside) = (label(columns, name), inside(name, [first, second]));
            cells.push(Differs { column: name.clone(), label, values, inside });
        }
    }
    Some(cells)
}

/// The first member that differs of two lists of the same length.
fn inside(name: &str, columns: [&ArrayRef; 2]) -> Option<(String, [Value; 2])> {
    let [first, second] = columns.map(|column| {
        let list = column.as_list_opt::<i32>().filter(|list| list.is_valid(0))?;
        list.value(0).as_struct_opt().cloned()
    });
    let (first, second) = (first?, second?);
    if first.len() != second.len() {
        return None;
    }
    for entry in 0..first.len() {
        for (member, (left, right)) in
            first.column_names().into_iter().zip(first.columns().iter().zip(second.columns()))
        {
            let values = [value(left, entry)?, value(right, entry)?];
            if values[0] != values[1] {
                return Some((format!("{name}[{entry}].{member}"), values));
            }
        }
    }
    None
}

fn value(column: &dyn Array, row: usize) -> Option<Value> {
    let cell = cell(column, row)?;
    let (mut json, mut text) = (String::new(), String::new());
    cell.write_json(&mut json).ok()?;
    match cell {
        Cell::Time(_) => cell.write_text(&mut text).ok()?,
        _ => text.push_str(&json),
    }
    Some(Value { json, text })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use std::sync::Arc;

    use arrow::array::{Int64Array, StringArray};
    use clap::Parser as _;
    use wdt_models::endpoints::FLAGSHIP_SHOPS;
    use wdt_warehouse::compare::Sides;
    use wdt_warehouse::schema::ACCOUNT;
    use wdt_warehouse::{Change, DatasetTables, Warehouse, conform};

    use super::super::columns;
    use super::*;
    use crate::cli::{Cli, Command};

    type ShopRow = (i64, Option<&'static str>);

    /// A current table of shops with these keys and names, everything else null, in files of ten rows.
    async fn shops(rows: &[ShopRow]) -> DatasetTables {
        let mut tables = DatasetTables::open_or_create(&Warehouse::memory(), &FLAGSHIP_SHOPS).await.unwrap();
        let current = &mut tables.current;
        for rows in rows.chunks(10) {
            let columns: [(&str, ArrayRef); 3] = [
                ("shop_id", Arc::new(rows.iter().map(|(key, _)| Some(*key)).collect::<Int64Array>())),
                ("shop_name", Arc::new(rows.iter().map(|(_, name)| *name).collect::<StringArray>())),
                (ACCOUNT, Arc::new(StringArray::from(vec!["main"; rows.len()]))),
            ];
            let batch = RecordBatch::try_from_iter(columns).unwrap();
            let batch = conform(current.name(), &batch, current.schema(), &HashMap::new()).unwrap();
            let mut writer = current.writer().unwrap();
            writer.write(batch).await.unwrap();
            let adds = writer.finish().await.unwrap();
            current.commit(Change { adds, ..Change::default() }).await.unwrap();
        }
        tables
    }

    fn columns() -> Columns {
        let Command::Diff(args) = Cli::try_parse_from(["wdt-etl", "diff", "a", "b"]).unwrap().command else {
            panic!("not diff")
        };
        columns::of(&FLAGSHIP_SHOPS, &args)
    }

    /// Counts, and the first removed, added and changed rows: their keys, and what of the changed ones differs.
    async fn compared(a: &[ShopRow], b: &[ShopRow], limit: usize) -> ([u64; 4], [String; 3]) {
        let (a, b) = (shops(a).await, shops(b).await);
        let (a, b) = (Source::current(&a, &[]).unwrap(), Source::current(&b, &[]).unwrap());
        let columns = columns();
        let sides = [Some(&a), Some(&b)];
        let compared = Sides::new(&columns, sides, limit, &|| false).unwrap().compare().await.unwrap().unwrap();
        let Compared { equal, removed, added, changed } = &compared;
        let shown = Shown::read(&compared, sides, &columns).await.unwrap();
        let texts = [shown.removed, shown.added, shown.changed].map(|rows| {
            let cells = |row: &ShownRow| {
                let cell =
                    |cell: &Differs| format!(" {}: {} {}", cell.column, cell.values[0].text, cell.values[1].text);
                row.key[1].1.text.clone() + &row.cells.iter().map(cell).collect::<String>()
            };
            rows.iter().map(cells).collect::<Vec<_>>().join(", ")
        });
        ([*equal, removed.count, added.count, changed.count], texts)
    }

    fn named(keys: std::ops::Range<i64>, name: &'static str) -> Vec<ShopRow> {
        keys.map(|key| (key, Some(name))).collect()
    }

    #[tokio::test]
    async fn the_first_rows_that_differ_are_shown() {
        let a = named(0..60, "a");
        let mut b = [named(20..50, "a"), named(50..58, "b"), named(70..75, "a")].concat();
        b.reverse();
        for limit in [0, 2, 100] {
            let (counts, [removed, added, changed]) = compared(&a, &b, limit).await;
            assert_eq!(counts, [30, 22, 5, 8]);
            if limit == 2 {
                assert_eq!(removed, "0, 1");
                assert_eq!(added, "70, 71");
                assert_eq!(changed, r#"50 shop_name: "a" "b", 51 shop_name: "a" "b""#);
            }
            assert_eq!(removed.is_empty(), limit == 0);
            assert!(limit < 100 || added == "70, 71, 72, 73, 74", "{added}");
        }
    }

    #[tokio::test]
    async fn nothing_is_not_an_empty_text() {
        let (counts, [_, _, changed]) =
            compared(&[(1, None), (2, Some("")), (3, None)], &[(1, Some("")), (2, Some("null")), (3, None)], 9).await;
        assert_eq!(counts, [1, 0, 0, 2]);
        assert_eq!(changed, r#"1 shop_name: null "", 2 shop_name: "" "null""#);
    }
}
