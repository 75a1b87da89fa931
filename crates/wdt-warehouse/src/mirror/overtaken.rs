//! A mirror whose files a rival has replaced while it was read.

use crate::error::WarehouseError;
use crate::kept::table::Table;

/// Loads a mirror that could not be read.
///
/// # Errors
/// The error given, when there is no later version.
pub(super) async fn overtaken(mirror: &mut Table, error: WarehouseError) -> Result<(), WarehouseError> {
    let version = mirror.version();
    mirror.refresh().await?;
    if mirror.version() == version { Err(error) } else { Ok(()) }
}
