//! Windows, orders and pages.

use std::collections::BTreeSet;

use serde_json::Value;
use wdt_models::time::Seconds;
use wdt_models::{Window, time};
use wdt_sim::{PageOrder, WindowEnd};

use crate::{
    GOODS, NOW, STOCK,
    client::{Client, Params, everything, key, owned, page, records, start, total, window},
};

/// Every record of a window, forward.
async fn read(client: &Client, method: &str, params: Params, page_size: usize) -> Vec<Value> {
    let mut all = Vec::new();
    for page_no in 0.. {
        let answer = client.json(method, page(params.clone(), page_no, page_size)).await;
        let found = records(method, &answer);
        if found.is_empty() {
            break;
        }
        all.extend(found);
    }
    all
}

fn modified(record: &Value) -> i64 {
    time::parse_wall_time(record["modified"].as_str().unwrap()).unwrap().0
}

#[tokio::test]
async fn pages_together_are_the_ledger_in_strict_order() {
    let client = start(|config| config.rows = [("enterprise_stock".to_owned(), 250)].into());
    let all = read(&client, STOCK, everything(), 30).await;
    let mut expected = client.sim.ledger("enterprise_stock").unwrap().rows();
    expected.sort_by_key(|row| (row.modified, row.id));
    let ledger = client.sim.ledger("enterprise_stock").unwrap();
    let keys: Vec<_> = expected.iter().map(|&row| (row.modified, ledger.key(row))).collect();
    assert_eq!(all.iter().map(|record| (modified(record), key(STOCK, record))).collect::<Vec<_>>(), keys);
    let mut ids: Vec<_> = expected.iter().map(|&row| ledger.key(row)).collect();
    ids.sort_unstable();
    assert!(!ids.iter().map(|key| key[0].to_string()).is_sorted(), "as text it is another one");
    assert!(keys.is_sorted(), "the order of rows is the order of cursor and key as numbers");
    assert_eq!(keys.iter().map(|(_, key)| key).collect::<BTreeSet<_>>().len(), 250, "keys are unique");
    assert!(keys.windows(2).any(|pair| pair[0].0 == pair[1].0), "some rows share a second");
}

#[tokio::test]
async fn the_total_is_on_page_zero_only() {
    let client = start(|_| {});
    let first = client.json(GOODS, page(everything(), 0, 100)).await;
    let later = client.json(GOODS, page(everything(), 1, 100)).await;
    assert_eq!((total(&first), records(GOODS, &later).len()), (1000, 100));
    assert_eq!(later.get("total_count"), None);
}

#[tokio::test]
async fn default_page_sizes_differ_by_method() {
    let client = start(|_| {});
    assert_eq!(records(STOCK, &client.json(STOCK, everything()).await).len(), 40);
    assert_eq!(records(GOODS, &client.json(GOODS, everything()).await).len(), 30);
}

#[tokio::test]
async fn both_ends_belong_to_a_window_by_default() {
    for (end, expected) in [(WindowEnd::Closed, [1, 0, 1]), (WindowEnd::Open, [0, 0, 1])] {
        let client = start(|config| {
            config.rows = [("enterprise_stock".to_owned(), 1)].into();
            config.span = Some(Window::new(Seconds(NOW - 500), Seconds(NOW - 500)));
            config.end = end;
        });
        let at = NOW - 500;
        let mut found = Vec::new();
        for (first, last) in [(at - 9, at), (at - 9, at - 1), (at, at + 9)] {
            found.push(total(&client.json(STOCK, window(first, last)).await));
        }
        assert_eq!(found, expected, "{end:?}");
    }
}

#[tokio::test]
async fn filters_split_a_window_without_loss() {
    let client = start(|config| config.rows = [("enterprise_goods".to_owned(), 403)].into());
    let mut sum = 0;
    for shop in ["manmao2test", "0008", "抖音-01", "shop/4"] {
        let mut params = everything();
        params.push(("shop_no".to_owned(), shop.to_owned()));
        let all = read(&client, GOODS, params, 100).await;
        assert!(all.iter().all(|record| record["shop_no"] == shop));
        sum += all.len();
    }
    assert_eq!(sum, 403);
}

#[tokio::test]
async fn a_sku_is_found_without_a_window() {
    let client = start(|_| {});
    let ledger = client.sim.ledger("enterprise_stock").unwrap();
    let find = async |name, value| {
        let answer = client.json(STOCK, owned(&[(name, value)])).await;
        records(STOCK, &answer).iter().map(|record| key(STOCK, record)).collect::<BTreeSet<_>>()
    };
    let expected: BTreeSet<_> = (8..12).map(|id| ledger.key(ledger.rows()[id])).collect();
    assert_eq!(find("spec_no", "SKU0009952").await, expected);
    assert_eq!(find("barcode", "0690000009952").await, expected);
    assert_eq!(find("spec_no", "SKU18446744073709551615").await, BTreeSet::new());
    assert_eq!(find("spec_no", "nothing").await, BTreeSet::new());
    let mut one = owned(&[("spec_no", "SKU0009952")]);
    one.extend(owned(&[("warehouse_no", "0042")]));
    assert_eq!(total(&client.json(STOCK, one).await), 1);
}

#[tokio::test]
async fn a_warehouse_alone_means_the_last_hour() {
    let client = start(|config| config.span = Some(Window::new(Seconds(NOW - 7200), Seconds(NOW))));
    let answer = client.json(STOCK, page(owned(&[("warehouse_no", "WH-1")]), 0, 100)).await;
    let rows = client.sim.ledger("enterprise_stock").unwrap().rows();
    let expected = rows.iter().filter(|row| row.id % 4 == 0 && row.modified >= NOW - 3600).count();
    assert_eq!(total(&answer), expected as u64);
    assert!((1..250).contains(&expected));
}

#[tokio::test]
async fn other_orders_are_kept_or_not_as_asked() {
    let read_as = async |order| {
        let client = start(|config| {
            config.order = order;
            config.bulk_second = 150;
            config.rows = [("enterprise_goods".to_owned(), 300)].into();
        });
        let first = read(&client, GOODS, everything(), 100).await;
        let second = read(&client, GOODS, everything(), 100).await;
        let order =
            |all: &[Value]| all.iter().map(|record| (modified(record), key(GOODS, record)[0])).collect::<Vec<_>>();
        (order(&first), order(&second))
    };
    let (first, second) = read_as(PageOrder::Key).await;
    assert!(first.is_sorted_by_key(|row| row.1) && !first.is_sorted() && first == second);
    let (first, second) = read_as(PageOrder::Desc).await;
    assert!(first.iter().rev().is_sorted() && first == second);
    let (first, second) = read_as(PageOrder::ModifiedOnly).await;
    assert!(first.is_sorted_by_key(|row| row.0) && !first.is_sorted() && first != second);
    let distinct = first.iter().collect::<BTreeSet<_>>().len();
    assert!(distinct < 300, "a shuffled second of more than a page loses rows: {distinct}");
}

#[tokio::test]
async fn a_bulk_second_holds_more_than_a_page() {
    let client = start(|config| config.bulk_second = 130);
    let rows = client.sim.ledger("enterprise_stock").unwrap().rows();
    let at = rows[0].modified;
    assert_eq!(total(&client.json(STOCK, window(at, at)).await), 130);
}

#[tokio::test]
async fn a_hundred_thousand_rows_are_a_thousand_pages() {
    let client = start(|config| config.rows = [("enterprise_stock".to_owned(), 100_000)].into());
    assert_eq!(total(&client.json(STOCK, page(everything(), 0, 100)).await), 100_000);
    let mut seen = vec![false; 100_000];
    let mut reads = 0;
    for page_no in 0..1000 {
        let body = client.bytes(STOCK, page(everything(), page_no, 100)).await;
        for name in String::from_utf8(body).unwrap().split("\"spec_id\":\"").skip(1) {
            let number = |text: &str| text.split('"').next().unwrap().to_owned();
            let spec: usize = number(name).parse().unwrap();
            let warehouse = number(name.split("\"warehouse_id\":\"").nth(1).unwrap());
            let warehouse = ["7", "12", "67", "101"].iter().position(|id| *id == warehouse).unwrap();
            seen[(spec - 9_950) * 4 + warehouse] = true;
            reads += 1;
        }
    }
    assert_eq!((reads, seen.iter().filter(|&&seen| seen).count()), (100_000, 100_000));
    assert!(records(STOCK, &client.json(STOCK, page(everything(), 1000, 100)).await).is_empty());
}
