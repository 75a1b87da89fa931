//! 淘宝开放平台: which calls it takes and how it answers. What of it is assumed is in [`crate::refusal`].

use wdt_models::{Endpoint, Gateway, Method, SyncMode, time};
use wdt_sign::top;

use crate::{
    account::Account,
    answer::{Found, JsonObject},
    filter,
    form::{Forms, NumberForm, UnknownStore},
    json::text,
    ledger::Ledger,
    params::{Params, whole},
    refusal::Refusal,
    request::{Query, Request, What},
    role,
    row::Selection,
    spelling::Spelling,
};

const CLOCK_TOLERANCE_SECONDS: i64 = 600;
/// Assumption: the page does not state a default.
const DEFAULT_PAGE: u32 = 20;

/// The platform's codes and the words it has for them.
const TITLES: [(i64, &str); 32] = [
    (3, "Upload Fail"),
    (4, "User Call Limited"),
    (5, "Session Call Limited"),
    (6, "Partner Call Limited"),
    (7, "App Call Limited"),
    (8, "App Call Exceeds Limited Frequency"),
    (9, "Http Action Not Allowed"),
    (10, "Service Currently Unavailable"),
    (11, "Insufficient ISV Permissions"),
    (12, "Insufficient User Permissions"),
    (13, "Insufficient Partner Permissions"),
    (15, "Remote service error"),
    (21, "Missing Method"),
    (22, "Invalid Method"),
    (23, "Invalid Format"),
    (24, "Missing Signature"),
    (25, "Invalid Signature"),
    (26, "Missing Session"),
    (27, "Invalid Session"),
    (28, "Missing App Key"),
    (29, "Invalid App Key"),
    (30, "Missing Timestamp"),
    (31, "Invalid Timestamp"),
    (32, "Missing Version"),
    (33, "Invalid Version"),
    (34, "Unsupported Version"),
    (40, "Missing Required Arguments"),
    (41, "Invalid Arguments"),
    (42, "Forbidden Request"),
    (43, "Parameter Error"),
    (44, "Invalid access token"),
    (47, "Invalid encoding"),
];

/// The account that calls, by position.
pub(crate) fn caller(request: &Request, accounts: &[Account], now: i64) -> Result<usize, Refusal> {
    let params = &request.params;
    required(params, "method", 21)?;
    if request.found.is_none() {
        return Err(error(22));
    }
    let app_key = required(params, "app_key", 28)?;
    let of_app = |account: &&Account| account.gateway == Gateway::Top && account.app_key == app_key;
    let Some(app) = accounts.iter().find(of_app) else {
        return Err(error(29).sub("isv.appkey-not-exists"));
    };
    check_format(params)?;
    check_signature(params, app)?;
    check_time(required(params, "timestamp", 30)?, now)?;
    let session = required(params, "session", 26)?;
    let is_caller =
        |account: &Account| of_app(&account) && account.session.as_ref().is_some_and(|own| own.expose() == session);
    accounts.iter().position(is_caller).ok_or_else(|| error(27).sub("invalid-sessionkey"))
}

/// The refusal of a call beyond the limit.
pub(crate) fn limited(seconds: i64) -> Refusal {
    let message = format!("This ban will last for {seconds} more seconds");
    Refusal::new(7, message).sub("accesscontrol.limited-by-app-api-access-count")
}

/// The page of a slice asked for.
pub(crate) fn query(
    request: &Request,
    ledger: &Ledger,
    method: &'static Method,
    forms: Forms,
) -> Result<Query, Refusal> {
    let params = &request.params;
    let number = |name: &str, default: u32| match params.filled(name) {
        None => Ok(default),
        Some(value) => whole(value).ok_or_else(|| argument(name)),
    };
    let page_size = number("page_size", DEFAULT_PAGE)?;
    if !(1..=method.paging.max_size).contains(&page_size) {
        return Err(argument("page_size"));
    }
    let page_no = number("page_no", method.paging.first)?.checked_sub(method.paging.first);
    let page_no = page_no.ok_or_else(|| argument("page_no"))?;
    let what = What::Page { selection: selection(params, ledger, forms)?, page_no, page_size, counted: true };
    let simplify = params.get("simplify") == Some("true") && !wants_xml(params);
    Ok(Query { what, spelling: Spelling::top(forms.escapes, forms.numbers), simplify })
}

/// Whether the answer is XML: it is unless JSON is asked for.
pub(crate) fn wants_xml(params: &Params) -> bool {
    params.filled("format") != Some("json")
}

/// A page of records; `request_id` is the platform's name for the call.
pub(crate) fn page(found: &Found<'_>, simplify: bool, request_id: &str) -> String {
    let mut members = JsonObject::default();
    let path = found.method.shape.records.first().copied().unwrap_or_default();
    let list = if simplify { &path[..path.len().min(1)] } else { path };
    let around: &[&str] = if simplify { &[] } else { &path[..path.len().min(1)] };
    found.put_list(&mut members, list, around, false);
    let quoted = found.forms.numbers == NumberForm::Text;
    found.put_total(&mut members, quoted);
    members.put(&["wl_success"], if quoted { "\"true\"" } else { "true" }.to_owned());
    if found.forms.needless_code {
        members.put(&["wl_error_code"], "\"B3098093\"".to_owned());
        members.put(&["wl_error_msg"], "\"wrong\"".to_owned());
    }
    members.put(&["request_id"], text(request_id, found.forms.escapes));
    if simplify { members.text() } else { wrapped(found.method.name, &members) }
}

/// A platform error: of the gateway if its code is a number, of the payload if not.
pub(crate) fn refusal(refusal: &Refusal, method: &str, simplify: bool, forms: Forms, request_id: &str) -> String {
    let mut members = JsonObject::default();
    let text = |value: &str| text(value, forms.escapes);
    let Ok(code) = refusal.code.parse::<i64>() else {
        members.put(&["wl_success"], "false".to_owned());
        if !refusal.code.is_empty() {
            members.put(&["wl_error_code"], text(&refusal.code));
        }
        members.put(&["wl_error_msg"], text(&refusal.message));
        members.put(&["request_id"], text(request_id));
        return if simplify { members.text() } else { wrapped(method, &members) };
    };
    let title = TITLES.iter().find(|(own, _)| *own == code).map(|(_, title)| *title);
    members.put(&["error_response", "code"], code.to_string());
    members.put(&["error_response", "msg"], text(title.unwrap_or(&refusal.message)));
    if !refusal.sub_code.is_empty() {
        members.put(&["error_response", "sub_code"], text(&refusal.sub_code));
        members.put(&["error_response", "sub_msg"], text(&refusal.message));
    }
    members.put(&["error_response", "request_id"], text(request_id));
    members.text()
}

fn wrapped(method: &str, members: &JsonObject) -> String {
    let name = method.strip_prefix("taobao.").unwrap_or(method).replace('.', "_");
    format!("{{\"{name}_response\":{}}}", members.text())
}

fn check_format(params: &Params) -> Result<(), Refusal> {
    match (params.filled("format"), params.filled("v")) {
        (None | Some("json" | "xml"), Some("2.0")) => Ok(()),
        (None | Some("json" | "xml"), _) => Err(error(33)),
        _ => Err(error(23)),
    }
}

fn check_signature(params: &Params, account: &Account) -> Result<(), Refusal> {
    let sign = required(params, "sign", 24)?;
    let method = params.filled("sign_method").and_then(top::SignMethod::from_name).ok_or_else(|| error(25))?;
    let expected = top::sign(&top::string_to_sign(&params.0), &account.secret, method);
    if params.repeated().is_none() && sign == expected { Ok(()) } else { Err(error(25)) }
}

fn check_time(text: &str, now: i64) -> Result<(), Refusal> {
    let at = time::parse_wall_time(text).ok_or_else(|| error(31))?;
    if (at.0 - now).abs() > CLOCK_TOLERANCE_SECONDS { Err(error(31)) } else { Ok(()) }
}

fn selection(params: &Params, ledger: &Ledger, forms: Forms) -> Result<Selection, Refusal> {
    let endpoint = ledger.endpoint();
    let SyncMode::Slices(dimensions) = endpoint.sync else { return Ok(Selection::everything()) };
    let mut wanted = Vec::new();
    for dimension in dimensions {
        match params.filled(dimension.name) {
            Some(value) if dimension.values.is_empty() || dimension.values.contains(&value) => {
                wanted.push((dimension.name, value));
            }
            Some(_) => return Err(argument(dimension.name)),
            // Assumption: without a type the sum is meant, and without anything else all of it.
            None if dimension.name == "type" => wanted.extend(dimension.default.first().map(|&value| ("type", value))),
            None => {}
        }
    }
    let parts = ledger.spread().matching(&wanted);
    if parts.is_empty() && forms.unknown_store == UnknownStore::Error {
        return Err(Refusal::new(15, "仓库编码不存在").sub("isv.invalid-parameter"));
    }
    let filters = filters(endpoint, params, &wanted)?;
    Ok(ledger.filtered(ledger.of_slices(&parts), &filters))
}

/// The filters in force: those for one type are passed over with another.
fn filters(
    endpoint: &'static Endpoint,
    params: &Params,
    wanted: &[(&str, &str)],
) -> Result<Vec<filter::Filter>, Refusal> {
    let kind = wanted.iter().find(|(name, _)| *name == "type").map(|(_, value)| *value);
    let sent = |name: &str| match role::only_for(endpoint, name) {
        Some(only) if Some(only) != kind => None,
        _ => params.filled(name).map(|value| vec![value.to_owned()]),
    };
    filter::filters(endpoint, sent).map_err(argument)
}

fn required<'a>(params: &'a Params, name: &str, code: i64) -> Result<&'a str, Refusal> {
    params.filled(name).ok_or_else(|| error(code))
}

fn argument(name: &str) -> Refusal {
    Refusal::new(41, format!("invalid argument: {name}")).sub(format!("isv.invalid-parameter:{name}"))
}

/// An error that says only its code.
fn error(code: i64) -> Refusal {
    Refusal::new(code, TITLES.iter().find(|(own, _)| *own == code).map_or("", |(_, title)| title))
}
