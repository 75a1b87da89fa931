//! A table as lines of `column: value`, in an order that lasts, for snapshots that read like a review of data.

use std::fmt::Write as _;

use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// Each row as a block, rows sorted; nulls are left out.
pub(crate) fn of(table: &str, rows: &RecordBatch, without: &[&str]) -> String {
    let options = FormatOptions::default().with_null("null").with_timestamp_tz_format(Some("%Y-%m-%d %H:%M:%S%.f%:z"));
    let schema = rows.schema();
    let columns: Vec<(&str, ArrayFormatter<'_>)> = schema
        .fields()
        .iter()
        .zip(rows.columns())
        .filter(|(field, _)| !without.contains(&field.name().as_str()))
        .map(|(field, column)| (field.name().as_str(), ArrayFormatter::try_new(column, &options).unwrap()))
        .collect();
    let mut blocks: Vec<String> = (0..rows.num_rows())
        .map(|row| {
            let cells = columns.iter().map(|(name, column)| (name, column.value(row).to_string()));
            let cells = cells.filter(|(_, value)| value != "null");
            cells.fold(String::new(), |mut block, (name, value)| {
                let _ = writeln!(block, "  {name}: {}", value.escape_debug());
                block
            })
        })
        .collect();
    blocks.sort();
    format!("{table}: {} rows\n\n{}", rows.num_rows(), blocks.join("\n"))
}
