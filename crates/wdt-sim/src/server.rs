//! The HTTP side: a route for each gateway, the faults on the way, and the platform's clock in every answer.

use std::{io, io::Write as _, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::post,
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use futures::stream::{self, StreamExt as _};

use wdt_models::Gateway;

use crate::{
    answer::HTML,
    fault::Fault,
    params::{Params, is_media_type},
    platform::Platform,
    request::Request,
};

/// What a bomb unpacks to: more than any page.
const BOMB_BYTES: usize = 80 << 20;

/// The path of a gateway; on enterprise the methods' folder.
pub(crate) const fn path(gateway: Gateway) -> &'static str {
    match gateway {
        Gateway::Enterprise => "/openapi2",
        Gateway::Flagship => "/openapi",
        Gateway::Top => "/router/rest",
    }
}

/// The gateways as a router.
pub(crate) fn router(platform: Arc<Platform>) -> Router {
    Router::new()
        .route(&format!("{}/{{method}}", path(Gateway::Enterprise)), post(enterprise))
        .route(path(Gateway::Flagship), post(flagship))
        .route(path(Gateway::Top), post(top))
        .layer(from_fn_with_state(Arc::clone(&platform), dated))
        .with_state(platform)
}

/// A form to a file of the method's name; the query is not read.
async fn enterprise(
    State(platform): State<Arc<Platform>>,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let params = Params::form(text(&headers, header::CONTENT_TYPE), &body);
    let request = Request::new(Gateway::Enterprise, &method, params, String::new());
    if request.found.is_none() {
        return page(StatusCode::NOT_FOUND);
    }
    call(&platform, &request, &headers)
}

/// Parameters in the query, JSON in the body.
async fn flagship(
    State(platform): State<Arc<Platform>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let params = Params::query(query.as_deref());
    let json = is_media_type(text(&headers, header::CONTENT_TYPE), "application/json");
    // a body of another kind is not read, so a signature of it never holds
    let body = if json { String::from_utf8_lossy(&body).into_owned() } else { String::new() };
    let method = params.get("method").unwrap_or_default().to_owned();
    call(&platform, &Request::new(Gateway::Flagship, &method, params, body), &headers)
}

/// A form; parameters may be in the query as well.
async fn top(
    State(platform): State<Arc<Platform>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut params = Params::query(query.as_deref());
    params.0.extend(Params::form(text(&headers, header::CONTENT_TYPE), &body).0);
    let method = params.get("method").unwrap_or_default().to_owned();
    call(&platform, &Request::new(Gateway::Top, &method, params, String::new()), &headers)
}

fn call(platform: &Platform, request: &Request, headers: &HeaderMap) -> Response {
    let reply = platform.call(request);
    let accepted = text(headers, header::ACCEPT_ENCODING).unwrap_or_default();
    let gzip = platform.config.forms.gzip && accepted.contains("gzip");
    let (text, media_type) = (reply.text, reply.media_type);
    match reply.fault {
        Some(Fault::Status(status)) => page(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY)),
        Some(Fault::Html) => page(StatusCode::OK),
        Some(Fault::Redirect(address)) => redirect(&address),
        Some(Fault::CutJson) => answer(text.as_bytes()[..text.len() / 2].to_vec(), media_type, gzip),
        Some(Fault::BrokenTransfer) => broken(text.into_bytes(), media_type),
        Some(Fault::SlowBody(millis)) => slow(text.into_bytes(), millis, media_type),
        Some(Fault::EndlessBody) => endless(text, media_type),
        Some(Fault::WrongLength(delta)) => misdeclared(text.into_bytes(), delta, media_type),
        Some(Fault::GzipBomb) => answer(vec![b' '; BOMB_BYTES], media_type, true),
        Some(Fault::LostAnswer) => broken(Vec::new(), media_type),
        _ => answer(text.into_bytes(), media_type, gzip),
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
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

fn answer(body: Vec<u8>, media_type: &'static str, gzip: bool) -> Response {
    let compressed = if gzip { compress(&body).ok() } else { None };
    let encoded = compressed.is_some();
    let mut response = typed(Body::from(compressed.unwrap_or(body)), media_type);
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

/// The first half of an answer, and then the end of the connection; nothing at all of an empty one.
fn broken(mut body: Vec<u8>, media_type: &'static str) -> Response {
    body.truncate(body.len() / 2);
    let sent = !body.is_empty();
    let half = stream::iter(sent.then(|| Ok(Bytes::from(body))));
    let end = stream::once(async move {
        if sent {
            // the half is on its way before the error comes
            tokio::task::yield_now().await;
        }
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    });
    typed(Body::from_stream(half.chain(end)), media_type)
}

/// An answer of which a byte comes now and then.
fn slow(body: Vec<u8>, millis: u64, media_type: &'static str) -> Response {
    let bytes = stream::iter(body).then(move |byte| async move {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        Ok::<_, io::Error>(Bytes::from(vec![byte]))
    });
    typed(Body::from_stream(bytes), media_type)
}

/// An answer and then blanks for ever, which would change nothing if they ended.
fn endless(text: String, media_type: &'static str) -> Response {
    let blanks = Bytes::from(vec![b' '; 64 << 10]);
    let rest = stream::repeat_with(move || Ok::<_, io::Error>(blanks.clone()));
    typed(Body::from_stream(stream::iter([Ok(Bytes::from(text))]).chain(rest)), media_type)
}

/// An answer that is declared longer or shorter than it is.
fn misdeclared(body: Vec<u8>, delta: i64, media_type: &'static str) -> Response {
    let length = i64::try_from(body.len()).unwrap_or(i64::MAX).saturating_add(delta).max(0);
    let kept = body.len().min(usize::try_from(length).unwrap_or(usize::MAX));
    let body = stream::iter([Ok::<_, io::Error>(Bytes::from(body).slice(..kept))]);
    let mut response = typed(Body::from_stream(body), media_type);
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    response
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
    let mut response = typed(Body::from(text), HTML);
    *response.status_mut() = status;
    response
}

fn typed(body: Body, media_type: &'static str) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
