//! CSV for spreadsheets: UTF-8 with a byte order mark, and no cell that a spreadsheet would run as a formula.

use std::io::{self, Write};

use arrow::record_batch::RecordBatch;

use super::super::cell::{Cell, cell};
use super::sink::{Head, Sink, unwritable};

/// Tells Excel that the file is UTF-8.
const BYTE_ORDER_MARK: &str = "\u{feff}";
/// First characters of a text that a spreadsheet takes for a formula.
const FORMULA: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\n'];
const LINE_END: &str = "\r\n";

/// A CSV file: `,` between cells, CR LF behind rows, null as nothing, empty text as `""`.
pub(super) struct Csv<'a> {
    out: Box<dyn Write + Send + 'a>,
    /// One row on its way.
    line: String,
}

impl<'a> Csv<'a> {
    /// Writes the labels.
    pub(super) fn new(head: &Head<'_>, mut out: Box<dyn Write + Send + 'a>) -> io::Result<Self> {
        let mut line = BYTE_ORDER_MARK.to_owned();
        for (position, column) in head.columns.iter().enumerate() {
            line.push_str(if position > 0 { "," } else { "" });
            push_text(&column.label, &mut line);
        }
        line.push_str(LINE_END);
        out.write_all(line.as_bytes())?;
        Ok(Self { out, line })
    }
}

impl Sink for Csv<'_> {
    fn write(&mut self, rows: &RecordBatch) -> io::Result<()> {
        let mut json = String::new();
        for row in 0..rows.num_rows() {
            self.line.clear();
            for (position, column) in rows.columns().iter().enumerate() {
                self.line.push_str(if position > 0 { "," } else { "" });
                match cell(column, row).ok_or_else(unwritable)? {
                    Cell::Text(text) => push_text(text, &mut self.line),
                    list @ Cell::List(_) => {
                        json.clear();
                        list.write_text(&mut json).map_err(io::Error::other)?;
                        push_quoted(&json, "", &mut self.line);
                    }
                    plain => plain.write_text(&mut self.line).map_err(io::Error::other)?,
                }
            }
            self.line.push_str(LINE_END);
            self.out.write_all(self.line.as_bytes())?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<Option<String>> {
        self.out.flush()?;
        Ok(None)
    }
}

fn push_text(text: &str, line: &mut String) {
    let guard = if text.starts_with(FORMULA) { "'" } else { "" };
    let plain = !text.is_empty() && !text.contains(['"', ',', '\r', '\n']) && text.trim() == text;
    if plain {
        line.push_str(guard);
        line.push_str(text);
    } else {
        push_quoted(text, guard, line);
    }
}

fn push_quoted(text: &str, guard: &str, line: &mut String) {
    line.push('"');
    line.push_str(guard);
    line.push_str(&text.replace('"', "\"\""));
    line.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_a_spreadsheet_would_run_are_made_harmless() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+8613800000000", "'+8613800000000"),
            ("-5", "'-5"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "\"'\tx\""),
            ("\r=1", "\"'\r=1\""),
            ("=\"a\",b", "\"'=\"\"a\"\",b\""),
            ("", "\"\""),
            (" a", "\" a\""),
            ("a=b-c", "a=b-c"),
            ("007", "007"),
        ] {
            let mut line = String::new();
            push_text(text, &mut line);
            assert_eq!(line, expected, "{text:?}");
        }
    }
}
