//! The one file that names the Delta crate: open, create, read the log, write files, commit.
//!
//! Deltalake is built without its query engine (`docs/adr/0002`): what is needed here is its log, its conflict checks and
//! its file writer. Rows are found and rewritten by [`super::upsert`], which knows the files a key lives in.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use deltalake::kernel::engine::arrow_conversion::{TryIntoArrow as _, TryIntoKernel as _};
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake::kernel::{Action, Add, Remove, StructField, StructType, Transaction};
use deltalake::logstore::get_actions;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::writer::{DeltaWriter as _, RecordBatchWriter};
use deltalake::{DeltaTable, DeltaTableBuilder, DeltaTableError};
use object_store::ObjectStoreExt as _;
use object_store::local::LocalFileSystem;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::Value;
use url::Url;

use super::error::WarehouseError;
use super::faulty;
use super::files::Reader;
use super::filter::KeyFilters;
use super::schema::TableSpec;
use super::warehouse::Warehouse;
use crate::failpoint::{self, Place};

/// Rows of a Parquet row group: the writer holds one encoded group in memory.
const ROW_GROUP_ROWS: usize = 8 * 1024;
/// Bytes of a data page or a dictionary: each of some 75 columns holds one of each uncompressed.
const PAGE_BYTES: usize = 64 * 1024;
/// Key of this project's object in a commit's metadata.
const METADATA: &str = "wdtEtl";

/// One Delta table, at the version last loaded.
pub(crate) struct Table {
    name: String,
    partition: Option<&'static str>,
    schema: SchemaRef,
    inner: DeltaTable,
    filters: KeyFilters,
}

/// A data file of the loaded version.
#[derive(Debug, Clone)]
pub(crate) struct DataFile {
    /// Path below the table.
    pub(crate) path: object_store::path::Path,
    /// Bytes.
    pub(crate) size: u64,
    /// Rows, where the log knows them.
    pub(crate) rows: usize,
    remove: Remove,
}

/// What one commit does to a table.
#[derive(Default)]
pub(crate) struct Change {
    /// Files written by [`Table::writer`].
    pub(crate) adds: Vec<WrittenFile>,
    /// Files whose rows were written again or are gone.
    pub(crate) removes: Vec<DataFile>,
    /// Application id and version.
    pub(crate) transaction: Option<(String, i64)>,
    /// Another one that is repeated as it stands, so that a rival who moves it meanwhile is a conflict.
    pub(crate) unmoved: Option<(String, i64)>,
    /// This project's part of the commit's metadata.
    pub(crate) metadata: Option<Value>,
}

/// A file that is written and waits for its commit.
pub(crate) struct WrittenFile(Add);

/// What a commit says, by which it is known again in the log.
struct Said {
    /// Files with new rows: no two commits share one.
    files: Vec<object_store::path::Path>,
    transactions: Vec<(String, i64)>,
    metadata: Option<Value>,
}

/// One commit of a log as it is read back.
pub(crate) struct Commit {
    /// Files with new rows, in the order of the commit.
    pub(crate) files: Vec<(object_store::path::Path, u64)>,
    /// Rows of those files; `None` when the log does not say it of every one.
    pub(crate) rows: Option<u64>,
    /// Files whose rows the commit takes away.
    pub(crate) removed: usize,
    /// Application ids with their versions.
    pub(crate) transactions: Vec<(String, i64)>,
    /// This project's part of the commit's metadata.
    pub(crate) metadata: Option<Value>,
}

impl DataFile {
    /// Value of a partition column in all rows of the file.
    pub(crate) fn partition_value(&self, column: &str) -> Option<&str> {
        self.remove.partition_values.as_ref()?.get(column)?.as_deref()
    }
}

impl Table {
    /// Opens a table, or creates it when nothing is there.
    ///
    /// # Errors
    /// When the storage refuses, or a table of that name has other columns.
    pub(crate) async fn open_or_create(warehouse: &Warehouse, spec: &TableSpec) -> Result<Self, WarehouseError> {
        match Self::open(warehouse, spec).await? {
            Some(table) => Ok(table),
            None => Self::create(warehouse, spec).await,
        }
    }

    /// Opens a table; `None` when there is none.
    ///
    /// # Errors
    /// When the storage refuses, or a table of that name has other columns.
    pub(crate) async fn open(warehouse: &Warehouse, spec: &TableSpec) -> Result<Option<Self>, WarehouseError> {
        let failed = || WarehouseError::storage::<DeltaTableError>(&spec.name, "open");
        let address = warehouse.address(&spec.name)?;
        // the library refuses a local folder that is not there, where it should say that there is no table
        if address.to_file_path().is_ok_and(|folder| !folder.exists()) {
            return Ok(None);
        }
        let mut inner = delta_table(address).map_err(failed())?;
        if inner.version().is_none() {
            if !inner.verify_deltatable_existence().await.map_err(failed())? {
                return Ok(None);
            }
            inner.load().await.map_err(failed())?;
        }
        let found: Schema = arrow_schema(&inner).map_err(failed())?;
        spec.check(&found)?;
        Ok(Some(Self::new(inner, spec)))
    }

    async fn create(warehouse: &Warehouse, spec: &TableSpec) -> Result<Self, WarehouseError> {
        failpoint::hit(Place::TableMissing);
        let schema: StructType =
            spec.schema.as_ref().try_into_kernel().map_err(WarehouseError::storage(&spec.name, "create"))?;
        let address = warehouse.address(&spec.name)?;
        if let Ok(folder) = address.to_file_path() {
            std::fs::create_dir_all(folder).map_err(WarehouseError::storage(&spec.name, "create"))?;
        }
        let created = delta_table(address)
            .map_err(WarehouseError::storage(&spec.name, "create"))?
            .create()
            .with_table_name(spec.name.clone())
            .with_comment(spec.comment.clone())
            .with_save_mode(SaveMode::Ignore)
            .with_columns(schema.fields().cloned().collect::<Vec<StructField>>())
            .with_partition_columns(spec.partition)
            .with_configuration(spec.configuration())
            .await;
        failpoint::hit(Place::TableCreated);
        match created {
            Ok(inner) => Ok(Self::new(inner, spec)),
            Err(error) => match Box::pin(Self::open(warehouse, spec)).await? {
                Some(table) => Ok(table),
                None => Err(WarehouseError::storage(&spec.name, "create")(error)),
            },
        }
    }

    fn new(inner: DeltaTable, spec: &TableSpec) -> Self {
        Self {
            name: spec.name.clone(),
            partition: spec.partition,
            schema: Arc::clone(&spec.schema),
            inner,
            filters: KeyFilters::default(),
        }
    }

    /// Name of the table.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The partition column.
    pub(crate) const fn partition(&self) -> Option<&'static str> {
        self.partition
    }

    /// Every column, partition columns among them.
    pub(crate) const fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The loaded version.
    pub(crate) fn version(&self) -> u64 {
        self.inner.version().unwrap_or_default()
    }

    /// What is known of the keys in the data files.
    pub(crate) const fn filters(&self) -> &KeyFilters {
        &self.filters
    }

    /// The table's own id: another one after it was deleted and created anew.
    ///
    /// # Errors
    /// When no version is loaded.
    pub(crate) fn id(&self) -> Result<String, WarehouseError> {
        let snapshot = self.inner.snapshot().map_err(WarehouseError::storage(&self.name, "read of its id"))?;
        Ok(snapshot.metadata().id().to_owned())
    }

    /// Reads the table's data files.
    pub(crate) fn reader(&self) -> Reader {
        Reader::new(&self.name, self.inner.object_store())
    }

    /// Loads what was committed since.
    ///
    /// # Errors
    /// When the storage refuses.
    pub(crate) async fn refresh(&mut self) -> Result<(), WarehouseError> {
        failpoint::hit(Place::RefreshDue);
        self.inner.update_state().await.map_err(WarehouseError::storage(&self.name, "refresh"))?;
        failpoint::hit(Place::Refreshed);
        Ok(())
    }

    /// Version of an application's last transaction.
    ///
    /// # Errors
    /// When the storage refuses.
    pub(crate) async fn transaction(&self, app_id: &str) -> Result<Option<i64>, WarehouseError> {
        let failed = || WarehouseError::storage::<DeltaTableError>(&self.name, "read of a transaction");
        let snapshot = self.inner.snapshot().map_err(failed())?;
        snapshot.transaction_version(self.inner.log_store().as_ref(), app_id).await.map_err(failed())
    }

    /// Data files of the loaded version, of one partition if the table has any.
    ///
    /// # Errors
    /// When no version is loaded.
    pub(crate) fn files(&self, partition: Option<&str>) -> Result<Vec<DataFile>, WarehouseError> {
        let snapshot = self.inner.snapshot().map_err(WarehouseError::storage(&self.name, "list of files"))?;
        let mut files = Vec::new();
        for view in snapshot.log_data().iter() {
            let remove = view.remove_action(true);
            if let (Some(column), Some(wanted)) = (self.partition, partition) {
                let value = remove.partition_values.as_ref().and_then(|values| values.get(column));
                if value.and_then(Option::as_deref) != Some(wanted) {
                    continue;
                }
            }
            files.push(DataFile {
                path: view.object_store_path(),
                size: u64::try_from(view.size()).unwrap_or_default(),
                rows: view.num_records().unwrap_or_default(),
                remove,
            });
        }
        Ok(files)
    }

    /// A writer of data files; nothing it writes is part of the table until it is committed.
    ///
    /// # Errors
    /// When the table asks for something the writer does not know.
    pub(crate) fn writer(&self) -> Result<FileWriter, WarehouseError> {
        let inner = RecordBatchWriter::for_table(&self.inner)
            .map_err(WarehouseError::storage(&self.name, "write"))?
            .with_writer_properties(writer_properties());
        Ok(FileWriter { table: self.name.clone(), inner, adds: Vec::new() })
    }

    /// Commits a change that was made from the loaded version, and loads the result.
    ///
    /// # Errors
    /// [`WarehouseError::Conflict`] when a rival's commit touches the same application or files.
    pub(crate) async fn commit(&mut self, change: Change) -> Result<u64, WarehouseError> {
        let said = Said::of(&change);
        let mut properties = CommitProperties::default();
        if let Some(metadata) = change.metadata {
            properties = properties.with_metadata([(METADATA.to_owned(), metadata)]);
        }
        for (app_id, version) in change.transaction.into_iter().chain(change.unmoved) {
            properties = properties.with_application_transaction(Transaction::new(app_id, version));
        }
        let removed: Vec<_> = change.removes.iter().map(|file| file.path.clone()).collect();
        let mut actions: Vec<Action> = change.removes.into_iter().map(|file| Action::Remove(file.remove)).collect();
        actions.extend(change.adds.into_iter().map(|file| Action::Add(file.0)));
        let snapshot = self.inner.snapshot().map_err(WarehouseError::storage(&self.name, "commit"))?;
        let operation = DeltaOperation::Write {
            mode: SaveMode::Append,
            partition_by: self.partition.map(|column| vec![column.to_owned()]),
            predicate: None,
        };
        failpoint::hit(Place::CommitDue);
        let committed = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(snapshot), self.inner.log_store(), operation)
            .await;
        let version = match committed {
            Ok(committed) => committed.version(),
            Err(error) => self.said_all_the_same(&said, self.commit_error(error)).await?,
        };
        failpoint::hit(Place::Committed);
        for path in &removed {
            self.filters.forget(path);
        }
        self.refresh().await?;
        Ok(version)
    }

    /// The version of a commit that stands in the log although it was answered with an error: an answer may be lost, and a
    /// commit that is sent again finds itself as its rival.
    async fn said_all_the_same(&self, said: &Said, error: WarehouseError) -> Result<u64, WarehouseError> {
        let looked = self.find(said).await;
        let conflict = matches!(error, WarehouseError::Conflict { .. });
        match looked {
            Ok(Some(version)) => Ok(version),
            Ok(None) => {
                if conflict {
                    self.discard(&said.files).await;
                }
                Err(error)
            }
            // the files may be those of a commit that stands
            Err(unknown) if conflict => Err(unknown),
            Err(_) => Err(error),
        }
    }

    /// The version after the loaded one that says just that.
    async fn find(&self, said: &Said) -> Result<Option<u64>, WarehouseError> {
        let failed = || WarehouseError::storage::<DeltaTableError>(&self.name, "read of a commit");
        let loaded = self.version();
        let newest = self.inner.log_store().get_latest_version(loaded).await.map_err(failed())?;
        for version in loaded + 1..=newest {
            if self.read_commit(version).await?.is_some_and(|commit| said.is(&commit)) {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }

    /// One commit of the log; `None` when its file is gone.
    ///
    /// # Errors
    /// When the storage refuses or the commit cannot be read.
    pub(crate) async fn read_commit(&self, version: u64) -> Result<Option<Commit>, WarehouseError> {
        let failed = || WarehouseError::storage::<DeltaTableError>(&self.name, "read of a commit");
        let Some(bytes) = self.inner.log_store().read_commit_entry(version).await.map_err(failed())? else {
            return Ok(None);
        };
        let mut commit =
            Commit { files: Vec::new(), rows: Some(0), removed: 0, transactions: Vec::new(), metadata: None };
        for action in get_actions(version, &bytes).map_err(failed())? {
            match action {
                Action::Add(add) if add.data_change => {
                    let path = object_store::path::Path::parse(&add.path)
                        .map_err(WarehouseError::storage(&self.name, "read of a commit"))?;
                    commit.files.push((path, u64::try_from(add.size).unwrap_or_default()));
                    commit.rows = commit.rows.zip(rows_in(add.stats.as_deref())).map(|(rows, more)| rows + more);
                }
                Action::Remove(remove) if remove.data_change => commit.removed += 1,
                Action::Txn(transaction) => commit.transactions.push((transaction.app_id, transaction.version)),
                Action::CommitInfo(mut info) => commit.metadata = info.info.remove(METADATA),
                _ => {}
            }
        }
        Ok(Some(commit))
    }

    /// Takes away files of a commit that a rival overtook; one that stays behind is only an orphan.
    async fn discard(&self, written: &[object_store::path::Path]) {
        for path in written {
            let _orphan = self.inner.object_store().delete(path).await;
        }
    }

    fn commit_error(&self, error: DeltaTableError) -> WarehouseError {
        let table = self.name.clone();
        match error {
            DeltaTableError::Transaction { source: TransactionError::CommitConflict(conflict) } => {
                WarehouseError::Conflict { table, reason: conflict.to_string() }
            }
            DeltaTableError::VersionAlreadyExists(version) => {
                WarehouseError::Conflict { table, reason: format!("version {version} exists") }
            }
            other => WarehouseError::Storage { table, action: "commit", reason: other.to_string() },
        }
    }
}

/// Writes data files of one table.
pub(crate) struct FileWriter {
    table: String,
    inner: RecordBatchWriter,
    adds: Vec<WrittenFile>,
}

impl FileWriter {
    /// Adds rows to the open files of their partitions.
    ///
    /// # Errors
    /// When the storage refuses or the columns do not match.
    pub(crate) async fn write(&mut self, batch: RecordBatch) -> Result<(), WarehouseError> {
        self.inner.write(batch).await.map_err(WarehouseError::storage(&self.table, "write"))
    }

    /// Bytes of the open files so far.
    pub(crate) fn open_bytes(&self) -> usize {
        self.inner.buffer_len()
    }

    /// Ends the open files, so that the next rows begin new ones.
    ///
    /// # Errors
    /// When the storage refuses.
    pub(crate) async fn roll(&mut self) -> Result<(), WarehouseError> {
        failpoint::hit(Place::FileDue);
        let adds = self.inner.flush().await.map_err(WarehouseError::storage(&self.table, "write"))?;
        self.adds.extend(adds.into_iter().map(WrittenFile));
        failpoint::hit(Place::FileWritten);
        Ok(())
    }

    /// Ends the open files and returns every file written.
    ///
    /// # Errors
    /// When the storage refuses.
    pub(crate) async fn finish(mut self) -> Result<Vec<WrittenFile>, WarehouseError> {
        self.roll().await?;
        Ok(self.adds)
    }
}

impl Said {
    fn of(change: &Change) -> Self {
        let path = |file: &WrittenFile| object_store::path::Path::parse(&file.0.path).ok();
        Self {
            files: change.adds.iter().filter_map(path).collect(),
            transactions: change.transaction.iter().chain(&change.unmoved).cloned().collect(),
            metadata: change.metadata.clone(),
        }
    }

    /// Whether this is that commit; one without files may as well be a rival's that says the same.
    fn is(&self, commit: &Commit) -> bool {
        let same = commit.transactions == self.transactions && commit.metadata == self.metadata;
        commit.files.iter().map(|(path, _)| path).eq(&self.files) && (same || !self.files.is_empty())
    }
}

/// A table at an address, not loaded; over a store that fails where a test has armed one.
fn delta_table(address: Url) -> Result<DeltaTable, DeltaTableError> {
    let builder = DeltaTableBuilder::from_url(address.clone())?;
    match faulty::over(|| Arc::new(LocalFileSystem::new())) {
        Some(store) => builder.with_storage_backend(store, address).build(),
        None => builder.build(),
    }
}

/// Rows of a file by the statistics that the log keeps of it.
fn rows_in(stats: Option<&str>) -> Option<u64> {
    serde_json::from_str::<Value>(stats?).ok()?.get("numRecords")?.as_u64()
}

fn arrow_schema(table: &DeltaTable) -> Result<Schema, DeltaTableError> {
    let schema = table.snapshot()?.schema();
    schema.as_ref().try_into_arrow().map_err(DeltaTableError::from)
}

fn writer_properties() -> WriterProperties {
    let level = ZstdLevel::try_new(3).unwrap_or_default();
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_size_limit(PAGE_BYTES)
        .set_dictionary_page_size_limit(PAGE_BYTES)
        .set_created_by(concat!("wdt-etl ", env!("CARGO_PKG_VERSION")).to_owned())
        .build()
}

/// The Delta properties every table gets: the log is never cleaned, because certificates live in it.
pub(super) fn table_configuration(stats_columns: &[&str]) -> HashMap<String, Option<String>> {
    [
        ("delta.enableExpiredLogCleanup", "false".to_owned()),
        ("delta.logRetentionDuration", "interval 36500 days".to_owned()),
        ("delta.dataSkippingStatsColumns", stats_columns.join(",")),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), Some(value)))
    .collect()
}
