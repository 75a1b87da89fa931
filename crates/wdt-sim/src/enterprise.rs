//! 旺店通企业版: which calls it takes and how it answers. What of it is assumed is in [`crate::refusal`].
//!
//! Limits are written here again, not read from the endpoint's description, so that a mistake there is found.

use wdt_models::time::Seconds;
use wdt_models::{Endpoint, Gateway, Window, time};
use wdt_sign::enterprise;

use crate::{
    account::Account,
    answer::{Found, JsonObject},
    config::Windows,
    form::{CodeForm, Forms, ListForm, TotalForm},
    json::text,
    ledger::Ledger,
    params::{Params, whole},
    places,
    refusal::{APPLICATION_ERROR, BAD_PARAMETER, Refusal, TOO_OFTEN, UNKNOWN_APP_KEY, UNKNOWN_SHOP, WINDOW_TOO_WIDE},
    request::{Query, Request, What},
    role,
    row::Selection,
    spelling::Spelling,
};

const CLOCK_TOLERANCE_SECONDS: i64 = 300;
const LARGEST_PAGE: u32 = 100;
const HOUR: i64 = 3_600;
const EVERYTHING: Window = Window::new(Seconds::MIN, Seconds::MAX);

/// The account that calls, by position.
pub(crate) fn caller(request: &Request, accounts: &[Account], now: i64) -> Result<usize, Refusal> {
    let params = &request.params;
    for name in ["sid", "appkey", "timestamp", "sign"] {
        required(params, name)?;
    }
    no_empty_or_repeated(params)?;
    let (sid, app_key) = (required(params, "sid")?, required(params, "appkey")?);
    let of_merchant = |account: &Account| account.gateway == Gateway::Enterprise && account.sid == sid;
    if !accounts.iter().any(of_merchant) {
        return Err(parameter(format!("sid is not exist: {sid}")));
    }
    let caller = accounts.iter().position(|account| of_merchant(account) && account.app_key == app_key);
    let caller = caller.ok_or_else(|| Refusal::new(UNKNOWN_APP_KEY, "appkey不存在或已停用"))?;
    let expected = enterprise::sign(&enterprise::string_to_sign(&params.0), &accounts[caller].secret);
    if required(params, "sign")? != expected {
        return Err(parameter("签名错误"));
    }
    check_time(params, now)?;
    Ok(caller)
}

/// The refusal of a call beyond the limit.
pub(crate) fn limited(per_minute: u32) -> Refusal {
    Refusal::new(TOO_OFTEN, format!("超过每分钟最大调用频率限制,请保持1分钟内{per_minute}次的频率"))
}

/// The page asked for.
pub(crate) fn query(
    request: &Request,
    ledger: &Ledger,
    windows: Windows,
    forms: Forms,
    now: i64,
) -> Result<Query, Refusal> {
    let (endpoint, params) = (ledger.endpoint(), &request.params);
    let page_size = number(params, "page_size", default_page_size(endpoint))?;
    if !(1..=LARGEST_PAGE).contains(&page_size) {
        return Err(parameter("page_size取值范围为1~100"));
    }
    let page_no = number(params, "page_no", 0)?;
    let selection = selection(params, ledger, windows, now)?;
    let what = What::Page { selection, page_no, page_size, counted: page_no == 0 };
    Ok(Query { what, spelling: Spelling::enterprise(forms.escapes), simplify: false })
}

/// A page of records.
pub(crate) fn page(found: &Found<'_>) -> String {
    let mut members = JsonObject::default();
    members.put(&["code"], code("0", found.forms));
    if has_message(found.ledger.endpoint()) {
        members.put(&["message"], "\"ok\"".to_owned());
    }
    let path = found.method.shape.records.first().copied().unwrap_or_default();
    found.put_list(&mut members, path, path, found.forms.list == ListForm::Object);
    found.put_total(&mut members, found.forms.total != TotalForm::Number);
    members.text()
}

/// A platform error.
pub(crate) fn refusal(refusal: &Refusal, forms: Forms) -> String {
    let mut members = JsonObject::default();
    members.put(&["code"], code(&refusal.code, forms));
    members.put(&["message"], text(&refusal.message, forms.escapes));
    members.text()
}

/// A code, which some captures show as text.
pub(crate) fn code(code: &str, forms: Forms) -> String {
    if forms.code == CodeForm::Text || code.parse::<i64>().is_err() {
        text(code, forms.escapes)
    } else {
        code.to_owned()
    }
}

fn selection(params: &Params, ledger: &Ledger, windows: Windows, now: i64) -> Result<Selection, Refusal> {
    let endpoint = ledger.endpoint();
    let group = group(params, endpoint)?;
    for name in ["spec_no", "barcode"] {
        if let Some(value) = documented(params, endpoint, name) {
            return Ok(ledger.about(name, value, group));
        }
    }
    let window = window(params, endpoint, group.is_some(), windows, now)?;
    let last = windows.last(window);
    Ok(Selection::Between { start: window.start.0, end: last, part: group })
}

fn required<'a>(params: &'a Params, name: &str) -> Result<&'a str, Refusal> {
    params.get(name).ok_or_else(|| missing(name))
}

/// A parameter's value where the endpoint documents the parameter.
fn documented<'a>(params: &'a Params, endpoint: &Endpoint, name: &str) -> Option<&'a str> {
    endpoint.params.iter().find(|param| param.name == name).and_then(|_| params.get(name))
}

fn no_empty_or_repeated(params: &Params) -> Result<(), Refusal> {
    if let Some((name, _)) = params.0.iter().find(|(_, value)| value.trim().is_empty()) {
        return Err(parameter(format!("参数{name}不能为空")));
    }
    params.repeated().map_or(Ok(()), |name| Err(parameter(format!("参数{name}重复"))))
}

fn check_time(params: &Params, now: i64) -> Result<(), Refusal> {
    let text = required(params, "timestamp")?;
    let timestamp = if text.len() == 10 { whole(text).map(i64::from) } else { None };
    let timestamp = timestamp.ok_or_else(|| Refusal::new(APPLICATION_ERROR, "时间戳应为10位整数"))?;
    if (timestamp - now).abs() <= CLOCK_TOLERANCE_SECONDS {
        return Ok(());
    }
    let server = time::format_wall_time(Seconds(now));
    Err(Refusal::new(APPLICATION_ERROR, format!("时间戳超出允许误差5分钟,服务器时间{server}")))
}

fn number(params: &Params, name: &str, default: u32) -> Result<u32, Refusal> {
    let Some(text) = params.get(name) else { return Ok(default) };
    whole(text).ok_or_else(|| parameter(format!("参数{name}应为非负整数")))
}

/// The warehouse or shop asked for.
fn group(params: &Params, endpoint: &Endpoint) -> Result<Option<usize>, Refusal> {
    for param in endpoint.params.iter().filter(|param| role::is_group_filter(endpoint, param.name)) {
        let Some(value) = params.get(param.name) else { continue };
        return match places::group_named(param.name, value) {
            Some(group) => Ok(Some(group)),
            None if param.name == "shop_no" => Err(Refusal::new(UNKNOWN_SHOP, "店铺编号不存在或已停用")),
            None => Err(parameter(format!("{}不存在: {value}", param.name))),
        };
    }
    Ok(None)
}

fn window(
    params: &Params,
    endpoint: &Endpoint,
    one_warehouse: bool,
    windows: Windows,
    now: i64,
) -> Result<Window, Refusal> {
    let all = documented(params, endpoint, "is_all") == Some("1");
    if all && (now + time::SHANGHAI_OFFSET_SECONDS).rem_euclid(24 * HOUR) >= 2 * HOUR {
        return Err(Refusal::new(APPLICATION_ERROR, "全量获取仅允许在00:00-02:00调用"));
    }
    match (params.get("start_time"), params.get("end_time")) {
        (None, None) if all => Ok(EVERYTHING),
        (None, None) if one_warehouse && documented(params, endpoint, "warehouse_no").is_some() => {
            Ok(Window::new(Seconds(now - HOUR), Seconds(now)))
        }
        (None, _) => Err(missing("start_time")),
        (_, None) => Err(missing("end_time")),
        (Some(start), Some(end)) => {
            let window = bounded(start, end, if all { i64::MAX } else { windows.longest })?;
            Ok(if all && windows.none_when_all { EVERYTHING } else { window })
        }
    }
}

fn bounded(start: &str, end: &str, longest: i64) -> Result<Window, Refusal> {
    let instant = |name: &str, text: &str| {
        time::parse_wall_time(text).ok_or_else(|| parameter(format!("{name}格式错误,应为yyyy-MM-dd HH:mm:ss")))
    };
    let window = Window::new(instant("start_time", start)?, instant("end_time", end)?);
    if window.seconds() < 0 {
        return Err(parameter("start_time不能大于end_time"));
    }
    if window.seconds() > longest {
        return Err(Refusal::new(WINDOW_TOO_WIDE, "start_time与end_time时间跨度不能超过最大范围 30天"));
    }
    Ok(window)
}

fn parameter(message: impl Into<String>) -> Refusal {
    Refusal::new(BAD_PARAMETER, message)
}

fn missing(name: &str) -> Refusal {
    parameter(format!("缺少参数{name}"))
}

/// The page size of a call that does not name one.
fn default_page_size(endpoint: &Endpoint) -> u32 {
    if endpoint.method().name == "vip_api_goods_query.php" { 30 } else { 40 }
}

/// The stock page's example has no `message`, the goods page's has one.
fn has_message(endpoint: &Endpoint) -> bool {
    endpoint.method().name != "stock_query_detail.php"
}
