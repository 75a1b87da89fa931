//! Rows that are asked for by id: the goods they are computed from, refusals one by one, both envelopes.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wdt_models::{endpoints, envelope};
use wdt_sim::{Fault, form::EmptyForm, form::IdsForm};

use crate::client::{Client, start};

const BATCH: &str = "sales.StockSync.batchCalcStock";
const ONE: &str = "sales.StockSync.calcStock";

async fn batch(client: &Client, ids: &[i64], force: bool) -> Value {
    let items: Vec<_> = ids.iter().map(|id| json!({"api_goods_id": id, "force_sync": force})).collect();
    client.ask_with(client.flagship(BATCH, None), &json!([items])).await
}

async fn one(client: &Client, arguments: Value) -> Value {
    client.ask_with(client.flagship(ONE, None), &arguments).await
}

/// Ids of goods of the own platform, of which some are stopped, and of goods of others.
fn ids(client: &Client) -> (BTreeSet<i64>, BTreeSet<i64>) {
    let goods = client.sim.ledger("flagship_goods").unwrap();
    let (own, other): (Vec<_>, Vec<_>) = goods.rows().into_iter().partition(|&row| {
        let record: Value = serde_json::from_str(&goods.record(row)).unwrap();
        record["platform_id"] == 127
    });
    let ids = |rows: Vec<wdt_sim::Row>| rows.into_iter().map(|row| goods.key(row)[0]).collect();
    (ids(own), ids(other))
}

fn of(answer: &Value, name: &str) -> Vec<i64> {
    let list = answer["data"].get(name).or_else(|| answer.get(name));
    list.and_then(Value::as_array)
        .map_or(Vec::new(), |list| list.iter().map(|entry| entry["rec_id"].as_i64().unwrap()).collect())
}

#[tokio::test]
async fn the_rows_are_the_goods_of_the_own_platform_that_are_not_stopped() {
    let client = start(|_| {});
    let ledger = client.sim.ledger("flagship_stock_sync").unwrap();
    let (own, other) = ids(&client);
    assert!((600..730).contains(&own.len()), "two in three: {}", own.len());
    let shown: BTreeSet<_> = ledger.rows().into_iter().map(|row| ledger.key(row)[0]).collect();
    let stopped: BTreeSet<_> = own.difference(&shown).copied().collect();
    assert!(shown.is_subset(&own) && (15..80).contains(&stopped.len()), "{}", stopped.len());
    let asked: Vec<i64> = own.iter().take(60).chain(other.iter().take(20)).copied().chain([1, -1, i64::MAX]).collect();
    let answer = batch(&client, &asked, false).await;
    let (found, refused) = (of(&answer, "success_date"), of(&answer, "error_date"));
    assert_eq!(found, asked.iter().copied().filter(|id| shown.contains(id)).collect::<Vec<_>>());
    assert_eq!(refused, asked.iter().copied().filter(|id| !shown.contains(id)).collect::<Vec<_>>());
    let few: Vec<i64> = stopped.iter().take(5).copied().collect();
    assert_eq!(of(&batch(&client, &few, false).await, "error_date"), few);
    assert_eq!(of(&batch(&client, &few, true).await, "success_date"), few, "computed when forced");
}

#[tokio::test]
async fn goods_can_all_be_in_sync() {
    let client = start(|config| config.stopped_goods = 0);
    let ledger = client.sim.ledger("flagship_stock_sync").unwrap();
    assert_eq!(ledger.rows().len(), ids(&client).0.len());
}

#[tokio::test]
async fn values_change_when_the_goods_are_edited_and_vanish_with_them() {
    let client = start(|_| {});
    let (goods, sync) =
        (client.sim.ledger("flagship_goods").unwrap(), client.sim.ledger("flagship_stock_sync").unwrap());
    let before = sync.rows();
    let edited: BTreeSet<u32> = goods.edit(400).into_iter().map(|row| row.id).collect();
    let mut changed = 0;
    for (old, new) in before.iter().zip(sync.rows()) {
        assert_eq!((sync.record(*old) != sync.record(new), old.id), (edited.contains(&old.id), new.id));
        changed += usize::from(edited.contains(&old.id));
    }
    assert!(changed > 100, "{changed}");
    let gone = sync.delete(10);
    assert!(gone.iter().all(|row| before.iter().any(|old| old.id == row.id)));
    assert_eq!((sync.rows().len(), goods.rows().len()), (before.len() - 10, 990));
    let id = sync.key(gone[0])[0];
    assert_eq!(of(&batch(&client, &[id], true).await, "error_date"), [id]);
}

#[tokio::test]
async fn both_envelopes_are_played_and_read() {
    let endpoint = endpoints::find("flagship_stock_sync").unwrap();
    for (form, under_data) in [(IdsForm::UnderData, true), (IdsForm::TopLevel, false)] {
        let client = start(|config| config.forms.ids = form);
        let (own, other) = ids(&client);
        let asked: Vec<i64> = own.into_iter().take(20).chain(other.into_iter().take(3)).collect();
        let answer = batch(&client, &asked, false).await;
        assert_eq!((answer.get("status").is_some(), answer.get("data").is_some()), (under_data, under_data));
        let body = answer.to_string();
        let read = envelope::read(endpoint, endpoint.method(), body.as_bytes()).unwrap();
        assert!(read.refused.len() >= 3 && read.records.len() + read.refused.len() == 23);
        assert!(read.refused[0].get().contains("已停用或者未开启同步"));
    }
}

#[tokio::test]
async fn empty_lists_may_be_missing() {
    for (form, expected) in [(EmptyForm::Missing, None), (EmptyForm::List, Some(json!([])))] {
        let client = start(|config| (config.forms.empty, config.forms.ids) = (form, IdsForm::UnderData));
        let answer = batch(&client, &[1], false).await;
        assert_eq!(answer["data"].get("success_date"), expected.as_ref());
    }
}

#[tokio::test]
async fn one_by_one_a_refused_id_refuses_the_call() {
    let client = start(|_| {});
    let ledger = client.sim.ledger("flagship_stock_sync").unwrap();
    let row = ledger.rows()[0];
    let id = ledger.key(row)[0];
    let answer = one(&client, json!([id, false])).await;
    assert_eq!((answer["status"].as_i64(), answer["data"]["rec_id"].as_i64()), (Some(0), Some(id)));
    let method = ledger.endpoint().method_named(ONE).unwrap();
    let expected: Value = serde_json::from_str(&ledger.record_of(method, row)).unwrap();
    assert_eq!(answer["data"], expected);
    let refused = one(&client, json!([1, false])).await;
    assert_eq!(refused, json!({"status": 100, "message": "货品id:1 已停用或者未开启同步"}));
}

#[tokio::test]
async fn arguments_have_their_places_and_types() {
    let client = start(|_| {});
    for arguments in [
        json!([]),
        json!([9950]),
        json!(["9950", false]),
        json!([9950, 0]),
        json!([9950, false, 1]),
        json!([[9950, false]]),
    ] {
        assert_eq!(one(&client, arguments.clone()).await["status"], 1, "{arguments}");
    }
    let item = |id: Value, force: Value| json!([[{"api_goods_id": id, "force_sync": force}]]);
    let bad = [
        item(json!("9950"), json!(false)),
        item(json!(9950), json!(0)),
        json!([[{"api_goods_id": 9950}]]),
        json!([{"api_goods_id": 9950, "force_sync": false}]),
        json!([]),
    ];
    for arguments in bad {
        let answer = client.ask_with(client.flagship(BATCH, None), &arguments).await;
        assert_eq!(answer["status"], 1, "{arguments}");
    }
    let many: Vec<i64> = (0..101).collect();
    assert_eq!(batch(&client, &many, false).await["status"], 100);
    assert_eq!(of(&batch(&client, &many[..100], false).await, "error_date").len(), 100);
}

#[tokio::test]
async fn a_platform_error_refuses_the_batch() {
    let client = start(|_| {});
    client.sim.inject(Fault::platform("4", "数据库错误"));
    assert_eq!(batch(&client, &[1], false).await, json!({"status": 4, "message": "数据库错误"}));
}
