//! The HTTP side: one route, the faults on the way, and the platform's clock in every answer.

use std::{io, io::Write as _, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::post,
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use futures::stream::{self, StreamExt as _};

use crate::{fault::Fault, sim::Platform};

/// The folder of the methods.
pub(crate) const FOLDER: &str = "/openapi2";

/// The gateway as a router.
pub(crate) fn router(platform: Arc<Platform>) -> Router {
    Router::new()
        .route(&format!("{FOLDER}/{{method}}"), post(call))
        .layer(from_fn_with_state(Arc::clone(&platform), dated))
        .with_state(platform)
}

async fn call(
    State(platform): State<Arc<Platform>>,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some((text, fault)) = platform.call(&method, content_type, &body) else {
        return page(StatusCode::NOT_FOUND);
    };
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let gzip = platform.config.forms.gzip && accepted.contains("gzip");
    match fault {
        Some(Fault::Status(status)) => page(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY)),
        Some(Fault::Html) => page(StatusCode::OK),
        Some(Fault::Redirect(address)) => redirect(&address),
        Some(Fault::CutJson) => answer(text.as_bytes()[..text.len() / 2].to_vec(), gzip),
        Some(Fault::BrokenTransfer) => broken(text.into_bytes()),
        _ => answer(text.into_bytes(), gzip),
    }
}

/// Sets the `Date` header from the platform's clock, so that a client can measure its skew.
async fn dated(State(platform): State<Arc<Platform>>, request: axum::extract::Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let now = chrono::DateTime::from_timestamp((platform.config.clock)(), 0).unwrap_or_default();
    let text = now.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(date) = HeaderValue::try_from(text) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

fn answer(body: Vec<u8>, gzip: bool) -> Response {
    let compressed = if gzip { compress(&body).ok() } else { None };
    let encoded = compressed.is_some();
    let mut response = html(Body::from(compressed.unwrap_or(body)));
    if encoded {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn compress(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

/// The first half of an answer, and then the end of the connection.
fn broken(mut body: Vec<u8>) -> Response {
    body.truncate(body.len() / 2);
    let half = stream::iter([Ok(Bytes::from(body))]);
    // the half is on its way before the error comes
    let end = stream::once(async {
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    html(Body::from_stream(half.chain(end)))
}

fn redirect(address: &str) -> Response {
    let mut response = page(StatusCode::FOUND);
    if let Ok(address) = HeaderValue::try_from(address) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    response
}

/// A page such as web servers and proxies send.
fn page(status: StatusCode) -> Response {
    let reason = status.canonical_reason().unwrap_or("Error");
    let text =
        format!("<html><head><title>{0} {reason}</title></head><body>{0} {reason}</body></html>", status.as_u16());
    let mut response = html(Body::from(text));
    *response.status_mut() = status;
    response
}

fn html(body: Body) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=UTF-8"));
    response
}
