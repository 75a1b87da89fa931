//! Two sides of a dataset compared by key, in bounded memory.
//!
//! A row is known by two hashes of 128 bits, of its key and of its content. Keys are taken in shares, so that at most
//! about `MOST_KEYS` of them, some 70 MB, are held at once; each share reads both sides once. Of the rows that differ
//! only those that are shown are remembered.

use std::collections::{BTreeMap, HashMap};

use arrow::array::Array as _;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, Rows, SortField};
use futures::stream::TryStreamExt as _;
use twox_hash::XxHash3_128;
use wdt_models::Endpoint;

use crate::as_of::{Source, part};
use crate::error::WarehouseError;
use crate::rows::columns_of;
use crate::schema::{ACCOUNT, DELETED_AT, TableSpec};
use crate::share::Share;

/// Keys held at once.
const MOST_KEYS: usize = 900_000;

/// What of a dataset is read and compared.
#[derive(Debug)]
pub struct Columns {
    dataset: &'static str,
    /// Account, then the key.
    pub key: Vec<String>,
    /// Those that must be equal, in the table's order.
    pub content: Vec<String>,
    /// All of them, and when a row was found gone.
    pub read: SchemaRef,
}

impl Columns {
    /// The key of a dataset, and those of its other columns that are to be compared.
    pub fn new(endpoint: &'static Endpoint, compared: impl Fn(&str) -> bool) -> Self {
        let table = TableSpec::current(endpoint).schema;
        let key: Vec<String> = [ACCOUNT].iter().chain(endpoint.key).map(|name| (*name).to_owned()).collect();
        let names = table.fields().iter().map(|field| field.name().clone());
        let content: Vec<String> = names.filter(|name| !key.contains(name) && compared(name)).collect();
        let mut read: Vec<&str> = key.iter().chain(&content).map(String::as_str).collect();
        read.push(DELETED_AT);
        Self { dataset: endpoint.dataset, read: part(&table, &read), key, content }
    }
}

/// Two sides of a dataset that are compared.
pub struct Sides<'a> {
    columns: &'a Columns,
    /// Of each side; none where the dataset never landed.
    sources: [Option<&'a Source<'a>>; 2],
    /// Rows of each kind that are remembered.
    limit: usize,
    stop: &'a (dyn Fn() -> bool + Sync),
    keys: RowConverter,
    contents: RowConverter,
}

/// Why rows are no longer read.
enum Halt {
    /// The caller wants it.
    Stopped,
    Failed(WarehouseError),
}

impl From<WarehouseError> for Halt {
    fn from(error: WarehouseError) -> Self {
        Self::Failed(error)
    }
}

/// What came out.
#[derive(Debug, Default)]
pub struct Compared {
    /// Rows that are the same on both sides.
    pub equal: u64,
    /// Rows of the first side alone.
    pub removed: Differing,
    /// Rows of the second side alone.
    pub added: Differing,
    /// Rows of both sides whose content differs.
    pub changed: Differing,
}

/// Rows that differ in one way: all are counted, the first ones by key remembered.
#[derive(Debug, Default)]
pub struct Differing {
    /// How many.
    pub count: u64,
    /// By the key in an order that lasts.
    pub first: BTreeMap<Box<[u8]>, Pair>,
}

/// Where a row is on either side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// Of either side.
    pub places: [Option<RowPlace>; 2],
    /// The side that has no such row has it marked as deleted.
    pub marked: bool,
}

/// Number of a piece, and of a row in the order in which the piece is read.
pub type RowPlace = (usize, usize);

/// One row as it is read.
struct SideRow<'a> {
    key: &'a [u8],
    hash: u128,
    content: u128,
    deleted: bool,
    place: RowPlace,
}

/// A row of the first side.
struct Known {
    content: u128,
    place: RowPlace,
    deleted: bool,
    /// The second side has it too.
    met: bool,
}

impl<'a> Sides<'a> {
    /// Two sides, of which the first so many rows that differ are remembered. The comparison ends when `stop` is true.
    ///
    /// # Errors
    /// When a column has a type that no table has.
    pub fn new(
        columns: &'a Columns,
        sources: [Option<&'a Source<'a>>; 2],
        limit: usize,
        stop: &'a (dyn Fn() -> bool + Sync),
    ) -> Result<Self, WarehouseError> {
        let (keys, contents) = (converter(columns, &columns.key)?, converter(columns, &columns.content)?);
        Ok(Self { columns, sources, limit, stop, keys, contents })
    }

    /// Compares all rows; `None` when it was stopped.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub async fn compare(&self) -> Result<Option<Compared>, WarehouseError> {
        self.holding(MOST_KEYS).await
    }

    /// Compares all rows, in as many shares as it takes to hold about so many keys at once.
    async fn holding(&self, most: usize) -> Result<Option<Compared>, WarehouseError> {
        let rows = self.sources.iter().flatten().map(|side| side.rows()).max().unwrap_or_default();
        let of = rows.div_ceil(most.max(1)).max(1) as u128;
        let mut compared = Compared::default();
        for number in 0..of {
            match self.share(Share { number, of }, &mut compared).await {
                Ok(()) => {}
                Err(Halt::Stopped) => return Ok(None),
                Err(Halt::Failed(error)) => return Err(error),
            }
        }
        Ok(Some(compared))
    }

    async fn share(&self, share: Share, compared: &mut Compared) -> Result<(), Halt> {
        let mut known: HashMap<u128, Known> = HashMap::new();
        self.each(0, share, |row| {
            let SideRow { content, place, deleted, .. } = row;
            known.insert(row.hash, Known { content, place, deleted, met: false });
        })
        .await?;
        self.each(1, share, |row| self.meet(&row, known.get_mut(&row.hash), compared)).await?;
        self.unmet(&known, compared).await
    }

    /// Judges a row of the second side.
    fn meet(&self, row: &SideRow<'_>, known: Option<&mut Known>, compared: &mut Compared) {
        let (mut here, mut marked) = (None, false);
        if let Some(known) = known {
            known.met = true;
            marked = known.deleted;
            here = (!known.deleted).then_some((known.place, known.content));
        }
        let pair = |first: Option<RowPlace>, second, marked| Pair { places: [first, second], marked };
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
    async fn unmet(&self, known: &HashMap<u128, Known>, compared: &mut Compared) -> Result<(), Halt> {
        let mut gone: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for known in known.values().filter(|known| !known.met && !known.deleted) {
            gone.entry(known.place.0).or_default().push(known.place.1);
        }
        let Some(source) = self.sources[0] else { return Ok(()) };
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
                for (key, number) in
                    rows_of(&self.keys, &batch, (self.columns.dataset, &self.columns.key))?.iter().zip(&mut numbers)
                {
                    let pair = Pair { places: [Some((piece, *number)), None], marked: false };
                    compared.removed.add(key.as_ref(), pair, self.limit);
                }
            }
        }
        Ok(())
    }

    /// Hands over each row of a side whose key is of this share.
    async fn each(&self, side: usize, share: Share, mut take: impl FnMut(SideRow<'_>)) -> Result<(), Halt> {
        let Some(source) = self.sources[side] else { return Ok(()) };
        for (number, piece) in source.pieces().iter().enumerate() {
            let mut first = 0;
            let mut batches = source.read(piece, &self.columns.read).await?;
            while let Some(batch) = batches.try_next().await? {
                if (self.stop)() {
                    return Err(Halt::Stopped);
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
        (piece, first): RowPlace,
        take: &mut impl FnMut(SideRow<'_>),
    ) -> Result<(), Halt> {
        let keys = rows_of(&self.keys, batch, (self.columns.dataset, &self.columns.key))?;
        // a converter of no column gives no row
        let contents = match self.columns.content.as_slice() {
            [] => None,
            content => Some(rows_of(&self.contents, batch, (self.columns.dataset, content))?),
        };
        let deleted = batch.column_by_name(DELETED_AT);
        for (row, key) in keys.iter().enumerate() {
            let hash = XxHash3_128::oneshot(key.as_ref());
            if !share.has(hash) {
                continue;
            }
            take(SideRow {
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
    #[must_use]
    pub const fn differ(&self) -> bool {
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

fn converter(columns: &Columns, names: &[String]) -> Result<RowConverter, WarehouseError> {
    let field =
        |name: &String| columns.read.field_with_name(name).map(|field| SortField::new(field.data_type().clone()));
    let fields = names.iter().map(field).collect::<Result<Vec<_>, ArrowError>>();
    fields.and_then(RowConverter::new).map_err(WarehouseError::storage(columns.dataset, "comparison"))
}

fn rows_of(
    converter: &RowConverter,
    batch: &RecordBatch,
    (dataset, names): (&str, &[String]),
) -> Result<Rows, WarehouseError> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let columns = columns_of(dataset, batch, &names)?;
    converter.convert_columns(&columns).map_err(WarehouseError::storage(dataset, "comparison"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;

    use arrow::array::{ArrayRef, AsArray as _, Int64Array, StringArray};
    use wdt_models::endpoints::FLAGSHIP_SHOPS;

    use super::*;
    use crate::dataset::DatasetTables;
    use crate::kept::change::Change;
    use crate::rows::conform;
    use crate::warehouse::Warehouse;

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

    /// Keys of the remembered rows, and of changed ones the names on both sides, read again by their places.
    async fn texts(differing: &Differing, sides: [&Source<'_>; 2], columns: &Columns) -> String {
        let mut texts = Vec::new();
        for pair in differing.first.values() {
            let mut cells = Vec::new();
            for (source, place) in sides.into_iter().zip(pair.places) {
                let Some((piece, row)) = place else { continue };
                let part = source.part(piece, &[row]).unwrap();
                let rows: Vec<_> = source.read(&part, &columns.read).await.unwrap().try_collect().await.unwrap();
                let [rows] = rows.try_into().unwrap();
                let id = rows.column_by_name("shop_id").unwrap().as_primitive::<arrow::datatypes::Int64Type>().value(0);
                let name = rows.column_by_name("shop_name").unwrap().as_string::<i32>();
                cells.push((id, name.is_valid(0).then(|| name.value(0).to_owned())));
            }
            texts.push(match &cells[..] {
                [(id, _)] => id.to_string(),
                [(id, first), (_, second)] => format!("{id} shop_name: {first:?} {second:?}"),
                _ => unreachable!(),
            });
        }
        texts.join(", ")
    }

    /// Counts, and the first removed, added and changed rows: their keys, and what of the changed ones differs.
    async fn compared(a: &[ShopRow], b: &[ShopRow], most: usize, limit: usize) -> ([u64; 4], [String; 3]) {
        let (a, b) = (shops(a).await, shops(b).await);
        let (a, b) = (Source::current(&a, &[]).unwrap(), Source::current(&b, &[]).unwrap());
        let columns = Columns::new(&FLAGSHIP_SHOPS, |name| name == "shop_name");
        let sides = Sides::new(&columns, [Some(&a), Some(&b)], limit, &|| false).unwrap();
        let Compared { equal, removed, added, changed } = sides.holding(most).await.unwrap().unwrap();
        let found = [
            texts(&removed, [&a, &b], &columns).await,
            texts(&added, [&a, &b], &columns).await,
            texts(&changed, [&a, &b], &columns).await,
        ];
        ([equal, removed.count, added.count, changed.count], found)
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
                    assert_eq!(
                        changed, r#"50 shop_name: Some("a") Some("b"), 51 shop_name: Some("a") Some("b")"#,
                        "{most}"
                    );
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
        assert_eq!(changed, r#"1 shop_name: None Some(""), 2 shop_name: Some("") Some("null")"#);
    }

    #[tokio::test]
    async fn a_comparison_that_is_stopped_has_no_result() {
        let (a, b) = (shops(&[(1, None)]).await, shops(&[(1, None)]).await);
        let (a, b) = (Source::current(&a, &[]).unwrap(), Source::current(&b, &[]).unwrap());
        let columns = Columns::new(&FLAGSHIP_SHOPS, |_| true);
        let sides = Sides::new(&columns, [Some(&a), Some(&b)], 1, &|| true).unwrap();
        assert!(sides.compare().await.unwrap().is_none());
    }
}
