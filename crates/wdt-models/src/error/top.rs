//! Errors of the Taobao open platform, and of Cainiao behind it.
//!
//! Sources: the platform's error documents (codes, families of finer codes, limits) and the vendor page of the call
//! (`MAC999`). Codes of Cainiao's own come in place of the platform's when the payload says that the call failed.

use super::clue::{ASK_VENDOR, CHECK_CLOCK, Class, ErrorEntry, READ_MESSAGE, code, rest, sub_code, words};

const CALL_LESS: &str = "lower calls_per_minute, or stop other programs that use the same app_key";
const AUTHORISE: &str = "let the merchant authorise the application again, and set the new session";
const CHECK_KEYS: &str = "check app_key, app_secret and sign_method, and that the key belongs to this address";
const CHECK_PARAMS: &str = "check the dataset's params, stores, types and inventory_types";
const ASK_RIGHT: &str =
    "apply for the right on the platform's console, and put this machine's address on its white list";
const LATER: &str = "run again later";
const REPORT_BUG: &str = "report it as a bug of wdt-etl, with the message";

const MAC999_ZH: &str = "WHC服务过载限流";
const MAC999: &str = "the warehouse service is overloaded";
const LIMITED_ZH: &str = "调用次数超限";
const LIMITED: &str = "called too often; the message says for how long the ban lasts";
const NO_PERMISSION: &str = "the application or the merchant lacks a right";
const SHAPE: &str = "the platform could not read the request or its own answer";
const SESSION_ZH: &str = "授权无效或已过期";
const SESSION: &str = "the merchant's authorisation has run out or is of another application";

/// Limits first, whatever marks them; then finer codes of one meaning; then the platform's codes; then families
/// of finer codes; then words and Cainiao's own codes.
pub(super) static TABLE: &[ErrorEntry] = &[
    sub_code("*MAC999", Class::Busy, MAC999_ZH, MAC999, LATER),
    code("*MAC999", Class::Busy, MAC999_ZH, MAC999, LATER),
    sub_code(
        "accesscontrol.limited-by-app-access-count",
        Class::RateLimit,
        "应用当日调用次数已用完",
        "the application's calls of the day are used up, until midnight in Beijing at the latest",
        "wait, or reset the counter or ask for a larger quota on the platform's console",
    ),
    sub_code(
        "accesscontrol.limited-by-api-access-count",
        Class::RateLimit,
        "该接口总调用次数超限",
        "all applications together call this too often, mostly for a second",
        LATER,
    ),
    sub_code("accesscontrol.*", Class::RateLimit, LIMITED_ZH, LIMITED, CALL_LESS),
    sub_code("*access-limited-by*", Class::RateLimit, LIMITED_ZH, LIMITED, CALL_LESS),
    sub_code("isp.call-limited", Class::RateLimit, LIMITED_ZH, LIMITED, CALL_LESS),
    code("4", Class::RateLimit, "用户调用次数超限", LIMITED, CALL_LESS),
    code("5", Class::RateLimit, "会话调用次数超限", LIMITED, CALL_LESS),
    code("6", Class::RateLimit, "合作伙伴调用次数超限", LIMITED, CALL_LESS),
    code("7", Class::RateLimit, "应用调用次数超限", LIMITED, CALL_LESS),
    code("8", Class::RateLimit, "应用调用频率超限", LIMITED, CALL_LESS),
    sub_code(
        "isv.permission-ip-whitelist-limit",
        Class::Permission,
        "IP不在白名单",
        "this machine's address is not on the white list",
        "put the address on the application's white list",
    ),
    sub_code("isv.permission-*", Class::Permission, "应用没有该接口的权限", NO_PERMISSION, ASK_RIGHT),
    sub_code("isv.invalid-permission", Class::Permission, "没有权限", NO_PERMISSION, ASK_RIGHT),
    sub_code(
        "isv.appkey-not-exists",
        Class::Credential,
        "AppKey不存在",
        "the key is unknown at this address",
        CHECK_KEYS,
    ),
    sub_code(
        "isv.w2-security-authorize-invalid",
        Class::Credential,
        "高风险接口授权已过期",
        "the authorisation for sensitive calls has run out",
        AUTHORISE,
    ),
    sub_code("invalid-sessionkey", Class::Credential, SESSION_ZH, SESSION, AUTHORISE),
    sub_code("sessionkey-not-generated-by-server", Class::Credential, SESSION_ZH, SESSION, AUTHORISE),
    code("3", Class::Parameter, "上传失败", "an upload failed", REPORT_BUG),
    code("9", Class::Parameter, "HTTP方法不允许", "the HTTP method is refused", REPORT_BUG),
    code("10", Class::Transient, "服务不可用", "the service is unavailable for now", LATER),
    code("11", Class::Permission, "应用权限不足", "the application lacks the right to the call", ASK_RIGHT),
    code("12", Class::Permission, "用户权限不足", "the merchant lacks the right to the call", ASK_RIGHT),
    code("13", Class::Permission, "合作伙伴权限不足", "the partner lacks the right to the call", ASK_RIGHT),
    code("21", Class::Parameter, "缺少方法名", "the method is missing", REPORT_BUG),
    code("22", Class::Parameter, "方法名无效", "the method is unknown", REPORT_BUG),
    code("23", Class::Parameter, "格式无效", "the answer's format is refused", REPORT_BUG),
    code("24", Class::Credential, "缺少签名", "the signature is missing", CHECK_KEYS),
    code("25", Class::Credential, "签名无效", "the signature is refused", CHECK_KEYS),
    code("26", Class::Credential, "缺少SessionKey", "the session is missing", AUTHORISE),
    code("27", Class::Credential, "SessionKey无效", SESSION, AUTHORISE),
    code("28", Class::Credential, "缺少AppKey", "the key is missing", CHECK_KEYS),
    code("29", Class::Credential, "AppKey无效", "the key is refused", CHECK_KEYS),
    code("30", Class::Parameter, "缺少时间戳", "the time is missing", REPORT_BUG),
    code(
        "31",
        Class::Clock,
        "时间戳无效",
        "the request's time is more than 10 minutes from the platform's",
        CHECK_CLOCK,
    ),
    code("32", Class::Parameter, "缺少版本号", "the version is missing", REPORT_BUG),
    code("33", Class::Parameter, "版本号无效", "the version is refused", REPORT_BUG),
    code("34", Class::Parameter, "不支持的版本号", "the version is no longer supported", REPORT_BUG),
    code("40", Class::Parameter, "缺少必选参数", "a parameter is missing; the finer code names it", CHECK_PARAMS),
    code("41", Class::Parameter, "参数无效", "a parameter is refused; the finer code names it", CHECK_PARAMS),
    code("42", Class::Permission, "请求被禁止", "the session lacks the right to the call", ASK_RIGHT),
    code("43", Class::Parameter, "参数错误", "a parameter is refused", CHECK_PARAMS),
    code("44", Class::Credential, "访问令牌无效", SESSION, AUTHORISE),
    code("47", Class::Parameter, "编码错误", "the request is not UTF-8", REPORT_BUG),
    code("53", Class::Credential, "授权无效", SESSION, AUTHORISE),
    sub_code("isp.null-pointer-exception", Class::Parameter, "平台空指针异常", SHAPE, CHECK_PARAMS),
    sub_code("isp.top-parse-error", Class::Parameter, "平台解析错误", SHAPE, CHECK_PARAMS),
    sub_code("isp.top-mapping-parse-error", Class::Parameter, "平台映射解析错误", SHAPE, CHECK_PARAMS),
    sub_code("isp.*", Class::Transient, "平台或后端服务错误", "a passing fault inside the platform", LATER),
    sub_code("isv.missing-*", Class::Parameter, "缺少参数", "a parameter is missing; the code names it", CHECK_PARAMS),
    sub_code("isv.invalid-*", Class::Parameter, "非法参数", "a parameter is refused", CHECK_PARAMS),
    sub_code("isv.*", Class::Parameter, "业务错误", "the request is refused; the message says why", CHECK_PARAMS),
    sub_code("ism.*", Class::Parameter, "业务错误", "the request is refused; the message says why", CHECK_PARAMS),
    sub_code("ise.*", Class::Parameter, "业务错误", "the request is refused; the message says why", CHECK_PARAMS),
    words(&["ban will last", "limit", "limited", "限流", "流控"], Class::RateLimit, LIMITED_ZH, LIMITED, CALL_LESS),
    code("15", Class::Unknown, "远程服务错误", "a fault behind the platform; the finer code says which", READ_MESSAGE),
    code("50", Class::Unknown, "远程服务错误", "a fault behind the platform; the finer code says which", READ_MESSAGE),
    code(
        "wl_success",
        Class::Unknown,
        "菜鸟返回失败但无错误代码",
        "Cainiao says that the call failed and not why",
        ASK_VENDOR,
    ),
    // Codes of Cainiao's warehouses; the vendor's example has B3098093.
    code("B*", Class::Parameter, "菜鸟业务错误", "Cainiao refuses the request; the message says why", CHECK_PARAMS),
    code("S*", Class::Parameter, "菜鸟业务错误", "Cainiao refuses the request; the message says why", CHECK_PARAMS),
    rest(Class::Unknown),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Gateway;
    use crate::error::PlatformError;
    use crate::error::classify;

    fn class(code: &str, sub_code: &str, message: &str) -> Class {
        let error = PlatformError { sub_code: sub_code.to_owned(), ..PlatformError::new(code, message) };
        classify(Gateway::Top, &error)
    }

    #[test]
    fn limits_are_told_by_code_finer_code_or_words() {
        for code in ["4", "5", "6", "7", "8"] {
            assert_eq!(class(code, "", ""), Class::RateLimit, "{code}");
        }
        for sub_code in [
            "accesscontrol.limited-by-app-access-count",
            "accesscontrol.limited-by-api-access-count",
            "accesscontrol.limited-by-app-api-access-count",
            "isv.access-limited-by-api-access-count",
            "isp.call-limited",
        ] {
            assert_eq!(class("15", sub_code, ""), Class::RateLimit, "{sub_code}");
        }
        assert_eq!(class("15", "9100", "接口限流"), Class::RateLimit);
    }

    #[test]
    fn the_overloaded_warehouse_is_known_wherever_it_is_named() {
        assert_eq!(class("15", "MAC999", ""), Class::Busy);
        assert_eq!(class("15", "isv.MAC999", ""), Class::Busy);
        assert_eq!(class("MAC999", "", "WHC服务过载限流"), Class::Busy);
        assert_eq!(class("isp-MAC999", "", ""), Class::Busy);
    }

    #[test]
    fn faults_of_the_platform_pass_but_for_three() {
        for sub_code in ["isp.top-remote-connection-timeout", "isp.unknown-error-tmall", "isp.item-service-unavailable"]
        {
            assert_eq!(class("15", sub_code, ""), Class::Transient, "{sub_code}");
        }
        for sub_code in ["isp.null-pointer-exception", "isp.top-parse-error", "isp.top-mapping-parse-error"] {
            assert_eq!(class("15", sub_code, ""), Class::Parameter, "{sub_code}");
        }
        assert_eq!(class("10", "", "Service Currently Unavailable"), Class::Transient);
    }

    #[test]
    fn faults_of_the_caller_are_told_by_code_and_family() {
        for (code, sub_code, expected) in [
            ("11", "isv.permission-ip-whitelist-limit", Class::Permission),
            ("25", "", Class::Credential),
            ("26", "isv.missing-parameter:session", Class::Credential),
            ("27", "invalid-sessionkey", Class::Credential),
            ("29", "isv.appkey-not-exists", Class::Credential),
            ("31", "", Class::Clock),
            ("40", "isv.missing-parameter:store_code", Class::Parameter),
            ("50", "isv.invalid-parameter", Class::Parameter),
            ("50", "isv.invalid-permission", Class::Permission),
            ("53", "isv.w2-security-authorize-invalid", Class::Credential),
            ("560", "isv.item-not-exist:1", Class::Parameter),
            ("560", "", Class::Unknown),
        ] {
            assert_eq!(class(code, sub_code, ""), expected, "{code} {sub_code}");
        }
    }

    #[test]
    fn a_failed_payload_is_told_by_cainiao_s_code() {
        assert_eq!(class("B3098093", "", "wrong"), Class::Parameter);
        assert_eq!(class("S0001", "", ""), Class::Parameter);
        assert_eq!(class("wl_success", "", ""), Class::Unknown);
        assert_eq!(class("wl_success", "", "限流"), Class::RateLimit);
    }
}
