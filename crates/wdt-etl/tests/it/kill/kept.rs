//! What a warehouse holds, without what any two runs differ in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use wdt_etl::cli::{SelectArgs, Verify};
use wdt_etl::commands::verify::verify;
use wdt_etl::config::Config;
use wdt_etl::environment::Variables;
use wdt_warehouse::Format;

use super::scenario::{Copy, Scenario};
use crate::support::{self, rows};
use wdt_models::time::Seconds;

/// Rows of every table as texts, sorted.
pub(super) type Kept = BTreeMap<String, Vec<String>>;

/// The rows of a warehouse: of the datasets' tables without run ids and pull times, of `etl_*` what does not depend on how
/// often and in which windows the platform was read.
pub(super) fn kept(copy: &Copy, datasets: &[&str]) -> Kept {
    let warehouse = copy.warehouse();
    let mut kept = Kept::new();
    for dataset in datasets {
        let windows = wdt_models::endpoints::find(dataset).unwrap().cursor().is_some();
        let own = move |row: &mut Map<String, Value>| {
            row.retain(|name, _| !["_wdt_pulled_at", "_wdt_run_id"].contains(&name.as_str()));
            // the date of a snapshot's row is that of its reading
            row.retain(|name, _| windows || name != "dt");
            row.entry("_wdt_deleted_at").and_modify(|at| *at = at.is_string().into());
        };
        // plain Parquet keeps no current table
        let current = warehouse.join(dataset).exists().then(|| (*dataset).to_owned());
        for table in current.into_iter().chain([format!("{dataset}_history")]) {
            kept.insert(table.clone(), texts(&warehouse.join(&table), own));
        }
    }
    for table in ["etl_accounts", "etl_columns", "etl_codes"] {
        kept.insert(table.to_owned(), texts(&warehouse.join(table), |_| {}));
    }
    // a record that a lookback reads again is refused again
    let mut refused = texts(&warehouse.join("etl_quarantine"), |row| {
        row.retain(|name, _| ["account", "dataset", "column", "reason", "record"].contains(&name.as_str()));
    });
    refused.dedup();
    kept.insert("etl_quarantine".to_owned(), refused);
    kept
}

/// The same rows in every table.
#[track_caller]
pub(super) fn assert_same(found: &Kept, wanted: &Kept, what: &str) {
    for (table, wanted) in wanted {
        let found = &found[table];
        let (lost, more) = (difference(wanted, found), difference(found, wanted));
        assert!(lost.is_empty() && more.is_empty(), "{what}: {table} has lost {lost:#?}\nand has more {more:#?}");
    }
}

/// By the warehouse's own account of itself nothing is lost or doubled; it may be behind.
pub(super) async fn assert_sound(scenario: &Scenario, copy: &Copy, what: &str) -> String {
    let config = Config::load(&copy.config(), &Variables::default(), Seconds(scenario.world.clock.seconds())).unwrap();
    let datasets = scenario.datasets.iter().map(|&dataset| dataset.to_owned()).collect();
    let args = Verify { select: SelectArgs { datasets, ..SelectArgs::default() }, probe: false, days: 7, json: true };
    let mut out = Vec::new();
    let code = verify(&config, &args, &scenario.world.surroundings("verify"), &mut out).await.unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(code == 0, "{what}: verify ends with {code}\n{text}");
    text
}

/// Nothing is behind either, and each run has one row a dataset.
pub(super) async fn assert_spotless(scenario: &Scenario, copy: &Copy, what: &str) {
    let text = assert_sound(scenario, copy, what).await;
    assert!(!text.contains("\"hint\""), "{what}: {text}");
    let runs = rows(&copy.warehouse().join("etl_runs"));
    let key = |row: &Map<String, Value>| format!("{} {} {}", row["run_id"], row["account"], row["dataset"]);
    let keys: Vec<String> = runs.iter().map(key).collect();
    let distinct: BTreeSet<&String> = keys.iter().collect();
    assert_eq!(distinct.len(), keys.len(), "{what}: a run stands twice: {keys:#?}");
}

/// How many data files the commits name.
pub(super) fn named_files(copy: &Copy) -> usize {
    let Ok(tables) = std::fs::read_dir(copy.warehouse()) else { return 0 };
    let commits = tables.flat_map(|table| support::commits(&table.unwrap().path()));
    commits.map(|commit| support::changes(&commit).0.len()).sum()
}

/// How many commits the logs hold.
pub(super) fn commits(copy: &Copy) -> u64 {
    let Ok(tables) = std::fs::read_dir(copy.warehouse()) else { return 0 };
    tables.map(|table| support::commits(&table.unwrap().path()).len() as u64).sum()
}

/// Data files that no commit names or that one has taken away for good, and what was left half written, of every table.
pub(super) fn orphans(copy: &Copy, format: Format) -> Vec<PathBuf> {
    let mut orphans = Vec::new();
    let Ok(tables) = std::fs::read_dir(copy.warehouse()) else { return orphans };
    for entry in tables {
        let table = entry.unwrap().path();
        let mut named = BTreeSet::new();
        for (adds, removes) in support::commits(&table).iter().map(|commit| support::changes(commit)) {
            named.extend(adds.into_keys().map(|path| table.join(path)));
            // Delta's time travel needs them
            if format == Format::Parquet {
                named.retain(|path| !removes.iter().any(|removed| table.join(removed) == *path));
            }
        }
        let log = |file: &Path| {
            file.components().any(|part| ["_delta_log", "_manifest"].map(AsRef::as_ref).contains(&part.as_os_str()))
        };
        orphans.extend(files(&table).into_iter().filter(|file| !log(file) && !named.contains(file)));
    }
    orphans
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

fn texts(table: &Path, change: impl Fn(&mut Map<String, Value>)) -> Vec<String> {
    let text = |mut row: Map<String, Value>| {
        change(&mut row);
        Value::Object(row).to_string()
    };
    let mut texts: Vec<String> = rows(table).into_iter().map(text).collect();
    texts.sort();
    texts
}

/// The texts of the first that are not in the second, as often as they are missing there.
fn difference<'a>(first: &'a [String], second: &[String]) -> Vec<&'a String> {
    let mut left: BTreeMap<&str, usize> = BTreeMap::new();
    for text in second {
        *left.entry(text.as_str()).or_default() += 1;
    }
    let taken = |text: &&String| match left.get_mut::<str>(text) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    first.iter().filter(taken).collect()
}
