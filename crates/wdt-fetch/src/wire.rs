//! Parameters, credentials and a time into the request as it goes over the wire: pure, no clock and no network.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use wdt_models::time::{Seconds, format_wall_time};
use wdt_models::{Arguments, Endpoint, Method, Slice, Window};
use wdt_sign::{Secret, SignError, enterprise, flagship, top};

use crate::Credentials;
use crate::credentials::Scheme;

const FORM: &str = "application/x-www-form-urlencoded;charset=UTF-8";
const JSON: &str = "application/json;charset=UTF-8";

/// Business parameters besides paging, window and slice: texts, whole numbers, booleans and lists of texts.
pub type Params = BTreeMap<String, Value>;

/// What a page is a page of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A piece of time.
    Window(Window),
    /// A unit of a snapshot.
    Slice(Slice),
    /// The rows of these ids, which are one call.
    Ids(Vec<i64>),
}

/// One page asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct PageRequest {
    /// The call.
    pub method: &'static Method,
    /// What is asked for.
    pub target: Target,
    /// Page, counted as the method counts.
    pub page_no: u32,
    /// Records per page.
    pub page_size: u32,
    /// Business parameters besides paging, window and slice.
    pub params: Params,
    /// Whether columns about persons are read.
    pub personal: bool,
}

/// A request as it goes over the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedRequest {
    /// Full address; on one gateway it holds the salt, which is half a secret.
    pub url: String,
    /// Media type of the body.
    pub content_type: &'static str,
    /// The encoded body; on one gateway it holds the session, which is a credential.
    pub body: String,
    /// What is signed, without the secret around it; holds what address and body hold.
    pub string_to_sign: String,
}

impl fmt::Debug for SignedRequest {
    /// Shows neither the address nor the body, for what they hold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedRequest").field("content_type", &self.content_type).finish_non_exhaustive()
    }
}

/// Why a request cannot be put on the wire.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// A parameter that cannot be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A parameter that is not the endpoint's, or belongs to the run: paging, window, slice.
    #[error("parameter `{name}` is not one of this endpoint's business parameters")]
    NotABusinessParameter {
        /// Name of the parameter.
        name: String,
    },
}

/// The signed request for a page, at that time.
///
/// The one place that joins a gateway with its signing scheme. The base address is without a trailing slash.
///
/// # Errors
///
/// [`WireError::Sign`] names a parameter that is empty, doubled or holds a character the platform cannot store,
/// [`WireError::NotABusinessParameter`] one that is not for a configuration to give.
pub fn signed(
    endpoint: &Endpoint,
    base_url: &str,
    credentials: &Credentials,
    request: &PageRequest,
    now: Seconds,
) -> Result<SignedRequest, WireError> {
    check_names(endpoint, &request.params)?;
    let base_url = base_url.trim_end_matches('/');
    let app_key = &credentials.app_key;
    Ok(match &credentials.scheme {
        Scheme::Enterprise { sid, secret } => {
            let system = [("sid", sid.clone()), ("appkey", app_key.clone()), ("timestamp", now.to_string())];
            enterprise_call(endpoint, base_url, system, secret, request)?
        }
        Scheme::Flagship { sid, secret, salt } => {
            let system = [
                ("sid", sid.clone()),
                ("key", app_key.clone()),
                ("salt", salt.expose().to_owned()),
                ("timestamp", flagship::timestamp(now.0).to_string()),
            ];
            flagship_call(endpoint, base_url, system, secret, request)?
        }
        Scheme::Top { secret, session, method } => {
            let system = [
                ("app_key", app_key.clone()),
                ("session", session.expose().to_owned()),
                ("timestamp", format_wall_time(now)),
                ("sign_method", method.name().to_owned()),
            ];
            top_call(endpoint, base_url, system, secret, *method, request)?
        }
    })
}

/// A form to a file of its own; every value signed as it is before encoding.
fn enterprise_call(
    endpoint: &Endpoint,
    base_url: &str,
    system: [(&'static str, String); 3],
    secret: &Secret,
    request: &PageRequest,
) -> Result<SignedRequest, SignError> {
    let mut params = owned(system);
    params.extend(named(endpoint, request).into_iter().map(|(name, value)| (name, flat(&value))));
    params.extend(owned([("page_size", request.page_size.to_string()), ("page_no", request.page_no.to_string())]));
    enterprise::check(&params)?;
    let string_to_sign = enterprise::string_to_sign(&params);
    params.push(("sign".to_owned(), enterprise::sign(&string_to_sign, secret)));
    let url = format!("{base_url}/{}", request.method.name);
    Ok(SignedRequest { url, content_type: FORM, body: encoded(&params), string_to_sign })
}

/// The arguments as a JSON array in the body, everything else in the query; the body's bytes are signed too.
fn flagship_call(
    endpoint: &Endpoint,
    base_url: &str,
    system: [(&'static str, String); 4],
    secret: &Secret,
    request: &PageRequest,
) -> Result<SignedRequest, SignError> {
    let body = arguments(endpoint, request);
    let mut params = owned(system);
    params.extend(owned([("method", request.method.name.to_owned()), ("v", "1.0".to_owned())]));
    if request.method.arguments == Arguments::Named {
        // the total costs the platform extra: it is asked for where it counts, which in a slice is every page
        let first = request.page_no == request.method.paging.first;
        let counts = first || matches!(request.target, Target::Slice(_));
        params.extend(owned([
            ("page_size", request.page_size.to_string()),
            ("page_no", request.page_no.to_string()),
            ("calc_total", u8::from(counts).to_string()),
        ]));
    }
    flagship::check(&params)?;
    let string_to_sign = flagship::string_to_sign(&params, &body);
    params.push(("sign".to_owned(), flagship::sign(&string_to_sign, secret)));
    Ok(SignedRequest { url: format!("{base_url}?{}", encoded(&params)), content_type: JSON, body, string_to_sign })
}

/// A form to one address, session and signature in the body, where no access log keeps them.
fn top_call(
    endpoint: &Endpoint,
    base_url: &str,
    system: [(&'static str, String); 4],
    secret: &Secret,
    method: top::SignMethod,
    request: &PageRequest,
) -> Result<SignedRequest, SignError> {
    let mut params = owned(system);
    params.extend(owned([
        ("method", request.method.name.to_owned()),
        ("format", "json".to_owned()),
        ("v", "2.0".to_owned()),
        ("page_size", request.page_size.to_string()),
        ("page_no", request.page_no.to_string()),
    ]));
    params.extend(named(endpoint, request).into_iter().map(|(name, value)| (name, flat(&value))));
    top::check(&params)?;
    let string_to_sign = top::string_to_sign(&params);
    params.push(("sign".to_owned(), top::sign(&string_to_sign, secret, method)));
    Ok(SignedRequest { url: base_url.to_owned(), content_type: FORM, body: encoded(&params), string_to_sign })
}

/// Lets only the endpoint's own parameters pass: those of the run are for the run to set.
fn check_names(endpoint: &Endpoint, params: &Params) -> Result<(), WireError> {
    let known = |name: &str| endpoint.params.iter().any(|param| param.name == name);
    match params.keys().find(|name| !known(name)) {
        Some(name) => Err(WireError::NotABusinessParameter { name: name.clone() }),
        None => Ok(()),
    }
}

/// Window or slice, and the business parameters in the documented order.
fn named(endpoint: &Endpoint, request: &PageRequest) -> Vec<(String, Value)> {
    let mut named = Vec::new();
    match (&request.target, endpoint.cursor()) {
        (Target::Window(window), Some(cursor)) => {
            named.push((cursor.start_param.to_owned(), format_wall_time(window.start).into()));
            named.push((cursor.end_param.to_owned(), format_wall_time(window.end).into()));
        }
        (Target::Slice(slice), _) => {
            named.extend(slice.0.iter().map(|(name, value)| (name.clone(), value.as_str().into())));
        }
        (Target::Window(_) | Target::Ids(_), _) => {}
    }
    let given = |name: &str| request.params.get_key_value(name);
    named.extend(endpoint.params.iter().filter_map(|param| given(param.name)).map(|(n, v)| (n.clone(), v.clone())));
    named
}

/// The positional arguments of a call, as JSON: one object, one list of objects, or an id and the parameters' values.
///
/// Members keep their order: the signature is over these bytes.
fn arguments(endpoint: &Endpoint, request: &PageRequest) -> String {
    let ids = if let Target::Ids(ids) = &request.target { ids.as_slice() } else { &[] };
    // a call that lists ids takes every parameter of each; the documents show one, a flag that is false by default
    let value = |name: &str| request.params.get(name).cloned().unwrap_or(Value::Bool(false));
    let others = || endpoint.params.iter().map(|param| (param.name.to_owned(), value(param.name)));
    match request.method.arguments {
        Arguments::Named => format!("[{}]", object(named(endpoint, request))),
        Arguments::Items { id } => {
            let item = |&number: &i64| object(std::iter::once((id.to_owned(), number.into())).chain(others()));
            format!("[[{}]]", ids.iter().map(item).collect::<Vec<_>>().join(","))
        }
        Arguments::Positional => {
            ids.iter().map(|&id| id.into()).chain(others().map(|(_, value)| value)).collect::<Value>().to_string()
        }
    }
}

/// A JSON object whose members keep their order.
fn object(members: impl IntoIterator<Item = (String, Value)>) -> String {
    let member = |(name, value): (String, Value)| format!("{}:{value}", Value::from(name));
    format!("{{{}}}", members.into_iter().map(member).collect::<Vec<_>>().join(","))
}

/// A value as a form's field.
fn flat(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(flat).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn owned<const N: usize>(params: [(&'static str, String); N]) -> Vec<(String, String)> {
    params.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn encoded(params: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish()
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Window(window) => write!(f, "window {window}"),
            Self::Slice(slice) => write!(f, "slice {slice}"),
            Self::Ids(ids) => match ids.as_slice() {
                [id] => write!(f, "id {id}"),
                ids => write!(f, "{} ids from {}", ids.len(), ids.first().copied().unwrap_or_default()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use wdt_models::Gateway;

    use super::*;
    use crate::AccountKeys;

    fn page(params: &[(&str, &str)]) -> Result<SignedRequest, WireError> {
        let endpoint = wdt_models::endpoints::find("enterprise_stock").unwrap();
        let keys = AccountKeys {
            sid: Some("test2".into()),
            app_key: "test2-xx".into(),
            app_secret: Some(Secret::new("8a7f0c2e5d1b4963")),
            ..AccountKeys::default()
        };
        let credentials = Credentials::new(Gateway::Enterprise, keys).unwrap();
        // 2025-11-24 23:00:00 to 23:59:59 in Asia/Shanghai.
        let window = Window::new(Seconds(1_763_996_400), Seconds(1_763_999_999));
        let params = params.iter().map(|&(name, value)| (name.to_owned(), value.into())).collect();
        let method = endpoint.method();
        let target = Target::Window(window);
        let request = PageRequest { method, target, page_no: 0, page_size: 100, params, personal: false };
        signed(endpoint, "https://gateway.example/openapi2/", &credentials, &request, Seconds(1_764_000_000))
    }

    /// The signature is a vector that nine independent clients agree on.
    #[test]
    fn a_page_of_a_window_is_the_request_other_clients_send() {
        let request = page(&[]).unwrap();
        assert_eq!(request.url, "https://gateway.example/openapi2/stock_query_detail.php");
        assert_eq!(request.content_type, "application/x-www-form-urlencoded;charset=UTF-8");
        assert_eq!(
            request.body,
            "sid=test2&appkey=test2-xx&timestamp=1764000000&start_time=2025-11-24+23%3A00%3A00\
             &end_time=2025-11-24+23%3A59%3A59&page_size=100&page_no=0&sign=df3c7a4c1c8b13a8f2bfa79e5e01354c"
        );
    }

    #[test]
    fn business_parameters_are_sent_encoded_and_signed_raw() {
        let request = page(&[("warehouse_no", "仓 1&2")]).unwrap();
        assert!(request.body.contains("&warehouse_no=%E4%BB%93+1%262&page_size="), "{}", request.body);
        assert_ne!(request.body.split("sign=").last(), page(&[]).unwrap().body.split("sign=").last());
    }

    #[test]
    fn parameters_that_clients_sign_in_different_ways_are_refused_by_name() {
        for (name, value) in
            [("warehouse_no", ""), ("warehouse_no", "\u{1F600}"), ("page_no", "3"), ("start_time", "x")]
        {
            let error = page(&[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(&format!("`{name}`")), "{error}");
        }
    }
}
