//! How many pages of an account are in flight.

use wdt_fetch::Slots;

use crate::config::RunSettings;

/// Fewest pages in flight per account unless the configuration says otherwise.
const CONCURRENCY: usize = 8;
/// Most of them that a call limit alone asks for.
const MOST_CONCURRENCY: usize = 64;
/// Seconds of an answer for which there may be enough of them to use the call limit up.
const SLOWEST_ANSWER: u32 = 10;

/// Most pages in flight for an account with that limit, and windows read ahead.
pub(super) fn concurrency(settings: &RunSettings, calls_per_minute: u32) -> usize {
    let needed = usize::try_from(calls_per_minute * SLOWEST_ANSWER / 60).unwrap_or(CONCURRENCY);
    settings.concurrency.unwrap_or(needed.clamp(CONCURRENCY, MOST_CONCURRENCY))
}

/// Places for an account's pages: as many as are configured, or as the seen latency needs.
pub(super) fn places(settings: &RunSettings, calls_per_minute: u32) -> Slots {
    let most = concurrency(settings, calls_per_minute);
    Slots::growing(settings.concurrency.unwrap_or(CONCURRENCY), most, calls_per_minute)
}
