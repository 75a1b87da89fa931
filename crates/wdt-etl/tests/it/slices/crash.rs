//! A real process, killed at each failpoint while it lands a snapshot.

use std::process::{Command, Output};

use super::{Row, SNAPSHOTS, rows};
use crate::child;
use crate::world::{BETWEEN, World};

const FAILPOINTS: [&str; 3] = ["log-written", "log-committed", "projected"];
/// What two worlds differ in: who read the row, and when, and when it was edited.
const OF_THE_READING: [&str; 4] = ["_wdt_pulled_at", "_wdt_run_id", "dt", "modified"];

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_killed_at_any_failpoint_equals_an_undisturbed_one() {
    let mut undisturbed: Option<Vec<Vec<String>>> = None;
    for failpoint in [None].into_iter().chain(FAILPOINTS.map(Some)) {
        let world = super::world();
        world.run_of("first", &SNAPSHOTS).await;
        for (dataset, count) in SNAPSHOTS.into_iter().zip([120, 4, 3]) {
            let ledger = world.sim.ledger(dataset).unwrap();
            ledger.delete(count);
            ledger.edit(count);
        }
        // the child's clock is the system's
        world.clock.advance(BETWEEN);
        if let Some(failpoint) = failpoint {
            let killed = ran(&world, Some(failpoint)).await;
            assert!(killed.status.code().is_none(), "{failpoint} was not reached: {killed:?}");
        }
        let ran = ran(&world, None).await;
        assert!(ran.status.success(), "{failpoint:?}: {ran:?}");
        let histories: Vec<_> = SNAPSHOTS.iter().map(|dataset| history(&world, dataset)).collect();
        for dataset in SNAPSHOTS {
            world.assert_is_the_erp(wdt_models::endpoints::find(dataset).unwrap()).await;
        }
        match &undisturbed {
            None => undisturbed = Some(histories),
            Some(undisturbed) => {
                let rows = histories.iter().flatten().zip(undisturbed.iter().flatten());
                let differ = rows.into_iter().find(|(row, other)| row != other);
                assert_eq!((histories.concat().len(), differ), (undisturbed.concat().len(), None), "{failpoint:?}");
            }
        }
    }
}

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

/// A history as texts, without what differs between two readings, sorted.
fn history(world: &World, dataset: &str) -> Vec<String> {
    let text = |mut row: Row| {
        row.retain(|name, _| !OF_THE_READING.contains(&name.as_str()));
        serde_json::to_string(&row).unwrap()
    };
    let mut rows: Vec<String> = rows(world, &format!("{dataset}_history")).into_iter().map(text).collect();
    rows.sort();
    rows
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
