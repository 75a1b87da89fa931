//! One dataset's two tables: the history as the log, the current table as its projection.

use std::collections::{HashMap, HashSet};

use arrow::array::{ArrayRef, AsArray as _};
use arrow::datatypes::Int64Type;
use wdt_models::time::{Micros, Millis, Seconds};
use wdt_models::{Endpoint, IdSource, Slice, SyncMode};

use crate::application;
use crate::error::WarehouseError;
use crate::kept::change::DataFile;
use crate::kept::table::Table;
use crate::projection::{applied_version, folded, roll_forward};
use crate::record::{CommitRecord, Scope};
use crate::rows::{cell_text, columns_of, micros};
use crate::schema::{DELETED_AT, TableSpec};
use crate::warehouse::Warehouse;

/// The scope of each account, as of the history version up to which the log was searched.
pub(crate) type Scopes = HashMap<String, (u64, Option<Scope>)>;

/// The history and the current table of one dataset.
pub struct DatasetTables {
    /// What the dataset is.
    pub endpoint: &'static Endpoint,
    /// The log: every change, append-only.
    pub history: Table,
    /// The newest row of each key.
    pub current: Table,
    pub(crate) scopes: Scopes,
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
        Ok(Self { endpoint, history, current, scopes: Scopes::default() })
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
        Ok(opened.map(|(history, current)| Self { endpoint, history, current, scopes: Scopes::default() }))
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

    /// How far the dataset is complete for the account.
    ///
    /// # Errors
    /// When the storage refuses.
    pub async fn watermark(&self, account: &str) -> Result<Option<Seconds>, WarehouseError> {
        Ok(self.history.transaction(&application::run(account, self.endpoint.dataset)).await?.map(Seconds))
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

    /// How far the dataset is complete for the account: the watermark, or the oldest reading among these
    /// slices; `None` when there is none, or a slice was never read.
    ///
    /// # Errors
    /// When the storage refuses.
    pub async fn complete_until(&self, account: &str, slices: &[Slice]) -> Result<Option<Seconds>, WarehouseError> {
        if matches!(self.endpoint.sync, SyncMode::Incremental(_)) {
            return self.watermark(account).await;
        }
        let mut oldest = None;
        for slice in slices {
            let application = application::slice(account, self.endpoint.dataset, slice);
            let Some(read_at) = self.history.transaction(&application).await?.map(Millis) else { return Ok(None) };
            oldest = Some(oldest.map_or(read_at, |oldest: Millis| oldest.min(read_at)));
        }
        Ok(oldest.map(Millis::floor_seconds))
    }

    /// Values of the slices that contain rows of the account that are not marked as deleted.
    ///
    /// # Errors
    /// When a data file cannot be read.
    pub async fn standing_slices(&self, account: &str) -> Result<HashSet<Vec<String>>, WarehouseError> {
        let names: Vec<&str> = self.endpoint.dimensions().iter().map(|dimension| dimension.name).collect();
        // without a dimension any column says how many rows there are
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

    /// Key of each row of an account that is not marked as deleted, as text, with the second of its cursor.
    ///
    /// # Errors
    /// When a data file cannot be read.
    pub async fn current_keys(
        &self,
        account: &str,
    ) -> Result<HashMap<Vec<Option<String>>, Option<Seconds>>, WarehouseError> {
        let mut names = self.endpoint.key.to_vec();
        names.extend(self.endpoint.cursor().map(|cursor| cursor.field));
        let mut keys = HashMap::new();
        for columns in self.standing_columns(Some(account), &names).await? {
            let (key, cursor) = columns.split_at(self.endpoint.key.len());
            for row in 0..columns.first().map_or(0, arrow::array::Array::len) {
                let cursor = cursor.first().and_then(|cursor| micros(cursor, row));
                let key = key.iter().map(|column| cell_text(column, row)).collect();
                keys.insert(key, cursor.map(Micros::floor_seconds));
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
}

fn size(files: &[DataFile]) -> (usize, u64) {
    (files.iter().map(|file| file.rows).sum(), files.iter().map(|file| file.size).sum())
}
