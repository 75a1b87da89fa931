//! JSON text as PHP would write it; faster and more wilful about escapes than a serializer.

use std::fmt::Write as _;

use crate::form::Escapes;

/// A JSON string.
pub(crate) fn text(text: &str, escapes: Escapes) -> String {
    let mut out = String::new();
    push_text(&mut out, text, escapes);
    out
}

/// Appends a JSON string.
pub(crate) fn push_text(out: &mut String, text: &str, escapes: Escapes) {
    out.push('"');
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'/') || byte == b' ';
    if text.bytes().all(plain) {
        out.push_str(text);
    } else {
        text.chars().for_each(|letter| push_letter(out, letter, escapes));
    }
    out.push('"');
}

/// Appends ten-thousandths as a number with four places.
pub(crate) fn push_decimal(out: &mut String, ten_thousandths: i64) {
    if ten_thousandths < 0 {
        out.push('-');
    }
    let size = ten_thousandths.unsigned_abs();
    push(out, format_args!("{}.{:04}", size / 10_000, size % 10_000));
}

/// Appends ten-thousandths as a number with as many places as it needs.
pub(crate) fn push_short_decimal(out: &mut String, ten_thousandths: i64) {
    push_decimal(out, ten_thousandths);
    let kept = out.trim_end_matches('0').trim_end_matches('.').len();
    out.truncate(kept);
}

/// Appends formatted text.
pub(crate) fn push(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // writing to a String cannot fail
    let _ = out.write_fmt(arguments);
}

fn push_letter(out: &mut String, letter: char, escapes: Escapes) {
    match letter {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\t' => out.push_str("\\t"),
        '/' if escapes == Escapes::Ascii => out.push_str("\\/"),
        control if u32::from(control) < 0x20 => push(out, format_args!("\\u{:04x}", u32::from(control))),
        other if !other.is_ascii() && escapes == Escapes::Ascii => {
            let mut units = [0; 2];
            other.encode_utf16(&mut units).iter().for_each(|unit| push(out, format_args!("\\u{unit:04x}")));
        }
        other => out.push(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_mean_the_same_text() {
        let text = "库存/\"T恤\"\\\n\t\u{1}🔥";
        for escapes in [Escapes::Ascii, Escapes::Utf8] {
            let mut out = String::new();
            push_text(&mut out, text, escapes);
            assert_eq!(serde_json::from_str::<String>(&out).ok().as_deref(), Some(text), "{out}");
            assert_eq!(out.is_ascii(), escapes == Escapes::Ascii);
        }
    }

    #[test]
    fn short_decimals_drop_zeros_behind_the_point_only() {
        for (number, text) in [(0, "0"), (2_000_000, "200"), (-5_000, "-0.5"), (101_000, "10.1")] {
            let mut out = String::new();
            push_short_decimal(&mut out, number);
            assert_eq!(out, text);
        }
    }

    #[test]
    fn ascii_is_spelt_as_php_does() {
        let mut out = String::new();
        push_text(&mut out, "a/仓🔥", Escapes::Ascii);
        assert_eq!(out, r#""a\/\u4ed3\ud83d\udd25""#);
    }

    #[test]
    fn decimals_have_four_places_and_keep_their_sign() {
        for (number, text) in [(0, "0.0000"), (-1, "-0.0001"), (1_234_567_890_123_456_789, "123456789012345.6789")] {
            let mut out = String::new();
            push_decimal(&mut out, number);
            assert_eq!(out, text);
        }
    }
}
