//! The forms of answers the documents leave open.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wdt_models::envelope;
use wdt_sim::form::{CodeForm, EmptyForm, Escapes, Forms, LaterTotal, ListForm, TotalForm};

use crate::{
    GOODS, NOW, STOCK,
    client::{Client, endpoint, everything, page, records, start, total, window},
};

fn with(change: impl FnOnce(&mut Forms)) -> Client {
    start(|config| change(&mut config.forms))
}

#[tokio::test]
async fn totals_are_text_or_numbers() {
    let kinds = async |form| {
        let client = with(|forms| forms.total = form);
        let mut kinds = BTreeSet::new();
        for _ in 0..40 {
            let answer = client.json(STOCK, page(everything(), 0, 1)).await;
            assert_eq!(total(&answer), 1000);
            kinds.insert(if answer["total_count"].is_string() { "text" } else { "number" });
        }
        kinds
    };
    assert_eq!(kinds(TotalForm::Text).await, ["text"].into());
    assert_eq!(kinds(TotalForm::Number).await, ["number"].into());
    assert_eq!(kinds(TotalForm::Mixed).await, ["text", "number"].into());
}

#[tokio::test]
async fn later_totals_are_absent_null_or_zero() {
    for (form, expected) in
        [(LaterTotal::Null, json!(null)), (LaterTotal::Zero, json!(0)), (LaterTotal::Right, json!("1000"))]
    {
        let client = with(|forms| (forms.later_total, forms.total) = (form, TotalForm::Text));
        let answer = client.json(STOCK, page(everything(), 1, 100)).await;
        assert_eq!(answer.get("total_count"), Some(&expected));
        assert_eq!(total(&client.json(STOCK, page(everything(), 0, 1)).await), 1000);
    }
}

#[tokio::test]
async fn nothing_is_written_in_several_ways() {
    let nothing = async |form| {
        let client = with(|forms| forms.empty = form);
        let mut seen = BTreeSet::new();
        for _ in 0..20 {
            let answer = client.json(GOODS, window(NOW + 1, NOW + 1)).await;
            assert_eq!((answer["code"].as_i64(), total(&answer)), (Some(0), 0));
            seen.insert(answer.get("goods_list").map(Value::to_string));
        }
        seen.into_iter().map(|list| list.unwrap_or_else(|| "missing".to_owned())).collect::<Vec<_>>()
    };
    assert_eq!(nothing(EmptyForm::List).await, ["[]"]);
    assert_eq!(nothing(EmptyForm::Missing).await, ["missing"]);
    assert_eq!(nothing(EmptyForm::Null).await, ["null"]);
    assert_eq!(nothing(EmptyForm::Mixed).await, ["missing", "[]", "{}"]);
}

#[tokio::test]
async fn the_rarer_forms_are_still_answers() {
    let client = with(|forms| {
        forms.list = ListForm::Object;
        forms.code = CodeForm::Text;
        forms.bom = true;
    });
    let body = client.bytes(GOODS, page(everything(), 0, 3)).await;
    let text = std::str::from_utf8(&body).unwrap();
    let answer: Value = serde_json::from_str(text.strip_prefix('\u{FEFF}').unwrap()).unwrap();
    assert_eq!(answer["code"], "0");
    assert_eq!(answer["goods_list"].as_object().unwrap().keys().collect::<Vec<_>>(), ["0", "2", "4"]);
    let read = envelope::read(endpoint(GOODS), endpoint(GOODS).method(), &body).unwrap();
    assert_eq!((read.total, read.records.len()), (Some(1000), 3));
}

#[tokio::test]
async fn texts_are_escaped_or_plain_and_mean_the_same() {
    let escaped = with(|forms| forms.escapes = Escapes::Ascii);
    let plain = with(|forms| forms.escapes = Escapes::Utf8);
    let params = || page(everything(), 0, 100);
    let (first, second) = (escaped.bytes(STOCK, params()).await, plain.bytes(STOCK, params()).await);
    assert!(first.is_ascii() && !second.is_ascii());
    assert!(String::from_utf8(first.clone()).unwrap().contains(r"\/"));
    assert_eq!(
        serde_json::from_slice::<Value>(&first).unwrap()["stocks"],
        serde_json::from_slice::<Value>(&second).unwrap()["stocks"]
    );
}

#[tokio::test]
async fn only_goods_have_a_message_on_success() {
    let client = start(|_| {});
    assert_eq!(client.json(STOCK, everything()).await.get("message"), None);
    assert_eq!(client.json(GOODS, everything()).await["message"], "ok");
}

#[tokio::test]
async fn answers_are_compressed_for_clients_that_ask() {
    for (offered, zipped) in [(true, true), (false, false)] {
        let client = with(|forms| forms.gzip = offered);
        let params = client.sign(client.unsigned(page(everything(), 0, 10)));
        let response = client.post(STOCK, &params).await.unwrap();
        // reqwest drops both headers of a body it has decompressed
        assert_eq!(response.headers().get("content-length").is_none(), zipped);
        let answer: Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
        assert_eq!(records(STOCK, &answer).len(), 10);
    }
}
