//! Instants as people write them: Asia/Shanghai wall time, with milliseconds where they count.

use wdt_models::time::{Millis, Seconds, format_wall_time, parse_wall_time};

/// `YYYY-MM-DD HH:MM:SS.mmm` in Asia/Shanghai of an instant.
#[must_use]
pub fn shown_moment(moment: Millis) -> String {
    format!("{}.{:03}", format_wall_time(moment.floor_seconds()), moment.0.rem_euclid(1000))
}

/// The instant of `YYYY-MM-DD HH:MM:SS.mmm` in Asia/Shanghai; `None` unless the text is exactly that.
#[must_use]
pub fn parse_moment(text: &str) -> Option<Millis> {
    let (seconds, millis) = text.split_once('.')?;
    let digits = millis.len() == 3 && millis.bytes().all(|byte| byte.is_ascii_digit());
    Some(parse_wall_time(seconds)?.millis() + millis.parse::<i64>().ok().filter(|_| digits)?)
}

pub(super) mod second {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use super::{Seconds, format_wall_time, parse_wall_time};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a field so")]
    pub(crate) fn serialize<S: Serializer>(moment: &Seconds, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_wall_time(*moment))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Seconds, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_wall_time(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is not YYYY-MM-DD HH:MM:SS")))
    }
}

pub(super) mod millisecond {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use super::{Millis, parse_moment, shown_moment};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a field so")]
    pub(crate) fn serialize<S: Serializer>(moment: &Millis, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&shown_moment(*moment))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Millis, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_moment(&text).ok_or_else(|| D::Error::custom(format!("`{text}` is not YYYY-MM-DD HH:MM:SS.mmm")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_wall_time_with_milliseconds() {
        assert_eq!(shown_moment(Millis(1)), "1970-01-01 08:00:00.001");
        assert_eq!(shown_moment(Millis(-1)), "1970-01-01 07:59:59.999");
        for moment in [0, 1, -1, 1_780_000_000_123].map(Millis) {
            assert_eq!(parse_moment(&shown_moment(moment)), Some(moment));
        }
        for text in ["", "1970-01-01 08:00:00", "1970-01-01 08:00:00.1", "1970-01-01 08:00:00.+12"] {
            assert_eq!(parse_moment(text), None, "{text}");
        }
    }
}
