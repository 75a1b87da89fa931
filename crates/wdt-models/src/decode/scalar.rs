//! One cell: its JSON text into a typed value, exactly or not at all.
//!
//! Numbers are read from their own text, sent as a JSON number or as a string, and never pass through a float. Blanks
//! around a number or a time are not trimmed: no answer with such blanks is known, so they are refused rather than
//! guessed at.

use crate::time::{Seconds, parse_wall_time};
use crate::{DECIMAL_PRECISION, DECIMAL_SCALE};

/// Why a cell cannot be typed.
pub(super) type Reason = &'static str;

const NOT_A_NUMBER: Reason = "not a number";
const NOT_A_TIME: Reason = "not a time";
const NOT_UNICODE: Reason = "not Unicode text";
const PLACES: u32 = DECIMAL_SCALE.unsigned_abs() as u32;
const DECIMAL_LIMIT: i128 = 10i128.pow(DECIMAL_PRECISION as u32);

/// The value of a cell as it is on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire<'a> {
    Null,
    Boolean(bool),
    Number(&'a str),
    Text(&'a str),
    /// A list or an object.
    Nested,
}

impl<'a> Wire<'a> {
    /// Tells the value's JSON type; an escaped string is written out into `scratch`.
    pub(super) fn read(json: &'a str, scratch: &'a mut String) -> Result<Self, Reason> {
        match json.as_bytes().first() {
            Some(b'"') => {
                let inner = json.get(1..json.len() - 1).unwrap_or_default();
                if !inner.as_bytes().contains(&b'\\') {
                    return Ok(Self::Text(inner));
                }
                scratch.clear();
                unescape(inner, scratch).ok_or(NOT_UNICODE)?;
                Ok(Self::Text(scratch))
            }
            Some(b'n') => Ok(Self::Null),
            Some(b't') => Ok(Self::Boolean(true)),
            Some(b'f') => Ok(Self::Boolean(false)),
            Some(b'{' | b'[') => Ok(Self::Nested),
            _ => Ok(Self::Number(json)),
        }
    }

    /// A 64-bit integer; a fraction of zeros is dropped.
    pub(super) fn int(self) -> Result<Option<i64>, Reason> {
        match self {
            Self::Null | Self::Text("") => Ok(None),
            Self::Number(text) | Self::Text(text) => int(text).map(Some),
            Self::Boolean(_) | Self::Nested => Err(NOT_A_NUMBER),
        }
    }

    /// A `decimal(19,4)` in ten-thousandths; zeros beyond the fourth place are dropped.
    pub(super) fn decimal(self) -> Result<Option<i128>, Reason> {
        match self {
            Self::Null | Self::Text("") => Ok(None),
            Self::Number(text) | Self::Text(text) => decimal(text).map(Some),
            Self::Boolean(_) | Self::Nested => Err(NOT_A_NUMBER),
        }
    }

    /// Microseconds since the epoch: text is Asia/Shanghai wall time (a date alone is its midnight), a JSON number is
    /// epoch milliseconds.
    pub(super) fn timestamp(self) -> Result<Option<i64>, Reason> {
        let micros = match self {
            Self::Null | Self::Text("" | "0000-00-00 00:00:00" | "0000-00-00") => return Ok(None),
            Self::Text(text) => wall_time(text).and_then(|seconds| seconds.0.checked_mul(1_000_000)),
            Self::Number(text) => int(text).ok().and_then(|millis| millis.checked_mul(1_000)),
            Self::Boolean(_) | Self::Nested => None,
        };
        micros.map(Some).ok_or(NOT_A_TIME)
    }

    /// True or false, as JSON's own, 1 and 0, or "1" and "0".
    pub(super) fn boolean(self) -> Result<Option<bool>, Reason> {
        match self {
            Self::Null | Self::Text("") => Ok(None),
            Self::Boolean(value) => Ok(Some(value)),
            Self::Number("1") | Self::Text("1") => Ok(Some(true)),
            Self::Number("0") | Self::Text("0") => Ok(Some(false)),
            _ => Err("not true or false"),
        }
    }

    /// Text byte for byte; a number or a boolean keeps its JSON text.
    pub(super) fn text(self) -> Result<Option<&'a str>, Reason> {
        match self {
            Self::Null => Ok(None),
            Self::Text(text) | Self::Number(text) => Ok(Some(text)),
            Self::Boolean(value) => Ok(Some(if value { "true" } else { "false" })),
            Self::Nested => Err("not text"),
        }
    }
}

fn wall_time(text: &str) -> Option<Seconds> {
    if text.len() == "0000-00-00".len() {
        return parse_wall_time(&format!("{text} 00:00:00"));
    }
    parse_wall_time(text)
}

fn int(text: &str) -> Result<i64, Reason> {
    match plain(text) {
        Some((digits, 0)) => Ok(digits),
        _ => i64::try_from(exact(text, 0, "not a whole number", "outside 64 bits")?).map_err(|_| "outside 64 bits"),
    }
}

fn decimal(text: &str) -> Result<i128, Reason> {
    const TOO_LONG: Reason = "more than 15 digits before the point";
    let value = match plain(text) {
        Some((digits, places)) if places <= PLACES => i128::from(digits) * 10i128.pow(PLACES - places),
        _ => exact(text, PLACES, "more than 4 places", TOO_LONG)?,
    };
    if value.abs() < DECIMAL_LIMIT { Ok(value) } else { Err(TOO_LONG) }
}

/// The usual case, fast: at most 18 digits without an exponent, as digits and the number of places.
fn plain(text: &str) -> Option<(i64, u32)> {
    let bytes = text.as_bytes();
    let unsigned = bytes.strip_prefix(b"-").unwrap_or(bytes);
    if unsigned.len() > 18 || !unsigned.first()?.is_ascii_digit() || !unsigned.last()?.is_ascii_digit() {
        return None;
    }
    let (mut digits, mut point) = (0i64, None);
    for (position, &byte) in unsigned.iter().enumerate() {
        match byte {
            b'0'..=b'9' => digits = digits * 10 + i64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(position),
            _ => return None,
        }
    }
    let places = point.map_or(0, |point| unsigned.len() - point - 1);
    Some((if unsigned.len() < bytes.len() { -digits } else { digits }, u32::try_from(places).ok()?))
}

/// Any number in JSON's notation, leading zeros allowed, times `10^places`; exact or refused.
fn exact(text: &str, places: u32, finer: Reason, larger: Reason) -> Result<i128, Reason> {
    let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent_value(exponent).ok_or(NOT_A_NUMBER)?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((_, "")) => return Err(NOT_A_NUMBER),
        Some(parts) => parts,
        None => (mantissa, ""),
    };
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return Err(NOT_A_NUMBER);
    }
    let fraction = fraction.trim_end_matches('0');
    let digits = whole.bytes().chain(fraction.bytes()).map(|byte| i128::from(byte - b'0'));
    let Some(digits) = digits.into_iter().try_fold(0i128, |sum, digit| sum.checked_mul(10)?.checked_add(digit)) else {
        return Err(if whole.trim_start_matches('0').len() > fraction.len() { larger } else { finer });
    };
    if digits == 0 {
        return Ok(0);
    }
    let shift = i64::from(places) + exponent - i64::try_from(fraction.len()).unwrap_or(i64::MAX);
    let power = u32::try_from(shift.unsigned_abs()).ok().and_then(|shift| 10i128.checked_pow(shift));
    let value = match power {
        Some(power) if shift >= 0 => digits.checked_mul(power).ok_or(larger)?,
        Some(power) if digits % power == 0 => digits / power,
        None if shift >= 0 => return Err(larger),
        _ => return Err(finer),
    };
    Ok(if negative { -value } else { value })
}

/// An exponent's value; one far out of any range is cut to a million, which is as far out.
fn exponent_value(text: &str) -> Option<i64> {
    const FAR: i64 = 1_000_000;
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() {
        return None;
    }
    let value = digits
        .bytes()
        .try_fold(0i64, |sum, byte| byte.is_ascii_digit().then(|| (sum * 10 + i64::from(byte - b'0')).min(FAR)))?;
    Some(if text.starts_with('-') { -value } else { value })
}

/// Writes the text of a JSON string's inside; `None` when an escape is not a Unicode character.
fn unescape(mut inner: &str, into: &mut String) -> Option<()> {
    while let Some((before, escape)) = inner.split_once('\\') {
        into.push_str(before);
        let (kind, mut rest) = (escape.chars().next()?, escape.get(1..)?);
        into.push(match kind {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => unicode_escape(&mut rest)?,
            other => other,
        });
        inner = rest;
    }
    into.push_str(inner);
    Some(())
}

/// The character of one `\uXXXX`, or of a pair of them; `rest` begins behind the first `\u` and ends behind the last.
fn unicode_escape(rest: &mut &str) -> Option<char> {
    let first = unicode_unit(rest)?;
    if !(0xD800..0xDC00).contains(&first) {
        return char::from_u32(first.into());
    }
    *rest = rest.strip_prefix("\\u")?;
    let second = unicode_unit(rest)?;
    char::decode_utf16([first, second]).next()?.ok()
}

fn unicode_unit(rest: &mut &str) -> Option<u16> {
    let unit = u16::from_str_radix(rest.get(..4)?, 16).ok()?;
    *rest = rest.get(4..)?;
    Some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(json: &str, check: impl Fn(Wire<'_>)) {
        check(Wire::read(json, &mut String::new()).unwrap_or(Wire::Nested));
    }

    #[test]
    fn decimals_are_exact_or_refused() {
        for (json, expected) in [
            (r#""55.0000""#, Ok(Some(550_000))),
            ("55", Ok(Some(550_000))),
            ("-0.5", Ok(Some(-5_000))),
            (r#""-0.0000""#, Ok(Some(0))),
            ("1e3", Ok(Some(10_000_000))),
            ("15000E-4", Ok(Some(15_000))),
            ("0e999999999999", Ok(Some(0))),
            (r#""1.50000000000000000000000000000000000000000000""#, Ok(Some(15_000))),
            (r#""007""#, Ok(Some(70_000))),
            ("0.1", Ok(Some(1_000))),
            (r#""999999999999999.9999""#, Ok(Some(9_999_999_999_999_999_999))),
            ("-999999999999999.9999", Ok(Some(-9_999_999_999_999_999_999))),
            (r#""""#, Ok(None)),
            ("null", Ok(None)),
            ("1000000000000000", Err("more than 15 digits before the point")),
            ("1e999999999999", Err("more than 15 digits before the point")),
            ("1e-5", Err("more than 4 places")),
            (r#""0.00001""#, Err("more than 4 places")),
            ("0.1234567890123456789012345678901234567890123", Err("more than 4 places")),
            (r#"" 1""#, Err(NOT_A_NUMBER)),
            (r#""1 ""#, Err(NOT_A_NUMBER)),
            (r#""+1""#, Err(NOT_A_NUMBER)),
            (r#"".5""#, Err(NOT_A_NUMBER)),
            (r#""5.""#, Err(NOT_A_NUMBER)),
            (r#""-""#, Err(NOT_A_NUMBER)),
            (r#""1,000""#, Err(NOT_A_NUMBER)),
            (r#""1e""#, Err(NOT_A_NUMBER)),
            (r#""NaN""#, Err(NOT_A_NUMBER)),
            (r#""１""#, Err(NOT_A_NUMBER)),
            ("true", Err(NOT_A_NUMBER)),
            ("[]", Err(NOT_A_NUMBER)),
        ] {
            wire(json, |wire| assert_eq!(wire.decimal(), expected, "{json}"));
        }
    }

    #[test]
    fn integers_are_whole_and_of_64_bits() {
        for (json, expected) in [
            (r#""21453""#, Ok(Some(21_453))),
            ("21453", Ok(Some(21_453))),
            ("7.0", Ok(Some(7))),
            (r#""7.00""#, Ok(Some(7))),
            ("7e2", Ok(Some(700))),
            ("-1", Ok(Some(-1))),
            ("9223372036854775807", Ok(Some(i64::MAX))),
            ("-9223372036854775808", Ok(Some(i64::MIN))),
            (r#""""#, Ok(None)),
            ("7.5", Err("not a whole number")),
            (r#""7.5""#, Err("not a whole number")),
            ("9223372036854775808", Err("outside 64 bits")),
            ("99999999999999999999999999999999999999999999", Err("outside 64 bits")),
            (r#""seven""#, Err(NOT_A_NUMBER)),
        ] {
            wire(json, |wire| assert_eq!(wire.int(), expected, "{json}"));
        }
    }

    #[test]
    fn times_are_wall_time_as_text_and_milliseconds_as_number() {
        for (json, expected) in [
            (r#""1970-01-01 08:00:01""#, Ok(Some(1_000_000))),
            (r#""1970-01-02""#, Ok(Some(16 * 3_600_000_000))),
            ("1500", Ok(Some(1_500_000))),
            (r#""0000-00-00 00:00:00""#, Ok(None)),
            (r#""0000-00-00""#, Ok(None)),
            (r#""""#, Ok(None)),
            ("null", Ok(None)),
            (r#""1500""#, Err(NOT_A_TIME)),
            (r#""2019-02-29 00:00:00""#, Err(NOT_A_TIME)),
            ("1500.5", Err(NOT_A_TIME)),
            ("9223372036854775807", Err(NOT_A_TIME)),
            ("false", Err(NOT_A_TIME)),
        ] {
            wire(json, |wire| assert_eq!(wire.timestamp(), expected, "{json}"));
        }
    }

    #[test]
    fn booleans_are_json_s_own_or_one_and_zero() {
        for (json, expected) in [
            ("true", Ok(Some(true))),
            ("1", Ok(Some(true))),
            (r#""1""#, Ok(Some(true))),
            ("false", Ok(Some(false))),
            ("0", Ok(Some(false))),
            (r#""0""#, Ok(Some(false))),
            (r#""""#, Ok(None)),
            ("2", Err("not true or false")),
            (r#""yes""#, Err("not true or false")),
        ] {
            wire(json, |wire| assert_eq!(wire.boolean(), expected, "{json}"));
        }
    }

    #[test]
    fn text_is_kept_and_numbers_keep_their_own_text() {
        for (json, expected) in [
            (r#""""#, Ok(Some(""))),
            (r#"" 007 ""#, Ok(Some(" 007 "))),
            (r#""\u65fa\u5e97\/\n\"\\\u0041""#, Ok(Some("旺店/\n\"\\A"))),
            (r#""\ud83d\udce6x""#, Ok(Some("📦x"))),
            ("1.50", Ok(Some("1.50"))),
            ("1e2", Ok(Some("1e2"))),
            ("true", Ok(Some("true"))),
            ("null", Ok(None)),
            ("{}", Err("not text")),
        ] {
            wire(json, |wire| assert_eq!(wire.text(), expected, "{json}"));
        }
    }

    #[test]
    fn halves_of_a_surrogate_pair_are_refused() {
        for json in [r#""\ud83d""#, r#""\ud83dx""#, r#""\udce6""#, r#""\ud83d\u0041""#, r#""\ud83ddce6""#] {
            assert_eq!(Wire::read(json, &mut String::new()), Err(NOT_UNICODE), "{json}");
        }
    }
}
