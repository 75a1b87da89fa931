//! A real process, killed between its two commits; `kill.rs` kills at every other place.

use std::process::{Command, Output};

use arrow::record_batch::RecordBatch;
use wdt_etl::pipeline::{Order, Task};

use crate::child;
use crate::world::{BETWEEN, World, only, sorted, table, without};
use wdt_models::time::Seconds;

/// What two runs may differ in: who read the row, and when.
const OF_THE_READING: [&str; 2] = ["_wdt_pulled_at", "_wdt_run_id"];

#[tokio::test(flavor = "multi_thread")]
async fn between_the_two_commits_only_the_projection_is_behind() {
    let world = World::new(300, |_| {});
    rows_in_the_first_commit(&world);
    world.clock.advance(BETWEEN);
    assert!(!ran(&world, Some("log-committed")).await.status.success());
    assert_eq!(history(&world).await.num_rows(), 300, "the log holds the rows");
    assert!(!world.warehouse().join("enterprise_stock/account=main").exists(), "the projection does not");
    let calls = world.sim.call_count();
    let options = Order {
        select: only(&["enterprise_stock"]),
        task: Task::Run { until: Some(Seconds(world.clock.seconds() - 800)), accept: None },
        dry_run: false,
    };
    world.run("again", &options).await;
    assert_eq!(world.sim.call_count(), calls, "it is filled from the log, without a call");
    assert_eq!(table(&world.warehouse(), "enterprise_stock").await.num_rows(), 300);
}

/// Begins with the rows: a load from 2012 on commits empty years first, and the kill would find no row.
fn rows_in_the_first_commit(world: &World) {
    let start = wdt_models::time::format_wall_time(Seconds(world.clock.seconds() - 22 * 86_400));
    world.write_config(&format!("start = \"{start}\""));
}

/// Runs the binary to its end; its clock is the system's, so the world's must be there too.
async fn ran(world: &World, failpoint: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wdt-etl"));
    command.arg("run").arg("--config").arg(world.config_path()).env_clear();
    if let Some(failpoint) = failpoint {
        command.env("WDT_ETL_TEST_FAILPOINT", failpoint);
    }
    tokio::task::spawn_blocking(move || child::output(command)).await.unwrap()
}

/// The stock history without what differs between two readings, sorted.
async fn history(world: &World) -> RecordBatch {
    let rows = table(&world.warehouse(), "enterprise_stock_history").await;
    sorted(&without(&rows, &OF_THE_READING), &["spec_id", "warehouse_id", "modified"])
}
