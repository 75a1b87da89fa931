//! Snapshots: rows that vanish, come back and move, slices that cannot be proven, answers that are none, crashes and rivals.

mod crash;
mod faults;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use wdt_etl::pipeline::{Order, Select};
use wdt_models::{Endpoint, Slice, SyncMode, endpoints};
use wdt_sim::Row as ErpRow;

use crate::support;
use crate::world::{BETWEEN, STORES, World};

/// The datasets of slices, and of whole lists.
const SNAPSHOTS: [&str; 3] = ["cainiao_inventory", "flagship_warehouses", "flagship_shops"];
/// Enough for several pages in the first slice and a row or more in each other one.
const ROWS: [(&str, u32); 3] = [("cainiao_inventory", 378), ("flagship_warehouses", 12), ("flagship_shops", 9)];

type Row = Map<String, Value>;
/// A row's key, as JSON texts.
type Key = Vec<String>;

fn world() -> World {
    World::of_all_gateways(&ROWS, |_| {})
}

fn rows(world: &World, name: &str) -> Vec<Row> {
    support::rows(&world.warehouse().join(name))
}

fn key(row: &Row, endpoint: &Endpoint) -> Key {
    endpoint.key.iter().map(|name| row[*name].to_string()).collect()
}

/// The rows of a current table by key; no key stands twice.
fn current(world: &World, dataset: &str) -> BTreeMap<Key, Row> {
    let endpoint = endpoints::find(dataset).unwrap();
    let rows = rows(world, dataset);
    let count = rows.len();
    let by_key: BTreeMap<Key, Row> = rows.into_iter().map(|row| (key(&row, endpoint), row)).collect();
    assert_eq!(by_key.len(), count, "{dataset}: a key stands twice");
    by_key
}

/// The keys of a current table's rows that are not marked as deleted.
fn standing(world: &World, dataset: &str) -> BTreeSet<Key> {
    let rows = current(world, dataset).into_iter();
    rows.filter(|(_, row)| row["_wdt_deleted_at"].is_null()).map(|(key, _)| key).collect()
}

/// The keys of the rows that the ERP has and the configuration asks for.
fn erp_keys(world: &World, dataset: &str) -> BTreeSet<Key> {
    let endpoint = endpoints::find(dataset).unwrap();
    let ledger = world.sim.ledger(dataset).unwrap();
    let asked: BTreeSet<Slice> = asked(world, dataset).into_iter().collect();
    let rows: Vec<ErpRow> = ledger.rows().into_iter().filter(|row| asked.contains(&ledger.slice(*row))).collect();
    let text = |name: &str, cell: Option<String>| match cell {
        None => Value::Null,
        Some(text) if is_number(endpoint, name) => Value::from(text.parse::<i64>().unwrap()),
        Some(text) => Value::from(text),
    };
    let key = |row: &ErpRow| {
        let cells = endpoint.key.iter().zip(ledger.key_text(*row));
        cells.map(|(name, cell)| text(name, cell).to_string()).collect()
    };
    rows.iter().map(key).collect()
}

fn is_number(endpoint: &Endpoint, name: &str) -> bool {
    endpoint.fields.iter().any(|field| field.name == name && field.kind == wdt_models::Kind::Int)
}

/// The slices that the configuration asks for; the whole list is the empty one.
fn asked(world: &World, dataset: &str) -> Vec<Slice> {
    let config = world.config();
    let selected = config.select(&[], &[dataset.to_owned()]).unwrap();
    match selected[0].1.endpoint.sync {
        SyncMode::Slices([]) => vec![Slice::default()],
        _ => selected[0].1.slices.clone(),
    }
}

/// Rows that a run logged, of one kind, by key; none twice.
fn logged(world: &World, dataset: &str, run: &str, op: &str) -> BTreeMap<Key, Row> {
    let endpoint = endpoints::find(dataset).unwrap();
    let rows = rows(world, &format!("{dataset}_history")).into_iter();
    let rows: Vec<Row> = rows.filter(|row| row["_wdt_run_id"] == run && row["_wdt_op"] == op).collect();
    let count = rows.len();
    let by_key: BTreeMap<Key, Row> = rows.into_iter().map(|row| (key(&row, endpoint), row)).collect();
    assert_eq!(by_key.len(), count, "{dataset}: a row is logged twice by {run}");
    by_key
}

/// The documented columns of a row.
fn documented(row: &Row, endpoint: &Endpoint) -> Vec<Value> {
    endpoint.fields.iter().map(|field| row[field.name].clone()).collect()
}

/// Every snapshot as the ERP is, after a run that must succeed.
async fn night(world: &World, run: &str) {
    world.clock.advance(BETWEEN);
    world.run_of(run, &SNAPSHOTS).await;
    for dataset in SNAPSHOTS {
        world.assert_is_the_erp(endpoints::find(dataset).unwrap()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_vanish_are_marked_and_logged_once_and_rows_that_return_are_not() {
    let world = world();
    night(&world, "first").await;
    let before: BTreeMap<_, _> = SNAPSHOTS.map(|dataset| (dataset, current(&world, dataset))).into();
    for (dataset, count) in SNAPSHOTS.into_iter().zip([120, 4, 3]) {
        world.sim.ledger(dataset).unwrap().delete(count);
    }
    night(&world, "second").await;
    for dataset in SNAPSHOTS {
        let gone: BTreeSet<Key> = before[dataset].keys().cloned().collect();
        let gone: BTreeSet<Key> = gone.difference(&erp_keys(&world, dataset)).cloned().collect();
        assert!(gone.len() >= 3, "{dataset}: {gone:?}");
        assert_gone(&world, dataset, "second", &before[dataset], &gone);
    }
    // another night says nothing of them again
    night(&world, "third").await;
    for dataset in SNAPSHOTS {
        assert!(logged(&world, dataset, "third", "delete").is_empty(), "{dataset}");
        assert!(logged(&world, dataset, "third", "upsert").is_empty(), "{dataset}");
        world.sim.ledger(dataset).unwrap().restore(usize::MAX);
    }
    let marked: BTreeMap<_, _> = SNAPSHOTS.map(|dataset| (dataset, standing(&world, dataset))).into();
    night(&world, "fourth").await;
    for dataset in SNAPSHOTS {
        let back: BTreeSet<Key> = standing(&world, dataset).difference(&marked[dataset]).cloned().collect();
        assert_eq!(standing(&world, dataset).len(), before[dataset].len(), "{dataset}");
        let upserts: BTreeSet<Key> = logged(&world, dataset, "fourth", "upsert").into_keys().collect();
        assert_eq!(upserts, back, "{dataset}: each that returned is logged, and no other");
        assert!(logged(&world, dataset, "fourth", "delete").is_empty(), "{dataset}");
    }
}

/// The rows that are gone are marked and logged whole, the others stand untouched.
fn assert_gone(world: &World, dataset: &str, run: &str, before: &BTreeMap<Key, Row>, gone: &BTreeSet<Key>) {
    let endpoint = endpoints::find(dataset).unwrap();
    let after = current(world, dataset);
    let deletes = logged(world, dataset, run, "delete");
    assert_eq!(&deletes.keys().cloned().collect::<BTreeSet<_>>(), gone, "{dataset}");
    assert!(logged(world, dataset, run, "upsert").is_empty(), "{dataset}");
    for (key, row) in before {
        if !gone.contains(key) {
            assert_eq!(&after[key], row, "{dataset}: a row that is there is left alone");
            continue;
        }
        assert_eq!(documented(&after[key], endpoint), documented(row, endpoint), "{dataset}: it keeps its cells");
        assert_eq!(documented(&deletes[key], endpoint), documented(row, endpoint), "{dataset}: they are in the log");
        assert_eq!(after[key]["_wdt_deleted_at"], deletes[key]["_wdt_pulled_at"], "{dataset}");
        assert!(after[key]["_wdt_deleted_at"].as_str() > row["_wdt_pulled_at"].as_str(), "{dataset}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_move_between_slices_leave_one_and_enter_the_other() {
    let world = world();
    let ledger = world.sim.ledger("cainiao_inventory").unwrap();
    ledger.delete(190);
    night(&world, "first").await;
    let before = standing(&world, "cainiao_inventory");
    // the half that was there goes, the rows of the lowest numbers come: of some items the state of the stock changed
    ledger.delete(usize::MAX);
    ledger.restore(188);
    night(&world, "second").await;
    let after = standing(&world, "cainiao_inventory");
    let left: BTreeSet<Key> = before.difference(&after).cloned().collect();
    let came: BTreeSet<Key> = after.difference(&before).cloned().collect();
    assert_eq!(logged(&world, "cainiao_inventory", "second", "delete").into_keys().collect::<BTreeSet<_>>(), left);
    let upserts: BTreeSet<Key> = logged(&world, "cainiao_inventory", "second", "upsert").into_keys().collect();
    assert!(upserts.is_superset(&came), "{came:?}");
    // of a key the first column is the store, the third the state, the fourth the item
    let item = |key: &Key| (key[0].clone(), key[3].clone());
    let moved: BTreeSet<_> = left.iter().map(item).filter(|gone| came.iter().any(|key| item(key) == *gone)).collect();
    assert!(moved.len() >= 3, "only {moved:?} moved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slice_that_vanishes_whole_is_believed_at_the_second_look() {
    let world = world();
    night(&world, "first").await;
    for dataset in SNAPSHOTS {
        world.sim.ledger(dataset).unwrap().delete(usize::MAX);
    }
    let calls = world.sim.call_count();
    night(&world, "second").await;
    // twelve slices and two whole lists, all with rows before
    assert_eq!(world.sim.call_count() - calls, 2 * (12 + 2));
    for dataset in SNAPSHOTS {
        assert!(standing(&world, dataset).is_empty(), "{dataset}");
        assert_eq!(logged(&world, dataset, "second", "delete").len(), current(&world, dataset).len(), "{dataset}");
    }
    let calls = world.sim.call_count();
    night(&world, "third").await;
    assert_eq!(world.sim.call_count() - calls, 12 + 2, "where nothing stood one look is enough");
    for dataset in SNAPSHOTS {
        world.sim.ledger(dataset).unwrap().restore(usize::MAX);
    }
    night(&world, "fourth").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_land_each_change_of_a_snapshot_once() {
    let world = world();
    for (night, change) in ["a", "b"].into_iter().zip([0, 60]) {
        let gone = world.sim.ledger("cainiao_inventory").unwrap().delete(change).len();
        world.sim.ledger("flagship_shops").unwrap().edit(gone.min(4));
        world.clock.advance(60);
        let (one, other) = (format!("one-{night}"), format!("other-{night}"));
        tokio::join!(world.run_of(&one, &SNAPSHOTS), world.run_of(&other, &SNAPSHOTS));
        for dataset in SNAPSHOTS {
            world.assert_is_the_erp(endpoints::find(dataset).unwrap()).await;
            let by_one = logged(&world, dataset, &one, "delete");
            let by_other = logged(&world, dataset, &other, "delete");
            assert!(by_one.keys().all(|key| !by_other.contains_key(key)), "{dataset}: deleted twice");
        }
    }
    let history = rows(&world, "cainiao_inventory_history");
    let count = |op: &str| history.iter().filter(|row| row["_wdt_op"] == op).count();
    let current = current(&world, "cainiao_inventory");
    let gone = current.values().filter(|row| !row["_wdt_deleted_at"].is_null()).count();
    assert_eq!((count("upsert"), count("delete")), (current.len(), gone), "nothing is lost and nothing doubled");
    assert!(gone > 10, "{gone}");
}

/// The platform's clock is known to a second: a reading within it must not pass for one that a rival has overtaken.
#[tokio::test(flavor = "multi_thread")]
async fn two_readings_of_one_moment_are_both_landed() {
    let world = world();
    world.clock.stop();
    world.run_of("first", &SNAPSHOTS).await;
    for dataset in SNAPSHOTS {
        world.sim.ledger(dataset).unwrap().delete(9);
    }
    world.run_of("second", &SNAPSHOTS).await;
    for dataset in SNAPSHOTS {
        world.assert_is_the_erp(endpoints::find(dataset).unwrap()).await;
    }
}

/// Two accounts have rows of the same slices: each has its own.
#[tokio::test(flavor = "multi_thread")]
async fn rows_of_another_account_are_left_alone() {
    let world = world();
    let text = std::fs::read_to_string(world.config_path()).unwrap();
    let section = text.split("[[accounts]]").last().unwrap().replace("name = \"top\"", "name = \"top2\"");
    std::fs::write(world.config_path(), format!("{text}\n[[accounts]]{section}")).unwrap();
    let of = |account: &str| -> Vec<Row> {
        let mut rows = rows(&world, "cainiao_inventory");
        rows.retain(|row| row["account"] == account);
        rows.sort_by_key(|row| serde_json::to_string(row).unwrap());
        rows
    };
    world.run_of("first", &["cainiao_inventory"]).await;
    let before = of("top2");
    assert!(!before.is_empty());
    world.sim.ledger("cainiao_inventory").unwrap().delete(usize::MAX);
    world.clock.advance(BETWEEN);
    let (accounts, datasets) = (vec!["top".to_owned()], vec!["cainiao_inventory".to_owned()]);
    let order = Order { select: Select { accounts, datasets }, ..Order::default() };
    world.run("second", &order).await;
    assert_eq!(of("top2"), before);
    assert!(of("top").iter().all(|row| !row["_wdt_deleted_at"].is_null()));
    let deleted = logged(&world, "cainiao_inventory", "second", "delete");
    assert_eq!(deleted.len(), before.len(), "the rows of one account are gone, and logged once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_added_is_read_and_one_that_is_taken_away_keeps_its_rows() {
    let world = world();
    let inventory = ["cainiao_inventory"];
    let endpoint = endpoints::find(inventory[0]).unwrap();
    world.edit_config(STORES, "[\"STORE_1\"]");
    world.run_of("first", &inventory).await;
    world.assert_is_the_erp(endpoint).await;
    let first = standing(&world, inventory[0]);
    world.edit_config("stores = [\"STORE_1\"]", &format!("stores = {STORES}"));
    world.clock.advance(BETWEEN);
    world.run_of("added", &inventory).await;
    world.assert_is_the_erp(endpoint).await;
    let both = standing(&world, inventory[0]);
    assert!(both.len() > first.len() && both.is_superset(&first));
    world.edit_config(STORES, "[\"STORE_2\"]");
    world.sim.ledger(inventory[0]).unwrap().delete(usize::MAX);
    world.clock.advance(BETWEEN);
    world.run_of("taken away", &inventory).await;
    assert_eq!(standing(&world, inventory[0]), first, "nobody looks at them, so nobody says that they are gone");
}
