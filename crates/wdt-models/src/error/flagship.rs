//! Errors of the flagship gateway.
//!
//! Sources: the codes and most messages are on the vendor's error page, the rest on the pages of single calls. A
//! comma inside a message may be half or full width: only words before it are matched.

use super::clue::{CHECK_CLOCK, Class, ErrorEntry, READ_MESSAGE, SHORTER_WINDOW, code, rest, sub_code, words};

const CALL_LESS: &str =
    "lower calls_per_minute, or stop other programs that use the same app_key; the vendor says to rest 5 to 10 minutes";
const CHECK_KEYS: &str = "check sid, app_key and both halves of app_secret (secret:salt), and the environment";
const GIVE_RIGHT: &str = "give the interface account the right in the ERP: call, warehouse or shop";
const LATER: &str = "run again later";
const REPORT_BUG: &str = "report it as a bug of wdt-etl, with the message";

/// Words of a limit come before the vague codes that carry it; words of a missing right before those of a refused key.
pub(super) static TABLE: &[ErrorEntry] = &[
    code(
        "2",
        Class::Parameter,
        "字段不被接受",
        "a parameter is not accepted; the message is its name",
        "check the dataset's params",
    ),
    code(
        "3",
        Class::Credential,
        "账号开启了动态密码",
        "a one-time password is switched on for the account",
        "switch the one-time password off for the interface account",
    ),
    code("4", Class::Transient, "数据库错误", "a fault of the platform's database", LATER),
    code("5", Class::Transient, "数据库错误", "a fault of the platform's database", LATER),
    code(
        "6",
        Class::Permission,
        "IP不在白名单",
        "this machine's address is not on the white list",
        "put the address on the application's white list",
    ),
    code(
        "7",
        Class::Clock,
        "时间戳与服务器时间相差超过2分钟",
        "the request's time is more than 2 minutes from the platform's",
        CHECK_CLOCK,
    ),
    code("8", Class::Parameter, "版本号错误", "the protocol's version is refused", REPORT_BUG),
    code("1064", Class::Transient, "数据库未知错误", "a fault of the platform's database", LATER),
    sub_code("right.required", Class::Permission, "缺少仓库或店铺权限", "a right is missing", GIVE_RIGHT),
    words(
        &["频率", "频繁", "最大并发"],
        Class::RateLimit,
        "超过每分钟最大调用频率或并发次数限制",
        "called too often, or too many calls at once",
        CALL_LESS,
    ),
    words(
        &["时间不能大于", "时间跨度", "查询条件太过宽"],
        Class::WindowTooWide,
        "查询时间跨度过大或查询条件过宽",
        "the window is longer than the platform takes, or too much is asked for at once",
        SHORTER_WINDOW,
    ),
    words(&["权限", "白名单", "no right", "ip"], Class::Permission, "权限不足", "a right is missing", GIVE_RIGHT),
    words(
        &["used internal only"],
        Class::Permission,
        "该接口仅供内部使用",
        "the call is open on another route of the platform only",
        "ask the vendor to open the call for the application",
    ),
    words(
        &["验证失败", "校验失败", "签名", "sign", "appkey", "app auth", "动态密码", "卖家账号", "sid"],
        Class::Credential,
        "签名、密钥或卖家账号验证失败",
        "the signature, the key or the sid is refused",
        CHECK_KEYS,
    ),
    words(
        &["unknown database error", "invalid http status"],
        Class::Transient,
        "平台内部错误",
        "a passing fault inside the platform",
        LATER,
    ),
    words(&["系统繁忙"], Class::Busy, "系统繁忙", "the platform is busy", LATER),
    words(
        &["仅支持分页查询", "必须包含起止时间", "unparseable date", "for input string"],
        Class::Parameter,
        "请求参数不完整或格式错误",
        "a parameter that wdt-etl sends by itself is missing or misshapen",
        REPORT_BUG,
    ),
    words(
        &["不存在"],
        Class::Parameter,
        "仓库、店铺或商家编码不存在",
        "a warehouse, shop or SKU in the request is unknown",
        "check warehouse_no, shop_no and spec_nos in the dataset's params against the ERP",
    ),
    words(
        &["未开启同步"],
        Class::Parameter,
        "平台货品已停用或者未开启同步",
        "the goods' stock sync is stopped",
        "start their sync in the ERP, leave their id out, or set force_sync = true",
    ),
    code(
        "1",
        Class::Parameter,
        "参数或身份验证错误",
        "a parameter, the sid or the key is refused; the message says which",
        "read the message: check the dataset's params, the account's sid and app_key, and its environment",
    ),
    code("99", Class::Busy, "其他错误", "an error without a code of its own; the message says which", READ_MESSAGE),
    code("100", Class::Parameter, "应用级错误", "an error of the application; the message says which", READ_MESSAGE),
    rest(Class::Parameter),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Gateway;
    use crate::error::PlatformError;
    use crate::error::classify;

    fn class(code: &str, message: &str) -> Class {
        classify(Gateway::Flagship, &PlatformError::new(code, message))
    }

    #[test]
    fn messages_are_told_apart_before_either_comma() {
        for comma in [",", "，"] {
            let limit = |what: &str| format!("超过每分钟最大{what}限制{comma}请稍后重试");
            assert_eq!(class("100", &limit("调用频率")), Class::RateLimit);
            assert_eq!(class("100", &limit("并发次数")), Class::RateLimit);
            assert_eq!(class("100", &format!("您的查询条件太过宽{comma}请缩小")), Class::WindowTooWide);
        }
        assert_eq!(class("100", "查询时间不能大于30天"), Class::WindowTooWide);
        assert_eq!(class("100", "查询时间不能大于60分钟"), Class::WindowTooWide);
    }

    #[test]
    fn the_documented_messages_have_their_class() {
        for (code, message, expected) in [
            ("100", "仓库不存在  仓库编号: 1002x", Class::Parameter),
            ("100", "此方法仅支持分页查询", Class::Parameter),
            ("100", "货品id:jitx002规格Id:jitx002 已停用或者未开启同步", Class::Parameter),
            ("100", "无仓库访问权限", Class::Permission),
            ("100", "this method used internal only", Class::Permission),
            ("100", "invalid http status 502", Class::Transient),
            ("1", "验证失败", Class::Credential),
            ("1", "For input string: \"1710000000000\"", Class::Parameter),
            ("1", "", Class::Parameter),
            ("4", "签名", Class::Transient),
            ("7", "签名验证失败", Class::Clock),
            ("99", "", Class::Busy),
            ("1064", "Unknown Database Error", Class::Transient),
            ("12345", "", Class::Parameter),
        ] {
            assert_eq!(class(code, message), expected, "{code} {message}");
        }
    }

    #[test]
    fn a_text_code_says_more_than_the_number() {
        let error = PlatformError {
            sub_code: "right.required".to_owned(),
            ..PlatformError::new("100", "no right on this warehouse")
        };
        assert_eq!(classify(Gateway::Flagship, &error), Class::Permission);
    }
}
