//! What a call of 旺店通旗舰版 asks for: positional arguments in a JSON body, and a pager in the query.

use serde_json::{Map, Value};
use wdt_models::time::Seconds;
use wdt_models::{Arguments, Cursor, Endpoint, Method, Param, ParamKind, SyncMode, Window, time};

use crate::{
    config::Windows,
    filter::{self, Filter},
    flagship::{self, APPLICATION, BAD_REQUEST},
    form::Forms,
    ledger::Ledger,
    params::{Params, whole},
    places,
    refusal::Refusal,
    request::{Query, Request, What},
    role,
    row::Selection,
    spelling::Spelling,
};

/// What is asked for.
pub(crate) fn query(
    request: &Request,
    ledger: &Ledger,
    method: &'static Method,
    windows: Windows,
    forms: Forms,
) -> Result<Query, Refusal> {
    let endpoint = ledger.endpoint();
    let arguments: Vec<Value> = serde_json::from_str(&request.body).map_err(|_| bad("请求参数应为JSON数组"))?;
    let mut named = Map::new();
    let what = match method.arguments {
        Arguments::Named => {
            named = one(&arguments)?.as_object().cloned().ok_or_else(|| bad("参数类型错误"))?;
            check_kinds(endpoint, &named)?;
            page(&request.params, ledger, method, &named, windows)?
        }
        Arguments::Items { id } => {
            let items = one(&arguments)?.as_array().ok_or_else(|| bad("参数类型错误"))?;
            What::Ids(items.iter().map(|item| wanted(endpoint, item, id)).collect::<Result<_, _>>()?)
        }
        Arguments::Positional => What::Ids(vec![positional(endpoint, &arguments)?]),
    };
    if let What::Ids(ids) = &what
        && ids.len() > method.paging.max_size as usize
    {
        return Err(application(format!("单次最多查询{}条", method.paging.max_size)));
    }
    let asked = |name: &str| filter::text(named.get(name)).and_then(|text| text.parse().ok());
    Ok(Query { what, spelling: Spelling::flagship(endpoint, method, forms.escapes, asked), simplify: false })
}

/// The arguments of a call that may be shown: the members of its one map, else the whole body.
pub(crate) fn shown(body: &str) -> Vec<(String, String)> {
    let arguments: Vec<Value> = serde_json::from_str(body).unwrap_or_default();
    match arguments.as_slice() {
        [Value::Object(named)] => {
            let text = |value: &Value| filter::text(Some(value)).unwrap_or_else(|| value.to_string());
            named.iter().map(|(name, value)| (name.clone(), text(value))).collect()
        }
        _ => vec![("body".to_owned(), body.to_owned())],
    }
}

fn page(
    params: &Params,
    ledger: &Ledger,
    method: &'static Method,
    named: &Map<String, Value>,
    windows: Windows,
) -> Result<What, Refusal> {
    let pager = |name: &str| match params.get(name) {
        Some(text) => whole(text).ok_or_else(|| flagship::not_a_number(text)),
        None => Err(application("此方法仅支持分页查询")),
    };
    let (page_size, page_no, calc_total) = (pager("page_size")?, pager("page_no")?, pager("calc_total")?);
    if !(1..=method.paging.max_size).contains(&page_size) {
        return Err(application(format!("page_size取值范围为1~{}", method.paging.max_size)));
    }
    let page_no = page_no.checked_sub(method.paging.first).ok_or_else(|| bad("page_no错误"))?;
    let selection = selection(ledger, named, windows)?;
    Ok(What::Page { selection, page_no, page_size, counted: calc_total == 1 })
}

fn selection(ledger: &Ledger, named: &Map<String, Value>, windows: Windows) -> Result<Selection, Refusal> {
    let endpoint = ledger.endpoint();
    let group = group(endpoint, named)?;
    let texts = |value: &Value| match value {
        Value::Array(items) => items.iter().filter_map(|item| filter::text(Some(item))).collect(),
        scalar => filter::text(Some(scalar)).into_iter().collect::<Vec<_>>(),
    };
    let sent = |name: &str| named.get(name).map(texts).filter(|values| values.iter().any(|value| !value.is_empty()));
    let filters = filter::filters(endpoint, sent).map_err(|name| unparseable(named, name))?;
    let SyncMode::Incremental(cursor) = endpoint.sync else {
        return Ok(ledger.filtered(ledger.of_slices(&ledger.spread().matching(&[])), &filters));
    };
    let by_code = endpoint.params.iter().any(|param| param.kind == ParamKind::Texts && sent(param.name).is_some());
    let window = window(named, cursor, by_code, windows.longest)?;
    let last = windows.last(window);
    match filters.iter().position(|filter| matches!(filter, Filter::Column { name: "spec_no", .. })) {
        // found by their number, without a look at every row
        Some(place) => Ok(by_codes(ledger, filters, place, group, (window.start.0, last))),
        None => Ok(ledger.filtered(Selection::Between { start: window.start.0, end: last, part: group }, &filters)),
    }
}

fn by_codes(
    ledger: &Ledger,
    mut filters: Vec<Filter>,
    place: usize,
    group: Option<usize>,
    window: (i64, i64),
) -> Selection {
    let mut rows: Vec<u32> = Vec::new();
    if let Filter::Column { values, .. } = filters.remove(place) {
        for value in values {
            if let Selection::Rows(about) = ledger.about("spec_no", &value, group) {
                rows.extend(about);
            }
        }
    }
    rows.sort_unstable();
    rows.dedup();
    filters.extend([Filter::ChangedFrom(window.0), Filter::ChangedUntil(window.1)]);
    ledger.filtered(Selection::Rows(rows), &filters)
}

/// The window asked for: all times where rows are asked for by code and a window is not sent.
fn window(named: &Map<String, Value>, cursor: Cursor, by_code: bool, longest: i64) -> Result<Window, Refusal> {
    let text = |name: &str| filter::text(named.get(name)).filter(|text| !text.is_empty());
    let instant = |name: &str, text: &str| time::parse_wall_time(text).ok_or_else(|| unparseable(named, name));
    let window = match (text(cursor.start_param), text(cursor.end_param)) {
        (None, None) if by_code => return Ok(Window::new(Seconds::MIN, Seconds::MAX)),
        (Some(start), Some(end)) => Window::new(instant(cursor.start_param, &start)?, instant(cursor.end_param, &end)?),
        _ => return Err(application("参数中必须包含起止时间")),
    };
    match window.seconds() {
        ..0 => Err(application("开始时间不能大于结束时间")),
        seconds if seconds <= longest => Ok(window),
        _ => Err(application("查询时间不能大于30天")),
    }
}

/// The warehouse or shop asked for.
fn group(endpoint: &Endpoint, named: &Map<String, Value>) -> Result<Option<usize>, Refusal> {
    for param in endpoint.params.iter().filter(|param| role::is_group_filter(endpoint, param.name)) {
        let Some(value) = filter::text(named.get(param.name)).filter(|value| !value.is_empty()) else { continue };
        let what = if param.name.starts_with("shop") { "店铺" } else { "仓库" };
        let group = places::group_named(param.name, &value);
        return group.map(Some).ok_or_else(|| application(format!("{what}不存在 {what}编号: {value}")));
    }
    Ok(None)
}

fn check_kinds(endpoint: &Endpoint, named: &Map<String, Value>) -> Result<(), Refusal> {
    let wrong = |param: &&Param| named.get(param.name).is_some_and(|value| !is_kind(param.kind, value));
    endpoint.params.iter().find(wrong).map_or(Ok(()), |param| Err(bad(format!("参数{}类型错误", param.name))))
}

/// Numbers and texts pass for each other where their text does: the vendor's own examples send both.
fn is_kind(kind: ParamKind, value: &Value) -> bool {
    match (kind, value) {
        (ParamKind::Texts, Value::Array(items)) => items.iter().all(Value::is_string),
        (ParamKind::Boolean, value) => value.is_boolean(),
        (ParamKind::Int, Value::String(text)) => text.parse::<i64>().is_ok(),
        (ParamKind::Int, value) => value.is_i64(),
        (ParamKind::Text, value) => value.is_string() || value.is_number(),
        (ParamKind::Time, value) => value.is_string(),
        (ParamKind::Texts, _) => false,
    }
}

/// An id and whether it is wanted even when it is stopped, from an object with every parameter.
fn wanted(endpoint: &Endpoint, item: &Value, id: &str) -> Result<(i64, bool), Refusal> {
    let number = item.get(id).and_then(Value::as_i64).ok_or_else(|| bad(format!("参数{id}类型错误")))?;
    let mut force = false;
    for param in endpoint.params {
        let value = item.get(param.name).and_then(Value::as_bool);
        force |= value.ok_or_else(|| bad(format!("参数{}类型错误", param.name)))?;
    }
    Ok((number, force))
}

/// The same from positions: the id, then every parameter.
fn positional(endpoint: &Endpoint, arguments: &[Value]) -> Result<(i64, bool), Refusal> {
    let Some((id, flags)) = arguments.split_first().filter(|(_, flags)| flags.len() == endpoint.params.len()) else {
        return Err(bad("参数个数错误"));
    };
    let number = id.as_i64().ok_or_else(|| bad("参数类型错误"))?;
    let flags: Option<Vec<bool>> = flags.iter().map(Value::as_bool).collect();
    Ok((number, flags.ok_or_else(|| bad("参数类型错误"))?.contains(&true)))
}

fn one(arguments: &[Value]) -> Result<&Value, Refusal> {
    if let [only] = arguments { Ok(only) } else { Err(bad("参数个数错误")) }
}

fn unparseable(named: &Map<String, Value>, name: &str) -> Refusal {
    let text = filter::text(named.get(name)).unwrap_or_default();
    application(format!("Unparseable date: \"{text}\""))
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new(BAD_REQUEST, message)
}

fn application(message: impl Into<String>) -> Refusal {
    Refusal::new(APPLICATION, message)
}
