//! Answers that are cut, of another shape, or the platform's own errors.

use wdt_models::endpoints::{ALL, CAINIAO_INVENTORY, ENTERPRISE_STOCK, FLAGSHIP_STOCK_SYNC};
use wdt_models::envelope::{Answer, AnswerError, read, repaired};

use crate::fixture;

fn answer(body: &str) -> Result<Answer<'_>, AnswerError> {
    read(&ENTERPRISE_STOCK, ENTERPRISE_STOCK.method(), body.as_bytes())
}

fn reason(body: &[u8]) -> String {
    match read(&ENTERPRISE_STOCK, ENTERPRISE_STOCK.method(), body) {
        Err(AnswerError::Malformed { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

/// Trips when a cut answer passes, at whatever byte it is cut.
#[test]
fn an_answer_cut_anywhere_yields_no_record() {
    for endpoint in ALL {
        let telling =
            |case: &String| ["documented", "all-members", "error-"].iter().any(|start| case.starts_with(start));
        for case in fixture::cases(endpoint).into_iter().filter(telling) {
            let body = fixture::read(endpoint, &case);
            let whole = body.trim_ascii_end().len();
            for end in 0..whole {
                let cut = read(endpoint, fixture::method(endpoint, &case), &body[..end]);
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
        (r#"{"code":0,"code":0}"#, "`code` appears twice"),
        (r#"{"code":0,"stocks":[],"stocks":[]}"#, "`stocks` appears twice"),
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

/// Trips when a page of another form holds other rows than the plain one.
#[test]
fn every_form_of_an_answer_holds_the_same_records() {
    let texts = |case: &str| -> (Vec<String>, Option<u64>) {
        let body = fixture::read(&CAINIAO_INVENTORY, case);
        let answer = read(&CAINIAO_INVENTORY, CAINIAO_INVENTORY.method(), &body).unwrap();
        (answer.records.iter().map(|record| record.get().to_owned()).collect(), answer.total)
    };
    let plain = texts("plain");
    assert_eq!((plain.0.len(), plain.1), (2, Some(2)));
    for case in ["simplify", "not-wrapped"] {
        assert_eq!(texts(case), plain, "{case}");
    }
    for case in ["one-element", "one-element-as-object", "list-attribute"] {
        assert_eq!(texts(case), (plain.0[..1].to_vec(), Some(1)), "{case}");
    }
    for case in ["empty-object", "empty-list", "empty-missing", "empty-null", "empty-simplify"] {
        assert_eq!(texts(case), (Vec::new(), Some(0)), "{case}");
    }
}

/// Trips when ids that the platform refuses pass for records, or are lost.
#[test]
fn ids_refused_one_by_one_stand_apart_in_both_envelopes() {
    for (case, records, refused) in [
        ("documented", 1, 0),
        ("documented-refused", 0, 1),
        ("in-data-partly-refused", 1, 2),
        ("partly-refused", 1, 1),
        ("all-refused", 0, 1),
        ("list-empty", 0, 0),
    ] {
        let body = fixture::read(&FLAGSHIP_STOCK_SYNC, case);
        let answer = read(&FLAGSHIP_STOCK_SYNC, FLAGSHIP_STOCK_SYNC.method(), &body).unwrap();
        assert_eq!((answer.records.len(), answer.refused.len(), answer.total), (records, refused, None), "{case}");
    }
}

#[test]
fn a_raw_control_character_is_malformed_until_it_is_repaired() {
    let body = fixture::read(&CAINIAO_INVENTORY, "control-character");
    let method = CAINIAO_INVENTORY.method();
    assert!(matches!(read(&CAINIAO_INVENTORY, method, &body), Err(AnswerError::Malformed { .. })));
    let repaired = repaired(&body).unwrap();
    let answer = read(&CAINIAO_INVENTORY, method, &repaired).unwrap();
    assert!(answer.records[0].get().contains(r"B\u000901\u000a"));
}
