//! One request over HTTP: the only file that names the HTTP client. It gives a whole body or a fault, nothing between.

use std::error::Error;
use std::time::Duration;

use chrono::DateTime;
use reqwest::header::{CONTENT_TYPE, DATE, LOCATION};
use reqwest::{Proxy, Response, StatusCode, Url, redirect, retry};

use crate::Clock;
use crate::error::FetchError;
use crate::retry::Fault;
use crate::wire::SignedRequest;

/// An answer larger than this, unpacked, is a fault.
const LARGEST_BODY: usize = 64 << 20;

/// How long a request may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection stands.
    pub connect: Duration,
    /// Between two pieces of the answer.
    pub read: Duration,
    /// For the whole request.
    pub total: Duration,
}

impl Default for Timeouts {
    /// 10 s to connect, 60 s between pieces, 120 s in all.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(10), read: seconds(60), total: seconds(120) }
    }
}

/// A whole answer.
pub(crate) struct Reply {
    pub(crate) body: Vec<u8>,
    /// Milliseconds that the platform's clock, as the `Date` header tells it, is ahead of the local one.
    pub(crate) skew_ms: Option<i64>,
}

/// A pool of connections to one address.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
}

impl Http {
    pub(crate) fn new(base_url: &str, proxy: Option<&str>, timeouts: Timeouts) -> Result<Self, FetchError> {
        let url = Url::parse(base_url).map_err(|error| setup(format!("base_url is not an address: {error}")))?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("wdt-etl/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .no_proxy()
            .gzip(true)
            .connect_timeout(timeouts.connect)
            .read_timeout(timeouts.read)
            .timeout(timeouts.total);
        if url.scheme() == "http" {
            // No certificate will be checked: a machine without any can still try the simulator.
            builder = builder.tls_certs_only([]);
        }
        if let Some(proxy) = proxy {
            // The address may hold a password, so it is not shown.
            builder = builder.proxy(Proxy::all(proxy).map_err(|_| setup("proxy is not an address".to_owned()))?);
        }
        let client = builder.build().map_err(|error| setup(format!("http client: {}", innermost(&error))))?;
        Ok(Self { client })
    }

    /// Sends the request and reads the answer to its end.
    pub(crate) async fn post(&self, request: SignedRequest, clock: &dyn Clock) -> Result<Reply, Fault> {
        let post = self.client.post(request.url).header(CONTENT_TYPE, request.content_type).body(request.body);
        let mut response = post.send().await.map_err(broken)?;
        let date = response.headers().get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
        let skew_ms = date.map(|date| date.timestamp_millis() - clock.now_ms());
        check_status(&response)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > LARGEST_BODY {
                return Err(Fault::Transport(format!("answer is larger than {LARGEST_BODY} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { body, skew_ms })
    }
}

fn check_status(response: &Response) -> Result<(), Fault> {
    let status = response.status();
    if status.is_success() {
        return Ok(());
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Err(Fault::Limited(format!("http status {status}")));
    }
    if status.is_redirection() {
        let target = response.headers().get(LOCATION).and_then(|target| target.to_str().ok());
        let target = target.and_then(|target| response.url().join(target).ok());
        let host = target.as_ref().and_then(Url::host_str).unwrap_or("an unknown host");
        return Err(Fault::Transport(format!("http status {status}: redirect to {host} refused")));
    }
    Err(Fault::Transport(format!("http status {status}")))
}

fn broken(error: reqwest::Error) -> Fault {
    // the address may hold half a secret
    let error = error.without_url();
    let stage = if error.is_timeout() {
        return Fault::Transport("timed out".to_owned());
    } else if error.is_connect() {
        "no connection"
    } else if error.is_body() || error.is_decode() {
        "answer broke off"
    } else {
        "request failed"
    };
    Fault::Transport(format!("{stage}: {}", innermost(&error)))
}

/// The innermost cause; the outer ones repeat the address.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn setup(reason: String) -> FetchError {
    FetchError::Setup { reason }
}
