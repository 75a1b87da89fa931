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
#[derive(Debug, Clone, thiserror::Error)]
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
    Ok(SignedRequest {
        url: format!("{}/{}", base_url.trim_end_matches('/'), endpoint.method),
        content_type: FORM,
        body,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use wdt_sign::Secret;

    use super::*;

    fn page(params: &[(&str, &str)]) -> Result<SignedRequest, WireError> {
        let endpoint = wdt_models::endpoints::find("enterprise_stock").unwrap();
        let credentials = Credentials {
            sid: "test2".into(),
            app_key: "test2-xx".into(),
            app_secret: Secret::new("8a7f0c2e5d1b4963"),
        };
        // 2025-11-24 23:00:00 to 23:59:59 in Asia/Shanghai.
        let window = Window::new(1_763_996_400, 1_763_999_999);
        let params = params.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let request = PageRequest { window, page_no: 0, page_size: 100, params, personal: false };
        signed(endpoint, "https://gateway.example/openapi2/", &credentials, &request, 1_764_000_000)
    }

    /// The signature is a vector that nine independent clients agree on.
    #[test]
    fn a_page_of_a_window_is_the_request_other_clients_send() {
        let request = page(&[]).unwrap();
        assert_eq!(request.url, "https://gateway.example/openapi2/stock_query_detail.php");
        assert_eq!(request.content_type, "application/x-www-form-urlencoded");
        assert_eq!(
            request.body,
            "sid=test2&appkey=test2-xx&timestamp=1764000000&start_time=2025-11-24+23%3A00%3A00\
             &end_time=2025-11-24+23%3A59%3A59&page_size=100&page_no=0&sign=df3c7a4c1c8b13a8f2bfa79e5e01354c"
        );
    }

    #[test]
    fn business_parameters_are_sent_encoded_and_signed_raw() {
        let request = page(&[("warehouse_no", "仓 1&2")]).unwrap();
        assert!(request.body.contains("&warehouse_no=%E4%BB%93+1%262&sign="), "{}", request.body);
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
