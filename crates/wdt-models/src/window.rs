//! A piece of time asked for at once.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::{Seconds, format_wall_time};

/// A piece of time asked for at once; both ends are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Window {
    /// First second asked for.
    pub start: Seconds,
    /// Last second asked for.
    pub end: Seconds,
}

impl Window {
    /// The shortest window that still moves on: each window begins one second before the end of the one before.
    pub const SHORTEST_SECONDS: i64 = 2;

    /// A window over `start..=end`.
    #[must_use]
    pub const fn new(start: Seconds, end: Seconds) -> Self {
        Self { start, end }
    }

    /// End minus start, in seconds.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.end.0 - self.start.0
    }

    /// Two halves that overlap by one second; `None` when the window is as short as one may be.
    #[must_use]
    pub fn halves(self) -> Option<(Self, Self)> {
        if self.seconds() <= Self::SHORTEST_SECONDS {
            return None;
        }
        let middle = self.start + (self.seconds() / 2).max(Self::SHORTEST_SECONDS);
        Some((Self::new(self.start, middle), Self::new(middle - 1, self.end)))
    }
}

impl fmt::Display for Window {
    /// Both ends as Asia/Shanghai wall time.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} .. {}", format_wall_time(self.start), format_wall_time(self.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_overlap_by_one_second_and_shrink_down_to_the_shortest() {
        let mut todo = vec![Window::new(Seconds(0), Seconds(61))];
        while let Some(window) = todo.pop() {
            let Some((first, second)) = window.halves() else { continue };
            assert_eq!((first.start, second.end, second.start), (window.start, window.end, first.end - 1));
            assert!(first.seconds() < window.seconds() && second.seconds() < window.seconds());
            todo.extend([first, second]);
        }
    }
}
