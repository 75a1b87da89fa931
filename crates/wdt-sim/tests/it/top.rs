//! What top refuses, in the order it does, and the shapes of its answers.

use std::{collections::BTreeSet, sync::atomic::Ordering};

use serde_json::{Value, json};
use wdt_models::envelope::AnswerError;
use wdt_models::time::{Seconds, format_wall_time};
use wdt_models::{Gateway, endpoints, envelope};
use wdt_sim::{
    Account, Fault,
    form::{EmptyForm, NumberForm, UnknownStore},
};

use crate::{
    CAINIAO, NOW,
    client::{Client, Params, owned, start},
};

const SLICE: [(&str, &str); 4] =
    [("store_code", "STORE_1"), ("type", "1"), ("inventory_type", "1"), ("page_size", "50")];
const RESPONSE: &str = "wlb_wms_inventory_query_response";

fn with(mut params: Params, name: &str, value: Option<&str>) -> Params {
    params.retain(|(own, _)| own != name);
    params.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    params
}

fn and<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = SLICE.into_iter().filter(|(name, _)| more.iter().all(|(other, _)| name != other));
    kept.chain(more.iter().copied()).collect()
}

async fn json_of(response: reqwest::Response) -> Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

/// The code and the finer code of an answer; 0 is success.
async fn code(client: &Client, params: Params) -> (i64, String) {
    let answer = json_of(client.post_top(params).await).await;
    let error = &answer["error_response"];
    (error["code"].as_i64().unwrap_or(0), error["sub_code"].as_str().unwrap_or_default().to_owned())
}

fn rows(answer: &Value) -> Vec<Value> {
    let list = &answer[RESPONSE]["item_list"]["wms_inventory_query_itemlist"];
    list.as_array().into_iter().flatten().map(|entry| entry["item"].clone()).collect()
}

#[tokio::test]
async fn each_system_parameter_has_its_code() {
    let client = start(|_| {});
    let good = || client.top(&SLICE);
    assert_eq!(code(&client, good()).await.0, 0);
    let cases = [
        ("method", None, 21),
        ("method", Some("taobao.time.get"), 22),
        ("app_key", None, 28),
        ("app_key", Some("12345678"), 29),
        ("sign_method", Some("sha256"), 25),
        ("timestamp", None, 30),
        ("timestamp", Some("1717200000000"), 31),
        ("session", None, 26),
        ("session", Some(""), 26),
        ("session", Some("another"), 27),
        ("v", None, 33),
        ("v", Some("1.0"), 33),
    ];
    for (name, value, expected) in cases {
        assert_eq!(code(&client, with(good(), name, value)).await.0, expected, "{name} {value:?}");
    }
    assert_eq!(json_of(client.send_top(&good()).await).await["error_response"]["code"], 24);
    let mut wrong = good();
    wrong.push(("sign".to_owned(), "0".repeat(64)));
    let answer = json_of(client.send_top(&wrong).await).await;
    let error = answer["error_response"].as_object().unwrap();
    assert_eq!((error["code"].as_i64(), error["msg"].as_str()), (Some(25), Some("Invalid Signature")));
    assert!(!error.contains_key("sub_code") && error.contains_key("request_id"));
}

#[tokio::test]
async fn three_ways_of_signing_are_taken() {
    let client = start(|_| {});
    for method in ["md5", "hmac", "hmac-sha256"] {
        let params = with(client.top(&and(&[("item_id", "仓 &+%")])), "sign_method", Some(method));
        assert_eq!(code(&client, params).await.0, 0, "{method}");
    }
}

#[tokio::test]
async fn system_parameters_may_be_in_the_query() {
    let client = start(|_| {});
    let mut params = client.top(&SLICE);
    let secret = Account::example(Gateway::Top).secret;
    let sign =
        wdt_sign::top::sign(&wdt_sign::top::string_to_sign(&params), &secret, wdt_sign::top::SignMethod::HmacSha256);
    params.push(("sign".to_owned(), sign));
    let (business, system): (Params, Params) =
        params.into_iter().partition(|(name, _)| SLICE.iter().any(|(own, _)| own == name));
    let encoded = |params: &Params| form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
    let url = format!("{}?{}", client.sim.base_url(Gateway::Top), encoded(&system));
    let request = client.http.post(url).header("content-type", "application/x-www-form-urlencoded");
    let answer = json_of(request.body(encoded(&business)).send().await.unwrap()).await;
    assert!(answer.get(RESPONSE).is_some(), "{answer}");
}

#[tokio::test]
async fn the_clock_may_be_ten_minutes_off() {
    let client = start(|_| {});
    for (skew, expected) in [(600, 0), (-600, 0), (601, 31), (-601, 31), (-8 * 3600, 31)] {
        let params = with(client.top(&SLICE), "timestamp", Some(&format_wall_time(Seconds(NOW + skew))));
        assert_eq!(code(&client, params).await.0, expected, "{skew}");
    }
}

#[tokio::test]
async fn business_parameters_have_bounds() {
    let client = start(|_| {});
    let cases = [
        ("page_size", "50", 0),
        ("page_size", "51", 41),
        ("page_size", "0", 41),
        ("page_no", "1", 0),
        ("page_no", "0", 41),
        ("page_no", "x", 41),
        ("type", "2", 0),
        ("type", "4", 41),
        ("inventory_type", "104", 41),
        ("store_code", "STORE_9", 15),
        ("produce_date", "2015-09-06", 0),
    ];
    for (name, value, expected) in cases {
        let (found, sub_code) = code(&client, client.top(&and(&[(name, value)]))).await;
        assert_eq!(found, expected, "{name}={value}");
        assert!(expected == 0 || sub_code.starts_with("isv.invalid-parameter"), "{sub_code}");
    }
}

#[tokio::test]
async fn an_unknown_store_can_be_an_empty_success() {
    let client = start(|config| {
        (config.forms.unknown_store, config.forms.numbers) = (UnknownStore::Nothing, NumberForm::Number);
    });
    let answer = client.slice(&and(&[("store_code", "STORE_9")])).await;
    assert_eq!((&answer[RESPONSE]["wl_success"], &answer[RESPONSE]["total_count"]), (&json!(true), &json!(0)));
}

#[tokio::test]
async fn one_element_is_a_list_and_simplify_takes_the_wrappings_away() {
    let client = start(|config| config.forms.numbers = NumberForm::Number);
    let one = client.slice(&and(&[("page_size", "1")])).await;
    assert_eq!(rows(&one).len(), 1);
    let plain = &one[RESPONSE];
    let simple = client.slice(&and(&[("page_size", "1"), ("simplify", "true")])).await;
    assert_eq!(simple["item_list"], plain["item_list"]["wms_inventory_query_itemlist"]);
    assert_eq!((&simple["total_count"], &simple["wl_success"]), (&plain["total_count"], &json!(true)));
    let refused = client.slice(&and(&[("type", "9"), ("simplify", "true")])).await;
    assert_eq!(refused["error_response"]["code"], 41, "errors keep their wrapping");
}

#[tokio::test]
async fn nothing_is_written_in_several_ways() {
    let forms = [
        (EmptyForm::Object, Some(json!({})), json!([])),
        (EmptyForm::List, Some(json!({"wms_inventory_query_itemlist": []})), json!([])),
        (EmptyForm::Null, Some(json!(null)), json!(null)),
    ];
    for (form, plain, simple) in forms {
        let client = start(|config| config.forms.empty = form);
        let answer = client.slice(&and(&[("page_no", "99")])).await;
        assert_eq!(answer[RESPONSE].get("item_list"), plain.as_ref());
        let answer = client.slice(&and(&[("page_no", "99"), ("simplify", "true")])).await;
        assert_eq!(answer["item_list"], simple);
    }
    let client = start(|config| config.forms.empty = EmptyForm::Missing);
    assert_eq!(client.slice(&and(&[("page_no", "99")])).await[RESPONSE].get("item_list"), None);
}

#[tokio::test]
async fn numbers_are_numbers_or_texts() {
    let endpoint = endpoints::find("cainiao_inventory").unwrap();
    for (form, text) in [(NumberForm::Number, false), (NumberForm::Text, true)] {
        let client = start(|config| config.forms.numbers = form);
        let answer = client.slice(&SLICE).await;
        assert_eq!(
            (answer[RESPONSE]["total_count"].is_string(), answer[RESPONSE]["wl_success"].is_string()),
            (text, text)
        );
        assert_eq!(rows(&answer)[0]["quantity"].is_string(), text);
        let body = answer.to_string();
        let read = envelope::read(endpoint, endpoint.method(), body.as_bytes()).unwrap();
        assert_eq!((read.records.len(), read.total.is_some()), (50, true));
    }
}

#[tokio::test]
async fn without_json_the_answer_is_xml() {
    let client = start(|_| {});
    for format in [None, Some("xml")] {
        let response = client.post_top(with(client.top(&and(&[("page_size", "2")])), "format", format)).await;
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/xml"));
        let text = response.text().await.unwrap();
        assert!(text.contains(&format!("<{RESPONSE}><item_list><wms_inventory_query_itemlist><item>")), "{text}");
        assert_eq!((text.matches("<item>").count(), text.contains("<wl_success>true<")), (2, true));
    }
    for (format, kind, code) in [(None, "9", 41), (Some("yaml"), "1", 23)] {
        let params = with(client.top(&and(&[("type", kind)])), "format", format);
        let refused = client.post_top(params).await.text().await.unwrap();
        assert!(refused.contains(&format!("<error_response><code>{code}</code>")), "{refused}");
    }
}

#[tokio::test]
async fn the_limit_says_how_long_it_lasts() {
    let client = start(|config| config.calls_per_minute = 2);
    for (at, expected) in [(0, None), (20, None), (35, Some("25")), (59, Some("1")), (60, None)] {
        client.clock.store(NOW + at, Ordering::SeqCst);
        let error = client.slice(&SLICE).await["error_response"].clone();
        let Some(seconds) = expected else {
            assert!(error.is_null(), "{error}");
            continue;
        };
        assert_eq!((error["code"].as_i64(), error["msg"].as_str()), (Some(7), Some("App Call Limited")));
        assert_eq!(error["sub_code"], "accesscontrol.limited-by-app-api-access-count");
        assert_eq!(error["sub_msg"], format!("This ban will last for {seconds} more seconds"));
    }
    assert_eq!(client.sim.limit_breaches(), 2);
}

#[tokio::test]
async fn the_limit_belongs_to_the_application_not_to_the_merchant() {
    let app = Account::example(Gateway::Top);
    let second = app.clone().with_session("second-session");
    let client = start(|config| {
        config.calls_per_minute = 1;
        config.accounts.push(second);
    });
    assert_eq!(code(&client, client.top(&SLICE)).await.0, 0);
    assert_eq!(code(&client, with(client.top(&SLICE), "session", Some("second-session"))).await.0, 7);
    assert_eq!(client.ask("goods.ApiGoods.search", (1, 0, 0), &json!({})).await["message"], "参数中必须包含起止时间");
}

#[tokio::test]
async fn errors_are_injected_into_the_gateway_or_into_the_payload() {
    let client = start(|_| {});
    let endpoint = endpoints::find("cainiao_inventory").unwrap();
    let platform = |code: &str, sub_code: &str, message: &str| Fault::Platform {
        code: code.to_owned(),
        sub_code: sub_code.to_owned(),
        message: message.to_owned(),
    };
    let banned = "This ban will last for 31062 more seconds";
    let variants = ["app-access-count", "api-access-count", "app-api-access-count"];
    for (variant, message) in variants.into_iter().flat_map(|variant| [(variant, banned), (variant, "")]) {
        client.sim.inject(platform("7", &format!("accesscontrol.limited-by-{variant}"), message));
        let error = &client.slice(&SLICE).await["error_response"];
        assert_eq!((error["code"].as_i64(), error["sub_msg"].as_str()), (Some(7), Some(message)));
    }
    client.sim.inject(platform("15", "MAC999", "WHC服务过载限流"));
    let error = &client.slice(&SLICE).await["error_response"];
    assert_eq!((&error["code"], &error["sub_code"]), (&json!(15), &json!("MAC999")));
    for (code, simplify) in [("MAC999", "false"), ("MAC999", "true"), ("", "false")] {
        client.sim.inject(platform(code, "", "WHC服务过载限流"));
        let answer = client.slice(&and(&[("simplify", simplify)])).await;
        let payload = if simplify == "true" { &answer } else { &answer[RESPONSE] };
        assert_eq!(payload["wl_success"], false);
        assert_eq!(payload.get("wl_error_code").is_some(), !code.is_empty());
        let body = answer.to_string();
        let read = envelope::read(endpoint, endpoint.method(), body.as_bytes());
        assert!(matches!(read, Err(AnswerError::Platform(_))), "{read:?}");
    }
    assert_eq!(code(&client, client.top(&SLICE)).await.0, 0, "they pass");
    assert_eq!(client.sim.calls()[6].code, "15");
}

#[tokio::test]
async fn a_success_can_have_a_code_all_the_same() {
    let client = start(|config| config.forms.needless_code = true);
    let answer = client.slice(&SLICE).await;
    assert_eq!(answer[RESPONSE]["wl_error_code"], "B3098093");
    assert!(!rows(&answer).is_empty());
}

#[tokio::test]
async fn repeated_parameters_and_other_bodies_are_refused() {
    let client = start(|_| {});
    let mut params = client.top(&SLICE);
    params.extend(owned(&[("page_size", "50")]));
    assert_eq!(code(&client, params).await.0, 25);
    let request = client.http.post(client.sim.base_url(Gateway::Top)).header("content-type", "application/json");
    let body = request.body(format!("method={CAINIAO}&format=json")).send().await.unwrap().text().await.unwrap();
    assert!(body.contains("<code>21</code>"), "{body}");
}

#[tokio::test]
async fn every_answer_has_a_name_of_its_own() {
    let client = start(|_| {});
    let mut names = BTreeSet::new();
    for slice in [&SLICE[..], &[("type", "9")]] {
        let answer = client.slice(slice).await;
        let name =
            answer.pointer(&format!("/{RESPONSE}/request_id")).or_else(|| answer.pointer("/error_response/request_id"));
        names.insert(name.unwrap().as_str().unwrap().to_owned());
    }
    assert_eq!(names.len(), 2);
}
