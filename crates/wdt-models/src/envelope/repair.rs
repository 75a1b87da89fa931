//! The one repair that is made to an answer: control characters that a platform forgot to escape.

/// The answer with the raw control characters inside its strings escaped; `None` when there are none.
///
/// For the gateway that is known to send tabs and line breaks so, and only where an answer is not valid otherwise.
#[must_use]
pub fn repaired(body: &[u8]) -> Option<Vec<u8>> {
    let mut repaired = Vec::with_capacity(body.len() + 16);
    let (mut inside, mut escaped) = (false, false);
    for &byte in body {
        if inside && !escaped && byte < b' ' {
            repaired.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
            continue;
        }
        inside ^= byte == b'"' && !escaped;
        escaped = inside && byte == b'\\' && !escaped;
        repaired.push(byte);
    }
    (repaired.len() > body.len()).then_some(repaired)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_inside_strings_are_escaped() {
        for (body, expected) in [
            ("{\"a\":\"b\tc\n\"}", Some("{\"a\":\"b\\u0009c\\u000a\"}")),
            ("{\n\t\"a\\\"\u{1}\": 1\r\n}", Some("{\n\t\"a\\\"\\u0001\": 1\r\n}")),
            ("{\"a\\\\\":\t\"旺\u{1f}店\"}", Some("{\"a\\\\\":\t\"旺\\u001f店\"}")),
            ("{\n\t\"a\": \"b\\n\"\r\n}", None),
            ("{\"a\\\\\":\t1}", None),
            ("", None),
            // An escaped control character is no JSON either way, and is left to be refused.
            ("\"a\\\n\"", None),
        ] {
            assert_eq!(repaired(body.as_bytes()).as_deref(), expected.map(str::as_bytes), "{body:?}");
        }
    }
}
