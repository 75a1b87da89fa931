//! From a watermark to windows: what a run has to ask for. Pure.

use std::sync::{Arc, Mutex, PoisonError};

use wdt_models::Window;
use wdt_models::time::Seconds;

/// An empty window makes the next so many times longer: whole years may be empty.
const EMPTY_GROWTH: i64 = 8;

/// The range a run has to read, and how it is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    /// First second, lookback included.
    pub(crate) from: Seconds,
    /// Last second.
    pub(crate) until: Seconds,
    /// How far the dataset is complete; windows that end here or before are done.
    pub(crate) watermark: Option<Seconds>,
    /// First guess of a window's length, seconds.
    pub(crate) first: i64,
    /// Longest window, seconds.
    pub(crate) longest: i64,
    /// Records a window should have at most; it should have at least a quarter of that.
    pub(crate) most_records: u64,
}

/// Yields the windows of a range, their length adapted to the totals seen so far.
#[derive(Debug, Clone)]
pub(crate) struct Planner(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    range: Range,
    next: Option<Seconds>,
    length: i64,
}

/// Begin of a run: `lookback_seconds` behind the watermark, or `start` when nothing was landed yet.
///
/// It is at least a second behind the watermark, whatever `lookback_seconds` and a later `start` say: no time is left out.
pub(crate) fn begin(watermark: Option<Seconds>, start: Seconds, lookback_seconds: i64) -> Seconds {
    watermark.map_or(start, |watermark| (watermark - lookback_seconds.max(1)).max(start.min(watermark - 1)))
}

impl Range {
    /// Whether anything is to be read.
    pub(crate) fn is_due(&self) -> bool {
        self.until > self.from && self.watermark.is_none_or(|watermark| self.until > watermark)
    }

    /// How many windows there are if every one has its longest length.
    pub(crate) fn fewest_windows(&self) -> i64 {
        if self.is_due() { (self.until - self.from).max(1).div_euclid(self.longest - 1) + 1 } else { 0 }
    }
}

impl Planner {
    /// A planner at the begin of the range.
    pub(crate) fn new(range: Range) -> Self {
        let next = range.is_due().then_some(range.from);
        let length = range.first.clamp(Window::SHORTEST_SECONDS, range.longest);
        Self(Arc::new(Mutex::new(State { range, next, length })))
    }

    /// Learns from the total of a window that was read.
    pub(crate) fn observe(&self, window: Window, total: u64) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let most = state.range.most_records;
        let seconds = window.seconds().max(1);
        if total > most {
            state.length = state.length.min(seconds / 2).max(Window::SHORTEST_SECONDS);
        } else if total < most / 4 && seconds >= state.length.min(state.range.longest) {
            let growth = if total == 0 { EMPTY_GROWTH } else { 2 };
            state.length = (state.length * growth).min(state.range.longest);
        }
    }
}

impl Iterator for Planner {
    type Item = Window;

    fn next(&mut self) -> Option<Window> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let start = state.next?;
        let range = state.range;
        let moving = range.watermark.map_or(start, |watermark| watermark.max(start));
        let end = (moving + state.length).min(start + range.longest).min(range.until);
        state.next = (end < range.until).then_some(end - 1);
        Some(Window::new(start, end))
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400;

    fn range(from: i64, until: i64, watermark: Option<i64>) -> Range {
        let (from, until, watermark) = (Seconds(from), Seconds(until), watermark.map(Seconds));
        Range { from, until, watermark, first: DAY, longest: 30 * DAY - 1, most_records: 4000 }
    }

    #[test]
    fn windows_overlap_by_one_second_and_cover_the_range() {
        let windows: Vec<Window> = Planner::new(range(0, 10 * DAY + 5, None)).collect();
        assert_eq!((windows[0].start, windows[windows.len() - 1].end), (Seconds(0), Seconds(10 * DAY + 5)));
        assert!(windows.windows(2).all(|pair| pair[1].start == pair[0].end - 1 && pair[1].end > pair[0].end));
    }

    #[test]
    fn sparse_windows_grow_to_the_longest() {
        let mut planner = Planner::new(range(0, 15 * 365 * DAY, None));
        let mut windows = 0;
        while let Some(window) = planner.next() {
            planner.observe(window, 3);
            assert!(window.seconds() < 30 * DAY);
            windows += 1;
        }
        assert!((182..200).contains(&windows), "{windows}");
    }

    #[test]
    fn dense_windows_shrink() {
        let mut planner = Planner::new(range(0, 90 * DAY, None));
        let first = planner.next().unwrap_or(Window::new(Seconds(0), Seconds(0)));
        planner.observe(first, 1_000_000);
        let _in_the_middle = planner.next();
        assert!(planner.next().is_some_and(|window| window.seconds() <= first.seconds() / 2));
    }

    #[test]
    fn a_window_shorter_than_the_lookback_still_passes_the_watermark() {
        let mut planner = Planner::new(Range { first: 60, ..range(1000 - 600, 5000, Some(1000)) });
        assert_eq!(planner.next(), Some(Window::new(Seconds(400), Seconds(1060))));
    }

    #[test]
    fn nothing_is_due_at_the_watermark() {
        assert!(!range(400, 1000, Some(1000)).is_due());
        assert_eq!(Planner::new(range(400, 1000, Some(1000))).next(), None);
        let begin = |watermark: Option<i64>, start, lookback| begin(watermark.map(Seconds), Seconds(start), lookback).0;
        assert_eq!(begin(Some(1000), 0, 600), 400);
        assert_eq!(begin(None, 7, 600), 7);
        assert_eq!(begin(Some(1000), 0, 0), 999, "windows overlap by a second without a lookback too");
        assert_eq!(begin(Some(1000), 5000, 600), 999, "a later start leaves out no time");
    }
}
