//! Windows cover the range of a run, and the runs of a dataset cover all time, whatever totals are seen and wherever runs stop.

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use wdt_models::time::Seconds;

/// A month of seconds, the longest window of every gateway.
const LONGEST: i64 = 30 * 86_400 - 1;

/// What a run meets: how it is set, how far the clock has gone on, the totals of its windows, and where it stops.
#[derive(Debug, Clone)]
struct Night {
    lookback: i64,
    first: i64,
    longest: i64,
    start: Seconds,
    goes_on: i64,
    totals: Vec<u64>,
    /// Windows that are read ahead of the one whose total is seen.
    ahead: usize,
    /// Windows that are landed before the run stops.
    landed: usize,
}

prop_compose! {
    fn night()(
        lookback in prop_oneof![Just(0), 0i64..10_000],
        first in prop_oneof![Just(0), 1i64..100, 1i64..10_000_000],
        longest in prop_oneof![Just(2i64), Just(LONGEST), 2i64..10_000],
        start in (-1000i64..3_000_000).prop_map(Seconds),
        goes_on in prop_oneof![Just(0), Just(1), 1i64..100_000, 1i64..40_000_000],
        totals in prop::collection::vec(prop_oneof![Just(0), 0u64..5000, Just(u64::MAX)], 1..8),
        ahead in 0usize..4,
        landed in prop_oneof![Just(usize::MAX), 0usize..6],
    ) -> Night {
        Night { lookback, first, longest, start, goes_on, totals, ahead, landed }
    }
}

/// Most windows that a test takes of a run: the shortest ones over years are too many.
const TAKEN: usize = 3000;

/// The windows of a range, in which totals are seen late; they are as many as a run takes before it is stopped.
fn windows(range: Range, night: &Night) -> Vec<Window> {
    let mut planner = Planner::new(range);
    let mut unseen = VecDeque::new();
    let mut windows = Vec::new();
    let mut totals = night.totals.iter().cycle();
    while let Some(window) = planner.next() {
        windows.push(window);
        unseen.push_back(window);
        if unseen.len() > night.ahead {
            let (Some(seen), Some(total)) = (unseen.pop_front(), totals.next()) else { break };
            planner.observe(seen, *total);
        }
        if windows.len() >= night.landed.clamp(1, TAKEN) {
            break;
        }
    }
    windows
}

fn range_of(night: &Night, watermark: Option<Seconds>, start: Seconds, until: Seconds) -> Range {
    let from = begin(watermark, start, night.lookback);
    Range { from, until, watermark, first: night.first, longest: night.longest, most_records: 2000 }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    /// Trips on a gap of a second, an overlap of more than one, a window that is too long or does not move on.
    #[test]
    fn windows_of_a_run_cover_its_range(night in night(), watermark in prop_oneof![Just(None), (0i64..3_000_000).prop_map(|watermark| Some(Seconds(watermark)))]) {
        let until = watermark.unwrap_or(night.start) + night.goes_on;
        let range = range_of(&night, watermark, night.start, until);
        let windows = windows(range, &night);
        prop_assert_eq!(windows.is_empty(), !range.is_due());
        prop_assume!(range.is_due());
        prop_assert_eq!(windows[0].start, range.from);
        prop_assert!(windows.windows(2).all(|pair| pair[1].start == pair[0].end - 1 && pair[1].end > pair[0].end));
        prop_assert!(windows.iter().all(|window| window.seconds() <= night.longest && window.end <= until));
        let stopped = windows.len() >= night.landed.clamp(1, TAKEN);
        prop_assert!(stopped || windows[windows.len() - 1].end == until);
    }

    /// Trips when a second between the first start and the last watermark is in no landed window, or when a run does
    /// not begin before what the run before it has landed.
    #[test]
    fn runs_leave_no_second_out(nights in prop::collection::vec(night(), 1..8)) {
        let start = nights[0].start;
        let (mut watermark, mut clock) = (None, start);
        for night in nights {
            clock += night.goes_on;
            // a later start is not a scope of its own: the rows before it are there
            let start = if watermark.is_none() { start } else { night.start.max(start) };
            let range = range_of(&night, watermark, start, clock);
            if let Some(watermark) = watermark {
                prop_assert!(range.from < watermark, "{range:?}");
            }
            for window in windows(range, &night).into_iter().take(night.landed) {
                let reached = watermark.unwrap_or(start + 1);
                prop_assert!(window.start < reached, "a gap before {window:?}, landed up to {reached}");
                watermark = watermark.max(Some(window.end));
            }
            prop_assert!(watermark.is_none_or(|watermark| watermark <= clock));
            if night.landed == usize::MAX && range.is_due() && windows(range, &night).len() < TAKEN {
                prop_assert_eq!(watermark, Some(clock), "a run that is not stopped reaches its end");
            }
        }
    }
}
