//! All eight datasets on all three gateways: what runs leave in the tables, compared with the simulated ERP.

mod ids;
mod mirrors;
mod stock;

use std::collections::BTreeMap;
use std::path::PathBuf;

use wdt_etl::pipeline::{Order, Verdict};
use wdt_models::{SyncMode, endpoints};

use crate::world::{BETWEEN, World, table, texts};

/// Rows of each dataset; the goods make the list of ids, which has no rows of its own.
const ROWS: [(&str, u32); 7] = [
    ("enterprise_stock", 150),
    ("enterprise_goods", 120),
    ("flagship_stock", 150),
    ("flagship_goods", 200),
    ("cainiao_inventory", 378),
    ("flagship_warehouses", 12),
    ("flagship_shops", 9),
];

/// Every dataset of this version.
fn all() -> impl Iterator<Item = &'static str> {
    endpoints::ALL.iter().map(|endpoint| endpoint.dataset)
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_datasets_of_a_quiet_erp_are_in_the_tables_cell_by_cell() {
    let world = World::of_all_gateways(&ROWS, |_| {});
    let first = world.run("first", &Order::default()).await;
    assert_eq!(first.datasets.len(), 8);
    assert!(first.datasets.iter().all(|dataset| dataset.verdict == Verdict::Landed), "{first:#?}");
    assert!(first.datasets.iter().all(|dataset| dataset.sums.changed > 0 && dataset.sums.deleted == 0), "{first:#?}");
    world.assert_current_is_the_erp().await;

    let edited: BTreeMap<_, _> = all().map(|dataset| (dataset, edit(&world, dataset))).collect();
    world.clock.advance(BETWEEN);
    let second = world.run("second", &Order::default()).await;
    world.assert_current_is_the_erp().await;
    for dataset in &second.datasets {
        let edited = edited[dataset.dataset];
        assert!(edited > 0 && dataset.sums.changed <= edited, "{dataset:?}: {edited} rows were edited");
        assert_eq!(dataset.sums.deleted, 0, "{dataset:?}");
    }
}

/// Edits a few rows; returns how many rows of the dataset that can have changed at most.
fn edit(world: &World, dataset: &str) -> u64 {
    let edited = world.sim.ledger(dataset).unwrap().edit(15).len() as u64;
    // the list of ids shows the rows of the goods, which are edited as well
    let by_ids = endpoints::ALL.iter().any(|own| own.dataset == dataset && matches!(own.sync, SyncMode::Ids(_)));
    if by_ids || dataset == "flagship_goods" { edited * 2 } else { edited }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_night_again_changes_no_row_and_writes_no_file() {
    let world = World::of_all_gateways(&ROWS, |_| {});
    world.run("first", &Order::default()).await;
    let before: Vec<_> = all().map(|dataset| (files(&world, dataset), files(&world, &history(dataset)))).collect();
    world.clock.advance(60);
    let second = world.run("second", &Order::default()).await;
    for dataset in &second.datasets {
        assert_eq!((dataset.verdict, dataset.sums.changed), (Verdict::Landed, 0), "{dataset:?}");
    }
    assert!(second.datasets.iter().filter(|dataset| dataset.sums.unchanged > 0).count() >= 4, "{second:#?}");
    let after: Vec<_> = all().map(|dataset| (files(&world, dataset), files(&world, &history(dataset)))).collect();
    assert_eq!(after, before, "unchanged rows cause no rewrite");
}

/// Each account asks for the platform it names, and no row of one stands in the table of another.
#[tokio::test(flavor = "multi_thread")]
async fn each_row_bears_its_account_and_its_run() {
    let world = World::of_all_gateways(&ROWS, |_| {});
    world.run("only", &Order::default()).await;
    for endpoint in endpoints::ALL {
        let rows = table(&world.warehouse(), endpoint.dataset).await;
        let accounts = texts(&rows, "account");
        assert!(accounts.iter().all(|account| account == endpoint.gateway.name()), "{}", endpoint.dataset);
        assert!(texts(&rows, "_wdt_run_id").iter().all(|run| run == "only"), "{}", endpoint.dataset);
    }
}

fn history(dataset: &str) -> String {
    format!("{dataset}_history")
}

/// The data files of a table.
fn files(world: &World, name: &str) -> Vec<PathBuf> {
    let mut folders = vec![world.warehouse().join(name)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() && !path.ends_with("_delta_log") {
                folders.push(path);
            } else if path.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}
