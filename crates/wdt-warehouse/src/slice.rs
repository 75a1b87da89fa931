//! Snapshots: which rows of a slice the current table contains, and which of them a whole reading no longer holds.

use std::collections::HashMap;

use arrow::array::Array as _;
use arrow::record_batch::RecordBatch;
use wdt_models::time::Millis;
use wdt_models::{Endpoint, Slice};

use crate::error::WarehouseError;
use crate::kept::change::DataFile;
use crate::kept::table::Table;
use crate::rows::{cell_text, columns_of, conform};
use crate::schema::DELETED_AT;
use crate::upsert::KeyIndex;

/// What a whole reading of a slice says beside its rows.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The slice that was read.
    pub slice: Slice,
    /// Keys of records that are there and could not be landed; their rows stay as they are. `None` when a record's key
    /// could not be read: then no row of the slice can be said to be gone.
    pub kept: Option<RecordBatch>,
    /// Platform time of the reading.
    pub read_at: Millis,
}

/// Rows that are in the slice and in none of the key sets, in the current table's columns.
///
/// # Errors
/// When a data file cannot be read.
pub(crate) async fn vanished(
    current: &Table,
    endpoint: &'static Endpoint,
    account: &str,
    slice: &Slice,
    present: &[&KeyIndex],
) -> Result<Vec<RecordBatch>, WarehouseError> {
    let reader = current.reader();
    let constants: HashMap<&str, &str> = current.partition().into_iter().map(|column| (column, account)).collect();
    let mut gone = Vec::new();
    for file in current.files(Some(account))? {
        let (keys, positions) = in_slice(current, endpoint, &file, slice).await?;
        let mut there = vec![false; keys.num_rows()];
        for index in present {
            let found = index.find(current.name(), &keys, endpoint.key)?;
            there.iter_mut().zip(found).for_each(|(there, found)| *there |= found.is_some());
        }
        let positions: Vec<usize> = positions.into_iter().filter(|&position| !there[position]).collect();
        if positions.is_empty() {
            continue;
        }
        for batch in reader.all_rows(&file.path, file.size, None, Some(&positions)).await? {
            gone.push(conform(current.name(), &batch, current.schema(), &constants)?);
        }
    }
    Ok(gone)
}

/// The key columns of a file, and the positions of its rows in the slice that are not marked as deleted.
async fn in_slice(
    current: &Table,
    endpoint: &Endpoint,
    file: &DataFile,
    slice: &Slice,
) -> Result<(RecordBatch, Vec<usize>), WarehouseError> {
    let reader = current.reader();
    let mut columns = endpoint.key.to_vec();
    columns.push(DELETED_AT);
    let batches = reader.all_rows(&file.path, file.size, Some(&columns), None).await?;
    let Some(schema) = batches.first().map(RecordBatch::schema) else {
        return Ok((RecordBatch::new_empty(arrow::datatypes::Schema::empty().into()), Vec::new()));
    };
    let rows = arrow::compute::concat_batches(&schema, &batches)
        .map_err(WarehouseError::storage(current.name(), "look-up of a slice"))?;
    let deleted = columns_of(current.name(), &rows, &[DELETED_AT])?.remove(0);
    let mut inside: Vec<bool> = (0..rows.num_rows()).map(|row| deleted.is_null(row)).collect();
    for (name, value) in &slice.0 {
        let column = columns_of(current.name(), &rows, &[name])?.remove(0);
        for (row, inside) in inside.iter_mut().enumerate() {
            *inside = *inside && cell_text(&column, row).as_deref() == Some(value);
        }
    }
    let positions = inside.iter().enumerate().filter(|(_, inside)| **inside).map(|(row, _)| row).collect();
    Ok((rows, positions))
}
