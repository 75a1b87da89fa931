//! Batches and schemas as stable text: a line for each cell, which names its row and column, so that a line of a diff says
//! by itself what changed.

use std::fmt::Write;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Decimal128Type, Fields, Int64Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;

/// Every cell of a batch, one line each: `[row] column = value`, nested ones by their address.
pub(crate) fn batch(batch: &RecordBatch) -> String {
    rows(batch).iter().enumerate().map(|(place, row)| numbered(place, row)).collect()
}

/// The lines of a row, each behind the row's number.
pub(crate) fn numbered(place: usize, row: &str) -> String {
    row.lines().fold(String::new(), |text, line| text + &format!("[{place}] {line}\n"))
}

/// The cells of each row of a batch, without the row's number.
pub(crate) fn rows(batch: &RecordBatch) -> Vec<String> {
    let row = |row| {
        let mut text = String::new();
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            cell(&mut text, field.name(), column, row);
        }
        text
    };
    (0..batch.num_rows()).map(row).collect()
}

/// Every field of a schema, one line each, with its comment.
pub(crate) fn schema(fields: &Fields, indent: &str) -> String {
    let mut text = String::new();
    for field in fields {
        let null = if field.is_nullable() { "" } else { " not null" };
        let comment = field.metadata().get("comment").map(String::as_str).unwrap_or_default();
        match field.data_type() {
            DataType::List(item) => {
                writeln!(text, "{indent}{}: list of {}{null} -- {comment}", field.name(), item.name()).unwrap();
                let DataType::Struct(fields) = item.data_type() else { panic!("{field}") };
                text += &schema(fields, &format!("{indent}    "));
            }
            kind => writeln!(text, "{indent}{}: {kind}{null} -- {comment}", field.name()).unwrap(),
        }
    }
    text
}

fn cell(text: &mut String, name: &str, column: &dyn Array, row: usize) {
    if column.is_null(row) {
        return writeln!(text, "{name} = null").unwrap();
    }
    match column.data_type() {
        DataType::Int64 => writeln!(text, "{name} = {}", column.as_primitive::<Int64Type>().value(row)),
        DataType::Decimal128(..) => {
            writeln!(text, "{name} = {}", column.as_primitive::<Decimal128Type>().value_as_string(row))
        }
        DataType::Timestamp(..) => {
            let time = column.as_primitive::<TimestampMicrosecondType>().value_as_datetime(row).unwrap();
            writeln!(text, "{name} = {time} UTC")
        }
        DataType::Boolean => writeln!(text, "{name} = {}", column.as_boolean().value(row)),
        DataType::Utf8 => writeln!(text, "{name} = {:?}", column.as_string::<i32>().value(row)),
        DataType::List(_) => return list(text, name, column, row),
        other => panic!("no column has type {other}"),
    }
    .unwrap();
}

fn list(text: &mut String, name: &str, column: &dyn Array, row: usize) {
    let items = column.as_list::<i32>().value(row);
    writeln!(text, "{name} = list of {}", items.len()).unwrap();
    for item in 0..items.len() {
        let items = items.as_struct();
        for (field, column) in items.fields().iter().zip(items.columns()) {
            cell(text, &format!("{name}[{item}].{}", field.name()), column, item);
        }
    }
}
