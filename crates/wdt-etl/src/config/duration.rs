//! Lengths of time and shares as the configuration writes them: `30s`, `5m`, `2h`, `1d`; `1%`.

/// Longest duration that is read, in seconds: 100 years, so that no sum with an instant overflows.
const LONGEST: i64 = 36_525 * 86_400;

/// Seconds of `30s`, `5m`, `2h` or `1d`; `None` for any other text.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let number = &text[..text.len() - 1];
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number.parse::<i64>().ok()?.checked_mul(unit).filter(|seconds| *seconds <= LONGEST)
}

/// The share, 0 to 1, of `1%` or `0.5%`; `None` for any other text.
pub(super) fn parse_percent(text: &str) -> Option<f64> {
    let number = text.strip_suffix('%')?;
    if !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    number.parse::<f64>().ok().map(|percent| percent / 100.0).filter(|share| (0.0..=1.0).contains(share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit_are_read() {
        let read: Vec<_> = ["30s", "5m", "2h", "1d", "0s"].into_iter().map(parse).collect();
        assert_eq!(read, [Some(30), Some(300), Some(7_200), Some(86_400), Some(0)]);
    }

    #[test]
    fn other_texts_are_no_durations() {
        for text in ["", "5", "m", "5 m", "-5m", "+5m", "5min", "1.5h", "٥m", "5é", "99999999999999999d", "36526d"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn percents_are_shares() {
        assert_eq!(parse_percent("1%"), Some(0.01));
        assert_eq!(parse_percent("0.5%"), Some(0.005));
        for text in ["1", "%", "1 %", "101%", "-1%", "nan%", "1e1%", "1.2.3%"] {
            assert_eq!(parse_percent(text), None, "{text}");
        }
    }
}
