//! Bytes of an answer into its records, or the platform's own error.
//!
//! Strict: an answer that is cut, not JSON or of another shape gives no record at all. Records stay raw text here.

mod node;
mod repair;

use std::error::Error;
use std::sync::Arc;

use serde::de::DeserializeSeed as _;
use serde_json::value::RawValue;

use self::node::{Members, Node, Opened};
use crate::error::PlatformError;
use crate::{Endpoint, Gateway, Method, Shape, json};

pub use self::repair::repaired;

/// A successful answer.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// Records that match on all pages together; the platforms promise it on the first page only.
    pub total: Option<u64>,
    /// The page's records, each a JSON object.
    pub records: Vec<&'a RawValue>,
    /// The ids that the platform refuses one by one, each a JSON object that says why.
    pub refused: Vec<&'a RawValue>,
}

/// Why an answer holds no records.
#[derive(Debug, Clone, thiserror::Error)]
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
        /// The error behind it, if there is one, shared so that this one can be cloned.
        source: Option<Arc<dyn Error + Send + Sync>>,
    },
}

/// Reads a page's answer to a call by one of the endpoint's methods.
///
/// The envelope's members are matched exactly; members it does not know are passed over. A missing or null list stands
/// for an empty one, an object in place of a list for its values in order, and an empty total for none.
///
/// # Errors
///
/// [`AnswerError::Platform`] for the platform's own errors, [`AnswerError::Malformed`] for anything else that is not a
/// whole answer of the documented shape.
pub fn read<'a>(endpoint: &Endpoint, method: &Method, body: &'a [u8]) -> Result<Answer<'a>, AnswerError> {
    let shape = &method.shape;
    let root = parse(shape, json_text(body)?)?;
    let root = match endpoint.gateway {
        Gateway::Enterprise => enterprise(root)?,
        Gateway::Flagship => flagship(root, shape)?,
        Gateway::Top => top(root, shape)?,
    };
    let records = records(&root, shape)?;
    let total = total(&root, shape)?.or(empty_without_total(endpoint, &root, &records));
    let refused = first(&root, shape.refused).map_or(Ok(Vec::new()), |(path, node)| list(path, node))?;
    Ok(Answer { total, records, refused })
}

/// The total of an empty list, which some platforms leave out beside an explicit success.
fn empty_without_total(endpoint: &Endpoint, root: &Members<'_>, records: &[&RawValue]) -> Option<u64> {
    let flag = endpoint.gateway.facts().success_without_total?;
    (records.is_empty() && root.raw(flag).is_some()).then_some(0)
}

/// `code` 0 is success.
fn enterprise(root: Members<'_>) -> Result<Members<'_>, AnswerError> {
    match status(&root, "code")? {
        None => Err(malformed("member `code` is missing")),
        Some(code) if code == "0" => Ok(root),
        Some(code) => Err(PlatformError::new(code, text(&root, "message")).into()),
    }
}

/// `status` 0 is success; it may be missing beside a list that is outside `data`, as in one documented example. A
/// text `code` says more.
fn flagship<'a>(root: Members<'a>, shape: &Shape) -> Result<Members<'a>, AnswerError> {
    match status(&root, "status")? {
        None if shape.records.iter().skip(1).chain(shape.refused.iter().skip(1)).any(|path| root.begins(path)) => {
            Ok(root)
        }
        None => Err(malformed("member `status` is missing")),
        Some(code) if code == "0" => Ok(root),
        Some(code) => {
            let sub_code = text(&root, "code");
            Err(PlatformError { sub_code, ..PlatformError::new(code, text(&root, "message")) }.into())
        }
    }
}

/// Two flags: the gateway's `error_response`, and the payload's own `wl_success`, which must not be false.
fn top<'a>(root: Members<'a>, shape: &Shape) -> Result<Members<'a>, AnswerError> {
    let payload = match root.into_wrapped() {
        Ok((name, error)) if name == "error_response" => return Err(top_error(&error).into()),
        Ok((_, payload)) => payload,
        Err(root) => root,
    };
    let there = shape.records.iter().any(|path| payload.begins(path)) || payload.begins(shape.total);
    match payload.raw("wl_success").map(RawValue::get) {
        Some("true" | "\"true\"" | "1" | "\"1\"") => Ok(payload),
        None if there => Ok(payload),
        None => Err(malformed("neither `error_response` nor `wl_success` is there")),
        Some(_) => {
            let code = Some(text(&payload, "wl_error_code")).filter(|code| !code.is_empty());
            let error =
                PlatformError::new(code.unwrap_or_else(|| "wl_success".to_owned()), text(&payload, "wl_error_msg"));
            Err(PlatformError { request_id: text(&payload, "request_id"), ..error }.into())
        }
    }
}

fn top_error(error: &Members<'_>) -> PlatformError {
    let (message, detail) = (text(error, "msg"), text(error, "sub_msg"));
    let between = if message.is_empty() || detail.is_empty() { "" } else { ": " };
    PlatformError {
        code: text(error, "code"),
        sub_code: text(error, "sub_code"),
        message: format!("{message}{between}{detail}").replace("&apos;", "'").replace("&quot;", "\""),
        request_id: text(error, "request_id"),
    }
}

/// The answer as text, from its opening brace on.
fn json_text(body: &[u8]) -> Result<&str, AnswerError> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let Some(start) = body.iter().position(|byte| !b" \t\r\n".contains(byte)) else {
        return Err(malformed("answer is empty"));
    };
    let body = &body[start..];
    if body.starts_with(b"<?xml") || body.starts_with(b"<error_response") || body.starts_with(b"<wlb_") {
        return Err(malformed(format!("answer is XML where JSON was asked for: {}", sample(body))));
    }
    if body[0] != b'{' {
        return Err(malformed(format!("answer is not a JSON object but begins with {}", sample(body))));
    }
    std::str::from_utf8(body).map_err(|error| malformed_by("answer is not UTF-8", error))
}

fn parse<'a>(shape: &Shape, text: &'a str) -> Result<Members<'a>, AnswerError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let root = Opened(shape).deserialize(&mut reader);
    let root = root.and_then(|root| reader.end().map(|()| root));
    match root {
        Ok(Node::Members(root)) => Ok(root),
        Ok(_) => Err(malformed("answer is not a JSON object")),
        Err(error) => {
            let what = if error.is_eof() { "answer is cut" } else { "answer is not valid" };
            Err(malformed_by(format!("{what}: {error}"), error))
        }
    }
}

/// The text of a status that is a number or a text; `None` where there is none.
fn status(root: &Members<'_>, name: &str) -> Result<Option<String>, AnswerError> {
    let Some(raw) = root.raw(name) else { return Ok(None) };
    let text = match raw.get() {
        number if number.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => Some(number.to_owned()),
        _ => json::string(raw).map(std::borrow::Cow::into_owned),
    };
    text.filter(|text| !text.is_empty())
        .map(Some)
        .ok_or_else(|| malformed(format!("member `{name}` is neither a number nor text")))
}

/// A member's text; one that is not text is shown as it is rather than hiding the error it belongs to.
fn text(members: &Members<'_>, name: &str) -> String {
    match members.raw(name).map(|raw| (json::string(raw), raw.get())) {
        Some((Some(text), _)) => text.into_owned(),
        None | Some((None, "null")) => String::new(),
        Some((None, other)) => other.to_owned(),
    }
}

fn records<'a>(root: &Members<'a>, shape: &Shape) -> Result<Vec<&'a RawValue>, AnswerError> {
    let Some((path, node)) = first(root, shape.records) else { return Ok(Vec::new()) };
    let found = match node {
        Node::Raw(record) if shape.single => [*record].into_iter().filter(|record| record.get() != "null").collect(),
        // The vendor's example of refused ids shows an empty object where no record is.
        node => list(path, node)?
            .into_iter()
            .filter(|record| shape.refused.is_empty() || !is_empty(record))
            .collect::<Vec<_>>(),
    };
    let unwrapped = found.into_iter().enumerate().map(|(row, record)| match shape.wrapped_in {
        None => object(path, row, record),
        Some(wrapping) => {
            let inner: Option<Wrapped<'a>> = serde_json::from_str(record.get()).ok();
            let inner = inner.and_then(|inner| inner.into_iter().find(|(name, _)| name == wrapping));
            inner.map_or_else(|| object(path, row, record), |(_, inner)| object(path, row, inner))
        }
    });
    unwrapped.collect()
}

type Wrapped<'a> = std::collections::BTreeMap<String, &'a RawValue>;

fn is_empty(record: &RawValue) -> bool {
    record.get().bytes().all(|byte| b"{} \t\r\n".contains(&byte))
}

fn object<'a>(path: &[&str], row: usize, record: &'a RawValue) -> Result<&'a RawValue, AnswerError> {
    if record.get().starts_with('{') {
        return Ok(record);
    }
    Err(malformed(format!("record {row} of `{}` is not an object", path.join("."))))
}

/// The node at the first of the paths that leads to one.
fn first<'t, 'a>(
    root: &'t Members<'a>,
    paths: &'static [&'static [&'static str]],
) -> Option<(&'static [&'static str], &'t Node<'a>)> {
    paths.iter().find_map(|path| root.at(path).map(|node| (*path, node)))
}

fn list<'a>(path: &[&str], node: &Node<'a>) -> Result<Vec<&'a RawValue>, AnswerError> {
    let items = match node {
        Node::Null => Some(Vec::new()),
        Node::Items(items) => Some(items.clone()),
        Node::Members(members) => members.values(),
        Node::Raw(_) | Node::Scalar => None,
    };
    items.ok_or_else(|| malformed(format!("member `{}` is not a list", path.join("."))))
}

fn total(root: &Members<'_>, shape: &Shape) -> Result<Option<u64>, AnswerError> {
    let Some(Node::Raw(raw)) = root.at(shape.total) else { return Ok(None) };
    let text = raw.get().trim_matches('"');
    if text.is_empty() || raw.get() == "null" {
        return Ok(None);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let total = if digits { text.parse().ok() } else { None };
    let name = shape.total.join(".");
    total.map(Some).ok_or_else(|| malformed(format!("member `{name}` is not a count: {}", sample(text.as_bytes()))))
}

fn malformed(reason: impl Into<String>) -> AnswerError {
    AnswerError::Malformed { reason: reason.into(), source: None }
}

fn malformed_by(reason: impl Into<String>, source: impl Error + Send + Sync + 'static) -> AnswerError {
    AnswerError::Malformed { reason: reason.into(), source: Some(Arc::new(source)) }
}

/// The first characters of an answer, on one line.
fn sample(bytes: &[u8]) -> String {
    const CHARACTERS: usize = 60;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * CHARACTERS)]);
    let text: String = text.chars().take(CHARACTERS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("`{text}`")
}
