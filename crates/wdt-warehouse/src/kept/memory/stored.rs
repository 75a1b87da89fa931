//! A data file in memory: record batches without their partition column.

use std::sync::Arc;

use arrow::array::UInt32Array;
use arrow::compute::take_record_batch;
use arrow::record_batch::RecordBatch;
use object_store::path::Path;

use crate::error::WarehouseError;
use crate::kept::encoding::BATCH_ROWS;
use crate::kept::partition::PartitionValues;

/// A data file.
#[derive(Debug)]
pub(crate) struct StoredFile {
    /// Position among all files of the table that were ever written.
    pub(super) number: u64,
    pub(super) path: Path,
    pub(super) size: u64,
    pub(super) rows: usize,
    pub(super) partition: Option<(Arc<str>, Option<String>)>,
    pub(super) batches: Vec<RecordBatch>,
}

impl StoredFile {
    /// Value of a partition column in all rows of the file.
    pub(crate) fn partition_value(&self, column: &str) -> Option<&str> {
        self.partition.as_ref().filter(|(name, _)| **name == *column)?.1.as_deref()
    }

    /// Value of the partition column.
    pub(super) fn value(&self) -> Option<&str> {
        self.partition.as_ref()?.1.as_deref()
    }

    /// The partition column's value by its name.
    pub(super) fn partition_values(&self) -> PartitionValues {
        self.partition.iter().map(|(column, value)| (column.to_string(), value.clone())).collect()
    }

    /// The named columns in the file's order, or all; all rows, or those at the given positions (ascending).
    pub(super) fn rows(
        &self,
        columns: Option<&[&str]>,
        positions: Option<&[usize]>,
    ) -> Result<Vec<RecordBatch>, WarehouseError> {
        let mut found = Vec::with_capacity(self.batches.len());
        let (mut base, mut rest) = (0, positions);
        for batch in &self.batches {
            let rows = batch.num_rows();
            let batch = projected(batch, columns)?;
            let batch = match rest {
                None => batch,
                Some(positions) => {
                    let (here, later) = positions.split_at(positions.partition_point(|&row| row < base + rows));
                    rest = Some(later);
                    taken(&batch, here, base)?
                }
            };
            let starts = (0..batch.num_rows()).step_by(BATCH_ROWS);
            found.extend(starts.map(|start| batch.slice(start, BATCH_ROWS.min(batch.num_rows() - start))));
            base += rows;
        }
        Ok(found)
    }
}

fn projected(batch: &RecordBatch, columns: Option<&[&str]>) -> Result<RecordBatch, WarehouseError> {
    let Some(columns) = columns else { return Ok(batch.clone()) };
    let schema = batch.schema_ref();
    let mut wanted: Vec<usize> = columns.iter().filter_map(|column| schema.index_of(column).ok()).collect();
    wanted.sort_unstable();
    wanted.dedup();
    batch.project(&wanted).map_err(WarehouseError::storage("", "read of a data file"))
}

fn taken(batch: &RecordBatch, positions: &[usize], base: usize) -> Result<RecordBatch, WarehouseError> {
    if positions.len() == batch.num_rows() {
        return Ok(batch.clone());
    }
    let rows: UInt32Array = positions.iter().map(|&position| u32::try_from(position - base).ok()).collect();
    take_record_batch(batch, &rows).map_err(WarehouseError::storage("", "read of a data file"))
}
