//! Requests as they reach a socket, as snapshots: every method, its first and later page, each documented parameter, and a
//! new attempt. Other programs' signatures are in `requests.rs`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use wdt_fetch::{AccountKeys, Client, Credentials, Limiter, PageRequest, Params, Target, Waits};
use wdt_models::time::Seconds;
use wdt_models::{Dimension, Endpoint, Gateway, Method, ParamKind, Slice, SyncMode, Window, endpoints};
use wdt_sign::{Secret, enterprise, flagship, top};

use crate::sockets::{SharedClock, bare_server, http};

/// 2024-05-01 to 2024-05-02, both at midnight in Asia/Shanghai.
const DAY: Window = Window::new(Seconds(1_714_492_800), Seconds(1_714_579_200));

/// Trips on any change of an address, a header, a parameter, a body or a signature, and of what a new attempt keeps.
#[tokio::test]
async fn every_request_is_sent_as_its_snapshot_says() {
    for endpoint in endpoints::ALL {
        for method in endpoint.methods {
            let request = request(endpoint, method);
            let first = sent(endpoint, &request, &["200 OK"]).await.remove(0);
            let mut text = format!("first page, or all ids\n{first}");
            if !matches!(endpoint.sync, SyncMode::Ids(_)) {
                let later = PageRequest { page_no: request.page_no + 1, ..request.clone() };
                text += &differing("page after it", &first, &sent(endpoint, &later, &["200 OK"]).await[0]);
            }
            for param in endpoint.params {
                let params = [(param.name.to_owned(), example(param.kind))].into();
                let narrowed = PageRequest { params, ..request.clone() };
                let what = format!("first page with {}", param.name);
                text += &differing(&what, &first, &sent(endpoint, &narrowed, &["200 OK"]).await[0]);
            }
            let attempts = sent(endpoint, &request, &["503 Service Unavailable", "200 OK"]).await;
            assert_ne!(attempts[0], attempts[1], "each attempt is signed anew");
            text += &differing("a later attempt", &attempts[0], &attempts[1]);
            insta::assert_snapshot!(format!("{}__{}", endpoint.dataset, method.name), text);
        }
    }
}

fn request(endpoint: &'static Endpoint, method: &'static Method) -> PageRequest {
    let value = |dimension: &Dimension| {
        let value = dimension.default.first().copied().unwrap_or("STORE_1");
        (dimension.name.to_owned(), value.to_owned())
    };
    let target = match endpoint.sync {
        SyncMode::Incremental(_) => Target::Window(DAY),
        SyncMode::Slices(dimensions) => Target::Slice(Slice(dimensions.iter().map(value).collect())),
        SyncMode::Ids(_) if method.shape.single => Target::Ids(vec![2447]),
        SyncMode::Ids(_) => Target::Ids(vec![2447, 2448]),
    };
    let (page_no, page_size) = (method.paging.first, method.paging.max_size);
    PageRequest { method, target, page_no, page_size, params: Params::new(), personal: false }
}

fn example(kind: ParamKind) -> Value {
    match kind {
        ParamKind::Text => json!("北京/一号 &仓+①"),
        ParamKind::Int => json!(3),
        ParamKind::Boolean => json!(true),
        ParamKind::Texts => json!(["测试款-01", "玻尿酸①"]),
        ParamKind::Time => json!("2024-05-01 00:00:00"),
    }
}

/// What a server was sent that answers so; where there are several attempts, the clock moves on with each look at it.
async fn sent(endpoint: &'static Endpoint, request: &PageRequest, statuses: &[&str]) -> Vec<String> {
    let body = nothing(endpoint, request.method);
    let (address, requests) = bare_server(statuses.iter().map(|status| http(status, &body)).collect()).await;
    let host = address.split('/').nth(2).unwrap();
    let path = match endpoint.gateway {
        Gateway::Enterprise => "openapi2",
        Gateway::Flagship => "openapi",
        Gateway::Top => "router/rest",
    };
    let credentials = Credentials::new(endpoint.gateway, keys()).unwrap();
    let clock = SharedClock::new(i64::from(statuses.len() > 1));
    let client = Client::builder(format!("http://{host}/{path}"), credentials).limiter(Arc::new(Limiter::new(0)));
    let client = client.clock(Arc::new(clock)).waits(Waits::none()).seed(1).build().unwrap();
    // the answer to one id is a refusal
    let _ = client.page(endpoint, request).await;
    let requests = requests.lock().unwrap();
    assert_eq!(requests.len(), statuses.len());
    requests.iter().map(|sent| shown(endpoint.gateway, &sent.replace(host, "HOST"))).collect()
}

/// The answer without a record that the simulator gives.
fn nothing(endpoint: &Endpoint, method: &Method) -> String {
    let of = if method == endpoint.method() { String::new() } else { format!("@{}", method.name) };
    let page = format!("../../fixtures/pages/{}/sim-empty-list{of}.json", endpoint.dataset);
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap()
}

/// Invented, or the vendors' examples; each gateway takes what it needs.
fn keys() -> AccountKeys {
    AccountKeys {
        sid: Some("wdtapi3".into()),
        app_key: "wdt_test".into(),
        app_secret: Some(Secret::new("testsecret:testsalt")),
        session: Some(Secret::new("test")),
        sign_method: None,
    }
}

/// A request with a line for each header and parameter, and the text that its signature is made of.
fn shown(gateway: Gateway, sent: &str) -> String {
    let (head, body) = sent.split_once("\r\n\r\n").unwrap();
    let (line, headers) = head.split_once("\r\n").unwrap();
    let address = line.strip_suffix(" HTTP/1.1").unwrap();
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let mut text = format!("{path}\n");
    let mut headers: Vec<String> =
        headers.replace(env!("CARGO_PKG_VERSION"), "VERSION").lines().map(String::from).collect();
    headers.sort();
    for header in headers.iter().filter(|header| !header.starts_with("content-length: ")) {
        writeln!(text, "header {header}").unwrap();
    }
    let form = if gateway == Gateway::Flagship { query } else { body };
    let params: Vec<(String, String)> = form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    for (name, value) in &params {
        writeln!(text, "param {name} = {value}").unwrap();
    }
    if !query.is_empty() {
        writeln!(text, "query {query}").unwrap();
    }
    writeln!(text, "body {body}").unwrap();
    let (string, sign) = signed(gateway, &params, body);
    assert_eq!(params.last().unwrap(), &("sign".to_owned(), sign), "{text}");
    text + &format!("string to sign {string}\n")
}

/// The string to sign, without the secret, and the signature, from what arrived.
fn signed(gateway: Gateway, params: &[(String, String)], body: &str) -> (String, String) {
    let secret = keys().app_secret.unwrap();
    match gateway {
        Gateway::Enterprise => {
            let string = enterprise::string_to_sign(params);
            let sign = enterprise::sign(&string, &secret);
            (string, sign)
        }
        Gateway::Flagship => {
            let string = flagship::string_to_sign(params, body);
            let sign = flagship::sign(&string, &flagship::split_secret(&secret).unwrap().secret);
            (string, sign)
        }
        Gateway::Top => {
            let string = top::string_to_sign(params);
            let sign = top::sign(&string, &secret, top::SignMethod::HmacSha256);
            (string, sign)
        }
    }
}

/// The lines of a request that the first one does not have, and the parameters that it lacks.
fn differing(what: &str, first: &str, other: &str) -> String {
    let mut text = format!("\n{what}\n");
    let name = |line: &str| line.split(" = ").next().unwrap_or_default().to_owned();
    let has = |line: &str| other.lines().any(|own| name(own) == name(line));
    for line in first.lines().filter(|line| line.starts_with("param ") && !has(line)) {
        writeln!(text, "no {}", name(line)).unwrap();
    }
    for line in other.lines().filter(|line| !first.lines().any(|own| own == *line)) {
        writeln!(text, "{line}").unwrap();
    }
    text
}
