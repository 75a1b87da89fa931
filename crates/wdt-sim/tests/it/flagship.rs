//! What flagship refuses, in the order it does, and how its pages go.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use wdt_models::time::Seconds;
use wdt_models::{Gateway, endpoints, time::format_wall_time};
use wdt_sim::{
    Account, Fault, WindowEnd,
    form::{Comma, EmptyForm, LaterTotal},
};

use crate::{
    NOW,
    client::{Client, Params, start},
};

const STOCK: &str = "wms.StockSpec.search2";
const GOODS: &str = "goods.ApiGoods.search";
const MONTH: i64 = 30 * 86_400;

fn range(start: i64, end: i64) -> Value {
    json!({"start_time": format_wall_time(Seconds(start)), "end_time": format_wall_time(Seconds(end))})
}

fn everything() -> Value {
    range(NOW - MONTH, NOW)
}

fn and(mut named: Value, name: &str, value: Value) -> Value {
    named[name] = value;
    named
}

fn replaced(mut params: Params, name: &str, value: &str) -> Params {
    for (own, old) in &mut params {
        if own == name {
            value.clone_into(old);
        }
    }
    params
}

/// Status and message of an answer.
fn said(answer: &Value) -> (i64, String) {
    (answer["status"].as_i64().unwrap(), answer["message"].as_str().unwrap_or_default().to_owned())
}

async fn status(client: &Client, params: Params) -> (i64, String) {
    said(&client.ask_with(params, &json!([everything()])).await)
}

async fn refused(client: &Client, named: Value) -> (i64, String) {
    said(&client.ask(STOCK, (10, 0, 1), &named).await)
}

#[tokio::test]
async fn each_system_parameter_is_required_and_checked() {
    let client = start(|_| {});
    let good = || client.flagship(STOCK, Some((10, 0, 1)));
    assert_eq!(status(&client, good()).await.0, 0);
    for name in ["sid", "key", "salt", "method", "v", "timestamp"] {
        let mut params = good();
        params.retain(|(own, _)| own != name);
        let (code, message) = status(&client, params).await;
        assert_eq!((code, message.contains(name)), (1, true), "{name}: {message}");
    }
    for (name, value, expected) in
        [("sid", "nobody", 1), ("key", "nobody", 1), ("salt", "pepper", 1), ("v", "2.0", 8), ("method", "wms.No", 100)]
    {
        assert_eq!(status(&client, replaced(good(), name, value)).await.0, expected, "{name}");
    }
    let unsigned: Value = client.send_flagship(&good(), "[]").await.text().await.unwrap().parse().unwrap();
    assert_eq!(said(&unsigned).0, 1);
}

#[tokio::test]
async fn the_bytes_of_the_body_are_signed() {
    let client = start(|_| {});
    let body = json!([everything()]).to_string();
    let spaced = body.replace("\":", "\": ");
    let params = client.flagship(STOCK, Some((10, 0, 1)));
    let answer: Value = client.post_flagship(params.clone(), &spaced).await.text().await.unwrap().parse().unwrap();
    assert_eq!(said(&answer).0, 0, "any spelling of the arguments can be signed");
    let split = wdt_sign::flagship::split_secret(&Account::example(Gateway::Flagship).secret).unwrap();
    let sign = wdt_sign::flagship::sign(&wdt_sign::flagship::string_to_sign(&params, &body), &split.secret);
    let mut other = params;
    other.push(("sign".to_owned(), sign));
    let answer: Value = client.send_flagship(&other, &spaced).await.text().await.unwrap().parse().unwrap();
    assert_eq!(said(&answer), (1, "key或secret校验失败".to_owned()), "but only the spelling that was signed");
}

#[tokio::test]
async fn the_clock_may_be_two_minutes_off() {
    let client = start(|_| {});
    let at = |seconds: i64| {
        let timestamp = wdt_sign::flagship::timestamp(NOW + seconds).to_string();
        replaced(client.flagship(STOCK, Some((10, 0, 1))), "timestamp", &timestamp)
    };
    for (skew, expected) in [(120, 0), (-120, 0), (121, 7), (-121, 7)] {
        assert_eq!(status(&client, at(skew)).await.0, expected, "{skew}");
    }
    let unix = replaced(at(0), "timestamp", &NOW.to_string());
    assert_eq!(status(&client, unix).await.0, 7, "another epoch");
    let millis = replaced(at(0), "timestamp", &(NOW * 1000).to_string());
    let (code, message) = status(&client, millis).await;
    assert!(code == 1 && message.starts_with("For input string"), "{message}");
}

#[tokio::test]
async fn a_paged_method_wants_its_whole_pager() {
    let client = start(|_| {});
    let arguments = json!([everything()]);
    for missing in ["page_size", "page_no", "calc_total"] {
        let mut params = client.flagship(STOCK, Some((10, 0, 0)));
        params.retain(|(name, _)| name != missing);
        let answer = client.ask_with(params, &arguments).await;
        assert_eq!(said(&answer), (100, "此方法仅支持分页查询".to_owned()), "{missing}");
    }
    for (method, size, expected) in
        [(STOCK, 1000, 0), (STOCK, 1001, 100), (STOCK, 0, 100), (GOODS, 100, 0), (GOODS, 101, 100)]
    {
        assert_eq!(said(&client.ask(method, (size, 0, 0), &everything()).await).0, expected, "{method} {size}");
    }
}

#[tokio::test]
async fn arguments_are_a_list_of_the_right_length_and_types() {
    let client = start(|_| {});
    for arguments in [json!({}), json!([]), json!([{}, {}]), json!(["x"]), json!(null)] {
        let answer = client.ask_with(client.flagship(STOCK, Some((10, 0, 1))), &arguments).await;
        assert_eq!(said(&answer).0, 1, "{arguments}");
    }
    for (name, value) in [("spec_nos", json!("one")), ("mask", json!(true)), ("warehouse_no", json!(["WH-1"]))] {
        assert_eq!(refused(&client, and(everything(), name, value)).await.0, 1, "{name}");
    }
    assert_eq!(refused(&client, and(everything(), "mask", json!("3"))).await.0, 0, "numbers as text are taken");
}

#[tokio::test]
async fn windows_have_two_ends_an_order_and_thirty_days() {
    let client = start(|_| {});
    let cases = [
        (everything(), 0, ""),
        (range(NOW - MONTH - 1, NOW), 100, "查询时间不能大于30天"),
        (range(NOW, NOW - 1), 100, ""),
        (json!({}), 100, "参数中必须包含起止时间"),
        (json!({"start_time": "2024-05-31 00:00:00"}), 100, "参数中必须包含起止时间"),
        (and(everything(), "end_time", json!("2024-06-01")), 100, "Unparseable date: \"2024-06-01\""),
        (and(everything(), "warehouse_no", json!("nowhere")), 100, "仓库不存在 仓库编号: nowhere"),
    ];
    for (named, expected, words) in cases {
        let (code, message) = refused(&client, named.clone()).await;
        assert!(code == expected && message.contains(words), "{named}: {message}");
    }
}

#[tokio::test]
async fn an_open_end_leaves_the_last_second_out() {
    for (end, expected) in [(WindowEnd::Closed, 1), (WindowEnd::Open, 0)] {
        let client = start(|config| {
            config.rows = [("flagship_goods".to_owned(), 1)].into();
            config.span = Some(wdt_models::Window::new(Seconds(NOW - 9), Seconds(NOW - 9)));
            config.end = end;
        });
        let answer = client.ask(GOODS, (10, 0, 1), &range(NOW - 99, NOW - 9)).await;
        assert_eq!(answer["data"]["total_count"], expected);
    }
}

#[tokio::test]
async fn pages_together_are_the_ledger() {
    let client = start(|config| config.rows = [("flagship_stock".to_owned(), 2_500)].into());
    let ledger = client.sim.ledger("flagship_stock").unwrap();
    for (method, path) in [(STOCK, "/data/detail_list"), ("wms.StockSpec.search", "/data")] {
        let mut found = Vec::new();
        for page_no in 0..3 {
            let answer = client.ask(method, (1000, page_no, 0), &everything()).await;
            let records = answer.pointer(path).unwrap().as_array().unwrap().clone();
            found.extend(records.iter().map(|record| record["rec_id"].as_i64().unwrap()));
        }
        let mut rows = ledger.rows();
        rows.sort_by_key(|row| (row.modified, row.id));
        assert_eq!(found, rows.into_iter().map(|row| ledger.key(row)[0]).collect::<Vec<_>>(), "{method}");
    }
}

#[tokio::test]
async fn a_total_is_right_when_asked_for_and_else_plays_three_ways() {
    for (form, expected) in
        [(LaterTotal::Absent, Value::Null), (LaterTotal::Zero, json!(0)), (LaterTotal::Right, json!(1000))]
    {
        let client = start(|config| config.forms.later_total = form);
        for page_no in [0, 3] {
            let asked = client.ask(STOCK, (10, page_no, 1), &everything()).await;
            let not = client.ask(STOCK, (10, page_no, 0), &everything()).await;
            assert_eq!((&asked["data"]["total_count"], &not["data"]["total_count"]), (&json!(1000), &expected));
            assert_eq!(not["data"]["detail_list"].as_array().unwrap().len(), 10);
        }
        let older = client.ask("wms.StockSpec.search", (10, 0, 1), &everything()).await;
        assert_eq!((older["total"].as_i64(), older["data"].is_array()), (Some(1000), true));
    }
}

#[tokio::test]
async fn nothing_is_a_list_or_no_member() {
    for (form, expected) in
        [(EmptyForm::List, Some(json!([]))), (EmptyForm::Missing, None), (EmptyForm::Object, Some(json!([])))]
    {
        let client = start(|config| config.forms.empty = form);
        let answer = client.ask(GOODS, (10, 0, 1), &range(NOW + 1, NOW + 1)).await;
        assert_eq!((answer["status"].as_i64(), answer["data"]["total_count"].as_i64()), (Some(0), Some(0)));
        assert_eq!(answer["data"].get("goods_list"), expected.as_ref(), "{form:?}");
    }
}

#[tokio::test]
async fn documented_filters_select() {
    let client = start(|_| {});
    let count = async |method: &str, named: Value| {
        client.ask(method, (100, 0, 1), &named).await["data"]["total_count"].as_i64().unwrap()
    };
    let mut sum = 0;
    for shop in ["manmao2test", "0008", "抖音-01", "shop/4"] {
        sum += count(GOODS, and(everything(), "shop_no", json!(shop))).await;
    }
    assert_eq!(sum, 1000);
    let codes = json!(["SKU0009952", "SKU0009960", "nothing"]);
    let by_code = |named: Value| and(named, "spec_nos", codes.clone());
    assert_eq!(count(STOCK, by_code(json!({}))).await, 8, "two SKUs in four warehouses, without a window");
    assert_eq!(count(STOCK, by_code(range(NOW + 1, NOW + 2))).await, 0, "a window counts beside codes");
    assert_eq!(count(STOCK, and(by_code(json!({})), "warehouse_no", json!("WH-1"))).await, 2);
    let of_status = async |status: &str| count(STOCK, and(everything(), "status", json!(status))).await;
    let (zero, two) = (of_status("0").await, of_status("2").await);
    assert!(zero > 100 && two > 100 && of_status("0,2").await == zero + two);
    let ledger = client.sim.ledger("flagship_goods").unwrap();
    let record: Value = serde_json::from_str(&ledger.record(ledger.rows()[5])).unwrap();
    assert_eq!(count(GOODS, and(everything(), "goods_id", record["goods_id"].clone())).await, 1);
}

#[tokio::test]
async fn the_limit_is_reported_in_words_with_either_comma() {
    for (form, comma) in [(Comma::Ascii, ","), (Comma::FullWidth, "，")] {
        let client = start(|config| (config.calls_per_minute, config.forms.comma) = (1, form));
        assert_eq!(refused(&client, everything()).await.0, 0);
        let expected = format!("超过每分钟最大调用频率限制{comma}请稍后重试");
        assert_eq!(refused(&client, everything()).await, (100, expected));
        client.clock.store(NOW + 60, Ordering::SeqCst);
        assert_eq!(refused(&client, everything()).await.0, 0);
    }
}

#[tokio::test]
async fn injected_errors_are_in_its_own_envelope() {
    let client = start(|_| {});
    let (code, sub_code, message) = ("100".to_owned(), "right.required".to_owned(), "权限不足".to_owned());
    client.sim.inject(Fault::Platform { code, sub_code, message });
    let answer = client.ask(STOCK, (10, 0, 1), &everything()).await;
    assert_eq!(answer, json!({"status": 100, "code": "right.required", "message": "权限不足"}));
    client.sim.inject(Fault::platform("99", "其他错误"));
    let answer = client.ask(STOCK, (10, 0, 1), &everything()).await;
    assert_eq!(answer, json!({"status": 99, "message": "其他错误"}));
    client.sim.inject(Fault::LyingTotal(-7));
    let answer = client.ask(STOCK, (10, 0, 1), &everything()).await;
    assert_eq!(answer["data"]["total_count"], 993);
}

#[tokio::test]
async fn the_log_shows_arguments_but_nothing_secret() {
    let client = start(|_| {});
    client.ask(STOCK, (10, 0, 1), &and(everything(), "spec_nos", json!(["a"]))).await;
    client.slice(&[("type", "1")]).await;
    let calls = client.sim.calls();
    assert_eq!((calls[0].gateway, calls[0].method.as_str()), (Gateway::Flagship, STOCK));
    assert_eq!((calls[0].param("page_size"), calls[0].param("spec_nos")), (Some("10"), Some("[\"a\"]")));
    assert_eq!((calls[1].gateway, calls[1].param("type")), (Gateway::Top, Some("1")));
    let shown = format!("{calls:?} {:?}", client.sim);
    for gateway in [Gateway::Flagship, Gateway::Top] {
        let account = Account::example(gateway);
        let session = account.session.map(|session| session.expose().to_owned());
        for secret in account.secret.expose().split(':').chain(session.as_deref()) {
            assert!(!shown.contains(secret), "{secret}");
        }
    }
}

#[tokio::test]
async fn equal_sids_of_two_gateways_are_two_merchants() {
    let client = start(|config| {
        let sid = config.accounts[1].sid.clone();
        config.accounts.push(Account::new(Gateway::Enterprise, &sid, "key", "secret"));
    });
    let sid = &Account::example(Gateway::Flagship).sid;
    assert!(client.sim.ledger_of(sid, "flagship_stock").is_some());
    assert!(client.sim.ledger_of(sid, "enterprise_stock").is_some());
    assert!(client.sim.ledger_of("apidevnew2", "flagship_stock").is_none());
    let session = Account::example(Gateway::Top).session.unwrap();
    assert!(client.sim.ledger_of(session.expose(), "cainiao_inventory").is_some());
    assert!(endpoints::ALL.iter().all(|endpoint| client.sim.ledger(endpoint.dataset).is_some()));
}
