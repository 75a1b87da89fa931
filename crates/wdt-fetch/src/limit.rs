//! The call limit of one key: permits evenly spaced in order of asking, and one cool-down that all callers share.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use wdt_models::Gateway;

use crate::Clock;
use crate::clock::instant;
use crate::host::Host;
use crate::observe::millis;
use crate::schedule::{Booking, Lengths, Pause, Permit, Schedule};

/// Permits are this much further apart than the limit asks for: a call may reach the platform 0.7 s late without
/// making a minute too full, and still more than 98 % of the limit is used.
const SPACING_PER_MILLE: i64 = 1012;
/// A minute in the schedule's unit.
const MINUTE: i64 = 60_000_000;
/// An instant whose caller came so much too late, because the one before it in line gave up, is taken anew.
const LATEST: Duration = Duration::from_millis(500);

/// The call limit of one (gateway, app key), shared by all that call with it.
pub struct Limiter {
    /// Held by the caller whose turn it is; tokio's mutex keeps the others in order. What is taken and not used yet is
    /// the next caller's.
    turn: tokio::sync::Mutex<Option<(Booking, Instant)>>,
    /// Microseconds between permits; 0 without a limit.
    spacing: i64,
    /// The schedule of this process alone, in microseconds since `start`.
    own: Mutex<Schedule>,
    start: Instant,
    host: Option<Host>,
    /// Why the limit is not shared with other processes, though it should be.
    alone: Option<String>,
    /// The shared file failed while in use.
    lost: AtomicBool,
    usage: Mutex<Usage>,
}

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

impl Limiter {
    /// A limiter for a number of calls a minute; 0 means no limit (cool-downs are kept all the same).
    #[must_use]
    pub fn new(calls_per_minute: u32) -> Self {
        let spacing = (MINUTE * SPACING_PER_MILLE / 1000).checked_div(i64::from(calls_per_minute)).unwrap_or(0);
        Self {
            turn: tokio::sync::Mutex::default(),
            spacing,
            own: Mutex::default(),
            start: instant(),
            host: None,
            alone: None,
            lost: AtomicBool::new(false),
            usage: Mutex::default(),
        }
    }

    /// What the limiter has given and imposed so far.
    #[must_use]
    pub fn usage(&self) -> Usage {
        *self.usage_mut()
    }

    /// Why other processes with the same key do not share this limit, where they should.
    #[must_use]
    pub fn alone(&self) -> Option<&str> {
        self.alone.as_deref()
    }

    /// Waits for the next permit, in order of asking; processes that share the limit take turns.
    pub(crate) async fn permit(&self) -> Permit {
        let mut turn = self.turn.lock().await;
        loop {
            let (taken, at) = match *turn {
                Some(taken) if instant().duration_since(taken.1) < LATEST => taken,
                _ => {
                    let taken = self.change(|schedule, now| schedule.take(now, self.spacing)).await;
                    (taken, instant() + taken.wait)
                }
            };
            // kept until it is used: a caller that is dropped while it sleeps leaves its instant to the next in line
            *turn = Some((taken, at));
            // a timer would cost a millisecond even for an instant that has come
            if at > instant() {
                sleep_until(at).await;
            }
            let permit = self.change(|schedule, now| schedule.confirm(taken, now, self.spacing)).await;
            *turn = None;
            if let Some(permit) = permit {
                self.usage_mut().permits += 1;
                return permit;
            }
        }
    }

    /// Lets all callers wait because the platform answered that the limit is exceeded.
    ///
    /// The first cool-down lasts as long as `lengths` say, each one after it that no success has parted from the one
    /// before twice as long; one that the platform has named lasts so long. A call sent before the last cool-down began
    /// starts none.
    pub(crate) async fn pause(&self, permit: Permit, lengths: Lengths) -> Pause {
        let since = self.host.as_ref().map_or(0, Host::since);
        let pause = self.change(|schedule, now| schedule.pause(permit, now, lengths, since)).await;
        if pause.started {
            let mut usage = self.usage_mut();
            usage.pauses += 1;
            usage.paused_ms += millis(pause.wait);
        }
        pause
    }

    /// Notes that the platform took a call sent with this permit.
    pub(crate) async fn succeeded(&self, permit: Permit) {
        if permit.unanswered {
            self.change(|schedule, _| schedule.answered(permit)).await;
        }
    }

    /// Changes the schedule that all share, or this process's own where there is none.
    async fn change<T>(&self, change: impl Fn(&mut Schedule, i64) -> T) -> T {
        if let Some(host) = self.host.as_ref().filter(|_| !self.lost.load(Ordering::Relaxed)) {
            match host.change(&change).await {
                Ok(changed) => return changed,
                // a full disk, say: what is left is the limit of this process
                Err(_) => self.lost.store(true, Ordering::Relaxed),
            }
        }
        let now = i64::try_from(instant().duration_since(self.start).as_micros()).unwrap_or(i64::MAX);
        change(&mut self.own.lock().unwrap_or_else(PoisonError::into_inner), now)
    }

    fn usage_mut(&self) -> std::sync::MutexGuard<'_, Usage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { spacing, host, .. } = self;
        f.debug_struct("Limiter").field("spacing", spacing).field("shared", &host.is_some()).finish_non_exhaustive()
    }
}

/// One [`Limiter`] for each (gateway, app key).
#[derive(Default)]
pub struct Limiters {
    by_key: Mutex<HashMap<(Gateway, String), Arc<Limiter>>>,
    /// Where the processes of this machine meet, and the clock that they share.
    host: Option<(PathBuf, Arc<dyn Clock>)>,
}

impl Limiters {
    /// No limiter yet, and none that other processes share.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No limiter yet; each will be shared with the other processes of this machine that name the same folder.
    ///
    /// The folder is made when it is needed; it holds a small file for each key, whose name does not show it.
    #[must_use]
    pub fn in_folder(folder: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self { host: Some((folder, clock)), ..Self::default() }
    }

    /// The limiter of that key; the rate given first holds, so give the lowest of the accounts that share it. One
    /// without a limit is never shared with other processes.
    #[must_use]
    pub fn get(&self, gateway: Gateway, app_key: &str, calls_per_minute: u32) -> Arc<Limiter> {
        let mut by_key = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let limiter = by_key.entry((gateway, app_key.to_owned()));
        Arc::clone(limiter.or_insert_with(|| Arc::new(self.limiter(gateway, app_key, calls_per_minute))))
    }

    fn limiter(&self, gateway: Gateway, app_key: &str, calls_per_minute: u32) -> Limiter {
        let limiter = Limiter::new(calls_per_minute);
        let Some((folder, clock)) = self.host.as_ref().filter(|_| calls_per_minute > 0) else { return limiter };
        match Host::open(folder, gateway, app_key, Arc::clone(clock)) {
            Ok(host) => Limiter { host: Some(host), ..limiter },
            Err(error) => Limiter { alone: Some(format!("{}: {error}", folder.display())), ..limiter },
        }
    }
}

impl fmt::Debug for Limiters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiters")
            .field("folder", &self.host.as_ref().map(|(folder, _)| folder))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::cell::RefCell;

    use futures::future::join_all;
    use tokio::time::sleep;

    use super::*;
    use wdt_models::time::Millis;

    const MINUTE: Duration = Duration::from_mins(1);
    const FIRST: Duration = Duration::from_secs(65);

    fn spacing(calls_per_minute: u32) -> Duration {
        MINUTE * 1012 / 1000 / calls_per_minute
    }

    fn lengths(named: Option<u64>) -> Lengths {
        Lengths { named: named.map(Duration::from_secs), first: FIRST, longest: Duration::from_mins(10) }
    }

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
            let wanted = spacing(calls_per_minute);
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
            sleep(spacing(60)).await;
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
            limiter.pause(permit, lengths(None)).await;
        };
        let (times, ()) = tokio::join!(waiting, pausing);
        assert!(times[0] - start >= Duration::from_millis(65_300), "{:?}", times[0] - start);
        assert!(times[1] - times[0] >= Duration::from_secs(1), "no burst after the pause");
    }

    #[tokio::test(start_paused = true)]
    async fn calls_in_flight_start_one_pause_and_only_failures_in_a_row_make_it_longer() {
        let limiter = Limiter::new(0);
        let in_flight = [limiter.permit().await, limiter.permit().await];
        let mut pauses = Vec::new();
        for permit in in_flight {
            let pause = limiter.pause(permit, lengths(None)).await;
            pauses.push((pause.wait, pause.started));
        }
        assert_eq!(pauses, [(FIRST, true), (FIRST, false)]);

        let mut waits = Vec::new();
        for _ in 0..5 {
            waits.push(limiter.pause(limiter.permit().await, lengths(None)).await.wait.as_secs());
        }
        assert_eq!(waits, [130, 260, 520, 600, 600]);
        limiter.succeeded(limiter.permit().await).await;
        let pause = limiter.pause(limiter.permit().await, lengths(None)).await;
        assert_eq!((pause.wait, pause.in_a_row), (FIRST, 1));
        assert_eq!(limiter.usage().pauses, 7);
    }

    #[tokio::test(start_paused = true)]
    async fn a_named_pause_is_as_long_as_named_and_does_not_grow() {
        let limiter = Limiter::new(0);
        let mut waits = Vec::new();
        for named in [Some(2), Some(2), Some(3600), None] {
            waits.push(limiter.pause(limiter.permit().await, lengths(named)).await.wait.as_secs());
        }
        assert_eq!(waits, [2, 2, 600, 520], "the unnamed one is the fourth in a row");
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

    /// The time of day as the processes of one machine see it, as fast as the paused timers.
    struct Wall(Instant);

    impl Clock for Wall {
        fn now(&self) -> Millis {
            Millis(1_763_996_400_000) + i64::try_from(self.0.elapsed().as_millis()).unwrap()
        }
    }

    /// Limiters as so many processes have them.
    fn processes(folder: &std::path::Path, count: usize, calls_per_minute: u32) -> Vec<Arc<Limiter>> {
        let wall = Arc::new(Wall(instant()));
        let limiters = |_| Limiters::in_folder(folder.to_owned(), Arc::clone(&wall) as Arc<dyn Clock>);
        (0..count).map(limiters).map(|limiters| limiters.get(Gateway::Top, "key-4711", calls_per_minute)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn processes_that_share_a_folder_keep_the_limit_together_use_it_and_take_turns() {
        let folder = tempfile::tempdir().unwrap();
        let limiters = processes(folder.path(), 3, 60);
        let each = join_all(limiters.iter().map(|limiter| given(limiter, 60))).await;
        let mut times = each.concat();
        times.sort_unstable();
        for (index, &first) in times.iter().enumerate() {
            let within = times[index..].iter().take_while(|&&time| time - first <= MINUTE).count();
            assert!(within <= 60, "{within} calls in a minute");
        }
        let jitter = Duration::from_millis(3);
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] + jitter >= spacing(60)), "evenly spaced");
        let used = 179.0 / (times[179] - times[0]).as_secs_f64();
        assert!(used >= 0.98, "{used}");
        for times in each {
            assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= spacing(60) * 3 + jitter), "nobody waits for two");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_cool_down_holds_for_every_process_and_is_started_once() {
        let folder = tempfile::tempdir().unwrap();
        let limiters = processes(folder.path(), 2, 60);
        let in_flight = [limiters[0].permit().await, limiters[1].permit().await];
        let start = instant();
        let waiting = given(&limiters[1], 3);
        let pausing = async {
            sleep(Duration::from_millis(300)).await;
            let first = limiters[0].pause(in_flight[0], lengths(None)).await;
            (first, limiters[1].pause(in_flight[1], lengths(None)).await)
        };
        let (times, (first, second)) = tokio::join!(waiting, pausing);
        assert_eq!((first.started, first.wait), (true, FIRST));
        assert_eq!((second.started, second.in_a_row), (false, 1), "a call sent before it starts none");
        assert!(times[0] - start >= Duration::from_millis(65_299), "{:?}", times[0] - start);
        assert!(times[1] - times[0] + Duration::from_millis(3) >= spacing(60), "no burst after the pause");

        let next = limiters[1].pause(limiters[1].permit().await, lengths(None)).await;
        assert_eq!((next.wait, next.in_a_row), (FIRST * 2, 2), "failures of all processes are in a row");
        limiters[0].succeeded(limiters[0].permit().await).await;
        let next = limiters[1].pause(limiters[1].permit().await, lengths(None)).await;
        assert_eq!((next.wait, next.in_a_row), (FIRST, 1), "and so are their successes");
        let later = processes(folder.path(), 1, 60).remove(0);
        let next = later.pause(later.permit().await, lengths(None)).await;
        assert_eq!((next.wait, next.in_a_row), (FIRST, 1), "what was before a process is not its own");
    }

    #[tokio::test(start_paused = true)]
    async fn the_system_s_lock_is_waited_for_and_ends_with_its_holder() {
        let folder = tempfile::tempdir().unwrap();
        let limiter = processes(folder.path(), 1, 60).remove(0);
        let path = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        let holder = std::fs::File::open(&path).unwrap();
        holder.lock().unwrap();
        let start = instant();
        let _ = tokio::time::timeout(Duration::from_secs(5), limiter.permit()).await.unwrap_err();
        drop(holder);
        limiter.permit().await;
        assert!(instant() - start <= Duration::from_millis(5100), "{:?}", instant() - start);
        std::fs::write(&path, b"torn").unwrap();
        limiter.permit().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_shows_no_key_and_there_is_none_without_a_limit() {
        let folder = tempfile::tempdir().unwrap();
        let unlimited = processes(folder.path(), 1, 0);
        unlimited[0].permit().await;
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let limited = processes(folder.path(), 2, 60);
        limited[0].permit().await;
        let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 1);
        let shown = format!("{files:?} {}", std::fs::read_to_string(&files[0]).unwrap());
        assert!(!shown.contains("4711"), "{shown}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_folder_that_cannot_be_used_leaves_the_limit_of_this_process() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, b"").unwrap();
        let limiter = processes(&file, 1, 60).remove(0);
        assert!(limiter.alone().unwrap().contains("file: "), "{:?}", limiter.alone());
        let times = given(&limiter, 3).await;
        assert!(times[2] - times[0] >= spacing(60) * 2);
        assert_eq!(processes(folder.path(), 1, 60)[0].alone(), None);
    }
}
