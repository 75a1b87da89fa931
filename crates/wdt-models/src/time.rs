//! Asia/Shanghai wall time and instants.
//!
//! The platforms speak `YYYY-MM-DD HH:MM:SS` in Asia/Shanghai. That zone is read as a fixed +08:00: China keeps no
//! summer time since 1991, before any row these platforms hold.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

/// Seconds that Asia/Shanghai is ahead of UTC.
pub const SHANGHAI_OFFSET_SECONDS: i64 = 8 * 3600;
const WALL_TIME: &str = "%Y-%m-%d %H:%M:%S";

/// Epoch seconds of `YYYY-MM-DD HH:MM:SS` in Asia/Shanghai; `None` unless the text is exactly that and a real time.
#[must_use]
pub fn parse_wall_time(text: &str) -> Option<i64> {
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
    Some(time.and_utc().timestamp() - SHANGHAI_OFFSET_SECONDS)
}

/// `YYYY-MM-DD HH:MM:SS` in Asia/Shanghai of an instant in epoch seconds.
#[must_use]
pub fn format_wall_time(epoch_seconds: i64) -> String {
    shanghai(epoch_seconds).format(WALL_TIME).to_string()
}

/// Days since 1970-01-01 of the Asia/Shanghai date that holds the instant, as Arrow's `Date32` counts them.
#[must_use]
pub fn shanghai_days(epoch_seconds: i64) -> i32 {
    let days = (epoch_seconds + SHANGHAI_OFFSET_SECONDS).div_euclid(86_400);
    i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX })
}

fn shanghai(epoch_seconds: i64) -> NaiveDateTime {
    DateTime::from_timestamp(epoch_seconds.saturating_add(SHANGHAI_OFFSET_SECONDS), 0).unwrap_or_default().naive_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_is_eight_hours_ahead_of_utc() {
        assert_eq!(parse_wall_time("1970-01-01 08:00:00"), Some(0));
        assert_eq!(format_wall_time(0), "1970-01-01 08:00:00");
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
