//! Two sides of a dataset compared by key, in bounded memory.
//!
//! A row is known by two hashes of 128 bits, of its key and of its content. Keys are taken in shares, so that at most
//! about [`MOST_KEYS`] of them, some 70 MB, are held at once; each share reads both sides once. Of the rows that differ
//! only those that are shown are remembered.

use std::collections::{BTreeMap, HashMap};

use arrow::array::Array as _;
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, Rows, SortField};
use futures::stream::TryStreamExt as _;
use tokio::sync::watch;
use twox_hash::XxHash3_128;

use super::super::rows::{Source, part};
use super::columns::Columns;
use crate::error::EtlError;
use wdt_warehouse::schema::DELETED_AT;

/// Keys held at once.
const MOST_KEYS: usize = 900_000;

/// What is compared, and how.
pub(super) struct Comparison<'a> {
    pub(super) columns: &'a Columns,
    /// Of each side; none where the dataset never landed.
    pub(super) sides: [Option<&'a Source<'a>>; 2],
    /// Rows of each kind that are shown.
    pub(super) limit: usize,
    pub(super) stop: &'a watch::Receiver<bool>,
    keys: RowConverter,
    contents: RowConverter,
}

/// What came out.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) equal: u64,
    pub(super) removed: Differing,
    pub(super) added: Differing,
    pub(super) changed: Differing,
}

/// Rows that differ in one way: all are counted, the first ones by key remembered.
#[derive(Debug, Default)]
pub(super) struct Differing {
    pub(super) count: u64,
    /// By the key in an order that lasts.
    pub(super) first: BTreeMap<Box<[u8]>, Pair>,
}

/// Where a row stands on either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) places: [Option<Place>; 2],
    /// The side that has no such row has it marked as deleted.
    pub(super) marked: bool,
}

/// Number of a piece, and of a row in the order in which the piece is read.
pub(super) type Place = (usize, usize);

/// Part of the keys: those whose hash leaves this remainder.
#[derive(Clone, Copy)]
struct Share {
    number: u128,
    of: u128,
}

/// One row as it is read.
struct Row<'a> {
    key: &'a [u8],
    hash: u128,
    content: u128,
    deleted: bool,
    place: Place,
}

/// A row of the first side.
struct Known {
    content: u128,
    place: Place,
    deleted: bool,
    /// The second side has it too.
    met: bool,
}

impl<'a> Comparison<'a> {
    /// # Errors
    /// [`EtlError::Bug`] for a type of column that no table has.
    pub(super) fn new(
        columns: &'a Columns,
        sides: [Option<&'a Source<'a>>; 2],
        limit: usize,
        stop: &'a watch::Receiver<bool>,
    ) -> Result<Self, EtlError> {
        let (keys, contents) = (converter(columns, &columns.key)?, converter(columns, &columns.content)?);
        Ok(Self { columns, sides, limit, stop, keys, contents })
    }

    /// Compares all rows.
    ///
    /// # Errors
    /// When a file cannot be read, and [`EtlError::Interrupted`].
    pub(super) async fn compare(&self) -> Result<Compared, EtlError> {
        self.holding(MOST_KEYS).await
    }

    /// Compares all rows, in as many shares as it takes to hold about so many keys at once.
    async fn holding(&self, most: usize) -> Result<Compared, EtlError> {
        let rows = self.sides.iter().flatten().map(|side| side.rows()).max().unwrap_or_default();
        let of = rows.div_ceil(most.max(1)).max(1) as u128;
        let mut compared = Compared::default();
        for number in 0..of {
            self.share(Share { number, of }, &mut compared).await?;
        }
        Ok(compared)
    }

    async fn share(&self, share: Share, compared: &mut Compared) -> Result<(), EtlError> {
        let mut known: HashMap<u128, Known> = HashMap::new();
        self.each(0, share, |row| {
            let Row { content, place, deleted, .. } = row;
            known.insert(row.hash, Known { content, place, deleted, met: false });
        })
        .await?;
        self.each(1, share, |row| self.meet(&row, known.get_mut(&row.hash), compared)).await?;
        self.unmet(&known, compared).await
    }

    /// Judges a row of the second side.
    fn meet(&self, row: &Row<'_>, known: Option<&mut Known>, compared: &mut Compared) {
        let (mut here, mut marked) = (None, false);
        if let Some(known) = known {
            known.met = true;
            marked = known.deleted;
            here = (!known.deleted).then_some((known.place, known.content));
        }
        let pair = |first: Option<Place>, second, marked| Pair { places: [first, second], marked };
        match here {
            None if row.deleted => {}
            None => compared.added.add(row.key, pair(None, Some(row.place), marked), self.limit),
            Some((place, _)) if row.deleted => compared.removed.add(row.key, pair(Some(place), None, true), self.limit),
            Some((_, content)) if content == row.content => compared.equal += 1,
            Some((place, _)) => {
                compared.changed.add(row.key, pair(Some(place), Some(row.place), false), self.limit);
            }
        }
    }

    /// Counts rows of the first side that the second does not have, and reads the keys of those again, if any is shown.
    async fn unmet(&self, known: &HashMap<u128, Known>, compared: &mut Compared) -> Result<(), EtlError> {
        let mut gone: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for known in known.values().filter(|known| !known.met && !known.deleted) {
            gone.entry(known.place.0).or_default().push(known.place.1);
        }
        let Some(source) = self.sides[0] else { return Ok(()) };
        let key: Vec<&str> = self.columns.key.iter().map(String::as_str).collect();
        let schema = part(&self.columns.read, &key);
        for (piece, mut rows) in gone {
            rows.sort_unstable();
            if self.limit == 0 {
                compared.removed.count += rows.len() as u64;
                continue;
            }
            let Some(piece_part) = source.part(piece, &rows) else { continue };
            let mut numbers = rows.iter();
            let mut batches = source.read(&piece_part, &schema).await?;
            while let Some(batch) = batches.try_next().await? {
                for (key, number) in rows_of(&self.keys, &batch, &self.columns.key)?.iter().zip(&mut numbers) {
                    let pair = Pair { places: [Some((piece, *number)), None], marked: false };
                    compared.removed.add(key.as_ref(), pair, self.limit);
                }
            }
        }
        Ok(())
    }

    /// Hands over each row of a side whose key is of this share.
    async fn each(&self, side: usize, share: Share, mut take: impl FnMut(Row<'_>)) -> Result<(), EtlError> {
        let Some(source) = self.sides[side] else { return Ok(()) };
        for (number, piece) in source.pieces.iter().enumerate() {
            let mut first = 0;
            let mut batches = source.read(piece, &self.columns.read).await?;
            while let Some(batch) = batches.try_next().await? {
                if *self.stop.borrow() {
                    return Err(EtlError::Interrupted);
                }
                self.batch(&batch, share, (number, first), &mut take)?;
                first += batch.num_rows();
            }
        }
        Ok(())
    }

    fn batch(
        &self,
        batch: &RecordBatch,
        share: Share,
        (piece, first): Place,
        take: &mut impl FnMut(Row<'_>),
    ) -> Result<(), EtlError> {
        let keys = rows_of(&self.keys, batch, &self.columns.key)?;
        // a converter of no column gives no row
        let contents = match self.columns.content.as_slice() {
            [] => None,
            content => Some(rows_of(&self.contents, batch, content)?),
        };
        let deleted = batch.column_by_name(DELETED_AT);
        for (row, key) in keys.iter().enumerate() {
            let hash = XxHash3_128::oneshot(key.as_ref());
            if hash % share.of != share.number {
                continue;
            }
            take(Row {
                key: key.as_ref(),
                hash,
                content: contents.as_ref().map_or(0, |contents| XxHash3_128::oneshot(contents.row(row).as_ref())),
                deleted: deleted.is_some_and(|deleted| deleted.is_valid(row)),
                place: (piece, first + row),
            });
        }
        Ok(())
    }
}

impl Compared {
    /// Whether the two sides differ.
    pub(super) const fn differ(&self) -> bool {
        self.removed.count + self.added.count + self.changed.count > 0
    }
}

impl Differing {
    /// Counts a row, and remembers it if it is among the first so many.
    fn add(&mut self, key: &[u8], pair: Pair, limit: usize) {
        self.count += 1;
        let full = self.first.len() >= limit;
        if full && self.first.last_key_value().is_none_or(|(last, _)| key >= last.as_ref()) {
            return;
        }
        self.first.insert(key.into(), pair);
        if full {
            self.first.pop_last();
        }
    }
}

fn converter(columns: &Columns, names: &[String]) -> Result<RowConverter, EtlError> {
    let field =
        |name: &String| columns.read.field_with_name(name).map(|field| SortField::new(field.data_type().clone()));
    names.iter().map(field).collect::<Result<Vec<_>, _>>().and_then(RowConverter::new).map_err(bug)
}

fn rows_of(converter: &RowConverter, batch: &RecordBatch, names: &[String]) -> Result<Rows, EtlError> {
    let column = |name: &String| batch.schema().index_of(name).map(|position| batch.column(position).clone());
    let columns = names.iter().map(column).collect::<Result<Vec<_>, _>>().map_err(bug)?;
    converter.convert_columns(&columns).map_err(bug)
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn bug(error: arrow::error::ArrowError) -> EtlError {
    EtlError::Bug(format!("diff: {error}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use clap::Parser as _;
    use wdt_models::endpoints::FLAGSHIP_SHOPS;

    use super::super::shown::Shown;
    use super::*;
    use crate::cli::{Cli, Command};
    use wdt_warehouse::schema::ACCOUNT;
    use wdt_warehouse::{Change, DatasetTables, Warehouse, conform};

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
        Columns::new(&FLAGSHIP_SHOPS, &args)
    }

    /// Counts, and the first removed, added and changed rows: their keys, and what of the changed ones differs.
    async fn compared(a: &[ShopRow], b: &[ShopRow], most: usize, limit: usize) -> ([u64; 4], [String; 3]) {
        let (a, b) = (shops(a).await, shops(b).await);
        let (a, b) = (Source::current(&a, &[]).unwrap(), Source::current(&b, &[]).unwrap());
        let (columns, stop) = (columns(), watch::channel(false).1);
        let sides = [Some(&a), Some(&b)];
        let compared = Comparison::new(&columns, sides, limit, &stop).unwrap().holding(most).await.unwrap();
        let Compared { equal, removed, added, changed } = &compared;
        let shown = Shown::read(&compared, sides, &columns).await.unwrap();
        let texts = [shown.removed, shown.added, shown.changed].map(|rows| {
            let cells = |row: &super::super::shown::ShownRow| {
                let cell = |cell: &super::super::shown::Differs| {
                    format!(" {}: {} {}", cell.column, cell.values[0].text, cell.values[1].text)
                };
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
    async fn as_many_shares_as_it_takes_find_the_same() {
        let a = named(0..60, "a");
        let mut b = [named(20..50, "a"), named(50..58, "b"), named(70..75, "a")].concat();
        b.reverse();
        for most in [1000, 60, 25, 7, 1] {
            for limit in [0, 2, 100] {
                let (counts, [removed, added, changed]) = compared(&a, &b, most, limit).await;
                assert_eq!(counts, [30, 22, 5, 8], "{most}");
                if limit == 2 {
                    assert_eq!(removed, "0, 1", "{most}");
                    assert_eq!(added, "70, 71", "{most}");
                    assert_eq!(changed, r#"50 shop_name: "a" "b", 51 shop_name: "a" "b""#, "{most}");
                }
                assert_eq!(removed.is_empty(), limit == 0);
                assert!(limit < 100 || added == "70, 71, 72, 73, 74", "{added}");
            }
        }
    }

    #[tokio::test]
    async fn nothing_is_not_an_empty_text() {
        let (counts, [_, _, changed]) =
            compared(&[(1, None), (2, Some("")), (3, None)], &[(1, Some("")), (2, Some("null")), (3, None)], 9, 9)
                .await;
        assert_eq!(counts, [1, 0, 0, 2]);
        assert_eq!(changed, r#"1 shop_name: null "", 2 shop_name: "" "null""#);
    }
}
