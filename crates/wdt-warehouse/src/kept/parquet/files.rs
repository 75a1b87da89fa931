//! Data files: rows encoded in memory, and the names that say which commit they belong to.

use arrow::record_batch::RecordBatch;
use object_store::path::Path;
use parquet::arrow::ArrowWriter;

use super::encoded::Encoded;
use crate::error::WarehouseError;
use crate::failpoint::{self, Place};
use crate::kept::encoding::writer_properties;
use crate::kept::partition::FileColumns;

/// Encodes data files of one table.
pub(crate) struct ParquetWriter {
    table: String,
    columns: FileColumns,
    open: Vec<OpenFile>,
}

struct OpenFile {
    value: Option<String>,
    rows: u64,
    writer: ArrowWriter<Vec<u8>>,
}

/// The version whose commit alone may name this file; `None` of a file that this project did not write.
pub(super) fn version_of(path: &Path) -> Option<u64> {
    let name = path.filename()?;
    let (digits, rest) = name.split_at_checked(20)?;
    let ours = rest.starts_with('-') || rest.starts_with(".json");
    (ours && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok()).flatten()
}

impl ParquetWriter {
    /// No file is open yet.
    pub(super) fn new(table: &str, columns: &FileColumns) -> Self {
        Self { table: table.to_owned(), columns: columns.clone(), open: Vec::new() }
    }

    /// Adds rows to the open files of their partitions.
    ///
    /// # Errors
    /// When the columns do not match.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), WarehouseError> {
        let Self { table, columns, open } = self;
        for (value, rows) in columns.parts(table, batch)? {
            let file = open_file(open, table, columns, value)?;
            file.writer.write(&rows).map_err(WarehouseError::storage(table, "write"))?;
            file.rows += rows.num_rows() as u64;
        }
        Ok(())
    }

    /// Bytes of the open files so far.
    pub(crate) fn open_bytes(&self) -> usize {
        self.open.iter().map(|file| file.writer.bytes_written() + file.writer.in_progress_size()).sum()
    }

    /// Ends the open files and gives them.
    ///
    /// # Errors
    /// When one cannot be encoded.
    pub(crate) fn roll(&mut self) -> Result<Vec<Encoded>, WarehouseError> {
        failpoint::hit(Place::FileDue);
        let ended = std::mem::take(&mut self.open).into_iter().map(|file| {
            let bytes = file.writer.into_inner().map_err(WarehouseError::storage(&self.table, "write"))?;
            Ok(Encoded { value: file.value, rows: file.rows, bytes: bytes.into() })
        });
        let ended = ended.collect::<Result<_, _>>()?;
        failpoint::hit(Place::FileWritten);
        Ok(ended)
    }
}

/// The open file of a partition.
fn open_file<'a>(
    open: &'a mut Vec<OpenFile>,
    table: &str,
    columns: &FileColumns,
    value: Option<String>,
) -> Result<&'a mut OpenFile, WarehouseError> {
    let place = if let Some(place) = open.iter().position(|file| file.value == value) {
        place
    } else {
        let writer = ArrowWriter::try_new(Vec::new(), columns.held().clone(), Some(writer_properties()))
            .map_err(WarehouseError::storage(table, "write"))?;
        open.push(OpenFile { value, rows: 0, writer });
        open.len() - 1
    };
    Ok(&mut open[place])
}
