//! Rows made up from the field tables come back cell by cell; no bytes make the crate panic.
//!
//! A failure prints the seed it was made from.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, TimestampMicrosecondType};
use proptest::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;
use wdt_models::decode::keys;
use wdt_models::endpoints::{ALL, CAINIAO_INVENTORY, ENTERPRISE_STOCK, FLAGSHIP_STOCK, FLAGSHIP_STOCK_SYNC};
use wdt_models::time::format_wall_time;
use wdt_models::{Asked, Endpoint, Field, Kind, Slice, decode, envelope};

use crate::decode::INVENTED;
use crate::fixture;
use crate::random::Random;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// Trips on any cell that is shifted, rounded, lost or invented, in whatever form it was sent.
    #[test]
    fn rows_come_back_cell_by_cell(seed: u64) {
        for endpoint in ALL.iter().copied().chain([&INVENTED]) {
            round_trip(endpoint, &mut Random(seed));
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
        read(&bytes);
    }

    #[test]
    fn a_damaged_page_is_read_without_panic(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        for (endpoint, case) in DAMAGED {
            let mut bytes = fixture::read(endpoint, case);
            for (index, byte) in &edits {
                let position = index.index(bytes.len());
                // Half of the damage keeps the JSON readable, so that it reaches the cells.
                bytes[position] = if byte % 2 == 0 { b"0123456789.-eE u\\:,"[usize::from(byte / 2) % 19] } else { *byte };
            }
            read(&bytes);
        }
    }
}

const DAMAGED: &[(&Endpoint, &str)] = &[
    (&ENTERPRISE_STOCK, "quirks"),
    (&ENTERPRISE_STOCK, "refused"),
    (&FLAGSHIP_STOCK, "quirks"),
    (&FLAGSHIP_STOCK_SYNC, "in-data-partly-refused"),
    (&CAINIAO_INVENTORY, "type-2"),
    (&CAINIAO_INVENTORY, "simplify"),
];

/// What a cell must hold.
#[derive(Debug, PartialEq)]
enum Cell {
    Null,
    Int(i64),
    Decimal(i128),
    Micros(i64),
    Boolean(bool),
    Text(String),
    List(Vec<Vec<Cell>>),
}

fn read(bytes: &[u8]) {
    for endpoint in ALL {
        for method in endpoint.methods {
            let Ok(answer) = envelope::read(endpoint, method, bytes) else { continue };
            let records = answer.records.len();
            let decoded = decode(endpoint, &answer.records, &Asked::page(0, true));
            assert_eq!(decoded.batch.num_rows() + decoded.refused.len(), records);
            let texts: Vec<_> = answer.records.iter().map(|record| record.get()).collect();
            let keys = keys(endpoint, &Slice::default(), &texts);
            assert_eq!(keys.batch.num_rows() + keys.unreadable, records);
            assert!(keys.batch.num_rows() >= decoded.batch.num_rows(), "an accepted record has a key");
        }
    }
    let repaired = envelope::repaired(bytes);
    assert!(repaired.is_none_or(|repaired| repaired.len() > bytes.len()));
}

fn round_trip(endpoint: &Endpoint, random: &mut Random) {
    let (texts, expected): (Vec<_>, Vec<_>) = (0..3).map(|_| record(endpoint.fields, random)).unzip();
    let records: Vec<Box<RawValue>> = texts.into_iter().map(|text| RawValue::from_string(text).unwrap()).collect();
    let records: Vec<&RawValue> = records.iter().map(AsRef::as_ref).collect();
    let decoded = decode(endpoint, &records, &Asked::page(0, true));
    assert_eq!(decoded.refused, []);
    for (row, cells) in expected.iter().enumerate() {
        for (position, cell) in cells.iter().enumerate() {
            let read = read_cell(decoded.batch.column(position), row);
            assert_eq!(&read, cell, "{} in {}", endpoint.fields[position].name, records[row]);
        }
    }
}

/// A record as JSON, its members in any order, and its cells in the fields' order.
fn record(fields: &[Field], random: &mut Random) -> (String, Vec<Cell>) {
    let (mut members, mut cells) = (Vec::new(), Vec::new());
    for field in fields {
        let (json, cell) = if !field.required && random.below(4) == 0 { null(random) } else { value(field, random) };
        members.extend(json.map(|json| format!("{:?}:{json}", any_case(field.name, random))));
        cells.push(cell);
    }
    if random.below(3) == 0 {
        members.push(r#""not_documented": [1, {"spec_id": 2}]"#.to_owned());
    }
    for last in (1..members.len()).rev() {
        if random.below(4) == 0 {
            members.swap(last, usize::try_from(random.below(last as u64)).unwrap());
        }
    }
    (format!("{{ {} }}", members.join(", ")), cells)
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
        1 => (format!("{:?}", &format_wall_time(midnight)[..10]), Cell::Micros(midnight * 1_000_000)),
        _ => (format!("{:?}", format_wall_time(seconds)), Cell::Micros(seconds * 1_000_000)),
    }
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
    let (items, cells): (Vec<_>, Vec<_>) = (0..random.below(4)).map(|_| record(fields, random)).unzip();
    let json = if random.below(2) == 0 {
        format!("[{}]", items.join(","))
    } else {
        let members: Vec<_> =
            items.iter().enumerate().map(|(position, item)| format!("\"{position}\":{item}")).collect();
        format!("{{{}}}", members.join(","))
    };
    (json, Cell::List(cells))
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

fn pick(random: &mut Random, forms: &[&str]) -> String {
    forms[usize::try_from(random.below(forms.len() as u64)).unwrap()].to_owned()
}
