//! Instants, one type for each unit they are counted in, and Asia/Shanghai wall time.
//!
//! All three types count from 1970-01-01 00:00:00 UTC and are a bare number in JSON. Lengths of time are not instants:
//! they are numbers whose names say the unit.
//!
//! The platforms speak `YYYY-MM-DD HH:MM:SS` in Asia/Shanghai. That zone is read as a fixed +08:00: China keeps no
//! summer time since 1991, before any row these platforms hold.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use chrono::{DateTime, NaiveDate, NaiveDateTime};
use serde::{Deserialize, Serialize};

/// Seconds that Asia/Shanghai is ahead of UTC.
pub const SHANGHAI_OFFSET_SECONDS: i64 = 8 * 3600;
/// Seconds that a platform's clock, known from a header of whole seconds, may seem behind what it is.
pub const CLOCK_RESOLUTION_SECONDS: i64 = 1;
const WALL_TIME: &str = "%Y-%m-%d %H:%M:%S";

/// An instant in whole seconds since 1970-01-01 00:00:00 UTC.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(pub i64);

/// An instant in whole milliseconds since 1970-01-01 00:00:00 UTC.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub i64);

/// An instant in whole microseconds since 1970-01-01 00:00:00 UTC, as Arrow's timestamps count them.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(pub i64);

impl Seconds {
    /// Before every other instant.
    pub const MIN: Self = Self(i64::MIN);
    /// After every other instant.
    pub const MAX: Self = Self(i64::MAX);

    /// Its first millisecond, or the last one that the type has.
    #[must_use]
    pub const fn millis(self) -> Millis {
        Millis(self.0.saturating_mul(1000))
    }

    /// Its first microsecond, or the last one that the type has.
    #[must_use]
    pub const fn micros(self) -> Micros {
        Micros(self.0.saturating_mul(1_000_000))
    }

    /// So many seconds later, or the last instant that the type has.
    #[must_use]
    pub const fn saturating_add(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

impl Millis {
    /// The second that holds it.
    #[must_use]
    pub const fn floor_seconds(self) -> Seconds {
        Seconds(self.0.div_euclid(1000))
    }

    /// Its first microsecond, or the last one that the type has.
    #[must_use]
    pub const fn micros(self) -> Micros {
        Micros(self.0.saturating_mul(1000))
    }

    /// So many milliseconds later, or the last instant that the type has.
    #[must_use]
    pub const fn saturating_add(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

impl Micros {
    /// The second that holds it.
    #[must_use]
    pub const fn floor_seconds(self) -> Seconds {
        Seconds(self.0.div_euclid(1_000_000))
    }
}

/// Prints the plain number, and moves an instant by a length in its own unit.
macro_rules! instant {
    ($($unit:ident)*) => {$(
        impl fmt::Display for $unit {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $unit {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl Add<i64> for $unit {
            type Output = Self;

            fn add(self, length: i64) -> Self {
                Self(self.0 + length)
            }
        }

        impl AddAssign<i64> for $unit {
            fn add_assign(&mut self, length: i64) {
                self.0 += length;
            }
        }

        impl Sub<i64> for $unit {
            type Output = Self;

            fn sub(self, length: i64) -> Self {
                Self(self.0 - length)
            }
        }

        impl Sub for $unit {
            type Output = i64;

            fn sub(self, earlier: Self) -> i64 {
                self.0 - earlier.0
            }
        }
    )*};
}

instant!(Seconds Millis Micros);

/// The instant of `YYYY-MM-DD HH:MM:SS` in Asia/Shanghai; `None` unless the text is exactly that and a real time.
#[must_use]
pub fn parse_wall_time(text: &str) -> Option<Seconds> {
    let bytes = text.as_bytes();
    if bytes.len() != 19
        || bytes[4] != b'-'
        || bytes[7] != b'-'
        || bytes[10] != b' '
        || bytes[13] != b':'
        || bytes[16] != b':'
    {
        return None;
    }
    let number = |range: std::ops::Range<usize>| {
        bytes[range]
            .iter()
            .try_fold(0u32, |sum, &byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0')))
    };
    let date = NaiveDate::from_ymd_opt(i32::try_from(number(0..4)?).ok()?, number(5..7)?, number(8..10)?)?;
    let time = date.and_hms_opt(number(11..13)?, number(14..16)?, number(17..19)?)?;
    Some(Seconds(time.and_utc().timestamp() - SHANGHAI_OFFSET_SECONDS))
}

/// `YYYY-MM-DD HH:MM:SS` in Asia/Shanghai of an instant.
#[must_use]
pub fn format_wall_time(instant: Seconds) -> String {
    shanghai(instant).format(WALL_TIME).to_string()
}

/// Days since 1970-01-01 of the Asia/Shanghai date that holds the instant, as Arrow's `Date32` counts them.
#[must_use]
pub fn shanghai_days(instant: Seconds) -> i32 {
    let days = (instant.0 + SHANGHAI_OFFSET_SECONDS).div_euclid(86_400);
    i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX })
}

fn shanghai(instant: Seconds) -> NaiveDateTime {
    DateTime::from_timestamp(instant.0.saturating_add(SHANGHAI_OFFSET_SECONDS), 0).unwrap_or_default().naive_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_is_eight_hours_ahead_of_utc() {
        assert_eq!(parse_wall_time("1970-01-01 08:00:00"), Some(Seconds(0)));
        assert_eq!(format_wall_time(Seconds(0)), "1970-01-01 08:00:00");
    }

    #[test]
    fn an_instant_before_the_epoch_is_held_by_the_second_before_it() {
        for (millis, seconds) in [(-1001, -2), (-1000, -1), (-1, -1), (0, 0), (999, 0), (1000, 1)] {
            assert_eq!(Millis(millis).floor_seconds(), Seconds(seconds), "{millis} ms");
            assert_eq!(Millis(millis).micros().floor_seconds(), Seconds(seconds), "{millis} ms");
        }
        assert_eq!((Micros(-1).floor_seconds(), Micros(-1_000_001).floor_seconds()), (Seconds(-1), Seconds(-2)));
    }

    #[test]
    fn a_finer_unit_begins_where_the_coarser_one_does() {
        for seconds in [Seconds(-2), Seconds(0), Seconds(1_763_996_400)] {
            assert_eq!((seconds.millis().floor_seconds(), seconds.micros().floor_seconds()), (seconds, seconds));
            assert_eq!(seconds.millis().micros(), seconds.micros());
        }
        assert_eq!((Seconds(-2).millis(), Seconds(-2).micros()), (Millis(-2000), Micros(-2_000_000)));
    }

    #[test]
    fn instants_move_by_lengths_of_their_own_unit_and_differ_by_one() {
        let mut now = Seconds(10) + 5 - 20;
        now += 1;
        assert_eq!((now, now - Seconds(10)), (Seconds(-4), -14));
        assert_eq!(
            (Seconds::MAX.saturating_add(1), Millis(i64::MAX).saturating_add(1)),
            (Seconds::MAX, Millis(i64::MAX))
        );
    }

    #[test]
    fn an_instant_is_a_plain_number_in_json_and_in_text() {
        assert_eq!(serde_json::to_string(&(Seconds(-1), Millis(2), Micros(3))).unwrap_or_default(), "[-1,2,3]");
        assert_eq!(serde_json::from_str::<Millis>("-7").ok(), Some(Millis(-7)));
        assert_eq!(format!("{} {:?} {:>3}", Seconds(-1), Some(Micros(3)), Millis(2)), "-1 Some(3)   2");
    }

    #[test]
    fn only_exact_real_times_are_read() {
        for text in [
            "",
            "2024-02-30 00:00:00",
            "2024-01-01 24:00:00",
            "2024-1-01 00:00:00",
            "2024-01-01T00:00:00",
            "2024-01-01 00:00:0x",
            "0000-00-00 00:00:00",
        ] {
            assert_eq!(parse_wall_time(text), None, "{text}");
        }
    }

    #[test]
    fn the_date_turns_at_shanghai_midnight() {
        let midnight = parse_wall_time("2024-05-01 00:00:00").unwrap_or_default();
        assert_eq!(shanghai_days(midnight) - shanghai_days(midnight - 1), 1);
    }
}
