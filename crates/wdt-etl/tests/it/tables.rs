//! What runs leave in the tables, compared with the simulated ERP cell by cell.

use std::collections::BTreeMap;

use arrow::array::AsArray as _;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::record_batch::RecordBatch;
use wdt_etl::pipeline::{Order, Task, Verdict};
use wdt_models::endpoints::{self, ENTERPRISE_STOCK};
use wdt_models::time::Seconds;
use wdt_sim::{Fault, FaultPlan, PageOrder};

use crate::world::{BETWEEN, World, nulls, numbers, only, sorted, table, texts, without};

#[tokio::test(flavor = "multi_thread")]
async fn two_nights_with_edits_while_reading_leave_the_erp_in_the_current_tables() {
    let world = World::new(1500, |sim| sim.edits_per_page = 0.3);
    world.run("first", &Order::default()).await;
    world.sim.ledger("enterprise_stock").unwrap().edit(200);
    world.clock.advance(BETWEEN);
    let second = world.run("second", &Order::default()).await;
    assert!(second.datasets[0].sums.changed >= 200, "{second:?}");
    // what the reading itself moved is newer than the watermark, and belongs to the next night
    for dataset in &second.datasets {
        let endpoint = endpoints::find(dataset.dataset).unwrap();
        assert_settled_rows_match(&world, endpoint, dataset.watermark.unwrap().0).await;
    }
}

/// Every row of the ERP whose cursor is not after the watermark stands in the current table as it is, and no key twice.
async fn assert_settled_rows_match(world: &World, endpoint: &'static wdt_models::Endpoint, watermark: i64) {
    let found = sorted(&table(&world.warehouse(), endpoint.dataset).await, endpoint.key);
    let landed: BTreeMap<Vec<Option<i64>>, i64> =
        keys(&found, endpoint).into_iter().zip(cursors(&found, endpoint)).collect();
    assert_eq!(landed.len(), found.num_rows(), "{}: a key stands twice", endpoint.dataset);
    let erp = world.erp(endpoint);
    let settled =
        keys(&erp, endpoint).into_iter().zip(cursors(&erp, endpoint)).filter(|(_, cursor)| *cursor <= watermark);
    let mut compared = 0;
    for (key, cursor) in settled {
        assert_eq!(landed.get(&key), Some(&cursor), "{} {key:?}", endpoint.dataset);
        compared += 1;
    }
    assert!(compared > 1000, "only {compared} rows of {} had settled", endpoint.dataset);
}

fn keys(rows: &RecordBatch, endpoint: &wdt_models::Endpoint) -> Vec<Vec<Option<i64>>> {
    let columns: Vec<_> = endpoint.key.iter().map(|name| numbers(rows, name)).collect();
    (0..rows.num_rows()).map(|row| columns.iter().map(|column| column[row]).collect()).collect()
}

/// Epoch seconds.
fn cursors(rows: &RecordBatch, endpoint: &wdt_models::Endpoint) -> Vec<i64> {
    let column =
        rows.column_by_name(endpoint.cursor().unwrap().field).unwrap().as_primitive::<TimestampMicrosecondType>();
    column.values().iter().map(|micros| micros / 1_000_000).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_erp_is_in_the_tables_cell_by_cell() {
    let world = World::new(1200, |sim| sim.bulk_second = 300);
    let outcome = world.run("only", &Order::default()).await;
    assert!(outcome.datasets.iter().all(|dataset| dataset.verdict == Verdict::Landed));
    world.assert_current_is_the_erp().await;
    let history = table(&world.warehouse(), "enterprise_stock_history").await;
    assert_eq!(history.num_rows(), 1200);
    assert!(texts(&history, "_wdt_op").iter().all(|op| op == "upsert"));
    assert_eq!(nulls(&table(&world.warehouse(), "enterprise_stock").await, "_wdt_deleted_at"), 1200);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_order_of_pages_lands_every_row() {
    for order in [PageOrder::Strict, PageOrder::Key, PageOrder::ModifiedOnly, PageOrder::Desc] {
        let world = World::new(700, |sim| sim.order = order);
        world.run("only", &Order::default()).await;
        world.assert_current_is_the_erp().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_while_reading_cost_calls_and_no_row() {
    let kinds = vec![Fault::Status(502), Fault::Html, Fault::CutJson, Fault::BrokenTransfer, Fault::NoTotal];
    let world = World::new(900, |sim| sim.faults = FaultPlan::Rate { rate: 0.1, kinds });
    let outcome = world.run("only", &Order::default()).await;
    assert!(world.sim.calls().iter().filter(|call| call.fault.is_some()).count() > 3, "{outcome:?}");
    world.assert_current_is_the_erp().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_until_again_makes_no_call_and_changes_no_row() {
    let world = World::new(400, |_| {});
    let until = world.clock.seconds() - 400;
    let options = Order { task: Task::Run { until: Some(Seconds(until)), accept: None }, ..Order::default() };
    world.run("first", &options).await;
    let calls = world.sim.call_count();
    let before = table(&world.warehouse(), "enterprise_stock").await;
    let again = world.run("second", &options).await;
    assert!(again.datasets.iter().all(|dataset| dataset.verdict == Verdict::NothingDue && dataset.sums.calls == 0));
    assert_eq!(world.sim.call_count(), calls);
    assert_eq!(table(&world.warehouse(), "enterprise_stock").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_read_again_leave_no_row_in_the_history() {
    let world = World::new(400, |sim| {
        let span = sim.span.unwrap();
        sim.span = Some(wdt_models::Window::new(span.end - 300, span.end));
    });
    world.run("first", &Order::default()).await;
    let files = data_files(&world, "enterprise_stock");
    world.clock.advance(10);
    let second = world.run("second", &Order::default()).await;
    assert_eq!((second.datasets[0].sums.changed, second.datasets[0].verdict), (0, Verdict::Landed));
    assert!(second.datasets[0].sums.unchanged > 0, "the lookback reads rows again: {second:?}");
    assert_eq!(table(&world.warehouse(), "enterprise_stock_history").await.num_rows(), 400);
    assert_eq!(data_files(&world, "enterprise_stock"), files, "unchanged rows cause no rewrite");
}

fn data_files(world: &World, name: &str) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(world.warehouse().join(name).join("account=main"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_changes_and_changes_back_is_three_rows_of_history() {
    let world = World::new(50, |_| {});
    world.run("first", &Order::default()).await;
    for night in ["second", "third"] {
        world.sim.ledger("enterprise_stock").unwrap().edit(50);
        world.clock.advance(BETWEEN);
        world.run(night, &Order::default()).await;
    }
    let history = table(&world.warehouse(), "enterprise_stock_history").await;
    assert!(history.num_rows() > 50 && history.num_rows() <= 150, "{}", history.num_rows());
    world.assert_current_is_the_erp().await;
    let current = table(&world.warehouse(), "enterprise_stock").await;
    assert!(texts(&current, "_wdt_run_id").iter().any(|run| run == "third"));
}

#[tokio::test(flavor = "multi_thread")]
async fn mirrors_say_what_the_commits_say_and_are_restored_when_missing() {
    let world = World::new(300, |_| {});
    world.run("first", &Order::default()).await;
    let mirrors = ["etl_windows", "etl_runs"];
    let mut before = Vec::new();
    for name in mirrors {
        before.push(table(&world.warehouse(), name).await);
        std::fs::remove_dir_all(world.warehouse().join(name)).unwrap();
    }
    let options = Order {
        task: Task::Run { until: Some(Seconds(world.clock.seconds() - 700)), accept: None },
        ..Order::default()
    };
    world.run("second", &options).await;
    let key = ["dataset", "window_start", "window_end"];
    let windows = table(&world.warehouse(), "etl_windows").await;
    assert_eq!(sorted(&windows, &key), sorted(&before[0], &key));
    let runs = table(&world.warehouse(), "etl_runs").await;
    let first: Vec<_> = texts(&runs, "run_id").into_iter().filter(|run| run == "first").collect();
    assert_eq!(first.len(), 2, "a row per dataset of the run whose rows were lost");
    let records = numbers(&before[0], "distinct_records").into_iter().flatten().sum::<i64>();
    assert!(records >= 600, "certificates count every record: {records}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_current_table_is_built_again_from_the_log_without_a_call() {
    let world = World::new(300, |_| {});
    world.run("first", &Order::default()).await;
    world.sim.ledger("enterprise_stock").unwrap().edit(40);
    world.clock.advance(BETWEEN);
    world.run("second", &Order::default()).await;
    let before = sorted(&table(&world.warehouse(), "enterprise_stock").await, ENTERPRISE_STOCK.key);
    std::fs::remove_dir_all(world.warehouse().join("enterprise_stock")).unwrap();
    let calls = world.sim.call_count();
    let until = world.clock.seconds() - 800;
    world
        .run(
            "third",
            &Order {
                select: only(&["enterprise_stock"]),
                task: Task::Run { until: Some(Seconds(until)), accept: None },
                dry_run: false,
            },
        )
        .await;
    assert_eq!(world.sim.call_count(), calls);
    let after = sorted(&table(&world.warehouse(), "enterprise_stock").await, ENTERPRISE_STOCK.key);
    assert_eq!(without(&after, &[]), without(&before, &[]));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_land_each_change_once() {
    let world = World::new(800, |_| {});
    let options = Order::default();
    tokio::join!(world.run("one", &options), world.run("other", &options));
    world.assert_current_is_the_erp().await;
    for name in ["enterprise_stock_history", "enterprise_goods_history"] {
        assert_eq!(table(&world.warehouse(), name).await.num_rows(), 800, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_a_chinese_name_is_found_again() {
    let world = World::new(120, |_| {});
    let text = std::fs::read_to_string(world.config_path()).unwrap().replace("name = \"main\"", "name = \"华东-店\"");
    std::fs::write(world.config_path(), text).unwrap();
    world.run("first", &Order::default()).await;
    world.sim.ledger("enterprise_stock").unwrap().edit(30);
    world.clock.advance(BETWEEN);
    world.run("second", &Order::default()).await;
    world.assert_current_is_the_erp().await;
    let accounts = texts(&table(&world.warehouse(), "enterprise_stock").await, "account");
    assert!(accounts.iter().all(|account| account == "华东-店"), "{accounts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_was_lost_is_not_silently_begun_anew() {
    let world = World::new(60, |_| {});
    world.run("first", &Order::default()).await;
    std::fs::remove_dir_all(world.warehouse().join("enterprise_stock_history")).unwrap();
    let calls = world.sim.call_count();
    for _ in 0..2 {
        let refused = wdt_etl::pipeline::run(&world.config(), &Order::default(), &world.surroundings("second")).await;
        let error = refused.expect_err("the current table stems from another log");
        assert_eq!(error.exit_code(), 6, "{error}");
        assert!(error.to_string().contains("`enterprise_stock`") && error.hint().is_some(), "{error}");
    }
    assert_eq!(world.sim.call_count(), calls, "nothing is asked of the platform");
}
