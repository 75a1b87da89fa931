//! The local clocks: the only place that reads them, so that everything else can be run at any time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;
use wdt_models::time::Millis;

/// Tells the local time of day.
pub trait Clock: Send + Sync {
    /// Now, by the local clock.
    fn now(&self) -> Millis;
}

/// The clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock of this machine")]
    fn now(&self) -> Millis {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that starts at a given time and passes as tokio's timers do: with its time paused, only while everybody waits.
#[derive(Debug)]
pub struct VirtualClock {
    begun: Instant,
    start: Millis,
    /// Milliseconds since the begin at which it was set back to the start.
    set_back_at: AtomicI64,
}

impl VirtualClock {
    /// Begins now, at that time.
    #[must_use]
    pub fn starting_at(start: Millis) -> Self {
        Self { begun: instant(), start, set_back_at: AtomicI64::new(0) }
    }

    /// Shows the time it started at again.
    pub fn set_back(&self) {
        self.set_back_at.store(self.elapsed(), Ordering::Relaxed);
    }

    fn elapsed(&self) -> i64 {
        i64::try_from(self.begun.elapsed().as_millis()).unwrap_or(i64::MAX)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Millis {
        self.start.saturating_add(self.elapsed() - self.set_back_at.load(Ordering::Relaxed))
    }
}

/// Now, on the clock that tokio's timers go by; it stands still in tests that pause time.
pub(crate) fn instant() -> Instant {
    Instant::now()
}
