//! Whether certified windows cover everything up to the watermark.

use super::log::{AccountStatement, Certified};
use wdt_models::time::Seconds;

/// How certified windows cover a range.
#[derive(Debug, PartialEq, Eq)]
pub struct Cover {
    /// Ends of what no window covers.
    pub gaps: Vec<(Seconds, Seconds)>,
    /// Windows that begin earlier than they must.
    pub overlaps: usize,
    /// Last second covered.
    pub end: Seconds,
}

impl AccountStatement {
    /// How the account's windows cover the time from its begin.
    #[must_use]
    pub fn cover(&self) -> Cover {
        cover(self.start, &self.windows)
    }
}

/// Each window must begin a second before the end of those before, or earlier; the first at `start` or earlier.
fn cover(start: Seconds, windows: &[Certified]) -> Cover {
    let mut windows: Vec<(Seconds, Seconds)> = windows.iter().map(|window| (window.start, window.end)).collect();
    windows.sort_unstable();
    let mut cover = Cover { gaps: Vec::new(), overlaps: 0, end: start + 1 };
    for (begin, end) in windows {
        let latest = cover.end - 1;
        if begin > latest {
            cover.gaps.push((latest, begin));
        } else if begin < latest {
            cover.overlaps += 1;
        }
        cover.end = cover.end.max(end);
    }
    cover
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(start: i64, windows: &[(i64, i64)]) -> Cover {
        let certified = |&(start, end): &(i64, i64)| Certified {
            start: Seconds(start),
            end: Seconds(end),
            distinct: 0,
            refused: 0,
        };
        cover(Seconds(start), &windows.iter().map(certified).collect::<Vec<_>>())
    }

    #[test]
    fn a_window_begins_a_second_before_the_end_of_the_one_before() {
        let cover = covered(0, &[(0, 10), (9, 20), (19, 30)]);
        assert_eq!(cover, Cover { gaps: vec![], overlaps: 0, end: Seconds(30) });
        assert_eq!(covered(0, &[(0, 10), (10, 20)]).gaps, [(Seconds(9), Seconds(10))], "the ends may be open");
        assert_eq!(covered(0, &[(1, 10)]).gaps, [(Seconds(0), Seconds(1))]);
    }

    #[test]
    fn lookback_overlaps_and_a_later_reading_closes_a_gap() {
        let lookback = covered(0, &[(0, 100), (40, 120), (119, 130)]);
        assert_eq!(lookback, Cover { gaps: vec![], overlaps: 1, end: Seconds(130) });
        assert_eq!(covered(0, &[(0, 10), (29, 40)]).gaps, [(Seconds(9), Seconds(29))]);
        assert_eq!(covered(0, &[(0, 10), (29, 40), (5, 30)]), Cover { gaps: vec![], overlaps: 1, end: Seconds(40) });
        assert_eq!(covered(0, &[(0, 100), (10, 20), (99, 110)]).gaps, [], "a window inside another hides nothing");
        assert_eq!(covered(50, &[(0, 20), (50, 60)]).gaps, [], "what lies before the begin was not promised");
    }
}
