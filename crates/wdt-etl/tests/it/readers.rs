//! The tables read by implementations that are not this project: python's `deltalake` and `DuckDB`, each with its own reader.

use std::process::Command;

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::{Decimal128Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::{Map, Value, json};
use wdt_etl::environment::Variables;
use wdt_etl::pipeline::RunOptions;
use wdt_models::{Endpoint, Kind};

use crate::world::{BETWEEN, World, enterprise};

/// Set by `cargo xtask ci`, which sees to it that this test really ran.
const PYTHON: &str = "WDT_ETL_PYTHON";

#[tokio::test(flavor = "multi_thread")]
async fn independent_readers_find_what_the_platform_sent() {
    let variables = Variables::of_process();
    let Some(python) = variables.get(PYTHON) else {
        println!("skipped: {PYTHON} is not set; `cargo xtask ci readers test` sets it");
        return;
    };
    let world = World::new(800, |sim| sim.edits_per_page = 0.0);
    world.run("first", &RunOptions::default()).await;
    world.sim.ledger("enterprise_stock").unwrap().edit(120);
    world.clock.advance(BETWEEN);
    world.run("second", &RunOptions::default()).await;
    let tables: Map<String, Value> =
        enterprise().map(|endpoint| (endpoint.dataset.to_owned(), expected(endpoint, &world.erp(endpoint)))).collect();
    let file = world.folder.path().join("expected.json");
    std::fs::write(&file, json!({ "tables": tables }).to_string()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/readers/read_tables.py");
    let output = Command::new(python).arg(script).arg(world.warehouse()).arg(file).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("reader deltalake: ok") && said.contains("reader duckdb: ok"), "{said}");
}

/// What must be in a current table, from the platform's records alone.
fn expected(endpoint: &Endpoint, erp: &RecordBatch) -> Value {
    let mut key = vec!["account"];
    key.extend(endpoint.key);
    let cursor =
        erp.column_by_name(endpoint.cursor().unwrap().field).unwrap().as_primitive::<TimestampMicrosecondType>();
    let utc =
        |micros: i64| chrono::DateTime::from_timestamp_micros(micros).unwrap().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    json!({
        "rows": erp.num_rows(),
        "key": key,
        "keys": erp.num_rows(),
        "accounts": ["main"],
        "sums": sums(endpoint, erp),
        "cursor": endpoint.cursor().unwrap().field,
        "cursor_min": cursor.iter().flatten().min().map(utc),
        "cursor_max": cursor.iter().flatten().max().map(utc),
        "row": row(endpoint, erp, erp.num_rows() / 2),
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
    values.insert("_wdt_deleted_at".to_owned(), Value::Null);
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
