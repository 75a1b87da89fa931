//! Rows made up from the field tables: the JSON of a record in any form that a gateway may send, and the cells it must become.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, TimeDelta};
use serde_json::Value;
use wdt_models::decode::Decoded;
use wdt_models::{Field, Kind, Slice};

use crate::random::Random;

/// What a cell must hold.
#[derive(Debug, PartialEq)]
pub(crate) enum Cell {
    Null,
    Int(i64),
    Decimal(i128),
    Micros(i64),
    Boolean(bool),
    Text(String),
    List(Vec<Vec<Cell>>),
}

/// A record as JSON, its members in any order, and its cells in the fields' order; what the slice says need not stand in it.
pub(crate) fn record(fields: &[Field], slice: &Slice, random: &mut Random) -> (String, Vec<Cell>) {
    let (mut members, mut cells) = (Vec::new(), Vec::new());
    for field in fields {
        let (json, cell) = match slice.value(field.name) {
            Some(text) => of_slice(field, text, random),
            None if !field.required && random.below(4) == 0 => null(random),
            None => value(field, random),
        };
        members.extend(json.map(|json| format!("{:?}:{json}", any_case(field.name, random))));
        cells.push(cell);
    }
    if random.below(3) == 0 {
        members.push(r#""not_documented": [1, {"spec_id": 2}]"#.to_owned());
    }
    shuffle(&mut members, random);
    (format!("{{ {} }}", members.join(", ")), cells)
}

/// The decoded rows are these, cell by cell.
#[track_caller]
pub(crate) fn assert_cells(fields: &[Field], decoded: &Decoded, rows: &[Vec<Cell>], what: &str) {
    assert_eq!(decoded.refused, [], "{what}");
    assert_eq!(decoded.batch.num_rows(), rows.len(), "{what}");
    for (row, cells) in rows.iter().enumerate() {
        for (position, cell) in cells.iter().enumerate() {
            let read = read_cell(decoded.batch.column(position), row);
            assert_eq!(&read, cell, "{} of row {row} in {what}", fields[position].name);
        }
    }
}

/// Some of them change places.
pub(crate) fn shuffle(members: &mut [String], random: &mut Random) {
    for last in (1..members.len()).rev() {
        if random.below(4) == 0 {
            members.swap(last, usize::try_from(random.below(last as u64)).unwrap());
        }
    }
}

/// One of the forms.
pub(crate) fn pick(random: &mut Random, forms: &[&str]) -> String {
    forms[usize::try_from(random.below(forms.len() as u64)).unwrap()].to_owned()
}

/// A column of the slice: left out, or repeated.
fn of_slice(field: &Field, text: &str, random: &mut Random) -> (Option<String>, Cell) {
    let quoted = format!("\"{text}\"");
    let (form, cell) = match field.kind {
        Kind::Int => (pick(random, &[text, &quoted]), Cell::Int(text.parse().unwrap())),
        _ => (quoted, Cell::Text(text.to_owned())),
    };
    ((random.below(2) == 0).then_some(form), cell)
}

fn null(random: &mut Random) -> (Option<String>, Cell) {
    ((random.below(2) == 0).then(|| "null".to_owned()), Cell::Null)
}

fn value(field: &Field, random: &mut Random) -> (Option<String>, Cell) {
    let (json, cell) = match field.kind {
        Kind::Int | Kind::Decimal | Kind::Timestamp | Kind::Boolean if !field.required && random.below(8) == 0 => {
            (r#""""#.to_owned(), Cell::Null)
        }
        Kind::Int => int(random),
        Kind::Decimal => decimal(random),
        Kind::Timestamp if !field.required && random.below(4) == 0 => {
            (pick(random, &[r#""0000-00-00 00:00:00""#, r#""0000-00-00""#]), Cell::Null)
        }
        Kind::Timestamp => timestamp(random),
        Kind::Boolean => {
            let value = random.below(2) == 0;
            let forms = if value { ["true", "1", r#""1""#] } else { ["false", "0", r#""0""#] };
            (pick(random, &forms), Cell::Boolean(value))
        }
        Kind::Text => text(field.required, random),
        Kind::List(fields) => list(fields, random),
    };
    (Some(json), cell)
}

fn int(random: &mut Random) -> (String, Cell) {
    let value = random.bits().cast_signed() >> random.below(63);
    let form = pick(random, &["N", r#""N""#, "N.0", r#""N.000""#]);
    (form.replace('N', &value.to_string()), Cell::Int(value))
}

fn decimal(random: &mut Random) -> (String, Cell) {
    let bits = i128::from(random.bits() >> random.below(63)) % 10i128.pow(19);
    let value = if random.below(2) == 0 { bits } else { -bits };
    let sign = if value < 0 { "-" } else { "" };
    let plain = format!("{sign}{}.{:04}", value.abs() / 10_000, value.abs() % 10_000);
    let short = plain.trim_end_matches('0').trim_end_matches('.').to_owned();
    let json = match random.below(6) {
        0 => plain,
        1 => format!("\"{plain}00\""),
        2 => short,
        3 => format!("\"{short}\""),
        4 => format!("{value}e-4"),
        _ => format!("\"{plain}\""),
    };
    (json, Cell::Decimal(value))
}

fn timestamp(random: &mut Random) -> (String, Cell) {
    let seconds = random.below(4_000_000_000).cast_signed();
    let midnight = seconds / 86_400 * 86_400 + 16 * 3_600;
    match random.below(3) {
        0 => (format!("{}", seconds * 1_000 + 7), Cell::Micros(seconds * 1_000_000 + 7_000)),
        1 => (format!("{:?}", &wall_time(midnight)[..10]), Cell::Micros(midnight * 1_000_000)),
        _ => (format!("{:?}", wall_time(seconds)), Cell::Micros(seconds * 1_000_000)),
    }
}

/// Asia/Shanghai wall time, made without the product's.
fn wall_time(seconds: i64) -> String {
    let instant = DateTime::from_timestamp(seconds, 0).unwrap() + TimeDelta::hours(8);
    instant.format("%Y-%m-%d %H:%M:%S").to_string()
}

fn text(required: bool, random: &mut Random) -> (String, Cell) {
    const PARTS: &[&str] = &["", "0", " ", "旺店通", "\"", "\\", "/", "\n", "\u{0}", "📦", "null", "é", "WDT-007"];
    if random.below(5) == 0 {
        let json = pick(random, &["1.50", "-0", "1e2", "true", "false", "12345678901234567890123"]);
        return (json.clone(), Cell::Text(json));
    }
    let mut text: String = (0..random.below(5)).map(|_| pick(random, PARTS)).collect();
    if required && text.is_empty() {
        text.push('a');
    }
    let json = if random.below(2) == 0 { Value::from(text.as_str()).to_string() } else { escaped(&text) };
    (json, Cell::Text(text))
}

/// A JSON string with every character written as `\uXXXX`.
fn escaped(text: &str) -> String {
    let units: Vec<_> = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
    format!("\"{}\"", units.concat())
}

fn list(fields: &[Field], random: &mut Random) -> (String, Cell) {
    if random.below(6) == 0 {
        return (r#""""#.to_owned(), Cell::Null);
    }
    let length = random.below(4);
    let (items, cells): (Vec<_>, Vec<_>) = (0..length).map(|_| record(fields, &Slice::default(), random)).unzip();
    (as_list(&items, random), Cell::List(cells))
}

/// A JSON list, or the object that PHP writes for one with gaps.
pub(crate) fn as_list(items: &[String], random: &mut Random) -> String {
    if random.below(2) == 0 {
        return format!("[{}]", items.join(","));
    }
    let members: Vec<_> =
        items.iter().enumerate().map(|(position, item)| format!("\"{}\":{item}", 2 * position)).collect();
    format!("{{{}}}", members.join(","))
}

fn read_cell(column: &dyn Array, row: usize) -> Cell {
    if column.is_null(row) {
        return Cell::Null;
    }
    match column.data_type() {
        DataType::Int64 => Cell::Int(column.as_primitive::<Int64Type>().value(row)),
        DataType::Decimal128(19, 4) => Cell::Decimal(column.as_primitive::<Decimal128Type>().value(row)),
        DataType::Timestamp(..) => Cell::Micros(column.as_primitive::<TimestampMicrosecondType>().value(row)),
        DataType::Boolean => Cell::Boolean(column.as_boolean().value(row)),
        DataType::Utf8 => Cell::Text(column.as_string::<i32>().value(row).to_owned()),
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            let cells = |item| items.as_struct().columns().iter().map(|column| read_cell(column, item)).collect();
            Cell::List((0..items.len()).map(cells).collect())
        }
        other => panic!("no column has type {other}"),
    }
}

fn any_case(name: &str, random: &mut Random) -> String {
    if random.below(8) == 0 { name.to_ascii_uppercase() } else { name.to_owned() }
}
