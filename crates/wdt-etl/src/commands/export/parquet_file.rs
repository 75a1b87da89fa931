//! Parquet: the table's own types, times as UTC instants, columns under the labels.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use wdt_warehouse::ParquetFile;

use super::sink::{Head, Sink};

/// Rows under their labels, in a Parquet file.
pub(super) struct LabelledRows<'a> {
    file: ParquetFile<Box<dyn Write + Send + 'a>>,
    schema: SchemaRef,
}

impl<'a> LabelledRows<'a> {
    pub(super) fn new(head: &Head<'_>, out: Box<dyn Write + Send + 'a>) -> io::Result<Self> {
        let fields: Vec<_> = head.columns.iter().map(|column| column.field.clone().with_name(&column.label)).collect();
        let schema = Arc::new(Schema::new(fields));
        Ok(Self { file: ParquetFile::new(out, Arc::clone(&schema))?, schema })
    }
}

impl Sink for LabelledRows<'_> {
    fn write(&mut self, rows: &RecordBatch) -> io::Result<()> {
        let rows = RecordBatch::try_new(Arc::clone(&self.schema), rows.columns().to_vec()).map_err(io::Error::other)?;
        self.file.write(&rows)
    }

    fn finish(self: Box<Self>) -> io::Result<Option<String>> {
        self.file.finish()?;
        Ok(None)
    }
}
