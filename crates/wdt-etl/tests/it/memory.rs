//! A warehouse in memory, and one of plain Parquet, end up as one in a folder of Delta tables does.

use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use wdt_etl::pipeline::{Order, run};
use wdt_models::{Endpoint, endpoints};
use wdt_warehouse::{Warehouse, contents};

use crate::world::{BETWEEN, World, assert_same_rows, only, sorted, standing, without};

/// One of each kind: windows of two gateways, a snapshot of slices, a whole list.
const DATASETS: [&str; 4] = ["enterprise_stock", "flagship_stock", "cainiao_inventory", "flagship_warehouses"];
/// The two warehouses are filled one after the other: the platform's clock goes on meanwhile.
const TIME: &[&str] = &["_wdt_pulled_at", "dt"];

/// Rows of a history in an order that both warehouses share.
async fn history(warehouse: &Warehouse, endpoint: &Endpoint) -> RecordBatch {
    let changes = contents::changes(warehouse, &format!("{}_history", endpoint.dataset), 0).await.unwrap();
    let batches: Vec<RecordBatch> = changes.into_iter().flat_map(|(_, batches)| batches).collect();
    let rows = concat_batches(&batches[0].schema(), &batches).unwrap();
    sorted(&rows, &[&["_wdt_run_id", "_wdt_op"], endpoint.key].concat())
}

#[tokio::test]
async fn nights_in_memory_and_on_parquet_land_what_nights_on_delta_do() {
    let world = World::of_all_gateways(&[("enterprise_stock", 60), ("flagship_stock", 60)], |_| {});
    let folder = Warehouse::delta(world.warehouse().to_str().unwrap()).unwrap();
    let parquet = Warehouse::parquet(world.folder.path().join("parquet").to_str().unwrap()).unwrap();
    let others = [Warehouse::memory(), parquet];
    let options = Order { select: only(&DATASETS), ..Order::default() };
    for night in ["first", "second"] {
        for warehouse in [&folder].into_iter().chain(&others) {
            let mut around = world.surroundings(night);
            around.warehouse = Some(warehouse.clone());
            let outcome = run(&world.config(), &options, &around).await.unwrap();
            assert_eq!(outcome.exit_code(), 0, "{outcome:#?}");
        }
        for endpoint in endpoints::ALL.iter().filter(|endpoint| DATASETS.contains(&endpoint.dataset)) {
            world.sim.ledger(endpoint.dataset).unwrap().edit(5);
            world.sim.ledger(endpoint.dataset).unwrap().add(2);
        }
        world.clock.advance(BETWEEN);
    }
    let endpoints = endpoints::ALL.iter().filter(|endpoint| DATASETS.contains(&endpoint.dataset));
    for (endpoint, other) in endpoints.flat_map(|endpoint| others.iter().map(move |other| (endpoint, other))) {
        let current = contents::rows(other, endpoint.dataset).await.unwrap().unwrap();
        let wanted = contents::rows(&folder, endpoint.dataset).await.unwrap().unwrap();
        let order = [&["account"], endpoint.key].concat();
        let (current, wanted) = (sorted(&standing(&current), &order), sorted(&standing(&wanted), &order));
        assert_same_rows(&without(&current, TIME), &without(&wanted, TIME), endpoint.dataset);
        let (found, wanted) = (history(other, endpoint).await, history(&folder, endpoint).await);
        assert_same_rows(&without(&found, TIME), &without(&wanted, TIME), endpoint.dataset);
    }
}
