//! One dataset's two tables: the history as the log, the current table as its projection.

use std::collections::{HashMap, HashSet};

use arrow::array::{ArrayRef, AsArray as _};
use arrow::datatypes::Int64Type;
use serde::{Deserialize, Serialize};
use wdt_models::decode::Refusal;
use wdt_models::{Certificate, Endpoint, IdSource, Slice, SyncMode, Window};

use super::error::WarehouseError;
use super::fold::folded;
use super::log::{Changes, Comparison, Counts, Reading, write_by_date};
use super::projection::{applied_version, roll_forward};
use super::question::{BackfillProgress, Questions, Turn};
use super::reconcile::ReconcileProgress;
use super::schema::{DELETED_AT, TableSpec};
use super::snapshot::{Picture, cell_text};
use super::upsert::{columns_of, micros};
use super::versioned::{Change, DataFile, Table};
use super::warehouse::Warehouse;
use crate::failpoint::{self, Place};

/// Layout of [`CommitRecord`]; a reader refuses a newer one.
const COMMIT_FORMAT: u32 = 1;
/// Readings of a slice closer together than this, in milliseconds, are in no known order: the platform's clock is known
/// from a header of whole seconds. Then the one that is landed last stands.
const CLOCK_RESOLUTION: i64 = 1000;
/// So many rivals in a row and the commit is given up.
pub(super) const MOST_CONFLICTS: u32 = 20;

/// The history and the current table of one dataset.
pub struct DatasetTables {
    pub endpoint: &'static Endpoint,
    pub history: Table,
    pub current: Table,
    pub(super) questions: Questions,
}

/// What a history commit says of itself, in its metadata.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CommitRecord {
    /// Layout of this object.
    pub format: u32,
    /// Version of wdt-etl.
    pub wdt_etl: String,
    /// `run`, `backfill` or `reconcile`.
    pub kind: String,
    /// Run, account and dataset of the commit.
    pub run_id: String,
    pub account: String,
    pub merchant: String,
    pub dataset: String,
    /// Hash of what the account asks for; of a backfill that is not done, of what it has asked for so far.
    pub scope: String,
    /// First second from which on nothing is missing, epoch seconds.
    pub start: i64,
    /// How far the dataset is complete for the account, epoch seconds; of a snapshot, nothing.
    #[serde(default)]
    pub watermark_after: Option<i64>,
    /// The slice that the commit replaces, of a snapshot.
    #[serde(default)]
    pub slice: Option<Slice>,
    /// Platform time of the slice's reading, epoch milliseconds.
    #[serde(default)]
    pub read_at: Option<i64>,
    /// Range and progress of a reconcile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconcile: Option<ReconcileProgress>,
    /// Range and progress, of a backfill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backfill: Option<BackfillProgress>,
    /// The range in which an operator takes windows as they are, where this commit holds one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept: Option<Window>,
    /// Begin of the run, epoch milliseconds.
    pub started_at: i64,
    /// Sums of the run so far, this commit included.
    pub sums: Sums,
    /// One per window.
    pub certificates: Vec<Certificate>,
    /// The records that could not be typed.
    pub quarantine: Vec<Quarantined>,
}

/// Sums over a run of one account and dataset.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Sums {
    pub calls: u64,
    pub retries: u64,
    pub waits: u64,
    pub waited_ms: u64,
    pub bytes: u64,
    pub windows: u64,
    /// Distinct records read, refused ones included.
    pub records: u64,
    pub changed: u64,
    pub unchanged: u64,
    pub stale: u64,
    /// Of the changed ones, those whose cursor is that of their current row.
    #[serde(default)]
    pub unmoved: u64,
    pub refused: u64,
    /// Rows that vanished upstream.
    #[serde(default)]
    pub deleted: u64,
    /// Ids that the platform itself refuses; they do not count against a limit.
    #[serde(default)]
    pub refused_upstream: u64,
    /// Rows that no phase of a reconcile found, marked or not.
    #[serde(default)]
    pub vanished: u64,
}

/// A record that could not be typed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Quarantined {
    pub window_start: Option<i64>,
    pub window_end: Option<i64>,
    #[serde(default)]
    pub slice: Option<Slice>,
    pub page: u32,
    pub row: u64,
    pub column: String,
    pub text: String,
    pub reason: String,
    pub record: String,
    /// Platform time of the reading, epoch milliseconds.
    pub read_at: i64,
}

/// What is to be landed in one commit.
pub struct Landing {
    pub record: CommitRecord,
    pub readings: Vec<Reading>,
    /// Of a snapshot: what the reading says beside its rows.
    pub picture: Option<Picture>,
}

/// What became of a landing.
pub enum Landed {
    /// Committed as this history version.
    Committed { version: u64, sums: Sums },
    /// A rival had landed it already: up to this second, or this slice at this millisecond.
    Already { version: i64 },
    /// A backfill has meanwhile made another question the one whose rows are there.
    OtherQuestion,
}

impl Quarantined {
    /// A refused record of a window or of a slice.
    pub fn new(refused: Refusal, window: Option<Window>, slice: Option<&Slice>, read_at: i64) -> Self {
        let Refusal { page, row, column, text, reason, record } = refused;
        let (window_start, window_end) = (window.map(|window| window.start), window.map(|window| window.end));
        let (slice, row) = (slice.cloned(), row as u64);
        Self { window_start, window_end, slice, page, row, column, text, reason, record, read_at }
    }
}

impl CommitRecord {
    /// The layout this version writes.
    pub const fn format() -> u32 {
        COMMIT_FORMAT
    }

    /// The record in the metadata of a history's commit; `None` for commits of others.
    ///
    /// # Errors
    /// [`WarehouseError::LaterFormat`] when it cannot be understood.
    pub fn read(
        table: &str,
        version: u64,
        metadata: Option<serde_json::Value>,
    ) -> Result<Option<Self>, WarehouseError> {
        let Some(metadata) = metadata else { return Ok(None) };
        let later = |reason: String| WarehouseError::LaterFormat { table: table.to_owned(), version, reason };
        if metadata.get("format").and_then(serde_json::Value::as_u64) != Some(u64::from(COMMIT_FORMAT)) {
            return Err(later(format!("its metadata has a format other than {COMMIT_FORMAT}")));
        }
        serde_json::from_value(metadata).map(Some).map_err(|error| later(error.to_string()))
    }

    /// Version of the commit over the stored one; `None` when a rival had landed the same or a later reading.
    pub(super) fn version(&self, stored: Option<i64>) -> Option<i64> {
        let stored = stored.unwrap_or(i64::MIN);
        if self.slice.is_none() {
            return self.watermark_after.filter(|end| *end > stored);
        }
        let read_at = self.read_at.filter(|read_at| read_at.saturating_add(CLOCK_RESOLUTION) >= stored);
        read_at.map(|read_at| read_at.max(stored.saturating_add(1)))
    }
}

impl DatasetTables {
    /// Opens or creates both tables. A current table that is not kept is folded from the history.
    ///
    /// # Errors
    /// When the storage refuses, or a table of that name has other columns.
    pub async fn open_or_create(warehouse: &Warehouse, endpoint: &'static Endpoint) -> Result<Self, WarehouseError> {
        let history = Table::open_or_create(warehouse, &TableSpec::history(endpoint)).await?;
        let current = if warehouse.keeps_current() {
            Table::open_or_create(warehouse, &TableSpec::current(endpoint)).await?
        } else {
            folded(endpoint, &history).await?
        };
        Ok(Self { endpoint, history, current, questions: Questions::default() })
    }

    /// Opens both tables; `None` when one is missing. A current table that is not kept is folded from the history.
    ///
    /// # Errors
    /// When the storage refuses, or a table of that name has other columns.
    pub async fn open(warehouse: &Warehouse, endpoint: &'static Endpoint) -> Result<Option<Self>, WarehouseError> {
        let history = Table::open(warehouse, &TableSpec::history(endpoint)).await?;
        let current = match &history {
            Some(history) if !warehouse.keeps_current() => Some(folded(endpoint, history).await?),
            _ => Table::open(warehouse, &TableSpec::current(endpoint)).await?,
        };
        let opened = history.zip(current);
        Ok(opened.map(|(history, current)| Self { endpoint, history, current, questions: Questions::default() }))
    }

    /// Loads rivals' commits and brings the projection up to the log.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub async fn catch_up(&mut self) -> Result<u64, WarehouseError> {
        self.history.refresh().await?;
        self.current.refresh().await?;
        roll_forward(self.endpoint, &mut self.history, &mut self.current).await
    }

    /// How far the dataset is complete for the account, epoch seconds.
    ///
    /// # Errors
    /// When the storage refuses.
    pub async fn watermark(&self, account: &str) -> Result<Option<i64>, WarehouseError> {
        self.history.transaction(&application(account, self.endpoint.dataset)).await
    }

    /// The record of one history version; `None` for commits of others.
    ///
    /// # Errors
    /// When the storage refuses.
    pub async fn record(&self, version: u64) -> Result<Option<CommitRecord>, WarehouseError> {
        let metadata = self.history.read_commit(version).await?.and_then(|commit| commit.metadata);
        CommitRecord::read(self.history.name(), version, metadata)
    }

    /// Rows and bytes of an account in the current table.
    ///
    /// # Errors
    /// When no version is loaded.
    pub fn current_size(&self, account: &str) -> Result<(usize, u64), WarehouseError> {
        Ok(size(&self.current.files(Some(account))?))
    }

    /// How far the dataset is complete for the account, epoch seconds: the watermark, or the oldest reading among these
    /// slices; `None` when there is none, or a slice was never read.
    ///
    /// # Errors
    /// When the storage refuses.
    pub async fn complete_until(&self, account: &str, slices: &[Slice]) -> Result<Option<i64>, WarehouseError> {
        if matches!(self.endpoint.sync, SyncMode::Incremental(_)) {
            return self.watermark(account).await;
        }
        let mut oldest = None;
        for slice in slices {
            let application = slice_application(account, self.endpoint.dataset, slice);
            let Some(read_at) = self.history.transaction(&application).await? else { return Ok(None) };
            oldest = Some(oldest.map_or(read_at, |oldest: i64| oldest.min(read_at)));
        }
        Ok(oldest.map(|read_at| read_at.div_euclid(1000)))
    }

    /// Values of the slices in which rows of the account stand that are not marked as deleted.
    ///
    /// # Errors
    /// When a data file cannot be read.
    pub async fn standing_slices(&self, account: &str) -> Result<HashSet<Vec<String>>, WarehouseError> {
        let names: Vec<&str> = self.endpoint.dimensions().iter().map(|dimension| dimension.name).collect();
        // without a dimension any column tells how many rows there are
        let read = if names.is_empty() { self.endpoint.key } else { &names };
        let mut standing = HashSet::new();
        for columns in self.standing_columns(Some(account), read).await? {
            let rows = columns.first().map_or(0, arrow::array::Array::len);
            let values = |row| columns.iter().take(names.len()).filter_map(|column| cell_text(column, row)).collect();
            standing.extend((0..rows).map(values));
        }
        Ok(standing)
    }

    /// The ids of an account's current rows that another dataset asks for, ascending.
    ///
    /// # Errors
    /// When a data file cannot be read.
    pub async fn ids(&self, account: &str, source: &IdSource) -> Result<Vec<i64>, WarehouseError> {
        let mut ids = Vec::new();
        let (filter, wanted) = source.only;
        for columns in self.standing_columns(Some(account), &[source.column, filter]).await? {
            let numbers: Vec<_> = columns.iter().filter_map(|column| column.as_primitive_opt::<Int64Type>()).collect();
            let [found, filter] = numbers.as_slice() else { continue };
            let pairs = found.iter().zip(filter.iter());
            ids.extend(pairs.filter(|(_, filter)| *filter == Some(wanted)).filter_map(|(id, _)| id));
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// Key of each row of an account that is not marked as deleted, as text, with its cursor in epoch seconds.
    ///
    /// # Errors
    /// When a data file cannot be read.
    pub async fn current_keys(
        &self,
        account: &str,
    ) -> Result<HashMap<Vec<Option<String>>, Option<i64>>, WarehouseError> {
        let mut names = self.endpoint.key.to_vec();
        names.extend(self.endpoint.cursor().map(|cursor| cursor.field));
        let mut keys = HashMap::new();
        for columns in self.standing_columns(Some(account), &names).await? {
            let (key, cursor) = columns.split_at(self.endpoint.key.len());
            for row in 0..columns.first().map_or(0, arrow::array::Array::len) {
                let cursor = cursor.first().and_then(|cursor| micros(cursor, row));
                let key = key.iter().map(|column| cell_text(column, row)).collect();
                keys.insert(key, cursor.map(|micros| micros.div_euclid(1_000_000)));
            }
        }
        Ok(keys)
    }

    /// The first few rows that are not marked as deleted, as text.
    ///
    /// # Errors
    /// When a data file cannot be read.
    pub async fn sample(&self, columns: &[&str], rows: usize) -> Result<Vec<Vec<Option<String>>>, WarehouseError> {
        let mut sample = Vec::new();
        for columns in self.standing_columns(None, columns).await? {
            let count = columns.first().map_or(0, arrow::array::Array::len).min(rows - sample.len());
            sample.extend((0..count).map(|row| columns.iter().map(|column| cell_text(column, row)).collect()));
        }
        Ok(sample)
    }

    /// Columns of an account's rows, or of all, that are not marked as deleted, file by file.
    async fn standing_columns(
        &self,
        account: Option<&str>,
        names: &[&str],
    ) -> Result<Vec<Vec<ArrayRef>>, WarehouseError> {
        let reader = self.current.reader();
        let mut read = names.to_vec();
        read.push(DELETED_AT);
        let mut found = Vec::new();
        for file in self.current.files(account)? {
            for batch in reader.all_rows(&file.path, file.size, Some(&read), None).await? {
                let deleted = columns_of(self.current.name(), &batch, &[DELETED_AT])?.remove(0);
                let standing = arrow::compute::is_null(&deleted)
                    .and_then(|standing| arrow::compute::filter_record_batch(&batch, &standing))
                    .map_err(WarehouseError::storage(self.current.name(), "look-up"))?;
                found.push(columns_of(self.current.name(), &standing, names)?);
            }
        }
        Ok(found)
    }

    /// Rows and bytes of the history table.
    ///
    /// # Errors
    /// When no version is loaded.
    pub fn history_size(&self) -> Result<(usize, u64), WarehouseError> {
        Ok(size(&self.history.files(None)?))
    }

    /// History versions that the current table has not applied.
    ///
    /// # Errors
    /// When the storage refuses.
    pub async fn behind(&self) -> Result<u64, WarehouseError> {
        Ok(self.history.version().saturating_sub(applied_version(&self.current).await?))
    }

    /// Lands certified readings: rows that differ, watermark and certificates in one commit, then the projection.
    ///
    /// # Errors
    /// When a file cannot be read or written, or rivals win again and again.
    pub async fn land(&mut self, mut landing: Landing) -> Result<Landed, WarehouseError> {
        for _ in 0..MOST_CONFLICTS {
            self.catch_up().await?;
            let turn = match self.turn(&mut landing.record).await? {
                Ok(turn) => turn,
                Err(late) => return Ok(late),
            };
            match self.commit(&landing, turn).await {
                Err(WarehouseError::Conflict { .. }) => {}
                Err(error) => return Err(error),
                Ok((version, sums)) => {
                    failpoint::hit(Place::LogCommitted);
                    // the fold reads the log's files; these rows would only double the memory
                    landing.readings.clear();
                    self.catch_up().await?;
                    failpoint::hit(Place::Projected);
                    return Ok(Landed::Committed { version, sums });
                }
            }
        }
        let reason = format!("{MOST_CONFLICTS} commits in a row were overtaken");
        Err(WarehouseError::Conflict { table: self.history.name().to_owned(), reason })
    }

    pub(super) async fn commit(&mut self, landing: &Landing, turn: Turn) -> Result<(u64, Sums), WarehouseError> {
        let Landing { record, readings, picture } = landing;
        let changes = self.comparison(record).changes(readings, picture.as_ref()).await?;
        failpoint::hit(Place::Compared);
        self.write(record, changes, turn).await
    }

    /// What records are compared with, on behalf of a commit.
    pub(super) fn comparison<'a>(&'a self, record: &'a CommitRecord) -> Comparison<'a> {
        Comparison {
            current: &self.current,
            history: self.history.schema(),
            endpoint: self.endpoint,
            account: &record.account,
            run_id: &record.run_id,
        }
    }

    /// Commits what differs to the history.
    pub(super) async fn write(
        &mut self,
        record: &CommitRecord,
        changes: Changes,
        turn: Turn,
    ) -> Result<(u64, Sums), WarehouseError> {
        let mut writer = self.history.writer()?;
        if let Some(rows) = &changes.rows {
            write_by_date(&mut writer, rows).await?;
        }
        let adds = writer.finish().await?;
        failpoint::hit(Place::LogWritten);
        let mut record = record.clone();
        record.sums.add(changes.counts);
        let Turn { transaction, unmoved } = turn;
        let metadata = serde_json::to_value(&record).map_err(WarehouseError::storage(self.history.name(), "commit"))?;
        let (transaction, metadata) = (Some(transaction), Some(metadata));
        let change = Change { adds, transaction, unmoved, metadata, ..Change::default() };
        Ok((self.history.commit(change).await?, record.sums))
    }
}

impl Sums {
    fn add(&mut self, counts: Counts) {
        self.changed += counts.changed;
        self.unchanged += counts.unchanged;
        self.stale += counts.stale;
        self.unmoved += counts.unmoved;
        self.deleted += counts.deleted;
    }
}

/// Application id of an account's runs of a dataset; its version is the watermark in epoch seconds.
pub(super) fn application(account: &str, dataset: &str) -> String {
    format!("wdt-etl/run/{account}/{dataset}")
}

/// Application id of an account's readings of one slice; its version is the platform time in milliseconds.
pub(super) fn slice_application(account: &str, dataset: &str, slice: &Slice) -> String {
    format!("wdt-etl/run/{account}/{dataset}/{slice}")
}

fn size(files: &[DataFile]) -> (usize, u64) {
    (files.iter().map(|file| file.rows).sum(), files.iter().map(|file| file.size).sum())
}
