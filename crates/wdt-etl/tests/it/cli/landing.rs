//! Runs that land, run again, or land nothing on purpose.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::support::{Home, Platform, SECRET, UNTIL, commits, now, seconds_ago};

const DATASETS: [&str; 2] = ["enterprise_stock", "enterprise_goods"];

#[test]
fn every_line_is_an_event_and_the_last_one_ends_the_run() {
    let platform = Platform::start();
    let home = Home::of(&platform).but("[run]\n", "[run]\nconcurrency = 1\n");
    let ran = home.run(&["run", "--until", UNTIL, "--json"]).ends_with(0);
    let events = ran.events();
    assert_eq!((&events[0]["event"], &events[0]["datasets"]), (&"run_started".into(), &2.into()));
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["exit_code"]), (&"run_finished".into(), &0.into()));
    assert_eq!(events[0]["run_id"], last["run_id"]);
    insta::assert_snapshot!(ran.masked());
    let unasked = home.load().ends_with(0);
    assert_eq!(unasked.events_named("run_finished").len(), 1, "without a terminal the lines come unasked");
    assert_eq!(unasked.err, "");
}

#[test]
fn what_the_platform_has_is_what_lands() {
    let platform = Platform::start();
    let home = Home::of(&platform);
    let ran = home.load().ends_with(0);
    for dataset in DATASETS {
        assert_eq!(home.keys(dataset), platform.keys(dataset));
        let history = home.rows(&format!("{dataset}_history"));
        assert_eq!(history.len(), platform.keys(dataset).len());
        assert!(history.iter().all(|row| row["_wdt_op"] == "upsert"));
        assert_eq!(ran.finished("main", dataset)["watermark"], UNTIL);
    }
    let run_id = ran.events()[0]["run_id"].clone();
    assert!(home.rows("enterprise_stock").iter().all(|row| row["_wdt_run_id"] == run_id));
    let secrets = ["etl_runs", "etl_accounts", "enterprise_stock_history", "enterprise_stock"];
    for table in secrets {
        assert!(commits(&home.path("warehouse").join(table)).iter().all(|commit| !commit.contains(SECRET)), "{table}");
        assert!(!format!("{:?}", home.rows(table)).contains(SECRET), "{table}");
    }
}

#[test]
fn a_run_repeated_with_the_same_until_changes_no_row_and_makes_no_call() {
    let platform = Platform::start();
    let home = Home::of(&platform);
    home.load().ends_with(0);
    let tables = ["enterprise_stock", "enterprise_stock_history", "enterprise_goods", "enterprise_goods_history"];
    let state = || tables.map(|table| (home.version(table), home.rows(table)));
    let (calls, before) = (platform.call_count(), state());
    let again = home.load().ends_with(0);
    assert_eq!(platform.call_count(), calls);
    assert_eq!(state(), before);
    for dataset in DATASETS {
        assert_eq!(again.finished("main", dataset)["verdict"], "nothing_due");
    }
}

#[test]
fn records_read_again_change_no_row() {
    let platform = Platform::start();
    let home = Home::of(&platform).but("[run]\n", "[run]\nlookback = \"20d\"\n");
    home.load().ends_with(0);
    let rows = || DATASETS.map(|dataset| home.rows(dataset));
    let before = rows();
    let later = home.run(&["run", "--until", "2024-05-02 00:00:00"]).ends_with(0);
    let finished = later.finished("main", "enterprise_stock");
    assert!(finished["records"].as_u64().unwrap() > 0, "the lookback reads rows again: {finished}");
    assert_eq!(finished["changed"], 0);
    assert_eq!(rows(), before);
}

#[test]
fn a_run_narrowed_to_a_dataset() {
    let platform = Platform::start();
    let home = Home::of(&platform);
    let ran = home.run(&["run", "--until", UNTIL, "--account", "main", "--dataset", "enterprise_goods"]).ends_with(0);
    assert_eq!(ran.events_named("finished").len(), 1);
    let methods: BTreeSet<String> = platform.calls().into_iter().map(|call| call.method).collect();
    assert_eq!(methods, ["vip_api_goods_query.php".to_owned()].into());
    assert!(!home.path("warehouse/enterprise_stock").exists());
}

#[test]
fn an_until_within_settle_is_moved_back_with_a_notice() {
    let platform = Platform::start();
    let home = Home::of(&platform);
    let until = seconds_ago(60);
    let ran = home.run(&["run", "--until", &until]).ends_with(0);
    let notices = ran.events_named("notice");
    assert!(!notices.is_empty());
    for notice in notices {
        let text = notice["message"].as_str().unwrap();
        assert!(text.starts_with("--until moved back to "), "{text}");
    }
    for dataset in DATASETS {
        let watermark = ran.finished("main", dataset)["watermark"].as_str().unwrap().to_owned();
        assert!(watermark < until, "{watermark}");
        assert!(watermark.as_str() > UNTIL, "{watermark}");
    }
}

#[test]
fn a_dry_run_reads_and_lands_nothing() {
    let platform = Platform::start();
    let home = Home::of(&platform);
    let ran = home.run(&["run", "--until", UNTIL, "--dry-run"]).ends_with(0);
    assert!(platform.call_count() > 0);
    for dataset in DATASETS {
        let finished = ran.finished("main", dataset);
        assert_eq!((&finished["verdict"], &finished["records"]), (&"dry_run".into(), &200.into()));
        assert_eq!(finished["watermark"], serde_json::Value::Null);
    }
    let made: Vec<_> = std::fs::read_dir(home.path("warehouse")).into_iter().flatten().collect();
    assert!(made.is_empty(), "{made:?}");
    home.load().ends_with(0);
    let versions = || ["enterprise_stock_history", "enterprise_stock", "etl_runs"].map(|table| home.version(table));
    let before = versions();
    let ran = home.run(&["run", "--until", "2024-05-02 00:00:00", "--dry-run"]).ends_with(0);
    assert_eq!(ran.finished("main", "enterprise_stock")["verdict"], "dry_run");
    assert_eq!(versions(), before);
}

#[test]
fn the_next_run_lands_what_moved() {
    let ago = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&ago);
    let platform = Platform::with(|config| config.clock = Arc::new(move || now() - clock.load(Ordering::SeqCst)));
    let home = Home::of(&platform);
    home.load().ends_with(0);
    // edits of a quarter of an hour ago: they have settled
    ago.store(900, Ordering::SeqCst);
    platform.ledger("enterprise_stock").unwrap().edit(30);
    ago.store(0, Ordering::SeqCst);
    let ran = home.run(&["run"]).ends_with(0);
    assert_eq!(ran.finished("main", "enterprise_stock")["changed"], 30);
    assert_eq!(ran.finished("main", "enterprise_goods")["changed"], 0);
    assert_eq!(home.keys("enterprise_stock"), platform.keys("enterprise_stock"));
    assert_eq!(home.rows("enterprise_stock_history").len(), 230);
}
