//! Which columns are compared.

use arrow::datatypes::SchemaRef;
use wdt_models::Endpoint;
use wdt_models::field::COMMENT;

use super::super::rows::part;
use crate::cli::Diff;
use crate::error::EtlError;
use crate::words::{list, nearest, quoted};
use wdt_warehouse::schema::{ACCOUNT, DELETED_AT, EXTRA, TableSpec};

/// Stands for the columns that change without moving the cursor.
const VOLATILE: &str = "volatile";

/// What of a dataset is read and compared.
pub(super) struct Columns {
    /// Account, then the key.
    pub(super) key: Vec<String>,
    /// Those that must be equal, in the table's order.
    pub(super) content: Vec<String>,
    /// All of them, and when a row was found gone.
    pub(super) read: SchemaRef,
}

impl Columns {
    /// Those that the command line leaves.
    pub(super) fn new(endpoint: &'static Endpoint, args: &Diff) -> Self {
        let table = TableSpec::current(endpoint).schema;
        let key: Vec<String> = [ACCOUNT].iter().chain(endpoint.key).map(|name| (*name).to_owned()).collect();
        let names = table.fields().iter().map(|field| field.name().clone());
        let content: Vec<String> =
            names.filter(|name| !key.contains(name) && is_compared(endpoint, name, args)).collect();
        let mut read: Vec<&str> = key.iter().chain(&content).map(String::as_str).collect();
        read.push(DELETED_AT);
        Self { read: part(&table, &read), key, content }
    }

    /// The Chinese label of a column.
    pub(super) fn label(&self, name: &str) -> String {
        let field = self.read.field_with_name(name).ok();
        let comment = field.and_then(|field| field.metadata().get(COMMENT));
        comment.and_then(|comment| comment.split_once(" | ")).map_or_else(|| name.to_owned(), |(zh, _)| zh.to_owned())
    }
}

/// Refuses names that no table of these datasets has.
///
/// # Errors
/// [`EtlError::Usage`].
pub(super) fn check(datasets: &[&'static Endpoint], args: &Diff) -> Result<(), EtlError> {
    let mut known: Vec<String> = Vec::new();
    for endpoint in datasets {
        let table = TableSpec::current(endpoint).schema;
        let new = table.fields().iter().map(|field| field.name()).filter(|name| !known.contains(*name));
        let new: Vec<String> = new.cloned().collect();
        known.extend(new);
    }
    let asked = args.columns.iter().chain(args.ignore.iter().filter(|name| name.trim() != VOLATILE));
    let Some(name) = asked.map(|name| name.trim()).find(|name| !known.iter().any(|known| known == name)) else {
        return Ok(());
    };
    let near = nearest(name, known.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`? "));
    let all = match datasets {
        [_] => format!("columns: {}", list(&known.iter().map(String::as_str).collect::<Vec<_>>())),
        _ => "`wdt-etl schema DATASET` lists the columns".to_owned(),
    };
    Err(EtlError::Usage {
        message: format!("none of the datasets has a column {}", quoted(name)),
        hint: Some(near.unwrap_or_default() + &all),
    })
}

fn is_compared(endpoint: &Endpoint, name: &str, args: &Diff) -> bool {
    let named = |names: &[String]| names.iter().any(|asked| asked.trim() == name);
    if !args.columns.is_empty() {
        return named(&args.columns);
    }
    let field = endpoint.fields.iter().find(|field| field.name == name);
    let volatile = field.is_some_and(|field| field.volatile) && args.ignore.iter().any(|name| name.trim() == VOLATILE);
    (field.is_some() || name == EXTRA) && !named(&args.ignore) && !volatile
}
