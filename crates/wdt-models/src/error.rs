//! The platforms' own errors: what a code means, what a caller does about it, and how a user mends it.
//!
//! Source: the research notes on the enterprise gateway; the vendor's own error page was not available.

use crate::Gateway;

/// An error the platform answered with, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("code {code}: {message}")]
pub struct PlatformError {
    /// The platform's code, as text.
    pub code: String,
    /// The platform's message, empty when it sent none.
    pub message: String,
}

/// What a caller does about a platform error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Called too often: wait long, and let everyone who shares the limit wait.
    RateLimit,
    /// The platform is busy or its code is said to pass: try again after a while, a few times.
    Busy,
    /// Account, key or signature refused: stop the account.
    Credential,
    /// Address or right refused, or the subscription has run out: stop the account.
    Permission,
    /// A parameter refused: stop the dataset.
    Parameter,
    /// The window is longer than the platform takes: a shorter one must be asked for.
    WindowTooWide,
    /// The request's time is too far from the platform's: measure the skew and try again once.
    Clock,
    /// Nothing is known about it: try again a few times, then give up as unavailable.
    Unknown,
}

/// One line of a gateway's error table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorEntry {
    /// The platform's code.
    pub code: &'static str,
    /// What a caller does about it.
    pub class: Class,
    /// The code stands for several faults or its meaning is not public: the message decides, `class` where it does not.
    pub vague: bool,
    /// Chinese meaning.
    pub zh: &'static str,
    /// English meaning.
    pub en: &'static str,
    /// What a user can do to mend it.
    pub mend: &'static str,
}

/// What a caller does about an error of that gateway.
///
/// The table's line for the code decides; the message does where the code is vague or unknown.
#[must_use]
pub fn classify(gateway: Gateway, error: &PlatformError) -> Class {
    match entry(gateway, &error.code) {
        Some(entry) if !entry.vague => entry.class,
        entry => classify_message(&error.message).or(entry.map(|entry| entry.class)).unwrap_or(Class::Unknown),
    }
}

/// The line of the gateway's error table for a code, if it has one.
#[must_use]
pub fn entry(gateway: Gateway, code: &str) -> Option<&'static ErrorEntry> {
    table(gateway).iter().find(|entry| entry.code == code)
}

/// The gateway's error table, in the order of its codes.
#[must_use]
pub const fn table(gateway: Gateway) -> &'static [ErrorEntry] {
    match gateway {
        Gateway::Enterprise => ENTERPRISE,
    }
}

const fn certain(
    code: &'static str,
    class: Class,
    zh: &'static str,
    en: &'static str,
    mend: &'static str,
) -> ErrorEntry {
    ErrorEntry { code, class, vague: false, zh, en, mend }
}

const fn vague(code: &'static str, class: Class, zh: &'static str, en: &'static str, mend: &'static str) -> ErrorEntry {
    ErrorEntry { code, class, vague: true, zh, en, mend }
}

const NOT_PUBLIC_ZH: &str = "含义未公开";
const NOT_PUBLIC: &str = "meaning not public; clients of the platform try again after half a minute";
const ASK_VENDOR: &str = "run again later; if it stays, ask the vendor what the code means for this account";
const CHECK_KEYS: &str = "check sid, app_key and app_secret, and whether the application is still approved";

/// Sources: 0 and 2104 are on the vendor pages read, 1060, 2180 and 2310 on pages of the sibling edition; the others
/// are known from clients only.
static ENTERPRISE: &[ErrorEntry] = &[
    vague(
        "1",
        Class::Parameter,
        "参数错误",
        "a parameter, the sid, the key or the address is refused; the message says which",
        "read the message: check the dataset's params, the account's sid and app_key, and its environment",
    ),
    vague(
        "100",
        Class::Unknown,
        "应用级错误",
        "an error of the application; the message says which",
        "read the message",
    ),
    certain(
        "1012",
        Class::RateLimit,
        "超过每分钟最大调用次数",
        "called more than 60 times a minute",
        "lower calls_per_minute, or stop other programs that use the same app_key",
    ),
    vague("1013", Class::Busy, NOT_PUBLIC_ZH, NOT_PUBLIC, ASK_VENDOR),
    vague("1020", Class::Busy, NOT_PUBLIC_ZH, NOT_PUBLIC, ASK_VENDOR),
    vague("1030", Class::Busy, NOT_PUBLIC_ZH, NOT_PUBLIC, ASK_VENDOR),
    vague("1040", Class::Busy, NOT_PUBLIC_ZH, NOT_PUBLIC, ASK_VENDOR),
    certain(
        "1060",
        Class::Permission,
        "预存余额不足或应用欠费",
        "the prepaid balance is used up or the application is in arrears",
        "top up the balance on the vendor's open platform",
    ),
    vague("1200", Class::Busy, NOT_PUBLIC_ZH, NOT_PUBLIC, ASK_VENDOR),
    vague("1610", Class::Busy, NOT_PUBLIC_ZH, NOT_PUBLIC, ASK_VENDOR),
    certain("2030", Class::Credential, "凭证无效或已过期", "the credential is refused or has run out", CHECK_KEYS),
    certain("2060", Class::Credential, "凭证无效或已过期", "the credential is refused or has run out", CHECK_KEYS),
    certain("2100", Class::Credential, "凭证无效或已过期", "the credential is refused or has run out", CHECK_KEYS),
    certain(
        "2104",
        Class::WindowTooWide,
        "start_time与end_time时间跨度不能超过最大范围",
        "the window is longer than the platform takes",
        "set a shorter window",
    ),
    certain(
        "2180",
        Class::WindowTooWide,
        "start_time与end_time时间跨度不能超过最大范围",
        "the window is longer than the platform takes",
        "set a shorter window",
    ),
    certain(
        "2310",
        Class::Parameter,
        "店铺编号不存在或已停用",
        "the shop number is unknown or the shop is disabled",
        "check shop_no in the dataset's params against the ERP's shop list",
    ),
    certain("7200", Class::Parameter, "预入库单不存在", "no such advance stock-in order", "check the number asked for"),
    certain("7201", Class::Parameter, "预入库单不存在", "no such advance stock-in order", "check the number asked for"),
];

/// Words of a message and the class they stand for; the first that is found decides.
///
/// A limit comes first because its text may name anything that is limited; a wrong clock comes before the signature
/// because the platform may name both, and only the clock can be mended without a user.
const PATTERNS: &[(&str, Class)] = &[
    ("频率", Class::RateLimit),
    ("频繁", Class::RateLimit),
    ("最大并发", Class::RateLimit),
    ("时间跨度", Class::WindowTooWide),
    ("时间戳", Class::Clock),
    ("timestamp", Class::Clock),
    ("权限", Class::Permission),
    ("白名单", Class::Permission),
    ("ip", Class::Permission),
    ("验证失败", Class::Credential),
    ("签名", Class::Credential),
    ("sign", Class::Credential),
    ("signature", Class::Credential),
    ("appkey", Class::Credential),
    ("sid is not", Class::Credential),
    ("app auth", Class::Credential),
    ("系统繁忙", Class::Busy),
];

fn classify_message(message: &str) -> Option<Class> {
    let message = message.to_ascii_lowercase();
    PATTERNS.iter().find(|(words, _)| contains_words(&message, words)).map(|&(_, class)| class)
}

/// Whether the text contains the words, not as a part of longer ASCII words: "ip" is not in "shipment".
fn contains_words(text: &str, words: &str) -> bool {
    let part_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let ascii = words.is_ascii();
    text.match_indices(words).any(|(start, found)| {
        let before = text[..start].chars().next_back();
        let after = text[start + found.len()..].chars().next();
        !ascii || !(before.is_some_and(part_of_word) || after.is_some_and(part_of_word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(code: &str, message: &str) -> Class {
        let error = PlatformError { code: code.to_owned(), message: message.to_owned() };
        classify(Gateway::Enterprise, &error)
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
    fn a_silent_message_leaves_the_table_s_class() {
        assert_eq!(class("1", "spec_no不存在"), Class::Parameter);
        assert_eq!(class("1013", ""), Class::Busy);
        assert_eq!(class("100", ""), Class::Unknown);
        assert_eq!(class("99999", "no such thing"), Class::Unknown);
    }

    #[test]
    fn ascii_words_are_matched_whole() {
        assert_eq!(class("99999", "shipment not assigned"), Class::Unknown);
        assert_eq!(class("99999", "sid is nothing"), Class::Unknown);
    }

    #[test]
    fn codes_stand_once_and_in_order() {
        for &gateway in Gateway::ALL {
            let codes: Vec<u32> = table(gateway).iter().map(|entry| entry.code.parse().unwrap_or_default()).collect();
            assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
        }
    }

    #[test]
    fn the_error_shows_the_platform_s_own_words() {
        let error = PlatformError { code: "2104".into(), message: "时间跨度".into() };
        assert_eq!(error.to_string(), "code 2104: 时间跨度");
    }
}
