//! Exports of what runs landed, compared with the tables cell by cell.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, TimeDelta};
use clap::Parser as _;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use wdt_etl::EtlError;
use wdt_etl::cli::{Cli, Command};
use wdt_etl::commands::export::{Console, export};
use wdt_etl::pipeline::Order;
use wdt_models::time::Seconds;
use wdt_models::{Endpoint, endpoints};

use crate::support::{Home, Platform, VARIABLE};
use crate::world::{BETWEEN, World, sorted, table};

/// Runs `wdt-etl export` in this process; what it wrote to standard output and standard error.
async fn exported(world: &World, options: &[&str]) -> Result<(Vec<u8>, String), EtlError> {
    let cli = Cli::try_parse_from(["wdt-etl", "export"].iter().chain(options)).unwrap();
    let Command::Export(args) = cli.command else { panic!("not export") };
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    let mut around = Console { out: &mut out, notes: &mut notes, stop: watch::channel(false).1 };
    export(&world.config(), &args, &mut around).await?;
    Ok((out, String::from_utf8(notes).unwrap()))
}

/// Rows of a CSV file by their labels.
fn csv_rows(bytes: &[u8]) -> Vec<BTreeMap<String, String>> {
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).expect("a byte order mark");
    csv::Reader::from_reader(text).deserialize().map(Result::unwrap).collect()
}

/// A cell as JSON, made without the exporter.
fn value(column: &dyn Array, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Utf8 => json!(column.as_string::<i32>().value(row)),
        DataType::Int64 => json!(column.as_primitive::<Int64Type>().value(row)),
        DataType::Boolean => json!(column.as_boolean().value(row)),
        DataType::Decimal128(..) => {
            serde_json::from_str(&column.as_primitive::<Decimal128Type>().value_as_string(row)).unwrap()
        }
        DataType::Timestamp(..) => {
            let instant = DateTime::from_timestamp_micros(column.as_primitive::<TimestampMicrosecondType>().value(row));
            let wall = instant.unwrap() + TimeDelta::hours(8);
            json!(wall.format("%Y-%m-%d %H:%M:%S%.f").to_string())
        }
        DataType::List(_) => {
            let entries = column.as_list::<i32>().value(row);
            let members = entries.as_struct();
            let entry = |row| {
                let names = members.column_names().into_iter().map(str::to_owned);
                Value::Object(names.zip(members.columns().iter().map(|column| value(column, row))).collect())
            };
            (0..members.len()).map(entry).collect()
        }
        other => panic!("a column of type {other}"),
    }
}

/// The table's rows as JSON objects, deleted ones left out.
fn objects(rows: &RecordBatch) -> Vec<Map<String, Value>> {
    let names: Vec<String> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
    let object = |row| names.iter().cloned().zip(rows.columns().iter().map(|column| value(column, row))).collect();
    (0..rows.num_rows()).map(object).filter(|row: &Map<String, Value>| row["_wdt_deleted_at"].is_null()).collect()
}

/// Text that orders rows: account and key.
fn key(endpoint: &Endpoint, row: &Map<String, Value>) -> String {
    let cells = ["account"].iter().chain(endpoint.key).map(|name| row[*name].to_string());
    cells.collect::<Vec<_>>().join("|")
}

fn by_key(endpoint: &Endpoint, rows: Vec<Map<String, Value>>) -> BTreeMap<String, Map<String, Value>> {
    rows.into_iter().map(|row| (key(endpoint, &row), row)).collect()
}

/// How a cell of CSV says a value.
fn said(value: &Value, guarded: bool) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if guarded && text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) => {
            format!("'{text}")
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// All six datasets and the two dimensions, two nights with changes and deletions between them.
async fn landed() -> World {
    let rows: Vec<(&str, u32)> = endpoints::ALL.iter().map(|endpoint| (endpoint.dataset, 120)).collect();
    let world = World::of_all_gateways(&rows, |_| {});
    world.run("first", &Order::default()).await;
    world.sim.ledger("enterprise_stock").unwrap().edit(20);
    world.sim.ledger("cainiao_inventory").unwrap().delete(5);
    world.clock.advance(BETWEEN);
    world.run("second", &Order::default()).await;
    world
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// One test, since landing everything twice takes most of its time.
#[tokio::test(flavor = "multi_thread")]
async fn what_landed_is_exported_as_it_stands_in_the_tables() {
    let world = landed().await;
    every_dataset_is_exported_cell_by_cell(&world).await;
    the_same_version_of_a_table_gives_the_same_bytes(&world).await;
    the_stock_report_is_written_with_words(&world).await;
    deleted_rows_come_only_on_request_and_the_past_is_found_again(&world).await;
}

async fn every_dataset_is_exported_cell_by_cell(world: &World) {
    let folder = world.folder.path().join("exports");
    let (_, notes) = exported(world, &["--all", "-o", text(&folder)]).await.unwrap();
    exported(world, &["--all", "-o", text(&folder), "--format", "ndjson"]).await.unwrap();
    for endpoint in endpoints::ALL {
        let dataset = endpoint.dataset;
        let wanted = by_key(endpoint, objects(&table(&world.warehouse(), dataset).await));
        assert!(wanted.len() > 2, "{dataset} has rows");
        assert!(notes.contains(&format!("{dataset}: {} rows to ", wanted.len())), "{notes}");
        let lines = std::fs::read_to_string(folder.join(format!("{dataset}.ndjson"))).unwrap();
        let found = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(by_key(endpoint, found), wanted, "{dataset}");
        let rows = csv_rows(&std::fs::read(folder.join(format!("{dataset}.csv"))).unwrap());
        assert_eq!(rows.len(), wanted.len(), "{dataset}");
        let texts = |row: &Map<String, Value>| -> BTreeMap<String, String> {
            row.iter().map(|(name, value)| (name.clone(), cell_text(endpoint, name, value))).collect()
        };
        let mut wanted: Vec<_> = wanted.values().map(texts).collect();
        let mut rows = rows.into_iter().map(|row| with_plain_numbers(endpoint, row)).collect::<Vec<_>>();
        wanted.sort();
        rows.sort();
        assert_eq!(rows, wanted, "{dataset}");
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2 * endpoints::ALL.len());
}

fn is_text(endpoint: &Endpoint, name: &str) -> bool {
    let field = endpoint.fields.iter().find(|field| field.name == name);
    field.is_none_or(|field| field.kind == wdt_models::Kind::Text)
}

fn cell_text(endpoint: &Endpoint, name: &str, value: &Value) -> String {
    said(value, is_text(endpoint, name))
}

/// Cells that are JSON, numbers and lists, in the words of `serde_json`; four places are part of the unit tests.
fn with_plain_numbers(endpoint: &Endpoint, row: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let plain = |(name, cell): (String, String)| {
        let parsed: Option<Value> = if is_text(endpoint, &name) { None } else { serde_json::from_str(&cell).ok() };
        (name, parsed.map_or(cell, |value| said(&value, false)))
    };
    row.into_iter().map(plain).collect()
}

async fn the_same_version_of_a_table_gives_the_same_bytes(world: &World) {
    for (number, ending) in ["csv", "xlsx", "ndjson", "json", "parquet"].into_iter().enumerate() {
        let path = |copy: &str| -> PathBuf { world.folder.path().join(format!("{copy}.{ending}")) };
        for copy in ["one", "other"] {
            exported(world, &["enterprise_stock", "-o", text(&path(copy)), "--labels", "zh"]).await.unwrap();
        }
        let (one, other) = (std::fs::read(path("one")).unwrap(), std::fs::read(path("other")).unwrap());
        assert!(one == other && !one.is_empty(), "{ending}");
        if number == 0 {
            let (out, _) = exported(world, &["enterprise_stock", "-o", "-", "--labels", "zh"]).await.unwrap();
            assert!(out == one, "standard output gets the same bytes");
        }
    }
}

async fn the_stock_report_is_written_with_words(world: &World) {
    let options = ["flagship_stock", "-o", "-", "--labels", "zh", "--columns", "report", "--values", "zh"];
    let (out, _) = exported(world, &options).await.unwrap();
    let rows = csv_rows(&out);
    assert_eq!(rows[0].len(), 52);
    let count = |label: &str, words: &[&str]| rows.iter().filter(|row| words.contains(&row[label].as_str())).count();
    assert!(count("状态", &["未启用", "启用", "停用"]) > 0 && count("残次品", &["正品", "残品"]) > 0, "{:?}", rows[0]);
    assert_eq!((count("状态", &["0", "1", "2"]), count("残次品", &["true", "false"])), (0, 0), "{:?}", rows[0]);
    let table = table(&world.warehouse(), "flagship_stock").await;
    let mut ids: Vec<String> = objects(&table).iter().map(|row| row["rec_id"].to_string()).collect();
    let mut found: Vec<String> = rows.iter().map(|row| row["明细唯一键"].clone()).collect();
    found.sort();
    ids.sort();
    assert_eq!(found, ids);
}

async fn deleted_rows_come_only_on_request_and_the_past_is_found_again(world: &World) {
    let rows = table(&world.warehouse(), "cainiao_inventory").await;
    let all = rows.num_rows();
    let gone = all - objects(&rows).len();
    assert!(gone > 0, "rows vanished between the runs");
    let count = async |options: &[&str]| {
        let options = [&["cainiao_inventory", "-o", "-", "--columns", "item_id"], options].concat();
        csv_rows(&exported(world, &options).await.unwrap().0).len()
    };
    assert_eq!((count(&[]).await, count(&["--include-deleted"]).await), (all - gone, all));
    let (store, stores) = {
        let column = rows.column_by_name("store_code").unwrap().as_string::<i32>().clone();
        let store = column.value(0).to_owned();
        (store.clone(), column.iter().filter(|code| *code == Some(store.as_str())).count())
    };
    assert_eq!(count(&["--warehouse", &store, "--include-deleted"]).await, stores);
    let condition = format!("store_code = '{store}' AND _wdt_deleted_at IS NULL");
    assert_eq!(count(&["--where", &condition, "--include-deleted"]).await, count(&["--warehouse", &store]).await);
    let between = wdt_models::time::format_wall_time(Seconds(world.clock.seconds() - BETWEEN / 2));
    assert_eq!(count(&["--as-of", &between]).await, all, "before the second run nothing had vanished");
    let now = wdt_models::time::format_wall_time(Seconds(world.clock.seconds() + 60));
    assert_eq!(count(&["--as-of", &now]).await, all - gone);
    assert_eq!(count(&["--changed-since", &between, "--include-deleted"]).await, gone);
    assert_eq!(count(&["--changed-since", &between]).await, 0);
    let (out, _) =
        exported(world, &["enterprise_stock", "-o", "-", "--format", "ndjson", "--as-of", &now]).await.unwrap();
    let endpoint = endpoints::find("enterprise_stock").unwrap();
    let found = String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let current = sorted(&table(&world.warehouse(), "enterprise_stock").await, endpoint.key);
    assert_eq!(by_key(endpoint, found), by_key(endpoint, objects(&current)));
}

#[test]
fn the_binary_needs_no_secret_and_says_what_it_cannot_do() {
    let platform = Platform::start();
    let home = Home::of(&platform);
    home.load().ends_with(0);
    let home = home.unset(VARIABLE);
    let ran =
        home.run(&["export", "enterprise_stock", "-o", "stock.csv", "--columns", "spec_id,warehouse_id"]).ends_with(0);
    assert_eq!(ran.out, "");
    assert!(ran.err.contains("enterprise_stock: 200 rows to stock.csv"), "{}", ran.err);
    let rows = csv_rows(&std::fs::read(home.path("stock.csv")).unwrap());
    let number = |row: &BTreeMap<String, String>, name: &str| row[name].parse::<i64>().unwrap();
    let mut keys: Vec<Vec<i64>> =
        rows.iter().map(|row| vec![number(row, "spec_id"), number(row, "warehouse_id")]).collect();
    keys.sort_unstable();
    assert_eq!(keys, platform.keys("enterprise_stock"));
    let before = std::fs::read(home.path("stock.csv")).unwrap();
    home.write(".~lock.stock.csv#", "");
    for (options, said) in [
        (vec!["enterprise_stock", "-o", "stock.csv"], "it is open in another program"),
        (vec!["enterprise_stok", "-o", "-"], "did you mean `enterprise_stock`?"),
        (vec!["enterprise_stock", "-o", "-", "--account", "mian"], "did you mean `main`?"),
        (vec!["enterprise_goods", "-o", "-", "--warehouse", "W1"], "remove --warehouse"),
        (vec!["enterprise_stock", "-o", "-", "--where", "lower(spec_no) = 'a'"], "`lower(spec_no)`"),
        (vec!["enterprise_stock", "--all", "-o", "x"], "cannot be used with"),
        (vec!["-o", "x.csv"], "DATASET"),
        (vec!["--all", "-o", "-"], "--all writes a file for each dataset"),
    ] {
        let ran = home.run(&[&["export"], &options[..]].concat()).ends_with(2);
        assert!(ran.err.contains(said) && ran.out.is_empty(), "{options:?}: {}{}", ran.err, ran.out);
    }
    assert_eq!(std::fs::read(home.path("stock.csv")).unwrap(), before);
    let ran = home.run(&["export", "--all", "-o", "exports", "--format", "parquet"]).ends_with(0);
    assert!(home.path("exports").join("enterprise_goods.parquet").is_file(), "{}", ran.err);
}

#[test]
fn datasets_that_never_landed_are_told() {
    let platform = Platform::start();
    let home = Home::of(&platform);
    let ran = home.run(&["export", "enterprise_stock", "-o", "stock.csv"]).ends_with(2);
    assert!(ran.err.contains("no table `enterprise_stock` yet") && ran.err.contains("wdt-etl run"), "{}", ran.err);
    let ran = home.run(&["export", "--all", "-o", "exports"]).ends_with(0);
    for endpoint in endpoints::ALL {
        assert!(ran.err.contains(&format!("{}: skipped", endpoint.dataset)), "{}", ran.err);
    }
    assert!(!home.path("stock.csv").exists() && !home.path("warehouse").exists());
}
