//! JSON: one object a line, or one list of lists with the labels first.

use std::io::{self, Write};

use arrow::record_batch::RecordBatch;

use super::super::cell::{cell, write_json_text};
use super::columns::Column;
use super::sink::{Head, Sink, unwritable};

/// NDJSON: an object a row, the labels as its members.
pub(super) struct Lines<'a> {
    out: Box<dyn Write + Send + 'a>,
    /// The text before each cell: `{"a":`, then `,"b":`.
    before: Vec<String>,
    line: String,
}

impl<'a> Lines<'a> {
    pub(super) fn new(head: &Head<'_>, out: Box<dyn Write + Send + 'a>) -> Self {
        let before = |(position, column): (usize, &Column)| {
            let label = serde_json::Value::from(column.label.as_str());
            format!("{}{label}:", if position > 0 { ',' } else { '{' })
        };
        Self { out, before: head.columns.iter().enumerate().map(before).collect(), line: String::new() }
    }
}

impl Sink for Lines<'_> {
    fn write(&mut self, rows: &RecordBatch) -> io::Result<()> {
        for row in 0..rows.num_rows() {
            self.line.clear();
            for (before, column) in self.before.iter().zip(rows.columns()) {
                self.line.push_str(before);
                let cell = cell(column, row).ok_or_else(unwritable)?;
                cell.write_json(&mut self.line).map_err(io::Error::other)?;
            }
            self.line.push_str("}\n");
            self.out.write_all(self.line.as_bytes())?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<Option<String>> {
        self.out.flush()?;
        Ok(None)
    }
}

/// A list of lists, one a line: the labels, then the rows.
pub(super) struct Table<'a> {
    out: Box<dyn Write + Send + 'a>,
    line: String,
}

impl<'a> Table<'a> {
    /// Writes the labels.
    pub(super) fn new(head: &Head<'_>, mut out: Box<dyn Write + Send + 'a>) -> io::Result<Self> {
        let mut line = "[\n".to_owned();
        for (position, column) in head.columns.iter().enumerate() {
            line.push(if position > 0 { ',' } else { '[' });
            write_json_text(&column.label, &mut line).map_err(io::Error::other)?;
        }
        line.push(']');
        out.write_all(line.as_bytes())?;
        Ok(Self { out, line })
    }
}

impl Sink for Table<'_> {
    fn write(&mut self, rows: &RecordBatch) -> io::Result<()> {
        for row in 0..rows.num_rows() {
            self.line.clear();
            self.line.push_str(",\n");
            for (position, column) in rows.columns().iter().enumerate() {
                self.line.push(if position > 0 { ',' } else { '[' });
                let cell = cell(column, row).ok_or_else(unwritable)?;
                cell.write_json(&mut self.line).map_err(io::Error::other)?;
            }
            self.line.push(']');
            self.out.write_all(self.line.as_bytes())?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<Option<String>> {
        self.out.write_all(b"\n]\n")?;
        self.out.flush()?;
        Ok(None)
    }
}
