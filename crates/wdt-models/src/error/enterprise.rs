//! Errors of the enterprise gateway.
//!
//! Sources: 0 and 2104 are on the vendor pages read, 1060, 2180 and 2310 on pages of the sibling edition; the other
//! codes are known from clients only. The vendor's own error page was not available.

use super::clue::{ASK_VENDOR, CHECK_CLOCK, Class, ErrorEntry, READ_MESSAGE, SHORTER_WINDOW, code, rest, words};

const CALL_LESS: &str = "lower calls_per_minute, or stop other programs that use the same app_key";
const CHECK_KEYS: &str = "check sid, app_key and app_secret, and whether the application is still approved";
const NOT_PUBLIC_ZH: &str = "含义未公开";
const NOT_PUBLIC: &str = "meaning not public; clients of the platform try again after half a minute";
const REFUSED_ZH: &str = "凭证无效或已过期";
const REFUSED: &str = "the credential is refused or has run out";
const WIDE_ZH: &str = "start_time与end_time时间跨度不能超过最大范围";
const WIDE: &str = "the window is longer than the platform takes";
const NO_ORDER: &str = "no such advance stock-in order";

/// A limit comes first among the words because its message may name anything that is limited; a wrong clock comes
/// before the signature because the platform may name both, and only the clock can be corrected without a user.
pub(super) static TABLE: &[ErrorEntry] = &[
    code("1012", Class::RateLimit, "超过每分钟最大调用次数", "called more than 60 times a minute", CALL_LESS),
    code(
        "1060",
        Class::Permission,
        "预存余额不足或应用欠费",
        "the prepaid balance is used up or the application is in arrears",
        "top up the balance on the vendor's open platform",
    ),
    code("2030", Class::Credential, REFUSED_ZH, REFUSED, CHECK_KEYS),
    code("2060", Class::Credential, REFUSED_ZH, REFUSED, CHECK_KEYS),
    code("2100", Class::Credential, REFUSED_ZH, REFUSED, CHECK_KEYS),
    code("2104", Class::WindowTooWide, WIDE_ZH, WIDE, SHORTER_WINDOW),
    code("2180", Class::WindowTooWide, WIDE_ZH, WIDE, SHORTER_WINDOW),
    code(
        "2310",
        Class::Parameter,
        "店铺编号不存在或已停用",
        "the shop number is unknown or the shop is disabled",
        "check shop_no in the dataset's params against the ERP's shop list",
    ),
    code("7200", Class::Parameter, "预入库单不存在", NO_ORDER, "check the number asked for"),
    code("7201", Class::Parameter, "预入库单不存在", NO_ORDER, "check the number asked for"),
    words(&["频率", "频繁", "最大并发"], Class::RateLimit, "调用频率或并发超限", "called too often", CALL_LESS),
    words(&["时间跨度"], Class::WindowTooWide, WIDE_ZH, WIDE, SHORTER_WINDOW),
    words(
        &["时间戳", "timestamp"],
        Class::Clock,
        "时间戳错误",
        "the request's time is more than 5 minutes from the platform's",
        CHECK_CLOCK,
    ),
    words(
        &["权限", "白名单", "ip"],
        Class::Permission,
        "权限不足或IP不在白名单",
        "a right is missing, or this machine's address is not on the white list",
        "give the application the right, or its address, on the vendor's open platform",
    ),
    words(
        &["验证失败", "签名", "sign", "signature", "appkey", "sid is not", "app auth"],
        Class::Credential,
        "签名或账号验证失败",
        "the signature, the key or the sid is refused",
        CHECK_KEYS,
    ),
    words(&["系统繁忙"], Class::Busy, "系统繁忙", "the platform is busy", "run again later"),
    code(
        "1",
        Class::Parameter,
        "参数错误",
        "a parameter, the sid, the key or the address is refused; the message says which",
        "read the message: check the dataset's params, the account's sid and app_key, and its environment",
    ),
    code("100", Class::Unknown, "应用级错误", "an error of the application; the message says which", READ_MESSAGE),
    code("1013", Class::Busy, NOT_PUBLIC_ZH, NOT_PUBLIC, ASK_VENDOR),
    code("1020", Class::Busy, NOT_PUBLIC_ZH, NOT_PUBLIC, ASK_VENDOR),
    code("1030", Class::Busy, NOT_PUBLIC_ZH, NOT_PUBLIC, ASK_VENDOR),
    code("1040", Class::Busy, NOT_PUBLIC_ZH, NOT_PUBLIC, ASK_VENDOR),
    code("1200", Class::Busy, NOT_PUBLIC_ZH, NOT_PUBLIC, ASK_VENDOR),
    code("1610", Class::Busy, NOT_PUBLIC_ZH, NOT_PUBLIC, ASK_VENDOR),
    rest(Class::Unknown),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Gateway;
    use crate::error::PlatformError;
    use crate::error::classify;

    fn class(code: &str, message: &str) -> Class {
        classify(Gateway::Enterprise, &PlatformError::new(code, message))
    }

    #[test]
    fn a_plain_code_decides_whatever_the_message_says() {
        assert_eq!(class("1012", "签名错误"), Class::RateLimit);
        assert_eq!(class("2104", "频率超限"), Class::WindowTooWide);
        assert_eq!(class("1060", ""), Class::Permission);
    }

    #[test]
    fn the_message_decides_for_vague_and_unknown_codes() {
        for code in ["1", "100", "1030", "99999"] {
            assert_eq!(class(code, "频率超限，请保持1分钟内60次的频率5分钟后重新调用"), Class::RateLimit);
            assert_eq!(class(code, "超过每分钟最大并发次数限制"), Class::RateLimit);
            assert_eq!(class(code, "start_time与end_time时间跨度不能超过最大范围 30天"), Class::WindowTooWide);
            assert_eq!(class(code, "时间戳错误,签名验证失败"), Class::Clock);
            assert_eq!(class(code, "无仓库访问权限"), Class::Permission);
            assert_eq!(class(code, "非法IP地址"), Class::Permission);
            assert_eq!(class(code, "App auth fail"), Class::Credential);
            assert_eq!(class(code, "Sign error"), Class::Credential);
        }
    }

    #[test]
    fn a_silent_message_leaves_the_code_s_class() {
        assert_eq!(class("1", "spec_no不存在"), Class::Parameter);
        assert_eq!(class("1013", ""), Class::Busy);
        assert_eq!(class("100", ""), Class::Unknown);
        assert_eq!(class("99999", "no such thing"), Class::Unknown);
        assert_eq!(class("99999", "shipment not assigned"), Class::Unknown);
    }
}
