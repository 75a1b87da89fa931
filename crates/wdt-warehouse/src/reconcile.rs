//! Which rows of the current table a whole reading of the platform did not find, and their marks in the log.

use std::collections::HashSet;

use arrow::array::Array as _;
use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};
use futures::future::FutureExt as _;
use wdt_models::Endpoint;
use wdt_models::decode::page_schema;
use wdt_models::time::{Micros, Millis, Seconds};

use crate::dataset::DatasetTables;
use crate::error::WarehouseError;
use crate::failpoint::{self, Place};
use crate::kept::change::DataFile;
use crate::kept::table::Table;
use crate::landing::contested;
use crate::new_rows::Changes;
use crate::record::{CommitRecord, Counts, Sums};
use crate::rows::{cell_text, columns_of, conform, micros};
use crate::schema::{DELETED_AT, PULLED_AT};
use crate::turn::Due;

/// Rows that may always be marked.
const FEW_ROWS: u64 = 20;
/// One in so many rows may be marked: 5 %.
const ONE_IN: u64 = 20;
/// Keys that a dry run names.
const NAMED: usize = 20;

/// How many rows of an account's dataset a reconcile may mark as deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeleteLimit {
    /// 20 rows or 5 % of those not marked, whichever is more.
    #[default]
    Few,
    /// So many rows.
    Rows(u64),
    /// Any number.
    All,
}

/// Keys that a reconcile met, 16 bytes each: some 20 to 36 bytes of memory a key.
pub struct SeenKeys {
    endpoint: &'static Endpoint,
    converter: RowConverter,
    hashes: HashSet<u128>,
}

/// What a reconcile did not find follows from these.
#[derive(Clone, Copy)]
pub struct Unseen<'a> {
    /// Account.
    pub account: &'a str,
    /// The keys that were found.
    pub seen: &'a SeenKeys,
    /// Rows with a later cursor are left alone.
    pub until: Seconds,
    /// Rows that a rival has read since are left alone: begin of the reconcile by the platform's clock.
    pub began: Millis,
}

/// Cursors of an account's rows, in whole seconds.
#[derive(Debug, Default)]
pub struct Cursors {
    /// The smallest, of rows that are marked as deleted too.
    pub first: Option<Seconds>,
    /// Those of the rows that are not, ascending.
    pub standing: Vec<Seconds>,
}

/// Rows that were found nowhere, and what became of them.
pub struct Marks {
    /// How many.
    pub vanished: u64,
    /// Rows of the account that were not marked before.
    pub standing: u64,
    /// Most rows that may be marked.
    pub most: u64,
    /// Keys of the first few, as text.
    pub named: Vec<String>,
    /// The commit that marks them; none when there is nothing to mark, or too much.
    pub committed: Option<(u64, Sums)>,
}

impl DeleteLimit {
    /// Most rows that may be marked of so many that are not marked yet.
    #[must_use]
    pub fn most(self, standing: u64) -> u64 {
        match self {
            Self::Few => (standing / ONE_IN).max(FEW_ROWS),
            Self::Rows(rows) => rows,
            Self::All => u64::MAX,
        }
    }
}

impl SeenKeys {
    /// No key.
    ///
    /// # Errors
    /// When a key column's type cannot be compared.
    pub fn new(endpoint: &'static Endpoint) -> Result<Self, WarehouseError> {
        let schema = page_schema(endpoint);
        let fields = endpoint.key_positions().into_iter().map(|position| schema.field(position));
        let fields = fields.map(|field| SortField::new(field.data_type().clone())).collect();
        let converter = RowConverter::new(fields).map_err(WarehouseError::storage(endpoint.dataset, "comparison"))?;
        Ok(Self { endpoint, converter, hashes: HashSet::new() })
    }

    /// Takes the keys of these rows.
    ///
    /// # Errors
    /// When a key column is missing.
    pub fn add(&mut self, rows: &RecordBatch) -> Result<(), WarehouseError> {
        let hashes = self.hashes_of(rows)?;
        self.hashes.extend(hashes);
        Ok(())
    }

    /// For each row whether its key was met.
    fn hold(&self, rows: &RecordBatch) -> Result<Vec<bool>, WarehouseError> {
        Ok(self.hashes_of(rows)?.iter().map(|hash| self.hashes.contains(hash)).collect())
    }

    fn hashes_of(&self, rows: &RecordBatch) -> Result<Vec<u128>, WarehouseError> {
        let columns = columns_of(self.endpoint.dataset, rows, self.endpoint.key)?;
        let failed = WarehouseError::storage(self.endpoint.dataset, "comparison");
        let keys = self.converter.convert_columns(&columns).map_err(failed)?;
        Ok(keys.iter().map(|key| twox_hash::XxHash3_128::oneshot(key.as_ref())).collect())
    }
}

impl DatasetTables {
    /// Cursors of an account's rows.
    ///
    /// # Errors
    /// When a data file cannot be read.
    pub async fn cursors(&self, account: &str) -> Result<Cursors, WarehouseError> {
        let mut cursors = Cursors::default();
        let Some(cursor) = self.endpoint.cursor() else { return Ok(cursors) };
        let reader = self.current.reader();
        for file in self.current.files(Some(account))? {
            for batch in reader.all_rows(&file.path, file.size, Some(&[cursor.field, DELETED_AT]), None).await? {
                let columns = columns_of(self.current.name(), &batch, &[cursor.field, DELETED_AT])?;
                for row in 0..batch.num_rows() {
                    let Some(at) = micros(&columns[0], row).map(Micros::floor_seconds) else {
                        continue;
                    };
                    cursors.first = Some(cursors.first.map_or(at, |first| first.min(at)));
                    cursors.standing.extend(columns[1].is_null(row).then_some(at));
                }
            }
        }
        cursors.standing.sort_unstable();
        Ok(cursors)
    }

    /// The rows that were found nowhere, marking none.
    ///
    /// # Errors
    /// When a data file cannot be read.
    pub async fn unseen(&self, unseen: Unseen<'_>, limit: DeleteLimit) -> Result<Marks, WarehouseError> {
        Ok(find(&self.current, self.endpoint, unseen).await?.1.within(limit))
    }

    /// Marks the rows that were found nowhere as deleted, unless they are more than the limit: they are looked up anew in
    /// the newest version, since a run beside may have landed some of them meanwhile.
    ///
    /// # Errors
    /// When a file cannot be read or written, or rivals win again and again.
    pub async fn mark(
        &mut self,
        record: &CommitRecord,
        read_at: Millis,
        unseen: Unseen<'_>,
        limit: DeleteLimit,
    ) -> Result<Marks, WarehouseError> {
        let name = self.history.name().to_owned();
        let actor = (&mut *self, (record, read_at, unseen, limit));
        let marks = contested(&name, actor, |(tables, (record, read_at, unseen, limit))| {
            tables.mark_once(record, *read_at, *unseen, *limit).boxed()
        })
        .await?;
        if marks.committed.is_some() {
            failpoint::hit(Place::Marked);
            self.catch_up().await?;
        }
        Ok(marks)
    }

    async fn mark_once(
        &mut self,
        record: &CommitRecord,
        read_at: Millis,
        unseen: Unseen<'_>,
        limit: DeleteLimit,
    ) -> Result<Marks, WarehouseError> {
        self.catch_up().await?;
        let (rows, marks) = find(&self.current, self.endpoint, unseen).await?;
        let mut marks = marks.within(limit);
        if rows.is_empty() || marks.vanished > marks.most {
            return Ok(marks);
        }
        failpoint::hit(Place::MarksFound);
        marks.committed = Some(self.commit_marks(record, read_at, &rows).await?);
        Ok(marks)
    }

    async fn commit_marks(
        &mut self,
        record: &CommitRecord,
        read_at: Millis,
        rows: &[RecordBatch],
    ) -> Result<(u64, Sums), WarehouseError> {
        let rows = concat_batches(self.current.schema(), rows)
            .map_err(WarehouseError::storage(self.current.name(), "comparison"))?;
        let logged = self.comparison(record).deletes(&rows, read_at)?;
        let counts = Counts { deleted: logged.num_rows() as u64, ..Counts::default() };
        let mut record = record.clone();
        let Due::Turn(turn) = self.reconcile_turn(&mut record).await? else {
            let reason = "a backfill has made another scope the one whose rows are there";
            return Err(WarehouseError::conflict(self.history.name(), reason));
        };
        self.write(&record, Changes { rows: Some(logged), counts }, turn).await
    }
}

impl Marks {
    fn within(mut self, limit: DeleteLimit) -> Self {
        self.most = limit.most(self.standing);
        self
    }
}

/// The rows that were found nowhere, in the current table's columns, and their count.
async fn find(
    current: &Table,
    endpoint: &'static Endpoint,
    unseen: Unseen<'_>,
) -> Result<(Vec<RecordBatch>, Marks), WarehouseError> {
    let reader = current.reader();
    let constants = current.partition().into_iter().map(|column| (column, unseen.account)).collect();
    let mut marks = Marks { vanished: 0, standing: 0, most: 0, named: Vec::new(), committed: None };
    let mut rows = Vec::new();
    for file in current.files(Some(unseen.account))? {
        let (positions, standing) = unseen_in(current, endpoint, &file, unseen).await?;
        marks.standing += standing;
        marks.vanished += positions.len() as u64;
        if positions.is_empty() {
            continue;
        }
        for batch in reader.all_rows(&file.path, file.size, None, Some(&positions)).await? {
            let keys = columns_of(current.name(), &batch, endpoint.key)?;
            let key =
                |row| keys.iter().map(|key| cell_text(key, row).unwrap_or_default()).collect::<Vec<_>>().join(",");
            marks.named.extend((0..batch.num_rows()).map(key).take(NAMED.saturating_sub(marks.named.len())));
            rows.push(conform(current.name(), &batch, current.schema(), &constants)?);
        }
    }
    Ok((rows, marks))
}

/// Positions of a file's rows that were found nowhere, and how many rows of it are not marked.
async fn unseen_in(
    current: &Table,
    endpoint: &Endpoint,
    file: &DataFile,
    unseen: Unseen<'_>,
) -> Result<(Vec<usize>, u64), WarehouseError> {
    let reader = current.reader();
    let cursor = endpoint.cursor().map_or(PULLED_AT, |cursor| cursor.field);
    let own = [cursor, PULLED_AT, DELETED_AT];
    let mut names = endpoint.key.to_vec();
    names.extend(own);
    let (mut positions, mut standing, mut base) = (Vec::new(), 0, 0);
    for batch in reader.all_rows(&file.path, file.size, Some(&names), None).await? {
        let seen = unseen.seen.hold(&batch)?;
        let columns = columns_of(current.name(), &batch, &own)?;
        let reached = |row| micros(&columns[0], row).is_some_and(|at| at.floor_seconds() <= unseen.until);
        let read_before = |row| micros(&columns[1], row).is_some_and(|at| at < unseen.began.micros());
        for row in (0..batch.num_rows()).filter(|&row| columns[2].is_null(row)) {
            standing += 1;
            positions.extend((!seen[row] && reached(row) && read_before(row)).then_some(base + row));
        }
        base += batch.num_rows();
    }
    Ok((positions, standing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_rows_or_five_percent_may_be_marked() {
        let few: Vec<u64> = [0, 399, 400, 419, 420, 10_000].map(|rows| DeleteLimit::Few.most(rows)).into();
        assert_eq!(few, [20, 20, 20, 20, 21, 500]);
        assert_eq!((DeleteLimit::Rows(3).most(1), DeleteLimit::All.most(1)), (3, u64::MAX));
    }
}
