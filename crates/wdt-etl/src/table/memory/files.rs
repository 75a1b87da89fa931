//! Data files in memory: record batches without their partition column.

use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use object_store::path::Path;

use super::log::Log;
use super::{Operation, Shelf};
use crate::table::error::WarehouseError;
use crate::table::files::BATCH_ROWS;
use crate::table::versioned::PartitionValues;

/// A data file.
#[derive(Debug)]
pub(in crate::table) struct StoredFile {
    /// Position among all files of the table that were ever written.
    pub(super) number: u64,
    pub(super) path: Path,
    pub(super) size: u64,
    pub(super) rows: usize,
    partition: Option<(&'static str, Option<String>)>,
    batches: Vec<RecordBatch>,
}

impl StoredFile {
    /// Value of a partition column in all rows of the file.
    pub(in crate::table) fn partition_value(&self, column: &str) -> Option<&str> {
        self.partition.as_ref().filter(|(name, _)| *name == column)?.1.as_deref()
    }

    /// Value of the partition column.
    pub(super) fn value(&self) -> Option<&str> {
        self.partition.as_ref()?.1.as_deref()
    }

    /// The partition column's value by its name.
    pub(super) fn partition_values(&self) -> PartitionValues {
        self.partition.iter().map(|(column, value)| ((*column).to_owned(), value.clone())).collect()
    }

    /// The named columns in the file's order, or all; all rows, or those at the given positions (ascending).
    fn rows(&self, columns: Option<&[&str]>, positions: Option<&[usize]>) -> Result<Vec<RecordBatch>, WarehouseError> {
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

/// The data files of all versions of a table.
#[derive(Clone)]
pub(in crate::table) struct Stored {
    pub(super) shelf: Arc<Shelf>,
    pub(super) name: String,
    pub(super) log: Arc<Log>,
}

impl Stored {
    /// Rows of one file.
    ///
    /// # Errors
    /// When the file is not there, or the step is to fail.
    pub(in crate::table) async fn rows(
        &self,
        path: &Path,
        columns: Option<&[&str]>,
        positions: Option<&[usize]>,
    ) -> Result<Vec<RecordBatch>, WarehouseError> {
        self.read(|| self.there(path)?.rows(columns, positions)).await
    }

    /// Bytes of one file; `None` when it is gone.
    ///
    /// # Errors
    /// When the step is to fail.
    pub(in crate::table) async fn size(&self, path: &Path) -> Result<Option<u64>, WarehouseError> {
        self.read(|| Ok(self.log.file(&self.name, path)?.map(|file| file.size))).await
    }

    /// Number of rows of one file.
    ///
    /// # Errors
    /// When the file is not there, or the step is to fail.
    pub(in crate::table) async fn row_count(&self, path: &Path) -> Result<u64, WarehouseError> {
        self.read(|| Ok(self.there(path)?.rows as u64)).await
    }

    async fn read<T>(&self, effect: impl FnOnce() -> Result<T, WarehouseError>) -> Result<T, WarehouseError> {
        self.shelf.steps.take(&self.name, Operation::Read, effect).await
    }

    fn there(&self, path: &Path) -> Result<Arc<StoredFile>, WarehouseError> {
        let missing = || WarehouseError::storage(&self.name, "read of a data file")(format!("{path} is not there"));
        self.log.file(&self.name, path)?.ok_or_else(missing)
    }
}

/// Writes data files of one table.
pub(in crate::table) struct MemoryWriter {
    stored: Stored,
    open: Vec<OpenFile>,
}

struct OpenFile {
    value: Option<String>,
    batches: Vec<RecordBatch>,
}

impl MemoryWriter {
    /// No file is open yet.
    pub(super) const fn new(stored: Stored) -> Self {
        Self { stored, open: Vec::new() }
    }

    /// Adds rows to the open files of their partitions.
    ///
    /// # Errors
    /// When the columns do not match; when the step is to fail, and then all open rows are lost.
    pub(in crate::table) async fn write(&mut self, batch: &RecordBatch) -> Result<(), WarehouseError> {
        let Self { stored, open } = self;
        let parts = stored.log.parts(&stored.name, batch)?;
        let put = || {
            for (value, rows) in parts {
                match open.iter_mut().find(|file| file.value == value) {
                    Some(file) => file.batches.push(rows),
                    None => open.push(OpenFile { value, batches: vec![rows] }),
                }
            }
            Ok(())
        };
        let put = stored.shelf.steps.take(&stored.name, Operation::Write, put).await;
        if put.is_err() {
            self.open.clear();
        }
        put
    }

    /// Bytes of the open files so far.
    pub(in crate::table) fn open_bytes(&self) -> usize {
        self.open.iter().map(OpenFile::bytes).sum()
    }

    /// Ends the open files and gives them.
    ///
    /// # Errors
    /// When the step is to fail, and then all open rows are lost.
    pub(in crate::table) async fn roll(&mut self) -> Result<Vec<Arc<StoredFile>>, WarehouseError> {
        let open = std::mem::take(&mut self.open);
        let Stored { shelf, name, log } = &self.stored;
        let end = || Ok(open.into_iter().map(|file| Arc::new(file.end(log))).collect());
        shelf.steps.take(name, Operation::Roll, end).await
    }
}

impl OpenFile {
    fn bytes(&self) -> usize {
        self.batches.iter().map(RecordBatch::get_array_memory_size).sum()
    }

    fn end(self, log: &Log) -> StoredFile {
        let number = log.next_file();
        let name = format!("{number:08}");
        let path = match (log.partition, &self.value) {
            (None, _) => Path::from(name),
            (Some(column), value) => {
                let value = value.as_deref().unwrap_or("__HIVE_DEFAULT_PARTITION__");
                Path::from_iter([format!("{column}={value}"), name])
            }
        };
        StoredFile {
            number,
            path,
            size: self.bytes() as u64,
            rows: self.batches.iter().map(RecordBatch::num_rows).sum(),
            partition: log.partition.map(|column| (column, self.value)),
            batches: self.batches,
        }
    }
}

impl Log {
    /// Rows as data files hold them, by the value of the partition column, order kept.
    fn parts(&self, table: &str, batch: &RecordBatch) -> Result<Vec<(Option<String>, RecordBatch)>, WarehouseError> {
        let refused = |reason: String| WarehouseError::storage(table, "write")(reason);
        let column = |name: &str| {
            batch.column_by_name(name).map(Arc::clone).ok_or_else(|| refused(format!("no column `{name}`")))
        };
        if self.partition.is_none() && batch.num_columns() != self.schema.fields().len() {
            return Err(refused("more columns than the table has".to_owned()));
        }
        let columns = self.file_schema.fields().iter().map(|field| column(field.name()));
        let rows = RecordBatch::try_new(Arc::clone(&self.file_schema), columns.collect::<Result<_, _>>()?)
            .map_err(WarehouseError::storage(table, "write"))?;
        if rows.num_rows() == 0 {
            return Ok(Vec::new());
        }
        let Some(name) = self.partition else { return Ok(vec![(None, rows)]) };
        let groups = groups(&column(name)?).map_err(WarehouseError::storage(table, "write"))?;
        if let [(value, _)] = groups.as_slice() {
            return Ok(vec![(value.clone(), rows)]);
        }
        let part = |(value, numbers): Group| {
            let rows = take_record_batch(&rows, &UInt32Array::from(numbers));
            Ok((value, rows.map_err(WarehouseError::storage(table, "write"))?))
        };
        groups.into_iter().map(part).collect()
    }
}

/// A value of the partition column, and the numbers of its rows.
type Group = (Option<String>, Vec<u32>);

/// Row numbers by the column's value as text, in the order in which values come up.
fn groups(column: &ArrayRef) -> Result<Vec<Group>, ArrowError> {
    let options = FormatOptions::default();
    let format = ArrayFormatter::try_new(column, &options)?;
    let mut groups: Vec<Group> = Vec::new();
    for (row, number) in (0..column.len()).zip(0..) {
        let value = column.is_valid(row).then(|| format.value(row).try_to_string()).transpose()?;
        match groups.iter_mut().find(|(known, _)| *known == value) {
            Some((_, rows)) => rows.push(number),
            None => groups.push((value, vec![number])),
        }
    }
    Ok(groups)
}
