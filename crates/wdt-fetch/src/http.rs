//! One request over HTTP: the only file that names the HTTP client. It gives a whole answer or a break, nothing between.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderName, LOCATION};
use reqwest::{Proxy, Response, Url, redirect, retry};

use crate::Clock;
use crate::error::{Cause, FetchError};
use crate::transport::{Broken, NoAnswer, Outgoing, RawAnswer, Transport};
use crate::wire::SignedRequest;

/// An answer larger than this, unpacked, is a fault.
const LARGEST_BODY: usize = 64 << 20;

/// How long a request may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the connection is made.
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

/// A pool of connections to one address.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
}

impl Http {
    pub(crate) fn new(base_url: &str, proxy: Option<&str>, timeouts: Timeouts) -> Result<Self, FetchError> {
        let url = Url::parse(base_url)
            .map_err(|error| setup(format!("base_url is not an address: {error}"), Some(Arc::new(error))))?;
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
            // The address may hold a password, so neither it nor the error that quotes it is kept.
            builder = builder.proxy(Proxy::all(proxy).map_err(|_| setup("proxy is not an address".to_owned(), None))?);
        }
        let client = builder
            .build()
            .map_err(|error| setup(format!("http client: {}", innermost(&error)), Some(Arc::new(error))))?;
        Ok(Self { client })
    }
}

impl Transport for Http {
    fn exchange<'a>(
        &'a self,
        outgoing: Outgoing<'a>,
        clock: &'a dyn Clock,
    ) -> BoxFuture<'a, Result<RawAnswer, NoAnswer>> {
        Box::pin(async move {
            let SignedRequest { url, content_type, body: form, .. } = outgoing.request;
            let post = self.client.post(url).header(CONTENT_TYPE, content_type).body(form);
            let sent_at = clock.now();
            let response = post.send().await.map_err(broken)?;
            let mut answer = RawAnswer {
                status: response.status().as_u16(),
                date: header(&response, DATE),
                location: header(&response, LOCATION),
                body: Vec::new(),
                sent_at,
                came_at: clock.now(),
            };
            if response.status().is_success() {
                answer.body = body(response).await?;
            }
            Ok(answer)
        })
    }
}

fn header(response: &Response, name: HeaderName) -> Option<String> {
    response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

async fn body(mut response: Response) -> Result<Vec<u8>, Broken> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > LARGEST_BODY {
            return Err(Broken::new(format!("answer is larger than {LARGEST_BODY} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn broken(error: reqwest::Error) -> Broken {
    // the address may hold half a secret
    let error = error.without_url();
    let stage = if error.is_timeout() {
        return Broken::by("timed out", error);
    } else if error.is_connect() {
        "no connection"
    } else if error.is_body() || error.is_decode() {
        "answer broke off"
    } else {
        "request failed"
    };
    Broken::by(format!("{stage}: {}", innermost(&error)), error)
}

/// The innermost cause; the outer ones repeat the address.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn setup(reason: String, source: Option<Cause>) -> FetchError {
    FetchError::Setup { reason, source }
}
