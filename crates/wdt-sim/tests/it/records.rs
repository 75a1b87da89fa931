//! The records themselves: typed without a refusal, and with every quirk the captures show.

use std::collections::BTreeSet;

use serde_json::Value;
use wdt_models::decode::{Asked, decode};
use wdt_models::envelope;
use wdt_sim::form::{Escapes, ListForm};

use crate::{
    GOODS, STOCK,
    client::{Client, endpoint, everything, page, start},
};

/// Every refused cell of the first pages, as column and text.
async fn refused(client: &Client, method: &str) -> Vec<(String, String)> {
    let mut refused = Vec::new();
    for page_no in 0..10_u32 {
        let body = client.bytes(method, page(everything(), page_no as usize, 100)).await;
        let answer = envelope::read(endpoint(method), endpoint(method).method(), &body).unwrap();
        assert_eq!(answer.records.len(), 100);
        let decoded = decode(endpoint(method), &answer.records, &Asked::page(page_no, false));
        refused.extend(decoded.refused.into_iter().map(|refusal| (refusal.column, refusal.text)));
    }
    refused
}

#[tokio::test]
async fn every_generated_record_can_be_typed() {
    for (escapes, list) in [(Escapes::Ascii, ListForm::Array), (Escapes::Utf8, ListForm::Object)] {
        let client = start(|config| (config.forms.escapes, config.forms.list) = (escapes, list));
        for method in [STOCK, GOODS] {
            assert_eq!(refused(&client, method).await, [], "{method} {escapes:?}");
            let ledger = client.sim.ledger(endpoint(method).dataset).unwrap();
            ledger.edit(1000);
        }
    }
}

#[tokio::test]
async fn as_many_rows_are_refused_as_asked_for() {
    let client = start(|config| config.refused_rows = 3);
    for method in [STOCK, GOODS] {
        let refused = refused(&client, method).await;
        assert_eq!(refused, vec![("stock_num".to_owned(), "abc".to_owned()); 3], "{method}");
    }
}

#[tokio::test]
async fn every_documented_member_and_every_quirk_turns_up() {
    let client = start(|_| {});
    for method in [STOCK, GOODS] {
        let ledger = client.sim.ledger(endpoint(method).dataset).unwrap();
        let texts: Vec<_> = ledger.rows().into_iter().map(|row| ledger.record(row)).collect();
        let all: Vec<Value> = texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        let has = |test: &dyn Fn(&str, &Value) -> bool| {
            all.iter().any(|row| row.as_object().unwrap().iter().any(|(name, value)| test(name, value)))
        };
        for field in endpoint(method).fields {
            assert!(has(&|name, _| name == field.name), "{}", field.name);
            let absent = all.iter().any(|row| row.get(field.name).is_none());
            assert!(
                absent || field.required || field.name.starts_with("warehouse_") || field.name.starts_with("shop_")
            );
        }
        let names: BTreeSet<_> = all.iter().flat_map(|row| row.as_object().unwrap().keys()).collect();
        assert!(names.contains(&"Created".to_owned()) && names.contains(&"Status".to_owned()));
        assert!(names.contains(&"tag_list".to_owned()), "a member no page documents");
        let quantities: [&str; 4] = ["123456789012345.6789", "-123456789012345.6789", "0.0000", "0000-00-00 00:00:00"];
        for text in quantities {
            assert!(has(&|_, value| value == text), "{text}");
        }
        assert!(has(&|_, value| value.is_null()) && has(&|_, value| value == "") && has(&|_, value| value.is_f64()));
        assert!(has(
            &|name, value| name.ends_with("barcode") && value.as_str().is_some_and(|code| code.starts_with('0'))
        ));
        assert!(has(&|name, value| name.ends_with("goods_name") && value.to_string().contains('🔥')));
    }
}

#[tokio::test]
async fn details_refer_to_their_row_by_a_real_number() {
    let client = start(|_| {});
    let ledger = client.sim.ledger("enterprise_stock").unwrap();
    let mut entries = 0;
    for row in ledger.rows() {
        let record: Value = serde_json::from_str(&ledger.record(row)).unwrap();
        for entry in record["details"].as_array().into_iter().flatten() {
            let Some(id) = entry.get("stock_spec_id").filter(|id| id.is_number()) else { continue };
            assert_eq!(id.as_u64(), Some(u64::from(row.id) + 1));
            entries += 1;
        }
    }
    assert!(entries > 500, "{entries}");
}
