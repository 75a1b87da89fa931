//! Whether the `etl_*` tables have what the commits say. Nothing depends on them.

use super::log::Statement;
use crate::error::WarehouseError;
use crate::mirror::{MirrorCount, count};
use crate::warehouse::Warehouse;

/// One mirror beside the commits that it copies.
#[derive(Debug)]
pub struct MirrorCheck {
    /// Name of the mirror.
    pub name: &'static str,
    /// Rows that stem from the dataset's commits.
    pub rows: u64,
    /// Rows that the commits ask for.
    pub wanted: u64,
    /// History version that it has copied; `None` when there is no such table.
    pub copied: Option<u64>,
}

/// The mirrors of a dataset, counted.
///
/// # Errors
/// When a mirror cannot be read.
pub async fn mirrors(
    warehouse: &Warehouse,
    dataset: &str,
    statement: &Statement,
) -> Result<Vec<MirrorCheck>, WarehouseError> {
    let wanted = [statement.certificates, statement.quarantined, statement.runs.len() as u64];
    let counts = count(warehouse, dataset, &statement.runs).await?.into_iter().zip(wanted);
    let check = |(MirrorCount { name, copied, rows }, wanted)| MirrorCheck { name, rows, wanted, copied };
    Ok(counts.map(check).collect())
}
