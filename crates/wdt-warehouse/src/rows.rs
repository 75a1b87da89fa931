//! Columns and rows of record batches, by name and number.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, AsArray as _, StringArray, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{DataType, Int64Type, SchemaRef, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use wdt_models::time::{Micros, format_wall_time};

use crate::error::WarehouseError;

/// The batch with the table's columns in order: `constants` fill text columns that the file does not hold (partitions).
///
/// # Errors
/// When a column is missing or has another type.
#[expect(clippy::implicit_hasher, reason = "a handful of columns, made for the call")]
pub fn conform(
    table: &str,
    batch: &RecordBatch,
    schema: &SchemaRef,
    constants: &HashMap<&str, &str>,
) -> Result<RecordBatch, WarehouseError> {
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let column = match (batch.column_by_name(field.name()), constants.get(field.name().as_str())) {
            (Some(column), _) => Arc::clone(column),
            (None, Some(value)) => {
                Arc::new(StringArray::from_iter_values(std::iter::repeat_n(value, batch.num_rows())))
            }
            (None, None) => arrow::array::new_null_array(field.data_type(), batch.num_rows()),
        };
        columns.push(column);
    }
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(WarehouseError::storage(table, "read of a data file"))
}

/// The named columns of a batch.
///
/// # Errors
/// When one is missing.
pub fn columns_of(table: &str, batch: &RecordBatch, names: &[&str]) -> Result<Vec<ArrayRef>, WarehouseError> {
    let column = |name: &&str| {
        batch.column_by_name(name).cloned().ok_or_else(|| WarehouseError::Schema {
            table: table.to_owned(),
            difference: format!("a data file has no column `{name}`"),
        })
    };
    names.iter().map(column).collect()
}

/// The rows at the given numbers, in that order.
///
/// # Errors
/// When a number is out of range.
pub(crate) fn take(table: &str, batch: &RecordBatch, rows: &[usize]) -> Result<RecordBatch, WarehouseError> {
    let rows: UInt32Array = rows.iter().map(|&row| u32::try_from(row).ok()).collect();
    take_record_batch(batch, &rows).map_err(WarehouseError::storage(table, "selection of rows"))
}

/// The instant of a time column's row; `None` for null.
pub fn micros(column: &Arc<dyn arrow::array::Array>, row: usize) -> Option<Micros> {
    let times = column.as_primitive_opt::<TimestampMicrosecondType>()?;
    times.is_valid(row).then(|| Micros(times.value(row)))
}

/// A cell as people write it: digits, text, or Asia/Shanghai wall time; `None` for null.
pub fn cell_text(column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Timestamp(..) => {
            format_wall_time(Micros(column.as_primitive::<TimestampMicrosecondType>().value(row)).floor_seconds())
        }
        _ => arrow::util::display::array_value_to_string(column, row).unwrap_or_default(),
    })
}
