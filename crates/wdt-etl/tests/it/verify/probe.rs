//! `verify --probe`: the platform's totals of certified windows, asked again.

use wdt_etl::cli::{SelectArgs, Verify};
use wdt_etl::pipeline::Order;
use wdt_sim::Fault;

use super::damage::{commits, edit_record};
use super::{args, verified};
use crate::world::{BETWEEN, World};

fn probing(days: u32) -> Verify {
    let select = SelectArgs { datasets: vec!["enterprise_stock".to_owned()], ..SelectArgs::default() };
    Verify { probe: true, days, select, ..args() }
}

/// The platform tells of more records than there are rows, in the window with the most of them.
fn one_more_than_read(world: &World) {
    let mut windows: Vec<u64> = Vec::new();
    for commit in commits(&world.warehouse().join("enterprise_stock_history")) {
        edit_record(&commit, |record| {
            let certificates = record["certificates"].as_array().unwrap().iter();
            let recent = certificates.filter(|one| one["end"].as_i64().unwrap() > world.clock.seconds() - 100 * 86_400);
            windows.extend(recent.map(|one| one["distinct"].as_u64().unwrap()));
        });
    }
    let most = (0..windows.len()).max_by_key(|&window| windows[window]).unwrap() as u64;
    let call = world.sim.call_count() + 1 + most;
    world.script.set(move |number| (number == call).then_some(Fault::LyingTotal(40)));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_left_are_expected_and_rows_that_came_are_found() {
    let world = World::new(300, |_| {});
    world.run("first", &Order::default()).await;
    world.sim.ledger("enterprise_stock").unwrap().edit(30);
    world.clock.advance(BETWEEN);
    let before = world.sim.call_count();
    let quiet = verified(&world, &world.config(), &probing(7)).await;
    quiet.assert_spotless();
    let calls = world.sim.call_count() - before;
    let detail = quiet.line("probe", "enterprise_stock")["detail"].as_str().unwrap();
    assert!(calls > 0 && detail.starts_with(&format!("{calls} windows of 7 days asked again: ")), "{calls}: {detail}");
    let more = verified(&world, &world.config(), &probing(100)).await;
    let detail = more.line("probe", "enterprise_stock")["detail"].as_str().unwrap();
    assert!(detail.contains("300 records then, 270 now"), "{detail}");

    one_more_than_read(&world);
    let found = verified(&world, &world.config(), &probing(100)).await;
    found.assert_found("probe", 5, "rows came into a window that was certified: ");
    assert_eq!((found.code, found.failed()), (5, vec!["probe enterprise_stock".to_owned()]), "{:#?}", found.lines);
}

/// Rows that were late are in no certificate of their window, and stand in the table once the lookback has landed them.
#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_late_and_landed_later_are_no_finding() {
    let world = World::new(300, |_| {});
    world.run("first", &Order::default()).await;
    world.clock.advance(BETWEEN);
    for commit in commits(&world.warehouse().join("enterprise_stock_history")) {
        edit_record(&commit, |record| {
            for certificate in record["certificates"].as_array_mut().unwrap() {
                certificate["distinct"] = (certificate["distinct"].as_u64().unwrap() / 2).into();
            }
        });
    }
    let late = verified(&world, &world.config(), &probing(100)).await;
    assert_eq!(late.line("probe", "enterprise_stock")["ok"], true, "{:#?}", late.lines);
    one_more_than_read(&world);
    let found = verified(&world, &world.config(), &probing(100)).await;
    found.assert_found("probe", 5, "rows came into a window that was certified: ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_refuses_is_told_with_its_own_code() {
    let world = World::new(50, |_| {});
    world.run("first", &Order::default()).await;
    std::fs::write(world.folder.path().join("secret"), "wrong-secret").unwrap();
    let refused = verified(&world, &world.config(), &probing(7)).await;
    assert_eq!((refused.code, refused.line("probe", "enterprise_stock")["exit_code"].clone()), (3, 3.into()));
}
