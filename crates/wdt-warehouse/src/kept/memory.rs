//! Tables in memory: the same versions, conflicts and views as a Delta table, without files.
//!
//! For simulations of thousands of nights. A commit is checked and made under one lock, with no wait in between; rows are
//! shared, never copied. Each operation first asks the warehouse's [`Step`]s, where it has any.

pub(crate) mod files;
mod log;
pub(crate) mod shelf;
pub(crate) mod step;
pub(crate) mod stored;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use self::files::{MemoryWriter, Stored};
use self::log::{Committed, Loaded, Log};
use self::shelf::Shelf;
use self::step::Operation;
use self::stored::StoredFile;
use super::change::{AddedFile, Change, Commit, DataFile, ListedFile};
use crate::error::WarehouseError;
use crate::schema::TableSpec;

/// One table, at the version last loaded.
pub(super) struct MemoryHandle {
    stored: Stored,
    loaded: Arc<Loaded>,
}

impl MemoryHandle {
    /// Opens a table; `None` when there is none.
    ///
    /// # Errors
    /// When the step is to fail, or a table of that name has other columns.
    pub(super) async fn open(shelf: &Arc<Shelf>, spec: &TableSpec) -> Result<Option<Self>, WarehouseError> {
        match shelf.find(&spec.name).await? {
            Some(log) => Self::new(shelf, spec, log).map(Some),
            None => Ok(None),
        }
    }

    /// Opens a table, or creates it, or opens the one that a rival has created meanwhile.
    ///
    /// # Errors
    /// When the step is to fail, or a table of that name has other columns.
    pub(super) async fn open_or_create(shelf: &Arc<Shelf>, spec: &TableSpec) -> Result<Self, WarehouseError> {
        if let Some(table) = Self::open(shelf, spec).await? {
            return Ok(table);
        }
        let log = shelf.steps.take(&spec.name, Operation::Create, || Ok(shelf.create(spec))).await?;
        Self::new(shelf, spec, log)
    }

    /// Opens a table as it is, with its columns; `None` when there is none.
    ///
    /// # Errors
    /// When the step is to fail.
    pub(super) async fn find(shelf: &Arc<Shelf>, name: &str) -> Result<Option<(Self, SchemaRef)>, WarehouseError> {
        let Some(log) = shelf.find(name).await? else { return Ok(None) };
        let (loaded, schema) = (log.latest(name)?, Arc::clone(&log.columns.all));
        Ok(Some((Self { stored: Stored { shelf: Arc::clone(shelf), name: name.to_owned(), log }, loaded }, schema)))
    }

    fn new(shelf: &Arc<Shelf>, spec: &TableSpec, log: Arc<Log>) -> Result<Self, WarehouseError> {
        spec.check(&log.columns.all)?;
        let loaded = log.latest(&spec.name)?;
        Ok(Self { stored: Stored { shelf: Arc::clone(shelf), name: spec.name.clone(), log }, loaded })
    }

    /// The loaded version.
    pub(super) fn version(&self) -> u64 {
        self.loaded.version
    }

    /// The table's own id.
    pub(super) fn id(&self) -> String {
        self.stored.log.id.clone()
    }

    /// The data files of all versions.
    pub(super) fn stored(&self) -> Stored {
        self.stored.clone()
    }

    /// Loads what was committed since.
    ///
    /// # Errors
    /// When the step is to fail, or the table was taken away.
    pub(super) async fn refresh(&mut self) -> Result<(), WarehouseError> {
        let Stored { shelf, name, log } = &self.stored;
        let loaded = &mut self.loaded;
        let load = || {
            *loaded = log.latest(name)?;
            Ok(())
        };
        shelf.steps.take(name, Operation::Refresh, load).await
    }

    /// Version of an application's last transaction.
    ///
    /// # Errors
    /// When the step is to fail.
    pub(super) async fn transaction(&self, app_id: &str) -> Result<Option<i64>, WarehouseError> {
        let version = || Ok(self.loaded.transactions.get(app_id).copied());
        self.stored.shelf.steps.take(&self.stored.name, Operation::Read, version).await
    }

    /// Data files of the loaded version, of one partition if the table has any.
    pub(super) fn files(&self, partition: Option<&str>) -> Vec<DataFile> {
        let wanted = partition.filter(|_| self.stored.log.columns.partition.is_some());
        let files = self.loaded.files.iter().filter(|file| wanted.is_none() || file.value() == wanted);
        let list = |file: &Arc<StoredFile>| DataFile {
            path: file.path.clone(),
            size: file.size,
            rows: file.rows,
            listed: ListedFile::Memory(Arc::clone(file)),
        };
        files.map(list).collect()
    }

    /// A writer of data files.
    pub(super) fn writer(&self) -> MemoryWriter {
        MemoryWriter::new(self.stored.clone())
    }

    /// Commits a change that was made from the loaded version, which stays loaded.
    ///
    /// # Errors
    /// [`WarehouseError::Conflict`], or when the step is to fail.
    pub(super) async fn commit(&self, change: Change) -> Result<u64, WarehouseError> {
        let Stored { shelf, name, log } = &self.stored;
        let commit = self.committed(change)?;
        shelf.steps.take(name, Operation::Commit, || log.publish(name, &self.loaded, commit)).await
    }

    fn committed(&self, change: Change) -> Result<Committed, WarehouseError> {
        let foreign = || WarehouseError::storage(&self.stored.name, "commit")("a file is no part of a table in memory");
        let (mut adds, mut removes) = (Vec::new(), Vec::new());
        for file in change.adds {
            let AddedFile::Memory(file) = file.added else { return Err(foreign()) };
            adds.push(file);
        }
        for file in change.removes {
            let ListedFile::Memory(file) = file.listed else { return Err(foreign()) };
            removes.push(file.number);
        }
        let transactions = change.transaction.into_iter().chain(change.holds).collect();
        Ok(Committed { adds, removes, transactions, metadata: change.metadata })
    }

    /// One commit of the log; `None` when there is none of this version.
    ///
    /// # Errors
    /// When the step is to fail, or the table was taken away.
    pub(super) async fn read_commit(&self, version: u64) -> Result<Option<Commit>, WarehouseError> {
        let Stored { shelf, name, log } = &self.stored;
        let read = || Ok(log.commit(name, version)?.map(|commit| commit.read()));
        shelf.steps.take(name, Operation::Read, read).await
    }
}
