//! Parameters, credentials and a time into the request as it goes over the wire: pure, no clock and no network.

use std::collections::BTreeMap;

use wdt_models::time::format_wall_time;
use wdt_models::{Endpoint, Gateway, Window};
use wdt_sign::{SignError, enterprise};

use crate::Credentials;

const FORM: &str = "application/x-www-form-urlencoded";

/// One page asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// The piece of time asked for.
    pub window: Window,
    /// Page, counted as the endpoint counts.
    pub page_no: u32,
    /// Records per page.
    pub page_size: u32,
    /// Business parameters besides paging and window.
    pub params: BTreeMap<String, String>,
    /// Whether columns about persons are read.
    pub personal: bool,
}

/// A request as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRequest {
    /// Full address.
    pub url: String,
    /// Media type of the body.
    pub content_type: &'static str,
    /// The encoded body, signature included.
    pub body: String,
}

/// Why a request cannot be put on the wire.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// A parameter that cannot be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// No signing scheme is known for the gateway.
    #[error("gateway {0} is not supported")]
    Gateway(Gateway),
}

/// The signed request for a page, at a time in epoch seconds.
///
/// The one place that joins a gateway with its signing scheme. The base address is without a trailing slash.
///
/// # Errors
///
/// [`WireError::Sign`] names a parameter that is empty, doubled or holds a character the platform cannot store.
pub fn signed(
    endpoint: &Endpoint,
    base_url: &str,
    credentials: &Credentials,
    request: &PageRequest,
    epoch_seconds: i64,
) -> Result<SignedRequest, WireError> {
    match endpoint.gateway {
        Gateway::Enterprise => Ok(enterprise(endpoint, base_url, credentials, request, epoch_seconds)?),
        gateway => Err(WireError::Gateway(gateway)),
    }
}

fn enterprise(
    endpoint: &Endpoint,
    base_url: &str,
    credentials: &Credentials,
    request: &PageRequest,
    epoch_seconds: i64,
) -> Result<SignedRequest, SignError> {
    let mut params: Vec<(&str, String)> = vec![
        ("sid", credentials.sid.clone()),
        ("appkey", credentials.app_key.clone()),
        ("timestamp", epoch_seconds.to_string()),
        (endpoint.cursor.start_param, format_wall_time(request.window.start)),
        (endpoint.cursor.end_param, format_wall_time(request.window.end)),
        ("page_size", request.page_size.to_string()),
        ("page_no", request.page_no.to_string()),
    ];
    params.extend(request.params.iter().map(|(name, value)| (name.as_str(), value.clone())));
    enterprise::check(&params)?;
    let sign = enterprise::sign(&enterprise::string_to_sign(&params), &credentials.app_secret);
    params.push(("sign", sign));
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&params).finish();
    Ok(SignedRequest { url: format!("{}/{}", base_url.trim_end_matches('/'), endpoint.method), content_type: FORM, body })
}
