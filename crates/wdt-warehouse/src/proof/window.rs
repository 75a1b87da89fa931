//! Rows of a certified window that the current table holds.

use arrow::record_batch::RecordBatch;
use futures::stream::TryStreamExt as _;

use super::log::Certified;
use crate::error::WarehouseError;
use crate::kept::table::Table;
use crate::rows::micros;

/// Rows of the account in the current table whose cursor is in the window.
///
/// # Errors
/// When a data file cannot be read.
pub async fn rows_in_window(
    current: &Table,
    account: &str,
    cursor: &str,
    window: Certified,
) -> Result<u64, WarehouseError> {
    let reader = current.reader();
    let inside = |batch: &RecordBatch, row| {
        let micros = batch.column_by_name(cursor).and_then(|column| micros(column, row));
        micros.is_some_and(|micros| (window.start..=window.end).contains(&micros.floor_seconds()))
    };
    let mut rows = 0;
    for file in current.files(Some(account))? {
        let mut batches = reader.rows(&file.path, file.size, Some(&[cursor]), None).await?;
        while let Some(batch) = batches.try_next().await? {
            rows += (0..batch.num_rows()).filter(|&row| inside(&batch, row)).count() as u64;
        }
    }
    Ok(rows)
}
