//! Bytes of an answer into its records, or the platform's own error.
//!
//! Strict: an answer that is cut, not JSON or of another shape gives no record at all. Records stay raw text here.

use std::fmt;

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::{self, List, Name};
use crate::{Endpoint, PlatformError};

/// A successful answer.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// Records that match on all pages together; the platform promises it on the first page only.
    pub total: Option<u64>,
    /// The page's records, each a JSON object.
    pub records: Vec<&'a RawValue>,
}

/// Why an answer holds no records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The platform answered with an error of its own.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// The bytes are not a whole answer of the documented shape.
    #[error("answer is malformed: {reason}")]
    Malformed {
        /// What is wrong with it; shows at most a short sample of the answer.
        reason: String,
    },
}

/// Reads a page's answer.
///
/// The envelope's members are matched exactly; members it does not know are passed over. A missing or null list stands
/// for an empty one, an object in place of a list for its values in order, and an empty `total_count` for none.
///
/// # Errors
///
/// [`AnswerError::Platform`] for the platform's own errors, [`AnswerError::Malformed`] for anything else that is not a
/// whole answer of the documented shape.
pub fn read<'a>(endpoint: &Endpoint, body: &'a [u8]) -> Result<Answer<'a>, AnswerError> {
    let envelope = parse(endpoint, json_text(body)?)?;
    match envelope.code.map(code_text) {
        None => return Err(malformed("member `code` is missing")),
        Some(None) => return Err(malformed("member `code` is neither a number nor text")),
        Some(Some(code)) if code != "0" => {
            return Err(PlatformError { code, message: envelope.message.map(message_text).unwrap_or_default() }.into());
        }
        Some(Some(_)) => {}
    }
    let records = match envelope.records {
        None => Vec::new(),
        Some(List::Items(records)) => records,
        Some(List::Wrong) => return Err(malformed(format!("member `{}` is not a list", endpoint.records))),
    };
    if let Some(row) = records.iter().position(|record| !record.get().starts_with('{')) {
        return Err(malformed(format!("record {row} of `{}` is not an object", endpoint.records)));
    }
    Ok(Answer { total: envelope.total.map_or(Ok(None), total)?, records })
}

#[derive(Default)]
struct Envelope<'a> {
    code: Option<&'a RawValue>,
    message: Option<&'a RawValue>,
    total: Option<&'a RawValue>,
    records: Option<List<'a>>,
}

/// The answer as text, from its opening brace on.
fn json_text(body: &[u8]) -> Result<&str, AnswerError> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let Some(start) = body.iter().position(|byte| !b" \t\r\n".contains(byte)) else {
        return Err(malformed("answer is empty"));
    };
    if body[start] != b'{' {
        return Err(malformed(format!("answer is not a JSON object but begins with {}", sample(&body[start..]))));
    }
    std::str::from_utf8(&body[start..]).map_err(|_| malformed("answer is not UTF-8"))
}

fn parse<'a>(endpoint: &Endpoint, text: &'a str) -> Result<Envelope<'a>, AnswerError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let envelope = reader.deserialize_map(EnvelopeVisitor { records: endpoint.records });
    let envelope = envelope.and_then(|envelope| reader.end().map(|()| envelope));
    envelope.map_err(|error| {
        let what = if error.is_eof() { "answer is cut" } else { "answer is not valid" };
        malformed(format!("{what}: {error}"))
    })
}

fn code_text(code: &RawValue) -> Option<String> {
    let text = match code.get() {
        number if number.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => number.to_owned(),
        _ => json::string(code)?.into_owned(),
    };
    (!text.is_empty()).then_some(text)
}

/// The message of an error; one that is not text is shown as it stands rather than hiding the error's code.
fn message_text(message: &RawValue) -> String {
    match json::string(message) {
        Some(text) => text.into_owned(),
        None if message.get() == "null" => String::new(),
        None => message.get().to_owned(),
    }
}

fn total(raw: &RawValue) -> Result<Option<u64>, AnswerError> {
    let text = raw.get().trim_matches('"');
    if text.is_empty() || raw.get() == "null" {
        return Ok(None);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let total = if digits { text.parse().ok() } else { None };
    total
        .map(Some)
        .ok_or_else(|| malformed(format!("member `total_count` is not a count: {}", sample(text.as_bytes()))))
}

fn malformed(reason: impl Into<String>) -> AnswerError {
    AnswerError::Malformed { reason: reason.into() }
}

/// The first characters of an answer, on one line.
fn sample(bytes: &[u8]) -> String {
    const CHARACTERS: usize = 60;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * CHARACTERS)]);
    let text: String = text.chars().take(CHARACTERS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("`{text}`")
}

struct EnvelopeVisitor {
    records: &'static str,
}

impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Envelope<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut envelope = Envelope::default();
        while let Some(Name(name)) = map.next_key()? {
            let twice = match name.as_ref() {
                "code" => envelope.code.replace(map.next_value()?).is_some(),
                "message" => envelope.message.replace(map.next_value()?).is_some(),
                "total_count" => envelope.total.replace(map.next_value()?).is_some(),
                name if name == self.records => envelope.records.replace(map.next_value()?).is_some(),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    false
                }
            };
            if twice {
                return Err(Error::custom(format_args!("member `{name}` stands twice")));
            }
        }
        Ok(envelope)
    }
}
