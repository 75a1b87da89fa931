//! Where the tables of a configuration are kept.

use wdt_warehouse::{Warehouse, WarehouseError};

use crate::config::{self, Config};

/// The warehouse of a configuration; its folder is made when it is not there.
///
/// # Errors
///
/// When the folder cannot be made, or holds tables of another format.
pub fn configured(config: &Config) -> Result<Warehouse, WarehouseError> {
    let config::Warehouse { url, format } = &config.warehouse;
    Warehouse::open(url, *format)
}

/// The warehouse of a configuration, for a command that only reads; `None` when its folder is not there.
///
/// # Errors
///
/// When the folder cannot be read, or holds tables of another format.
pub(crate) fn standing(config: &Config) -> Result<Option<Warehouse>, WarehouseError> {
    if std::path::Path::new(&config.warehouse.url).is_dir() { configured(config).map(Some) } else { Ok(None) }
}
