//! One cell of a batch, and its text: the same words in every text format.

use std::fmt::{self, Write as _};

use arrow::array::{Array, ArrayRef, AsArray as _};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use wdt_models::DECIMAL_SCALE;
use wdt_models::time::{Micros, SHANGHAI_OFFSET_SECONDS, Seconds, format_wall_time};

/// Ten to the places of a decimal column.
pub(super) const DECIMAL_UNIT: u128 = 10_u128.pow(DECIMAL_SCALE.unsigned_abs() as u32);

/// One cell.
pub(super) enum Cell<'a> {
    Null,
    Boolean(bool),
    Int(i64),
    /// In units of the last of four places.
    Decimal(i128),
    Time(Micros),
    Text(&'a str),
    /// The entries of a nested list, as structs.
    List(ArrayRef),
}

/// The cell of a column; `None` for a type that no table has.
pub(super) fn cell(column: &dyn Array, row: usize) -> Option<Cell<'_>> {
    if column.is_null(row) {
        return Some(Cell::Null);
    }
    Some(match column.data_type() {
        DataType::Boolean => Cell::Boolean(column.as_boolean().value(row)),
        DataType::Int64 => Cell::Int(column.as_primitive::<Int64Type>().value(row)),
        DataType::Decimal128(_, DECIMAL_SCALE) => Cell::Decimal(column.as_primitive::<Decimal128Type>().value(row)),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Cell::Time(Micros(column.as_primitive::<TimestampMicrosecondType>().value(row)))
        }
        // the begin of the day in Asia/Shanghai
        DataType::Date32 => {
            let days = i64::from(column.as_primitive::<Date32Type>().value(row));
            Cell::Time(Seconds(days * 86_400 - SHANGHAI_OFFSET_SECONDS).micros())
        }
        DataType::Utf8 => Cell::Text(column.as_string::<i32>().value(row)),
        DataType::List(_) => Cell::List(column.as_list::<i32>().value(row)),
        _ => return None,
    })
}

impl Cell<'_> {
    /// Appends the cell's text; nothing for null, JSON for a list.
    pub(super) fn write_text(&self, out: &mut String) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Boolean(value) => write!(out, "{value}"),
            Self::Int(value) => write!(out, "{value}"),
            Self::Decimal(units) => write_decimal(*units, out),
            Self::Time(micros) => write_time(*micros, out),
            Self::Text(text) => out.write_str(text),
            Self::List(_) => self.write_json(out),
        }
    }

    /// Appends the cell as JSON: numbers with all their digits, times as text.
    pub(super) fn write_json(&self, out: &mut String) -> fmt::Result {
        match self {
            Self::Null => out.write_str("null"),
            Self::Boolean(_) | Self::Int(_) | Self::Decimal(_) => self.write_text(out),
            Self::Text(text) => write_json_text(text, out),
            Self::Time(micros) => {
                out.write_char('"')?;
                write_time(*micros, out)?;
                out.write_char('"')
            }
            Self::List(entries) => write_json_list(entries, out),
        }
    }
}

/// Appends a text as a JSON string.
pub(super) fn write_json_text(text: &str, out: &mut String) -> fmt::Result {
    out.write_str(&serde_json::to_string(text).map_err(|_| fmt::Error)?)
}

/// Appends a decimal with its four places.
fn write_decimal(units: i128, out: &mut String) -> fmt::Result {
    let sign = if units < 0 { "-" } else { "" };
    let units = units.unsigned_abs();
    write!(out, "{sign}{}.{:04}", units / DECIMAL_UNIT, units % DECIMAL_UNIT)
}

/// Appends an instant as Asia/Shanghai wall time, with a fraction only where there is one.
fn write_time(micros: Micros, out: &mut String) -> fmt::Result {
    out.write_str(&format_wall_time(micros.floor_seconds()))?;
    match micros.0.rem_euclid(1_000_000) {
        0 => Ok(()),
        fraction if fraction % 1000 == 0 => write!(out, ".{:03}", fraction / 1000),
        fraction => write!(out, ".{fraction:06}"),
    }
}

/// Appends the entries of a list as JSON objects, members under the platform's names.
fn write_json_list(entries: &ArrayRef, out: &mut String) -> fmt::Result {
    let Some(members) = entries.as_struct_opt() else { return Err(fmt::Error) };
    out.write_char('[')?;
    for row in 0..members.len() {
        out.write_str(if row > 0 { "," } else { "" })?;
        if members.is_null(row) {
            out.write_str("null")?;
            continue;
        }
        let mut before = '{';
        for (name, column) in members.column_names().into_iter().zip(members.columns()) {
            out.write_char(before)?;
            write_json_text(name, out)?;
            out.write_char(':')?;
            cell(column, row).ok_or(fmt::Error)?.write_json(out)?;
            before = ',';
        }
        out.write_char('}')?;
    }
    out.write_char(']')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn text(cell: &Cell<'_>) -> String {
        let mut out = String::new();
        cell.write_text(&mut out).unwrap();
        out
    }

    #[test]
    fn decimals_keep_sign_and_four_places() {
        for (units, expected) in
            [(0, "0.0000"), (-1, "-0.0001"), (-50_000, "-5.0000"), (9_999_999_999_999_999_999, "999999999999999.9999")]
        {
            assert_eq!(text(&Cell::Decimal(units)), expected);
        }
    }

    #[test]
    fn times_are_shanghai_wall_time_and_show_a_fraction_only_where_there_is_one() {
        assert_eq!(text(&Cell::Time(Micros(0))), "1970-01-01 08:00:00");
        assert_eq!(text(&Cell::Time(Micros(1_500_000))), "1970-01-01 08:00:01.500");
        assert_eq!(text(&Cell::Time(Micros(1))), "1970-01-01 08:00:00.000001");
        assert_eq!(text(&Cell::Time(Micros(-1))), "1970-01-01 07:59:59.999999");
    }

    #[test]
    fn json_text_is_escaped() {
        let mut out = String::new();
        Cell::Text("a\"\n\u{1}中").write_json(&mut out).unwrap();
        assert_eq!(out, r#""a\"\n\u0001中""#);
    }
}
