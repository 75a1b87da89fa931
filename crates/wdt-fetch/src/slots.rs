//! Pages in flight: one until the platform has answered well, then as many as its answers' time asks for, none once it
//! has refused the account.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::FetchError;

/// Places for pages in flight, shared by all that should count together.
///
/// The first call goes alone: a wrong secret costs one call, however many windows are waiting to be read.
#[derive(Debug)]
pub struct Slots {
    places: Semaphore,
    /// Places after the first good answer.
    least: usize,
    most: usize,
    calls_per_minute: u32,
    /// Places given out so far.
    given: AtomicUsize,
    first: OnceLock<()>,
    refused: OnceLock<FetchError>,
}

impl Slots {
    /// As many places as that, at least one.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self::growing(most, most, 0)
    }

    /// At least so many places, and up to `most` where answers take so long that fewer would not use the limit up.
    #[must_use]
    pub fn growing(least: usize, most: usize, calls_per_minute: u32) -> Self {
        let least = least.max(1);
        let (places, given) = (Semaphore::new(1), AtomicUsize::new(1));
        let (first, refused) = (OnceLock::new(), OnceLock::new());
        Self { places, least, most: most.max(least), calls_per_minute, given, first, refused }
    }

    /// Waits for a place.
    ///
    /// # Errors
    ///
    /// The refusal, once the platform has refused the account.
    pub(crate) async fn acquire(&self) -> Result<SemaphorePermit<'_>, FetchError> {
        match self.places.acquire().await {
            Ok(place) => Ok(place),
            // only a refusal closes the places
            Err(closed) => {
                let refused = self.refused.get().cloned();
                let reason = closed.to_string();
                Err(refused.unwrap_or_else(|| FetchError::Setup { reason, source: Some(Arc::new(closed)) }))
            }
        }
    }

    /// Learns how a call ended, while its place is still held, and how long calls take.
    pub(crate) fn ended<T>(&self, result: &Result<T, FetchError>, latency: Duration) {
        match result {
            Ok(_) => {
                let _known = self.first.set(());
                self.grow(self.wanted(latency));
            }
            Err(error) if error.refuses_account() => {
                // a refusal that came before this one says the same
                let _known = self.refused.set(error.clone());
                self.places.close();
            }
            Err(_) => {}
        }
    }

    /// Calls that begin while one is answered, one that waits for its turn, and a quarter more for those that take longer.
    fn wanted(&self, latency: Duration) -> usize {
        let begun = u128::from(self.calls_per_minute) * latency.as_millis() * 5 / 4;
        let wanted = usize::try_from(begun.div_ceil(60_000) + 1).unwrap_or(usize::MAX);
        wanted.clamp(self.least, self.most)
    }

    fn grow(&self, wanted: usize) {
        let given = self.given.fetch_max(wanted, Ordering::Relaxed);
        if wanted > given {
            self.places.add_permits(wanted - given);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use futures::TryStreamExt as _;
    use serde_json::value::RawValue;
    use tokio::time::sleep;
    use wdt_models::decode::{Asked, decode};
    use wdt_models::time::{Millis, Seconds, format_wall_time};
    use wdt_models::{Endpoint, Window};

    use super::*;
    use crate::client::PageAnswer;
    use crate::clock::instant;
    use crate::limit::Limiter;
    use crate::pages::{PageSource, ReadOptions};
    use crate::windows::read_windows;
    use crate::wire::Target;

    /// A platform that takes its time: windows of `pages` pages of one record, the last of them of one page.
    struct Slow {
        limiter: Limiter,
        slots: Slots,
        answer: Duration,
        pages: u32,
        last: Seconds,
    }

    fn endpoint() -> &'static Endpoint {
        wdt_models::endpoints::find("enterprise_stock").unwrap()
    }

    impl PageSource for Slow {
        fn endpoint(&self) -> &'static Endpoint {
            endpoint()
        }

        async fn page(&self, target: Target, _: Option<(&str, &str)>, page: u32) -> Result<PageAnswer, FetchError> {
            let place = self.slots.acquire().await?;
            let permit = self.limiter.permit().await;
            sleep(self.answer).await;
            self.limiter.succeeded(permit).await;
            let Target::Window(window) = target else {
                return Err(FetchError::Setup { reason: target.to_string(), source: None });
            };
            let total = if window.start >= self.last { 1 } else { self.pages };
            let (spec, modified) = (window.start + i64::from(page), format_wall_time(window.start + i64::from(page)));
            let record = format!(r#"{{"spec_id":"{spec}","warehouse_id":"1","modified":"{modified}"}}"#);
            let record = RawValue::from_string(record).unwrap();
            let decoded = decode(endpoint(), &[&record], &Asked::page(page, false));
            let answer = Ok(PageAnswer { total: Some(total.into()), decoded, refused: Vec::new(), bytes: 0 });
            self.slots.ended(&answer, self.answer);
            drop(place);
            answer
        }

        fn page_size(&self) -> u32 {
            1
        }

        fn first_page(&self) -> u32 {
            0
        }

        fn platform_now(&self) -> Millis {
            Millis(i64::MAX / 2)
        }
    }

    /// Calls of a load, and how long it takes in units of calls times their spacing.
    async fn load(calls_per_minute: u32, slots: Slots, most: usize, answer: Duration, windows: i64) -> (u64, f64) {
        let (limiter, last) = (Limiter::new(calls_per_minute), Seconds((windows - 1) * 1000));
        let source = Arc::new(Slow { limiter, slots, answer, pages: 19, last });
        let windows = (0..windows).map(|number| Window::new(Seconds(number * 1000), Seconds((number + 1) * 1000)));
        let options = ReadOptions { concurrency: most, ..ReadOptions::default() };
        let start = instant();
        let parts: Vec<_> = read_windows(Arc::clone(&source), windows, options).try_collect().await.unwrap();
        assert!(parts.iter().all(|part| part.certificate.attempts == 1));
        let calls = source.limiter.usage().permits;
        let spacing = 60.0 * 1.012 / f64::from(calls_per_minute);
        (calls, start.elapsed().as_secs_f64() / (spacing * f64::from(u32::try_from(calls).unwrap())))
    }

    #[tokio::test(start_paused = true)]
    async fn slow_answers_and_the_call_limit_cost_no_more_than_the_limit_alone() {
        // beyond the limit's own time it takes the first answer and the last one
        for (windows, most_calls, most) in [(11, 210, 1.02), (12, 230, 1.02), (22, 430, 1.01)] {
            let slots = Slots::growing(8, 10, 60);
            let (calls, share) = load(60, slots, 10, Duration::from_secs(3), windows).await;
            assert!(calls <= most_calls && share <= most, "{calls} calls, {share}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn places_grow_with_the_latency_seen_where_fewer_would_leave_the_limit_unused() {
        let slow = Duration::from_secs(3);
        let (calls, share) = load(300, Slots::growing(8, 50, 300), 50, slow, 60).await;
        assert!(share <= 1.25, "{calls} calls, {share}");
        let (_, share) = load(300, Slots::new(8), 50, slow, 60).await;
        assert!(share > 1.7, "eight places are too few: {share}");
    }

    #[test]
    fn places_keep_between_their_bounds() {
        let slots = Slots::growing(8, 50, 300);
        for (seconds, wanted) in [(0, 8), (1, 8), (3, 20), (6, 39), (60, 50)] {
            assert_eq!(slots.wanted(Duration::from_secs(seconds)), wanted, "{seconds}");
        }
        assert_eq!(Slots::growing(3, 3, 300).wanted(Duration::from_mins(1)), 3, "what is configured holds");
    }
}
