//! `verify`: passes whatever runs left, and finds each damage that is planted, one at a time.

mod damage;
mod probe;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use wdt_etl::cli::{SelectArgs, Verify};
use wdt_etl::commands::verify::verify;
use wdt_etl::config::Config;
use wdt_etl::pipeline::Order;

use crate::child;
use crate::support::{Home, Platform, VARIABLE};
use crate::world::{BETWEEN, World};

const ROWS: [(&str, u32); 7] = [
    ("enterprise_stock", 150),
    ("enterprise_goods", 120),
    ("flagship_stock", 150),
    ("flagship_goods", 200),
    ("cainiao_inventory", 378),
    ("flagship_warehouses", 12),
    ("flagship_shops", 9),
];

/// What a verification printed and ended with.
struct Verified {
    code: u8,
    lines: Vec<Value>,
}

impl Verified {
    /// The only line of a check about a dataset.
    #[track_caller]
    fn line(&self, check: &str, dataset: &str) -> &Value {
        let found: Vec<&Value> =
            self.lines.iter().filter(|line| line["check"] == check && line["dataset"] == dataset).collect();
        assert_eq!(found.len(), 1, "{check} {dataset}: {:#?}", self.lines);
        found[0]
    }

    /// Checks and datasets of the lines that do not hold.
    fn failed(&self) -> Vec<String> {
        let failed = self.lines.iter().filter(|line| line["ok"] == false);
        failed
            .map(|line| format!("{} {}", line["check"].as_str().unwrap(), line["dataset"].as_str().unwrap()))
            .collect()
    }

    /// Everything holds, and there is nothing to know beside.
    #[track_caller]
    fn assert_spotless(&self) {
        assert_eq!(self.code, 0, "{:#?}", self.lines);
        for line in &self.lines {
            assert!(line["ok"] == true && line.get("hint").is_none() && line["exit_code"] == 0, "{line:#}");
        }
    }

    /// This check of the stock fails with these words and this code; so does the command if nothing is graver.
    #[track_caller]
    fn assert_found(&self, check: &str, code: u8, words: &str) {
        let line = self.line(check, "enterprise_stock");
        assert_eq!((&line["ok"], &line["exit_code"]), (&false.into(), &code.into()), "{line:#}");
        assert!(line["detail"].as_str().unwrap().contains(words), "{words} is not in {line:#}");
        assert!(line["hint"].as_str().is_some_and(|hint| hint.len() > 20), "{line:#}");
        assert!(self.code >= code, "{:#?}", self.lines);
    }
}

fn args() -> Verify {
    Verify { select: SelectArgs::default(), probe: false, days: 7, json: true }
}

async fn verified(world: &World, config: &Config, args: &Verify) -> Verified {
    let mut out = Vec::new();
    let code = verify(config, args, &world.surroundings("verify"), &mut out).await.unwrap();
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(text.lines().all(|line| line.starts_with(r#"{"schema_version":1,"event":"verify","#)), "{text}");
    Verified { code, lines }
}

/// Every file below a folder, with its bytes.
fn content(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((path.clone(), std::fs::read(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn nights_of_all_eight_datasets_hold_and_nothing_is_changed() {
    let world = World::of_all_gateways(&ROWS, |sim| sim.refused_rows = 1);
    world.edit_config("[run]\n", "[run]\nquarantine_limit = \"50%\"\n");
    for night in ["first", "second", "third"] {
        world.run(night, &Order::default()).await;
        let before = content(&world.warehouse());
        let calls = world.sim.call_count();
        let verified = verified(&world, &world.config(), &args()).await;
        verified.assert_spotless();
        assert_eq!(verified.lines.len(), 8 * 10, "{:#?}", verified.lines);
        assert_eq!(world.sim.call_count(), calls, "no call is made");
        assert!(content(&world.warehouse()) == before, "a file was changed");
        for (dataset, _) in ROWS {
            let ledger = world.sim.ledger(dataset).unwrap();
            ledger.edit(15);
            ledger.delete(3);
        }
        world.clock.advance(BETWEEN);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nights_with_edits_while_reading_hold() {
    let world = World::new(1500, |sim| (sim.edits_per_page, sim.bulk_second) = (0.3, 250));
    world.run("first", &Order::default()).await;
    world.sim.ledger("enterprise_stock").unwrap().edit(200);
    world.clock.advance(BETWEEN);
    world.run("second", &Order::default()).await;
    let verified = verified(&world, &world.config(), &args()).await;
    verified.assert_spotless();
    let windows = verified.line("windows", "enterprise_stock")["detail"].as_str().unwrap();
    assert!(
        windows.contains("windows cover 2012-01-01 00:00:00 .. ") && windows.contains(" 1 of them overlap"),
        "{windows}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn readings_of_a_slice_within_one_second_hold() {
    let world = World::of_all_gateways(&[("flagship_shops", 9)], |_| {});
    world.clock.stop();
    for night in ["first", "second", "third"] {
        world.sim.ledger("flagship_shops").unwrap().edit(2);
        world.run_of(night, &["flagship_shops"]).await;
    }
    let select = SelectArgs { datasets: vec!["flagship_shops".to_owned()], ..SelectArgs::default() };
    let args = Verify { select, ..args() };
    verified(&world, &world.config(), &args).await.assert_spotless();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_hold() {
    let world = World::new(800, |sim| sim.refused_rows = 3);
    let options = Order::default();
    tokio::join!(world.run("one", &options), world.run("other", &options));
    let verified = verified(&world, &world.config(), &args()).await;
    assert_eq!((verified.code, verified.failed().len()), (0, 0), "{:#?}", verified.lines);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_is_behind_and_holds_after_the_next() {
    for (failpoint, behind) in [("log-written", false), ("log-committed", true), ("projected", false)] {
        let world = World::new(300, |_| {});
        world.run("first", &Order::default()).await;
        world.sim.ledger("enterprise_stock").unwrap().edit(100);
        world.clock.advance(BETWEEN);
        assert!(!ran(&world, Some(failpoint)).await, "{failpoint} was not reached");
        let killed = verified(&world, &world.config(), &args()).await;
        assert_eq!(killed.code, 0, "{failpoint}: {:#?}", killed.lines);
        let current = killed.line("current", "enterprise_stock");
        assert_eq!(
            current["detail"].as_str().unwrap().contains("1 commits behind"),
            behind,
            "{failpoint}: {current:#}"
        );
        assert_eq!(current["hint"].is_string(), behind, "{failpoint}: {current:#}");
        let mirrors = killed.line("mirrors", "enterprise_stock");
        assert_eq!(mirrors["hint"].is_string(), failpoint != "log-written", "{failpoint}: {mirrors:#}");
        assert!(ran(&world, None).await, "{failpoint}");
        verified(&world, &world.config(), &args()).await.assert_spotless();
    }
}

/// Runs the binary to its end.
async fn ran(world: &World, failpoint: Option<&str>) -> bool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wdt-etl"));
    command.args(["run", "--config"]).arg(world.config_path()).env_clear();
    command.envs(failpoint.map(|failpoint| ("WDT_ETL_TEST_FAILPOINT", failpoint)));
    tokio::task::spawn_blocking(move || child::output(command)).await.unwrap().status.success()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_current_table_and_lost_mirrors_are_told_and_are_no_fault() {
    let world = World::new(200, |_| {});
    world.run("first", &Order::default()).await;
    for name in ["enterprise_stock", "etl_windows"] {
        std::fs::remove_dir_all(world.warehouse().join(name)).unwrap();
    }
    let lost = verified(&world, &world.config(), &args()).await;
    assert_eq!(lost.code, 0, "{:#?}", lost.lines);
    assert_eq!(lost.line("current", "enterprise_stock")["detail"], "the table is not there");
    assert_eq!(lost.line("mirrors", "enterprise_goods")["detail"], "etl_windows is not there");
    world.clock.advance(BETWEEN);
    world.run("second", &Order::default()).await;
    verified(&world, &world.config(), &args()).await.assert_spotless();
}

#[test]
fn the_command_needs_no_secret_and_no_platform() {
    let platform = Platform::start();
    let home = Home::of(&platform);
    let before = home.run(&["verify"]).ends_with(0);
    assert_eq!(before.out.matches("nothing is landed yet").count(), 2, "{}", before.out);
    assert!(!home.path("warehouse").exists(), "verify makes nothing");
    home.load().ends_with(0);
    let calls = platform.call_count();
    let home = home.unset(VARIABLE);
    insta::assert_snapshot!("verify", home.run(&["verify", "--dataset", "enterprise_stock"]).ends_with(0).masked());
    assert_eq!(platform.call_count(), calls);
    home.run(&["verify", "--probe"]).ends_with(2);
    home.run(&["verify", "--days", "3"]).ends_with(2);
    home.run(&["verify", "--account", "nobody"]).ends_with(2);
    let file =
        std::fs::read_dir(home.path("warehouse/enterprise_stock/account=main")).unwrap().next().unwrap().unwrap();
    std::fs::remove_file(file.path()).unwrap();
    let damaged = home.run(&["verify", "--json"]).ends_with(6);
    assert!(damaged.out.contains("is gone"), "{}", damaged.out);
}
