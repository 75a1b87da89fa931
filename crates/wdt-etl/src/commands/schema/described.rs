//! A dataset's columns as its description states them, members of lists included.

use wdt_models::{Endpoint, Field, Kind, ParamKind, endpoints};

/// A column, or a member of a list.
pub(super) struct DescribedColumn {
    /// Members of a list as `details[].batch_no`.
    pub(super) name: String,
    pub(super) field: &'static Field,
    /// Members of a list are neither key nor cursor.
    pub(super) key: bool,
    pub(super) cursor: bool,
    /// The label that a report shows it under.
    pub(super) report: Option<&'static str>,
}

impl DescribedColumn {
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

    /// `key`, `cursor`, `required`, `volatile`, `personal`, `report`, where they apply.
    pub(super) fn marks(&self) -> Vec<&'static str> {
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
pub(super) fn columns(endpoint: &'static Endpoint) -> Vec<DescribedColumn> {
    let mut columns = Vec::new();
    add_columns(endpoint, endpoint.fields, None, &mut columns);
    columns
}

fn add_columns(
    endpoint: &Endpoint,
    fields: &'static [Field],
    parent: Option<&str>,
    columns: &mut Vec<DescribedColumn>,
) {
    for field in fields {
        let column = DescribedColumn::new(endpoint, field, parent);
        let name = column.name.clone();
        columns.push(column);
        if let Kind::List(members) = field.kind {
            add_columns(endpoint, members, Some(&name), columns);
        }
    }
}

/// The one endpoint, or all.
pub(super) fn chosen(endpoint: Option<&'static Endpoint>) -> Vec<&'static Endpoint> {
    endpoint.map_or_else(|| endpoints::ALL.to_vec(), |endpoint| vec![endpoint])
}

pub(super) const fn type_of(kind: ParamKind) -> &'static str {
    match kind {
        ParamKind::Text => "text",
        ParamKind::Int => "whole number",
        ParamKind::Boolean => "true or false",
        ParamKind::Texts => "list of texts",
        ParamKind::Time => "time",
    }
}
