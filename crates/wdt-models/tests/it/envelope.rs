//! Answers that are cut, of another shape, or the platform's own errors.

use wdt_models::endpoints::{ALL, ENTERPRISE_STOCK};
use wdt_models::envelope::{Answer, AnswerError, read};

use crate::fixture;

fn answer(body: &str) -> Result<Answer<'_>, AnswerError> {
    read(&ENTERPRISE_STOCK, body.as_bytes())
}

fn reason(body: &[u8]) -> String {
    match read(&ENTERPRISE_STOCK, body) {
        Err(AnswerError::Malformed { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

/// Trips when a cut answer passes, at whatever byte it is cut.
#[test]
fn an_answer_cut_anywhere_yields_no_record() {
    for endpoint in ALL {
        for case in ["documented", "all-members", "error-2104"] {
            let body = fixture::read(endpoint, case);
            let whole = body.trim_ascii_end().len();
            for end in 0..whole {
                let cut = read(endpoint, &body[..end]);
                assert!(matches!(cut, Err(AnswerError::Malformed { .. })), "{case} cut at {end}: {cut:?}");
            }
        }
    }
}

#[test]
fn totals_are_text_number_or_absent() {
    for (total, expected) in [
        (r#","total_count":"210""#, Some(210)),
        (r#","total_count":210"#, Some(210)),
        (r#","total_count":"0""#, Some(0)),
        (r#","total_count":null"#, None),
        (r#","total_count":"""#, None),
        ("", None),
    ] {
        assert_eq!(answer(&format!(r#"{{"code":0{total}}}"#)).unwrap().total, expected, "{total}");
    }
    for total in [
        "-1",
        "1.5",
        r#""-1""#,
        r#""+1""#,
        r#""1.0""#,
        r#""many""#,
        r#"" 1""#,
        r#""null""#,
        "[]",
        "true",
        "18446744073709551616",
    ] {
        assert!(reason(format!(r#"{{"code":0,"total_count":{total}}}"#).as_bytes()).contains("total_count"), "{total}");
    }
}

#[test]
fn shapes_that_are_not_the_documented_one_are_malformed() {
    for (body, expected) in [
        ("", "answer is empty"),
        (" \r\n", "answer is empty"),
        ("[]", "not a JSON object"),
        ("null", "not a JSON object"),
        ("<br />\n<b>Warning</b>{\"code\":0}", "not a JSON object"),
        ("{}", "`code` is missing"),
        (r#"{"CODE":0}"#, "`code` is missing"),
        (r#"{"code":null}"#, "`code` is neither"),
        (r#"{"code":true}"#, "`code` is neither"),
        (r#"{"code":""}"#, "`code` is neither"),
        (r#"{"code":0,"code":0}"#, "`code` stands twice"),
        (r#"{"code":0,"stocks":[],"stocks":[]}"#, "`stocks` stands twice"),
        (r#"{"code":0,"stocks":""}"#, "`stocks` is not a list"),
        (r#"{"code":0,"stocks":1}"#, "`stocks` is not a list"),
        (r#"{"code":0,"stocks":[{},null]}"#, "record 1 of `stocks`"),
        (r#"{"code":0,"stocks":{"spec_id":"1"}}"#, "record 0 of `stocks`"),
        (r#"{"code":0}}"#, "not valid: trailing characters"),
        (r#"{"code":0}{"code":0}"#, "not valid: trailing characters"),
        (r#"{"code":0,}"#, "not valid"),
        (r#"{"code":0,"stocks":[{"a":01}]}"#, "not valid"),
        ("{\"code\":0,\u{a0}\"stocks\":[]}", "not valid"),
    ] {
        let reason = reason(body.as_bytes());
        assert!(reason.contains(expected), "{body}: {reason}");
    }
    assert_eq!(reason(b"{\"code\":0,\"message\":\"\xFF\"}"), "answer is not UTF-8");
}

/// Trips when a reason carries the answer into a log.
#[test]
fn a_reason_shows_at_most_a_short_sample() {
    let long = "x".repeat(10_000);
    for body in [
        format!("<html>\u{1b}\n{long}"),
        format!(r#"{{"code":0,"total_count":"{long}"}}"#),
        format!(r#"{{"code":0,"stocks":"{long}"}}"#),
        format!(r#"{{"code":0,"stocks":[{{"a":"{long}"]}}"#),
        format!(r#"{{"{long}"#),
    ] {
        let reason = reason(body.as_bytes());
        assert!(reason.chars().count() < 140 && !reason.contains('\n') && !reason.contains('\u{1b}'), "{reason}");
    }
}

#[test]
fn the_platform_s_own_error_wins_over_whatever_stands_beside_it() {
    for (body, code, message) in [
        (r#"{"code":2104,"message":"m"}"#, "2104", "m"),
        (r#"{"code":"1012"}"#, "1012", ""),
        (r#"{"message":null,"stocks":"","total_count":"x","code":-1}"#, "-1", ""),
        (r#"{"code":1,"message":{"a":1},"stocks":[1]}"#, "1", r#"{"a":1}"#),
        (r#"{"code":"00"}"#, "00", ""),
    ] {
        let Err(AnswerError::Platform(error)) = answer(body) else { panic!("{body}") };
        assert_eq!((error.code.as_str(), error.message.as_str()), (code, message));
    }
}
