//! `format = "parquet"` by the command line: no current table on disk, and every command that needs one has it.

use std::process::Output;

use serde_json::Value;
use wdt_etl::pipeline::Order;

use crate::child::{self, binary};
use crate::support;
use crate::world::{BETWEEN, World};

/// Two nights with edits between them.
async fn two_nights() -> World {
    let world = World::new(60, |_| {});
    as_format(&world, "parquet");
    world.run("first", &Order::default()).await;
    world.sim.ledger("enterprise_stock").unwrap().edit(9);
    world.sim.ledger("enterprise_stock").unwrap().add(2);
    world.clock.advance(BETWEEN);
    world.run("second", &Order::default()).await;
    world
}

fn as_format(world: &World, format: &str) {
    world.edit_config("[warehouse]", &format!("[warehouse]\nformat = \"{format}\""));
}

/// The binary over the world's configuration.
fn ran(world: &World, args: &[&str]) -> Output {
    let mut command = binary();
    command.args(args).arg("--config").arg(world.config_path());
    child::output(command)
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn histories_are_folders_by_date_and_every_command_has_its_current_rows() {
    let world = two_nights().await;
    let tables: Vec<String> = std::fs::read_dir(world.warehouse())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(tables.iter().all(|table| table.ends_with("_history") || table.starts_with("etl_")), "{tables:?}");
    let history = support::rows(&world.warehouse().join("enterprise_stock_history"));
    assert!((71..=73).contains(&history.len()), "{}", history.len());
    assert!(history.iter().all(|row| row["dt"].as_str().is_some_and(|date| date.len() == 10)), "{history:?}");
    let status = ran(&world, &["status", "--json"]);
    let lines = told(&status);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["rows"], &lines[0]["bytes"], &lines[0]["behind"]), (&62.into(), &0.into(), &0.into()));
    assert_eq!(lines[0]["history_rows"], history.len());
    let file = world.folder.path().join("stock.ndjson");
    let exported = ran(&world, &["export", "enterprise_stock", "-o", file.to_str().unwrap()]);
    assert!(exported.status.success(), "{}", told(&exported));
    assert_eq!(std::fs::read_to_string(file).unwrap().lines().count(), 62);
    let verified = ran(&world, &["verify"]);
    assert!(verified.status.success(), "{}", told(&verified));
    assert!(told(&verified).contains("62 rows, each the newest of the history"), "{}", told(&verified));
    world.assert_current_is_the_erp().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_the_history_that_is_gone_is_told_by_verify_and_ends_a_run() {
    let world = two_nights().await;
    let history = world.warehouse().join("enterprise_stock_history");
    let first = support::commits(&history).iter().find_map(|commit| support::changes(commit).0.into_keys().next());
    std::fs::remove_file(history.join(first.unwrap())).unwrap();
    let verified = ran(&world, &["verify", "--dataset", "enterprise_stock"]);
    assert_eq!(verified.status.code(), Some(6), "{}", told(&verified));
    assert!(told(&verified).contains(".parquet is gone"), "{}", told(&verified));
    let options = Order::default();
    let around = world.surroundings("third");
    let ended = wdt_etl::pipeline::run(&world.config(), &options, &around).await.unwrap_err();
    assert_eq!(ended.exit_code(), 6, "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warehouse_of_the_other_format_is_refused_before_anything_is_written() {
    for (kept, other) in [("parquet", "delta"), ("delta", "parquet")] {
        let world = World::new(10, |_| {});
        as_format(&world, kept);
        world.run("first", &Order::default()).await;
        let before = tree(&world);
        world.edit_config(&format!("format = \"{kept}\""), &format!("format = \"{other}\""));
        for args in [&["run"] as &[&str], &["status"], &["verify"], &["check", "--offline"]] {
            let refused = ran(&world, args);
            let text = told(&refused);
            assert_eq!(refused.status.code(), Some(6), "{args:?}: {text}");
            assert!(text.contains(&format!("is kept as {kept}, which is not the configured format")), "{text}");
            assert!(text.contains("set warehouse.format to that format"), "{text}");
        }
        assert_eq!(tree(&world), before);
    }
}

/// Every path below the warehouse.
fn tree(world: &World) -> Vec<std::path::PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![world.warehouse()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    found.sort();
    found
}
