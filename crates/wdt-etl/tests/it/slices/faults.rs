//! What may go wrong while a snapshot is read: then the rows of that slice stay, and the other slices land.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wdt_models::Gateway;
use wdt_models::endpoints::{CAINIAO_INVENTORY, FLAGSHIP_SHOPS};
use wdt_sim::Fault;

use super::{Key, Row, current, erp_keys, logged, night, rows, standing, world};
use crate::world::{BETWEEN, STORES, World};

const CAINIAO: [&str; 1] = ["cainiao_inventory"];

/// One call at a time, in an order that is always the same; the slice that is asked for first has one page.
fn one_by_one() -> World {
    let world = world();
    world.edit_config("[run]\n", "[run]\nconcurrency = 1\n");
    world.edit_config(STORES, "[\"STORE_2\", \"STORE_1\"]");
    world
}

/// The keys of a slice among others.
fn of_slice(keys: &BTreeSet<Key>, store: &str, state: &str) -> BTreeSet<Key> {
    keys.iter().filter(|key| key[0] == format!("\"{store}\"") && key[2] == state).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slice_whose_total_lies_keeps_its_rows_while_the_others_land() {
    let world = one_by_one();
    night(&world, "first").await;
    let before = current(&world, "cainiao_inventory");
    world.sim.ledger("cainiao_inventory").unwrap().delete(120);
    world.sim.ledger("cainiao_inventory").unwrap().edit(120);
    // four slices are under way at once: the first one's three readings are the first, fifth and sixth call
    let base = world.sim.call_count();
    world.script.set(move |number| [1, 5, 6].contains(&(number - base)).then_some(Fault::LyingTotal(1)));
    world.clock.advance(BETWEEN);
    let second = world.try_run("second", &CAINIAO).await;
    let lied: Vec<_> = world.sim.calls().into_iter().filter(|call| call.fault.is_some()).collect();
    let asked: BTreeSet<_> = lied.iter().map(|call| (call.param("store_code"), call.param("inventory_type"))).collect();
    assert_eq!((lied.len(), asked), (3, [(Some("STORE_2"), Some("1"))].into()), "the lies hit one slice alone");

    assert_eq!(second.exit_code(), 5, "{second:?}");
    let message = &second.datasets[0].problem.as_ref().unwrap().message;
    assert!(message.contains("slice store_code=STORE_2 type=1 inventory_type=1"), "{message}");
    let after = current(&world, "cainiao_inventory");
    let (all, erp) = (before.keys().cloned().collect(), erp_keys(&world, "cainiao_inventory"));
    let stayed = of_slice(&all, "STORE_2", "1");
    assert!(!stayed.is_empty() && !stayed.is_subset(&erp), "something was due in it");
    assert!(stayed.iter().all(|key| after[key] == before[key]), "not a row of it changed");
    let now = standing(&world, "cainiao_inventory");
    let others: BTreeSet<Key> = erp.difference(&stayed).cloned().collect();
    assert_eq!(now.difference(&stayed).cloned().collect::<BTreeSet<_>>(), others, "the others landed");
    let certificates = rows(&world, "etl_windows");
    let uncertified: Vec<_> = certificates.iter().filter(|row| row["verdict"] == "uncertified").collect();
    assert_eq!(uncertified.len(), 1);
    let row = uncertified[0];
    assert_eq!(row["slice"], "store_code=STORE_2 type=1 inventory_type=1");
    assert_eq!((&row["run_id"], &row["attempts"]), (&"second".into(), &3.into()));
    assert_eq!((&row["window_start"], &row["table_version"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    let certified = certificates.iter().filter(|row| row["run_id"] == "second" && row["verdict"] == "certified");
    assert_eq!(certified.count(), 11);

    world.script.end();
    night(&world, "third").await;
    let caught_up: BTreeSet<Key> = logged(&world, "cainiao_inventory", "third", "delete").into_keys().collect();
    assert_eq!(
        caught_up,
        stayed.difference(&erp).cloned().collect(),
        "the next run catches up on that slice, and only it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slice_that_never_stands_still_keeps_its_rows() {
    let world = one_by_one();
    // the first slice of the other store has four pages then, each other one a single page
    world.edit_config("name = \"cainiao_inventory\"\n", "name = \"cainiao_inventory\"\npage_size = 20\n");
    night(&world, "first").await;
    let before = current(&world, "cainiao_inventory");
    let ledger = world.sim.ledger("cainiao_inventory").unwrap();
    // each call finds a few rows less than the one before
    world.script.set(move |_| {
        ledger.delete(8);
        None
    });
    world.clock.advance(BETWEEN);
    let second = world.try_run("second", &CAINIAO).await;
    assert_eq!(second.exit_code(), 5, "{second:?}");
    let after = current(&world, "cainiao_inventory");
    let all = before.keys().cloned().collect();
    let moving = of_slice(&all, "STORE_1", "1");
    assert_eq!(moving.len(), 64);
    assert!(moving.iter().all(|key| after[key] == before[key]), "not a row of it changed");
    let problem = second.datasets[0].problem.as_ref().unwrap();
    assert!(problem.message.contains("slice store_code=STORE_1 type=1 inventory_type=1"), "{problem:?}");
    assert!(!logged(&world, "cainiao_inventory", "second", "delete").is_empty(), "other slices landed");
    world.script.end();
    night(&world, "third").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_none_deletes_no_row() {
    let error = |code: &str, sub_code: &str, message: &str| Fault::Platform {
        code: code.to_owned(),
        sub_code: sub_code.to_owned(),
        message: message.to_owned(),
    };
    let cases = [
        ("wl_success is false", error("B3098093", "", "wrong")),
        ("wl_success is false and nothing more", error("", "", "")),
        ("error_response", error("15", "isv.item-not-exist", "商品不存在")),
        ("a page of a proxy", Fault::Html),
        ("half a page", Fault::CutJson),
        ("no total", Fault::NoTotal),
        ("a total of nothing", Fault::LyingTotal(-1_000_000)),
        ("a bad gateway", Fault::Status(502)),
    ];
    let world = one_by_one();
    world.edit_config("[\"STORE_2\", \"STORE_1\"]", "[\"STORE_2\"]");
    world.run_of("first", &CAINIAO).await;
    let ledger = world.sim.ledger("cainiao_inventory").unwrap();
    for (case, fault) in cases {
        let before = standing(&world, "cainiao_inventory");
        ledger.delete(200);
        // the first slice is answered well, and nothing after it
        let base = world.sim.call_count();
        world.script.set(move |number| Some(fault.clone()).filter(|_| number > base + 1));
        world.clock.advance(BETWEEN);
        let second = world.try_run(case, &CAINIAO).await;
        assert!([2, 4, 5].contains(&second.exit_code()), "{case}: {second:?}");
        let (after, erp) = (standing(&world, "cainiao_inventory"), erp_keys(&world, "cainiao_inventory"));
        let (mut old, mut new) = (0, 0);
        for slice in super::asked(&world, "cainiao_inventory") {
            let (store, state) = (slice.value("store_code").unwrap(), slice.value("inventory_type").unwrap());
            let [before, after, erp] = [&before, &after, &erp].map(|keys| of_slice(keys, store, state));
            assert!(after == before || after == erp, "{case}: {slice} is half old and half new");
            old += usize::from(after != erp);
            new += usize::from(after != before);
        }
        assert!(new <= 1 && old >= 3, "{case}: {new} new and {old} old slices");
        world.script.end();
        ledger.restore(usize::MAX);
        // a reading of the same second may pass for the one before
        world.clock.advance(BETWEEN);
        world.run_of("back", &CAINIAO).await;
        world.assert_is_the_erp(&CAINIAO_INVENTORY).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_success_that_no_second_one_confirms_deletes_no_row() {
    let world = world();
    world.edit_config("[run]\n", "[run]\nconcurrency = 1\n");
    night(&world, "first").await;
    let ledger = world.sim.ledger("flagship_shops").unwrap();
    let calls = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&calls);
    // the first look finds no shop, the second finds them all again
    world.script.set(move |_| {
        match count.fetch_add(1, Ordering::SeqCst) {
            0 => drop(ledger.delete(usize::MAX)),
            _ => drop(ledger.restore(usize::MAX)),
        }
        None
    });
    world.clock.advance(BETWEEN);
    let second = world.run_of("second", &["flagship_shops"]).await;
    assert_eq!(calls.load(Ordering::SeqCst), 3, "empty, not empty, and a third that proves itself");
    assert_eq!((second.datasets[0].sums.deleted, second.datasets[0].sums.records), (0, 9), "{second:?}");
    assert!(logged(&world, "flagship_shops", "second", "delete").is_empty());
    world.assert_is_the_erp(&FLAGSHIP_SHOPS).await;
}

/// Refused records are there: their rows are not gone, and stay as they were.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_can_no_longer_be_typed_keeps_its_row() {
    let world = world();
    world.edit_config("[run]\n", "[run]\nquarantine_limit = \"50%\"\n");
    world.run_of("first", &CAINIAO).await;
    let before = current(&world, "cainiao_inventory");
    // the same ERP, whose first rows have a quantity that is none from now on
    let changed = World::of_all_gateways(&super::ROWS, |sim| sim.refused_rows = 20);
    world.edit_config(&world.sim.base_url(Gateway::Top), &changed.sim.base_url(Gateway::Top));
    for clock in [&world.clock, &changed.clock] {
        clock.advance(BETWEEN);
    }
    let second = world.run_of("second", &CAINIAO).await;
    let refused = second.datasets[0].sums.refused;
    assert!(refused > 5, "{second:?}");
    assert_eq!((second.datasets[0].sums.deleted, second.datasets[0].sums.changed), (0, 0), "{second:?}");
    assert_eq!(second.datasets[0].sums.records, before.len() as u64, "they count as read");
    assert_eq!(current(&world, "cainiao_inventory"), before);
    let quarantined = rows(&world, "etl_quarantine");
    assert_eq!(quarantined.len() as u64, refused);
    let slice = |row: &Row| row["slice"].as_str().is_some_and(|slice| slice.starts_with("store_code=STORE_"));
    assert!(quarantined.iter().all(|row| slice(row) && row["window_start"].is_null()), "{quarantined:?}");
}
