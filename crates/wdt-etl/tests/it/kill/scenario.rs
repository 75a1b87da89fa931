//! What a child is killed in: an ERP that stands still, a warehouse as it is before, and a command.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use tempfile::TempDir;
use wdt_etl::pipeline::Order;
use wdt_models::Window;
use wdt_models::time::{Seconds, format_wall_time};
use wdt_sim::SimConfig;
use wdt_warehouse::Format;

use crate::child::{self, FAILPOINT, STORE};
use crate::support::copied;
use crate::world::{BETWEEN, World};

const DAY: i64 = 86_400;
/// Days over which the rows' cursors are spread: each is a folder of the history.
const DAYS: i64 = 4;
const STOCK: &str = "enterprise_stock";
/// A run's datasets that are slices, lists, and ids of what another one landed.
const SNAPSHOTS: [&str; 4] = ["cainiao_inventory", "flagship_warehouses", "flagship_goods", "flagship_stock_sync"];

/// A command, and all it depends on.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) format: Format,
    pub(super) world: World,
    pub(super) datasets: Vec<&'static str>,
    args: Vec<String>,
}

/// What disturbs a child.
#[derive(Debug, Clone, Default)]
pub(super) struct Disturbance {
    /// The armed failpoint.
    pub(super) failpoint: Option<String>,
    /// The armed store.
    pub(super) store: Option<String>,
    /// A kill after that time, wherever it is.
    pub(super) after: Option<Duration>,
}

/// A copy of a scenario's folder, to be killed in.
pub(super) struct Copy(TempDir);

impl Scenario {
    /// Every scenario.
    pub(super) async fn all(format: Format) -> Vec<Self> {
        vec![
            Self::first_load(format),
            Self::night(format).await,
            Self::snapshots(format).await,
            Self::reconcile(format).await,
            Self::backfill(format).await,
        ]
    }

    /// A first load, over many windows and more than one commit.
    pub(super) fn first_load(format: Format) -> Self {
        let world = windows(format);
        world.clock.advance(BETWEEN);
        Self::run("first load", format, world, &[STOCK, "enterprise_goods"])
    }

    /// A second night, with edits and new rows.
    pub(super) async fn night(format: Format) -> Self {
        let world = windows(format);
        world.run("first", &Order::default()).await;
        for dataset in [STOCK, "enterprise_goods"] {
            let ledger = world.sim.ledger(dataset).unwrap();
            ledger.edit(12);
            ledger.add(3);
        }
        // its row in `etl_accounts` is written anew
        world.edit_config("gateway = ", "merchant = \"renamed\"\ngateway = ");
        world.clock.advance(BETWEEN);
        Self::run("night", format, world, &[STOCK, "enterprise_goods"])
    }

    /// A second night of snapshots, with rows that vanish and others that change.
    pub(super) async fn snapshots(format: Format) -> Self {
        let rows = [("cainiao_inventory", 40), ("flagship_warehouses", 6), ("flagship_goods", 24)];
        let world = World::of_all_gateways(&rows, few_days);
        keep_as(&world, format);
        world.edit_config(crate::world::STORES, "[\"STORE_1\"]\ninventory_types = [1, 101]");
        world.run_of("first", &SNAPSHOTS).await;
        for (dataset, _) in rows {
            let ledger = world.sim.ledger(dataset).unwrap();
            ledger.delete(2);
            ledger.edit(4);
        }
        world.clock.advance(BETWEEN);
        let mut args = vec!["run".to_owned()];
        args.extend(SNAPSHOTS.iter().flat_map(|dataset| ["--dataset".to_owned(), (*dataset).to_owned()]));
        args.extend(["--until".to_owned(), format_wall_time(Seconds(world.clock.seconds() - 400))]);
        Self { name: "snapshots", format, world, datasets: SNAPSHOTS.to_vec(), args }
    }

    /// A reconcile that finds rows that are gone and others that changed under an unmoved cursor.
    pub(super) async fn reconcile(format: Format) -> Self {
        let world = windows(format);
        world.run_of("first", &[STOCK]).await;
        let ledger = world.sim.ledger(STOCK).unwrap();
        ledger.delete(4);
        ledger.drift(6);
        world.edit_config("settle = \"5m\"", "settle = \"0s\"");
        world.clock.advance(BETWEEN);
        let args = ["reconcile", "--dataset", STOCK].map(str::to_owned).to_vec();
        Self { name: "reconcile", format, world, datasets: vec![STOCK], args }
    }

    /// A backfill of what a later start left out.
    pub(super) async fn backfill(format: Format) -> Self {
        let world = windows(format);
        let start = world.clock.seconds() - (DAYS + 1) * DAY;
        let (early, late) = (format_wall_time(Seconds(start)), format_wall_time(Seconds(start + 3 * DAY)));
        world.edit_config(&early, &late);
        world.run_of("first", &[STOCK]).await;
        world.clock.advance(BETWEEN);
        let args = ["backfill", "--dataset", STOCK, "--from", &early, "--to", &late].map(str::to_owned).to_vec();
        Self { name: "backfill", format, world, datasets: vec![STOCK], args }
    }

    fn run(name: &'static str, format: Format, world: World, datasets: &[&'static str]) -> Self {
        let args = vec!["run".to_owned(), "--until".to_owned(), format_wall_time(Seconds(world.clock.seconds() - 400))];
        Self { name, format, world, datasets: datasets.to_vec(), args }
    }

    /// A copy of the folder as it is before the command.
    pub(super) fn copy(&self) -> Copy {
        let copy = tempfile::tempdir().unwrap();
        copied(self.world.folder.path(), copy.path());
        Copy(copy)
    }

    /// Runs the command over a copy, to its end or to the kill.
    pub(super) async fn child(&self, copy: &Copy, disturbance: &Disturbance) -> Output {
        let command = self.command(copy, disturbance);
        match disturbance.after {
            Some(after) => child::killed_after(command, after).await,
            None => tokio::task::spawn_blocking(move || child::output(command)).await.unwrap(),
        }
    }

    fn command(&self, copy: &Copy, disturbance: &Disturbance) -> Command {
        let mut command = child::binary();
        command.args(&self.args).arg("--config").arg(copy.config());
        command.env("TMPDIR", copy.0.path()).env("WDT_ETL_TEST_NO_WAITS", "1");
        command.envs(disturbance.failpoint.iter().map(|failpoint| (FAILPOINT, failpoint)));
        command.envs(disturbance.store.iter().map(|store| (STORE, store)));
        command
    }
}

impl Disturbance {
    pub(super) fn none() -> Self {
        Self::default()
    }

    /// A kill at a failpoint.
    pub(super) fn at(failpoint: impl Into<String>) -> Self {
        Self { failpoint: Some(failpoint.into()), ..Self::default() }
    }

    /// Writes that go wrong.
    pub(super) fn store(plan: impl Into<String>) -> Self {
        Self { store: Some(plan.into()), ..Self::default() }
    }
}

impl Copy {
    pub(super) fn config(&self) -> PathBuf {
        self.0.path().join("wdt-etl.toml")
    }

    pub(super) fn warehouse(&self) -> PathBuf {
        self.0.path().join("warehouse")
    }
}

/// Two datasets of a few rows over a few days, two of them with a cell that no reader can type.
fn windows(format: Format) -> World {
    let world = World::new(30, |sim| {
        few_days(sim);
        sim.refused_rows = 1;
    });
    let start = format!("start = \"{}\"", format_wall_time(Seconds(world.clock.seconds() - (DAYS + 1) * DAY)));
    world.write_config(&start);
    keep_as(&world, format);
    let goods = "name = \"enterprise_goods\"";
    world.edit_config(goods, &format!("{goods}\n{start}"));
    world.edit_config(
        "[[accounts]]",
        "[run]\nsettle = \"5m\"\nwindow = \"6h\"\nquarantine_limit = \"100%\"\n\n[[accounts]]",
    );
    world
}

fn keep_as(world: &World, format: Format) {
    world.edit_config("[warehouse]", &format!("[warehouse]\nformat = \"{}\"", format.name()));
}

/// The rows' cursors lie in the last days.
fn few_days(sim: &mut SimConfig) {
    let now = (sim.clock)();
    sim.span = Some(Window::new(Seconds(now - DAYS * DAY), Seconds(now - 600)));
}
