//! The local clocks: the only place that reads them, so that everything else can be run at any time.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// Tells the local time of day.
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970-01-01 00:00:00 UTC.
    fn now_ms(&self) -> i64;
}

/// The clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock of this machine")]
    fn now_ms(&self) -> i64 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
    }
}

/// Now, on the clock that tokio's timers go by; it stands still in tests that pause time.
pub(crate) fn instant() -> Instant {
    Instant::now()
}
