//! `wdt-etl schema`: the columns of a dataset as the endpoint's description states them, or the list of datasets.

use std::io::{self, Write};

use serde::Serialize;
use wdt_models::{Endpoint, Field, Kind, endpoints};

use crate::config::{list, nearest, quoted};
use crate::error::EtlError;
use crate::report::SCHEMA_VERSION;

const COLUMNS_OF_EVERY_TABLE: &str = "\
Each table begins with `account` (text, part of the key) and ends with `_wdt_pulled_at` (timestamp), `_wdt_run_id` (text)
and `_wdt_extra` (JSON text of members that no document names); current tables add `_wdt_deleted_at` (timestamp), history
tables `_wdt_op` (text) and the partition `dt` (date).
";

/// Prints one dataset, or the list of all, as text or as one JSON object a line.
///
/// # Errors
///
/// [`EtlError::Usage`] for an unknown dataset; [`EtlError::Output`] when `out` cannot be written.
pub fn schema(dataset: Option<&str>, json: bool, out: &mut dyn Write) -> Result<(), EtlError> {
    let endpoint = dataset.map(find).transpose()?;
    let written = match (endpoint, json) {
        (None, false) => write_list(out),
        (None, true) => endpoints::ALL.iter().try_for_each(|endpoint| write_json(&DatasetLine::new(endpoint), out)),
        (Some(endpoint), false) => write_dataset(endpoint, out),
        (Some(endpoint), true) => column_lines(endpoint).iter().try_for_each(|line| write_json(line, out)),
    };
    written.map_err(|error| super::output(&error))
}

#[derive(Serialize)]
struct DatasetLine {
    schema_version: u32,
    event: &'static str,
    dataset: &'static str,
    gateway: &'static str,
    method: &'static str,
    doc: &'static str,
    key: &'static [&'static str],
    cursor: &'static str,
    params: Vec<&'static str>,
    notes: &'static [&'static str],
    source: &'static str,
}

#[derive(Serialize)]
struct ColumnLine {
    schema_version: u32,
    event: &'static str,
    dataset: &'static str,
    column: String,
    r#type: &'static str,
    /// `key`, `cursor`, `volatile`, `personal`, where they hold.
    marks: Vec<&'static str>,
    unit: Option<&'static str>,
    zh: &'static str,
    en: &'static str,
}

impl DatasetLine {
    fn new(endpoint: &Endpoint) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            event: "dataset",
            dataset: endpoint.dataset,
            gateway: endpoint.gateway.name(),
            method: endpoint.method,
            doc: endpoint.doc,
            key: endpoint.key,
            cursor: endpoint.cursor.field,
            params: endpoint.params.iter().map(|param| param.name).collect(),
            notes: endpoint.notes,
            source: endpoint.source,
        }
    }
}

impl ColumnLine {
    fn new(endpoint: &Endpoint, field: &'static Field, parent: Option<&str>) -> Self {
        let top = parent.is_none();
        let marks = [
            ("key", top && endpoint.key.contains(&field.name)),
            ("cursor", top && endpoint.cursor.field == field.name),
            ("volatile", field.volatile),
            ("personal", field.personal),
        ];
        Self {
            schema_version: SCHEMA_VERSION,
            event: "column",
            dataset: endpoint.dataset,
            column: parent.map_or_else(|| field.name.to_owned(), |parent| format!("{parent}[].{}", field.name)),
            r#type: field.kind.name(),
            marks: marks.into_iter().filter(|(_, holds)| *holds).map(|(mark, _)| mark).collect(),
            unit: field.unit,
            zh: field.zh,
            en: field.en,
        }
    }
}

fn find(name: &str) -> Result<&'static Endpoint, EtlError> {
    endpoints::find(name).ok_or_else(|| {
        let known: Vec<_> = endpoints::ALL.iter().map(|endpoint| endpoint.dataset).collect();
        let near = nearest(name, known.iter().copied()).map(|near| format!("did you mean `{near}`? "));
        let hint = format!("{}datasets of this version: {}", near.unwrap_or_default(), list(&known));
        EtlError::Usage { message: format!("this version knows no dataset {}", quoted(name)), hint: Some(hint) }
    })
}

/// Every column, each list followed by its members.
fn column_lines(endpoint: &'static Endpoint) -> Vec<ColumnLine> {
    let mut lines = Vec::new();
    add_columns(endpoint, endpoint.fields, None, &mut lines);
    lines
}

fn add_columns(endpoint: &Endpoint, fields: &'static [Field], parent: Option<&str>, lines: &mut Vec<ColumnLine>) {
    for field in fields {
        let line = ColumnLine::new(endpoint, field, parent);
        let name = line.column.clone();
        lines.push(line);
        if let Kind::List(members) = field.kind {
            add_columns(endpoint, members, Some(&name), lines);
        }
    }
}

fn write_json(line: &impl Serialize, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", serde_json::to_string(line)?)
}

fn write_list(out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<_> = endpoints::ALL
        .iter()
        .map(|endpoint| [endpoint.dataset.to_owned(), endpoint.gateway.name().to_owned(), endpoint.doc.to_owned()])
        .collect();
    write_table(["dataset", "gateway", "a row is"], &rows, out)
}

fn write_dataset(endpoint: &'static Endpoint, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}: {}", endpoint.dataset, endpoint.doc)?;
    writeln!(
        out,
        "{} of gateway {}; key: account, {}; cursor: {}",
        endpoint.method,
        endpoint.gateway,
        list(endpoint.key),
        endpoint.cursor.field
    )?;
    writeln!(out, "source: {}\n", endpoint.source)?;
    let rows: Vec<_> = column_lines(endpoint).iter().map(column_row).collect();
    write_table(["column", "type", "marks", "label", "meaning"], &rows, out)?;
    write!(out, "\n{COLUMNS_OF_EVERY_TABLE}")?;
    if !endpoint.params.is_empty() {
        writeln!(out, "\nparameters (params = {{ … }} of the dataset):")?;
        let rows: Vec<_> =
            endpoint.params.iter().map(|param| [format!("  {}", param.name), param.en.to_owned()]).collect();
        write_rows(&rows, out)?;
    }
    if !endpoint.notes.is_empty() {
        writeln!(out, "\nnotes:")?;
    }
    endpoint.notes.iter().try_for_each(|note| writeln!(out, "  - {note}"))
}

fn column_row(line: &ColumnLine) -> [String; 5] {
    let unit = line.unit.map(|unit| format!(" [{unit}]")).unwrap_or_default();
    [
        line.column.clone(),
        line.r#type.to_owned(),
        line.marks.join(" "),
        line.zh.to_owned(),
        format!("{}{unit}", line.en),
    ]
}

fn write_table<const N: usize>(head: [&str; N], rows: &[[String; N]], out: &mut dyn Write) -> io::Result<()> {
    let mut all = vec![head.map(str::to_owned)];
    all.extend_from_slice(rows);
    write_rows(&all, out)
}

/// Aligned columns with two blanks between, none at a line's end.
fn write_rows<const N: usize>(rows: &[[String; N]], out: &mut dyn Write) -> io::Result<()> {
    let widths: Vec<usize> =
        (0..N).map(|column| rows.iter().map(|row| width(&row[column])).max().unwrap_or_default()).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, widest)| format!("{cell}{}", " ".repeat(widest - width(cell))));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// Columns of a terminal that a text takes: CJK characters and full-width forms take two.
fn width(text: &str) -> usize {
    let wide = |c: char| matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' | '\u{20000}'..='\u{3fffd}');
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn printed(dataset: Option<&str>, json: bool) -> String {
        let mut out = Vec::new();
        schema(dataset, json, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!((width("stock"), width("库存量"), width("（a）")), (5, 6, 5));
    }

    #[test]
    fn meanings_stand_below_each_other_behind_chinese_labels() {
        for endpoint in endpoints::ALL {
            let text = printed(Some(endpoint.dataset), false);
            let lines: Vec<_> = text.lines().collect();
            let head = lines.iter().position(|line| line.starts_with("column ")).unwrap();
            let expected = width(lines[head].split("meaning").next().unwrap());
            let columns = column_lines(endpoint);
            assert!(
                columns.len() > endpoint.fields.len()
                    || !endpoint.fields.iter().any(|field| matches!(field.kind, Kind::List(_)))
            );
            for (column, line) in columns.iter().zip(&lines[head + 1..]) {
                let meaning = column_row(column)[4].clone();
                assert_eq!(line.strip_suffix(meaning.trim_end()).map(width), Some(expected), "{line}");
            }
            assert!(endpoint.notes.iter().all(|note| text.contains(note)));
        }
    }

    #[test]
    fn key_and_cursor_are_marked() {
        let text = printed(Some("enterprise_stock"), false);
        let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        assert!(line("warehouse_id ").contains("  key"), "{text}");
        assert!(line("modified ").contains("  cursor"), "{text}");
        assert!(line("avaliable_num ").contains("  volatile"), "{text}");
        assert!(line("details[].batch_no ").contains("  text"), "{text}");
    }

    #[test]
    fn json_is_one_object_a_line() {
        let lines: Vec<serde_json::Value> =
            printed(Some("enterprise_stock"), true).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), column_lines(endpoints::find("enterprise_stock").unwrap()).len());
        assert_eq!(
            (&lines[0]["column"], &lines[0]["type"], &lines[0]["marks"]),
            (&"spec_id".into(), &"bigint".into(), &serde_json::json!(["key"]))
        );
        let listed = printed(None, true);
        assert_eq!(listed.lines().count(), endpoints::ALL.len());
        assert!(
            listed.starts_with(r#"{"schema_version":1,"event":"dataset","dataset":"enterprise_stock""#),
            "{listed}"
        );
    }

    #[test]
    fn datasets_are_listed_and_an_unknown_one_is_told_with_the_nearest() {
        let text = printed(None, false);
        assert!(endpoints::ALL.iter().all(|endpoint| text.contains(endpoint.dataset)), "{text}");
        let error = schema(Some("enterprise_stok"), false, &mut Vec::new()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert_eq!(
            error.report(),
            "error: this version knows no dataset `enterprise_stok`\nhint: did you mean `enterprise_stock`? datasets of this version: enterprise_stock, enterprise_goods"
        );
    }
}
