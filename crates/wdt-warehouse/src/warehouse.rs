//! Where tables are kept: a folder of Delta tables or of plain Parquet, or memory.

use std::sync::Arc;

use url::Url;

use crate::error::WarehouseError;
use crate::kept::memory::shelf::Shelf;
#[cfg(feature = "test-util")]
use crate::kept::memory::step::{Operation, Step};
use crate::kept::parquet::MANIFESTS;

/// Folder of the log below a Delta table.
const DELTA_LOG: &str = "_delta_log";

/// A place that holds one table per name.
#[derive(Debug, Clone)]
pub struct Warehouse {
    storage: Storage,
}

/// How the tables in a folder are kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// Delta tables.
    #[default]
    Delta,
    /// Plain Parquet files, and a manifest for each commit: the histories and the `etl_*` tables, without current tables.
    Parquet,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Delta, Self::Parquet];

    /// The name that a configuration uses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delta => "delta",
            Self::Parquet => "parquet",
        }
    }
}

/// How the tables are kept, and where.
#[derive(Debug, Clone)]
pub(crate) enum Storage {
    /// As Delta tables below this address, with a slash at its end.
    Delta(Url),
    /// In memory.
    Memory(Arc<Shelf>),
    /// As plain Parquet below this address, with a slash at its end.
    Parquet(Url),
}

impl Warehouse {
    /// A folder of tables on this machine that are kept in this format; it is made when it is not there.
    ///
    /// # Errors
    ///
    /// [`WarehouseError::Address`] when the folder cannot be made, [`WarehouseError::OtherFormat`] when it holds tables
    /// of another format.
    pub fn open(folder: &str, format: Format) -> Result<Self, WarehouseError> {
        match format {
            Format::Delta => Self::delta(folder),
            Format::Parquet => Self::parquet(folder),
        }
    }

    /// A folder of Delta tables on this machine, made when it is not there.
    ///
    /// # Errors
    ///
    /// [`WarehouseError::Address`] when the folder cannot be made, [`WarehouseError::OtherFormat`] when it holds tables
    /// of plain Parquet.
    pub fn delta(folder: &str) -> Result<Self, WarehouseError> {
        let url = made(folder)?;
        refuse(&url, MANIFESTS, "parquet")?;
        Ok(Self { storage: Storage::Delta(url) })
    }

    /// A folder of plain Parquet on this machine, made when it is not there: the histories and the `etl_*` tables. The
    /// current tables are folded from the histories wherever they are needed.
    ///
    /// # Errors
    ///
    /// [`WarehouseError::Address`] when the folder cannot be made, [`WarehouseError::OtherFormat`] when it holds Delta
    /// tables.
    pub fn parquet(folder: &str) -> Result<Self, WarehouseError> {
        let url = made(folder)?;
        refuse(&url, DELTA_LOG, "delta")?;
        Ok(Self { storage: Storage::Parquet(url) })
    }

    /// Tables in memory, for simulations and tests.
    ///
    /// Versions, conflicts and what a handle sees are as in a folder. Clones share the tables, which live as long as one
    /// of them or a run that uses it. Nothing ever waits.
    #[must_use]
    pub fn memory() -> Self {
        Self { storage: Storage::Memory(Arc::new(Shelf::default())) }
    }

    /// Tables in memory that ask at each operation on the table of a name how long it takes and whether it fails.
    ///
    /// Waits are tokio's, so that under a paused clock they cost nothing, and a task can be aborted in any of them.
    #[cfg(feature = "test-util")]
    #[must_use]
    pub fn memory_with(steps: impl Fn(&str, Operation) -> Step + Send + Sync + 'static) -> Self {
        Self { storage: Storage::Memory(Arc::new(Shelf::with_steps(Box::new(steps)))) }
    }

    /// Takes a table out of memory, as one does who deletes its folder; nothing is ever taken out of a folder.
    #[cfg(feature = "test-util")]
    pub fn forget(&self, name: &str) {
        if let Storage::Memory(shelf) = &self.storage {
            shelf.forget(name);
        }
    }

    /// Whether current tables are kept, and not folded from their histories each time.
    #[must_use]
    pub const fn keeps_current(&self) -> bool {
        !matches!(self.storage, Storage::Parquet(_))
    }

    /// How the tables are kept.
    pub(crate) const fn storage(&self) -> &Storage {
        &self.storage
    }
}

impl Storage {
    /// Address of a table below a folder.
    ///
    /// # Errors
    ///
    /// [`WarehouseError::Address`] when the name makes none.
    pub(crate) fn address(folder: &Url, table: &str) -> Result<Url, WarehouseError> {
        folder.join(&format!("{table}/")).map_err(|error| WarehouseError::address(folder.as_str(), error))
    }
}

/// Address of a folder that is there from now on.
fn made(folder: &str) -> Result<Url, WarehouseError> {
    if std::path::Path::new(folder).is_file() {
        return Err(WarehouseError::address(folder, "it is a file, not a folder"));
    }
    let refused = |error: std::io::Error| WarehouseError::address(folder, error);
    std::fs::create_dir_all(folder).map_err(refused)?;
    let path = std::fs::canonicalize(folder).map_err(refused)?;
    Url::from_directory_path(&path).map_err(|()| WarehouseError::address(path.to_string_lossy(), "not a folder"))
}

/// Refuses a folder in which a table of this project is kept in another format, whose log has this name.
fn refuse(folder: &Url, log: &str, format: &'static str) -> Result<(), WarehouseError> {
    let refused = |error: std::io::Error| WarehouseError::address(folder.as_str(), error);
    let path = folder.to_file_path().map_err(|()| WarehouseError::address(folder.as_str(), "not a folder"))?;
    for entry in std::fs::read_dir(&path).map_err(refused)? {
        let name = entry.map_err(refused)?.file_name();
        let name = name.to_string_lossy();
        if is_ours(&name) && path.join(&*name).join(log).is_dir() {
            return Err(WarehouseError::OtherFormat { table: name.into_owned(), found: format });
        }
    }
    Ok(())
}

/// Whether a table of this project has that name.
fn is_ours(name: &str) -> bool {
    let dataset = name.strip_suffix("_history").unwrap_or(name);
    name.starts_with("etl_") || wdt_models::endpoints::find(dataset).is_some()
}
