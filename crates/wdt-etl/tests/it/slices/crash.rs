//! A real process, killed between its two commits of a snapshot; `kill.rs` kills at every other place.

use std::process::{Command, Output};

use super::{SNAPSHOTS, rows};
use crate::child;
use crate::world::{BETWEEN, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_first_snapshot_killed_between_the_two_commits_is_whole_after_the_next_run() {
    let world = super::world();
    world.clock.advance(BETWEEN);
    let killed = ran(&world, Some("log-committed")).await;
    assert!(killed.status.code().is_none(), "{killed:?}");
    assert!(ran(&world, None).await.status.success());
    for dataset in SNAPSHOTS {
        world.assert_is_the_erp(wdt_models::endpoints::find(dataset).unwrap()).await;
        let (current, history) = (rows(&world, dataset).len(), rows(&world, &format!("{dataset}_history")).len());
        assert_eq!(history, current, "{dataset}: no row is logged twice");
    }
    let runs = rows(&world, "etl_runs");
    assert!(runs.iter().any(|row| row["verdict"] == "unfinished"), "the killed run has its row: {runs:?}");
}

/// Runs the binary over the snapshots to its end.
async fn ran(world: &World, failpoint: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wdt-etl"));
    command.arg("run").arg("--config").arg(world.config_path()).env_clear();
    for dataset in SNAPSHOTS {
        command.args(["--dataset", dataset]);
    }
    if let Some(failpoint) = failpoint {
        command.env("WDT_ETL_TEST_FAILPOINT", failpoint);
    }
    tokio::task::spawn_blocking(move || child::output(command)).await.unwrap()
}
