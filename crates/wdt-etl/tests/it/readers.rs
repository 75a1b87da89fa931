//! The tables read by implementations that are not this project: Delta by python's `deltalake` and `DuckDB`, each with its
//! own reader, and Hive folders by `pyarrow` and `DuckDB`.

use std::process::Command;

use arrow::array::{Array as _, AsArray as _};
use arrow::compute::concat_batches;
use arrow::datatypes::{Decimal128Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::{Map, Value, json};
use wdt_etl::environment::Variables;
use wdt_etl::pipeline::Order;
use wdt_models::endpoints::ENTERPRISE_STOCK;
use wdt_models::time::Seconds;
use wdt_models::{Endpoint, Kind};
use wdt_warehouse::Format;

use crate::world::{BETWEEN, World, enterprise};

/// Set by `cargo xtask ci`, which sees to it that this test really ran.
const PYTHON: &str = "WDT_ETL_PYTHON";
/// What a current table has beside the platform's cells and the reading's own.
const CURRENT: &[(&str, Option<&str>)] = &[("_wdt_deleted_at", None)];
/// The same of a history, beside the date.
const HISTORY: &[(&str, Option<&str>)] = &[("_wdt_op", Some("upsert"))];

#[tokio::test(flavor = "multi_thread")]
async fn independent_readers_find_what_the_platform_sent() {
    let Some(python) = python() else { return };
    let (world, _) = two_nights(Format::Delta).await;
    let table = |endpoint: &'static Endpoint| {
        let erp = world.erp(endpoint);
        (endpoint.dataset.to_owned(), expected(endpoint, &erp, CURRENT, erp.num_rows() / 2))
    };
    assert_read_by(&["deltalake", "duckdb"], &python, &world, &enterprise().map(table).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_of_hive_folders_find_every_version_that_the_platform_sent() {
    let Some(python) = python() else { return };
    let (world, before) = two_nights(Format::Parquet).await;
    let after = world.erp(&ENTERPRISE_STOCK);
    let (unchanged, changed): (Vec<usize>, Vec<usize>) =
        (0..before.num_rows()).partition(|&row| before.slice(row, 1) == after.slice(row, 1));
    let versions = changed.iter().map(|&row| after.slice(row, 1)).collect::<Vec<_>>();
    let versions = concat_batches(&before.schema(), [&before].into_iter().chain(&versions)).unwrap();
    assert_eq!((before.num_rows(), versions.num_rows()), (800, 800 + changed.len()));
    assert!(changed.len() > 100, "{}", changed.len());
    let mut history = expected(&ENTERPRISE_STOCK, &versions, HISTORY, unchanged[unchanged.len() / 2]);
    history["keys"] = json!(800);
    history["newest"] = json!({ "rows": 800, "sums": sums(&ENTERPRISE_STOCK, &after) });
    let history = ("enterprise_stock_history".to_owned(), history);
    assert_read_by(&["pyarrow", "duckdb-hive"], &python, &world, &[history].into_iter().collect());
}

/// The Python that has the readers.
fn python() -> Option<String> {
    let python = Variables::of_process().get(PYTHON).map(str::to_owned);
    if python.is_none() {
        println!("skipped: {PYTHON} is not set; `cargo xtask ci readers test` sets it");
    }
    python
}

/// A warehouse after two nights with edits between them, and the stock before those.
async fn two_nights(format: Format) -> (World, RecordBatch) {
    let world = World::new(800, |sim| sim.edits_per_page = 0.0);
    world.edit_config("[warehouse]", &format!("[warehouse]\nformat = \"{}\"", format.name()));
    world.run("first", &Order::default()).await;
    let before = world.erp(&ENTERPRISE_STOCK);
    world.sim.ledger(ENTERPRISE_STOCK.dataset).unwrap().edit(120);
    world.clock.advance(BETWEEN);
    world.run("second", &Order::default()).await;
    (world, before)
}

fn assert_read_by(readers: &[&str], python: &str, world: &World, tables: &Map<String, Value>) {
    let file = world.folder.path().join("expected.json");
    std::fs::write(&file, json!({ "tables": tables }).to_string()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/readers/read_tables.py");
    let output = Command::new(python).arg(script).arg(world.warehouse()).arg(file).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(readers.iter().all(|reader| said.contains(&format!("reader {reader}: ok"))), "{said}");
}

/// What must be in a table with these rows of the platform, from its records alone; one of them cell by cell.
fn expected(endpoint: &Endpoint, erp: &RecordBatch, own: &[(&str, Option<&str>)], number: usize) -> Value {
    let mut key = vec!["account"];
    key.extend(endpoint.key);
    let cursor =
        erp.column_by_name(endpoint.cursor().unwrap().field).unwrap().as_primitive::<TimestampMicrosecondType>();
    let utc =
        |micros: i64| chrono::DateTime::from_timestamp_micros(micros).unwrap().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut row = row(endpoint, erp, number);
    row["values"].as_object_mut().unwrap().extend(own.iter().map(|(name, value)| ((*name).to_owned(), json!(value))));
    if own == HISTORY {
        let wall = wdt_models::time::format_wall_time(Seconds(cursor.value(number).div_euclid(1_000_000)));
        row["values"]["dt"] = json!(&wall[..10]);
    }
    json!({
        "rows": erp.num_rows(),
        "key": key,
        "keys": erp.num_rows(),
        "accounts": ["main"],
        "sums": sums(endpoint, erp),
        "cursor": endpoint.cursor().unwrap().field,
        "cursor_min": cursor.iter().flatten().min().map(utc),
        "cursor_max": cursor.iter().flatten().max().map(utc),
        "row": row,
    })
}

fn sums(endpoint: &Endpoint, erp: &RecordBatch) -> Value {
    let mut sums = Map::new();
    for field in endpoint.fields.iter().filter(|field| field.kind == Kind::Decimal) {
        let cells = erp.column_by_name(field.name).unwrap().as_primitive::<Decimal128Type>();
        let sum: i128 = cells.iter().flatten().sum();
        let text = (cells.null_count() < cells.len()).then(|| decimal(sum));
        sums.insert(field.name.to_owned(), json!(text));
    }
    Value::Object(sums)
}

/// Ten-thousandths as text with all four places.
fn decimal(value: i128) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let (whole, rest) = (value.unsigned_abs() / 10_000, value.unsigned_abs() % 10_000);
    format!("{sign}{whole}.{rest:04}")
}

fn row(endpoint: &Endpoint, erp: &RecordBatch, number: usize) -> Value {
    let mut values = Map::from_iter([("account".to_owned(), json!("main"))]);
    let mut unchecked = vec!["_wdt_pulled_at", "_wdt_run_id"];
    for field in endpoint.fields {
        if let Kind::List(_) = field.kind {
            unchecked.push(field.name);
        } else {
            values.insert(field.name.to_owned(), cell(field.kind, erp, field.name, number));
        }
    }
    values.insert("_wdt_extra".to_owned(), cell(Kind::Text, erp, "_wdt_extra", number));
    let mut key = Map::from_iter([("account".to_owned(), json!("main"))]);
    key.extend(endpoint.key.iter().map(|name| ((*name).to_owned(), values[*name].clone())));
    json!({ "key": key, "values": values, "unchecked": unchecked })
}

fn cell(kind: Kind, erp: &RecordBatch, column: &str, number: usize) -> Value {
    let column = erp.column_by_name(column).unwrap();
    if column.is_null(number) {
        return Value::Null;
    }
    let options = FormatOptions::new().with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%SZ"));
    let text = ArrayFormatter::try_new(column, &options).unwrap().value(number).to_string();
    match kind {
        Kind::Int => json!(text.parse::<i64>().unwrap()),
        Kind::Boolean => json!(text == "true"),
        _ => json!(text),
    }
}
