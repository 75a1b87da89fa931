//! Calls over real sockets to the simulator: what holds on every gateway, tried on one.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use wdt_fetch::{
    AccountKeys, CertifiedPart, Client, ClientBuilder, Credentials, ErrorKind, Event, FetchError, Limiter, PageRequest,
    Params, ReadOptions, Slots, Target, Waits, WindowReader, read_window, read_windows,
};
use wdt_models::time::Seconds;
use wdt_models::{Gateway, Window};
use wdt_sign::Secret;
use wdt_sim::{Account, Call, Fault, FaultPlan, Sim, SimConfig};

use crate::moving::{NOW, endpoint};
use crate::sockets::{SharedClock, WINDOW};

const HERE: Gateway = Gateway::Enterprise;

/// The simulator's account of a gateway, with keys of the test's choice.
pub(crate) fn credentials(gateway: Gateway, change: impl FnOnce(&mut AccountKeys)) -> Credentials {
    let Account { sid, app_key, secret, session, .. } = Account::example(gateway);
    let mut keys = AccountKeys { sid: Some(sid), app_key, app_secret: Some(secret), session, sign_method: None };
    change(&mut keys);
    Credentials::new(gateway, keys).unwrap()
}

/// A client on its way that neither waits nor is limited, with keys of the test's choice.
pub(crate) fn config(gateway: Gateway, base_url: &str, change: impl FnOnce(&mut AccountKeys)) -> ClientBuilder {
    let client = Client::builder(base_url, credentials(gateway, change)).limiter(Arc::new(Limiter::new(0)));
    client.waits(Waits::none()).seed(1)
}

pub(crate) fn client_with(config: ClientBuilder, clock: &SharedClock) -> Client {
    config.clock(Arc::new(clock.clone())).build().unwrap()
}

fn client(base_url: &str, clock: &SharedClock) -> Client {
    client_with(config(HERE, base_url, |_| {}), clock)
}

fn with_secret(base_url: &str, secret: &str) -> ClientBuilder {
    config(HERE, base_url, |keys| keys.app_secret = Some(Secret::new(secret)))
}

fn request(page_no: u32) -> PageRequest {
    let (method, target) = (endpoint().method(), Target::Window(WINDOW));
    PageRequest { method, target, page_no, page_size: 100, params: Params::new(), personal: false }
}

pub(crate) fn platform(clock: &SharedClock) -> wdt_sim::Clock {
    let clock = clock.clone();
    Arc::new(move || clock.read())
}

pub(crate) fn simulator(rows: u32, clock: &SharedClock) -> SimConfig {
    let mut config = SimConfig::new(platform(clock)).with_rows(endpoint().dataset, rows);
    config.seed = 7;
    config.span = Some(WINDOW);
    config
}

pub(crate) fn reader(client: &Client) -> WindowReader {
    WindowReader {
        client: client.clone(),
        endpoint: endpoint(),
        method: endpoint().method(),
        params: Params::new(),
        personal: false,
        page_size: 100,
        slots: Arc::new(Slots::new(8)),
    }
}

pub(crate) async fn read_all(client: &Client) -> Result<Vec<CertifiedPart>, wdt_fetch::WindowError> {
    read_window(&reader(client), WINDOW, &ReadOptions::default()).await.map(|read| read.parts)
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

pub(crate) fn assert_all_rows(sim: &Sim, parts: &[CertifiedPart]) {
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
    let client = client(&sim.base_url(HERE), &clock);
    let parts = read_all(&client).await.unwrap();
    assert_all_rows(&sim, &parts);
    assert_eq!(
        (parts.len(), parts[0].certificate.distinct, parts[0].certificate.read_at),
        (1, 730, Seconds(NOW).millis())
    );
    let counters = client.counters();
    assert_eq!((counters.calls, counters.retries, counters.waits, sim.call_count()), (9, 0, 0, 9));
    assert!(counters.bytes > 100_000);
}

#[tokio::test]
async fn a_wrong_secret_costs_one_call_however_many_windows_wait() {
    let clock = SharedClock::new(0);
    let sim = Sim::start(simulator(300, &clock)).unwrap();
    let reader = Arc::new(reader(&client_with(with_secret(&sim.base_url(HERE), "another-secret"), &clock)));
    let windows = (0..20).map(|hour| Window::new(WINDOW.start + hour * 3600, WINDOW.start + (hour + 1) * 3600));
    let mut parts = read_windows(reader, windows, ReadOptions::default());
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
    let client = client(&sim.base_url(HERE), &clock);
    assert_all_rows(&sim, &read_all(&client).await.unwrap());
}

#[tokio::test]
async fn a_wrong_secret_is_one_call_and_shown_in_the_platform_s_own_words() {
    let clock = SharedClock::new(0);
    let sim = Sim::start(simulator(10, &clock)).unwrap();
    let wrong = "not-the-secret-4711";
    let client = client_with(with_secret(&sim.base_url(HERE), wrong), &clock);
    let error = client.page(endpoint(), &request(0)).await.unwrap_err();
    assert_eq!((error.kind(), sim.call_count()), (ErrorKind::Credential, 1));
    let text = error.to_string();
    let platform = error.platform_error().unwrap();
    assert!(
        text.contains(&platform.code) && text.contains(&platform.message) && !platform.message.is_empty(),
        "{text}"
    );
    assert!(text.starts_with("stock_query_detail.php page 0: credentials refused"), "{text}");
    let shown = format!("{error} {error:?} {client:?} {:?}", with_secret("http://a", wrong));
    assert!(!shown.contains(wrong), "{shown}");
}

#[tokio::test]
async fn refused_parameters_and_rights_are_not_tried_again() {
    let clock = SharedClock::new(0);
    let sim = Sim::start(simulator(10, &clock)).unwrap();
    let client = client(&sim.base_url(HERE), &clock);
    for (code, message, kind) in [
        ("2104", "时间跨度", ErrorKind::Parameter),
        ("1", "无仓库访问权限", ErrorKind::Permission),
        ("1", "?", ErrorKind::Parameter),
    ] {
        sim.inject(Fault::platform(code, message));
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
        Fault::platform("1013", ""),
    ];
    for kind in kinds {
        let clock = SharedClock::new(0);
        let mut config = simulator(730, &clock);
        // Five faults, fewer than any page is tried again; the first meets page 0.
        let fault = kind.clone();
        config.faults = FaultPlan::Script(Arc::new(move |call| (call % 3 == 1 && call < 15).then(|| fault.clone())));
        let sim = Sim::start(config).unwrap();
        let client = client(&sim.base_url(HERE), &clock);
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
        (Fault::platform("1013", ""), 6, "1013"),
        (Fault::platform("99999", "?"), 3, "99999"),
    ];
    for (fault, attempts, words) in cases {
        let clock = SharedClock::new(0);
        let mut config = simulator(10, &clock);
        let always = fault.clone();
        config.faults = FaultPlan::Script(Arc::new(move |_| Some(always.clone())));
        let sim = Sim::start(config).unwrap();
        let error = client(&sim.base_url(HERE), &clock).page(endpoint(), &request(0)).await.unwrap_err();
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
    client(&sim.base_url(HERE), &clock).page(endpoint(), &request(0)).await.unwrap();
    let calls = sim.calls();
    let times: Vec<&str> = calls.iter().filter_map(|call: &Call| call.param("timestamp")).collect();
    assert_eq!(times.len(), 2);
    assert_ne!(times[0], times[1], "the second attempt has the time, and so the sign, of its own");
    assert_eq!(calls[1].code, "0", "the simulator checked the second signature");
}

#[tokio::test]
async fn the_platform_s_limit_lets_all_wait_and_loses_nothing() {
    let clock = SharedClock::new(4);
    let mut config = simulator(900, &clock);
    config.calls_per_minute = 3;
    let sim = Sim::start(config).unwrap();
    let limiter = Arc::new(Limiter::new(0));
    let events = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&events);
    let config = self::config(HERE, &sim.base_url(HERE), |_| {}).limiter(Arc::clone(&limiter));
    let config = config.observer(Arc::new(move |event| seen.lock().unwrap().push(event.clone())));
    let client = client_with(config, &clock);
    assert_all_rows(&sim, &read_all(&client).await.unwrap());
    let pauses = events.lock().unwrap().iter().filter(|event| matches!(event, Event::Pause { .. })).count() as u64;
    assert!(pauses > 0 && sim.limit_breaches() > 0);
    assert_eq!(limiter.usage().pauses, pauses);
}

#[tokio::test]
async fn a_limit_that_never_ends_is_given_up() {
    for fault in [Fault::platform("1012", "频率超限"), Fault::Status(429)] {
        let clock = SharedClock::new(0);
        let mut config = simulator(10, &clock);
        let always = fault.clone();
        config.faults = FaultPlan::Script(Arc::new(move |_| Some(always.clone())));
        let sim = Sim::start(config).unwrap();
        let client = client(&sim.base_url(HERE), &clock);
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
    let client = client(&sim.base_url(HERE), &clock);
    for value in ["", "WH-\u{1F600}"] {
        let params = [("warehouse_no".to_owned(), value.into())].into();
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
        let config = config(HERE, base_url, |_| {}).proxy(proxy.map(str::to_owned));
        let shown = format!("{config:?}");
        assert!(!shown.contains("hush"), "{shown}");
        config.clock(Arc::new(clock.clone())).build().unwrap_err()
    };
    let error = build("no address", None);
    assert!(error.kind() == ErrorKind::Configuration && error.to_string().contains("base_url"), "{error}");
    let error = build("http://127.0.0.1:1/", Some("http://me:hush@[bad"));
    assert!(error.to_string().contains("proxy") && !error.to_string().contains("hush"), "{error}");
}
