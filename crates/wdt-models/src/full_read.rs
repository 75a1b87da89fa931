//! An endpoint's own full read: one call, page after page, that gives every record whatever the longest window is.

use std::fmt;

use crate::time::{SHANGHAI_OFFSET_SECONDS, Seconds};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// The parameter that turns the reading of a window into a reading of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FullRead {
    /// Name of the parameter.
    pub param: &'static str,
    /// Its value.
    pub value: &'static str,
    /// First second of the window that is sent with it: earlier than any record.
    pub from: Seconds,
    /// When the platform takes such a call; at any time where there are none.
    pub hours: Option<Hours>,
}

/// Hours of every day, Asia/Shanghai.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// The first hour, 0 to 23.
    pub from: u8,
    /// The hour at which it is over, 1 to 24, after the first.
    pub to: u8,
}

impl Hours {
    /// When they begin again; `None` while they last.
    #[must_use]
    pub const fn opens(self, Seconds(now): Seconds) -> Option<Seconds> {
        let midnight = now - (now + SHANGHAI_OFFSET_SECONDS).rem_euclid(DAY);
        let (from, to) = (midnight + self.from as i64 * HOUR, midnight + self.to as i64 * HOUR);
        if now < from {
            Some(Seconds(from))
        } else if now < to {
            None
        } else {
            Some(Seconds(from + DAY))
        }
    }
}

impl fmt::Display for Hours {
    /// `00:00 to 02:00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:00 to {:02}:00", self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::time::{format_wall_time, parse_wall_time};

    #[test]
    fn hours_open_at_their_first_second_and_close_before_their_last() {
        let opens = |hours: Hours, now: &str| hours.opens(parse_wall_time(now).unwrap()).map(format_wall_time);
        let night = Hours { from: 0, to: 2 };
        for (now, at) in [
            ("2025-11-24 00:00:00", None),
            ("2025-11-24 01:59:59", None),
            ("2025-11-24 02:00:00", Some("2025-11-25 00:00:00")),
            ("2025-11-24 07:59:59", Some("2025-11-25 00:00:00")),
            ("2025-12-31 23:59:59", Some("2026-01-01 00:00:00")),
        ] {
            assert_eq!(opens(night, now).as_deref(), at, "{now}");
        }
        let evening = Hours { from: 22, to: 24 };
        assert_eq!(opens(evening, "2025-11-24 21:00:00").as_deref(), Some("2025-11-24 22:00:00"));
        assert_eq!(opens(evening, "2025-11-24 23:59:59"), None);
        assert_eq!(opens(evening, "2025-11-25 00:00:00").as_deref(), Some("2025-11-25 22:00:00"));
        assert_eq!(
            (night.to_string(), evening.to_string()),
            ("00:00 to 02:00".to_owned(), "22:00 to 24:00".to_owned())
        );
    }
}
