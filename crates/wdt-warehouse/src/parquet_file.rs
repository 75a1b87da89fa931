//! One Parquet file for other programs, written row group by row group: what `export` hands out.

use std::io::{self, Write};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

/// Rows of a row group: the writer holds one in memory.
const ROW_GROUP_ROWS: usize = 32 * 1024;

/// A Parquet file that is being written.
pub struct ParquetFile<W: Write + Send> {
    writer: ArrowWriter<W>,
}

impl<W: Write + Send> ParquetFile<W> {
    /// A file with these columns.
    ///
    /// # Errors
    /// When a column's type has no counterpart in Parquet, or `out` cannot be written.
    pub fn new(out: W, columns: SchemaRef) -> io::Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).map_err(io::Error::other)?))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_created_by(concat!("wdt-etl ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        Ok(Self { writer: ArrowWriter::try_new(out, columns, Some(properties)).map_err(io::Error::other)? })
    }

    /// Adds rows that have these columns.
    ///
    /// # Errors
    /// When the columns are others, or `out` cannot be written.
    pub fn write(&mut self, rows: &RecordBatch) -> io::Result<()> {
        self.writer.write(rows).map_err(io::Error::other)
    }

    /// Ends the file, without which it cannot be read.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn finish(self) -> io::Result<()> {
        self.writer.into_inner().map_err(io::Error::other)?.flush()
    }
}
