//! `flagship_stock_sync`: a list of ids, each answered with a row or refused by the platform itself.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use wdt_etl::pipeline::{Order, Verdict};
use wdt_models::endpoints::FLAGSHIP_STOCK_SYNC;
use wdt_sim::Fault;
use wdt_sim::form::IdsForm;

use crate::datasets::ROWS;
use crate::support;
use crate::world::{BETWEEN, World, assert_same_rows, numbers, only, sorted, table, without};

const BOTH: [&str; 2] = ["flagship_goods", "flagship_stock_sync"];
const SYNC: [&str; 1] = ["flagship_stock_sync"];

/// A list of ids in place of the goods.
fn list_ids(world: &World, ids: &str) {
    let name = "name = \"flagship_stock_sync\"\n";
    world.edit_config(name, &format!("{name}rec_ids = [{ids}]\n"));
}

/// Ids of the rows in the table, whether or not they are marked as deleted.
async fn landed(world: &World) -> BTreeSet<i64> {
    let rows = table(&world.warehouse(), "flagship_stock_sync").await;
    numbers(&rows, "rec_id").into_iter().flatten().collect()
}

/// The records in quarantine that the platform refuses itself, of one run.
fn refused_upstream(world: &World, run: &str) -> Vec<Map<String, Value>> {
    let rows = support::rows(&world.warehouse().join("etl_quarantine"));
    rows.into_iter().filter(|row| row["run_id"] == run && row["reason"] == "refused_upstream").collect()
}

/// The id in a quarantined record.
fn id(row: &Map<String, Value>) -> i64 {
    let record: Value = serde_json::from_str(row["record"].as_str().unwrap()).unwrap();
    record["rec_id"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_the_platform_refuses_are_on_record_and_cost_no_row() {
    let world = World::of_all_gateways(&ROWS, |sim| sim.stopped_goods = 8);
    world.edit_config("[run]\n", "[run]\nquarantine_limit = \"0%\"\n");
    let first = world.run_of("first", &BOTH).await;
    let stopped = first.datasets[1].sums.refused_upstream;
    assert!(stopped > 3, "{first:?}");
    assert_eq!((first.datasets[1].sums.refused, first.datasets[1].verdict), (0, Verdict::Landed));
    let refused: BTreeSet<i64> = refused_upstream(&world, "first").iter().map(id).collect();
    assert_eq!(refused.len() as u64, stopped);
    assert!(refused.is_disjoint(&landed(&world).await));
    assert_eq!(first.datasets[1].sums.records, landed(&world).await.len() as u64 + stopped, "each id is accounted for");
    world.assert_is_the_erp(&FLAGSHIP_STOCK_SYNC).await;

    // goods that are gone from the ERP stand in the table of goods all the same: the platform refuses them now
    let before = sorted(&table(&world.warehouse(), "flagship_stock_sync").await, &["rec_id"]);
    world.sim.ledger("flagship_goods").unwrap().delete(30);
    world.clock.advance(BETWEEN);
    let second = world.run_of("second", &BOTH).await;
    let gone: BTreeSet<i64> = refused_upstream(&world, "second").iter().map(id).collect();
    assert!(gone.is_superset(&refused) && gone.len() > refused.len() + 5, "{gone:?}");
    assert_eq!((second.datasets[1].sums.deleted, second.datasets[1].sums.changed), (0, 0), "{second:?}");
    let after = sorted(&table(&world.warehouse(), "flagship_stock_sync").await, &["rec_id"]);
    assert_eq!(after, before, "their rows stay as they are");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_envelopes_give_the_same_rows() {
    for form in [IdsForm::UnderData, IdsForm::TopLevel] {
        let world = World::of_all_gateways(&ROWS, |sim| sim.forms.ids = form);
        let outcome = world.run_of("only", &BOTH).await;
        assert!(
            outcome.datasets[1].sums.refused_upstream > 0 && outcome.datasets[1].sums.changed > 90,
            "{form:?} {outcome:?}"
        );
        world.assert_is_the_erp(&FLAGSHIP_STOCK_SYNC).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_by_one_and_all_at_once_give_the_same_rows() {
    let world = World::of_all_gateways(&ROWS, |_| {});
    world.run_of("batch", &BOTH).await;
    let batch = sorted(&table(&world.warehouse(), "flagship_stock_sync").await, &["rec_id"]);
    let refused: BTreeSet<i64> = refused_upstream(&world, "batch").iter().map(id).collect();
    world.edit_config("url = \"warehouse\"", "url = \"other\"");
    let name = "name = \"flagship_stock_sync\"\n";
    world.edit_config(name, &format!("{name}method = \"sales.StockSync.calcStock\"\n"));
    let (calls, outcome) = (world.sim.call_count(), world.run_of("single", &BOTH).await);
    let single = table(&world.folder.path().join("other"), "flagship_stock_sync").await;
    let asked = world.sim.calls().into_iter().filter(|call| call.number > calls);
    let asked = asked.filter(|call| call.method == "sales.StockSync.calcStock").count();
    assert_eq!(asked, batch.num_rows() + refused.len(), "a call for each id");
    assert_eq!(outcome.datasets[1].sums.refused_upstream, refused.len() as u64);
    // two members stand in the vendor's example of the list form only
    let batch = without(&batch, &["_wdt_pulled_at", "_wdt_run_id", "area_stock", "stock_syn_high_frequency"]);
    assert_same_rows(&sorted(&single, &["rec_id"]), &batch, "flagship_stock_sync");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_landed_ids_serve_when_the_goods_fail() {
    let world = World::of_all_gateways(&ROWS, |_| {});
    world.run_of("first", &BOTH).await;
    let goods = table(&world.warehouse(), "flagship_goods").await;
    world.sim.ledger("flagship_stock_sync").unwrap().edit(40);
    world.sim.ledger("flagship_goods").unwrap().add(60);
    world.clock.advance(BETWEEN);
    world.sim.inject(Fault::platform("100", "无店铺权限"));
    let second = world.try_run("second", &BOTH).await;
    assert_eq!(second.exit_code(), 3, "{second:?}");
    assert_eq!((second.datasets[0].dataset, second.datasets[0].exit_code()), ("flagship_goods", 3));
    assert_eq!((second.datasets[1].verdict, second.datasets[1].exit_code()), (Verdict::Landed, 0));
    assert_eq!(second.datasets[1].sums.changed, 40, "{second:?}");
    assert_eq!(table(&world.warehouse(), "flagship_goods").await, goods);
    // once the goods land again, so do the new ids: in the same run, which lands the goods first
    world.clock.advance(BETWEEN);
    let third = world.run_of("third", &BOTH).await;
    assert!(third.datasets[1].sums.changed > 20, "{third:?}");
    world.assert_is_the_erp(&FLAGSHIP_STOCK_SYNC).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_landed_goods_are_no_call_and_no_fault() {
    let world = World::of_all_gateways(&ROWS, |_| {});
    let outcome = world.run_of("only", &SYNC).await;
    assert_eq!((outcome.datasets[0].verdict, outcome.datasets[0].sums.calls), (Verdict::NothingDue, 0));
    assert_eq!(world.sim.call_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_the_configuration_are_asked_for_and_no_others() {
    let world = World::of_all_gateways(&ROWS, |sim| sim.stopped_goods = 0);
    let ledger = world.sim.ledger("flagship_stock_sync").unwrap();
    let some: Vec<i64> = ledger.rows().into_iter().take(5).map(|row| ledger.key(row)[0]).collect();
    let listed = some.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    list_ids(&world, &listed);
    world.run_of("first", &SYNC).await;
    assert_eq!(world.sim.call_count(), 1);
    assert_eq!(landed(&world).await, some.iter().copied().collect());

    // another list is another question: its rows must not be taken for those of the first
    let text = std::fs::read_to_string(world.config_path()).unwrap();
    std::fs::write(world.config_path(), text.replace(&listed, &format!("{listed}, 1"))).unwrap();
    let options = Order { select: only(&[SYNC[0]]), ..Order::default() };
    let refused = wdt_etl::pipeline::run(&world.config(), &options, &world.surroundings("second")).await;
    let error = refused.expect_err("the ids changed");
    assert_eq!(error.exit_code(), 2, "{error}");
    assert!(error.to_string().contains("account `flagship`, dataset `flagship_stock_sync`"), "{error}");
    assert!(error.hint().is_some());
    assert_eq!(world.sim.call_count(), 1, "no call is made");

    // in another order it is the same list
    let reversed = some.iter().rev().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    std::fs::write(world.config_path(), text.replace(&listed, &reversed)).unwrap();
    world.run_of("third", &SYNC).await;
}
