//! Which columns are written, under which labels.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Field as ArrowField, Schema, SchemaRef};
use wdt_models::{COMMENT, Code, Endpoint, Field};

use crate::cli::{ExportLabels, ExportWords};
use crate::error::EtlError;
use crate::words::{list, nearest, quoted};

/// Stands for the columns of the dataset's report.
const REPORT: &str = "report";

/// One column of the file.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// Name in the table.
    pub(super) name: String,
    /// Its head in the file.
    pub(super) label: String,
    /// Type in the file.
    pub(super) field: ArrowField,
    /// Numbers identify rows; they are not quantities.
    pub(super) id: bool,
    /// Words for documented values, where they are wanted.
    pub(super) words: Option<(&'static [Code], ExportWords)>,
}

/// The columns asked for, in their order: `report`, names, or all when nothing is asked for.
///
/// # Errors
/// For a name that the table does not have or that is named twice, and for a dataset without a report.
pub(super) fn choose(
    endpoint: &'static Endpoint,
    table: &SchemaRef,
    asked: &[String],
    labels: ExportLabels,
    words: Option<ExportWords>,
) -> Result<Vec<Column>, EtlError> {
    let chosen: Vec<(String, Option<&'static str>)> =
        if let [REPORT] = asked.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            report(endpoint)?
        } else if asked.is_empty() {
            table.fields().iter().map(|field| (field.name().clone(), None)).collect()
        } else {
            asked.iter().map(|name| (name.trim().to_owned(), None)).collect()
        };
    let mut columns = Vec::with_capacity(chosen.len());
    for (name, own_label) in &chosen {
        let field = table.field_with_name(name).map_err(|_| unknown(name, table))?;
        if columns.iter().any(|column: &Column| column.name == *name) {
            return Err(usage(format!("--columns names {} twice", quoted(name)), "name each column once".to_owned()));
        }
        let own_label = own_label.filter(|_| labels == ExportLabels::Zh);
        columns.push(column(endpoint, field, own_label, labels, words));
    }
    tell_apart(&mut columns);
    Ok(columns)
}

/// What to say of a column that is not there.
pub(super) fn unknown(name: &str, table: &Schema) -> EtlError {
    let known: Vec<&str> = table.fields().iter().map(|field| field.name().as_str()).collect();
    let near = nearest(name, known.iter().copied()).map(|near| format!("did you mean `{near}`? "));
    let hint = format!("{}columns: {}", near.unwrap_or_default(), list(&known));
    usage(format!("unknown column {}", quoted(name)), hint)
}

fn report(endpoint: &'static Endpoint) -> Result<Vec<(String, Option<&'static str>)>, EtlError> {
    if endpoint.report.is_empty() {
        let with: Vec<&str> = wdt_models::endpoints::ALL
            .iter()
            .filter(|endpoint| !endpoint.report.is_empty())
            .map(|endpoint| endpoint.dataset)
            .collect();
        let hint = format!("name the columns, as in --columns a,b,c; datasets with a report: {}", list(&with));
        return Err(usage(format!("dataset `{}` has no report columns", endpoint.dataset), hint));
    }
    Ok(endpoint.report.iter().map(|(name, label)| ((*name).to_owned(), Some(*label))).collect())
}

fn column(
    endpoint: &'static Endpoint,
    field: &ArrowField,
    own_label: Option<&str>,
    labels: ExportLabels,
    words: Option<ExportWords>,
) -> Column {
    let name = field.name();
    let documented = endpoint.fields.iter().find(|documented| documented.name == name);
    let label = own_label.map_or_else(|| label(field, documented, labels), str::to_owned);
    let id = field.data_type() == &DataType::Int64 && (endpoint.key.contains(&name.as_str()) || is_id(name));
    let codes = documented.map_or(&[][..], |documented| documented.codes);
    let words = words.filter(|_| !codes.is_empty()).map(|words| (codes, words));
    let field = if words.is_some() { field.clone().with_data_type(DataType::Utf8) } else { field.clone() };
    Column { name: name.clone(), label, field, id, words }
}

fn label(field: &ArrowField, documented: Option<&Field>, labels: ExportLabels) -> String {
    // the columns that every table carries say both in their comment
    let comment = field.metadata().get(COMMENT).and_then(|comment| comment.split_once(" | "));
    let both = documented.map(|documented| (documented.zh, documented.en)).or(comment);
    match (labels, both) {
        (ExportLabels::Zh, Some((zh, _))) => zh.to_owned(),
        (ExportLabels::En, Some((_, en))) => en.to_owned(),
        _ => field.name().clone(),
    }
}

fn is_id(name: &str) -> bool {
    name == "id" || name.ends_with("_id")
}

/// Adds the column's name to a label that several columns have: a file's heads must differ.
fn tell_apart(columns: &mut [Column]) {
    let mut seen: HashMap<String, u32> = HashMap::new();
    for column in columns.iter() {
        *seen.entry(column.label.clone()).or_default() += 1;
    }
    for column in columns {
        if seen.get(&column.label).is_some_and(|times| *times > 1) {
            column.label = format!("{} ({})", column.label, column.name);
        }
    }
}

fn usage(message: String, hint: String) -> EtlError {
    EtlError::Usage { message, hint: Some(hint) }
}
