//! Every strict rule, in the order the gateway applies them.

use std::sync::atomic::Ordering;

use wdt_models::Gateway;
use wdt_sim::{Account, Call, refusal};

use crate::{
    GOODS, NOW, STOCK,
    client::{Params, everything, owned, page, start, window},
};

const MONTH: i64 = 30 * 86_400;

fn with(mut params: Params, name: &str, value: &str) -> Params {
    params.retain(|(own, _)| own != name);
    params.push((name.to_owned(), value.to_owned()));
    params
}

#[tokio::test]
async fn each_system_parameter_is_required() {
    let client = start(|_| {});
    for name in ["sid", "appkey", "timestamp"] {
        let mut params = client.unsigned(everything());
        params.retain(|(own, _)| own != name);
        let (code, message) = client.refusal(STOCK, &client.sign(params)).await;
        assert_eq!((code, message.contains(name)), (refusal::BAD_PARAMETER, true), "{message}");
    }
    let (code, message) = client.refusal(STOCK, &client.unsigned(everything())).await;
    assert_eq!((code, message.contains("sign")), (refusal::BAD_PARAMETER, true), "{message}");
}

#[tokio::test]
async fn empty_and_repeated_parameters_are_refused() {
    let client = start(|_| {});
    for (name, value) in [("warehouse_no", ""), ("remark", "  "), ("start_time", "2024-06-01 00:00:00")] {
        let mut params = client.unsigned(everything());
        params.push((name.to_owned(), value.to_owned()));
        let (code, message) = client.refusal(STOCK, &client.sign(params)).await;
        assert_eq!((code, message.contains(name)), (refusal::BAD_PARAMETER, true), "{message}");
    }
}

#[tokio::test]
async fn only_known_accounts_are_served() {
    let client =
        start(|config| config.accounts.push(Account::new(Gateway::Enterprise, "other", "other-key", "other-secret")));
    let cases = [("sid", "nobody", refusal::BAD_PARAMETER), ("appkey", "other-key", refusal::UNKNOWN_APP_KEY)];
    for (name, value, expected) in cases {
        let params = with(client.unsigned(everything()), name, value);
        assert_eq!(client.refusal(STOCK, &client.sign(params)).await.0, expected, "{name}");
    }
}

#[tokio::test]
async fn a_wrong_signature_is_refused() {
    let mut client = start(|_| {});
    let signed = client.sign(client.unsigned(everything()));
    for spoiled in [with(signed.clone(), "page_no", "0"), with(signed.clone(), "sign", &"0".repeat(32))] {
        let (code, message) = client.refusal(STOCK, &spoiled).await;
        assert_eq!((code, message.as_str()), (refusal::BAD_PARAMETER, "签名错误"));
    }
    client.account = Account::new(Gateway::Enterprise, &client.account.sid, &client.account.app_key, "another secret");
    assert_eq!(client.code(STOCK, everything()).await, refusal::BAD_PARAMETER);
}

#[tokio::test]
async fn chinese_values_are_signed_and_read() {
    let client = start(|_| {});
    let mut params = everything();
    params.push(("warehouse_no".to_owned(), "北京仓".to_owned()));
    assert_eq!(client.code(STOCK, params).await, 0);
}

#[tokio::test]
async fn the_timestamp_may_be_five_minutes_off_and_no_more() {
    let client = start(|_| {});
    let cases = [(0, 0), (300, 0), (-300, 0), (301, refusal::APPLICATION_ERROR), (-301, refusal::APPLICATION_ERROR)];
    for (skew, expected) in cases {
        let params = with(client.unsigned(everything()), "timestamp", &(NOW + skew).to_string());
        assert_eq!(client.refusal(STOCK, &client.sign(params)).await.0, expected, "{skew}");
    }
    for text in [format!("{NOW}000"), format!("+{}", NOW % 1_000_000_000), "yesterday1".to_owned()] {
        let params = with(client.unsigned(everything()), "timestamp", &text);
        let (code, message) = client.refusal(STOCK, &client.sign(params)).await;
        assert_eq!((code, message.as_str()), (refusal::APPLICATION_ERROR, "时间戳应为10位整数"), "{text}");
    }
}

#[tokio::test]
async fn the_call_limit_counts_all_methods_of_a_caller() {
    let client = start(|config| {
        config.calls_per_minute = 3;
        config.cool_down_seconds = 300;
        config.accounts.push(Account::new(Gateway::Enterprise, "other", "other-key", "other-secret"));
    });
    let mut codes = Vec::new();
    for (at, method) in [(0, STOCK), (1, GOODS), (59, STOCK), (59, GOODS), (120, STOCK), (359, STOCK)] {
        client.clock.store(NOW + at, Ordering::SeqCst);
        codes.push(client.code(method, everything()).await);
    }
    assert_eq!(codes, [0, 0, 0, refusal::TOO_OFTEN, refusal::TOO_OFTEN, 0]);
    assert_eq!(client.sim.limit_breaches(), 2);
}

#[tokio::test]
async fn callers_have_limits_of_their_own() {
    let other = Account::new(Gateway::Enterprise, "other", "other-key", "other-secret");
    let mut client = start(|config| {
        config.calls_per_minute = 1;
        config.accounts.push(other.clone());
    });
    assert_eq!(client.code(STOCK, everything()).await, 0);
    client.account = other;
    assert_eq!(client.code(STOCK, everything()).await, 0);
    let params = client.sign(client.unsigned(everything()));
    let (code, message) = client.refusal(STOCK, &params).await;
    assert_eq!((code, message.contains("频率")), (refusal::TOO_OFTEN, true), "{message}");
}

#[tokio::test]
async fn page_size_and_number_have_bounds() {
    let client = start(|_| {});
    let cases = [
        ("page_size", "1", 0),
        ("page_size", "100", 0),
        ("page_size", "0", 1),
        ("page_size", "101", 1),
        ("page_size", "-1", 1),
        ("page_size", "ten", 1),
        ("page_no", "0", 0),
        ("page_no", "4294967295", 0),
        ("page_no", "-1", 1),
        ("page_no", "1.5", 1),
    ];
    for (name, value, expected) in cases {
        let params = with(everything(), name, value);
        assert_eq!(client.code(STOCK, params).await, expected, "{name}={value}");
    }
}

#[tokio::test]
async fn windows_have_a_format_an_order_and_a_longest_span() {
    let client = start(|_| {});
    let cases = [
        (window(NOW - MONTH, NOW), 0),
        (window(NOW - MONTH - 1, NOW), refusal::WINDOW_TOO_WIDE),
        (window(NOW, NOW), 0),
        (window(NOW, NOW - 1), 1),
        (with(window(NOW, NOW), "start_time", "2024-06-01"), 1),
        (with(window(NOW, NOW), "end_time", "2024-06-01T08:00:00"), 1),
        (with(window(NOW, NOW), "start_time", "2024-02-30 00:00:00"), 1),
        (vec![window(NOW, NOW)[0].clone()], 1),
        (vec![window(NOW, NOW)[1].clone()], 1),
        (Params::new(), 1),
    ];
    for (params, expected) in cases {
        assert_eq!(client.code(GOODS, params.clone()).await, expected, "{params:?}");
    }
    let params = client.sign(client.unsigned(window(NOW - MONTH - 1, NOW)));
    let (_, message) = client.refusal(STOCK, &params).await;
    assert_eq!(message, "start_time与end_time时间跨度不能超过最大范围 30天");
}

#[tokio::test]
async fn a_full_read_has_its_hours() {
    let client = start(|_| {});
    let all = || owned(&[("is_all", "1")]);
    assert_eq!(client.code(STOCK, all()).await, refusal::APPLICATION_ERROR, "08:00 in China");
    client.clock.store(NOW - 7 * 3600, Ordering::SeqCst);
    assert_eq!(client.code(STOCK, all()).await, 0, "01:00 in China");
    assert_eq!(client.code(GOODS, all()).await, 1, "the goods page knows no such parameter");
}

#[tokio::test]
async fn filters_name_things_that_exist() {
    let client = start(|_| {});
    assert_eq!(client.code(STOCK, with(everything(), "warehouse_no", "nowhere")).await, 1);
    assert_eq!(client.code(GOODS, with(everything(), "shop_no", "nowhere")).await, refusal::UNKNOWN_SHOP);
    assert_eq!(client.code(GOODS, with(everything(), "warehouse_no", "nowhere")).await, 0, "unknown parameters pass");
}

#[tokio::test]
async fn only_forms_are_read_and_only_from_the_body() {
    let client = start(|_| {});
    let params = client.sign(client.unsigned(everything()));
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&params).finish();
    let url = format!("{}/{STOCK}", client.sim.base_url(Gateway::Enterprise));
    let json = client.http.post(&url).header("content-type", "application/json").body(form.clone());
    let query = client.http.post(format!("{url}?{form}")).header("content-type", "application/x-www-form-urlencoded");
    for request in [json, query] {
        let body = request.send().await.unwrap().text().await.unwrap();
        assert!(body.starts_with(r#"{"code":1,"message":""#), "{body}");
    }
}

#[tokio::test]
async fn other_paths_and_verbs_get_a_web_servers_answers() {
    let client = start(|_| {});
    let status = async |request: reqwest::RequestBuilder| request.send().await.unwrap().status().as_u16();
    let base = client.sim.base_url(Gateway::Enterprise);
    assert_eq!(status(client.http.get(format!("{base}/{STOCK}"))).await, 405);
    assert_eq!(status(client.http.post(format!("{base}/shop.php"))).await, 404);
    assert_eq!(status(client.http.post(base.replace("openapi2", "openapi3"))).await, 404);
}

#[tokio::test]
async fn every_answer_is_dated_by_the_platforms_clock() {
    let client = start(|_| {});
    client.clock.store(NOW - 86_400, Ordering::SeqCst);
    let good = client.post(STOCK, &client.sign(client.unsigned(everything()))).await.unwrap();
    let bad = client.http.get(client.sim.base_url(Gateway::Enterprise)).send().await.unwrap();
    for response in [good, bad] {
        assert_eq!(response.headers()["date"], "Fri, 31 May 2024 00:00:00 GMT");
    }
}

#[tokio::test]
async fn the_log_keeps_calls_but_no_signatures() {
    let client = start(|_| {});
    client.code(STOCK, page(everything(), 0, 7)).await;
    client.code(STOCK, page(everything(), 0, 0)).await;
    let calls = client.sim.calls();
    assert_eq!(client.sim.call_count(), 2);
    let seen: Vec<_> =
        calls.iter().map(|call: &Call| (call.number, call.at, call.code.as_str(), call.records)).collect();
    assert_eq!(seen, [(1, NOW, "0", 7), (2, NOW, "1", 0)]);
    assert_eq!((calls[0].method.as_str(), calls[0].param("page_size")), (STOCK, Some("7")));
    assert_eq!(calls[0].param("sign"), None);
    assert!(!format!("{calls:?} {:?}", client.sim).contains(client.account.secret.expose()));
}
