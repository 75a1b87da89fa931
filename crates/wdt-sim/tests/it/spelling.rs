//! How each method spells its values, and that all of it can be typed.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wdt_models::decode::{Asked, decode};
use wdt_models::time::Seconds;
use wdt_models::{Endpoint, Kind, Slice, endpoints, time};
use wdt_sim::Ledger;

use crate::{
    NOW,
    client::{Client, start},
};

const SEARCH2: &str = "wms.StockSpec.search2";
const SEARCH: &str = "wms.StockSpec.search";

fn records(ledger: &Ledger, method: &str) -> Vec<Value> {
    let method = ledger.endpoint().method_named(method).unwrap();
    ledger.rows().into_iter().map(|row| serde_json::from_str(&ledger.record_of(method, row)).unwrap()).collect()
}

fn is_there(record: &Value, name: &str) -> bool {
    record.get(name).is_some_and(|value| value != "")
}

async fn page(client: &Client, method: &str, mut named: Value) -> Vec<Value> {
    named["start_time"] = json!(time::format_wall_time(Seconds(NOW - 30 * 86_400)));
    named["end_time"] = json!(time::format_wall_time(Seconds(NOW)));
    let answer = client.ask(method, (100, 0, 0), &named).await;
    let list = answer.pointer("/data/detail_list").or_else(|| answer.pointer("/data"));
    list.unwrap().as_array().unwrap().clone()
}

/// Every record of every method of every endpoint, after edits too, with what fills a slice's columns.
#[tokio::test]
async fn every_generated_record_can_be_typed() {
    let client = start(|_| {});
    for endpoint in endpoints::ALL {
        let ledger = client.sim.ledger(endpoint.dataset).unwrap();
        for method in endpoint.methods {
            for row in ledger.rows() {
                let text = ledger.record_of(method, row);
                let slice = ledger.slice(row);
                let asked = Asked { page: 0, personal: true, slice: &slice };
                let record = serde_json::from_str(&text).unwrap();
                let decoded = decode(endpoint, &[record], &asked);
                assert_eq!(decoded.refused, [], "{} {text}", method.name);
            }
        }
        ledger.edit(1000);
    }
}

#[tokio::test]
async fn as_many_rows_are_refused_as_asked_for() {
    let client = start(|config| config.refused_rows = 3);
    for dataset in ["flagship_stock", "flagship_goods", "cainiao_inventory"] {
        let ledger = client.sim.ledger(dataset).unwrap();
        let refused = ledger.rows().into_iter().filter(|&row| ledger.record(row).contains("\"abc\""));
        assert_eq!(refused.map(|row| row.id).collect::<Vec<_>>(), [0, 1, 2], "{dataset}");
    }
}

#[tokio::test]
async fn every_documented_member_turns_up() {
    let client = start(|_| {});
    let not_answered = |endpoint: &Endpoint, name: &str| endpoint.dataset == "cainiao_inventory" && name == "type";
    for endpoint in endpoints::ALL.iter().filter(|endpoint| endpoint.dataset != "flagship_stock") {
        let ledger = client.sim.ledger(endpoint.dataset).unwrap();
        let all = records(&ledger, endpoint.method().name);
        let names: BTreeSet<String> =
            all.iter().flat_map(|record| record.as_object().unwrap().keys().map(|name| name.to_lowercase())).collect();
        for field in endpoint.fields.iter().filter(|field| !not_answered(endpoint, field.name)) {
            assert!(names.contains(field.name), "{}.{}", endpoint.dataset, field.name);
        }
        assert!(names.contains("tag_list"), "a member no page documents");
    }
}

#[tokio::test]
async fn personal_columns_have_invented_content() {
    let client = start(|_| {});
    let mut seen = 0;
    for endpoint in endpoints::ALL {
        let ledger = client.sim.ledger(endpoint.dataset).unwrap();
        let all = records(&ledger, endpoint.method().name);
        for field in endpoint.fields.iter().filter(|field| field.personal && field.kind == Kind::Text) {
            let filled = all.iter().filter(|record| is_there(record, field.name)).count();
            assert!(filled > 900, "{}.{}: {filled}", endpoint.dataset, field.name);
            seen += 1;
        }
    }
    assert!(seen >= 8, "{seen}");
}

#[tokio::test]
async fn the_two_stock_methods_spell_the_same_row_differently() {
    let client = start(|_| {});
    let ledger = client.sim.ledger("flagship_stock").unwrap();
    let (newer, older) = (records(&ledger, SEARCH2), records(&ledger, SEARCH));
    let mut both = 0;
    for ((new, old), row) in newer.iter().zip(&older).zip(ledger.rows()) {
        assert_eq!(new["modified"].as_i64(), Some(row.modified * 1000));
        assert_eq!(old["modified"].as_str(), Some(time::format_wall_time(Seconds(row.modified)).as_str()));
        if is_there(new, "created") {
            let text = old["created"].as_str().unwrap();
            assert_eq!(new["created"].as_i64().unwrap(), time::parse_wall_time(text).unwrap().millis().0);
            both += 1;
        }
        assert!(new.get("last_pd_time").is_none_or(Value::is_string), "other times stay text");
        if new.get("defect").is_some_and(|defect| defect != "") {
            assert_eq!(i64::from(new["defect"].as_bool().unwrap()), old["defect"].as_i64().unwrap());
        }
        assert_eq!((new.get("stock_num"), new["rec_id"].is_i64()), (old.get("stock_num"), true));
    }
    assert!(both > 500);
    let exact = ledger.rows().iter().any(|&row| ledger.record(row).contains(":123456789012345.6789"));
    assert!(exact, "numbers are JSON numbers, more exact than a float");
    let texts: String = ledger.rows().iter().map(|&row| ledger.record(row)).collect();
    assert!(texts.contains(".0000,") && texts.contains("_num\":0,"), "decimals come short and long");
}

#[tokio::test]
async fn sales_cost_and_alarm_come_only_when_asked_for() {
    let client = start(|_| {});
    let (sales, cost, alarm) = (["num_7days", "today_num"], "cost_price", "safe_stock_upper");
    for (named, expected) in [
        (json!({}), [false, false, false]),
        (json!({"mask": 0, "need_alarm_info": 0}), [false, false, false]),
        (json!({"mask": 1}), [true, false, false]),
        (json!({"mask": 2}), [false, true, false]),
        (json!({"mask": 3, "need_alarm_info": 1}), [true, true, true]),
    ] {
        let all = page(&client, SEARCH2, named.clone()).await;
        let any = |name: &str| all.iter().any(|record| is_there(record, name));
        assert_eq!([any(sales[0]) && any(sales[1]), any(cost), any(alarm)], expected, "{named}");
    }
    let older = page(&client, SEARCH, json!({"need_alarm_info": 1})).await;
    let any = |name: &str| older.iter().any(|record| is_there(record, name));
    assert!(any("safe_stock_uppe") && !any("safe_stock_upper"), "the older page's slip");
}

#[tokio::test]
async fn what_is_asked_for_beside_a_column_does_not_change_it() {
    let client = start(|_| {});
    let (plain, more) = (page(&client, SEARCH2, json!({})).await, page(&client, SEARCH2, json!({"mask": 3})).await);
    for (plain, more) in plain.iter().zip(&more) {
        assert!(plain.as_object().unwrap().iter().all(|(name, value)| &more[name] == value));
    }
}

#[tokio::test]
async fn platform_goods_have_times_as_text_and_flags_as_words() {
    let client = start(|_| {});
    for record in records(&client.sim.ledger("flagship_goods").unwrap(), "goods.ApiGoods.search") {
        assert!(record["modified"].is_string() && record["rec_id"].is_i64());
        assert!(record.get("is_auto_listing").is_none_or(Value::is_boolean), "{record}");
        assert!(record.get("goods_id").is_none_or(Value::is_string));
    }
}

#[tokio::test]
async fn computed_stock_is_spelt_by_its_method() {
    let client = start(|_| {});
    let ledger = client.sim.ledger("flagship_stock_sync").unwrap();
    let (batch, one) = ("sales.StockSync.batchCalcStock", "sales.StockSync.calcStock");
    for (method, words) in [(batch, true), (one, false)] {
        let all = records(&ledger, method);
        for record in &all {
            let flag = record.get("is_auto_listing");
            assert!(flag.is_none_or(|flag| flag.is_boolean() == words && flag.is_i64() != words), "{record}");
            assert_eq!(record["platform_id"], 127);
        }
        assert_eq!(all.iter().any(|record| record.get("area_stock").is_some()), words);
    }
    let method = ledger.endpoint().method_named(one).unwrap();
    for row in ledger.rows() {
        let text = ledger.record_of(method, row);
        let Some((_, rest)) = text.split_once("\"syn_stock\":") else { continue };
        let number = rest.split([',', '}']).next().unwrap();
        assert_eq!(number.split_once('.').map(|(_, places)| places.len()), Some(4), "{number}");
    }
}

#[tokio::test]
async fn a_list_has_its_last_change_as_text_or_as_a_number() {
    let client = start(|_| {});
    let ledger = client.sim.ledger("flagship_warehouses").unwrap();
    let all = records(&ledger, ledger.endpoint().method().name);
    for (record, row) in all.iter().zip(ledger.rows()) {
        match record.get("modified") {
            Some(Value::Number(millis)) => assert_eq!(millis.as_i64(), Some(row.modified * 1000)),
            Some(Value::String(text)) if !text.is_empty() => {
                assert_eq!(text, &time::format_wall_time(Seconds(row.modified)));
            }
            _ => {}
        }
        assert!(record["is_disabled"] != true, "nothing is out of use");
    }
    let numbers = all.iter().filter(|record| record["modified"].is_i64()).count();
    assert!((300..700).contains(&numbers), "{numbers}");
    assert_eq!(Slice::default(), ledger.slice(ledger.rows()[0]));
}
