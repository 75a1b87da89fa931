//! The description as JSON: one object a line, or one document.

use std::io::{self, Write};

use serde::Serialize;
use wdt_models::{Dimension, Endpoint, SyncMode, endpoints};

use super::described::{DescribedColumn, chosen, columns, type_of};
use crate::json_line::{JsonLine, SCHEMA_VERSION};

/// One line a dataset, or for one dataset one line a column.
pub(super) fn write_lines(endpoint: Option<&'static Endpoint>, out: &mut dyn Write) -> io::Result<()> {
    match endpoint {
        None => endpoints::ALL
            .iter()
            .try_for_each(|endpoint| JsonLine::new("dataset", DatasetLine::new(endpoint)).write(out)),
        Some(endpoint) => columns(endpoint)
            .iter()
            .try_for_each(|column| JsonLine::new("column", ColumnLine::new(endpoint, column)).write(out)),
    }
}

/// One object for a dataset, a list of such objects for all.
pub(super) fn write_document(endpoint: Option<&'static Endpoint>, out: &mut dyn Write) -> io::Result<()> {
    let text = match endpoint {
        None => serde_json::to_string_pretty(&chosen(None).into_iter().map(Document::new).collect::<Vec<_>>())?,
        Some(endpoint) => serde_json::to_string_pretty(&Document::new(endpoint))?,
    };
    writeln!(out, "{text}")
}

#[derive(Serialize)]
struct DatasetLine {
    dataset: &'static str,
    gateway: &'static str,
    /// The one called by default.
    method: &'static str,
    doc: &'static str,
    key: &'static [&'static str],
    cursor: Option<&'static str>,
    params: Vec<&'static str>,
    notes: &'static [&'static str],
    source: &'static str,
}

impl DatasetLine {
    fn new(endpoint: &Endpoint) -> Self {
        Self {
            dataset: endpoint.dataset,
            gateway: endpoint.gateway.name(),
            method: endpoint.method().name,
            doc: endpoint.doc,
            key: endpoint.key,
            cursor: endpoint.cursor().map(|cursor| cursor.field),
            params: endpoint.params.iter().map(|param| param.name).collect(),
            notes: endpoint.notes,
            source: endpoint.source,
        }
    }
}

#[derive(Serialize)]
struct ColumnLine {
    dataset: &'static str,
    #[serde(flatten)]
    column: ColumnFacts,
}

impl ColumnLine {
    fn new(endpoint: &Endpoint, column: &DescribedColumn) -> Self {
        Self { dataset: endpoint.dataset, column: ColumnFacts::new(column) }
    }
}

#[derive(Serialize)]
struct ColumnFacts {
    column: String,
    r#type: &'static str,
    marks: Vec<&'static str>,
    unit: Option<&'static str>,
    zh: &'static str,
    en: &'static str,
    /// Another name that the wire may use.
    alias: Option<&'static str>,
    /// The label that a report shows it under.
    report: Option<&'static str>,
    codes: Vec<CodeFacts>,
}

impl ColumnFacts {
    fn new(column: &DescribedColumn) -> Self {
        let field = column.field;
        let codes = field.codes.iter().map(|code| CodeFacts { value: code.value, zh: code.zh, en: code.en });
        Self {
            column: column.name.clone(),
            r#type: field.kind.name(),
            marks: column.marks(),
            unit: field.unit,
            zh: field.zh,
            en: field.en,
            alias: field.alias,
            report: column.report,
            codes: codes.collect(),
        }
    }
}

#[derive(Serialize)]
struct CodeFacts {
    value: &'static str,
    zh: &'static str,
    en: &'static str,
}

#[derive(Serialize)]
struct Document {
    schema_version: u32,
    dataset: &'static str,
    gateway: &'static str,
    doc: &'static str,
    source: &'static str,
    /// The first is called by default.
    methods: Vec<MethodFacts>,
    key: &'static [&'static str],
    reading: ReadingFacts,
    params: Vec<ParamFacts>,
    notes: &'static [&'static str],
    columns: Vec<ColumnFacts>,
    /// Columns of a report, in its order.
    report: Vec<&'static str>,
}

impl Document {
    fn new(endpoint: &'static Endpoint) -> Self {
        let methods = endpoint.methods.iter().map(|method| MethodFacts {
            name: method.name,
            first_page: method.paging.first,
            max_page_size: method.paging.max_size,
        });
        let params = endpoint.params.iter().map(|param| ParamFacts {
            name: param.name,
            r#type: type_of(param.kind),
            en: param.en,
        });
        Self {
            schema_version: SCHEMA_VERSION,
            dataset: endpoint.dataset,
            gateway: endpoint.gateway.name(),
            doc: endpoint.doc,
            source: endpoint.source,
            methods: methods.collect(),
            key: endpoint.key,
            reading: ReadingFacts::new(endpoint.sync),
            params: params.collect(),
            notes: endpoint.notes,
            columns: columns(endpoint).iter().map(ColumnFacts::new).collect(),
            report: endpoint.report.iter().map(|(column, _)| *column).collect(),
        }
    }
}

#[derive(Serialize)]
struct MethodFacts {
    name: &'static str,
    first_page: u32,
    /// For a list of ids, ids in one call.
    max_page_size: u32,
}

#[derive(Serialize)]
struct ParamFacts {
    name: &'static str,
    r#type: &'static str,
    en: &'static str,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum ReadingFacts {
    Incremental { cursor: &'static str, start_param: &'static str, end_param: &'static str, max_window_seconds: i64 },
    Slices { dimensions: Vec<DimensionFacts> },
    Ids { dataset: &'static str, column: &'static str, only_column: &'static str, only_value: i64 },
}

#[derive(Serialize)]
struct DimensionFacts {
    setting: &'static str,
    param: &'static str,
    values: &'static [&'static str],
    default: &'static [&'static str],
    en: &'static str,
}

impl ReadingFacts {
    fn new(reading: SyncMode) -> Self {
        match reading {
            SyncMode::Incremental(cursor) => Self::Incremental {
                cursor: cursor.field,
                start_param: cursor.start_param,
                end_param: cursor.end_param,
                max_window_seconds: cursor.max_seconds,
            },
            SyncMode::Slices(dimensions) => Self::Slices { dimensions: dimensions.iter().map(dimension).collect() },
            SyncMode::Ids(ids) => {
                Self::Ids { dataset: ids.dataset, column: ids.column, only_column: ids.only.0, only_value: ids.only.1 }
            }
        }
    }
}

const fn dimension(dimension: &Dimension) -> DimensionFacts {
    DimensionFacts {
        setting: dimension.setting,
        param: dimension.name,
        values: dimension.values,
        default: dimension.default,
        en: dimension.en,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::{Value, json};

    use super::super::tests::printed;
    use super::*;
    use crate::cli::SchemaFormat;

    fn document(dataset: Option<&str>) -> Value {
        serde_json::from_str(&printed(dataset, SchemaFormat::Json, false)).unwrap()
    }

    #[test]
    fn lines_are_one_object_each() {
        let lines: Vec<Value> = printed(Some("enterprise_stock"), SchemaFormat::Text, true)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), columns(endpoints::find("enterprise_stock").unwrap()).len());
        let first = &lines[0];
        assert_eq!((&first["column"], &first["type"]), (&"spec_id".into(), &"bigint".into()));
        assert_eq!((&first["marks"], &first["event"]), (&json!(["key", "required"]), &"column".into()));
        let listed = printed(None, SchemaFormat::Text, true);
        assert_eq!(listed.lines().count(), endpoints::ALL.len());
        assert!(
            listed.starts_with(r#"{"schema_version":1,"event":"dataset","dataset":"enterprise_stock""#),
            "{listed}"
        );
    }

    #[test]
    fn the_document_of_all_holds_that_of_each() {
        let all = document(None);
        assert_eq!(all.as_array().unwrap().len(), endpoints::ALL.len());
        for (endpoint, own) in endpoints::ALL.iter().zip(all.as_array().unwrap()) {
            assert_eq!(own, &document(Some(endpoint.dataset)));
            assert_eq!(own["columns"].as_array().unwrap().len(), columns(endpoint).len());
        }
    }

    #[test]
    fn each_way_of_reading_has_its_facts() {
        let reading = |dataset| document(Some(dataset))["reading"].clone();
        let cursor = json!({"kind": "incremental", "cursor": "modified", "start_param": "start_time", "end_param": "end_time", "max_window_seconds": 2_591_999});
        assert_eq!(reading("enterprise_stock"), cursor);
        assert_eq!(reading("flagship_shops"), json!({"kind": "slices", "dimensions": []}));
        assert_eq!(reading("cainiao_inventory")["dimensions"][1]["default"], json!(["1"]));
        let ids = json!({"kind": "ids", "dataset": "flagship_goods", "column": "rec_id", "only_column": "platform_id", "only_value": 127});
        assert_eq!(reading("flagship_stock_sync"), ids);
        let stock = document(Some("cainiao_inventory"));
        let batch =
            stock["columns"].as_array().unwrap().iter().find(|column| column["column"] == "batch_code").unwrap();
        assert_eq!(batch["marks"], json!(["key"]), "a key column that may be null");
        assert_eq!(
            stock["params"][2],
            json!({"name": "produce_date", "type": "time", "en": "one date of production, for type 2"})
        );
    }
}
