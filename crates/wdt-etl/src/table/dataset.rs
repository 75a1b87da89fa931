//! One dataset's two tables: the history as the log, the current table as its projection.

use std::collections::HashMap;

use arrow::array::AsArray as _;
use arrow::datatypes::Int64Type;
use serde::{Deserialize, Serialize};
use url::Url;
use wdt_fetch::Certificate;
use wdt_models::Endpoint;

use super::delta::{Change, DataFile, Table};
use super::error::WarehouseError;
use super::files::Reader;
use super::log::{Counts, Reading, changes, write_by_date};
use super::projection::{applied_version, roll_forward};
use super::schema::TableSpec;
use super::upsert::{columns_of, micros};
use crate::failpoint;

/// Layout of [`CommitRecord`]; a reader refuses a newer one.
const COMMIT_FORMAT: u32 = 1;
/// So many rivals in a row and the commit is given up.
const MOST_CONFLICTS: u32 = 20;

/// The history and the current table of one dataset.
pub(crate) struct DatasetTables {
    pub(crate) endpoint: &'static Endpoint,
    pub(crate) history: Table,
    pub(crate) current: Table,
}

/// What a history commit says of itself, in its metadata.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CommitRecord {
    /// Layout of this object.
    pub(crate) format: u32,
    /// Version of wdt-etl.
    pub(crate) wdt_etl: String,
    /// `run`.
    pub(crate) kind: String,
    /// Run, account and dataset of the commit.
    pub(crate) run_id: String,
    pub(crate) account: String,
    pub(crate) merchant: String,
    pub(crate) dataset: String,
    /// Hash of what the account asks for.
    pub(crate) scope: String,
    /// First second ever asked for, epoch seconds.
    pub(crate) start: i64,
    /// How far the dataset is complete for the account, epoch seconds.
    pub(crate) watermark_after: i64,
    /// Begin of the run, epoch milliseconds.
    pub(crate) started_at: i64,
    /// Sums of the run so far, this commit included.
    pub(crate) sums: Sums,
    /// One per window.
    pub(crate) certificates: Vec<Certificate>,
    /// The records that could not be typed.
    pub(crate) quarantine: Vec<Quarantined>,
}

/// Sums over a run of one account and dataset.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Sums {
    pub(crate) calls: u64,
    pub(crate) retries: u64,
    pub(crate) waits: u64,
    pub(crate) waited_ms: u64,
    pub(crate) bytes: u64,
    pub(crate) windows: u64,
    /// Distinct records read, refused ones included.
    pub(crate) records: u64,
    pub(crate) changed: u64,
    pub(crate) unchanged: u64,
    pub(crate) stale: u64,
    pub(crate) refused: u64,
}

/// A record that could not be typed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Quarantined {
    pub(crate) window_start: i64,
    pub(crate) window_end: i64,
    pub(crate) page: u32,
    pub(crate) row: u64,
    pub(crate) column: String,
    pub(crate) text: String,
    pub(crate) reason: String,
    pub(crate) record: String,
    /// Platform time of the reading, epoch milliseconds.
    pub(crate) read_at: i64,
}

/// What is to be landed in one commit.
pub(crate) struct Landing {
    pub(crate) record: CommitRecord,
    pub(crate) readings: Vec<Reading>,
}

/// What became of a landing.
pub(crate) enum Landed {
    /// Committed as this history version.
    Committed { version: u64, sums: Sums },
    /// A rival had landed it already, up to this second.
    Already { watermark: i64 },
}

impl CommitRecord {
    /// The layout this version writes.
    pub(crate) const fn format() -> u32 {
        COMMIT_FORMAT
    }
}

impl DatasetTables {
    /// Opens or creates both tables.
    ///
    /// # Errors
    /// When the storage refuses, or a table of that name has other columns.
    pub(crate) async fn open_or_create(warehouse: &Url, endpoint: &'static Endpoint) -> Result<Self, WarehouseError> {
        let history = Table::open_or_create(warehouse, &TableSpec::history(endpoint)).await?;
        let current = Table::open_or_create(warehouse, &TableSpec::current(endpoint)).await?;
        Ok(Self { endpoint, history, current })
    }

    /// Opens both tables; `None` when one is missing.
    ///
    /// # Errors
    /// When the storage refuses, or a table of that name has other columns.
    pub(crate) async fn open(warehouse: &Url, endpoint: &'static Endpoint) -> Result<Option<Self>, WarehouseError> {
        let history = Table::open(warehouse, &TableSpec::history(endpoint)).await?;
        let current = Table::open(warehouse, &TableSpec::current(endpoint)).await?;
        Ok(history.zip(current).map(|(history, current)| Self { endpoint, history, current }))
    }

    /// Loads rivals' commits and brings the projection up to the log.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub(crate) async fn catch_up(&mut self) -> Result<u64, WarehouseError> {
        self.history.refresh().await?;
        self.current.refresh().await?;
        roll_forward(self.endpoint, &self.history, &mut self.current).await
    }

    /// How far the dataset is complete for the account, epoch seconds.
    ///
    /// # Errors
    /// When the storage refuses.
    pub(crate) async fn watermark(&self, account: &str) -> Result<Option<i64>, WarehouseError> {
        self.history.transaction(&application(account, self.endpoint.dataset)).await
    }

    /// The account's last commit, newest first; `None` when it has none.
    ///
    /// # Errors
    /// When the storage refuses.
    pub(crate) async fn last_record(&self, account: &str) -> Result<Option<CommitRecord>, WarehouseError> {
        for version in (1..=self.history.version()).rev() {
            if let Some(record) = self.record(version).await?.filter(|record| record.account == account) {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// The record of one history version; `None` for commits of others.
    ///
    /// # Errors
    /// When the storage refuses.
    pub(crate) async fn record(&self, version: u64) -> Result<Option<CommitRecord>, WarehouseError> {
        let Some(metadata) = self.history.read_commit(version).await?.and_then(|commit| commit.metadata) else {
            return Ok(None);
        };
        let later =
            |reason: String| WarehouseError::LaterFormat { table: self.history.name().to_owned(), version, reason };
        if metadata.get("format").and_then(serde_json::Value::as_u64) != Some(u64::from(COMMIT_FORMAT)) {
            return Err(later(format!("its metadata has a format other than {COMMIT_FORMAT}")));
        }
        serde_json::from_value(metadata).map(Some).map_err(|error| later(error.to_string()))
    }

    /// Rows and bytes of an account in the current table.
    ///
    /// # Errors
    /// When no version is loaded.
    pub(crate) fn current_size(&self, account: &str) -> Result<(usize, u64), WarehouseError> {
        Ok(size(&self.current.files(Some(account))?))
    }

    /// Cursor in epoch seconds of each key of an account in the current table; keys of integers only.
    ///
    /// # Errors
    /// When a data file cannot be read.
    pub(crate) async fn current_cursors(&self, account: &str) -> Result<HashMap<Vec<i64>, i64>, WarehouseError> {
        let reader = Reader::new(self.current.name(), self.current.store());
        let mut columns = self.endpoint.key.to_vec();
        columns.push(self.endpoint.cursor.field);
        let mut cursors = HashMap::new();
        for file in self.current.files(Some(account))? {
            for batch in reader.all_rows(&file.path, file.size, Some(&columns), None).await? {
                let mut found = columns_of(self.current.name(), &batch, &columns)?;
                let Some(cursor) = found.pop() else { continue };
                let keys: Vec<_> = found.iter().filter_map(|column| column.as_primitive_opt::<Int64Type>()).collect();
                for row in 0..batch.num_rows() {
                    let key = keys.iter().map(|column| column.value(row)).collect();
                    cursors.insert(key, micros(&cursor, row).unwrap_or_default().div_euclid(1_000_000));
                }
            }
        }
        Ok(cursors)
    }

    /// Rows and bytes of the history table.
    ///
    /// # Errors
    /// When no version is loaded.
    pub(crate) fn history_size(&self) -> Result<(usize, u64), WarehouseError> {
        Ok(size(&self.history.files(None)?))
    }

    /// History versions that the current table has not applied.
    ///
    /// # Errors
    /// When the storage refuses.
    pub(crate) async fn behind(&self) -> Result<u64, WarehouseError> {
        Ok(self.history.version().saturating_sub(applied_version(&self.current).await?))
    }

    /// Lands certified readings: rows that differ, watermark and certificates in one commit, then the projection.
    ///
    /// # Errors
    /// When a file cannot be read or written, or rivals win again and again.
    pub(crate) async fn land(&mut self, mut landing: Landing) -> Result<Landed, WarehouseError> {
        for _ in 0..MOST_CONFLICTS {
            self.catch_up().await?;
            if let Some(watermark) = self.watermark(&landing.record.account).await?
                && watermark >= landing.record.watermark_after
            {
                return Ok(Landed::Already { watermark });
            }
            match self.commit(&landing).await {
                Err(WarehouseError::Conflict { .. }) => {}
                Err(error) => return Err(error),
                Ok((version, sums)) => {
                    failpoint::hit(failpoint::LOG_COMMITTED);
                    // the fold reads the log's files; these rows would only double the memory
                    landing.readings.clear();
                    self.catch_up().await?;
                    failpoint::hit(failpoint::PROJECTED);
                    return Ok(Landed::Committed { version, sums });
                }
            }
        }
        let reason = format!("{MOST_CONFLICTS} commits in a row were overtaken");
        Err(WarehouseError::Conflict { table: self.history.name().to_owned(), reason })
    }

    async fn commit(&mut self, landing: &Landing) -> Result<(u64, Sums), WarehouseError> {
        let Landing { record, readings } = landing;
        let schema = self.history.schema();
        let changes = changes(&self.current, schema, self.endpoint, &record.account, &record.run_id, readings).await?;
        let mut writer = self.history.writer()?;
        if let Some(rows) = &changes.rows {
            write_by_date(&mut writer, rows).await?;
        }
        let adds = writer.finish().await?;
        failpoint::hit(failpoint::LOG_WRITTEN);
        let mut record = record.clone();
        record.sums.add(changes.counts);
        let transaction = Some((application(&record.account, self.endpoint.dataset), record.watermark_after));
        let metadata = serde_json::to_value(&record).map_err(WarehouseError::storage(self.history.name(), "commit"))?;
        let version =
            self.history.commit(Change { adds, removes: Vec::new(), transaction, metadata: Some(metadata) }).await?;
        Ok((version, record.sums))
    }
}

impl Sums {
    fn add(&mut self, counts: Counts) {
        self.changed += counts.changed;
        self.unchanged += counts.unchanged;
        self.stale += counts.stale;
    }
}

/// Application id of an account's runs of a dataset; its version is the watermark in epoch seconds.
fn application(account: &str, dataset: &str) -> String {
    format!("wdt-etl/run/{account}/{dataset}")
}

fn size(files: &[DataFile]) -> (usize, u64) {
    (files.iter().map(|file| file.rows).sum(), files.iter().map(|file| file.size).sum())
}
