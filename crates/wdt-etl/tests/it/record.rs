//! Recording a run over real sockets, and replaying it with the binary when the platform is gone.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use wdt_etl::cassette::{Hidden, Recording, Scramble};
use wdt_etl::commands::simulate;
use wdt_etl::pipeline::{Order, RunOutcome, Surroundings, run};
use wdt_models::{Gateway, endpoints};
use wdt_sign::Secret;
use wdt_sim::{Account, Fault};

use crate::world::{World, assert_same_rows, sorted, table, texts as texts_of, without};

const ROWS: &[(&str, u32)] = &[
    ("enterprise_stock", 150),
    ("enterprise_goods", 40),
    ("flagship_stock", 60),
    ("flagship_goods", 40),
    ("flagship_stock_sync", 40),
    ("flagship_warehouses", 5),
    ("flagship_shops", 5),
    ("cainiao_inventory", 30),
];

/// Runs everything due and keeps it.
async fn recorded(world: &World, folder: &Path, hidden: Hidden) -> RunOutcome {
    let (config, options, around) = (world.config(), Order::default(), world.surroundings("recorded"));
    let recording = Arc::new(Recording::begin(folder, &config, &options, &around, hidden).unwrap());
    let around = Surroundings { decisions: Arc::<Recording>::clone(&recording), ..around };
    let outcome = run(&config, &options, &around).await.unwrap();
    recording.finish(&outcome).unwrap();
    outcome
}

/// The binary's replay, in an empty folder and an empty environment.
fn replayed(cassette: &Path, warehouse: &Path) -> Output {
    let home = tempfile::tempdir().unwrap();
    let mut binary = Command::new(env!("CARGO_BIN_EXE_wdt-etl"));
    binary.current_dir(home.path()).env_clear().arg("replay").arg(cassette).arg("--warehouse").arg(warehouse);
    binary.output().unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Whether any file of a folder holds a text.
fn is_held(folder: &Path, text: &str) -> bool {
    files(folder).iter().any(|file| String::from_utf8_lossy(&std::fs::read(file).unwrap()).contains(text))
}

fn no_secret_is_in(folder: &Path) {
    for (account, key, secret) in simulate::secrets() {
        for part in secret.expose().split(':') {
            assert!(!is_held(folder, part), "{account}'s {key}");
        }
    }
}

#[tokio::test]
async fn a_recorded_run_comes_about_again_when_the_platform_is_gone() {
    let world = World::of_all_gateways(ROWS, |config| config.edits_per_page = 0.2);
    world.script.set(|number| match number {
        7 => Some(Fault::BrokenTransfer),
        11 => Some(Fault::Status(502)),
        _ => None,
    });
    let folder = tempfile::tempdir().unwrap();
    let (cassette, one, other) = (folder.path().join("c"), folder.path().join("one"), folder.path().join("other"));
    let outcome = recorded(&world, &cassette, Hidden::default()).await;
    assert_eq!(outcome.exit_code(), 0, "{outcome:#?}");
    no_secret_is_in(&cassette);
    let kept = world.warehouse();
    world.sim.stop().await;
    for warehouse in [&one, &other] {
        let output = replayed(&cassette, warehouse);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    for endpoint in endpoints::ALL {
        let order: Vec<&str> = endpoint.key.iter().copied().chain(endpoint.cursor().map(|own| own.field)).collect();
        for name in [endpoint.dataset.to_owned(), format!("{}_history", endpoint.dataset)] {
            let (recorded, replayed) =
                (sorted(&table(&kept, &name).await, &order), sorted(&table(&one, &name).await, &order));
            let times = &["_wdt_pulled_at", "dt"];
            assert_same_rows(&without(&replayed, times), &without(&recorded, times), &name);
            assert_same_rows(&sorted(&table(&other, &name).await, &order), &replayed, &name);
        }
    }
    for (name, order) in
        [("etl_runs", &["account", "dataset"][..]), ("etl_windows", &["account", "dataset", "table_version"])]
    {
        let (one, other) = (table(&one, name).await, table(&other, name).await);
        assert_same_rows(&sorted(&one, order), &sorted(&other, order), name);
    }
}

#[tokio::test]
async fn masked_numbers_are_nowhere_in_the_cassette() {
    let world = World::of_all_gateways(ROWS, |_| {});
    let folder = tempfile::tempdir().unwrap();
    let cassette = folder.path().join("c");
    recorded(&world, &cassette, Hidden { accounts: true, texts: None }).await;
    for account in Gateway::ALL.iter().map(|&gateway| Account::example(gateway)) {
        assert!(!is_held(&cassette, &account.app_key), "{}", account.app_key);
        assert!(account.sid.is_empty() || !is_held(&cassette, &account.sid), "{}", account.sid);
    }
    assert!(is_held(&cassette, "app-key-1") && is_held(&cassette, "sid-1"));
    let output = replayed(&cassette, &folder.path().join("w"));
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn an_answer_that_repeats_a_secret_ends_the_recording_without_it() {
    let world = World::of_all_gateways(ROWS, |_| {});
    let secret = Account::example(Gateway::Enterprise).secret.expose().to_owned();
    world.script.set(move |_| Some(Fault::platform("99", &format!("debug: key {secret} is busy"))));
    let folder = tempfile::tempdir().unwrap();
    let cassette = folder.path().join("c");
    let outcome = recorded(&world, &cassette, Hidden::default()).await;
    let problem = outcome.datasets[0].problem.as_ref().unwrap();
    assert!(problem.message.contains("repeats a secret"), "{}", problem.message);
    assert_eq!(outcome.exit_code(), 5, "{outcome:#?}");
    no_secret_is_in(folder.path());
}

#[tokio::test]
async fn a_folder_that_holds_something_is_not_recorded_into() {
    let world = World::of_all_gateways(ROWS, |_| {});
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.txt"), "mine").unwrap();
    let (config, around) = (world.config(), world.surroundings("r"));
    let refused = Recording::begin(folder.path(), &config, &Order::default(), &around, Hidden::default());
    let refused = refused.map(|_| ()).unwrap_err().report();
    assert!(refused.contains("already contains files") && refused.contains("hint: "), "{refused}");
    assert_eq!(world.sim.call_count(), 0);
}

#[tokio::test]
async fn scrambled_texts_are_nowhere_in_the_cassette_and_the_run_comes_about_again() {
    let world = World::of_all_gateways(ROWS, |config| config.edits_per_page = 0.2);
    let folder = tempfile::tempdir().unwrap();
    let (cassette, warehouse) = (folder.path().join("c"), folder.path().join("w"));
    let texts = Scramble::new(&Secret::new("an-invented-key"));
    recorded(&world, &cassette, Hidden { accounts: false, texts }).await;
    let kept = table(&world.warehouse(), "enterprise_stock").await;
    for column in ["spec_no", "warehouse_no", "goods_name"] {
        for text in texts_of(&kept, column).iter().filter(|text| text.chars().count() > 4) {
            assert!(!is_held(&cassette, text), "{column}: {text}");
        }
    }
    assert!(!is_held(&cassette, "STORE_1"));
    let output = replayed(&cassette, &warehouse);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let replayed = table(&warehouse, "enterprise_stock").await;
    let order = &["spec_id", "warehouse_id"];
    let (kept, replayed) = (sorted(&kept, order), sorted(&replayed, order));
    assert_eq!(kept.column_by_name("stock_num"), replayed.column_by_name("stock_num"));
    let scramble = Scramble::new(&Secret::new("an-invented-key")).unwrap();
    let of = |text: &String| if text == "null" { text.clone() } else { scramble.text(text) };
    let scrambled: Vec<String> = texts_of(&kept, "spec_no").iter().map(of).collect();
    assert_eq!(texts_of(&replayed, "spec_no"), scrambled);
}
