//! Snapshots: slices, their rows and filters, what moves in them, and lists that are one slice.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use wdt_models::time::Seconds;
use wdt_models::{Slice, endpoints};
use wdt_sim::{Ledger, PageOrder, Row, STORES, form::NumberForm};

use crate::client::{Client, start};

const RESPONSE: &str = "wlb_wms_inventory_query_response";
const ROWS: u32 = 3_000;

fn cainiao(change: impl FnOnce(&mut wdt_sim::SimConfig)) -> (Client, Ledger) {
    let client = start(|config| {
        config.rows = [("cainiao_inventory".to_owned(), ROWS)].into();
        config.forms.numbers = NumberForm::Number;
        change(config);
    });
    let ledger = client.sim.ledger("cainiao_inventory").unwrap();
    (client, ledger)
}

fn by_slice(ledger: &Ledger) -> BTreeMap<Slice, Vec<Row>> {
    let mut slices: BTreeMap<Slice, Vec<Row>> = BTreeMap::new();
    for row in ledger.rows() {
        slices.entry(ledger.slice(row)).or_default().push(row);
    }
    slices
}

/// The records of a page of a slice, and the total it names.
async fn page(client: &Client, slice: &Slice, page_no: u32, more: &[(&str, &str)]) -> (Vec<Value>, u64) {
    let page_no = page_no.to_string();
    let mut params = vec![("page_size", "50"), ("page_no", page_no.as_str())];
    params.extend(slice.0.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    params.extend(more);
    let answer = client.slice(&params).await;
    let payload = &answer[RESPONSE];
    let list = payload["item_list"]["wms_inventory_query_itemlist"].as_array().cloned().unwrap_or_default();
    (list.into_iter().map(|entry| entry["item"].clone()).collect(), payload["total_count"].as_u64().unwrap())
}

async fn whole(client: &Client, slice: &Slice) -> Vec<Value> {
    let mut all = Vec::new();
    for page_no in 1.. {
        let (records, _) = page(client, slice, page_no, &[]).await;
        if records.is_empty() {
            break;
        }
        all.extend(records);
    }
    all
}

fn slice(store: &str, kind: &str, inventory: &str) -> Slice {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Slice(vec![pair("store_code", store), pair("type", kind), pair("inventory_type", inventory)])
}

#[tokio::test]
async fn the_slices_together_are_the_ledger() {
    let (client, ledger) = cainiao(|_| {});
    let slices = by_slice(&ledger);
    assert_eq!(slices.keys().cloned().collect::<BTreeSet<_>>(), ledger.slices().into_iter().collect());
    assert_eq!((slices.len(), slices.last_key_value().unwrap().0.value("store_code")), (72, Some(STORES[2])));
    assert!(slices[&slice("STORE_1", "1", "1")].len() > 400 && slices.values().any(|rows| rows.len() < 20));
    for (slice, rows) in [slices.first_key_value().unwrap(), slices.last_key_value().unwrap()] {
        let expected: Vec<Value> = rows.iter().map(|&row| serde_json::from_str(&ledger.record(row)).unwrap()).collect();
        assert_eq!(whole(&client, slice).await, expected, "{slice}");
        assert_eq!(page(&client, slice, 1, &[]).await.1, rows.len() as u64);
    }
}

#[tokio::test]
async fn keys_are_unique_with_nulls_equal_and_items_are_in_many_slices() {
    let (_client, ledger) = cainiao(|_| {});
    let keys: BTreeSet<_> = ledger.rows().into_iter().map(|row| ledger.key_text(row)).collect();
    assert_eq!(keys.len(), ROWS as usize);
    let items: BTreeSet<_> = keys.iter().map(|key| key[3].clone()).collect();
    assert!(items.len() < 700, "{}", items.len());
    let of_type = |kind: &str| keys.iter().filter(|key| key[1].as_deref() == Some(kind)).collect::<Vec<_>>();
    assert!(of_type("1").iter().all(|key| key[4..].iter().all(Option::is_none)));
    let batches = of_type("2");
    assert!(batches.iter().all(|key| key[7].is_none()));
    for column in 4..7 {
        assert!(batches.iter().any(|key| key[column].is_none()) && batches.iter().any(|key| key[column].is_some()));
    }
    let shared: BTreeSet<_> = batches.iter().map(|key| &key[..4]).collect();
    assert!(shared.len() < batches.len(), "an item has several batches");
    let channels: BTreeSet<_> = of_type("3").iter().map(|key| key[7].clone().unwrap()).collect();
    assert_eq!(channels, ["OTHERS".to_owned(), "TB".to_owned()].into());
    assert!(of_type("3").iter().all(|key| key[4..7].iter().all(Option::is_none)));
}

#[tokio::test]
async fn a_record_holds_what_its_key_says_and_no_type() {
    let (_client, ledger) = cainiao(|_| {});
    let mut fallen_back = 0;
    for row in ledger.rows() {
        let record: Value = serde_json::from_str(&ledger.record(row)).unwrap();
        for (name, key) in ledger.endpoint().key.iter().zip(ledger.key_text(row)) {
            let own = record.get(*name).filter(|value| !value.is_null());
            let own = own.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            match *name {
                "type" => assert_eq!(own, None),
                "store_code" | "inventory_type" => {
                    fallen_back += usize::from(own.is_none());
                    assert!(own.is_none() || own == key, "{name}");
                }
                _ => assert_eq!(own, key, "{name}"),
            }
        }
    }
    assert!((10..200).contains(&fallen_back), "answers may leave out what was asked for: {fallen_back}");
}

#[tokio::test]
async fn documented_filters_select_within_their_type() {
    let (client, ledger) = cainiao(|_| {});
    let (batches, channels) = (slice("STORE_1", "2", "1"), slice("STORE_1", "3", "1"));
    let key = by_slice(&ledger)[&batches]
        .iter()
        .map(|&row| ledger.key_text(row))
        .find(|key| key[4..7].iter().all(Option::is_some));
    let key: Vec<_> = key.unwrap().into_iter().map(Option::unwrap_or_default).collect();
    let total = async |slice: &Slice, name: &str, value: &str| page(&client, slice, 1, &[(name, value)]).await.1;
    assert_eq!(total(&batches, "item_id", &key[3]).await, 3);
    for (name, value) in [("batch_code", &key[4]), ("produce_date", &key[5]), ("due_date", &key[6])] {
        assert_eq!(total(&batches, name, value).await, 1, "{name}");
        let all = page(&client, &channels, 1, &[]).await.1;
        assert_eq!(total(&channels, name, value).await, all, "{name} means nothing for type 3");
    }
    let (tb, others) = (total(&channels, "channel_code", "TB").await, total(&channels, "channel_code", "OTHERS").await);
    assert_eq!(tb + others, by_slice(&ledger)[&channels].len() as u64);
}

#[tokio::test]
async fn a_filter_left_out_means_all_values_and_type_one() {
    let (client, ledger) = cainiao(|_| {});
    let count = |wanted: &[(&str, &str)]| {
        let fits = |row: &Row| wanted.iter().all(|(name, value)| ledger.slice(*row).value(name) == Some(value));
        ledger.rows().iter().filter(|row| fits(row)).count() as u64
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let store = Slice(vec![pair("store_code", "KJ-0003")]);
    assert_eq!(page(&client, &store, 1, &[]).await.1, count(&[("store_code", "KJ-0003"), ("type", "1")]));
    let kind = Slice(vec![pair("type", "3")]);
    assert_eq!(page(&client, &kind, 1, &[]).await.1, count(&[("type", "3")]));
}

#[tokio::test]
async fn edits_between_pages_change_quantities_and_shift_nothing() {
    let (client, ledger) = cainiao(|config| config.edits_per_page = 1.0);
    let slice = slice("STORE_1", "1", "1");
    let before = by_slice(&ledger)[&slice].clone();
    let ids = |records: &[Value]| records.iter().map(|record| record["item_id"].clone()).collect::<Vec<_>>();
    let (first, second) = (whole(&client, &slice).await, whole(&client, &slice).await);
    assert_eq!(ids(&first), ids(&second));
    assert!(first != second);
    let after = by_slice(&ledger)[&slice].clone();
    assert_eq!(before.iter().map(|row| row.id).collect::<Vec<_>>(), after.iter().map(|row| row.id).collect::<Vec<_>>());
    assert!(after.iter().any(|row| row.version > 0));
}

#[tokio::test]
async fn rows_vanish_and_appear_on_request() {
    let (client, ledger) = cainiao(|config| (config.edits_per_page, config.slice_churn) = (1.0, 0.5));
    let slice = slice("STORE_1", "1", "1");
    let before: BTreeSet<_> = ledger.rows().into_iter().map(|row| row.id).collect();
    let mut totals = BTreeSet::new();
    for _ in 0..30 {
        totals.insert(page(&client, &slice, 1, &[]).await.1);
    }
    let after: BTreeSet<_> = ledger.rows().into_iter().map(|row| row.id).collect();
    assert!(totals.len() > 2 && before.difference(&after).next().is_some(), "{totals:?}");
    let (client, ledger) = cainiao(|config| config.edits_per_page = 1.0);
    page(&client, &slice, 1, &[]).await;
    assert_eq!(ledger.rows().len(), ROWS as usize, "not by default");
}

#[tokio::test]
async fn rows_are_edited_added_deleted_and_restored_by_hand() {
    let (client, ledger) = cainiao(|_| {});
    let slice = slice("STORE_1", "1", "1");
    let before = whole(&client, &slice).await;
    let edited = ledger.edit(ROWS as usize);
    assert!(edited.iter().all(|row| row.version == 1));
    let quantities = |records: &[Value]| records.iter().map(|record| record["quantity"].clone()).collect::<Vec<_>>();
    assert_ne!(quantities(&before), quantities(&whole(&client, &slice).await));
    let gone = ledger.delete(1_000);
    let of_slice = |rows: &[Row]| rows.iter().filter(|row| ledger.slice(**row) == slice).count();
    assert_eq!(whole(&client, &slice).await.len(), before.len() - of_slice(&gone));
    assert!(of_slice(&gone) > 50);
    let back = ledger.restore(2_000);
    assert_eq!((back.len(), whole(&client, &slice).await.len()), (1_000, before.len()));
    let added = ledger.add(100);
    assert_eq!(whole(&client, &slice).await.len(), before.len() + of_slice(&added));
    let keys: BTreeSet<_> = ledger.rows().into_iter().map(|row| ledger.key_text(row)).collect();
    assert_eq!(keys.len(), ROWS as usize + 100);
}

#[tokio::test]
async fn without_a_stable_order_pages_lose_rows() {
    let (client, ledger) = cainiao(|config| config.order = PageOrder::ModifiedOnly);
    let slice = slice("STORE_1", "1", "1");
    let found: BTreeSet<_> = whole(&client, &slice).await.iter().map(|record| record["item_id"].to_string()).collect();
    assert!(found.len() < by_slice(&ledger)[&slice].len());
}

/// Trips when a list is not served from its description alone: the simulator does not name these two methods anywhere.
#[tokio::test]
async fn lists_of_places_are_one_slice_and_begin_with_the_places_rows_refer_to() {
    let client = start(|config| {
        config.rows = [("flagship_warehouses".to_owned(), 30), ("flagship_shops".to_owned(), 30)].into();
    });
    let lists = [("flagship_warehouses", "warehouse", "flagship_stock"), ("flagship_shops", "shop", "flagship_goods")];
    for (dataset, what, referring) in lists {
        let Some(endpoint) = endpoints::find(dataset) else { continue };
        let (id, no) = (format!("{what}_id"), format!("{what}_no"));
        let mut records = Vec::new();
        for page_no in 0..2 {
            let answer = client.ask(endpoint.method().name, (20, page_no, 1), &json!({})).await;
            assert_eq!(answer["data"]["total_count"], 30);
            records.extend(answer["data"]["details"].as_array().unwrap().clone());
        }
        let ledger = client.sim.ledger(dataset).unwrap();
        let expected: Vec<Value> =
            ledger.rows().into_iter().map(|row| serde_json::from_str(&ledger.record(row)).unwrap()).collect();
        assert_eq!(records, expected);
        assert!(ledger.rows().iter().all(|&row| ledger.slice(row) == Slice::default()));
        let keys: BTreeSet<_> = records.iter().map(|record| record[&id].as_i64().unwrap()).collect();
        assert_eq!(keys.len(), 30);
        let places: BTreeSet<_> =
            records.iter().map(|record| (record[&id].to_string(), record[&no].to_string())).collect();
        let referring = client.sim.ledger(referring).unwrap();
        for row in referring.rows() {
            let record: Value = serde_json::from_str(&referring.record(row)).unwrap();
            assert!(places.contains(&(record[&id].to_string(), record[&no].to_string())), "{record}");
        }
        let one = client.ask(endpoint.method().name, (20, 0, 1), &json!({ &no: records[7][&no] })).await;
        assert_eq!(one["data"]["details"], json!([records[7]]));
        let none = client.ask(endpoint.method().name, (20, 0, 1), &json!({ &no: "nowhere" })).await;
        assert_eq!((&none["status"], &none["data"]["total_count"]), (&json!(0), &json!(0)));
    }
}

#[tokio::test]
async fn a_list_without_a_window_can_be_bounded_by_its_last_change() {
    let client = start(|_| {});
    let ledger = client.sim.ledger("flagship_warehouses").unwrap();
    let at = ledger.rows()[400].modified;
    let expected = ledger.rows().iter().filter(|row| row.modified <= at).count();
    let named = json!({"end_time": wdt_models::time::format_wall_time(Seconds(at))});
    let answer = client.ask("setting.Warehouse.queryWarehouse", (10, 0, 1), &named).await;
    assert_eq!(answer["data"]["total_count"], expected);
    assert!((1..1000).contains(&expected));
    let answer = client.ask("setting.Warehouse.queryWarehouse", (10, 0, 1), &json!({"end_time": "soon"})).await;
    assert_eq!(answer["message"], "Unparseable date: \"soon\"");
}
