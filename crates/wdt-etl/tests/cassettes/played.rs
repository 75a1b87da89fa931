//! Every cassette replayed: the same run, the same tables, twice over.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;
use wdt_etl::cassette::Replay;
use wdt_etl::commands::replay;
use wdt_etl::pipeline::{RunOutcome, run};
use wdt_etl::report::Silent;
use wdt_warehouse::Warehouse;
use wdt_warehouse::contents::rows;

use crate::night::DATASETS;
use crate::{files, fixtures, paused, text};

/// Replays a cassette; what differs from the recording fails the test.
async fn played(folder: &Path, warehouse: &Warehouse) -> RunOutcome {
    let cassette = Arc::new(Replay::open(folder).unwrap());
    let around = replay::surroundings(&cassette, warehouse.clone(), watch::channel(false).1, Arc::new(Silent));
    let outcome = run(cassette.config(), &cassette.order().unwrap(), &around).await.unwrap();
    assert_eq!(cassette.difference(&outcome), None, "{outcome:#?}");
    outcome
}

/// Every table of a warehouse as text.
async fn tables(warehouse: &Warehouse) -> Vec<(String, String)> {
    let datasets = DATASETS.iter().flat_map(|(dataset, _)| [(*dataset).to_owned(), format!("{dataset}_history")]);
    let mirrors = ["etl_runs", "etl_windows", "etl_quarantine", "etl_accounts"].map(str::to_owned);
    let mut found = Vec::new();
    for name in datasets.chain(mirrors) {
        if let Some(rows) = rows(warehouse, &name).await.unwrap() {
            found.push((name.clone(), text::of(&name, &rows, &["wdt_etl"])));
        }
    }
    found
}

/// Both nights one after the other, and the refused one, into one warehouse.
async fn all_nights(warehouse: &Warehouse) {
    for name in ["first-night", "second-night", "secret-refused"] {
        played(&fixtures().join(name), warehouse).await;
    }
}

#[test]
fn the_nights_leave_these_tables() {
    let (first, again) = paused(async {
        let (first, again) = (Warehouse::memory(), Warehouse::memory());
        all_nights(&first).await;
        all_nights(&again).await;
        (tables(&first).await, tables(&again).await)
    });
    assert_eq!(first, again, "the same cassettes, other tables");
    for (name, text) in first {
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn on_plain_parquet_the_same_cassettes_leave_the_same_bytes_and_the_same_tables() {
    let (memory, folders) = (Warehouse::memory(), [(); 2].map(|()| tempfile::tempdir().unwrap()));
    let opened = folders.each_ref().map(|folder| Warehouse::parquet(folder.path().to_str().unwrap()).unwrap());
    let (wanted, found) = paused(async {
        all_nights(&memory).await;
        for warehouse in &opened {
            all_nights(warehouse).await;
        }
        (tables(&memory).await, tables(&opened[0]).await)
    });
    assert_eq!(found, wanted);
    let [first, again] = folders.each_ref().map(|folder| files(folder.path()));
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&first), names(&again));
    assert!(names(&first).iter().any(|name| name.contains("_history/dt=")), "{:?}", names(&first));
    for ((name, first), (_, again)) in first.iter().zip(&again) {
        assert!(first == again, "{name}: the same cassettes, other bytes");
    }
}

#[test]
fn a_night_alone_begins_where_it_was_recorded() {
    let watermarks = |outcome: &RunOutcome| outcome.datasets.iter().map(|own| own.watermark).collect::<Vec<_>>();
    let (alone, after) = paused(async {
        let (alone, both) = (Warehouse::memory(), Warehouse::memory());
        played(&fixtures().join("first-night"), &both).await;
        let after = played(&fixtures().join("second-night"), &both).await;
        (played(&fixtures().join("second-night"), &alone).await, after)
    });
    assert_eq!(watermarks(&alone), watermarks(&after));
}
