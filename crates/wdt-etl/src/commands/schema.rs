//! `wdt-etl schema`: a dataset as the endpoint's description states it, or the list of datasets.

mod csv;
mod json;
mod text;

use std::io::Write;

use wdt_models::{Endpoint, Field, Kind, ParamKind, endpoints};

use crate::cli::{Schema, SchemaFormat};
use crate::config::{list, nearest, quoted};
use crate::error::EtlError;

/// Prints one dataset, or all, in the form that is asked for.
///
/// # Errors
///
/// [`EtlError::Usage`] for an unknown dataset; [`EtlError::Output`] when `out` cannot be written.
pub fn schema(args: &Schema, out: &mut dyn Write) -> Result<(), EtlError> {
    let endpoint = args.dataset.as_deref().map(find).transpose()?;
    let written = match (args.json, args.format) {
        (true, _) => json::write_lines(endpoint, out),
        (false, SchemaFormat::Json) => json::write_document(endpoint, out),
        (false, SchemaFormat::Csv) => csv::write(endpoint, out),
        (false, SchemaFormat::Text) => text::write(endpoint, out),
    };
    written.map_err(|error| super::output(&error))
}

/// A column, or a member of a list.
struct Column {
    /// Members of a list as `details[].batch_no`.
    name: String,
    field: &'static Field,
    /// Members of a list are neither key nor cursor.
    key: bool,
    cursor: bool,
    /// The label that a report shows it under.
    report: Option<&'static str>,
}

impl Column {
    fn new(endpoint: &Endpoint, field: &'static Field, parent: Option<&str>) -> Self {
        let top = parent.is_none();
        let reported = endpoint.report.iter().find(|(name, _)| top && *name == field.name);
        Self {
            name: parent.map_or_else(|| field.name.to_owned(), |parent| format!("{parent}[].{}", field.name)),
            field,
            key: top && endpoint.key.contains(&field.name),
            cursor: top && endpoint.cursor().is_some_and(|cursor| cursor.field == field.name),
            report: reported.map(|(_, label)| *label),
        }
    }

    /// `key`, `cursor`, `required`, `volatile`, `personal`, `report`, where they hold.
    fn marks(&self) -> Vec<&'static str> {
        let marks = [
            ("key", self.key),
            ("cursor", self.cursor),
            ("required", self.field.required),
            ("volatile", self.field.volatile),
            ("personal", self.field.personal),
            ("report", self.report.is_some()),
        ];
        marks.into_iter().filter(|(_, holds)| *holds).map(|(mark, _)| mark).collect()
    }
}

/// Every column, each list followed by its members.
fn columns(endpoint: &'static Endpoint) -> Vec<Column> {
    let mut columns = Vec::new();
    add_columns(endpoint, endpoint.fields, None, &mut columns);
    columns
}

fn add_columns(endpoint: &Endpoint, fields: &'static [Field], parent: Option<&str>, columns: &mut Vec<Column>) {
    for field in fields {
        let column = Column::new(endpoint, field, parent);
        let name = column.name.clone();
        columns.push(column);
        if let Kind::List(members) = field.kind {
            add_columns(endpoint, members, Some(&name), columns);
        }
    }
}

/// The one endpoint, or all.
fn chosen(endpoint: Option<&'static Endpoint>) -> Vec<&'static Endpoint> {
    endpoint.map_or_else(|| endpoints::ALL.to_vec(), |endpoint| vec![endpoint])
}

const fn type_of(kind: ParamKind) -> &'static str {
    match kind {
        ParamKind::Text => "text",
        ParamKind::Int => "whole number",
        ParamKind::Boolean => "true or false",
        ParamKind::Texts => "list of texts",
        ParamKind::Time => "time",
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    pub(super) fn printed(dataset: Option<&str>, format: SchemaFormat, json: bool) -> String {
        let mut out = Vec::new();
        schema(&Schema { dataset: dataset.map(str::to_owned), format, json }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_unknown_dataset_is_told_with_the_nearest() {
        let args = Schema { dataset: Some("enterprise_stok".to_owned()), format: SchemaFormat::Csv, json: false };
        let error = schema(&args, &mut Vec::new()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        let report = error.report();
        let expected = "error: this version knows no dataset `enterprise_stok`\nhint: did you mean `enterprise_stock`? datasets of this version: enterprise_stock, enterprise_goods";
        assert!(report.starts_with(expected), "{report}");
        assert!(endpoints::ALL.iter().all(|endpoint| report.contains(endpoint.dataset)));
    }

    #[test]
    fn lists_are_followed_by_their_members() {
        for endpoint in endpoints::ALL {
            let columns = columns(endpoint);
            let members: usize = endpoint
                .fields
                .iter()
                .map(|field| if let Kind::List(members) = field.kind { members.len() } else { 0 })
                .sum();
            assert_eq!(columns.len(), endpoint.fields.len() + members, "{}", endpoint.dataset);
            assert!(columns.iter().filter(|column| column.key).count() == endpoint.key.len());
        }
    }
}
