//! What follows a fault: one table, and the bookkeeping of one page's attempts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use url::Url;
use wdt_models::error::{Class, PlatformError};
use wdt_models::{GatewayFacts, error};

use crate::error::{Cause, ErrorKind};
use crate::transport::{Broken, RawAnswer};

/// How long a client waits after faults, and how often it tries again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// First shared cool-down when the platform's limit was hit.
    pub pause: Duration,
    /// Longest shared cool-down; each in a row is twice the one before.
    pub longest_pause: Duration,
    /// Wait while the platform is busy or answers with an unknown code.
    pub busy: Duration,
    /// Shortest wait after a broken transport.
    pub backoff: Duration,
    /// Longest wait after a broken transport.
    pub longest_backoff: Duration,
    /// Time that the attempts of one page and their waits may take when the transport is broken.
    pub transport_budget: Duration,
}

/// A call that the platform says must wait longer than this is given up: whoever plans the runs decides.
pub(crate) const LONGEST_NAMED: Duration = Duration::from_mins(5);

/// How long to wait when a platform that names its waits has not named one.
const UNNAMED: Duration = Duration::from_mins(1);

impl Default for Waits {
    /// What the platform's notes advise: a minute and more on a limit, half a minute while busy.
    fn default() -> Self {
        Self {
            pause: Duration::from_secs(65),
            longest_pause: Duration::from_mins(10),
            busy: Duration::from_secs(30),
            backoff: Duration::from_millis(500),
            longest_backoff: Duration::from_secs(20),
            transport_budget: Duration::from_mins(5),
        }
    }
}

impl Waits {
    /// No wait at all, the same number of attempts: for simulators.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            pause: Duration::ZERO,
            longest_pause: Duration::ZERO,
            busy: Duration::ZERO,
            backoff: Duration::ZERO,
            longest_backoff: Duration::ZERO,
            transport_budget: Duration::MAX,
        }
    }
}

/// What went wrong with one attempt.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The platform's own error.
    Platform(Class, PlatformError),
    /// The limit, reported by the transport (HTTP 429).
    Limited(String),
    /// No whole answer of the documented shape came back.
    Transport(Broken),
}

impl Fault {
    /// What went wrong, for people.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Platform(_, error) => error.to_string(),
            Self::Limited(reason) => reason.clone(),
            Self::Transport(broken) => broken.reason.clone(),
        }
    }

    /// The error that it was made of, if it was made of one.
    pub(crate) fn into_source(self) -> Option<Cause> {
        match self {
            Self::Platform(_, error) => Some(Arc::new(error)),
            Self::Transport(broken) => broken.source,
            Self::Limited(_) => None,
        }
    }

    /// How long all must wait, on a platform that names it: a second more than it says, for its clock is not ours.
    pub(crate) fn named_wait(&self, facts: &GatewayFacts) -> Option<Duration> {
        match self {
            Self::Platform(Class::RateLimit, error) if facts.names_its_waits => {
                let named = error::named_wait(error).map(|seconds| Duration::from_secs(seconds.saturating_add(1)));
                Some(named.unwrap_or(UNNAMED))
            }
            _ => None,
        }
    }

    fn kind(&self) -> FaultKind {
        match self {
            Self::Platform(class, _) => match class {
                Class::RateLimit => FaultKind::Limited,
                Class::Busy => FaultKind::Busy,
                Class::Transient => FaultKind::Transport,
                Class::Unknown => FaultKind::Unknown,
                Class::Clock => FaultKind::Clock,
                Class::Credential => FaultKind::Credential,
                Class::Permission => FaultKind::Permission,
                Class::Parameter | Class::WindowTooWide => FaultKind::Parameter,
            },
            Self::Limited(_) => FaultKind::Limited,
            Self::Transport(_) => FaultKind::Transport,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FaultKind {
    Limited,
    Busy,
    Unknown,
    Clock,
    Transport,
    Credential,
    Permission,
    Parameter,
}

/// How the next attempt waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// All that share the limit wait.
    Shared,
    /// This call waits for the fixed time.
    Busy,
    /// This call waits for a random time that grows.
    Jittered,
    /// The answer has set the clock: at once.
    None,
}

/// The body of an answer that may be one of the platform's; the request went to that address.
pub(crate) fn body(answer: RawAnswer, base_url: &str) -> Result<Vec<u8>, Fault> {
    let broken = |reason: String| Err(Fault::Transport(Broken::new(reason)));
    match answer.status {
        200..300 => Ok(answer.body),
        429 => Err(Fault::Limited("http status 429 Too Many Requests".to_owned())),
        300..400 => {
            let target = answer.location.as_deref().and_then(|target| Url::parse(base_url).ok()?.join(target).ok());
            let host = target.as_ref().and_then(Url::host_str).unwrap_or("an unknown host");
            broken(format!("http status {}: redirect to {host} refused", answer.status))
        }
        status => broken(format!("http status {status}")),
    }
}

/// The policy: how often each kind of fault is tried again, after which wait, and what it is when that did not help.
const fn policy(kind: FaultKind) -> (u32, Wait, ErrorKind) {
    match kind {
        FaultKind::Limited => (8, Wait::Shared, ErrorKind::Limited),
        FaultKind::Busy => (5, Wait::Busy, ErrorKind::Unavailable),
        FaultKind::Unknown => (2, Wait::Busy, ErrorKind::Unavailable),
        FaultKind::Clock => (1, Wait::None, ErrorKind::Clock),
        FaultKind::Transport => (5, Wait::Jittered, ErrorKind::Unavailable),
        FaultKind::Credential => (0, Wait::None, ErrorKind::Credential),
        FaultKind::Permission => (0, Wait::None, ErrorKind::Permission),
        FaultKind::Parameter => (0, Wait::None, ErrorKind::Parameter),
    }
}

/// What follows a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// All that share the limit wait; at most this many cool-downs in a row.
    Pause { at_most: u32 },
    /// This call waits.
    Wait(Duration),
    /// No further attempt.
    GiveUp(ErrorKind),
}

/// The attempts of one page.
#[derive(Debug)]
pub(crate) struct Attempts<'a> {
    waits: &'a Waits,
    random: &'a Random,
    faults: [u32; FaultKind::Parameter as usize + 1],
    last_backoff: Duration,
    in_transport: Duration,
}

impl<'a> Attempts<'a> {
    pub(crate) fn new(waits: &'a Waits, random: &'a Random) -> Self {
        let faults = [0; FaultKind::Parameter as usize + 1];
        Self { waits, random, faults, last_backoff: waits.backoff, in_transport: Duration::ZERO }
    }

    /// Attempts that failed so far.
    pub(crate) fn failed(&self) -> u32 {
        self.faults.iter().sum()
    }

    /// What follows a fault of an attempt that took so long.
    pub(crate) fn next(&mut self, fault: &Fault, took: Duration) -> Next {
        let kind = fault.kind();
        let (times, wait, end) = policy(kind);
        self.faults[kind as usize] += 1;
        if self.faults[kind as usize] > times {
            return Next::GiveUp(end);
        }
        match wait {
            Wait::Shared => Next::Pause { at_most: times },
            Wait::Busy => Next::Wait(self.waits.busy),
            Wait::None => Next::Wait(Duration::ZERO),
            Wait::Jittered => self.backoff(took).map_or(Next::GiveUp(end), Next::Wait),
        }
    }

    /// The next decorrelated wait; none when it would not fit the time for a broken transport.
    fn backoff(&mut self, took: Duration) -> Option<Duration> {
        let wait = self.random.between(self.waits.backoff, self.last_backoff.saturating_mul(3));
        let wait = wait.min(self.waits.longest_backoff);
        self.last_backoff = wait;
        self.in_transport = self.in_transport.saturating_add(took).saturating_add(wait);
        (self.in_transport <= self.waits.transport_budget).then_some(wait)
    }
}

/// A small seeded generator (`SplitMix64`), shared by a client's calls: waits need to differ, not to be secret.
#[derive(Debug)]
pub(crate) struct Random(AtomicU64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    fn between(&self, low: Duration, high: Duration) -> Duration {
        let span = u64::try_from(high.saturating_sub(low).as_nanos()).unwrap_or(u64::MAX - 1);
        low + Duration::from_nanos(self.next() % (span + 1))
    }

    fn next(&self) -> u64 {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use wdt_models::Gateway;

    use super::*;

    fn platform(class: Class) -> Fault {
        Fault::Platform(class, PlatformError::new("1", ""))
    }

    fn broken() -> Fault {
        Fault::Transport(Broken::new("cut"))
    }

    /// What follows the same fault again and again, until the end.
    fn course(fault: &Fault, waits: &Waits, took: Duration, seed: u64) -> (Vec<Next>, ErrorKind) {
        let random = Random::new(seed);
        let mut attempts = Attempts::new(waits, &random);
        let mut steps = Vec::new();
        loop {
            match attempts.next(fault, took) {
                Next::GiveUp(kind) => return (steps, kind),
                next => steps.push(next),
            }
        }
    }

    #[test]
    fn each_class_has_its_course() {
        let waits = Waits::default();
        let course = |class| course(&platform(class), &waits, Duration::ZERO, 1);
        assert_eq!(course(Class::RateLimit), (vec![Next::Pause { at_most: 8 }; 8], ErrorKind::Limited));
        assert_eq!(course(Class::Busy), (vec![Next::Wait(waits.busy); 5], ErrorKind::Unavailable));
        assert_eq!(course(Class::Unknown), (vec![Next::Wait(waits.busy); 2], ErrorKind::Unavailable));
        assert_eq!(course(Class::Clock), (vec![Next::Wait(Duration::ZERO)], ErrorKind::Clock));
        assert_eq!(course(Class::Credential), (vec![], ErrorKind::Credential));
        assert_eq!(course(Class::Permission), (vec![], ErrorKind::Permission));
        assert_eq!(course(Class::Parameter), (vec![], ErrorKind::Parameter));
        assert_eq!(course(Class::WindowTooWide), (vec![], ErrorKind::Parameter));
    }

    #[test]
    fn the_one_gateway_that_names_its_waits_is_waited_for() {
        let limit = |message: &str| Fault::Platform(Class::RateLimit, PlatformError::new("7", message));
        let named = |gateway: Gateway, message| limit(message).named_wait(gateway.facts()).map(|wait| wait.as_secs());
        assert_eq!(named(Gateway::Top, "This ban will last for 12 more seconds"), Some(13));
        assert_eq!(named(Gateway::Top, "App Call Limited"), Some(60));
        assert_eq!(named(Gateway::Flagship, "This ban will last for 12 more seconds"), None);
        let busy = Fault::Platform(Class::Busy, PlatformError::new("MAC999", "9 seconds"));
        assert_eq!(busy.named_wait(Gateway::Top.facts()), None);
        assert_eq!(Fault::Limited("http status 429".into()).named_wait(Gateway::Top.facts()), None);
    }

    #[test]
    fn a_broken_transport_backs_off_within_bounds_for_six_attempts() {
        let waits = Waits::default();
        for seed in 0..200 {
            let (steps, kind) = course(&broken(), &waits, Duration::from_secs(1), seed);
            assert_eq!((steps.len(), kind), (5, ErrorKind::Unavailable), "seed {seed}");
            for step in steps {
                let Next::Wait(wait) = step else { panic!("{step:?}") };
                assert!((waits.backoff..=waits.longest_backoff).contains(&wait), "seed {seed}: {wait:?}");
            }
        }
    }

    #[test]
    fn a_slowly_broken_transport_is_given_up_after_five_minutes() {
        let (steps, _) = course(&broken(), &Waits::default(), Duration::from_mins(2), 7);
        assert_eq!(steps.len(), 2);
    }

    #[test]
    fn waits_depend_on_the_seed_alone() {
        let steps = |seed| course(&broken(), &Waits::default(), Duration::ZERO, seed).0;
        assert_eq!(steps(3), steps(3));
        assert_ne!(steps(3), steps(4));
    }

    #[test]
    fn faults_of_different_kinds_are_counted_apart() {
        let (waits, random) = (Waits::none(), Random::new(1));
        let mut attempts = Attempts::new(&waits, &random);
        for _ in 0..2 {
            assert_eq!(attempts.next(&platform(Class::Unknown), Duration::ZERO), Next::Wait(Duration::ZERO));
            assert_eq!(attempts.next(&broken(), Duration::ZERO), Next::Wait(Duration::ZERO));
        }
        assert_eq!(attempts.failed(), 4);
        assert_eq!(attempts.next(&platform(Class::Unknown), Duration::ZERO), Next::GiveUp(ErrorKind::Unavailable));
    }
}
