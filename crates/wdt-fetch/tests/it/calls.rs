//! Calls over real sockets: the simulator, and bare sockets for what it does not do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wdt_fetch::{
    CertifiedPart, Client, ClientConfig, Clock, Credentials, ErrorKind, Event, FetchError, Limiter, PageRequest,
    ReadOptions, Slots, Timeouts, Waits, WindowReader, read_window, read_windows,
};
use wdt_models::{Endpoint, Gateway, Window};
use wdt_sign::Secret;
use wdt_sim::{Account, Call, Fault, FaultPlan, Sim, SimConfig};

use crate::moving::{NOW, endpoint};

const SECRET: &str = "sim-secret-0123456789";
const WINDOW: Window = Window::new(NOW - 20 * 86_400, NOW - 3600);

/// A clock that both sides read; a reading may move it on.
#[derive(Debug, Clone)]
struct SharedClock {
    seconds: Arc<AtomicI64>,
    step: i64,
    offset: i64,
}

impl SharedClock {
    fn new(step: i64) -> Self {
        Self { seconds: Arc::new(AtomicI64::new(NOW)), step, offset: 0 }
    }

    fn read(&self) -> i64 {
        self.seconds.fetch_add(self.step, Ordering::Relaxed) + self.offset
    }

    fn platform(&self) -> wdt_sim::Clock {
        let clock = self.clone();
        Arc::new(move || clock.read())
    }
}

impl Clock for SharedClock {
    fn now_ms(&self) -> i64 {
        self.read() * 1000
    }
}

fn config(base_url: &str, secret: &str) -> ClientConfig {
    let Account { sid, app_key, .. } = Account::example();
    ClientConfig {
        gateway: Gateway::Enterprise,
        base_url: base_url.to_owned(),
        credentials: Credentials { sid, app_key, app_secret: Secret::new(secret) },
        proxy: None,
        timeouts: Timeouts::default(),
    }
}

fn client(base_url: &str, clock: &SharedClock) -> Client {
    let limiter = Arc::new(Limiter::new(0));
    Client::new(config(base_url, SECRET), limiter, Arc::new(clock.clone()), Waits::none(), 1).unwrap()
}

fn request(page_no: u32) -> PageRequest {
    PageRequest { window: WINDOW, page_no, page_size: 100, params: BTreeMap::new(), personal: false }
}

fn simulator(rows: u32, clock: &SharedClock) -> SimConfig {
    let mut config = SimConfig::new(clock.platform()).with_rows(endpoint().dataset, rows);
    config.seed = 7;
    config.span = Some(WINDOW);
    config
}

async fn read_all(client: &Client) -> Result<Vec<CertifiedPart>, wdt_fetch::WindowError> {
    let reader = WindowReader {
        client: client.clone(),
        endpoint: endpoint(),
        params: BTreeMap::new(),
        personal: false,
        page_size: 100,
        slots: Arc::new(Slots::new(8)),
    };
    read_window(&reader, endpoint(), WINDOW, &ReadOptions::default()).await.map(|read| read.parts)
}

/// Keys in the parts, as often as they are there.
fn keys(parts: &[CertifiedPart]) -> Vec<Vec<i64>> {
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;
    let key = |batch: &arrow::record_batch::RecordBatch, row: usize| -> Vec<i64> {
        let column = |at: usize| batch.column(at).as_primitive::<Int64Type>().value(row);
        endpoint().key_positions().into_iter().map(column).collect()
    };
    let batches = parts.iter().flat_map(|part| &part.batches);
    batches.flat_map(|batch| (0..batch.num_rows()).map(move |row| key(batch, row))).collect()
}

fn assert_all_rows(sim: &Sim, parts: &[CertifiedPart]) {
    let ledger = sim.ledger(endpoint().dataset).unwrap();
    let wanted: BTreeSet<Vec<i64>> = ledger.rows().into_iter().map(|row| ledger.key(row)).collect();
    let found = keys(parts);
    assert_eq!(found.iter().cloned().collect::<BTreeSet<_>>(), wanted);
    assert_eq!(found.len(), wanted.len(), "no row twice");
}

#[tokio::test]
async fn a_window_is_read_whole_and_its_calls_are_counted() {
    let clock = SharedClock::new(0);
    let sim = Sim::start(simulator(730, &clock)).unwrap();
    let client = client(&sim.base_url(), &clock);
    let parts = read_all(&client).await.unwrap();
    assert_all_rows(&sim, &parts);
    assert_eq!((parts.len(), parts[0].certificate.distinct, parts[0].certificate.read_at), (1, 730, NOW * 1000));
    let counters = client.counters();
    assert_eq!((counters.calls, counters.retries, counters.waits, sim.call_count()), (9, 0, 0, 9));
    assert!(counters.bytes > 100_000);
}

#[tokio::test]
async fn a_wrong_secret_costs_one_call_however_many_windows_wait() {
    let clock = SharedClock::new(0);
    let sim = Sim::start(simulator(300, &clock)).unwrap();
    let limiter = Arc::new(Limiter::new(0));
    let wrong =
        Client::new(config(&sim.base_url(), "another-secret"), limiter, Arc::new(clock), Waits::none(), 1).unwrap();
    let reader = Arc::new(WindowReader {
        client: wrong,
        endpoint: endpoint(),
        params: BTreeMap::new(),
        personal: false,
        page_size: 100,
        slots: Arc::new(Slots::new(8)),
    });
    let windows = (0..20).map(|hour| Window::new(WINDOW.start + hour * 3600, WINDOW.start + (hour + 1) * 3600));
    let mut parts = read_windows(reader, endpoint(), windows, ReadOptions::default());
    let error = parts.next().await.unwrap().unwrap_err();
    assert!(matches!(error, wdt_fetch::WindowError::Fetch(FetchError::Credential { .. })), "{error}");
    assert_eq!(sim.call_count(), 1);
    assert!(parts.next().await.is_none());
}

#[tokio::test]
async fn a_compressed_answer_is_unpacked() {
    let clock = SharedClock::new(0);
    let mut config = simulator(50, &clock);
    config.forms.gzip = true;
    let sim = Sim::start(config).unwrap();
    let client = client(&sim.base_url(), &clock);
    assert_all_rows(&sim, &read_all(&client).await.unwrap());
}

#[tokio::test]
async fn a_wrong_secret_is_one_call_and_shown_in_the_platform_s_own_words() {
    let clock = SharedClock::new(0);
    let sim = Sim::start(simulator(10, &clock)).unwrap();
    let wrong = "not-the-secret-4711";
    let limiter = Arc::new(Limiter::new(0));
    let client = Client::new(config(&sim.base_url(), wrong), limiter, Arc::new(clock), Waits::none(), 1).unwrap();
    let error = client.page(endpoint(), &request(0)).await.unwrap_err();
    assert_eq!((error.kind(), sim.call_count()), (ErrorKind::Credential, 1));
    let text = error.to_string();
    let platform = error.platform_error().unwrap();
    assert!(
        text.contains(&platform.code) && text.contains(&platform.message) && !platform.message.is_empty(),
        "{text}"
    );
    assert!(text.starts_with("stock_query_detail.php page 0: credentials refused"), "{text}");
    let shown = format!("{error} {error:?} {client:?} {:?}", config("http://a", wrong));
    assert!(!shown.contains(wrong), "{shown}");
}

#[tokio::test]
async fn refused_parameters_and_rights_are_not_tried_again() {
    let clock = SharedClock::new(0);
    let sim = Sim::start(simulator(10, &clock)).unwrap();
    let client = client(&sim.base_url(), &clock);
    for (code, message, kind) in [
        (2104, "时间跨度", ErrorKind::Parameter),
        (1, "无仓库访问权限", ErrorKind::Permission),
        (1, "?", ErrorKind::Parameter),
    ] {
        sim.inject(Fault::BusinessCode { code, message: message.to_owned() });
        let calls = sim.call_count();
        assert_eq!(client.page(endpoint(), &request(0)).await.unwrap_err().kind(), kind, "{code}");
        assert_eq!(sim.call_count(), calls + 1, "{code}");
    }
}

#[tokio::test]
async fn broken_answers_of_every_kind_cost_retries_but_no_row_and_give_no_half_row() {
    let kinds = [
        Fault::Html,
        Fault::CutJson,
        Fault::BrokenTransfer,
        Fault::Status(502),
        Fault::Status(429),
        Fault::NoTotal,
        Fault::Redirect("http://elsewhere.invalid/".to_owned()),
        Fault::BusinessCode { code: 1013, message: String::new() },
    ];
    for kind in kinds {
        let clock = SharedClock::new(0);
        let mut config = simulator(730, &clock);
        // Five faults, fewer than any page is tried again; the first meets page 0.
        let fault = kind.clone();
        config.faults = FaultPlan::Script(Arc::new(move |call| (call % 3 == 1 && call < 15).then(|| fault.clone())));
        let sim = Sim::start(config).unwrap();
        let client = client(&sim.base_url(), &clock);
        let parts = read_all(&client).await.unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        assert_all_rows(&sim, &parts);
        assert!(parts.iter().all(|part| part.refused.is_empty()), "{kind:?}");
        // A missing total matters on the first page only.
        let retries = if kind == Fault::NoTotal { 1..=5 } else { 5..=5 };
        assert!(retries.contains(&client.counters().retries), "{kind:?}: {:?}", client.counters());
    }
}

#[tokio::test]
async fn a_platform_that_stays_broken_is_unavailable_after_bounded_attempts() {
    let cases = [
        (Fault::Html, 6, "not a JSON object"),
        (Fault::CutJson, 6, "cut"),
        (Fault::BrokenTransfer, 6, "broke off"),
        (Fault::Status(503), 6, "503"),
        (Fault::NoTotal, 6, "no total on the first page"),
        (Fault::Redirect("https://login.example.com/in?next=1".to_owned()), 6, "redirect to login.example.com refused"),
        (Fault::BusinessCode { code: 1013, message: String::new() }, 6, "1013"),
        (Fault::BusinessCode { code: 99_999, message: "?".to_owned() }, 3, "99999"),
    ];
    for (fault, attempts, words) in cases {
        let clock = SharedClock::new(0);
        let mut config = simulator(10, &clock);
        let always = fault.clone();
        config.faults = FaultPlan::Script(Arc::new(move |_| Some(always.clone())));
        let sim = Sim::start(config).unwrap();
        let error = client(&sim.base_url(), &clock).page(endpoint(), &request(0)).await.unwrap_err();
        assert_eq!((error.kind(), sim.call_count()), (ErrorKind::Unavailable, attempts), "{fault:?}");
        let text = error.to_string();
        assert!(text.contains(words) && text.contains(&format!("after {attempts} attempts")), "{fault:?}: {text}");
    }
}

#[tokio::test]
async fn every_attempt_is_signed_anew() {
    let clock = SharedClock::new(1);
    let sim = Sim::start(simulator(10, &clock)).unwrap();
    sim.inject(Fault::Status(500));
    client(&sim.base_url(), &clock).page(endpoint(), &request(0)).await.unwrap();
    let calls = sim.calls();
    let times: Vec<&str> = calls.iter().filter_map(|call: &Call| call.param("timestamp")).collect();
    assert_eq!(times.len(), 2);
    assert_ne!(times[0], times[1], "the second attempt has the time, and so the sign, of its own");
    assert_eq!(calls[1].code, 0, "the simulator checked the second signature");
}

#[tokio::test]
async fn a_wrong_local_clock_is_set_by_the_platform_s_and_costs_one_call() {
    for offset in [-3600, 3600] {
        let clock = SharedClock::new(0);
        let sim = Sim::start(simulator(10, &clock)).unwrap();
        let wrong = SharedClock { offset, ..clock.clone() };
        let client = client(&sim.base_url(), &wrong);
        assert_eq!(client.skew_ms(), None);
        client.page(endpoint(), &request(0)).await.unwrap();
        assert_eq!((sim.call_count(), client.skew_ms()), (2, Some(-offset * 1000)));
        assert_eq!(client.platform_now(), NOW * 1000);
        client.page(endpoint(), &request(0)).await.unwrap();
        assert_eq!(sim.call_count(), 3, "the skew is kept");
    }
}

#[tokio::test]
async fn the_platform_s_limit_lets_all_wait_and_loses_nothing() {
    let clock = SharedClock::new(4);
    let mut config = simulator(900, &clock);
    config.calls_per_minute = 5;
    let sim = Sim::start(config).unwrap();
    let limiter = Arc::new(Limiter::new(0));
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let client = Client::new(
        crate::calls::config(&sim.base_url(), SECRET),
        Arc::clone(&limiter),
        Arc::new(clock),
        Waits::none(),
        1,
    );
    let client = client.unwrap().observed(Arc::new(move |event| seen.lock().unwrap().push(event.clone())));
    assert_all_rows(&sim, &read_all(&client).await.unwrap());
    let pauses = events.lock().unwrap().iter().filter(|event| matches!(event, Event::Pause { .. })).count() as u64;
    assert!(pauses > 0 && sim.limit_breaches() > 0);
    assert_eq!(limiter.usage().pauses, pauses);
}

#[tokio::test]
async fn a_limit_that_never_ends_is_given_up() {
    for fault in [Fault::BusinessCode { code: 1012, message: "频率超限".to_owned() }, Fault::Status(429)] {
        let clock = SharedClock::new(0);
        let mut config = simulator(10, &clock);
        let always = fault.clone();
        config.faults = FaultPlan::Script(Arc::new(move |_| Some(always.clone())));
        let sim = Sim::start(config).unwrap();
        let client = client(&sim.base_url(), &clock);
        let error = client.page(endpoint(), &request(0)).await.unwrap_err();
        assert_eq!((error.kind(), sim.call_count()), (ErrorKind::Limited, 9), "{error}");
        let error = client.page(endpoint(), &request(1)).await.unwrap_err();
        assert_eq!(
            (error.kind(), sim.call_count()),
            (ErrorKind::Limited, 10),
            "other calls wait no second round: {error}"
        );
    }
}

#[tokio::test]
async fn a_parameter_that_cannot_be_signed_is_named_and_nothing_is_sent() {
    let clock = SharedClock::new(0);
    let sim = Sim::start(simulator(10, &clock)).unwrap();
    let client = client(&sim.base_url(), &clock);
    for value in ["", "WH-\u{1F600}"] {
        let params = [("warehouse_no".to_owned(), value.to_owned())].into();
        let error = client.page(endpoint(), &PageRequest { params, ..request(0) }).await.unwrap_err();
        assert!(error.to_string().contains("`warehouse_no`"), "{error}");
        assert_eq!((error.kind(), sim.call_count()), (ErrorKind::Configuration, 0));
    }
}

#[tokio::test]
async fn an_address_that_nobody_listens_on_is_unavailable() {
    let client = client("http://127.0.0.1:1/openapi2", &SharedClock::new(0));
    let error = client.page(endpoint(), &request(0)).await.unwrap_err();
    assert!(matches!(&error, FetchError::Unavailable { attempts: 6, .. }), "{error}");
    assert!(error.to_string().contains("no connection: "), "{error}");
}

#[test]
fn settings_that_are_no_addresses_are_refused_without_showing_the_proxy_s_password() {
    let clock = SharedClock::new(0);
    let build = |base_url: &str, proxy: Option<&str>| {
        let config = ClientConfig { proxy: proxy.map(str::to_owned), ..config(base_url, SECRET) };
        let shown = format!("{config:?}");
        assert!(!shown.contains("hush"), "{shown}");
        Client::new(config, Arc::new(Limiter::new(0)), Arc::new(clock.clone()), Waits::none(), 1).unwrap_err()
    };
    let error = build("no address", None);
    assert!(error.kind() == ErrorKind::Configuration && error.to_string().contains("base_url"), "{error}");
    let error = build("http://127.0.0.1:1/", Some("http://me:hush@[bad"));
    assert!(error.to_string().contains("proxy") && !error.to_string().contains("hush"), "{error}");
}

/// A server that gives each connection the next of the answers and keeps what it was sent.
async fn bare_server(answers: Vec<Vec<u8>>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/openapi2/", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&requests);
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut sent = vec![0; 16_384];
            let mut length = 0;
            while !ends(&sent[..length]) {
                length += stream.read(&mut sent[length..]).await.unwrap();
            }
            kept.lock().unwrap().push(String::from_utf8_lossy(&sent[..length]).into_owned());
            // The client may hang up before it has read everything.
            let _ = stream.write_all(&answer).await;
        }
    });
    (base_url, requests)
}

/// Whether the request's body is there.
fn ends(sent: &[u8]) -> bool {
    let text = String::from_utf8_lossy(sent);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.to_ascii_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn http(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

const EMPTY: &str = r#"{"code":0,"stocks":[],"total_count":"0"}"#;

#[tokio::test]
async fn the_request_is_a_form_post_without_the_secret() {
    let (base_url, requests) = bare_server(vec![http("200 OK", EMPTY)]).await;
    client(&base_url, &SharedClock::new(0)).page(endpoint(), &request(0)).await.unwrap();
    let sent = requests.lock().unwrap()[0].clone();
    let lower = sent.to_ascii_lowercase();
    assert!(sent.starts_with("POST /openapi2/stock_query_detail.php HTTP/1.1\r\n"), "{sent}");
    for header in
        ["content-type: application/x-www-form-urlencoded\r\n", "user-agent: wdt-etl/", "accept-encoding: gzip"]
    {
        assert!(lower.contains(header), "{sent}");
    }
    assert!(sent.contains("start_time=2023-11-") && sent.contains(&format!("timestamp={NOW}")), "{sent}");
    assert!(!sent.contains(SECRET), "{sent}");
}

#[tokio::test]
async fn an_answer_without_end_and_one_without_a_word_are_faults() {
    let mut endless = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
    endless.resize(endless.len() + (64 << 20) + 1, b' ');
    let silent = Vec::new();
    let half_understood = http("200 OK", r#"{"code":0,"stocks":[],"total_count":"3"}"#);
    let impossible = http("200 OK", r#"{"code":0,"stocks":[{}],"total_count":"0"}"#);
    let failed = http("500 Internal Server Error", EMPTY);
    let answers = vec![endless, silent, half_understood, impossible, failed, http("200 OK", EMPTY)];
    let (base_url, requests) = bare_server(answers).await;
    let reasons = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&reasons);
    let client = client(&base_url, &SharedClock::new(0)).observed(Arc::new(move |event| {
        if let Event::Retry { reason, .. } = event {
            seen.lock().unwrap().push(reason.clone());
        }
    }));
    let answer = client.page(endpoint(), &request(0)).await.unwrap();
    assert_eq!((answer.total, requests.lock().unwrap().len()), (Some(0), 6));
    let reasons = reasons.lock().unwrap();
    let wanted =
        ["larger than", "request failed", "a total, but no record", "records, but a total of 0", "http status 500"];
    assert!(reasons.iter().zip(wanted).all(|(reason, words)| reason.contains(words)), "{reasons:?}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_timed_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/openapi2", listener.local_addr().unwrap());
    let total = std::time::Duration::from_millis(20);
    let config = ClientConfig { timeouts: Timeouts { total, ..Timeouts::default() }, ..config(&base_url, SECRET) };
    let client =
        Client::new(config, Arc::new(Limiter::new(0)), Arc::new(SharedClock::new(0)), Waits::none(), 1).unwrap();
    let error = client.page(endpoint(), &request(0)).await.unwrap_err();
    assert!(error.to_string().ends_with("after 6 attempts: timed out"), "{error}");
}

#[tokio::test]
async fn a_broken_answer_does_not_set_the_clock() {
    let stamped = |status: &str, body: &str| {
        let date = "Date: Tue, 15 Nov 1994 08:12:31 GMT\r\nContent-Length";
        String::from_utf8(http(status, body)).unwrap().replacen("Content-Length", date, 1).into_bytes()
    };
    let answers = vec![stamped("200 OK", "<html>"), http("200 OK", EMPTY), stamped("200 OK", EMPTY)];
    let (base_url, _) = bare_server(answers).await;
    let client = client(&base_url, &SharedClock::new(0));
    client.page(endpoint(), &request(0)).await.unwrap();
    assert_eq!(client.skew_ms(), None);
    client.page(endpoint(), &request(0)).await.unwrap();
    assert_eq!(client.skew_ms(), Some((784_887_151 - NOW) * 1000));
}

#[test]
fn the_endpoint_of_these_tests_counts_pages_from_zero() {
    let Endpoint { paging, .. } = endpoint();
    assert_eq!(paging.first, 0);
}
