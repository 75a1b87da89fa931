//! Comparisons of what nights landed, against a comparison made without the product's.

use std::collections::{BTreeMap, BTreeSet};

use clap::Parser as _;
use serde_json::{Map, Value};
use tokio::sync::watch;
use wdt_etl::cli::{Cli, Command};
use wdt_etl::commands::diff::diff;
use wdt_etl::commands::export::Console;
use wdt_etl::pipeline::Order;
use wdt_models::time::Seconds;
use wdt_models::{Endpoint, endpoints};

use crate::support::{self, copied};
use crate::world::{BETWEEN, World};

type Row = Map<String, Value>;
/// Dataset, kind of change, key, whether the missing side has it marked as deleted, columns that differ.
type Change = (String, String, String, bool, BTreeSet<String>);

/// Runs `wdt-etl diff` in this process: exit code and lines.
async fn compared(world: &World, a: &str, b: &str) -> (u8, Vec<Value>) {
    let place = |side: &str| match side.strip_prefix('@') {
        Some(_) => format!("{}{side}", world.warehouse().display()),
        None => world.folder.path().join(side).display().to_string(),
    };
    let line = ["wdt-etl", "diff", &place(a), &place(b), "--json", "--limit", "1000000"];
    let Command::Diff(args) = Cli::try_parse_from(line).unwrap().command else { panic!("not diff") };
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    let mut around = Console { out: &mut out, notes: &mut notes, stop: watch::channel(false).1 };
    let code = diff(&args, None, &mut around).await.unwrap();
    let lines = String::from_utf8(out).unwrap();
    (code, lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// The rows that the lines tell.
fn told(lines: &[Value]) -> BTreeSet<Change> {
    let rows = lines.iter().filter(|line| line["event"] == "row");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let change = |row: &Value| {
        let columns = row["columns"].as_array().unwrap().iter().map(|cell| text(&cell["column"])).collect();
        let key: Vec<String> = row["key"].as_object().unwrap().values().map(Value::to_string).collect();
        (text(&row["dataset"]), text(&row["change"]), key.join(" "), row["marked_deleted"] == true, columns)
    };
    rows.map(change).collect()
}

/// Rows of a current table by account and key, in the words of their JSON.
fn by_key(world: &World, folder: &str, endpoint: &Endpoint) -> BTreeMap<String, Row> {
    let rows = support::rows(&world.folder.path().join(folder).join(endpoint.dataset));
    let names: Vec<&str> = [&["account"], endpoint.key].concat();
    let key = |row: &Row| {
        let mut key: Vec<(&str, String)> = names.iter().map(|name| (*name, row[*name].to_string())).collect();
        // as a JSON object has its members
        key.sort_unstable();
        key.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" ")
    };
    rows.into_iter().map(|row| (key(&row), row)).collect()
}

/// What differs between two folders, row by row and cell by cell.
fn differing(world: &World, a: &str, b: &str) -> BTreeSet<Change> {
    let mut changes = BTreeSet::new();
    for endpoint in endpoints::ALL {
        let (a, b) = (by_key(world, a, endpoint), by_key(world, b, endpoint));
        let gone = |row: &Row| !row["_wdt_deleted_at"].is_null();
        let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
        for key in keys {
            let rows = [a.get(key), b.get(key)];
            let change = |change: &str, marked, columns| {
                (endpoint.dataset.to_owned(), change.to_owned(), key.clone(), marked, columns)
            };
            match rows.map(|row| row.filter(|row| !gone(row))) {
                [None, None] => {}
                [Some(_), None] => drop(changes.insert(change("removed", rows[1].is_some(), BTreeSet::new()))),
                [None, Some(_)] => drop(changes.insert(change("added", rows[0].is_some(), BTreeSet::new()))),
                [Some(one), Some(other)] => {
                    let stamps = ["_wdt_pulled_at", "_wdt_run_id"];
                    let names =
                        one.keys().filter(|name| !stamps.contains(&name.as_str()) && one[*name] != other[*name]);
                    let columns: BTreeSet<String> = names.cloned().collect();
                    if !columns.is_empty() {
                        changes.insert(change("changed", false, columns));
                    }
                }
            }
        }
    }
    changes
}

/// Lands a night and keeps a copy of the warehouse as it is then; the time between its readings and the next ones.
async fn night(world: &World, name: &str) -> String {
    world.run(name, &Order::default()).await;
    copied(&world.warehouse(), &world.folder.path().join(name));
    let between = world.clock.seconds() + BETWEEN / 2;
    world.clock.advance(BETWEEN);
    wdt_models::time::format_wall_time(Seconds(between))
}

/// Trips on any row or column that is missed, invented or put under another kind, on any dataset.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_is_what_differs() {
    let rows: Vec<(&str, u32)> = endpoints::ALL.iter().map(|endpoint| (endpoint.dataset, 120)).collect();
    let world = World::of_all_gateways(&rows, |_| {});
    let ledger = |dataset: &str| world.sim.ledger(dataset).unwrap();
    let mut times = vec![night(&world, "first").await];
    for dataset in ["enterprise_stock", "enterprise_goods", "flagship_stock", "flagship_goods"] {
        ledger(dataset).edit(5);
        ledger(dataset).add(2);
    }
    ledger("cainiao_inventory").edit(6);
    ledger("cainiao_inventory").delete(5);
    ledger("flagship_shops").delete(1);
    times.push(night(&world, "second").await);
    ledger("enterprise_stock").edit(3);
    ledger("cainiao_inventory").restore(3);
    times.push(night(&world, "third").await);

    let nights = ["first", "second", "third"];
    let mut kinds = BTreeSet::new();
    for (a, b) in [(0, 1), (1, 2), (2, 0)] {
        let wanted = differing(&world, nights[a], nights[b]);
        kinds.extend(wanted.iter().map(|(_, change, _, marked, _)| (change.clone(), *marked)));
        let past = [a, b].map(|night| format!("@{}", times[night]));
        for (one, other) in
            [(nights[a], nights[b]), (past[0].as_str(), past[1].as_str()), (nights[a], past[1].as_str())]
        {
            let (code, lines) = compared(&world, one, other).await;
            assert_eq!(told(&lines), wanted, "{one} {other}");
            assert_eq!(code, 1);
            for line in lines.iter().filter(|line| line["event"] == "dataset") {
                let of = |change: &str| wanted.iter().filter(|row| line["dataset"] == row.0 && row.1 == change).count();
                for change in ["added", "removed", "changed"] {
                    assert_eq!(line[change], of(change), "{line}");
                }
                let endpoint = endpoints::find(line["dataset"].as_str().unwrap()).unwrap();
                let standing = by_key(&world, nights[b], endpoint);
                let standing = standing.values().filter(|row| row["_wdt_deleted_at"].is_null()).count();
                assert_eq!(line["equal"], standing - of("added") - of("changed"), "{line}");
            }
        }
    }
    let all = [("added", false), ("added", true), ("changed", false), ("removed", false), ("removed", true)];
    assert_eq!(kinds, all.map(|(change, marked)| (change.to_owned(), marked)).into());
}

/// A copy has the table id and the version of its original, and may have gone on by itself.
#[tokio::test(flavor = "multi_thread")]
async fn copies_that_went_on_by_themselves_are_read() {
    let world = World::new(60, |_| {});
    night(&world, "start").await;
    copied(&world.folder.path().join("start"), &world.folder.path().join("other"));
    world.sim.ledger("enterprise_stock").unwrap().edit(3);
    world.run("one", &Order::default()).await;
    world.sim.ledger("enterprise_stock").unwrap().edit(4);
    world.clock.advance(BETWEEN);
    world.edit_config("url = \"warehouse\"", "url = \"other\"");
    world.run("other", &Order::default()).await;
    let (code, lines) = compared(&world, "warehouse", "other").await;
    assert_eq!((code, &lines[0]["a"]["version"]), (1, &lines[0]["b"]["version"]), "{lines:?}");
    assert_eq!(told(&lines), differing(&world, "warehouse", "other"));
    let (code, lines) = compared(&world, "other", "other").await;
    assert!(code == 0 && lines[0]["equal"].is_null(), "the same folder is not read: {lines:?}");
}

/// Trips when the format of a side is not found by what lies in its folder, or its rows are others than those of Delta.
#[tokio::test(flavor = "multi_thread")]
async fn plain_parquet_is_compared_with_delta() {
    let world = World::new(60, |_| {});
    world.run("delta", &Order::default()).await;
    world.edit_config("url = \"warehouse\"", "url = \"plain\"\nformat = \"parquet\"");
    world.run("parquet", &Order::default()).await;
    let (code, lines) = compared(&world, "warehouse", "plain").await;
    assert!(code == 0 && lines.iter().all(|line| line["equal"] == 60), "{lines:?}");
    let edited = world.sim.ledger("enterprise_stock").unwrap().edit(5).len();
    world.clock.advance(BETWEEN);
    world.run("parquet again", &Order::default()).await;
    let (code, wanted) = compared(&world, "warehouse", "plain").await;
    assert_eq!((code, &wanted[0]["changed"]), (1, &edited.into()), "{wanted:?}");
    let between = wdt_models::time::format_wall_time(Seconds(world.clock.seconds() - BETWEEN / 2));
    let (_, past) = compared(&world, &format!("plain@{between}"), "plain").await;
    assert_eq!(told(&past), told(&wanted));
}
