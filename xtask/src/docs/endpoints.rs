//! `docs/endpoints.md`: every gateway and dataset as the descriptions state them.

use wdt_models::{
    Arguments, Dimension, Endpoint, Field, FullRead, Gateway, IdSource, Kind, Method, ParamKind, SyncMode, endpoints,
};

use super::markdown::{bullets, cell, code, codes, head, table};

const INTRO: &str = "
What each platform gives and what becomes of it. `wdt-etl schema DATASET` prints the same for one dataset, with
`--format csv` or `--format json` for programs. Columns of every table (`account`, `_wdt_…`) are in
[tables.md](tables.md), error codes in [errors.md](errors.md).

Marks: *key* and *cursor* as in [concepts.md](concepts.md); *required*: a record without it is refused; *volatile*: changes
without moving the cursor; *personal*: null unless the dataset says `personal = true`; *also x*: the wire may call it x.
";

/// The whole page.
pub(super) fn page() -> String {
    let rows: Vec<_> = endpoints::ALL
        .iter()
        .map(|endpoint| [format!("[`{0}`](#{0})", endpoint.dataset), code(endpoint.gateway.name()), cell(endpoint.doc)])
        .collect();
    let mut text = head("Endpoints") + INTRO + &table(["dataset", "gateway", "a row is"], &rows);
    text.extend(Gateway::ALL.iter().map(|&gateway| of_gateway(gateway)));
    text
}

fn of_gateway(gateway: Gateway) -> String {
    let facts = gateway.facts();
    let required = ["app_key", "app_secret"].iter().chain(facts.required_keys).copied();
    let optional = match facts.optional_keys {
        [] => String::new(),
        keys => format!("; {} may be given", codes(keys.iter().copied())),
    };
    let lines = [
        format!("Address: {}", code(facts.production_url)),
        format!("Sandbox: {}", code(facts.sandbox_url)),
        format!("Calls a minute, by default: {}", facts.calls_per_minute),
        format!("Clock: a request's time may be at most {} seconds from the platform's", facts.clock_tolerance_seconds),
        format!("Keys of an account: {}{optional}", codes(required)),
    ];
    let mut text = format!("\n## Gateway `{}`: {}\n{}", facts.name, facts.zh, bullets(&lines));
    text.extend(
        endpoints::ALL.iter().filter(|endpoint| endpoint.gateway == gateway).map(|endpoint| of_dataset(endpoint)),
    );
    text
}

fn of_dataset(endpoint: &Endpoint) -> String {
    let mut text = format!("\n### `{}`\n\n{}\n{}", endpoint.dataset, endpoint.doc, bullets(&facts(endpoint)));
    text += &titled(
        "Settings of its slices:",
        &table(["setting", "parameter", "values", "default", "meaning"], &settings(endpoint)),
    );
    text += &titled(
        "Parameters (`params = { … }` of the dataset):",
        &table(["parameter", "type", "meaning"], &params(endpoint)),
    );
    text += &titled("Notes:", &bullets(&endpoint.notes.iter().map(|note| (*note).to_owned()).collect::<Vec<_>>()));
    let (mut columns, mut values) = (Vec::new(), Vec::new());
    add_columns(endpoint, endpoint.fields, None, &mut columns, &mut values);
    text += &titled("Columns:", &table(["column", "type", "中文", "meaning", "unit", "marks"], &columns));
    text += &titled("Documented values:", &table(["column", "value", "中文", "meaning"], &values));
    let report: Vec<_> = endpoint.report.iter().map(|(column, label)| [code(column), cell(label)]).collect();
    text + &titled("Columns of the report that people know, in its order:", &table(["column", "label"], &report))
}

/// The title above the content; nothing where there is no content.
fn titled(title: &str, content: &str) -> String {
    if content.is_empty() { String::new() } else { format!("\n{title}\n{content}") }
}

fn facts(endpoint: &Endpoint) -> Vec<String> {
    let mut facts = vec![format!("Source: {}", endpoint.source)];
    facts.extend(endpoint.methods.iter().enumerate().map(|(place, method)| call(endpoint, method, place == 0)));
    facts.push(format!("Reading: {}", reading(endpoint.sync)));
    facts.push(format!("Key: {}", codes(["account"].iter().chain(endpoint.key).copied())));
    if let Some(FullRead { param, value, hours, .. }) = endpoint.full_read {
        let hours = hours.map_or_else(|| "at any time".to_owned(), |hours| format!("from {hours} in China"));
        facts.push(format!(
            "Full read (`backfill --all`): a window of any length with {}, {hours}",
            code(&format!("{param}={value}"))
        ));
    }
    if let Some(split) = endpoint.split {
        let by = format!("one call for each value of {}, sent as {}", code(split.field), code(split.param));
        facts.push(format!("A window that is too short to halve is read in parts: {by}"));
    }
    facts
}

fn call(endpoint: &Endpoint, method: &Method, default: bool) -> String {
    let title = match (default, endpoint.methods.len()) {
        (true, 1) => "Call".to_owned(),
        (true, _) => "Call by default".to_owned(),
        (false, _) => format!("Call with `method = \"{}\"`", method.name),
    };
    let paging = match (endpoint.sync, method.arguments) {
        (SyncMode::Ids(_), Arguments::Positional) => "one id a call".to_owned(),
        (SyncMode::Ids(_), _) => format!("at most {} ids a call", method.paging.max_size),
        _ => format!("at most {} records a page, the first page is {}", method.paging.max_size, method.paging.first),
    };
    format!("{title}: {}, {paging}", code(method.name))
}

fn reading(reading: SyncMode) -> String {
    match reading {
        SyncMode::Incremental(cursor) => format!(
            "what changed, by {}, in windows of at most {} ({} to {})",
            code(cursor.field),
            length(cursor.max_seconds),
            code(cursor.start_param),
            code(cursor.end_param)
        ),
        SyncMode::Slices([]) => "a full picture of the whole list".to_owned(),
        SyncMode::Slices(dimensions) => {
            format!("a full picture of each slice, by {}", codes(dimensions.iter().map(|dimension| dimension.name)))
        }
        SyncMode::Ids(ids) => format!("the rows of a list of ids: {}", ids_source(ids)),
    }
}

/// A length that the description states one second short, because both ends of a window belong to it.
fn length(seconds: i64) -> String {
    let whole = seconds + 1;
    let (unit, size) =
        [("days", 86_400), ("hours", 3_600)].into_iter().find(|(_, size)| whole % size == 0).unwrap_or(("seconds", 1));
    format!("{} {}", whole / size, unit)
}

fn ids_source(ids: IdSource) -> String {
    let (column, value) = ids.only;
    format!(
        "{} of the rows of {} with {} {value}, or those of `{}s`",
        code(ids.column),
        code(ids.dataset),
        code(column),
        ids.column
    )
}

fn settings(endpoint: &Endpoint) -> Vec<[String; 5]> {
    endpoint.dimensions().iter().map(setting).collect()
}

fn setting(dimension: &Dimension) -> [String; 5] {
    let values =
        if dimension.values.is_empty() { "any text".to_owned() } else { codes(dimension.values.iter().copied()) };
    let default = match dimension.default {
        [] => "none: it must be set".to_owned(),
        all if all == dimension.values => "all".to_owned(),
        some => codes(some.iter().copied()),
    };
    [code(dimension.setting), code(dimension.name), values, default, cell(dimension.en)]
}

fn params(endpoint: &Endpoint) -> Vec<[String; 3]> {
    endpoint.params.iter().map(|param| [code(param.name), type_of(param.kind).to_owned(), cell(param.en)]).collect()
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

/// Every column, each list followed by its members; the documented values of all.
fn add_columns(
    endpoint: &Endpoint,
    fields: &[Field],
    parent: Option<&str>,
    columns: &mut Vec<[String; 6]>,
    values: &mut Vec<[String; 4]>,
) {
    for field in fields {
        let name = parent.map_or_else(|| field.name.to_owned(), |parent| format!("{parent}[].{}", field.name));
        columns.push([
            code(&name),
            field.kind.name().to_owned(),
            cell(field.zh),
            cell(field.en),
            cell(field.unit.unwrap_or_default()),
            marks(endpoint, field, parent.is_none()),
        ]);
        values.extend(field.codes.iter().map(|value| [code(&name), code(value.value), cell(value.zh), cell(value.en)]));
        if let Kind::List(members) = field.kind {
            add_columns(endpoint, members, Some(&name), columns, values);
        }
    }
}

fn marks(endpoint: &Endpoint, field: &Field, top: bool) -> String {
    let alias = field.alias.map(|alias| format!("also {}", code(alias)));
    let marks = [
        ("key", top && endpoint.key.contains(&field.name)),
        ("cursor", top && endpoint.cursor().is_some_and(|cursor| cursor.field == field.name)),
        ("required", field.required),
        ("volatile", field.volatile),
        ("personal", field.personal),
    ];
    let marks = marks.into_iter().filter(|(_, holds)| *holds).map(|(mark, _)| mark.to_owned());
    marks.chain(alias).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use wdt_models::endpoints;

    use super::{length, page};

    /// The part of the page below a dataset's title.
    fn section<'a>(page: &'a str, dataset: &str) -> &'a str {
        let start = page.find(&format!("\n### `{dataset}`\n")).unwrap();
        let rest = &page[start + 1..];
        rest.find("\n##").map_or(rest, |end| &rest[..end])
    }

    #[test]
    fn every_dataset_has_its_section_with_every_column() {
        let page = page();
        for endpoint in endpoints::ALL {
            let section = section(&page, endpoint.dataset);
            for field in endpoint.fields {
                assert!(section.contains(&format!("\n| `{}` | {} |", field.name, field.kind.name())), "{}", field.name);
            }
            assert!(endpoint.params.iter().all(|param| section.contains(&format!("\n| `{}` | ", param.name))));
            assert!(endpoint.methods.iter().all(|method| section.contains(method.name)));
            assert!(endpoint.notes.iter().all(|note| section.contains(&format!("\n- {note}\n"))));
            assert!(
                endpoint
                    .dimensions()
                    .iter()
                    .all(|dimension| section.contains(&format!("\n| `{}` | ", dimension.setting)))
            );
        }
    }

    #[test]
    fn facts_are_those_of_the_description() {
        let page = page();
        let stock = section(&page, "enterprise_stock");
        for line in [
            "- Call: `stock_query_detail.php`, at most 100 records a page, the first page is 0",
            "- Reading: what changed, by `modified`, in windows of at most 30 days (`start_time` to `end_time`)",
            "- Key: `account`, `spec_id`, `warehouse_id`",
            "| `spec_id` | bigint | 单品主键id | SKU id | | key, required |",
            "| `avaliable_num` | decimal(19,4) | 可发库存 | quantity free to ship | | volatile, also `available_num` |",
            "| `details[].batch_no` | text | 批次编码 | batch code | | |",
        ] {
            assert!(stock.contains(&format!("\n{line}\n")), "{line}");
        }
    }

    #[test]
    fn a_window_is_told_with_both_ends() {
        assert_eq!((length(86_399), length(30 * 86_400 - 1)), ("1 days".to_owned(), "30 days".to_owned()));
        assert_eq!((length(3_599), length(60)), ("1 hours".to_owned(), "61 seconds".to_owned()));
    }
}
