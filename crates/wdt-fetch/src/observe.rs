//! What a client reports of its work: running counts, and events for whoever shows progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Called for each event, from the task that reads; it should return at once.
pub type Observer = Arc<dyn Fn(&Event) + Send + Sync>;

/// Something a client did or waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A page was read.
    Call {
        /// Method on the platform.
        method: &'static str,
        /// Page, counted as the endpoint counts.
        page: u32,
        /// Records on the page, refused ones included.
        records: usize,
        /// Bytes of the unpacked answer.
        bytes: usize,
    },
    /// A call failed and is tried again after a wait of its own.
    Retry {
        /// Method on the platform.
        method: &'static str,
        /// Page, counted as the endpoint counts.
        page: u32,
        /// Why it failed.
        reason: String,
        /// How long this call waits.
        wait: Duration,
    },
    /// The clocks of the platform and of this machine differ notably; reported once.
    Skew {
        /// Milliseconds that the platform's clock is ahead of the local one.
        skew_ms: i64,
    },
    /// The platform's limit was hit: all calls under the limit wait.
    Pause {
        /// The platform's words.
        reason: String,
        /// How long all wait.
        wait: Duration,
    },
}

/// What a client has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Requests sent, retries among them.
    pub calls: u64,
    /// Requests sent because one before failed.
    pub retries: u64,
    /// Waits that faults and limits imposed; the even spacing of calls is not one.
    pub waits: u64,
    /// Milliseconds of those waits.
    pub waited_ms: u64,
    /// Bytes of the unpacked answers.
    pub bytes: u64,
    /// Milliseconds from the sending of requests to the end of their answers, added up.
    pub call_ms: u64,
}

impl Counters {
    /// How long a request takes on average, from its sending to the end of its answer.
    #[must_use]
    pub fn latency(&self) -> Duration {
        Duration::from_millis(self.call_ms.checked_div(self.calls).unwrap_or(0))
    }
}

/// Counters that several tasks add to.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    calls: AtomicU64,
    retries: AtomicU64,
    waits: AtomicU64,
    waited_ms: AtomicU64,
    bytes: AtomicU64,
    call_ms: AtomicU64,
}

impl Tallies {
    pub(crate) fn call(&self, bytes: usize, took: Duration) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.call_ms.fetch_add(millis(took), Ordering::Relaxed);
    }

    pub(crate) fn retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn wait(&self, wait: Duration) {
        self.waits.fetch_add(1, Ordering::Relaxed);
        self.waited_ms.fetch_add(millis(wait), Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> Counters {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            calls: load(&self.calls),
            retries: load(&self.retries),
            waits: load(&self.waits),
            waited_ms: load(&self.waited_ms),
            bytes: load(&self.bytes),
            call_ms: load(&self.call_ms),
        }
    }
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
