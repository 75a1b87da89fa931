//! Which columns are compared.

use wdt_models::{COMMENT, Endpoint};
use wdt_warehouse::compare::Columns;
use wdt_warehouse::schema::{EXTRA, TableSpec};

use crate::cli::Diff;
use crate::error::EtlError;
use crate::words::{list, nearest, quoted};

/// Stands for the columns that change without moving the cursor.
const VOLATILE: &str = "volatile";

/// Those that the command line leaves.
pub(super) fn of(endpoint: &'static Endpoint, args: &Diff) -> Columns {
    Columns::new(endpoint, |name| is_compared(endpoint, name, args))
}

/// The Chinese label of a column.
pub(super) fn label(columns: &Columns, name: &str) -> String {
    let field = columns.read.field_with_name(name).ok();
    let comment = field.and_then(|field| field.metadata().get(COMMENT));
    comment.and_then(|comment| comment.split_once(" | ")).map_or_else(|| name.to_owned(), |(zh, _)| zh.to_owned())
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
