//! Documented parameters that select rows by what a column of theirs holds.

use serde_json::{Map, Value};
use wdt_models::{Endpoint, ParamKind, time};

use crate::{role, row::Row};

/// One condition on a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Filter {
    /// The column has one of these values.
    Column { name: &'static str, values: Vec<String> },
    /// The last change is at this second or later.
    ChangedFrom(i64),
    /// The last change is at this second or before.
    ChangedUntil(i64),
}

/// The filters that the endpoint's documented parameters make of what was sent; `Err` names one that is not a time.
///
/// A parameter named like a column selects rows with that value, or with one of several that commas separate. One named
/// like the plural of a column takes a list. Where there is no window, `start_time` and `end_time` bound the last
/// change. Every other parameter leaves the selection as it is.
pub(crate) fn filters(
    endpoint: &'static Endpoint,
    sent: impl Fn(&str) -> Option<Vec<String>>,
) -> Result<Vec<Filter>, &'static str> {
    let mut filters = Vec::new();
    for param in endpoint.params.iter().filter(|param| !role::is_group_filter(endpoint, param.name)) {
        let Some(values) = sent(param.name) else { continue };
        let time = |values: &[String]| {
            values.first().and_then(|text| time::parse_wall_time(text)).map(|at| at.0).ok_or(param.name)
        };
        match (param.kind, column(endpoint, param.name)) {
            (ParamKind::Texts, _) => {
                let name = param.name.strip_suffix('s').and_then(|name| column(endpoint, name));
                filters.extend(name.map(|name| Filter::Column { name, values }));
            }
            (ParamKind::Time, None) if param.name == "start_time" => filters.push(Filter::ChangedFrom(time(&values)?)),
            (ParamKind::Time, None) if param.name == "end_time" => filters.push(Filter::ChangedUntil(time(&values)?)),
            (_, Some(name)) => {
                let values = values.iter().flat_map(|value| value.split(',')).map(str::to_owned).collect();
                filters.push(Filter::Column { name, values });
            }
            (_, None) => {}
        }
    }
    Ok(filters)
}

/// Whether a row passes all of them; its record is made only if one asks for it.
pub(crate) fn all_pass(filters: &[Filter], row: Row, record: impl FnOnce() -> String) -> bool {
    let mut members: Option<Map<String, Value>> = None;
    let mut record = Some(record);
    filters.iter().all(|filter| match filter {
        Filter::ChangedFrom(first) => row.modified >= *first,
        Filter::ChangedUntil(last) => row.modified <= *last,
        Filter::Column { name, values } => {
            let read = |record: String| serde_json::from_str(&record).unwrap_or_default();
            let members = members.get_or_insert_with(|| record.take().map(|record| read(record())).unwrap_or_default());
            text(members.get(*name)).is_some_and(|own| values.contains(&own))
        }
    })
}

/// The text of a scalar.
pub(crate) fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        scalar => Some(scalar.to_string()),
    }
}

fn column(endpoint: &'static Endpoint, name: &str) -> Option<&'static str> {
    endpoint.position(name).map(|position| endpoint.fields[position].name)
}
