//! Delta tables; with `delta/` the one place that names the Delta crate: open, create, read the log, write files, commit.
//!
//! Deltalake is built without its query engine (`docs/adr/0002`): what is needed here is its log, its conflict checks and
//! its file writer. Rows are found and rewritten by [`crate::upsert`], which knows the files a key lives in.

pub(crate) mod action;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use deltalake::kernel::engine::arrow_conversion::{TryIntoArrow as _, TryIntoKernel as _};
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties, TransactionError};
use deltalake::kernel::{Action, StructField, StructType, Transaction};
use deltalake::logstore::get_actions;
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::writer::{DeltaWriter as _, RecordBatchWriter};
use deltalake::{DeltaTable, DeltaTableBuilder, DeltaTableError};
#[cfg(feature = "test-util")]
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use serde_json::Value;
use url::Url;

use self::action::{Listed, Written};
use super::change::{AddedFile, Change, Commit, DataFile, ListedFile};
use super::encoding::writer_properties;
use crate::error::WarehouseError;
use crate::failpoint::{self, Place};
use crate::schema::TableSpec;

/// Key of this project's object in a commit's metadata.
const METADATA: &str = "wdtEtl";

/// One Delta table, at the version last loaded.
pub(super) struct DeltaHandle {
    name: String,
    partition: Option<&'static str>,
    inner: DeltaTable,
}

/// What a commit says, by which it is known again in the log.
struct Said {
    /// Files with new rows: no two commits share one.
    files: Vec<Path>,
    /// How many files it takes away.
    removed: usize,
    transactions: Vec<(String, i64)>,
    metadata: Option<Value>,
}

impl DeltaHandle {
    /// Opens a table; `None` when there is none.
    ///
    /// # Errors
    /// When the storage refuses, or a table of that name has other columns.
    pub(super) async fn open(address: Url, spec: &TableSpec) -> Result<Option<Self>, WarehouseError> {
        let Some((inner, found)) = load(address, &spec.name).await? else { return Ok(None) };
        spec.check(&found)?;
        Ok(Some(Self::new(inner, spec)))
    }

    /// Opens a table as it is, with its columns; `None` when there is none.
    ///
    /// # Errors
    /// When the storage refuses.
    pub(super) async fn find(address: Url, name: &str) -> Result<Option<(Self, SchemaRef)>, WarehouseError> {
        let found = load(address, name).await?;
        let handle = |inner| Self { name: name.to_owned(), partition: None, inner };
        Ok(found.map(|(inner, schema)| (handle(inner), Arc::new(schema))))
    }

    /// Opens a table, or creates it, or opens the one that a rival has created meanwhile.
    ///
    /// # Errors
    /// When the storage refuses, or a table of that name has other columns.
    pub(super) async fn open_or_create(address: Url, spec: &TableSpec) -> Result<Self, WarehouseError> {
        match Self::open(address.clone(), spec).await? {
            Some(table) => Ok(table),
            None => Self::create(address, spec).await,
        }
    }

    async fn create(address: Url, spec: &TableSpec) -> Result<Self, WarehouseError> {
        failpoint::hit(Place::TableMissing);
        let schema: StructType =
            spec.schema.as_ref().try_into_kernel().map_err(WarehouseError::storage(&spec.name, "create"))?;
        if let Ok(folder) = address.to_file_path() {
            std::fs::create_dir_all(folder).map_err(WarehouseError::storage(&spec.name, "create"))?;
        }
        let created = delta_table(&address)
            .map_err(WarehouseError::storage(&spec.name, "create"))?
            .create()
            .with_table_name(spec.name.clone())
            .with_comment(spec.comment.clone())
            .with_save_mode(SaveMode::Ignore)
            .with_columns(schema.fields().cloned().collect::<Vec<StructField>>())
            .with_partition_columns(spec.partition)
            .with_configuration(configuration(&spec.stats))
            // tried again it would give the table of a rival who was first another id
            .with_commit_properties(CommitProperties::default().with_max_retries(0))
            .await;
        failpoint::hit(Place::TableCreated);
        match created {
            Ok(inner) => Ok(Self::new(inner, spec)),
            Err(error) => match Box::pin(Self::open(address, spec)).await? {
                Some(table) => Ok(table),
                None => Err(WarehouseError::storage(&spec.name, "create")(error)),
            },
        }
    }

    fn new(inner: DeltaTable, spec: &TableSpec) -> Self {
        Self { name: spec.name.clone(), partition: spec.partition, inner }
    }

    /// The loaded version.
    pub(super) fn version(&self) -> u64 {
        self.inner.version().unwrap_or_default()
    }

    /// The table's own id: another one after it was deleted and created anew.
    ///
    /// # Errors
    /// When no version is loaded.
    pub(super) fn id(&self) -> Result<String, WarehouseError> {
        let snapshot = self.inner.snapshot().map_err(WarehouseError::storage(&self.name, "read of its id"))?;
        Ok(snapshot.metadata().id().to_owned())
    }

    /// The store of the table's data files.
    pub(super) fn store(&self) -> Arc<dyn ObjectStore> {
        self.inner.object_store()
    }

    /// Loads what was committed since.
    ///
    /// # Errors
    /// When the storage refuses.
    pub(super) async fn refresh(&mut self) -> Result<(), WarehouseError> {
        failpoint::hit(Place::RefreshDue);
        self.inner.update_state().await.map_err(WarehouseError::storage(&self.name, "refresh"))?;
        failpoint::hit(Place::Refreshed);
        Ok(())
    }

    /// Version of an application's last transaction.
    ///
    /// # Errors
    /// When the storage refuses.
    pub(super) async fn transaction(&self, app_id: &str) -> Result<Option<i64>, WarehouseError> {
        let failed = || WarehouseError::storage::<DeltaTableError>(&self.name, "read of a transaction");
        let snapshot = self.inner.snapshot().map_err(failed())?;
        snapshot.transaction_version(self.inner.log_store().as_ref(), app_id).await.map_err(failed())
    }

    /// Data files of the loaded version, of one partition if the table has any.
    ///
    /// # Errors
    /// When no version is loaded.
    pub(super) fn files(&self, partition: Option<&str>) -> Result<Vec<DataFile>, WarehouseError> {
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
                listed: ListedFile::Delta(Listed(remove)),
            });
        }
        Ok(files)
    }

    /// A writer of data files; nothing it writes is part of the table until it is committed.
    ///
    /// # Errors
    /// When the table asks for something the writer does not know.
    pub(super) fn writer(&self) -> Result<DeltaWriter, WarehouseError> {
        let inner = RecordBatchWriter::for_table(&self.inner)
            .map_err(WarehouseError::storage(&self.name, "write"))?
            .with_writer_properties(writer_properties());
        Ok(DeltaWriter { table: self.name.clone(), inner })
    }

    /// Commits a change that was made from the loaded version, which stays loaded.
    ///
    /// # Errors
    /// [`WarehouseError::Conflict`] when a rival's commit touches the same application or files.
    pub(super) async fn commit(&self, change: Change) -> Result<u64, WarehouseError> {
        let said = Said::of(&change);
        let mut properties = CommitProperties::default();
        if let Some(metadata) = change.metadata {
            properties = properties.with_metadata([(METADATA.to_owned(), metadata)]);
        }
        for (app_id, version) in change.transaction.into_iter().chain(change.holds) {
            properties = properties.with_application_transaction(Transaction::new(app_id, version));
        }
        let mut actions = Vec::new();
        for file in change.removes {
            let ListedFile::Delta(Listed(remove)) = file.listed else { return Err(self.foreign()) };
            actions.push(Action::Remove(remove));
        }
        for file in change.adds {
            let AddedFile::Delta(Written(add)) = file.added else { return Err(self.foreign()) };
            actions.push(Action::Add(add));
        }
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
            Err(error) => self.landed_after_all(&said, self.commit_error(error)).await?,
        };
        failpoint::hit(Place::Committed);
        Ok(version)
    }

    /// The version of a commit that is in the log although it was answered with an error: an answer may be lost, and a
    /// commit that is sent again finds itself as its rival.
    async fn landed_after_all(&self, said: &Said, error: WarehouseError) -> Result<u64, WarehouseError> {
        let conflict = matches!(error, WarehouseError::Conflict { .. });
        match self.version_of(said).await {
            Ok(Some(version)) => Ok(version),
            Ok(None) => {
                if conflict {
                    self.discard(&said.files).await;
                }
                Err(error)
            }
            // the files may be those of a commit that landed
            Err(unknown) if conflict => Err(unknown),
            Err(_) => Err(error),
        }
    }

    /// The version after the loaded one that says just that.
    async fn version_of(&self, said: &Said) -> Result<Option<u64>, WarehouseError> {
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
    pub(super) async fn read_commit(&self, version: u64) -> Result<Option<Commit>, WarehouseError> {
        let failed = || WarehouseError::storage::<DeltaTableError>(&self.name, "read of a commit");
        let Some(bytes) = self.inner.log_store().read_commit_entry(version).await.map_err(failed())? else {
            return Ok(None);
        };
        let mut commit = Commit { rows: Some(0), ..Commit::default() };
        for action in get_actions(version, &bytes).map_err(failed())? {
            match action {
                Action::Add(add) if add.data_change => {
                    let path =
                        Path::parse(&add.path).map_err(WarehouseError::storage(&self.name, "read of a commit"))?;
                    commit.files.push((path, u64::try_from(add.size).unwrap_or_default()));
                    commit.partitions.push(add.partition_values);
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
    async fn discard(&self, written: &[Path]) {
        for path in written {
            let _orphan = self.inner.object_store().delete(path).await;
        }
    }

    /// A file of a table that is kept in another way.
    fn foreign(&self) -> WarehouseError {
        WarehouseError::storage(&self.name, "commit")("a file is no part of a Delta table")
    }

    fn commit_error(&self, error: DeltaTableError) -> WarehouseError {
        let table = &self.name;
        match error {
            DeltaTableError::Transaction { source: TransactionError::CommitConflict(conflict) } => {
                WarehouseError::conflict(table, conflict)
            }
            DeltaTableError::VersionAlreadyExists(version) => {
                WarehouseError::conflict(table, format!("version {version} exists"))
            }
            other => WarehouseError::storage(table, "commit")(other),
        }
    }
}

/// Writes data files of one Delta table.
pub(super) struct DeltaWriter {
    table: String,
    inner: RecordBatchWriter,
}

impl DeltaWriter {
    /// Adds rows to the open files of their partitions.
    ///
    /// # Errors
    /// When the storage refuses or the columns do not match.
    pub(super) async fn write(&mut self, batch: RecordBatch) -> Result<(), WarehouseError> {
        self.inner.write(batch).await.map_err(WarehouseError::storage(&self.table, "write"))
    }

    /// Bytes of the open files so far.
    pub(super) fn open_bytes(&self) -> usize {
        self.inner.buffer_len()
    }

    /// Ends the open files and gives them.
    ///
    /// # Errors
    /// When the storage refuses.
    pub(super) async fn roll(&mut self) -> Result<impl Iterator<Item = Written> + use<>, WarehouseError> {
        failpoint::hit(Place::FileDue);
        let adds = self.inner.flush().await.map_err(WarehouseError::storage(&self.table, "write"))?;
        failpoint::hit(Place::FileWritten);
        Ok(adds.into_iter().map(Written))
    }
}

impl Said {
    fn of(change: &Change) -> Self {
        let added = change.adds.iter().filter_map(|file| match &file.added {
            AddedFile::Delta(Written(add)) => Path::parse(&add.path).ok(),
            AddedFile::Memory(_) | AddedFile::Parquet(_) => None,
        });
        Self {
            files: added.collect(),
            removed: change.removes.len(),
            transactions: change.transaction.iter().chain(&change.holds).cloned().collect(),
            metadata: change.metadata.clone(),
        }
    }

    /// Whether this is that commit; one without files may as well be a rival's that says the same.
    fn is(&self, commit: &Commit) -> bool {
        let same = commit.removed == self.removed
            && commit.transactions == self.transactions
            && commit.metadata == self.metadata;
        commit.files.iter().map(|(path, _)| path).eq(&self.files) && (same || !self.files.is_empty())
    }
}

/// A table at an address, not loaded; over a store that fails where a test has armed one.
fn delta_table(address: &Url) -> Result<DeltaTable, DeltaTableError> {
    let builder = DeltaTableBuilder::from_url(address.clone())?;
    #[cfg(feature = "test-util")]
    if let Some(store) = crate::faulty::over(|| Arc::new(LocalFileSystem::new())) {
        return builder.with_storage_backend(store, address.clone()).build();
    }
    builder.build()
}

/// Rows of a file by the statistics that the log keeps of it.
fn rows_in(stats: Option<&str>) -> Option<u64> {
    serde_json::from_str::<Value>(stats?).ok()?.get("numRecords")?.as_u64()
}

/// A table at its latest version, with its columns; `None` when there is none.
async fn load(address: Url, name: &str) -> Result<Option<(DeltaTable, Schema)>, WarehouseError> {
    let failed = || WarehouseError::storage::<DeltaTableError>(name, "open");
    // the library refuses a local folder that is not there, where it should say that there is no table
    if address.to_file_path().is_ok_and(|folder| !folder.exists()) {
        return Ok(None);
    }
    let mut table = delta_table(&address).map_err(failed())?;
    if table.version().is_none() {
        if !table.verify_deltatable_existence().await.map_err(failed())? {
            return Ok(None);
        }
        table.load().await.map_err(failed())?;
    }
    let found = arrow_schema(&table).map_err(failed())?;
    Ok(Some((table, found)))
}

fn arrow_schema(table: &DeltaTable) -> Result<Schema, DeltaTableError> {
    let schema = table.snapshot()?.schema();
    schema.as_ref().try_into_arrow().map_err(DeltaTableError::from)
}

/// The Delta properties every table gets: the log is never cleaned, because certificates live in it.
fn configuration(stats_columns: &[&str]) -> HashMap<String, Option<String>> {
    [
        ("delta.enableExpiredLogCleanup", "false".to_owned()),
        ("delta.logRetentionDuration", "interval 36500 days".to_owned()),
        ("delta.dataSkippingStatsColumns", stats_columns.join(",")),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), Some(value)))
    .collect()
}
