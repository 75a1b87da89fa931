//! 旺店通旗舰版: which calls it takes and how it answers. What a call asks for is read in `arguments`; what of it all is
//! assumed is in [`crate::refusal`].

use wdt_models::Gateway;
use wdt_sign::flagship;

use crate::{
    account::Account,
    answer::{Found, JsonObject},
    enterprise::code,
    form::{Comma, EmptyForm, Forms, IdsForm},
    json::text,
    ledger::Ledger,
    params::Params,
    refusal::Refusal,
    request::Request,
    row::Row,
    spelling::Spelling,
};

/// Status of a fault of the request itself: a parameter, the account or the signature.
pub(crate) const BAD_REQUEST: i64 = 1;
/// Status of everything that the application refuses; the message says why.
pub(crate) const APPLICATION: i64 = 100;
const CLOCK: i64 = 7;
const VERSION: i64 = 8;
const CLOCK_TOLERANCE_SECONDS: i64 = 120;

/// The account that calls, by position.
pub(crate) fn caller(request: &Request, accounts: &[Account], now: i64) -> Result<usize, Refusal> {
    let params = &request.params;
    for name in ["sid", "key", "salt", "method", "v", "timestamp", "sign"] {
        required(params, name)?;
    }
    if let Some(name) = params.repeated() {
        return Err(Refusal::new(BAD_REQUEST, format!("参数{name}重复")));
    }
    if required(params, "v")? != "1.0" {
        return Err(Refusal::new(VERSION, "版本号错误"));
    }
    let (sid, key) = (required(params, "sid")?, required(params, "key")?);
    let of_merchant = |account: &Account| account.gateway == Gateway::Flagship && account.sid == sid;
    if !accounts.iter().any(of_merchant) {
        return Err(Refusal::new(BAD_REQUEST, format!("sid不存在: {sid}")));
    }
    let caller = accounts.iter().position(|account| of_merchant(account) && account.app_key == key);
    let caller = caller.ok_or_else(|| Refusal::new(BAD_REQUEST, format!("key不存在: {key}")))?;
    check_signature(request, &accounts[caller])?;
    check_time(required(params, "timestamp")?, now)?;
    Ok(caller)
}

/// The refusal of a call beyond the limit.
pub(crate) fn limited(forms: Forms) -> Refusal {
    let comma = if forms.comma == Comma::FullWidth { "，" } else { "," };
    Refusal::new(APPLICATION, format!("超过每分钟最大调用频率限制{comma}请稍后重试"))
}

/// A page of records.
pub(crate) fn page(found: &Found<'_>) -> String {
    let mut members = JsonObject::default();
    members.put(&["status"], code("0", found.forms));
    found.put_total(&mut members, false);
    let path = found.method.shape.records.first().copied().unwrap_or_default();
    found.put_list(&mut members, path, &[], false);
    members.text()
}

/// The answer to ids: rows that were computed, and those that are refused one by one; a method for one id refuses the
/// whole call instead.
pub(crate) fn ids(found: &Found<'_>, refused: &[i64]) -> Result<String, Refusal> {
    let shape = &found.method.shape;
    let mut members = JsonObject::default();
    if shape.single {
        let Some(row) = found.rows.first() else {
            return Err(Refusal::new(APPLICATION, stopped(refused.first().copied().unwrap_or_default())));
        };
        members.put(&["status"], code("0", found.forms));
        members.put(shape.records.first().copied().unwrap_or_default(), record(found.ledger, found.spelling, *row));
        return Ok(members.text());
    }
    if found.forms.ids == IdsForm::UnderData {
        members.put(&["status"], code("0", found.forms));
    }
    let entry = |id: &i64| format!("{{\"rec_id\":{id},\"err_msg\":{}}}", text(&stopped(*id), found.forms.escapes));
    let refused: Vec<_> = refused.iter().map(entry).collect();
    let lists = [(shape.records, found.list(false)), (shape.refused, format!("[{}]", refused.join(",")))];
    for (paths, list) in lists {
        if list != "[]" || found.forms.empty != EmptyForm::Missing {
            members.put(at_depth(paths, found.forms.ids), list);
        }
    }
    Ok(members.text())
}

/// A platform error.
pub(crate) fn refusal(refusal: &Refusal, forms: Forms) -> String {
    let mut members = JsonObject::default();
    members.put(&["status"], code(&refusal.code, forms));
    if !refusal.sub_code.is_empty() {
        members.put(&["code"], text(&refusal.sub_code, forms.escapes));
    }
    members.put(&["message"], text(&refusal.message, forms.escapes));
    members.text()
}

/// A parameter of the query, which must be there; an empty one counts, as it is signed.
pub(crate) fn required<'a>(params: &'a Params, name: &str) -> Result<&'a str, Refusal> {
    params.get(name).ok_or_else(|| Refusal::new(BAD_REQUEST, format!("缺少参数{name}")))
}

fn check_signature(request: &Request, account: &Account) -> Result<(), Refusal> {
    let refused = || Refusal::new(BAD_REQUEST, "key或secret校验失败");
    let split = flagship::split_secret(&account.secret).map_err(|_| refused())?;
    let params = &request.params;
    let expected = flagship::sign(&flagship::string_to_sign(&params.0, &request.body), &split.secret);
    let same = required(params, "salt")? == split.salt.expose() && required(params, "sign")? == expected;
    if same { Ok(()) } else { Err(refused()) }
}

fn check_time(text: &str, now: i64) -> Result<(), Refusal> {
    // milliseconds do not fit into the platform's integer, and are refused as not a number
    let timestamp: i32 = text.parse().map_err(|_| not_a_number(text))?;
    if (i64::from(timestamp) - flagship::timestamp(now)).abs() > CLOCK_TOLERANCE_SECONDS {
        return Err(Refusal::new(CLOCK, "客户端时间与服务器时间相差超过2分钟"));
    }
    Ok(())
}

/// What the platform says of a text that should be a number.
pub(crate) fn not_a_number(text: &str) -> Refusal {
    Refusal::new(BAD_REQUEST, format!("For input string: \"{text}\""))
}

fn record(ledger: &Ledger, spelling: &Spelling, row: Row) -> String {
    let mut out = String::new();
    ledger.push_record(row, spelling, &mut out);
    out
}

fn stopped(id: i64) -> String {
    format!("货品id:{id} 已停用或者未开启同步")
}

/// The path of a list under `data`, or of the same list at the root.
fn at_depth(paths: &'static [&'static [&'static str]], form: IdsForm) -> &'static [&'static str] {
    let shortest = paths.iter().min_by_key(|path| path.len());
    let longest = paths.iter().max_by_key(|path| path.len());
    (if form == IdsForm::TopLevel { shortest } else { longest }).copied().unwrap_or_default()
}
