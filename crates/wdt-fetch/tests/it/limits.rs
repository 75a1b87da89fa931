//! Slow answers under a call limit: how much of it a load uses, and that the platform never counts too many calls.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use futures::{FutureExt as _, TryStreamExt as _};
use tokio::time::{Instant, sleep};
use wdt_fetch::{
    Broken, Clock, Limiter, NoAnswer, Outgoing, Params, RawAnswer, ReadOptions, Slots, Transport, WindowReader,
    read_windows,
};
use wdt_models::time::{Millis, Seconds};
use wdt_models::{Gateway, Window};
use wdt_sim::{Account, Sim, SimConfig};

use crate::calls::config;
use crate::moving::{NOW, endpoint};

const ANSWER: Duration = Duration::from_secs(3);
const PER_MINUTE: u32 = 60;
/// Seconds between calls, as the limiter spaces them.
const SPACING: f64 = 1.012;
const SEED: u64 = 7;
const SPAN: Window = Window::new(Seconds(NOW - 100_000), Seconds(NOW - 1000));

/// The time of day, as fast as the paused timers.
#[derive(Clone, Copy)]
struct Paused(Instant);

impl Clock for Paused {
    fn now(&self) -> Millis {
        Millis(NOW * 1000 + i64::try_from(self.0.elapsed().as_millis()).unwrap())
    }
}

/// The simulator at a distance: half of the time until it answers lies before it is reached.
struct Far(Arc<Sim>);

impl Transport for Far {
    fn exchange<'a>(
        &'a self,
        outgoing: Outgoing<'a>,
        clock: &'a dyn Clock,
    ) -> BoxFuture<'a, Result<RawAnswer, NoAnswer>> {
        async move {
            let (sent_at, request) = (clock.now(), outgoing.request);
            sleep(ANSWER / 2).await;
            let answer = self.0.exchange(&request.url, request.content_type, request.body).await;
            sleep(ANSWER / 2).await;
            let answer = answer.map_err(|error| Broken::by(error.to_string(), error))?;
            let (status, date, location) = (answer.status, answer.date, answer.location);
            Ok(RawAnswer { status, date, location, body: answer.body, sent_at, came_at: clock.now() })
        }
        .boxed()
    }
}

/// A simulator that takes 60 calls a minute of each application, and its clock.
fn platform(app_keys: &[&str], rows: u32, seed: u64) -> (Arc<Sim>, Paused) {
    let clock = Paused(Instant::now());
    let mut config = SimConfig::new(Arc::new(move || clock.now().floor_seconds().0));
    let example = Account::example(Gateway::Enterprise);
    config.accounts = app_keys.iter().map(|key| Account { app_key: (*key).to_owned(), ..example.clone() }).collect();
    (config.seed, config.calls_per_minute, config.span) = (seed, PER_MINUTE, Some(SPAN));
    (Arc::new(Sim::without_socket(config.with_rows("enterprise_stock", rows)).unwrap()), clock)
}

fn reader(sim: &Arc<Sim>, clock: Paused, app_key: &str, limiter: &Arc<Limiter>) -> WindowReader {
    let address = sim.base_url(Gateway::Enterprise);
    let config = config(Gateway::Enterprise, &address, |keys| app_key.clone_into(&mut keys.app_key));
    let transport = Arc::new(Far(Arc::clone(sim)));
    let client = config.transport(transport).limiter(Arc::clone(limiter)).clock(Arc::new(clock)).build().unwrap();
    WindowReader {
        client,
        endpoint: endpoint(),
        method: endpoint().method(),
        params: Params::new(),
        personal: false,
        page_size: 10,
        slots: Arc::new(Slots::growing(8, 10, PER_MINUTE)),
    }
}

/// Reads everything in ten windows and gives how many records there were.
async fn load(reader: WindowReader) -> u64 {
    let length = SPAN.seconds() / 10;
    let windows = (0..10).map(move |number| {
        let start = SPAN.start + number * length;
        Window::new(start, if number < 9 { start + length - 1 } else { SPAN.end })
    });
    let options = ReadOptions { concurrency: 10, ..ReadOptions::default() };
    let parts = read_windows(Arc::new(reader), windows, options);
    parts.try_fold(0, async |records, part| Ok(records + part.certificate.distinct)).await.unwrap()
}

/// Seconds in units of calls times their spacing.
fn share(start: Instant, calls: u64) -> f64 {
    start.elapsed().as_secs_f64() / (SPACING * f64::from(u32::try_from(calls).unwrap()))
}

#[tokio::test(start_paused = true)]
async fn two_hundred_pages_take_no_more_than_1_02_times_their_calls() {
    let mut shares = Vec::new();
    for seed in 1..=6 {
        let (sim, clock) = platform(&["one"], 2000, seed);
        let start = Instant::now();
        let records = load(reader(&sim, clock, "one", &Arc::new(Limiter::new(PER_MINUTE)))).await;
        assert_eq!((records, sim.limit_breaches()), (2000, 0), "seed {seed}");
        assert!((200..=225).contains(&sim.call_count()), "seed {seed}: {} calls", sim.call_count());
        shares.push(share(start, sim.call_count()));
    }
    shares.sort_by(f64::total_cmp);
    // where a window's total stands behind the pages of the next ones, one call's time is lost
    assert!(shares[4] <= 1.02 && shares[5] <= 1.025, "{shares:?}");
}

#[tokio::test(start_paused = true)]
async fn three_accounts_at_once_take_no_longer_each_with_its_own_limit() {
    let keys = ["one", "two", "three"];
    let (sim, clock) = platform(&keys, 2000, SEED);
    let start = Instant::now();
    let loads = join_all(keys.map(|key| load(reader(&sim, clock, key, &Arc::new(Limiter::new(PER_MINUTE))))));
    assert_eq!((loads.await, sim.limit_breaches()), (vec![2000; 3], 0));
    let share = share(start, sim.call_count() / 3);
    assert!(share <= 1.02, "{} calls, {share}", sim.call_count());
}

#[tokio::test(start_paused = true)]
async fn three_accounts_that_share_a_limit_use_it_together() {
    let (sim, clock) = platform(&["one"], 700, SEED);
    let limiter = Arc::new(Limiter::new(PER_MINUTE));
    let start = Instant::now();
    let loads = join_all((0..3).map(|_| load(reader(&sim, clock, "one", &limiter))));
    assert_eq!((loads.await, sim.limit_breaches()), (vec![700; 3], 0));
    let share = share(start, sim.call_count());
    assert!((200..=260).contains(&sim.call_count()) && share <= 1.02, "{} calls, {share}", sim.call_count());
}
