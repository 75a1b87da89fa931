//! The full compare: rows that are gone are marked, rows that exist never, whatever the ERP does meanwhile.

mod processes;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use wdt_etl::cli::{OutputArgs, Reconcile, SelectArgs};
use wdt_etl::pipeline::{DatasetOutcome, Order, Select, Surroundings, Task, Verdict, run};
use wdt_etl::report::{Event, Reporter};
use wdt_models::endpoints::{self, ENTERPRISE_STOCK};
use wdt_models::time::{Seconds, format_wall_time};
use wdt_sim::{Fault, SimConfig};
use wdt_warehouse::DeleteLimit;

use crate::support;
use crate::world::{BETWEEN, World, only};

const STOCK: &str = "enterprise_stock";

type Row = serde_json::Map<String, serde_json::Value>;
type Key = Vec<String>;

/// Takes the events; where the reconcile waits, something may happen, and then the clock moves.
struct Audience {
    world_clock: crate::world::TestClock,
    between: Mutex<Box<dyn FnMut() + Send>>,
    events: Mutex<Vec<Event>>,
}

impl Reporter for Audience {
    fn event(&self, event: &Event) {
        self.events.lock().unwrap().push(event.clone());
        if let Event::Waiting { wait_ms, .. } = event {
            self.between.lock().unwrap()();
            self.world_clock.advance(i64::try_from(wait_ms / 1000).unwrap() + 1);
        }
    }
}

impl Audience {
    fn of(world: &World, between: impl FnMut() + Send + 'static) -> Arc<Self> {
        let between: Box<dyn FnMut() + Send> = Box::new(between);
        Arc::new(Self {
            world_clock: world.clock.clone(),
            between: Mutex::new(between),
            events: Mutex::new(Vec::new()),
        })
    }

    fn notices(&self) -> Vec<String> {
        let events = self.events.lock().unwrap();
        let message = |event: &Event| match event {
            Event::Notice { message, .. } => Some(message.clone()),
            _ => None,
        };
        events.iter().filter_map(message).collect()
    }
}

/// One dataset of so many rows of the last three weeks, in pages of 20.
fn world(rows: u32, change: impl FnOnce(&mut SimConfig)) -> World {
    let world = World::new(rows, change);
    let start = format_wall_time(Seconds(world.clock.seconds() - 22 * 86_400));
    world.write_config(&format!("start = \"{start}\"\npage_size = 20"));
    world
}

/// A first load, all of which has settled.
async fn loaded(rows: u32, change: impl FnOnce(&mut SimConfig)) -> World {
    let world = world(rows, change);
    world.run_of("first", &[STOCK]).await;
    world.clock.advance(BETWEEN);
    world
}

fn options(limit: DeleteLimit) -> Order {
    Order { select: only(&[STOCK]), task: Task::Reconcile(limit), dry_run: false }
}

async fn reconcile_with(world: &World, options: &Order, audience: &Arc<Audience>) -> DatasetOutcome {
    let around = Surroundings { reporter: Arc::clone(audience) as Arc<dyn Reporter>, ..world.surroundings("compare") };
    run(&world.config(), options, &around).await.unwrap().datasets.remove(0)
}

async fn reconcile(world: &World, limit: DeleteLimit) -> DatasetOutcome {
    reconcile_with(world, &options(limit), &Audience::of(world, || {})).await
}

fn key(row: &Row) -> Key {
    ENTERPRISE_STOCK.key.iter().map(|name| row[*name].to_string()).collect()
}

fn rows(world: &World, table: &str) -> Vec<Row> {
    support::rows(&world.warehouse().join(table))
}

fn current(world: &World) -> BTreeMap<Key, Row> {
    let rows = rows(world, STOCK);
    let count = rows.len();
    let rows: BTreeMap<Key, Row> = rows.into_iter().map(|row| (key(&row), row)).collect();
    assert_eq!(rows.len(), count, "a key stands twice");
    rows
}

fn marked(world: &World) -> BTreeSet<Key> {
    let rows = current(world).into_iter();
    rows.filter(|(_, row)| !row["_wdt_deleted_at"].is_null()).map(|(key, _)| key).collect()
}

fn keys_of(world: &World, rows: &[wdt_sim::Row]) -> BTreeSet<Key> {
    let ledger = world.sim.ledger(STOCK).unwrap();
    rows.iter().map(|row| ledger.key(*row).iter().map(ToString::to_string).collect()).collect()
}

fn erp(world: &World) -> BTreeSet<Key> {
    keys_of(world, &world.sim.ledger(STOCK).unwrap().rows())
}

fn logged(world: &World, op: &str) -> Vec<Row> {
    rows(world, "enterprise_stock_history").into_iter().filter(|row| row["_wdt_op"] == op).collect()
}

/// Deletes before, edits after pages, at calls a second apart and between the phases.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_gone_are_marked_and_no_other_while_the_erp_moves() {
    for seed in 1..=20 {
        println!("seed {seed}");
        let world = world(160, |sim| {
            let end = sim.span.unwrap().end;
            sim.span = Some(wdt_models::Window::new(end - 3 * 86_400, end));
            (sim.seed, sim.edits_per_page) = (seed, 0.3);
        });
        let start = format_wall_time(Seconds(world.clock.seconds() - 4 * 86_400));
        world.write_config(&format!("start = \"{start}\"\npage_size = 20"));
        let first = world.run_of("first", &[STOCK]).await.datasets.remove(0);
        world.clock.advance(BETWEEN);
        let ledger = world.sim.ledger(STOCK).unwrap();
        // a row that moved while the first run read may not be landed yet
        let landed: BTreeSet<Key> = current(&world).into_keys().collect();
        let gone: BTreeSet<Key> = keys_of(&world, &ledger.delete(12)).intersection(&landed).cloned().collect();
        let count = gone.len() as u64;
        assert!(count > 4, "seed {seed}: {count} rows are gone");
        let (calls, between, clock) = (ledger.clone(), ledger.clone(), world.clock.clone());
        world.script.set(move |number| {
            clock.advance(1);
            if number.is_multiple_of(3) {
                calls.edit(2);
            }
            None
        });
        let audience = Audience::of(&world, move || {
            between.edit(10);
        });
        let outcome = reconcile_with(&world, &options(DeleteLimit::Few), &audience).await;
        assert_eq!((outcome.exit_code(), outcome.verdict), (0, Verdict::Landed), "seed {seed}: {outcome:?}");
        let marked = marked(&world);
        let there = erp(&world);
        let wrong: Vec<_> = marked.intersection(&there).collect();
        assert!(wrong.is_empty(), "seed {seed}: marked and there: {wrong:?}");
        assert_eq!(marked, gone, "seed {seed}: not marked and gone");
        assert_eq!((outcome.sums.vanished, outcome.sums.deleted), (count, count), "seed {seed}");
        assert_eq!(outcome.watermark, first.watermark, "seed {seed}: the watermark stays");
        assert_eq!(logged(&world, "delete").len(), gone.len(), "seed {seed}");
        world.script.end();

        ledger.restore(4);
        world.clock.advance(BETWEEN);
        let second = world.run_of("second", &[STOCK]).await.datasets.remove(0);
        // the second run's own pages may have moved a row beyond it
        let reached = ledger.rows().into_iter().filter(|row| row.modified <= second.watermark.unwrap().0);
        let reached = keys_of(&world, &reached.collect::<Vec<_>>());
        let marked = self::marked(&world);
        assert!(marked.is_disjoint(&reached), "seed {seed}: a row that is back loses its mark");
        let left: BTreeSet<Key> = gone.difference(&erp(&world)).cloned().collect();
        assert!(marked.is_superset(&left), "seed {seed}: a row that is gone stays marked");
    }
}

/// Its cursor is ahead of both phases for ever.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_change_all_the_time_are_not_marked() {
    let world = loaded(18, |_| {}).await;
    let ledger = world.sim.ledger(STOCK).unwrap();
    let gone = keys_of(&world, &ledger.delete(2));
    world.script.set(move |_| {
        ledger.edit(usize::MAX);
        None
    });
    let outcome = reconcile(&world, DeleteLimit::Few).await;
    assert_eq!(outcome.exit_code(), 0, "{outcome:?}");
    assert_eq!(marked(&world), gone);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_changes_in_a_second_than_a_page_holds_leave_every_row_unmarked() {
    let world = loaded(60, |_| {}).await;
    let ledger = world.sim.ledger(STOCK).unwrap();
    ledger.delete(2);
    world.script.set(move |_| {
        ledger.edit(usize::MAX);
        None
    });
    let outcome = reconcile(&world, DeleteLimit::All).await;
    assert_eq!(outcome.exit_code(), 5, "{outcome:?}");
    assert!(marked(&world).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_edited_between_the_phases_is_landed_and_not_marked() {
    let world = loaded(120, |_| {}).await;
    let ledger = world.sim.ledger(STOCK).unwrap();
    // every row moves on after the first call, before its window is read
    let (calls, base, clock) = (ledger.clone(), world.sim.call_count(), world.clock.clone());
    world.script.set(move |number| {
        clock.advance(1);
        if number == base + 2 {
            calls.edit(usize::MAX);
        }
        None
    });
    let outcome = reconcile(&world, DeleteLimit::All).await;
    assert_eq!((outcome.exit_code(), outcome.sums.vanished), (0, 0), "{outcome:?}");
    assert_eq!((outcome.sums.changed, outcome.sums.unmoved), (120, 0), "{outcome:?}");
    world.assert_is_the_erp(&ENTERPRISE_STOCK).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_that_changed_under_an_unmoved_cursor_are_landed_and_counted() {
    let world = loaded(200, |_| {}).await;
    let drifted = world.sim.ledger(STOCK).unwrap().drift(7);
    world.run_of("second", &[STOCK]).await;
    let outcome = reconcile(&world, DeleteLimit::Few).await;
    assert_eq!((outcome.sums.unmoved, outcome.sums.changed, outcome.sums.deleted), (7, 7, 0), "{outcome:?}");
    let landed: BTreeSet<Key> =
        logged(&world, "upsert").iter().filter(|row| row["_wdt_run_id"] == "compare").map(key).collect();
    assert_eq!(landed, keys_of(&world, &drifted));
    world.assert_is_the_erp(&ENTERPRISE_STOCK).await;
    let again = reconcile(&world, DeleteLimit::Few).await;
    assert_eq!((again.sums.unmoved, again.sums.changed), (0, 0), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_twenty_rows_or_five_percent_are_marked_only_when_told() {
    let world = loaded(500, |_| {}).await;
    let ledger = world.sim.ledger(STOCK).unwrap();
    let gone = keys_of(&world, &ledger.delete(26));
    let version = |world: &World| support::rows(&world.warehouse().join("enterprise_stock_history")).len();
    let before = version(&world);
    let dry = Order { dry_run: true, ..options(DeleteLimit::All) };
    let audience = Audience::of(&world, || {});
    let outcome = reconcile_with(&world, &dry, &audience).await;
    assert_eq!((outcome.exit_code(), outcome.verdict), (0, Verdict::DryRun), "{outcome:?}");
    assert_eq!((outcome.sums.vanished, outcome.sums.deleted, version(&world)), (26, 0, before));
    let notices = audience.notices();
    assert!(notices.iter().any(|notice| notice.starts_with("26 rows would be marked")), "{notices:?}");
    for limit in [DeleteLimit::Few, DeleteLimit::Rows(25)] {
        let outcome = reconcile(&world, limit).await;
        assert_eq!(
            (outcome.exit_code(), outcome.sums.vanished, outcome.sums.deleted),
            (5, 26, 0),
            "{limit:?}: {outcome:?}"
        );
        assert!(outcome.problem.unwrap().hint.unwrap().contains("--max-deletes"));
        assert!(marked(&world).is_empty(), "{limit:?}");
    }
    assert_eq!(reconcile(&world, DeleteLimit::Rows(26)).await.sums.deleted, 26);
    assert_eq!(marked(&world), gone);
    // 474 stand: 5 % are 23
    ledger.delete(24);
    assert_eq!(reconcile(&world, DeleteLimit::Few).await.exit_code(), 5);
    assert_eq!(marked(&world), gone);
    ledger.restore(27);
    ledger.delete(25);
    world.run_of("second", &[STOCK]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_percent_exactly_are_marked() {
    let world = loaded(500, |_| {}).await;
    let gone = keys_of(&world, &world.sim.ledger(STOCK).unwrap().delete(25));
    let outcome = reconcile(&world, DeleteLimit::Few).await;
    assert_eq!((outcome.exit_code(), outcome.sums.deleted), (0, 25), "{outcome:?}");
    assert_eq!(marked(&world), gone);
    let deletes = logged(&world, "delete");
    assert!(deletes.iter().all(|row| row["dt"].as_str() == row["modified"].as_str().map(shanghai_date).as_deref()));
    let again = reconcile(&world, DeleteLimit::Few).await;
    assert_eq!((again.sums.vanished, again.sums.deleted, logged(&world, "delete").len()), (0, 0, 25), "marked once");
}

/// Members of `txn` and `commitInfo` actions of the history, in the order of its commits.
fn actions(world: &World, name: &str) -> Vec<serde_json::Value> {
    let commits = support::commits(&world.warehouse().join("enterprise_stock_history"));
    let lines = commits.iter().flat_map(|commit| commit.lines());
    let lines = lines.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    lines.filter_map(|line| line.get(name).cloned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_count_up_tell_their_progress_and_leave_the_watermark_alone() {
    let world = loaded(200, |_| {}).await;
    let of_runs = |action: &serde_json::Value| action["appId"] == "wdt-etl/run/main/enterprise_stock";
    let watermarks = |world: &World| {
        let runs = actions(world, "txn").into_iter().filter(of_runs);
        runs.map(|action| action["version"].as_i64().unwrap()).collect::<BTreeSet<_>>()
    };
    let before = watermarks(&world);
    for night in 1..=2 {
        world.sim.ledger(STOCK).unwrap().delete(3);
        assert_eq!(reconcile(&world, DeleteLimit::Few).await.sums.deleted, 3, "{night}");
        world.clock.advance(BETWEEN);
    }
    let transactions = actions(&world, "txn");
    assert_eq!(watermarks(&world), before, "the watermark is repeated as it stands, so that a rival run conflicts");
    let own = transactions.iter().filter(|action| action["appId"] == "wdt-etl/reconcile/main/enterprise_stock");
    let versions: Vec<u64> = own.map(|action| action["version"].as_u64().unwrap()).collect();
    assert_eq!(versions, (1..=versions.len() as u64).collect::<Vec<_>>());
    let records = actions(&world, "commitInfo").into_iter().filter(|info| info["wdtEtl"]["kind"] == "reconcile");
    let progress: Vec<_> = records.map(|info| info["wdtEtl"]["reconcile"].clone()).collect();
    assert_eq!(progress.len(), versions.len());
    assert_eq!(progress.iter().filter(|progress| progress["marks"] == true).count(), 2);
    for pair in progress.split_inclusive(|progress| progress["marks"] == true).flat_map(|night| night.windows(2)) {
        assert!(pair[0]["done"].as_i64() <= pair[1]["done"].as_i64(), "{pair:?}");
        assert_eq!((&pair[0]["from"], &pair[0]["walked_until"]), (&pair[1]["from"], &pair[1]["walked_until"]));
    }
    let last = progress.last().unwrap();
    assert_eq!(last["done"], last["settled_until"]);
}

/// The Asia/Shanghai date of a UTC instant.
fn shanghai_date(instant: &str) -> String {
    let instant = chrono::DateTime::parse_from_rfc3339(instant).unwrap();
    instant.with_timezone(&chrono::FixedOffset::east_opt(8 * 3600).unwrap()).date_naive().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_can_no_longer_be_typed_keeps_its_row() {
    let world = loaded(200, |_| {}).await;
    let text = std::fs::read_to_string(world.config_path()).unwrap();
    std::fs::write(world.config_path(), format!("[run]\nquarantine_limit = \"50%\"\n\n{text}")).unwrap();
    // the same ERP, whose first rows have a quantity that is none from now on
    let span =
        wdt_models::Window::new(Seconds(world.clock.seconds() - 21 * 86_400), Seconds(world.clock.seconds() - BETWEEN));
    let changed = World::new(200, |sim| (sim.refused_rows, sim.span) = (20, Some(span)));
    changed.clock.advance(world.clock.seconds() - changed.clock.seconds());
    let changed_ledger = changed.sim.ledger(STOCK).unwrap();
    let gone = keys_of(&world, &changed_ledger.delete(5));
    let url = |world: &World| world.sim.base_url(wdt_models::Gateway::Enterprise);
    world.edit_config(&url(&world), &url(&changed));
    let audience =
        Audience { world_clock: changed.clock.clone(), between: Mutex::new(Box::new(|| {})), events: Mutex::default() };
    let around = Surroundings {
        reporter: Arc::new(audience),
        clock: Arc::new(changed.clock.clone()),
        ..world.surroundings("compare")
    };
    let outcome = run(&world.config(), &options(DeleteLimit::Few), &around).await.unwrap().datasets.remove(0);
    assert!(outcome.sums.refused >= 15 && outcome.exit_code() == 0, "{outcome:?}");
    assert_eq!(marked(&world), gone, "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_cannot_be_certified_marks_nothing_and_ends_with_5() {
    for phase in ["first", "second", "closing"] {
        let world = loaded(200, |_| {}).await;
        let ledger = world.sim.ledger(STOCK).unwrap();
        ledger.delete(3);
        // a bulk change, so that there is more than a page to read after the first phase
        let edits = ledger.clone();
        let lies = Arc::new(Mutex::new(phase == "first"));
        let (lying, waits) = (Arc::clone(&lies), Arc::new(Mutex::new(0)));
        world.script.set(move |_| lying.lock().unwrap().then_some(Fault::LyingTotal(1)));
        let closing = phase == "closing";
        let audience = Audience::of(&world, move || {
            let mut waits = waits.lock().unwrap();
            *waits += 1;
            edits.edit(40);
            *lies.lock().unwrap() = !closing || *waits > 1;
        });
        let outcome = reconcile_with(&world, &options(DeleteLimit::All), &audience).await;
        // of a window without a row, such a total is an answer that makes no sense
        let refused = outcome.exit_code() == 5 || outcome.exit_code() == 4 && phase != "first";
        assert!(refused && outcome.sums.deleted == 0, "{phase}: {outcome:?}");
        assert!(marked(&world).is_empty(), "{phase}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_it_waits_leaves_what_was_landed_and_marks_nothing() {
    let world = loaded(120, |_| {}).await;
    world.sim.ledger(STOCK).unwrap().delete(3);
    world.sim.ledger(STOCK).unwrap().drift(9);
    let (stop, stopped) = watch::channel(false);
    let audience = Audience::of(&world, move || {
        let _ = stop.send(true);
    });
    let reporter = Arc::clone(&audience) as Arc<dyn Reporter>;
    let around = Surroundings { reporter, stop: stopped, ..world.surroundings("compare") };
    let stopped = run(&world.config(), &options(DeleteLimit::Few), &around).await.unwrap().datasets.remove(0);
    assert_eq!((stopped.exit_code(), stopped.verdict), (130, Verdict::Interrupted), "{stopped:?}");
    assert_eq!((stopped.sums.unmoved, marked(&world).len()), (9, 0));
    assert!(audience.notices().iter().any(|notice| notice.contains("begins at the first row again")));
    let again = reconcile(&world, DeleteLimit::Few).await;
    assert_eq!((again.sums.unmoved, again.sums.deleted), (0, 3), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_dataset_that_is_read_in_windows_is_compared() {
    let names: Vec<&str> =
        endpoints::ALL.iter().filter(|endpoint| endpoint.cursor().is_some()).map(|endpoint| endpoint.dataset).collect();
    assert_eq!(names.len(), 4);
    let rows: Vec<_> = names.iter().map(|&name| (name, 60)).collect();
    let world = World::of_all_gateways(&rows, |_| {});
    world.run_of("first", &names).await;
    world.clock.advance(BETWEEN);
    for name in &names {
        world.sim.ledger(name).unwrap().delete(3);
        world.sim.ledger(name).unwrap().drift(5);
    }
    let datasets = names.iter().map(|&name| name.to_owned()).collect();
    let options = Order { select: Select { datasets, ..Select::default() }, ..options(DeleteLimit::Few) };
    let reporter = Audience::of(&world, || {}) as Arc<dyn Reporter>;
    let around = Surroundings { reporter, ..world.surroundings("compare") };
    let outcome = run(&world.config(), &options, &around).await.unwrap();
    assert_eq!(outcome.exit_code(), 0, "{outcome:#?}");
    for dataset in &outcome.datasets {
        assert_eq!((dataset.sums.deleted, dataset.sums.unmoved), (3, 5), "{dataset:?}");
        world.assert_is_the_erp(endpoints::find(dataset.dataset).unwrap()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_and_empty_tables_have_nothing_to_reconcile() {
    let world = World::of_all_gateways(&[("flagship_shops", 5), ("flagship_goods", 30)], |_| {});
    let audience = Audience::of(&world, || {});
    let datasets = vec!["flagship_shops".to_owned(), "flagship_goods".to_owned()];
    let options = Order { select: Select { datasets, ..Select::default() }, ..options(DeleteLimit::Few) };
    let around = Surroundings { reporter: Arc::clone(&audience) as Arc<dyn Reporter>, ..world.surroundings("compare") };
    let outcome = run(&world.config(), &options, &around).await.unwrap();
    assert_eq!((outcome.exit_code(), outcome.datasets.len(), world.sim.call_count()), (0, 2, 0));
    assert!(outcome.datasets.iter().all(|dataset| dataset.verdict == Verdict::NothingDue));
    let notices = audience.notices();
    assert!(notices.iter().any(|notice| notice.starts_with("a snapshot")), "{notices:?}");
    assert!(notices.iter().any(|notice| notice.starts_with("the table holds no row")), "{notices:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_summary_tells_what_was_found_and_what_was_marked() {
    let world = loaded(100, |_| {}).await;
    world.sim.ledger(STOCK).unwrap().delete(2);
    let args = Reconcile {
        select: SelectArgs { datasets: vec![STOCK.to_owned()], ..SelectArgs::default() },
        max_deletes: Some(DeleteLimit::Rows(1)),
        dry_run: false,
        output: OutputArgs::default(),
    };
    let audience = Audience::of(&world, || {});
    let around = Surroundings { reporter: Arc::clone(&audience) as Arc<dyn Reporter>, ..world.surroundings("compare") };
    let mut out = Vec::new();
    let code = wdt_etl::commands::reconcile::reconcile(&world.config(), &args, &around, false, &mut out).await.unwrap();
    let out = String::from_utf8(out).unwrap();
    assert_eq!(code, 5, "{out}");
    let lines: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0][4..10], ["records", "changed", "unmoved", "vanished", "marked", "refused"]);
    assert_eq!(lines[1][5..10], ["0", "0", "2", "0", "0"], "{out}");
    assert!(out.contains("2 of 100 rows of enterprise_stock were not found on the platform, more than the 1"), "{out}");
    assert!(out.ends_with("exit code 5\n"), "{out}");
    let event = audience.events.lock().unwrap().iter().find_map(|event| match event {
        Event::Reconciled { vanished, marked, most, .. } => Some((*vanished, *marked, *most)),
        _ => None,
    });
    assert_eq!(event, Some((2, 0, 1)));
}
