//! Literals of a condition, read without loss.

use wdt_models::DECIMAL_SCALE;
use wdt_models::time::{Micros, parse_wall_time};

/// A value that a condition names.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::commands::export) enum Literal {
    Null,
    Boolean(bool),
    Text(String),
    Time(Micros),
    /// A number as units of the fourth place, rounded down; not exact when it has more places than that.
    Number {
        units: i128,
        exact: bool,
    },
}

/// A number of plain digits, with at most one point; a number outside the range of a column stays outside it.
pub(super) fn number(text: &str, negative: bool) -> Option<Literal> {
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() && places.is_empty() {
        return None;
    }
    let kept = usize::from(DECIMAL_SCALE.unsigned_abs());
    let (near, far) = places.split_at_checked(kept).unwrap_or((places, ""));
    if !far.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let exact = far.bytes().all(|byte| byte == b'0');
    let digits = whole.chars().chain(near.chars()).chain(std::iter::repeat_n('0', kept - near.len()));
    let units = digits
        .map(|digit| digit.to_digit(10))
        .try_fold(0_i128, |units, digit| Some(units.saturating_mul(10).saturating_add(i128::from(digit?))))?;
    // rounded down also below zero
    let units = if negative { -units - i128::from(!exact) } else { units };
    Some(Literal::Number { units, exact })
}

/// `YYYY-MM-DD`, `YYYY-MM-DD HH:MM:SS` or the same with a fraction of up to six places, in Asia/Shanghai.
pub(super) fn time(text: &str) -> Option<Micros> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let seconds = match seconds.len() {
        10 => parse_wall_time(&format!("{seconds} 00:00:00"))?,
        _ => parse_wall_time(seconds)?,
    };
    if fraction.is_empty() || fraction.len() > 6 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let micros: i64 = format!("{fraction:0<6}").parse().ok()?;
    seconds.0.checked_mul(1_000_000)?.checked_add(micros).map(Micros)
}
