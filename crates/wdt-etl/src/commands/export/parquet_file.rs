//! Parquet: the table's own types, times as UTC instants, columns under the labels.

use std::io::{self, Write};
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::properties::WriterProperties;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;

use super::sink::{Head, Sink};

/// Rows of a row group: the writer keeps one in memory.
const ROW_GROUP_ROWS: usize = 32 * 1024;

/// A Parquet file.
pub(super) struct ParquetFile<'a> {
    writer: ArrowWriter<Box<dyn Write + Send + 'a>>,
    schema: SchemaRef,
}

impl<'a> ParquetFile<'a> {
    pub(super) fn new(head: &Head<'_>, out: Box<dyn Write + Send + 'a>) -> io::Result<Self> {
        let fields: Vec<_> = head.columns.iter().map(|column| column.field.clone().with_name(&column.label)).collect();
        let schema = Arc::new(Schema::new(fields));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).map_err(io::Error::other)?))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_created_by(concat!("wdt-etl ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties)).map_err(io::Error::other)?;
        Ok(Self { writer, schema })
    }
}

impl Sink for ParquetFile<'_> {
    fn write(&mut self, rows: &RecordBatch) -> io::Result<()> {
        let rows = RecordBatch::try_new(Arc::clone(&self.schema), rows.columns().to_vec()).map_err(io::Error::other)?;
        self.writer.write(&rows).map_err(io::Error::other)
    }

    fn finish(self: Box<Self>) -> io::Result<Option<String>> {
        self.writer.into_inner().map_err(io::Error::other)?.flush()?;
        Ok(None)
    }
}
