//! Reads and writes the data files of a table in memory.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use object_store::path::Path;

use super::log::Log;
use super::shelf::Shelf;
use super::step::Operation;
use super::stored::StoredFile;
use crate::error::WarehouseError;

/// The data files of all versions of a table.
#[derive(Clone)]
pub(crate) struct Stored {
    pub(super) shelf: Arc<Shelf>,
    pub(super) name: String,
    pub(super) log: Arc<Log>,
}

impl Stored {
    /// Rows of one file.
    ///
    /// # Errors
    /// When the file is not there, or the step is to fail.
    pub(crate) async fn rows(
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
    pub(crate) async fn size(&self, path: &Path) -> Result<Option<u64>, WarehouseError> {
        self.read(|| Ok(self.log.file(&self.name, path)?.map(|file| file.size))).await
    }

    /// Number of rows of one file.
    ///
    /// # Errors
    /// When the file is not there, or the step is to fail.
    pub(crate) async fn row_count(&self, path: &Path) -> Result<u64, WarehouseError> {
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
pub(crate) struct MemoryWriter {
    stored: Stored,
    open: Vec<OpenRows>,
}

struct OpenRows {
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
    pub(crate) async fn write(&mut self, batch: &RecordBatch) -> Result<(), WarehouseError> {
        let Self { stored, open } = self;
        let parts = stored.log.columns.parts(&stored.name, batch)?;
        let put = || {
            for (value, rows) in parts {
                match open.iter_mut().find(|file| file.value == value) {
                    Some(file) => file.batches.push(rows),
                    None => open.push(OpenRows { value, batches: vec![rows] }),
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
    pub(crate) fn open_bytes(&self) -> usize {
        self.open.iter().map(OpenRows::bytes).sum()
    }

    /// Ends the open files and gives them.
    ///
    /// # Errors
    /// When the step is to fail, and then all open rows are lost.
    pub(crate) async fn roll(&mut self) -> Result<Vec<Arc<StoredFile>>, WarehouseError> {
        let open = std::mem::take(&mut self.open);
        let Stored { shelf, name, log } = &self.stored;
        let end = || Ok(open.into_iter().map(|file| Arc::new(file.end(log))).collect());
        shelf.steps.take(name, Operation::Roll, end).await
    }
}

impl OpenRows {
    fn bytes(&self) -> usize {
        self.batches.iter().map(RecordBatch::get_array_memory_size).sum()
    }

    fn end(self, log: &Log) -> StoredFile {
        let number = log.next_file();
        let path = log.columns.path(self.value.as_deref(), &format!("{number:08}"));
        StoredFile {
            number,
            path,
            size: self.bytes() as u64,
            rows: self.batches.iter().map(RecordBatch::num_rows).sum(),
            partition: log.columns.partition.clone().map(|column| (column, self.value)),
            batches: self.batches,
        }
    }
}
