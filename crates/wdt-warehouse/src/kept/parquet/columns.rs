//! A table's columns as its first manifest writes them: names, types as people write them, comments.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use serde::{Deserialize, Serialize};
use wdt_models::COMMENT;

/// One column, or one member of a struct.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ManifestColumn {
    name: String,
    #[serde(rename = "type")]
    kind: Kind,
    nullable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Kind {
    /// `bigint`, `text`, `boolean`, `date`, `timestamp`, `decimal(19,4)`.
    Named(String),
    /// Elements of one type.
    List { list: Box<ManifestColumn> },
    /// Members.
    Struct { members: Vec<ManifestColumn> },
}

/// The columns of a schema.
///
/// # Errors
/// The type that no manifest can write.
pub(super) fn columns(schema: &Schema) -> Result<Vec<ManifestColumn>, String> {
    schema.fields().iter().map(|field| column(field)).collect()
}

/// The schema that these columns make.
///
/// # Errors
/// The type that this version does not know.
pub(super) fn schema(columns: &[ManifestColumn]) -> Result<SchemaRef, String> {
    let fields: Vec<Field> = columns.iter().map(field).collect::<Result<_, _>>()?;
    Ok(Arc::new(Schema::new(fields)))
}

fn column(field: &Field) -> Result<ManifestColumn, String> {
    let kind = match field.data_type() {
        DataType::Int64 => Kind::Named("bigint".to_owned()),
        DataType::Utf8 => Kind::Named("text".to_owned()),
        DataType::Boolean => Kind::Named("boolean".to_owned()),
        DataType::Date32 => Kind::Named("date".to_owned()),
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if zone.as_ref() == "UTC" => {
            Kind::Named("timestamp".to_owned())
        }
        DataType::Decimal128(precision, scale) => Kind::Named(format!("decimal({precision},{scale})")),
        DataType::List(element) => Kind::List { list: Box::new(column(element)?) },
        DataType::Struct(members) => {
            Kind::Struct { members: members.iter().map(|member| column(member)).collect::<Result<_, _>>()? }
        }
        other => return Err(format!("column `{}` has the type {other}", field.name())),
    };
    let comment = field.metadata().get(COMMENT).cloned();
    Ok(ManifestColumn { name: field.name().clone(), kind, nullable: field.is_nullable(), comment })
}

fn field(column: &ManifestColumn) -> Result<Field, String> {
    let data_type = match &column.kind {
        Kind::Named(name) => named(name).ok_or_else(|| format!("column `{}` has the type {name}", column.name))?,
        Kind::List { list } => DataType::List(Arc::new(field(list)?)),
        Kind::Struct { members } => {
            DataType::Struct(members.iter().map(field).collect::<Result<Vec<Field>, _>>().map(Fields::from)?)
        }
    };
    let field = Field::new(&column.name, data_type, column.nullable);
    Ok(match &column.comment {
        Some(comment) => field.with_metadata([(COMMENT.to_owned(), comment.clone())].into()),
        None => field,
    })
}

fn named(name: &str) -> Option<DataType> {
    Some(match name {
        "bigint" => DataType::Int64,
        "text" => DataType::Utf8,
        "boolean" => DataType::Boolean,
        "date" => DataType::Date32,
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        other => {
            let (precision, scale) = other.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
            DataType::Decimal128(precision.parse().ok()?, scale.parse().ok()?)
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::schema::TableSpec;

    #[test]
    fn the_columns_of_every_dataset_come_back_as_they_were() {
        for endpoint in wdt_models::endpoints::ALL {
            for spec in [TableSpec::history(endpoint), TableSpec::current(endpoint)] {
                let written = serde_json::to_string(&columns(&spec.schema).unwrap()).unwrap();
                let read: Vec<ManifestColumn> = serde_json::from_str(&written).unwrap();
                assert_eq!(schema(&read).unwrap(), spec.schema, "{}", spec.name);
            }
        }
    }

    #[test]
    fn a_type_that_nobody_knows_is_told() {
        let other = Schema::new(vec![Field::new("id", DataType::Int32, true)]);
        assert_eq!(columns(&other), Err("column `id` has the type Int32".to_owned()));
        for name in ["int", "decimal(19)", "decimal(x,4)"] {
            let kind = Kind::Named(name.to_owned());
            let column = ManifestColumn { name: "id".to_owned(), kind, nullable: true, comment: None };
            assert_eq!(schema(&[column]), Err(format!("column `id` has the type {name}")));
        }
    }
}
