//! Two sides of a dataset compared by key, in bounded memory.
//!
//! A row is known by two hashes of 128 bits, of its key and of its content. Keys are taken in shares, so that at most
//! about [`MOST_KEYS`] of them, some 55 MB, are held at once; each share reads both sides once. Of the rows that differ
//! only those that are shown are remembered.

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow::array::{Array as _, AsArray as _};
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, Rows, SortField};
use futures::stream::TryStreamExt as _;
use tokio::sync::watch;
use twox_hash::XxHash3_128;

use super::super::rows::{Source, part};
use super::columns::Columns;
use crate::error::EtlError;
use crate::table::schema::DELETED_AT;

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
    /// Accounts that have rows on either side.
    pub(super) accounts: HashSet<String>,
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
        let mut accounts = std::mem::take(&mut compared.accounts);
        self.each(0, share, &mut accounts, |row| {
            let Row { content, place, deleted, .. } = row;
            known.insert(row.hash, Known { content, place, deleted, met: false });
        })
        .await?;
        self.each(1, share, &mut accounts, |row| self.meet(&row, known.get_mut(&row.hash), compared)).await?;
        compared.accounts = accounts;
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
    async fn each(
        &self,
        side: usize,
        share: Share,
        accounts: &mut HashSet<String>,
        mut take: impl FnMut(Row<'_>),
    ) -> Result<(), EtlError> {
        let Some(source) = self.sides[side] else { return Ok(()) };
        for (number, piece) in source.pieces.iter().enumerate() {
            let mut first = 0;
            let mut batches = source.read(piece, &self.columns.read).await?;
            while let Some(batch) = batches.try_next().await? {
                if *self.stop.borrow() {
                    return Err(EtlError::Interrupted);
                }
                self.batch(&batch, share, (number, first), &mut take)?;
                note_accounts(&batch, &self.columns.key, accounts);
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

fn note_accounts(batch: &RecordBatch, key: &[String], accounts: &mut HashSet<String>) {
    let column =
        key.first().and_then(|name| batch.column_by_name(name)).and_then(|column| column.as_string_opt::<i32>());
    for account in column.into_iter().flatten().flatten() {
        if !accounts.contains(account) {
            accounts.insert(account.to_owned());
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
