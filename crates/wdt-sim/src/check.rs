//! Which calls the gateway takes: credentials first, then the business parameters. The rules stand in [`crate::refusal`].
//!
//! Limits are written here again, not read from the endpoint's description, so that a mistake there is found.

use wdt_models::{Endpoint, Window, time};
use wdt_sign::enterprise;

use crate::{
    config::{Account, WindowEnd},
    ledger::{Ledger, Selection},
    refusal::{APPLICATION_ERROR, Refusal, UNKNOWN_APP_KEY, UNKNOWN_SHOP},
    role,
};

const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";
const CLOCK_TOLERANCE_SECONDS: i64 = 300;
const LONGEST_WINDOW_SECONDS: i64 = 30 * 86_400;
const LARGEST_PAGE: u32 = 100;
const HOUR: i64 = 3_600;

/// The parameters of a call, as received.
#[derive(Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

/// A page asked for.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) selection: Selection,
    pub(crate) page_no: u32,
    pub(crate) page_size: u32,
}

impl Params {
    /// The parameters of a form, in the order received; none if the body is something else.
    pub(crate) fn read(content_type: Option<&str>, body: &[u8]) -> Self {
        let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case(CONTENT_TYPE) {
            return Self::default();
        }
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// What may be shown: everything but the signature.
    pub(crate) fn without_sign(self) -> Vec<(String, String)> {
        self.0.into_iter().filter(|(name, _)| name != "sign").collect()
    }

    /// The account that calls, by position.
    pub(crate) fn caller(&self, accounts: &[Account], now: i64) -> Result<usize, Refusal> {
        for name in ["sid", "appkey", "timestamp", "sign"] {
            self.required(name)?;
        }
        self.no_empty_or_repeated()?;
        let (sid, app_key) = (self.required("sid")?, self.required("appkey")?);
        if !accounts.iter().any(|account| account.sid == sid) {
            return Err(Refusal::parameter(format!("sid is not exist: {sid}")));
        }
        let caller = accounts.iter().position(|account| account.sid == sid && account.app_key == app_key);
        let caller = caller.ok_or_else(|| Refusal::new(UNKNOWN_APP_KEY, "appkey不存在或已停用"))?;
        self.check_signature(&accounts[caller])?;
        self.check_time(now)?;
        Ok(caller)
    }

    /// The page asked for.
    pub(crate) fn query(&self, ledger: &Ledger, end: WindowEnd, now: i64) -> Result<Query, Refusal> {
        let endpoint = ledger.endpoint();
        let page_size = self.number("page_size", default_page_size(endpoint))?;
        if !(1..=LARGEST_PAGE).contains(&page_size) {
            return Err(Refusal::parameter("page_size取值范围为1~100"));
        }
        let page_no = self.number("page_no", 0)?;
        let group = self.group(endpoint)?;
        for name in ["spec_no", "barcode"] {
            if let Some(value) = self.documented(endpoint, name) {
                return Ok(Query { selection: ledger.about(name, value, group), page_no, page_size });
            }
        }
        let window = self.window(endpoint, group.is_some(), now)?;
        let last = if end == WindowEnd::Open { window.end.saturating_sub(1) } else { window.end };
        let selection = Selection::Between { start: window.start, end: last, group };
        Ok(Query { selection, page_no, page_size })
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::missing(name))
    }

    /// A parameter's value where the endpoint documents the parameter.
    fn documented(&self, endpoint: &Endpoint, name: &str) -> Option<&str> {
        endpoint.params.iter().find(|param| param.name == name).and_then(|_| self.get(name))
    }

    fn no_empty_or_repeated(&self) -> Result<(), Refusal> {
        if let Some((name, _)) = self.0.iter().find(|(_, value)| value.trim().is_empty()) {
            return Err(Refusal::parameter(format!("参数{name}不能为空")));
        }
        let repeated =
            |(place, (name, _)): (usize, &(String, String))| self.0[..place].iter().any(|other| other.0 == *name);
        match self.0.iter().enumerate().find(|&pair| repeated(pair)) {
            Some((_, (name, _))) => Err(Refusal::parameter(format!("参数{name}重复"))),
            None => Ok(()),
        }
    }

    fn check_signature(&self, account: &Account) -> Result<(), Refusal> {
        let expected = enterprise::sign(&enterprise::string_to_sign(&self.0), &account.secret);
        if self.required("sign")? == expected { Ok(()) } else { Err(Refusal::parameter("签名错误")) }
    }

    fn check_time(&self, now: i64) -> Result<(), Refusal> {
        let text = self.required("timestamp")?;
        let digits = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit());
        let timestamp: i64 = if digits { text.parse().ok() } else { None }
            .ok_or_else(|| Refusal::new(APPLICATION_ERROR, "时间戳应为10位整数"))?;
        if (timestamp - now).abs() > CLOCK_TOLERANCE_SECONDS { Err(Refusal::clock(now)) } else { Ok(()) }
    }

    fn number(&self, name: &str, default: u32) -> Result<u32, Refusal> {
        let Some(text) = self.get(name) else { return Ok(default) };
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = if digits { text.parse().ok() } else { None };
        number.ok_or_else(|| Refusal::parameter(format!("参数{name}应为非负整数")))
    }

    /// The warehouse or shop asked for.
    fn group(&self, endpoint: &Endpoint) -> Result<Option<usize>, Refusal> {
        for param in endpoint.params.iter().filter(|param| role::is_group_filter(param.name)) {
            let Some(value) = self.get(param.name) else { continue };
            return match role::group_named(param.name, value) {
                Some(group) => Ok(Some(group)),
                None if param.name == "shop_no" => Err(Refusal::new(UNKNOWN_SHOP, "店铺编号不存在或已停用")),
                None => Err(Refusal::parameter(format!("{}不存在: {value}", param.name))),
            };
        }
        Ok(None)
    }

    fn window(&self, endpoint: &Endpoint, one_warehouse: bool, now: i64) -> Result<Window, Refusal> {
        let all = self.documented(endpoint, "is_all") == Some("1");
        if all && (now + time::SHANGHAI_OFFSET_SECONDS).rem_euclid(24 * HOUR) >= 2 * HOUR {
            return Err(Refusal::new(APPLICATION_ERROR, "全量获取仅允许在00:00-02:00调用"));
        }
        match (self.get("start_time"), self.get("end_time")) {
            (None, None) if all => Ok(Window::new(i64::MIN, i64::MAX)),
            (None, None) if one_warehouse && self.documented(endpoint, "warehouse_no").is_some() => {
                Ok(Window::new(now - HOUR, now))
            }
            (None, _) => Err(Refusal::missing("start_time")),
            (_, None) => Err(Refusal::missing("end_time")),
            (Some(start), Some(end)) => window(start, end, all),
        }
    }
}

fn window(start: &str, end: &str, unlimited: bool) -> Result<Window, Refusal> {
    let instant = |name: &str, text: &str| {
        time::parse_wall_time(text).ok_or_else(|| Refusal::parameter(format!("{name}格式错误,应为yyyy-MM-dd HH:mm:ss")))
    };
    let window = Window::new(instant("start_time", start)?, instant("end_time", end)?);
    if window.seconds() < 0 {
        return Err(Refusal::parameter("start_time不能大于end_time"));
    }
    if window.seconds() > LONGEST_WINDOW_SECONDS && !unlimited {
        return Err(Refusal::window_too_wide());
    }
    Ok(window)
}

/// The page size of a call that names none.
fn default_page_size(endpoint: &Endpoint) -> u32 {
    if endpoint.method == "vip_api_goods_query.php" { 30 } else { 40 }
}
