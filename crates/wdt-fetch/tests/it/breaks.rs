//! Answers that break in rarer ways: no row is lost or doubled, and nothing wrong passes for whole.

use std::sync::Arc;
use std::time::Duration;

use wdt_fetch::{Client, Timeouts, WindowError};
use wdt_models::{Gateway, Verdict};
use wdt_sim::{Fault, FaultPlan, Sim};

use crate::calls::{assert_all_rows, client_with, config, read_all, simulator};
use crate::sockets::SharedClock;

const HERE: Gateway = Gateway::Enterprise;

/// A client that gives a slow answer up after a moment.
fn impatient(sim: &Sim, clock: &SharedClock) -> Client {
    let timeouts = Timeouts { total: Duration::from_secs(1), ..Timeouts::default() };
    client_with(config(HERE, &sim.base_url(HERE), |_| {}).timeouts(timeouts), clock)
}

/// A simulator of 730 rows, eight pages, where one call in three goes wrong, five in all.
fn faulty(fault: &Fault, clock: &SharedClock) -> Sim {
    let mut config = simulator(730, clock);
    let fault = fault.clone();
    config.faults = FaultPlan::Script(Arc::new(move |call| (call % 3 == 1 && call < 15).then(|| fault.clone())));
    Sim::start(config).unwrap()
}

#[tokio::test]
async fn answers_that_never_come_whole_cost_a_call_each_and_no_row() {
    let kinds = [Fault::SlowBody(200), Fault::WrongLength(10), Fault::WrongLength(-10), Fault::LostAnswer];
    for kind in kinds {
        let clock = SharedClock::new(0);
        let sim = faulty(&kind, &clock);
        let client = impatient(&sim, &clock);
        let parts = read_all(&client).await.unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        assert_all_rows(&sim, &parts);
        assert_eq!((client.counters().retries, sim.call_count()), (5, 14), "{kind:?}");
    }
}

#[tokio::test]
async fn answers_without_bound_are_cut_off_at_the_largest_body() {
    for kind in [Fault::EndlessBody, Fault::GzipBomb] {
        let clock = SharedClock::new(0);
        let sim = Sim::start(simulator(90, &clock)).unwrap();
        sim.inject(kind.clone());
        let reasons = Arc::new(std::sync::Mutex::new(Vec::new()));
        let seen = Arc::clone(&reasons);
        let config = config(HERE, &sim.base_url(HERE), |_| {}).observer(Arc::new(move |event| {
            if let wdt_fetch::Event::Retry { reason, .. } = event {
                seen.lock().unwrap().push(reason.clone());
            }
        }));
        let client = client_with(config, &clock);
        assert_all_rows(&sim, &read_all(&client).await.unwrap());
        assert_eq!(*reasons.lock().unwrap(), ["answer is larger than 67108864 bytes"], "{kind:?}");
    }
}

#[tokio::test]
async fn a_total_that_is_text_is_a_total() {
    let clock = SharedClock::new(0);
    let sim = faulty(&Fault::TextTotal, &clock);
    let client = impatient(&sim, &clock);
    assert_all_rows(&sim, &read_all(&client).await.unwrap());
    assert_eq!(client.counters().retries, 0);
}

#[tokio::test]
async fn pages_that_repeat_or_hold_a_record_twice_are_read_again_or_not_certified() {
    for kind in [Fault::RepeatedPage, Fault::DuplicateKey] {
        let clock = SharedClock::new(0);
        let sim = faulty(&kind, &clock);
        // what is missing in the first reading is found by another way
        assert_all_rows(&sim, &read_all(&impatient(&sim, &clock)).await.unwrap());
        assert!(sim.call_count() > 9, "{kind:?}: {} calls", sim.call_count());

        let mut config = simulator(730, &clock);
        let always = kind.clone();
        config.faults = FaultPlan::Script(Arc::new(move |_| Some(always.clone())));
        let sim = Sim::start(config).unwrap();
        match read_all(&impatient(&sim, &clock)).await {
            // cut until each piece is one page, which no page before can stand in for
            Ok(parts) => assert_all_rows(&sim, &parts),
            Err(WindowError::Uncertified { certificate, .. }) => {
                assert_eq!(certificate.verdict, Verdict::Uncertified, "{kind:?}");
            }
            Err(error) => panic!("{kind:?}: {error}"),
        }
    }
}
