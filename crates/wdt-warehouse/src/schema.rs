//! The tables' columns: the endpoint's own, and those every table carries.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field as ArrowField, Fields, Schema, SchemaRef};
use wdt_models::{COMMENT, Endpoint, Field};

use crate::error::WarehouseError;

/// Column of the merchant's credentials, first in every table.
pub const ACCOUNT: &str = "account";
/// Instant of the reading that last changed the row.
pub const PULLED_AT: &str = "_wdt_pulled_at";
/// Run of the reading that last changed the row.
pub const RUN_ID: &str = "_wdt_run_id";
/// JSON text of the members that no document names.
pub const EXTRA: &str = "_wdt_extra";
/// When the row was found gone upstream; current tables only.
pub const DELETED_AT: &str = "_wdt_deleted_at";
/// `upsert` or `delete`; history tables only.
pub const OP: &str = "_wdt_op";
/// Asia/Shanghai date of the cursor; history tables only.
pub const DT: &str = "dt";
/// Value of [`OP`] for a row that was landed.
pub const OP_UPSERT: &str = "upsert";
/// Value of [`OP`] for a row that vanished upstream.
pub const OP_DELETE: &str = "delete";

/// What a table must look like.
pub struct TableSpec {
    /// Name below the warehouse.
    pub name: String,
    /// Comment of the table.
    pub comment: String,
    /// Every column in order.
    pub schema: SchemaRef,
    /// The partition column.
    pub partition: Option<&'static str>,
    /// Columns whose smallest and largest values the log keeps.
    pub stats: Vec<&'static str>,
}

impl TableSpec {
    /// The current table of an endpoint.
    #[must_use]
    pub fn current(endpoint: &'static Endpoint) -> Self {
        let mut fields = documented(endpoint);
        fields.push(
            ArrowField::new(DELETED_AT, timestamp(), true)
                .with_metadata(comment("上游已消失的时间", "when the row was found gone upstream")),
        );
        Self {
            name: endpoint.dataset.to_owned(),
            comment: endpoint.doc.to_owned(),
            schema: Arc::new(Schema::new(fields)),
            partition: Some(ACCOUNT),
            stats: stats(endpoint),
        }
    }

    /// The history table of an endpoint.
    #[must_use]
    pub fn history(endpoint: &'static Endpoint) -> Self {
        let mut fields = documented(endpoint);
        fields.push(ArrowField::new(OP, DataType::Utf8, true).with_metadata(comment("变更类型", "upsert or delete")));
        fields.push(
            ArrowField::new(DT, DataType::Date32, true)
                .with_metadata(comment("日期（上海）", "Asia/Shanghai date of the cursor")),
        );
        Self {
            name: format!("{}_history", endpoint.dataset),
            comment: format!("{} Every change, append-only.", endpoint.doc),
            schema: Arc::new(Schema::new(fields)),
            partition: Some(DT),
            stats: [vec![ACCOUNT], stats(endpoint)].concat(),
        }
    }

    /// Refuses a table whose columns are others, naming the first difference.
    ///
    /// # Errors
    /// [`WarehouseError::Schema`].
    pub(super) fn check(&self, found: &Schema) -> Result<(), WarehouseError> {
        let describe = |field: Option<&ArrowField>| {
            field.map_or_else(|| "nothing".to_owned(), |field| format!("`{}` {}", field.name(), field.data_type()))
        };
        let columns = self.schema.fields().len().max(found.fields().len());
        for position in 0..columns {
            let wanted = self.schema.fields().get(position).map(AsRef::as_ref);
            let there = found.fields().get(position).map(AsRef::as_ref);
            if wanted.map(shape) != there.map(shape) {
                let difference =
                    format!("column {}: found {}, expected {}", position + 1, describe(there), describe(wanted));
                return Err(WarehouseError::Schema { table: self.name.clone(), difference });
            }
        }
        Ok(())
    }
}

/// The UTC instant type of every time column.
#[must_use]
pub fn timestamp() -> DataType {
    wdt_models::Kind::Timestamp.data_type()
}

/// Metadata of a column: Chinese label and English meaning.
#[must_use]
pub fn comment(zh: &str, en: &str) -> std::collections::HashMap<String, String> {
    [(COMMENT.to_owned(), format!("{zh} | {en}"))].into()
}

/// `account`, the documented columns in the page's order, then the reading's own.
fn documented(endpoint: &Endpoint) -> Vec<ArrowField> {
    let mut fields = vec![
        ArrowField::new(ACCOUNT, DataType::Utf8, false).with_metadata(comment("账号", "account of the configuration")),
    ];
    fields.extend(endpoint.fields.iter().map(|field| column(endpoint, field)));
    fields.push(
        ArrowField::new(PULLED_AT, timestamp(), true)
            .with_metadata(comment("读取时间", "reading that last changed the row")),
    );
    fields.push(
        ArrowField::new(RUN_ID, DataType::Utf8, true)
            .with_metadata(comment("运行编号", "run that last changed the row")),
    );
    fields.push(
        ArrowField::new(EXTRA, DataType::Utf8, true)
            .with_metadata(comment("文档未列出的字段", "members that no document names, as JSON")),
    );
    fields
}

/// Every column is nullable but the account and the key, of which a snapshot may leave members open.
fn column(endpoint: &Endpoint, field: &Field) -> ArrowField {
    field.arrow().with_nullable(!(field.required && endpoint.key.contains(&field.name)))
}

fn stats(endpoint: &Endpoint) -> Vec<&'static str> {
    let mut columns = endpoint.key.to_vec();
    columns.extend(endpoint.cursor().map(|cursor| cursor.field));
    columns
}

/// Name, type and nullability without metadata: what makes two columns the same.
fn shape(field: &ArrowField) -> (String, DataType) {
    (field.name().clone(), bare(field.data_type()))
}

fn bare(data_type: &DataType) -> DataType {
    let strip = |field: &ArrowField| ArrowField::new(field.name(), bare(field.data_type()), true);
    match data_type {
        DataType::List(element) => DataType::List(Arc::new(strip(element))),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|field| strip(field)).collect::<Fields>()),
        other => other.clone(),
    }
}
