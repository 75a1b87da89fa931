//! Whether the `etl_*` tables have what the commits say. Nothing depends on them, so a difference is only told.

use super::line::{Line, Subject};
use super::log::Log;
use wdt_warehouse::mirror::count;
use wdt_warehouse::{Warehouse, WarehouseError};

/// Compares the counts of a dataset's rows in the mirrors with its commits.
///
/// # Errors
/// When a mirror cannot be read.
pub(super) async fn mirrors(
    subject: Subject<'_>,
    (warehouse, dataset): (&Warehouse, &str),
    version: u64,
    log: &Log,
) -> Result<Line, WarehouseError> {
    let wanted = [log.certificates, log.quarantined, log.runs.len() as u64];
    let (mut behind, mut differing, mut equal) = (Vec::new(), Vec::new(), Vec::new());
    for (mirror, wanted) in count(warehouse, dataset, &log.runs).await?.into_iter().zip(wanted) {
        let counts = format!("{} has {} rows, the commits {wanted}", mirror.name, mirror.rows);
        match mirror.copied {
            _ if mirror.rows == wanted => equal.push(format!("{} {wanted}", mirror.name)),
            Some(copied) if copied >= version => differing.push(counts),
            Some(_) => behind.push(counts),
            None => behind.push(format!("{} is not there", mirror.name)),
        }
    }
    Ok(if differing.is_empty() && behind.is_empty() {
        subject.ok(format!("{} rows, as the commits say", equal.join(", ")))
    } else if differing.is_empty() {
        subject.note(behind.join("; "), "nothing: the next run copies what is missing from the history")
    } else {
        differing.extend(behind);
        subject.note(differing.join("; "), "move that table away: the next run fills it again from the histories")
    })
}
