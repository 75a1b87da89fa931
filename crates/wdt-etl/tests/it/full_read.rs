//! The endpoint's own full read, `backfill --all`: what it lands, when it may be made, and what disturbs it.

use std::sync::Arc;

use arrow::array::Array as _;
use wdt_etl::commands::verify::verify;
use wdt_etl::error::EtlError;
use wdt_etl::pipeline::{Order, RunOutcome, Task, Verdict, run};
use wdt_models::time::{SHANGHAI_OFFSET_SECONDS, Seconds, format_wall_time};
use wdt_models::{Endpoint, Window};
use wdt_sim::SimConfig;

use crate::world::{World, only, table, texts};

const STOCK: &str = "enterprise_stock";
const HISTORY: &str = "enterprise_stock_history";
const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;

fn stock() -> &'static Endpoint {
    &wdt_models::endpoints::ENTERPRISE_STOCK
}

fn of_stock() -> Order {
    Order { select: only(&[STOCK]), ..Order::default() }
}

fn all() -> Order {
    Order { task: Task::FullRead, ..of_stock() }
}

/// Rows over 60 days, of which those of the last ten were loaded; now it is so long after the next midnight in China.
async fn loaded(rows: u32, after_midnight: i64, change: impl FnOnce(&mut SimConfig)) -> (World, i64) {
    let world = World::new(rows, |sim| {
        let now = (sim.clock)();
        sim.span = Some(Window::new(Seconds(now - 60 * DAY), Seconds(now - 600)));
        change(sim);
    });
    world.write_config(&format!("start = \"{}\"", format_wall_time(Seconds(world.clock.seconds() - 10 * DAY))));
    let watermark = world.run("first", &of_stock()).await.datasets[0].watermark.unwrap();
    let now = world.clock.seconds();
    world.clock.advance(DAY - (now + SHANGHAI_OFFSET_SECONDS).rem_euclid(DAY) + after_midnight);
    (world, watermark.0)
}

async fn logged(world: &World) -> usize {
    table(&world.warehouse(), HISTORY).await.num_rows()
}

async fn read_all(world: &World, name: &str) -> RunOutcome {
    run(&world.config(), &all(), &world.surroundings(name)).await.unwrap()
}

/// The error of a command that must end before any call.
async fn refused(world: &World, options: &Order) -> EtlError {
    let calls = world.sim.call_count();
    let error = run(&world.config(), options, &world.surroundings("refused")).await.unwrap_err();
    assert_eq!(world.sim.call_count(), calls, "{error}");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_no_window_named_land_in_one_reading_and_the_watermark_stays() {
    for full_read_has_no_window in [false, true] {
        let (world, watermark) = loaded(700, HOUR, |sim| sim.full_read_has_no_window = full_read_has_no_window).await;
        let before = logged(&world).await;
        assert!((50..300).contains(&before), "{before}");
        let dry = Order { dry_run: true, ..all() };
        assert_eq!(world.run("dry", &dry).await.datasets[0].verdict, Verdict::DryRun);
        assert_eq!(logged(&world).await, before);

        let calls = world.sim.call_count();
        let outcome = world.run("all", &all()).await;
        assert_eq!(outcome.datasets[0].sums.changed, 700 - before as u64);
        assert_eq!(outcome.datasets[0].watermark, Some(Seconds(watermark)));
        assert_eq!(world.sim.call_count() - calls, 8, "seven pages, and the total once more");
        assert_eq!(logged(&world).await, 700, "what stood there is not logged again");
        world.assert_is_the_erp(stock()).await;
        let windows = table(&world.warehouse(), "etl_windows").await;
        let mine = texts(&windows, "run_id").iter().filter(|run| *run == "all").count();
        assert_eq!(mine, 1, "one reading has one certificate");

        // everything since the first second of a full read is there: any start after it is accepted
        world.write_config("start = \"2005-01-01 00:00:00\"");
        let until = Order { task: Task::Run { until: Some(Seconds(watermark)), accept: None }, ..of_stock() };
        assert_eq!(world.run("again", &until).await.datasets[0].verdict, Verdict::NothingDue);
        let args =
            wdt_etl::cli::Verify { select: wdt_etl::cli::SelectArgs::default(), probe: true, days: 7, json: true };
        let mut out = Vec::new();
        let code = verify(&world.config(), &args, &world.surroundings("verify"), &mut out).await.unwrap();
        assert_eq!(code, 0, "{}", String::from_utf8_lossy(&out));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_its_hours_it_is_refused_before_any_call_with_the_time_when_it_opens() {
    let (world, _) = loaded(200, 2 * HOUR, |_| {}).await;
    let error = refused(&world, &all()).await;
    let opens = format_wall_time(Seconds(
        (world.clock.seconds() + SHANGHAI_OFFSET_SECONDS).div_euclid(DAY) * DAY + DAY - SHANGHAI_OFFSET_SECONDS,
    ));
    assert_eq!(error.exit_code(), 4, "{error}");
    assert!(error.to_string().contains("from 00:00 to 02:00 in China only"), "{error}");
    assert!(error.hint().unwrap().contains(&opens), "{:?}, {opens}", error.hint());
}

#[tokio::test(flavor = "multi_thread")]
async fn hours_that_end_while_it_reads_leave_everything_as_it_was_and_the_next_night_lands_it() {
    let (world, watermark) = loaded(700, 2 * HOUR - 100, |_| {}).await;
    let (before, calls, clock) = (logged(&world).await, world.sim.call_count(), world.clock.clone());
    world.script.set(move |number| {
        if number == calls + 5 {
            clock.advance(120);
        }
        None
    });
    let outcome = read_all(&world, "late").await;
    assert_eq!(outcome.exit_code(), 4, "{outcome:#?}");
    assert!(outcome.datasets[0].problem.as_ref().unwrap().message.contains("00:00-02:00"), "{outcome:#?}");
    assert_eq!((logged(&world).await, outcome.datasets[0].watermark), (before, Some(Seconds(watermark))));
    world.script.end();
    world.clock.advance(DAY - HOUR);
    assert_eq!(read_all(&world, "night").await.exit_code(), 0);
    world.assert_is_the_erp(stock()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_ends_half_way_lands_nothing_and_is_repeated() {
    let (world, _) = loaded(700, HOUR, |_| {}).await;
    let (before, calls) = (logged(&world).await, world.sim.call_count());
    let reached = Arc::new(tokio::sync::Notify::new());
    let told = Arc::clone(&reached);
    world.script.set(move |number| {
        if number == calls + 5 {
            told.notify_one();
        }
        None
    });
    let (config, around) = (world.config(), world.surroundings("killed"));
    let killed = tokio::spawn(async move { run(&config, &all(), &around).await });
    reached.notified().await;
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());
    assert_eq!(logged(&world).await, before);
    world.script.end();
    assert_eq!(read_all(&world, "again").await.exit_code(), 0);
    assert_eq!(logged(&world).await, 700);
    world.assert_is_the_erp(stock()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_edited_meanwhile_are_not_lost() {
    for (full_read_has_no_window, edited_calls) in [(false, 1..=usize::MAX), (true, 1..=12)] {
        let (world, _) = loaded(900, HOUR, |sim| sim.full_read_has_no_window = full_read_has_no_window).await;
        let (calls, ledger) = (world.sim.call_count(), world.sim.ledger(STOCK).unwrap());
        world.script.set(move |number| {
            if edited_calls.contains(&usize::try_from(number - calls).unwrap()) {
                ledger.edit(3);
            }
            None
        });
        let outcome = read_all(&world, "moving").await;
        assert_eq!(outcome.exit_code(), 0, "{outcome:#?}");
        world.script.end();
        let windows = table(&world.warehouse(), "etl_windows").await;
        let attempts = windows.column_by_name("attempts").unwrap();
        let (runs, last) = (texts(&windows, "run_id"), attempts.len() - 1);
        let row = runs.iter().position(|run| run == "moving").unwrap_or(last);
        let attempts = crate::world::numbers(&windows, "attempts")[row];
        assert!(attempts > Some(1), "nothing moved: {attempts:?}");
        // what has left the window belongs to the next run
        world.clock.advance(HOUR);
        world.run("next", &of_stock()).await;
        world.assert_is_the_erp(stock()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_nothing_proves_ends_with_5_and_lands_nothing() {
    let (world, _) = loaded(700, HOUR, |sim| sim.full_read_has_no_window = true).await;
    let (before, ledger) = (logged(&world).await, world.sim.ledger(STOCK).unwrap());
    world.script.set(move |_| {
        ledger.edit(3);
        None
    });
    let outcome = read_all(&world, "moving").await;
    assert_eq!(outcome.exit_code(), 5, "{outcome:#?}");
    assert_eq!(logged(&world).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_without_one_is_refused_by_name_and_left_out_otherwise() {
    let (world, _) = loaded(300, HOUR, |_| {}).await;
    let goods = Order { select: only(&["enterprise_goods"]), ..all() };
    let report = refused(&world, &goods).await.report();
    assert!(report.contains("enterprise_goods has no full read of its own"), "{report}");
    assert!(report.contains("those that have one: enterprise_stock;"), "{report}");
    let outcome = world.run("all", &Order { select: only(&[]), ..all() }).await;
    assert_eq!(outcome.datasets.len(), 1, "{outcome:#?}");
    world.assert_is_the_erp(stock()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_was_never_loaded_is_loaded_by_a_run_first() {
    let (world, _) = loaded(50, HOUR, |_| {}).await;
    world.edit_config("url = \"warehouse\"", "url = \"other\"");
    let error = refused(&world, &all()).await;
    assert!(error.report().contains("nothing was landed yet") && error.exit_code() == 2, "{error}");
}
