//! The parameters of a call, as received.

const FORM: &str = "application/x-www-form-urlencoded";
/// What the log of calls never shows: signatures, and what travels with a request but is secret.
const SECRET: [&str; 3] = ["sign", "salt", "session"];

/// The parameters of a call, as received.
#[derive(Debug, Default, Clone)]
pub(crate) struct Params(pub(crate) Vec<(String, String)>);

impl Params {
    /// The parameters of a form, in the order received; empty if the body is something else.
    pub(crate) fn form(content_type: Option<&str>, body: &[u8]) -> Self {
        if is_media_type(content_type, FORM) { Self::encoded(body) } else { Self::default() }
    }

    /// The parameters of a query string, in the order received.
    pub(crate) fn query(query: Option<&str>) -> Self {
        Self::encoded(query.unwrap_or_default().as_bytes())
    }

    fn encoded(text: &[u8]) -> Self {
        Self(form_urlencoded::parse(text).into_owned().collect())
    }

    /// What may be shown.
    pub(crate) fn shown(&self) -> Vec<(String, String)> {
        self.0.iter().filter(|(name, _)| !SECRET.contains(&name.as_str())).cloned().collect()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// A parameter's value, unless that is blank.
    pub(crate) fn filled(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.trim().is_empty())
    }

    /// The first parameter given a second time.
    pub(crate) fn repeated(&self) -> Option<&str> {
        let twice =
            |(place, (name, _)): &(usize, &(String, String))| self.0[..*place].iter().any(|other| other.0 == *name);
        self.0.iter().enumerate().find(twice).map(|(_, (name, _))| name.as_str())
    }
}

/// Whether a content type is that media type, whatever its parameters.
pub(crate) fn is_media_type(content_type: Option<&str>, wanted: &str) -> bool {
    let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case(wanted)
}

/// A whole number written with digits alone.
pub(crate) fn whole(text: &str) -> Option<u32> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}
