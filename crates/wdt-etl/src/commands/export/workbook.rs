//! XLSX: nothing that a spreadsheet would round, cut or guess at.
//!
//! Texts and ids are text cells, quantities numbers with four places, times real times. A number of more digits than a
//! spreadsheet keeps, and a time it cannot show, becomes text.

use std::io::{self, Write};

use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};
use wdt_models::time::{Micros, SHANGHAI_OFFSET_SECONDS};

use super::super::cell::{Cell, cell};
use super::columns::Column;
use super::sink::{Head, Sink, unwritable};

/// Rows of a sheet, its head included: Excel's limit.
pub(super) const SHEET_ROWS: u32 = 1_048_576;
/// UTF-16 units of a cell: Excel's limit.
const CELL_UNITS: usize = 32_767;
/// Digits that a spreadsheet keeps of a number.
const NUMBER_DIGITS: u32 = 15;
/// Characters of a sheet's name: Excel's limit.
const SHEET_NAME: usize = 31;
/// Widest column, in characters.
const WIDEST: f64 = 60.0;
/// Days from 1899-12-30, which spreadsheets count from, to 1970-01-01.
const EPOCH_DAY: i64 = 25_569;
const MICROS_A_DAY: i64 = 86_400_000_000;
/// First day that every spreadsheet counts alike, 1900-03-01, and the first it does not know, 10000-01-01.
const DAYS: std::ops::Range<i64> = 61..2_958_466;

/// A workbook, its rows on disk until it is saved.
pub(super) struct Xlsx<'a> {
    out: Box<dyn Write + Send + 'a>,
    book: Workbook,
    columns: Vec<Column>,
    name: &'static str,
    formats: Formats,
    /// Rows of a sheet at most.
    limit: u32,
    sheets: usize,
    /// Next row of the last sheet.
    next: u32,
    cut: u64,
    text: String,
}

struct Formats {
    head: Format,
    text: Format,
    decimal: Format,
    time: Format,
    fraction: Format,
}

impl<'a> Xlsx<'a> {
    /// A workbook of sheets of so many rows, the first one begun.
    pub(super) fn new(head: &Head<'_>, out: Box<dyn Write + Send + 'a>, limit: u32) -> io::Result<Self> {
        let mut book = Workbook::new();
        if let Some(folder) = head.scratch {
            book.set_tempdir(folder).map_err(fault)?;
        }
        // the same rows give the same bytes, whenever they are written
        let date = ExcelDateTime::from_ymd(2000, 1, 1).map_err(fault)?;
        book.set_properties(&DocProperties::new().set_creation_datetime(&date));
        book.use_zip_large_file(true);
        let formats = Formats {
            head: Format::new().set_bold().set_num_format("@"),
            text: Format::new().set_num_format("@"),
            decimal: Format::new().set_num_format("0.0000"),
            time: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
            fraction: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss.000"),
        };
        let columns = head.columns.to_vec();
        let (name, text) = (head.dataset, String::new());
        let mut xlsx = Self { out, book, columns, name, formats, limit, sheets: 0, next: 0, cut: 0, text };
        xlsx.begin_sheet().map_err(fault)?;
        Ok(xlsx)
    }

    fn begin_sheet(&mut self) -> Result<(), XlsxError> {
        self.sheets += 1;
        let sheet = self.book.add_worksheet_with_constant_memory()?;
        sheet.set_name(sheet_name(self.name, self.sheets))?;
        sheet.set_freeze_panes(1, 0)?;
        for (position, column) in (0_u16..).zip(&self.columns) {
            sheet.set_column_width(position, width(column))?;
            sheet.write_string_with_format(0, position, &column.label, &self.formats.head)?;
        }
        self.next = 1;
        Ok(())
    }

    fn write_row(&mut self, rows: &RecordBatch, row: usize) -> io::Result<()> {
        if self.next >= self.limit {
            self.begin_sheet().map_err(fault)?;
        }
        let sheet = self.book.worksheet_from_index(self.sheets - 1).map_err(fault)?;
        let mut writer =
            RowWriter { sheet, formats: &self.formats, row: self.next, cut: &mut self.cut, text: &mut self.text };
        for ((position, column), cells) in (0_u16..).zip(&self.columns).zip(rows.columns()) {
            let cell = cell(cells, row).ok_or_else(unwritable)?;
            writer.write(position, &cell, column.id).map_err(fault)?;
        }
        self.next += 1;
        Ok(())
    }
}

impl Sink for Xlsx<'_> {
    fn write(&mut self, rows: &RecordBatch) -> io::Result<()> {
        (0..rows.num_rows()).try_for_each(|row| self.write_row(rows, row))
    }

    fn finish(mut self: Box<Self>) -> io::Result<Option<String>> {
        self.book.save_to_writer(&mut self.out).map_err(fault)?;
        self.out.flush()?;
        let cut = self.cut;
        Ok((cut > 0).then(|| format!("{cut} cells were longer than {CELL_UNITS} characters and were cut")))
    }
}

/// Writes the cells of one row.
struct RowWriter<'a> {
    sheet: &'a mut Worksheet,
    formats: &'a Formats,
    row: u32,
    cut: &'a mut u64,
    text: &'a mut String,
}

impl RowWriter<'_> {
    fn write(&mut self, position: u16, cell: &Cell<'_>, id: bool) -> Result<(), XlsxError> {
        match cell {
            Cell::Null => return Ok(()),
            Cell::Boolean(value) => {
                self.sheet.write_boolean(self.row, position, *value)?;
                return Ok(());
            }
            Cell::Text(text) => return self.write_text(position, text),
            _ => {}
        }
        let mut text = std::mem::take(self.text);
        text.clear();
        let written = cell
            .write_text(&mut text)
            .map_err(|error| XlsxError::CustomError(error.to_string()))
            .and_then(|()| self.write_rendered(position, cell, &text, id));
        *self.text = text;
        written
    }

    /// A cell of which the text is known: as a number where none of it is lost.
    fn write_rendered(&mut self, position: u16, cell: &Cell<'_>, text: &str, id: bool) -> Result<(), XlsxError> {
        let number = match cell {
            Cell::Int(value) if !id && digits(value.unsigned_abs().into()) <= NUMBER_DIGITS => text.parse().ok(),
            Cell::Decimal(units) if digits(units.unsigned_abs()) <= NUMBER_DIGITS => text.parse().ok(),
            Cell::Time(micros) => serial(*micros),
            _ => None,
        };
        let Some(number) = number else { return self.write_text(position, text) };
        let number: f64 = number;
        match cell {
            Cell::Int(_) => self.sheet.write_number(self.row, position, number)?,
            Cell::Time(micros) if micros.0 % 1_000_000 != 0 => {
                self.sheet.write_number_with_format(self.row, position, number, &self.formats.fraction)?
            }
            Cell::Time(_) => self.sheet.write_number_with_format(self.row, position, number, &self.formats.time)?,
            _ => self.sheet.write_number_with_format(self.row, position, number, &self.formats.decimal)?,
        };
        Ok(())
    }

    fn write_text(&mut self, position: u16, text: &str) -> Result<(), XlsxError> {
        let fitting = fitting(text);
        *self.cut += u64::from(fitting.len() < text.len());
        self.sheet.write_string_with_format(self.row, position, fitting, &self.formats.text)?;
        Ok(())
    }
}

/// Digits of a number, zeros at its end left out.
fn digits(mut value: u128) -> u32 {
    while value != 0 && value.is_multiple_of(10) {
        value /= 10;
    }
    value.checked_ilog10().map_or(0, |zeros| zeros + 1)
}

/// What spreadsheets count times by: days since 1899-12-30 in Asia/Shanghai; `None` where they cannot or would round.
fn serial(Micros(micros): Micros) -> Option<f64> {
    let local = micros.checked_add(SHANGHAI_OFFSET_SECONDS * 1_000_000)?;
    let day = local.div_euclid(MICROS_A_DAY) + EPOCH_DAY;
    if !DAYS.contains(&day) || micros % 1000 != 0 {
        return None;
    }
    let millis = i32::try_from(local.rem_euclid(MICROS_A_DAY) / 1000).ok()?;
    Some(f64::from(i32::try_from(day).ok()?) + f64::from(millis) / 86_400_000.0)
}

/// As much of a text as fits into a cell.
fn fitting(text: &str) -> &str {
    if text.len() <= CELL_UNITS {
        return text;
    }
    let mut units = 0;
    for (position, character) in text.char_indices() {
        units += character.len_utf16();
        if units > CELL_UNITS {
            return &text[..position];
        }
    }
    text
}

/// Name of a sheet: the dataset's, with a number from the second on.
fn sheet_name(dataset: &str, number: usize) -> String {
    let suffix = if number > 1 { format!(" {number}") } else { String::new() };
    let name: String = dataset.chars().take(SHEET_NAME - suffix.len()).collect();
    name + &suffix
}

/// Width of a column in characters: its label and its usual content.
fn width(column: &Column) -> f64 {
    let cells = match column.field.data_type() {
        DataType::Timestamp(..) | DataType::Date32 => 20.0,
        DataType::Int64 if column.id => 16.0,
        DataType::Int64 | DataType::Boolean => 10.0,
        DataType::Decimal128(..) => 14.0,
        DataType::List(_) => 40.0,
        _ => 18.0,
    };
    // a character that is not Latin takes two places
    let label: f64 = column.label.chars().map(|c| if c.is_ascii() { 1.0 } else { 2.0 }).sum();
    f64::max(cells, label + 2.0).min(WIDEST)
}

fn fault(error: XlsxError) -> io::Error {
    match error {
        XlsxError::IoError(error) => error,
        other => io::Error::other(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests")]

    use super::*;

    #[test]
    fn only_the_digits_that_say_something_count() {
        assert_eq!((digits(0), digits(7), digits(1000), digits(1_020_000)), (0, 1, 1, 3));
        assert_eq!(digits(999_999_999_999_999), 15);
        assert_eq!(digits(9_999_999_999_999_999), 16);
    }

    #[test]
    fn times_are_counted_in_days_of_shanghai() {
        assert_eq!(serial(Micros(0)), Some(25_569.0 + 8.0 / 24.0));
        // 2024-05-01 12:00:00 in Asia/Shanghai
        assert_eq!(serial(Micros(1_714_536_000_000_000)), Some(45_413.5));
        assert_eq!([1, i64::MAX, -3_000_000_000_000_000].map(|micros| serial(Micros(micros))), [None, None, None]);
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        let long = "中".repeat(CELL_UNITS + 5);
        assert_eq!(fitting(&long).chars().count(), CELL_UNITS);
        let pairs = "😀".repeat(CELL_UNITS);
        assert_eq!(fitting(&pairs).chars().count(), CELL_UNITS / 2);
        let exact = "a".repeat(CELL_UNITS);
        assert_eq!(fitting(&exact), exact);
    }

    #[test]
    fn names_of_sheets_stay_within_the_limit() {
        assert_eq!(sheet_name("enterprise_stock", 1), "enterprise_stock");
        assert_eq!(sheet_name("enterprise_stock", 12), "enterprise_stock 12");
        assert_eq!(sheet_name(&"x".repeat(40), 12).len(), SHEET_NAME);
    }
}
