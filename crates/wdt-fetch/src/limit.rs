//! The call limit of one key: permits evenly spaced in order of asking, and one cool-down that all callers share.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::{Instant, sleep, sleep_until};
use wdt_models::Gateway;

use crate::clock::{TimerClock, instant};
use crate::observe::millis;

/// Permits are this much further apart than the limit asks for: a call may reach the platform 0.7 s late without
/// making a minute too full, and still more than 98 % of the limit is used.
const SPACING_PER_MILLE: u32 = 1012;

/// The call limit of one (gateway, app key), shared by all that call with it.
#[derive(Debug)]
pub struct Limiter {
    /// Held by the caller whose turn it is; tokio's mutex keeps the others in order.
    turn: tokio::sync::Mutex<()>,
    spacing: Option<Spacing>,
    clock: TimerClock,
    state: Mutex<State>,
}

type Spacing = RateLimiter<NotKeyed, InMemoryState, TimerClock, NoOpMiddleware<Nanos>>;

/// What the limiter has given and imposed so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Permits given.
    pub permits: u64,
    /// Cool-downs, each shared by all callers.
    pub pauses: u64,
    /// Milliseconds of those cool-downs.
    pub paused_ms: u64,
}

#[derive(Debug, Default)]
struct State {
    usage: Usage,
    paused_until: Option<Instant>,
    /// Cool-downs since a call last succeeded.
    in_a_row: u32,
}

/// Leave to send one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Permit {
    /// Cool-downs before this permit: a call sent before a cool-down does not start another.
    pauses: u64,
}

/// A shared cool-down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pause {
    /// What is left of it.
    pub(crate) wait: Duration,
    /// Whether this caller started it.
    pub(crate) started: bool,
    /// Cool-downs, this one included, since a call last succeeded.
    pub(crate) in_a_row: u32,
}

impl Limiter {
    /// A limiter for a number of calls a minute; 0 means no limit (cool-downs are kept all the same).
    #[must_use]
    pub fn new(calls_per_minute: u32) -> Self {
        let clock = TimerClock::new();
        let spacing = NonZeroU32::new(calls_per_minute)
            .and_then(|calls| Quota::with_period(Duration::from_mins(1) * SPACING_PER_MILLE / 1000 / calls.get()))
            .map(|quota| RateLimiter::direct_with_clock(quota.allow_burst(NonZeroU32::MIN), clock.clone()));
        Self { turn: tokio::sync::Mutex::default(), spacing, clock, state: Mutex::default() }
    }

    /// What the limiter has given and imposed so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.state().usage
    }

    /// Waits for the next permit, in order of asking.
    pub(crate) async fn permit(&self) -> Permit {
        let _turn = self.turn.lock().await;
        loop {
            if let Some(until) = self.paused_until() {
                sleep_until(until).await;
                continue;
            }
            match self.spacing.as_ref().map(RateLimiter::check) {
                Some(Err(not_until)) => sleep(not_until.wait_time_from(self.clock.now())).await,
                Some(Ok(())) | None => break,
            }
        }
        let mut state = self.state();
        state.usage.permits += 1;
        Permit { pauses: state.usage.pauses }
    }

    /// Lets all callers wait because the platform answered that the limit is exceeded.
    ///
    /// The first cool-down lasts `first`, each one after it that no success has parted from the one before twice as
    /// long; one that the platform has told lasts so long. None is longer than `longest`. A call sent before the last
    /// cool-down began starts none.
    pub(crate) fn pause(&self, permit: Permit, told: Option<Duration>, first: Duration, longest: Duration) -> Pause {
        let now = instant();
        let mut state = self.state();
        let started = permit.pauses == state.usage.pauses;
        if started {
            let wait = told.unwrap_or_else(|| first.saturating_mul(1 << state.in_a_row.min(16))).min(longest);
            state.in_a_row += 1;
            state.paused_until = Some(now + wait);
            state.usage.pauses += 1;
            state.usage.paused_ms += millis(wait);
        }
        let wait = state.paused_until.map_or(Duration::ZERO, |until| until.duration_since(now));
        Pause { wait, started, in_a_row: state.in_a_row }
    }

    /// Notes that the platform took a call sent with this permit.
    pub(crate) fn succeeded(&self, permit: Permit) {
        let mut state = self.state();
        if permit.pauses == state.usage.pauses {
            state.in_a_row = 0;
        }
    }

    fn paused_until(&self) -> Option<Instant> {
        self.state().paused_until.filter(|&until| until > instant())
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One [`Limiter`] for each (gateway, app key).
#[derive(Debug, Default)]
pub struct Limiters {
    by_key: Mutex<HashMap<(Gateway, String), Arc<Limiter>>>,
}

impl Limiters {
    /// No limiter yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The limiter of that key; the rate given first holds, so give the lowest of the accounts that share it.
    #[must_use]
    pub fn get(&self, gateway: Gateway, app_key: &str, calls_per_minute: u32) -> Arc<Limiter> {
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let limiter = by_key.entry((gateway, app_key.to_owned()));
        Arc::clone(limiter.or_insert_with(|| Arc::new(Limiter::new(calls_per_minute))))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::cell::RefCell;

    use futures::future::join_all;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    /// Times at which `count` permits are given to callers that all ask at once.
    async fn given(limiter: &Limiter, count: usize) -> Vec<Instant> {
        let mut times = join_all((0..count).map(|_| async {
            limiter.permit().await;
            instant()
        }))
        .await;
        times.sort_unstable();
        times
    }

    #[tokio::test(start_paused = true)]
    async fn permits_are_evenly_spaced_and_never_more_than_the_limit_in_any_minute() {
        for calls_per_minute in [1_u32, 50, 60, 300] {
            let times = given(&Limiter::new(calls_per_minute), 5 * calls_per_minute as usize + 1).await;
            let wanted = MINUTE * SPACING_PER_MILLE / 1000 / calls_per_minute;
            for pair in times.windows(2) {
                let late = (pair[1] - pair[0]).saturating_sub(wanted);
                assert!(pair[1] - pair[0] >= wanted && late <= Duration::from_millis(2), "{:?}", pair[1] - pair[0]);
            }
            for (index, &first) in times.iter().enumerate() {
                let within = times[index..].iter().take_while(|&&time| time - first <= MINUTE).count();
                assert!(within <= calls_per_minute as usize, "{within} calls in a minute");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn at_least_98_percent_of_the_limit_are_used_while_there_is_work() {
        for calls_per_minute in [50_u32, 60, 300] {
            let times = given(&Limiter::new(calls_per_minute), 10 * calls_per_minute as usize).await;
            let minutes = (times[times.len() - 1] - times[0]).as_secs_f64() / 60.0;
            let used = f64::from(10 * calls_per_minute - 1) / minutes / f64::from(calls_per_minute);
            assert!(used >= 0.98, "{calls_per_minute}: {used}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn permits_go_out_in_order_of_asking() {
        let limiter = Limiter::new(60);
        limiter.permit().await;
        let order = RefCell::new(Vec::new());
        let ask = |name| {
            let (limiter, order) = (&limiter, &order);
            async move {
                limiter.permit().await;
                order.borrow_mut().push(name);
            }
        };
        // Comes, and is polled, just as the permit that the first caller waits for becomes free.
        let late = async {
            sleep(MINUTE * SPACING_PER_MILLE / 1000 / 60).await;
            ask("late").await;
        };
        futures::join!(late, ask("first"), ask("second"));
        assert_eq!(*order.borrow(), ["first", "second", "late"]);
    }

    #[tokio::test(start_paused = true)]
    async fn no_limit_means_no_wait() {
        let start = instant();
        given(&Limiter::new(0), 1000).await;
        assert_eq!(instant(), start);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_for_all_callers_those_that_wait_already_among_them() {
        let limiter = Limiter::new(60);
        let start = instant();
        let permit = limiter.permit().await;
        let waiting = given(&limiter, 3);
        let pausing = async {
            sleep(Duration::from_millis(300)).await;
            limiter.pause(permit, None, Duration::from_secs(65), Duration::from_mins(10));
        };
        let (times, ()) = tokio::join!(waiting, pausing);
        assert!(times[0] - start >= Duration::from_millis(65_300), "{:?}", times[0] - start);
        assert!(times[1] - times[0] >= Duration::from_secs(1), "no burst after the pause");
    }

    #[tokio::test(start_paused = true)]
    async fn calls_in_flight_start_one_pause_and_only_failures_in_a_row_make_it_longer() {
        let limiter = Limiter::new(0);
        let (first, longest) = (Duration::from_secs(65), Duration::from_mins(10));
        let in_flight = [limiter.permit().await, limiter.permit().await];
        let pauses = in_flight.map(|permit| limiter.pause(permit, None, first, longest));
        assert_eq!(pauses.map(|pause| (pause.wait, pause.started)), [(first, true), (first, false)]);

        let mut waits = Vec::new();
        for _ in 0..5 {
            waits.push(limiter.pause(limiter.permit().await, None, first, longest).wait.as_secs());
        }
        assert_eq!(waits, [130, 260, 520, 600, 600]);
        limiter.succeeded(limiter.permit().await);
        let pause = limiter.pause(limiter.permit().await, None, first, longest);
        assert_eq!((pause.wait, pause.in_a_row), (first, 1));
        assert_eq!(limiter.usage().pauses, 7);
    }

    #[tokio::test(start_paused = true)]
    async fn a_told_pause_is_as_long_as_told_and_does_not_grow() {
        let limiter = Limiter::new(0);
        let (first, longest) = (Duration::from_secs(65), Duration::from_mins(10));
        let mut waits = Vec::new();
        for told in [Some(2), Some(2), Some(3600), None] {
            let told = told.map(Duration::from_secs);
            waits.push(limiter.pause(limiter.permit().await, told, first, longest).wait.as_secs());
        }
        assert_eq!(waits, [2, 2, 600, 520], "the untold one is the fourth in a row");
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_gives_up_leaves_its_turn_to_the_next() {
        let limiter = Limiter::new(60);
        limiter.permit().await;
        let start = instant();
        let _ = tokio::time::timeout(Duration::from_millis(10), limiter.permit()).await.unwrap_err();
        limiter.permit().await;
        assert!(instant() - start <= Duration::from_millis(1100), "{:?}", instant() - start);
    }

    #[test]
    fn accounts_with_the_same_key_share_one_limiter() {
        let limiters = Limiters::new();
        let one = limiters.get(Gateway::Enterprise, "a", 50);
        assert!(Arc::ptr_eq(&one, &limiters.get(Gateway::Enterprise, "a", 50)));
        assert!(!Arc::ptr_eq(&one, &limiters.get(Gateway::Enterprise, "b", 50)));
    }
}
