//! Where tables are kept: a folder of Delta tables, or memory.

use std::sync::Arc;

use url::Url;

use super::error::WarehouseError;
use super::memory::{Operation, Shelf, Step};

/// A place that holds one table per name.
#[derive(Debug, Clone)]
pub struct Warehouse {
    place: Place,
}

/// How the tables are kept.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// As Delta tables below this address, with a slash at its end.
    Folder(Url),
    /// In memory.
    Memory(Arc<Shelf>),
}

impl Warehouse {
    /// A folder of this machine, made when it is not there.
    ///
    /// # Errors
    ///
    /// [`WarehouseError::Address`] when the folder cannot be made.
    pub fn folder(folder: &str) -> Result<Self, WarehouseError> {
        let refused = |reason: String| WarehouseError::Address { url: folder.to_owned(), reason };
        if std::path::Path::new(folder).is_file() {
            return Err(refused("it is a file, not a folder".to_owned()));
        }
        std::fs::create_dir_all(folder).map_err(|error| refused(error.to_string()))?;
        let folder = std::fs::canonicalize(folder).map_err(|error| refused(error.to_string()))?;
        let url = Url::from_directory_path(&folder).map_err(|()| refused("not a folder".to_owned()))?;
        Ok(Self { place: Place::Folder(url) })
    }

    /// Tables in memory, for simulations and tests.
    ///
    /// Versions, conflicts and what a handle sees are as in a folder. Clones share the tables, which live as long as one
    /// of them or a run that uses it. Nothing ever waits: see [`Warehouse::memory_with`].
    #[must_use]
    pub fn memory() -> Self {
        Self { place: Place::Memory(Arc::new(Shelf::new(None))) }
    }

    /// Tables in memory that ask at each operation on the table of a name how long it takes and whether it fails.
    ///
    /// Waits are tokio's, so that under a paused clock they cost nothing, and a task can be aborted in any of them.
    #[must_use]
    pub fn memory_with(steps: impl Fn(&str, Operation) -> Step + Send + Sync + 'static) -> Self {
        Self { place: Place::Memory(Arc::new(Shelf::new(Some(Box::new(steps))))) }
    }

    /// Takes a table out of memory, as one does who deletes its folder; nothing is ever taken out of a folder.
    pub fn forget(&self, name: &str) {
        if let Place::Memory(shelf) = &self.place {
            shelf.forget(name);
        }
    }

    /// How the tables are kept.
    pub(super) const fn place(&self) -> &Place {
        &self.place
    }
}

impl Place {
    /// Address of a table below a folder.
    ///
    /// # Errors
    ///
    /// [`WarehouseError::Address`] when the name makes none.
    pub(super) fn address(folder: &Url, table: &str) -> Result<Url, WarehouseError> {
        let refused =
            |error: url::ParseError| WarehouseError::Address { url: folder.to_string(), reason: error.to_string() };
        folder.join(&format!("{table}/")).map_err(refused)
    }
}
