//! One side of a comparison: a warehouse, and the moment at which it is looked at.

use std::path::{Path, PathBuf};

use wdt_models::Endpoint;
use wdt_models::time::Seconds;
use wdt_warehouse::as_of::{Source, Until};

use crate::cli::{DiffSide, Moment};
use crate::config::Config;
use crate::error::EtlError;
use wdt_warehouse::schema::TableSpec;
use wdt_warehouse::{DatasetTables, Table, Warehouse, WarehouseError};

/// A warehouse that is there, and a moment.
pub(super) struct Side {
    /// As it was named.
    pub(super) name: String,
    folder: PathBuf,
    warehouse: Warehouse,
    pub(super) moment: Moment,
}

/// What a dataset is compared at: a version of its log, or a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    Version(u64),
    /// Epoch seconds.
    Time(Seconds),
}

impl Side {
    /// Finds the warehouse; without a folder it is that of the configuration.
    ///
    /// # Errors
    /// [`EtlError::Absent`] when there is none; nothing is made.
    pub(super) fn open(asked: &DiffSide, config: Option<&Config>) -> Result<Self, EtlError> {
        let configured = || config.map(|config| PathBuf::from(&config.warehouse.url)).unwrap_or_default();
        let folder = asked.folder.clone().unwrap_or_else(configured);
        let name = folder.display().to_string();
        let folder = std::fs::canonicalize(&folder).map_err(|error| absent(&name, &error.to_string()))?;
        if !folder.is_dir() {
            return Err(absent(&name, "it is a file"));
        }
        Ok(Self { warehouse: warehouse_in(&folder)?, name, folder, moment: asked.moment })
    }

    /// Both tables of a dataset; `None` where it never landed.
    ///
    /// # Errors
    /// When the storage refuses, or one table is gone and the other is not.
    pub(super) async fn tables(&self, endpoint: &'static Endpoint) -> Result<Option<DatasetTables>, EtlError> {
        let tables = DatasetTables::open(&self.warehouse, endpoint).await?;
        let history = TableSpec::history(endpoint);
        if tables.is_none() && Table::find(&self.warehouse, &history.name).await?.is_some() {
            return Err(EtlError::Absent {
                what: format!("`{}` has `{}` without its current table", self.name, history.name),
                hint: "the next `wdt-etl run` builds it from the history, without a call".to_owned(),
            });
        }
        Ok(tables)
    }

    /// The version or time at which these tables are compared.
    ///
    /// # Errors
    /// [`EtlError::Usage`] when the log does not reach so far.
    pub(super) fn at(&self, tables: &DatasetTables) -> Result<At, EtlError> {
        let newest = tables.history.version();
        match self.moment {
            Moment::Now => Ok(At::Version(newest)),
            Moment::Time(seconds) => Ok(At::Time(seconds)),
            Moment::Version(version) if version <= newest => Ok(At::Version(version)),
            Moment::Version(version) => Err(EtlError::Usage {
                message: format!(
                    "`{}` of `{}` has no version {version}: its newest is {newest}",
                    tables.history.name(),
                    self.name
                ),
                hint: Some(
                    "`table_version` in etl_runs tells which version a run has landed, `wdt-etl status --json` the newest"
                        .to_owned(),
                ),
            }),
        }
    }

    /// Whether both sides look at the same tables in the same state. A copy of a folder is not the same: it has the ids
    /// and versions of its original, and may have gone on by itself.
    ///
    /// # Errors
    /// When no version is loaded.
    pub(super) fn same(&self, other: &Self, mine: (&DatasetTables, At), theirs: (&DatasetTables, At)) -> bool {
        let version = |tables: &DatasetTables| (tables.history.id().ok(), tables.history.version());
        self.folder == other.folder && version(mine.0) == version(theirs.0) && mine.1 == theirs.1
    }
}

/// The rows of these tables, read as cheaply as it goes: from the current table where it is at that very version.
///
/// # Errors
/// When the log or a file of it cannot be read.
pub(super) async fn rows<'a>(tables: &'a DatasetTables, at: At, accounts: &[String]) -> Result<Source<'a>, EtlError> {
    let until = match at {
        At::Version(version) if version == tables.history.version() && tables.behind().await? == 0 => {
            return Ok(Source::current(tables, accounts)?);
        }
        At::Version(version) => Until::Version(version),
        At::Time(seconds) => Until::Time(seconds.micros()),
    };
    Ok(Source::as_of(tables, accounts, until).await?)
}

/// The warehouse in a folder, kept as what lies in it says.
fn warehouse_in(folder: &Path) -> Result<Warehouse, EtlError> {
    let folder = folder.to_string_lossy();
    match Warehouse::delta(&folder) {
        Err(WarehouseError::OtherFormat { .. }) => Ok(Warehouse::parquet(&folder)?),
        other => Ok(other?),
    }
}

/// What to say of a folder that is no warehouse.
pub(super) fn absent(name: &str, reason: &str) -> EtlError {
    EtlError::Absent {
        what: format!("`{name}` is no warehouse: {reason}"),
        hint: "name the folder that warehouse.url of the configuration names, or `@` for that of ./wdt-etl.toml"
            .to_owned(),
    }
}
