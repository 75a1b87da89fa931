//! Tables of plain Parquet: data files in Hive folders, and one manifest for each commit that plays the part of a log.
//!
//! A commit puts its data files under names that hold its version, then its manifest, if no rival has put that version
//! before. What no manifest names is no part of the table. The same commit gives the same names and bytes.

pub(crate) mod added;
mod columns;
mod durable;
pub(crate) mod encoded;
pub(crate) mod files;
mod log;
mod sweep;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use futures::stream::{StreamExt as _, TryStreamExt as _};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt as _, PutMode};
use url::Url;

use self::added::Added;
use self::durable::Durable;
use self::encoded::Encoded;
use self::files::ParquetWriter;
use self::log::{LoadedLog, Manifest, Words};
use self::sweep::Suspects;
use super::change::{AddedFile, Change, Commit, DataFile, ListedFile};
use super::partition::FileColumns;
use crate::error::WarehouseError;
use crate::failpoint::{self, Place};
use crate::schema::TableSpec;

/// Manifests read at once.
const MANIFESTS_IN_FLIGHT: usize = 16;
/// So often a version is refused as taken that nobody has, before the commit is given up.
const MOST_REFUSALS: u32 = 3;

/// Folder of the manifests below a table.
pub(crate) const MANIFESTS: &str = log::FOLDER;

/// One table of plain Parquet, at the version last loaded.
pub(super) struct ParquetHandle {
    name: String,
    store: Arc<dyn ObjectStore>,
    loaded: Arc<LoadedLog>,
    suspects: Suspects,
}

/// A commit on its way.
struct Draft {
    files: Vec<Encoded>,
    words: Words,
}

impl ParquetHandle {
    /// Opens a table; `None` when there is none.
    ///
    /// # Errors
    /// When the storage refuses, a manifest is gone, or a table of that name has other columns.
    pub(super) async fn open(address: &Url, spec: &TableSpec) -> Result<Option<Self>, WarehouseError> {
        let Some(store) = store(address, &spec.name)? else { return Ok(None) };
        Self::open_in(store, spec).await
    }

    /// Opens a table to write into, or creates it, or opens the one that a rival has created meanwhile.
    ///
    /// # Errors
    /// When the storage refuses, a manifest is gone, or a table of that name has other columns.
    pub(super) async fn open_or_create(address: &Url, spec: &TableSpec) -> Result<Self, WarehouseError> {
        let refused = |reason: &str| WarehouseError::storage(&spec.name, "create")(reason.to_owned());
        let table = if let Some(table) = Self::open(address, spec).await? {
            table
        } else {
            let folder = address.to_file_path().map_err(|()| refused("its address is no folder"))?;
            durable::make_folder(&folder).map_err(WarehouseError::storage(&spec.name, "create"))?;
            let store = store(address, &spec.name)?.ok_or_else(|| refused("its folder is gone"))?;
            Self::create_in(store, spec).await?
        };
        table.suspects.found(&table.store, &table.loaded).await;
        table.suspects.sweep(&table.store, &table.loaded).await;
        Ok(table)
    }

    /// A new table in memory, encoded as in a folder; nobody else has it.
    ///
    /// # Errors
    /// When a column has a type that no manifest can write.
    pub(super) async fn in_memory(spec: &TableSpec) -> Result<Self, WarehouseError> {
        Self::create_in(Arc::new(InMemory::new()), spec).await
    }

    /// Opens a table as it is, with its columns; `None` when there is none.
    ///
    /// # Errors
    /// When the storage refuses, or a manifest is gone.
    pub(super) async fn find(address: &Url, name: &str) -> Result<Option<(Self, SchemaRef)>, WarehouseError> {
        let Some(store) = store(address, name)? else { return Ok(None) };
        let table = Self::load(store, name).await?;
        Ok(table.map(|table| {
            let schema = Arc::clone(&table.loaded.columns.all);
            (table, schema)
        }))
    }

    async fn open_in(store: Arc<dyn ObjectStore>, spec: &TableSpec) -> Result<Option<Self>, WarehouseError> {
        let Some(table) = Self::load(store, &spec.name).await? else { return Ok(None) };
        spec.check(&table.loaded.columns.all)?;
        Ok(Some(table))
    }

    async fn create_in(store: Arc<dyn ObjectStore>, spec: &TableSpec) -> Result<Self, WarehouseError> {
        failpoint::hit(Place::TableMissing);
        let bytes = Manifest::creation(spec)?.bytes(&spec.name)?;
        let created = store.put_opts(&Manifest::path(0), bytes.into(), PutMode::Create.into()).await;
        failpoint::hit(Place::TableCreated);
        // whoever created it, and whatever the answer was
        match (Self::open_in(store, spec).await?, created) {
            (Some(table), _) => Ok(table),
            (None, Err(error)) => Err(WarehouseError::storage(&spec.name, "create")(error)),
            (None, Ok(_)) => Err(WarehouseError::storage(&spec.name, "create")("it is not there".to_owned())),
        }
    }

    /// A table at its latest version; `None` when no manifest is there.
    async fn load(store: Arc<dyn ObjectStore>, name: &str) -> Result<Option<Self>, WarehouseError> {
        let versions = versions(&store, name).await?;
        if versions.is_empty() {
            return Ok(None);
        }
        if let Some((version, _)) = (0..).zip(&versions).find(|(wanted, found)| wanted != *found) {
            return Err(WarehouseError::LostCommit { table: name.to_owned(), version });
        }
        let read = |version: u64| {
            let store = Arc::clone(&store);
            async move {
                let lost = || WarehouseError::LostCommit { table: name.to_owned(), version };
                manifest(&store, name, version).await?.ok_or_else(lost)
            }
        };
        let mut manifests = futures::stream::iter(versions).map(read).buffered(MANIFESTS_IN_FLIGHT);
        let Some((created, bytes)) = manifests.try_next().await? else { return Ok(None) };
        let mut loaded = LoadedLog::created(name, &created, &bytes)?;
        while let Some((manifest, bytes)) = manifests.try_next().await? {
            loaded.follow(manifest, &bytes);
        }
        drop(manifests);
        let (loaded, suspects) = (Arc::new(loaded), Suspects::default());
        Ok(Some(Self { name: name.to_owned(), store, loaded, suspects }))
    }

    /// The loaded version.
    pub(super) fn version(&self) -> u64 {
        self.loaded.version
    }

    /// The table's own id: that of how its log begins, so that the same log has the same one wherever it is stored.
    pub(super) fn id(&self) -> String {
        self.loaded.id.clone()
    }

    /// The store of the table's data files.
    pub(super) fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store)
    }

    /// Loads what was committed since, and takes away what can never be.
    ///
    /// # Errors
    /// When the storage refuses.
    pub(super) async fn refresh(&mut self) -> Result<(), WarehouseError> {
        failpoint::hit(Place::RefreshDue);
        while let Some((manifest, bytes)) = manifest(&self.store, &self.name, self.loaded.version + 1).await? {
            Arc::make_mut(&mut self.loaded).follow(manifest, &bytes);
        }
        self.suspects.sweep(&self.store, &self.loaded).await;
        failpoint::hit(Place::Refreshed);
        Ok(())
    }

    /// Version of an application's last transaction.
    pub(super) fn transaction(&self, app_id: &str) -> Option<i64> {
        self.loaded.transactions.get(app_id).copied()
    }

    /// Data files of the loaded version in the order of the log, of one partition if the table has any.
    pub(super) fn files(&self, partition: Option<&str>) -> Vec<DataFile> {
        let column = self.loaded.columns.partition.as_deref();
        let wanted = |file: &&Arc<Added>| {
            let (Some(column), Some(wanted)) = (column, partition) else { return true };
            file.partition_value(column) == Some(wanted)
        };
        let list = |file: &Arc<Added>| DataFile {
            path: file.path(),
            size: file.bytes,
            rows: usize::try_from(file.rows).unwrap_or(usize::MAX),
            listed: ListedFile::Parquet(Arc::clone(file)),
        };
        self.loaded.files.iter().filter(wanted).map(list).collect()
    }

    /// A writer of data files.
    pub(super) fn writer(&self) -> ParquetWriter {
        ParquetWriter::new(&self.name, &self.loaded.columns)
    }

    /// Commits a change that was made from the loaded version, which stays loaded.
    ///
    /// # Errors
    /// [`WarehouseError::Conflict`] when a rival's commit touches the same application or files.
    pub(super) async fn commit(&self, change: Change) -> Result<u64, WarehouseError> {
        let draft = Draft::new(&self.name, change)?;
        failpoint::hit(Place::CommitDue);
        let (mut version, mut refusals) = (self.loaded.version + 1, 0);
        loop {
            while let Some((rival, _)) = manifest(&self.store, &self.name, version).await? {
                self.stands_against(&draft, &rival)?;
                version += 1;
            }
            let commit = draft.manifest(&self.loaded.columns, version);
            let Err(error) = self.publish(&draft, &commit).await else { break };
            match manifest(&self.store, &self.name, version).await? {
                // the answer was lost
                Some((found, _)) if found == commit => break,
                found => {
                    self.suspects.add(commit.add.iter().map(Added::path));
                    refusals += u32::from(found.is_none());
                    self.refused(error, found.is_some(), refusals)?;
                }
            }
        }
        failpoint::hit(Place::Committed);
        self.suspects.add(draft.words.removes);
        Ok(version)
    }

    /// One commit of the log; `None` when there is none of this version.
    ///
    /// # Errors
    /// When the storage refuses or the manifest cannot be read.
    pub(super) async fn read_commit(&self, version: u64) -> Result<Option<Commit>, WarehouseError> {
        let found = manifest(&self.store, &self.name, version).await?;
        Ok(found.map(|(manifest, _)| manifest.commit()))
    }

    /// Puts the data files of a commit, then its manifest.
    async fn publish(&self, draft: &Draft, commit: &Manifest) -> Result<(), Error> {
        for (file, added) in draft.files.iter().zip(&commit.add) {
            self.store.put(&added.path(), file.bytes.clone().into()).await?;
        }
        failpoint::hit(Place::FilesPublished);
        let bytes = commit.bytes(&self.name).map_err(|error| Error::Generic { store: "log", source: error.into() })?;
        self.store.put_opts(&Manifest::path(commit.version), bytes.into(), PutMode::Create.into()).await?;
        Ok(())
    }

    fn stands_against(&self, draft: &Draft, rival: &Manifest) -> Result<(), WarehouseError> {
        let conflict = |reason: &str| WarehouseError::conflict(&self.name, reason);
        self.loaded.conflict(&draft.words, rival).map_or(Ok(()), |reason| Err(conflict(reason)))
    }

    /// Whether a version that was refused is tried again: because a rival has it, or because nobody has.
    fn refused(&self, error: Error, taken: bool, refusals: u32) -> Result<(), WarehouseError> {
        match error {
            _ if taken => Ok(()),
            Error::AlreadyExists { .. } if refusals < MOST_REFUSALS => Ok(()),
            Error::AlreadyExists { .. } => {
                Err(WarehouseError::conflict(&self.name, "its version is said to exist, and does not"))
            }
            error => Err(WarehouseError::storage(&self.name, "commit")(error)),
        }
    }
}

impl Draft {
    fn new(table: &str, change: Change) -> Result<Self, WarehouseError> {
        let foreign = || WarehouseError::storage(table, "commit")("a file is no part of a Parquet table".to_owned());
        let (mut files, mut removes) = (Vec::new(), Vec::new());
        for file in change.adds {
            let AddedFile::Parquet(file) = file.added else { return Err(foreign()) };
            files.push(file);
        }
        for file in change.removes {
            let ListedFile::Parquet(file) = file.listed else { return Err(foreign()) };
            removes.push(file.path());
        }
        let transactions = change.transaction.into_iter().chain(change.holds).collect();
        Ok(Self { files, words: Words { transactions, removes, metadata: change.metadata } })
    }

    fn manifest(&self, columns: &FileColumns, version: u64) -> Manifest {
        let added = self.files.iter().enumerate().map(|(place, file)| file.added(columns, version, place));
        Manifest::new(version, added.collect(), &self.words)
    }
}

/// The store of a table; `None` when its folder is not there.
fn store(address: &Url, table: &str) -> Result<Option<Arc<dyn ObjectStore>>, WarehouseError> {
    let refused = |()| WarehouseError::storage(table, "open")("its address is no folder".to_owned());
    let folder = address.to_file_path().map_err(refused)?;
    if !folder.is_dir() {
        return Ok(None);
    }
    let store: Arc<dyn ObjectStore> = Arc::new(Durable::new(&folder).map_err(WarehouseError::storage(table, "open"))?);
    #[cfg(feature = "test-util")]
    let store = crate::faulty::over(|| Arc::clone(&store)).unwrap_or(store);
    Ok(Some(store))
}

/// The versions whose manifests are there, ascending.
async fn versions(store: &Arc<dyn ObjectStore>, table: &str) -> Result<Vec<u64>, WarehouseError> {
    let listed = store.list(Some(&Path::from(MANIFESTS)));
    let objects: Vec<_> = listed.try_collect().await.map_err(WarehouseError::storage(table, "open"))?;
    let mut versions: Vec<u64> = objects.iter().filter_map(|object| files::version_of(&object.location)).collect();
    versions.sort_unstable();
    Ok(versions)
}

/// The manifest of a version with its bytes; `None` when it is not there.
async fn manifest(
    store: &Arc<dyn ObjectStore>,
    table: &str,
    version: u64,
) -> Result<Option<(Manifest, Bytes)>, WarehouseError> {
    let found = match store.get(&Manifest::path(version)).await {
        Ok(found) => found.bytes().await,
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(error) => Err(error),
    };
    let bytes = found.map_err(WarehouseError::storage(table, "read of a commit"))?;
    Ok(Some((Manifest::read(table, version, &bytes)?, bytes)))
}
