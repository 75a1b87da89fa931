//! Ranges behind the watermark: what a later start left out, another question, kills, rivals.

use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use arrow::record_batch::RecordBatch;
use wdt_etl::error::EtlError;
use wdt_etl::pipeline::{Order, RunOutcome, Select, Task, Verdict, run};
use wdt_etl::report::{Event, Reporter};
use wdt_models::Window;
use wdt_models::time::{Seconds, format_wall_time, parse_wall_time};

use crate::world::{BETWEEN, World, assert_same_rows, only, sorted, table, texts, without};
use crate::{child, support};

const STOCK: &str = "enterprise_stock";
const HISTORY: &str = "enterprise_stock_history";
const KEY: [&str; 3] = ["spec_id", "warehouse_id", "modified"];
/// What two readings may differ in: who read the row, and when.
const OF_THE_READING: [&str; 2] = ["_wdt_pulled_at", "_wdt_run_id"];
const DAY: i64 = 86_400;

/// Keeps the notices of a run.
#[derive(Default)]
struct Notices(Mutex<Vec<String>>);

impl Reporter for Notices {
    fn event(&self, event: &Event) {
        if let Event::Notice { message, .. } = event {
            self.0.lock().unwrap().push(message.clone());
        }
    }
}

fn of_stock() -> Order {
    Order { select: only(&[STOCK]), ..Order::default() }
}

fn over(from: i64, to: i64) -> Order {
    Order { task: Task::Backfill(Window::new(Seconds(from), Seconds(to))), ..of_stock() }
}

/// A run, with what it told.
async fn told(world: &World, name: &str, options: &Order) -> (Result<RunOutcome, EtlError>, String) {
    let notices = Arc::new(Notices::default());
    let mut around = world.surroundings(name);
    around.reporter = Arc::<Notices>::clone(&notices);
    let outcome = run(&world.config(), options, &around).await;
    let told = notices.0.lock().unwrap().join("\n");
    (outcome, told)
}

/// A run that must succeed, with what it told.
async fn landed(world: &World, name: &str, options: &Order) -> (RunOutcome, String) {
    let (outcome, told) = told(world, name, options).await;
    let outcome = outcome.unwrap();
    assert_eq!(outcome.exit_code(), 0, "{outcome:#?}");
    (outcome, told)
}

/// The error of a run that must end with 2 before any call, and its hint.
async fn refused(world: &World, options: &Order) -> String {
    let calls = world.sim.call_count();
    let (outcome, _) = told(world, "refused", options).await;
    let error = outcome.expect_err("it must be refused");
    assert_eq!((error.exit_code(), world.sim.call_count()), (2, calls), "{error}");
    error.report()
}

/// Rows over 21 days, of which the stock of the last ten was loaded; the start, and the watermark.
async fn half_loaded(rows: u32) -> (World, i64, i64) {
    let world = World::new(rows, |_| {});
    let start = world.clock.seconds() - 10 * DAY;
    world.write_config(&format!("start = \"{}\"", format_wall_time(Seconds(start))));
    let watermark = world.run("first", &of_stock()).await.datasets[0].watermark.unwrap();
    (world, start, watermark.0)
}

async fn rows(world: &World, name: &str) -> RecordBatch {
    sorted(&without(&table(&world.warehouse(), name).await, &OF_THE_READING), &KEY)
}

fn stock() -> &'static wdt_models::Endpoint {
    &wdt_models::endpoints::ENTERPRISE_STOCK
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_later_start_left_out_lands_and_the_earlier_start_is_accepted() {
    let (world, start, watermark) = half_loaded(600).await;
    let left_out = 600 - rows(&world, STOCK).await.num_rows();
    assert!(left_out > 100, "{left_out}");
    let (early, late) = (format_wall_time(Seconds(start - 12 * DAY)), format_wall_time(Seconds(start)));
    world.edit_config(&late, &early);
    let hint = refused(&world, &of_stock()).await;
    let line = format!("wdt-etl backfill --account main --dataset {STOCK} --from \"{early}\" --to \"{late}\"");
    assert!(hint.ends_with(&line), "{hint}");

    let (outcome, told) = landed(&world, "older", &over(start - 12 * DAY, start)).await;
    let outcome = &outcome.datasets[0];
    assert_eq!((outcome.sums.changed, outcome.watermark), (left_out as u64, Some(Seconds(watermark))));
    assert!(told.contains(&format!("nothing is missing since {early}")), "{told}");
    world.assert_is_the_erp(stock()).await;
    let (current, history) = (rows(&world, STOCK).await, rows(&world, HISTORY).await);

    // the earlier start is accepted, whether or not a run with the later one comes first
    world.edit_config(&early, &late);
    world.clock.advance(60);
    landed(&world, "late", &of_stock()).await;
    world.edit_config(&late, &early);
    world.clock.advance(60);
    landed(&world, "early", &of_stock()).await;
    assert_eq!(rows(&world, HISTORY).await, history);

    // a warehouse that was loaded from the earlier start is the same
    world.edit_config("url = \"warehouse\"", "url = \"other\"");
    landed(&world, "whole", &of_stock()).await;
    world.edit_config("url = \"other\"", "url = \"warehouse\"");
    for (name, found) in [(STOCK, current), (HISTORY, history)] {
        let whole = table(&world.folder.path().join("other"), name).await;
        assert_same_rows(&found, &sorted(&without(&whole, &OF_THE_READING), &KEY), name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watermark_stays_and_nothing_at_it_or_after_it_is_filled() {
    let (world, start, watermark) = half_loaded(200).await;
    for (from, to, part) in [
        (watermark, watermark + 100, "is not before the watermark"),
        (watermark + 50, watermark + 100, "`wdt-etl run` reads what is newer"),
        (start, start, "--from must be before --to"),
    ] {
        let error = refused(&world, &over(from, to)).await;
        assert!(error.contains(part), "{error}");
    }
    let goods = Order { select: only(&["enterprise_goods"]), ..over(start, watermark) };
    assert!(refused(&world, &goods).await.contains("nothing was landed yet"));

    let (outcome, told) = landed(&world, "clipped", &over(start - 30 * DAY, watermark + 100)).await;
    assert!(told.contains("the watermark: `wdt-etl run` reads what is newer"), "{told}");
    assert_eq!(outcome.datasets[0].watermark, Some(Seconds(watermark)));
    let calls = world.sim.call_count();
    let options = Order { task: Task::Run { until: Some(Seconds(watermark)), accept: None }, ..of_stock() };
    let (again, _) = landed(&world, "again", &options).await;
    assert_eq!((again.datasets[0].verdict, world.sim.call_count()), (Verdict::NothingDue, calls));
    let runs = table(&world.warehouse(), "etl_runs").await;
    let marks = runs.column_by_name("watermark_after").unwrap();
    assert!((1..runs.num_rows()).all(|row| marks.slice(row, 1) == marks.slice(0, 1)), "{marks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_has_no_range_and_is_left_out_unless_it_is_named() {
    let world = World::of_all_gateways(&[("flagship_shops", 5), ("flagship_goods", 40)], |_| {});
    let now = world.clock.seconds();
    let accounts = vec!["flagship".to_owned()];
    let select = Select { accounts, ..only(&["flagship_shops", "flagship_goods"]) };
    let flagship = Order { select, ..Order::default() };
    landed(&world, "first", &flagship).await;
    let named = Order { task: Task::Backfill(Window::new(Seconds(now - DAY), Seconds(now - 5000))), ..flagship };
    assert!(refused(&world, &named).await.contains("flagship_shops has no range to read"));
    let of_flagship = |datasets: &[&str]| Select { accounts: named.select.accounts.clone(), ..only(datasets) };
    let goods = Order { select: of_flagship(&["flagship_goods"]), ..named.clone() };
    landed(&world, "goods", &goods).await;
    let all = Order { select: of_flagship(&[]), ..named.clone() };
    assert!(refused(&world, &all).await.contains("dataset `flagship_stock`: nothing was landed yet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_that_leaves_a_gap_lands_and_moves_no_start() {
    let (world, start, _) = half_loaded(300).await;
    let (_, told) = landed(&world, "gap", &over(start - 8 * DAY, start - DAY)).await;
    assert!(told.contains("`start` stays at"), "{told}");
    world.edit_config(&format_wall_time(Seconds(start)), &format_wall_time(Seconds(start - 8 * DAY)));
    assert!(refused(&world, &of_stock()).await.contains("is earlier than"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_lands_nothing_and_makes_the_calls() {
    let (world, start, _) = half_loaded(300).await;
    let (before, calls) = (rows(&world, HISTORY).await, world.sim.call_count());
    let options = Order { dry_run: true, ..over(start - 12 * DAY, start) };
    let (outcome, _) = landed(&world, "dry", &options).await;
    assert_eq!(outcome.datasets[0].verdict, Verdict::DryRun);
    assert!(outcome.datasets[0].sums.records > 0 && world.sim.call_count() > calls);
    assert_eq!(rows(&world, HISTORY).await, before);
    world.edit_config(&format_wall_time(Seconds(start)), &format_wall_time(Seconds(start - DAY)));
    assert!(refused(&world, &of_stock()).await.contains("is earlier than"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_killed_at_any_failpoint_goes_on_and_equals_an_undisturbed_one() {
    for failpoint in ["log-written", "log-committed", "projected"] {
        let (world, start, watermark) = half_loaded(400).await;
        world.clock.advance(BETWEEN);
        // empty years make the first commit, and rows another
        for from in [start - 12 * DAY, parse_wall_time("2012-01-01 00:00:00").unwrap().0] {
            let killed = ran(&world, from, start, Some(failpoint)).await;
            assert!(killed.status.code().is_none(), "{failpoint} was not reached: {killed:?}");
            let again = ran(&world, from, start, None).await;
            assert!(again.status.success(), "{failpoint}: {again:?}");
            let told = String::from_utf8(again.stdout).unwrap();
            let goes_on = failpoint != "log-written" && from < start - 12 * DAY;
            assert_eq!(told.contains("the backfill continues at"), goes_on, "{failpoint}: {told}");
            world.assert_is_the_erp(stock()).await;
            assert_eq!(rows(&world, HISTORY).await.num_rows(), 400, "{failpoint}: no row is logged twice");
        }
        let repeated = ran(&world, start - 12 * DAY, start, None).await;
        assert!(String::from_utf8(repeated.stdout).unwrap().contains("read again from its begin"));
        let (outcome, _) = landed(
            &world,
            "next",
            &Order { task: Task::Run { until: Some(Seconds(watermark)), accept: None }, ..of_stock() },
        )
        .await;
        assert_eq!(outcome.datasets[0].verdict, Verdict::NothingDue, "the watermark stands");
    }
}

/// Runs a backfill of the stock by the binary.
async fn ran(world: &World, from: i64, to: i64, failpoint: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wdt-etl"));
    command.args([
        "backfill",
        "--dataset",
        STOCK,
        "--from",
        &format_wall_time(Seconds(from)),
        "--to",
        &format_wall_time(Seconds(to)),
    ]);
    command.arg("--config").arg(world.config_path()).env_clear();
    if let Some(failpoint) = failpoint {
        command.env("WDT_ETL_TEST_FAILPOINT", failpoint);
    }
    tokio::task::spawn_blocking(move || child::output(command)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_and_two_backfills_at_once_lose_and_double_nothing() {
    let (world, start, watermark) = half_loaded(900).await;
    world.sim.ledger(STOCK).unwrap().edit(150);
    world.clock.advance(BETWEEN);
    let (night, range) = (of_stock(), over(start - 12 * DAY, start + 9 * DAY));
    let (run, one, other) =
        tokio::join!(landed(&world, "run", &night), landed(&world, "one", &range), landed(&world, "other", &range));
    assert!(run.0.datasets[0].watermark > Some(Seconds(watermark)));
    world.assert_is_the_erp(stock()).await;
    let history = rows(&world, HISTORY).await;
    let mut versions: Vec<String> = support::rows(&world.warehouse().join(HISTORY))
        .iter()
        .map(|row| format!("{} {} {}", row["spec_id"], row["warehouse_id"], row["modified"]))
        .collect();
    versions.sort();
    versions.dedup();
    assert_eq!(versions.len(), history.num_rows(), "a version is logged twice: {one:?} {other:?}");
    let (again, _) = landed(
        &world,
        "again",
        &Order { task: Task::Run { until: run.0.datasets[0].watermark, accept: None }, ..of_stock() },
    )
    .await;
    assert_eq!(again.datasets[0].verdict, Verdict::NothingDue, "the watermark is not moved back");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_params_are_refused_until_a_backfill_has_asked_for_everything_in_the_new_way() {
    let world = World::new(500, |_| {});
    let start = world.clock.seconds() - 25 * DAY;
    let with_start = format!("start = \"{}\"", format_wall_time(Seconds(start)));
    world.write_config(&format!("{with_start}\nparams = {{ warehouse_no = \"WH-1\" }}"));
    let watermark = world.run("first", &of_stock()).await.datasets[0].watermark.unwrap();
    let narrow = rows(&world, STOCK).await.num_rows();
    assert!((1..400).contains(&narrow), "{narrow}");
    world.write_config(&with_start);
    let error = refused(&world, &of_stock()).await;
    let line = error.split("wdt-etl ").last().unwrap().to_owned();
    for (from, to) in [(start + 1, watermark), (start, watermark - 2)] {
        let short = refused(&world, &over(from, to.0)).await;
        assert!(short.ends_with(&line), "the same line fixes it: {short}");
    }

    // the line of the hint, word for word
    let words: Vec<String> = line
        .split('"')
        .enumerate()
        .flat_map(|(place, part)| match place % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        })
        .collect();
    world.clock.advance(BETWEEN);
    let mut command = Command::new(env!("CARGO_BIN_EXE_wdt-etl"));
    command.args(words).arg("--config").arg(world.config_path()).env_clear();
    let ran = tokio::task::spawn_blocking(move || child::output(command)).await.unwrap();
    assert!(ran.status.success(), "{ran:?}");
    assert!(String::from_utf8(ran.stdout).unwrap().contains("are accepted from now on"));
    world.assert_is_the_erp(stock()).await;
    assert_eq!(rows(&world, HISTORY).await.num_rows(), 500, "rows that both questions give are logged once");
    landed(&world, "next", &of_stock()).await;
    world.assert_is_the_erp(stock()).await;
    world.write_config(&format!("{with_start}\nparams = {{ warehouse_no = \"WH-1\" }}"));
    assert!(
        refused(&world, &of_stock()).await.contains("method, params or ids"),
        "the old question is another one now"
    );
}

mod accepted {
    use super::*;

    /// The two times in the last line of a hint.
    fn times(hint: &str) -> Window {
        let times: Vec<Seconds> = hint.split('"').filter_map(parse_wall_time).collect();
        let [.., start, end] = times.as_slice() else { panic!("{hint}") };
        Window::new(*start, *end)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_window_that_no_total_proves_stops_the_run_until_an_operator_takes_it() {
        let mut lie = 0;
        let world = World::new(700, |sim| {
            // where rows are: a total without any record is a broken answer, not one that proves nothing
            let span = sim.span.unwrap();
            (lie, sim.bulk_second) = (span.start.0 + span.seconds() / 2, 7);
            sim.phantom = Some((STOCK, lie));
        });
        world.write_config(&format!("start = \"{}\"", format_wall_time(Seconds(world.clock.seconds() - 22 * DAY))));
        let (outcome, _) = told(&world, "stopped", &of_stock()).await;
        let outcome = outcome.unwrap();
        let problem = outcome.datasets[0].problem.clone().unwrap();
        assert_eq!((outcome.exit_code(), problem.exit_code), (5, 5));
        let watermark = outcome.datasets[0].watermark.unwrap();
        assert!(watermark <= Seconds(lie + 1), "the watermark is before the window");
        let last = world_newest(&world).await;
        assert!(last <= lie + 1, "nothing after it is landed");
        let accept = times(&problem.hint.unwrap());

        // beside it, nothing changes
        let beside = Window::new(Seconds(lie + 60), Seconds(lie + 120));
        let select = Select { accounts: vec!["main".to_owned()], ..only(&[STOCK]) };
        let named = Order { select, ..Order::default() };
        let (outcome, _) =
            told(&world, "beside", &Order { task: Task::Run { until: None, accept: Some(beside) }, ..named.clone() })
                .await;
        assert_eq!(outcome.unwrap().exit_code(), 5);

        let (_, told) =
            landed(&world, "taken", &Order { task: Task::Run { until: None, accept: Some(accept) }, ..named.clone() })
                .await;
        assert!(told.contains("accepted as it is: ") && told.contains("declared before and"), "{told}");
        world.assert_is_the_erp(stock()).await;
        on_record(&world, lie, accept).await;
        world.clock.advance(BETWEEN);
        landed(&world, "next", &of_stock()).await;
    }

    /// Newest cursor of the stock, epoch seconds.
    async fn world_newest(world: &World) -> i64 {
        let rows = support::rows(&world.warehouse().join(STOCK));
        assert!(!rows.is_empty());
        let history = table(&world.warehouse(), HISTORY).await;
        let cursors = history.column_by_name("modified").unwrap();
        let cursors = arrow::array::AsArray::as_primitive::<arrow::datatypes::TimestampMicrosecondType>(cursors);
        cursors.iter().flatten().max().unwrap() / 1_000_000
    }

    /// The verdict stands in `etl_windows` for windows with that second alone, and the range in the commit.
    async fn on_record(world: &World, lie: i64, accept: Window) {
        let windows = table(&world.warehouse(), "etl_windows").await;
        let ends = |name| {
            let column = Arc::clone(windows.column_by_name(name).unwrap());
            let column =
                arrow::array::AsArray::as_primitive::<arrow::datatypes::TimestampMicrosecondType>(&column).clone();
            move |row: usize| column.value(row) / 1_000_000
        };
        let (start, end) = (ends("window_start"), ends("window_end"));
        let (verdicts, runs) = (texts(&windows, "verdict"), texts(&windows, "run_id"));
        let accepted: Vec<usize> = (0..verdicts.len()).filter(|&row| verdicts[row] == "accepted").collect();
        assert!(!accepted.is_empty());
        assert!(accepted.iter().all(|&row| (start(row)..=end(row)).contains(&lie) && runs[row] == "taken"));
        let commits = support::commits(&world.warehouse().join(HISTORY));
        let range = format!("\"accept\":{{\"end\":{},\"start\":{}}}", accept.end, accept.start);
        let other = format!("\"accept\":{{\"start\":{},\"end\":{}}}", accept.start, accept.end);
        let noted = commits.iter().filter(|commit| commit.contains(&range) || commit.contains(&other)).count();
        assert_eq!(noted, 1, "the one commit that holds such a window has the range");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_account_and_one_dataset_must_be_named() {
        let world = World::new(50, |_| {});
        let accept = |accounts: &[&str], datasets: &[&str], window| Order {
            select: Select { accounts: accounts.iter().map(|&name| name.to_owned()).collect(), ..only(datasets) },
            task: Task::Run { until: None, accept: Some(window) },
            dry_run: false,
        };
        let window = Window::new(Seconds(1), Seconds(2));
        for options in [
            accept(&[], &[], window),
            accept(&["main"], &[], window),
            accept(&[], &[STOCK], window),
            accept(&["main"], &[STOCK, "enterprise_goods"], window),
        ] {
            assert!(refused(&world, &options).await.contains("exactly one --account and one --dataset"));
        }
        let backward = refused(&world, &accept(&["main"], &[STOCK], Window::new(Seconds(2), Seconds(1)))).await;
        assert!(backward.contains("ends before it begins"), "{backward}");
    }
}
