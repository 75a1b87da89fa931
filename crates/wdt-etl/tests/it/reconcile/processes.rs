//! Real processes: a reconcile beside a run, and one that is killed at each failpoint.

use std::process::{Command, Output};

use super::{STOCK, current, erp, keys_of, logged, marked, rows};
use crate::child::output;
use crate::world::{BETWEEN, World};

const FAILPOINTS: [&str; 4] = ["log-written", "log-committed", "projected", "marked"];

/// A loaded world whose changes settle at once; a child's clock is the system's.
async fn quick(rows: u32) -> World {
    let world = super::loaded(rows, |_| {}).await;
    assert!(world.clock.seconds() >= super::support::now() - 1, "{BETWEEN} seconds are over");
    let text = std::fs::read_to_string(world.config_path()).unwrap();
    std::fs::write(world.config_path(), format!("[run]\nsettle = \"0s\"\n\n{text}")).unwrap();
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconcile_killed_at_any_failpoint_is_made_good_by_the_next() {
    for failpoint in FAILPOINTS {
        let world = quick(150).await;
        let ledger = world.sim.ledger(STOCK).unwrap();
        let gone = keys_of(&world, &ledger.delete(6));
        ledger.drift(8);
        let killed = child(&world, "reconcile", Some(failpoint)).await;
        assert!(killed.status.code().is_none(), "{failpoint} was not reached: {killed:?}");
        let again = child(&world, "reconcile", None).await;
        assert!(again.status.success(), "{failpoint}: {again:?}");
        assert_eq!(marked(&world), gone, "{failpoint}");
        assert_eq!((logged(&world, "upsert").len(), logged(&world, "delete").len()), (158, 6), "{failpoint}");
        world.assert_is_the_erp(&wdt_models::endpoints::ENTERPRISE_STOCK).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconcile_beside_a_run_loses_and_doubles_nothing() {
    let world = quick(300).await;
    let ledger = world.sim.ledger(STOCK).unwrap();
    let gone = keys_of(&world, &ledger.delete(9));
    let edited = ledger.edit(60);
    ledger.drift(20);
    let (compared, ran) = tokio::join!(child(&world, "reconcile", None), child(&world, "run", None));
    assert!(compared.status.success() && ran.status.success(), "{compared:?} {ran:?}");
    assert_eq!(marked(&world), gone);
    let again = child(&world, "reconcile", None).await;
    assert!(again.status.success(), "{again:?}");
    world.assert_is_the_erp(&wdt_models::endpoints::ENTERPRISE_STOCK).await;
    let (current, erp) = (current(&world), erp(&world));
    assert_eq!(current.len(), erp.len() + gone.len());
    let changed = logged(&world, "upsert").len();
    assert!((360..=380).contains(&changed), "{changed}: 300 rows, {} edits and up to 20 drifts", edited.len());
    assert_eq!(logged(&world, "delete").len(), 9);
    let runs = rows(&world, "etl_runs");
    assert!(runs.iter().filter(|row| row["dataset"] == STOCK).count() >= 4, "each has its row: {runs:?}");
}

/// Runs the binary to its end.
async fn child(world: &World, command: &str, failpoint: Option<&str>) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_wdt-etl"));
    child.args([command, "--dataset", STOCK, "--config"]).arg(world.config_path()).env_clear();
    if let Some(failpoint) = failpoint {
        child.env("WDT_ETL_TEST_FAILPOINT", failpoint);
    }
    tokio::task::spawn_blocking(move || output(child)).await.unwrap()
}
