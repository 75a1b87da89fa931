//! `params` of a dataset: documented business parameters, each of its kind.

use serde_json::Value as Json;
use wdt_fetch::Params;
use wdt_models::time::parse_wall_time;
use wdt_models::{Arguments, Endpoint, Method, Param, ParamKind, SyncMode};

use super::fault::Faults;
use super::sendable::sendable;
use super::value::{Section, Setting, distinct};
use crate::words::{self, quoted};

/// Parameters of any gateway that the run sets by itself: it addresses, pages and signs.
const OWN_PARAMS: &[&str] = &[
    "sid",
    "key",
    "appkey",
    "app_key",
    "salt",
    "session",
    "method",
    "v",
    "format",
    "timestamp",
    "sign",
    "sign_method",
    "page_size",
    "page_no",
    "calc_total",
];
const TEXTS_HINT: &str = "write a list of texts, as in [\"A\", \"B\"]";

/// The parameters of a dataset: those of `params`, and those that are keys of the dataset itself.
pub(super) fn read(section: &Section<'_>, endpoint: &Endpoint, faults: &mut Faults<'_>) -> Option<Params> {
    let mut named = match section.get("params") {
        None => Vec::new(),
        Some(value) => value.table(faults)?.entries(),
    };
    for switch in switches(endpoint) {
        let Some(value) = section.get(switch) else { continue };
        if named.iter().any(|(name, _)| *name == switch) {
            faults.push(&value.place, "is also set in params", Some("set it once".to_owned()));
        }
        named.push((switch, value));
    }
    let read: Vec<_> = named.iter().map(|(name, value)| param(name, value, endpoint, faults)).collect();
    let mut params: Params = read.into_iter().collect::<Option<_>>()?;
    if matches!(endpoint.sync, SyncMode::Ids(_)) {
        // such a call always carries every switch, off where none is set: a switch that is off asks the same as one that is not set
        params.retain(|_, value| *value != Json::Bool(false));
    }
    Some(params)
}

/// Parameters that are keys of the dataset as well: true or false for all ids of a list.
pub(super) fn switches(endpoint: &Endpoint) -> impl Iterator<Item = &'static str> {
    let by_ids = matches!(endpoint.sync, SyncMode::Ids(_));
    endpoint.params.iter().filter(move |param| by_ids && param.kind == ParamKind::Boolean).map(|param| param.name)
}

fn param(name: &str, value: &Setting<'_>, endpoint: &Endpoint, faults: &mut Faults<'_>) -> Option<(String, Json)> {
    let Some(param) = endpoint.params.iter().find(|param| param.name == name) else {
        let (message, hint) = name_fault(name, endpoint);
        faults.push(&value.place, message, Some(hint));
        return None;
    };
    Some((name.to_owned(), typed(param, value, faults)?))
}

/// Why a parameter of that name is not taken, and what to write instead.
fn name_fault(name: &str, endpoint: &Endpoint) -> (&'static str, String) {
    let own = "is set by the run itself";
    if endpoint.cursor().is_some_and(|cursor| [cursor.start_param, cursor.end_param].contains(&name)) {
        return (own, "use the dataset's key `start`".to_owned());
    }
    if let Some(dimension) = endpoint.dimensions().iter().find(|dimension| dimension.name == name) {
        return (own, format!("use the dataset's key `{}`", dimension.setting));
    }
    let is_id = |method: &Method| matches!(method.arguments, Arguments::Items { id } if id == name);
    let is_column = matches!(endpoint.sync, SyncMode::Ids(source) if source.column == name);
    if is_column || endpoint.methods.iter().any(is_id) {
        return (own, "use the dataset's key `rec_ids`".to_owned());
    }
    match name {
        "page_size" | "method" => (own, format!("use the dataset's key `{name}`")),
        _ if OWN_PARAMS.contains(&name) => (own, "remove it".to_owned()),
        _ => {
            let known: Vec<_> = endpoint.params.iter().map(|param| param.name).collect();
            ("unknown parameter", words::hint(name, &format!("parameters of {}", endpoint.dataset), &known))
        }
    }
}

fn typed(param: &Param, value: &Setting<'_>, faults: &mut Faults<'_>) -> Option<Json> {
    match param.kind {
        ParamKind::Text => sendable(value.wire_text(faults)?, &value.place, faults).map(Json::from),
        ParamKind::Int => match value.digits() {
            Some(number) => Some(Json::from(number)),
            None => value.mismatch("a whole number", faults),
        },
        ParamKind::Boolean => value.switch(faults).map(Json::from),
        ParamKind::Texts => texts(value, faults),
        ParamKind::Time => time(value, faults),
    }
}

/// A list of texts, or one text as a list of one.
fn texts(value: &Setting<'_>, faults: &mut Faults<'_>) -> Option<Json> {
    let text = |value: &Setting<'_>, faults: &mut Faults<'_>| sendable(value.wire_text(faults)?, &value.place, faults);
    if value.is_list() {
        return distinct(&value.items("texts", TEXTS_HINT, faults)?, text, faults).map(Json::from);
    }
    text(value, faults).map(|text| Json::from(vec![text]))
}

fn time(value: &Setting<'_>, faults: &mut Faults<'_>) -> Option<Json> {
    let text = value.text(faults)?;
    if parse_wall_time(text).is_none() {
        let hint = "write YYYY-MM-DD HH:MM:SS (Asia/Shanghai), as in \"2024-05-01 00:00:00\"".to_owned();
        faults.push(&value.place, format!("{} is not a time", quoted(text)), Some(hint));
        return None;
    }
    Some(Json::from(text))
}
