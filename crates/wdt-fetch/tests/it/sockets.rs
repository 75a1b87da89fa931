//! Answers over bare sockets: what no simulator does, and what one platform alone says.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wdt_fetch::{
    AccountKeys, Client, ClientBuilder, Clock, Credentials, ErrorKind, Event, Limiter, PageRequest, Params, Target,
    Timeouts, Waits,
};
use wdt_models::time::{Millis, Seconds};
use wdt_models::{Endpoint, Gateway, Slice, Window};
use wdt_sign::Secret;

use crate::moving::{NOW, endpoint};

/// Both halves, as one of the gateways wants it.
pub(crate) const SECRET: &str = "hush-secret-0123456789:hush-salt-9876";
pub(crate) const WINDOW: Window = Window::new(Seconds(NOW - 20 * 86_400), Seconds(NOW - 3600));

/// A clock that both sides read; a reading may move it on.
#[derive(Debug, Clone)]
pub(crate) struct SharedClock {
    seconds: Arc<AtomicI64>,
    step: i64,
    offset: i64,
}

impl SharedClock {
    pub(crate) fn new(step: i64) -> Self {
        Self { seconds: Arc::new(AtomicI64::new(NOW)), step, offset: 0 }
    }

    /// The same clock, set wrong by so many seconds.
    pub(crate) fn set_wrong(&self, offset: i64) -> Self {
        Self { offset, ..self.clone() }
    }

    pub(crate) fn read(&self) -> i64 {
        self.seconds.fetch_add(self.step, Ordering::Relaxed) + self.offset
    }
}

impl Clock for SharedClock {
    fn now(&self) -> Millis {
        Millis(self.read() * 1000)
    }
}

/// A client on its way that is not limited.
pub(crate) fn config(gateway: Gateway, base_url: &str) -> ClientBuilder {
    let keys = AccountKeys {
        sid: Some("sid".into()),
        app_key: "app-key".into(),
        app_secret: Some(Secret::new(SECRET)),
        session: Some(Secret::new("hush-session")),
        sign_method: None,
    };
    let credentials = Credentials::new(gateway, keys).unwrap();
    let client = Client::builder(base_url, credentials).limiter(Arc::new(Limiter::new(0)));
    client.clock(Arc::new(SharedClock::new(0))).waits(Waits::none()).seed(1)
}

fn client_of(gateway: Gateway, base_url: &str, waits: Waits) -> Client {
    config(gateway, base_url).waits(waits).build().unwrap()
}

fn client(base_url: &str) -> Client {
    client_of(Gateway::Enterprise, base_url, Waits::none())
}

fn request(page_no: u32) -> PageRequest {
    let (method, target) = (endpoint().method(), Target::Window(WINDOW));
    PageRequest { method, target, page_no, page_size: 100, params: Params::new(), personal: false }
}

/// A server that gives each connection the next of the answers and keeps what it was sent.
pub(crate) async fn bare_server(answers: Vec<Vec<u8>>) -> (String, Arc<Mutex<Vec<String>>>) {
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

pub(crate) fn http(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into_bytes()
}

const EMPTY: &str = r#"{"code":0,"stocks":[],"total_count":"0"}"#;

#[tokio::test]
async fn the_request_is_a_form_post_without_the_secret() {
    let (base_url, requests) = bare_server(vec![http("200 OK", EMPTY)]).await;
    client(&base_url).page(endpoint(), &request(0)).await.unwrap();
    let sent = requests.lock().unwrap()[0].clone();
    let lower = sent.to_ascii_lowercase();
    assert!(sent.starts_with("POST /openapi2/stock_query_detail.php HTTP/1.1\r\n"), "{sent}");
    for header in [
        "content-type: application/x-www-form-urlencoded;charset=utf-8\r\n",
        "user-agent: wdt-etl/",
        "accept-encoding: gzip",
    ] {
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
    let client = config(Gateway::Enterprise, &base_url).observer(Arc::new(move |event| {
        if let Event::Retry { reason, .. } = event {
            seen.lock().unwrap().push(reason.clone());
        }
    }));
    let client = client.build().unwrap();
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
    let total = Duration::from_millis(20);
    let timeouts = Timeouts { total, ..Timeouts::default() };
    let client = config(Gateway::Enterprise, &base_url).timeouts(timeouts).build().unwrap();
    let error = client.page(endpoint(), &request(0)).await.unwrap_err();
    assert!(error.to_string().ends_with("after 6 attempts: timed out"), "{error}");
}

#[tokio::test]
async fn a_broken_answer_does_not_set_the_clock() {
    let stamped = |date: &str, body: &str| {
        let date = format!("Date: {date} GMT\r\nContent-Length");
        String::from_utf8(http("200 OK", body)).unwrap().replacen("Content-Length", &date, 1).into_bytes()
    };
    let answers = vec![
        stamped("Tue, 15 Nov 1994 08:12:31", "<html>"),
        http("200 OK", EMPTY),
        // NOW and five seconds
        stamped("Sun, 26 Nov 2023 12:00:05", EMPTY),
    ];
    let (base_url, _) = bare_server(answers).await;
    let client = client(&base_url);
    client.page(endpoint(), &request(0)).await.unwrap();
    assert_eq!(client.skew_ms(), None);
    client.page(endpoint(), &request(0)).await.unwrap();
    assert_eq!(client.skew_ms(), Some(5000));
}

#[test]
fn the_endpoint_of_these_tests_counts_pages_from_zero() {
    assert_eq!(endpoint().method().paging.first, 0);
}

fn inventory() -> &'static Endpoint {
    wdt_models::endpoints::find("cainiao_inventory").unwrap()
}

fn first_of_slice() -> PageRequest {
    let pairs = [("store_code", "S"), ("type", "1"), ("inventory_type", "1")];
    let slice = Slice(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec());
    let (method, target) = (inventory().method(), Target::Slice(slice));
    PageRequest { method, target, page_no: 1, page_size: 50, params: Params::new(), personal: false }
}

/// An answer of the third gateway with one item.
fn item(members: &str) -> String {
    let list = format!(r#"{{"wms_inventory_query_itemlist":[{{"item":{{{members}}}}}]}}"#);
    format!(r#"{{"wlb_wms_inventory_query_response":{{"item_list":{list},"total_count":1,"wl_success":true}}}}"#)
}

/// The limit, in the words of the third gateway.
fn limited(words: &str) -> Vec<u8> {
    let error = format!(r#"{{"code":7,"msg":"App Call Limited","sub_code":"accesscontrol.x","sub_msg":"{words}"}}"#);
    http("200 OK", &format!(r#"{{"error_response":{error}}}"#))
}

const ITEM: &str = r#""item_id":"1","store_code":"S","inventory_type":1,"quantity":3"#;

#[tokio::test]
async fn a_named_wait_is_kept_and_the_call_made_again() {
    let (base_url, requests) =
        bare_server(vec![limited("This ban will last for 2 more seconds"), http("200 OK", &item(ITEM))]).await;
    let answer = client_of(Gateway::Top, &base_url, Waits::none()).page(inventory(), &first_of_slice()).await.unwrap();
    assert_eq!((answer.total, requests.lock().unwrap().len()), (Some(1), 2));

    // With waits as they are on a real platform; the test does not sit them out.
    let (base_url, _) = bare_server(vec![limited("This ban will last for 299 more seconds")]).await;
    let (sender, mut waits) = tokio::sync::mpsc::unbounded_channel();
    let client = config(Gateway::Top, &base_url).waits(Waits::default()).observer(Arc::new(move |event| {
        if let Event::Pause { wait, .. } = event {
            sender.send(*wait).unwrap();
        }
    }));
    let client = client.build().unwrap();
    let request = first_of_slice();
    tokio::select! {
        answer = client.page(inventory(), &request) => panic!("{answer:?}"),
        wait = waits.recv() => assert_eq!(wait, Some(Duration::from_mins(5))),
    }
}

#[tokio::test]
async fn a_wait_of_more_than_five_minutes_is_given_up_with_the_time_to_come_back() {
    let (base_url, requests) = bare_server(vec![limited("This ban will last for 31062 more seconds")]).await;
    let client = client_of(Gateway::Top, &base_url, Waits::none());
    let error = client.page(inventory(), &first_of_slice()).await.unwrap_err();
    assert_eq!((error.kind(), requests.lock().unwrap().len()), (ErrorKind::Limited, 1));
    let text = error.to_string();
    assert!(text.contains("still limited after 1 attempt: code 7 "), "{text}");
    // NOW is 2023-11-26 20:00:00 in Asia/Shanghai
    assert!(text.ends_with("run again after 2023-11-27 04:37:43"), "{text}");
}

#[tokio::test]
async fn control_characters_as_they_are_are_repaired_on_the_gateway_that_sends_them() {
    let members = ITEM.replace("\"S\"", "\"S\t\n\"");
    let (base_url, requests) = bare_server(vec![http("200 OK", &item(&members))]).await;
    let client_of_top = client_of(Gateway::Top, &base_url, Waits::none());
    let slice = Target::Slice(Slice(vec![("type".to_owned(), "1".to_owned())]));
    let answer = client_of_top.page(inventory(), &PageRequest { target: slice, ..first_of_slice() }).await.unwrap();
    assert_eq!((answer.decoded.batch.num_rows(), requests.lock().unwrap().len()), (1, 1));

    let raw = http("200 OK", "{\"code\":0,\"stocks\":[],\"total_count\":\"0\",\"message\":\"a\tb\"}");
    let (base_url, requests) = bare_server(vec![raw, http("200 OK", EMPTY)]).await;
    client(&base_url).page(endpoint(), &request(0)).await.unwrap();
    assert_eq!(requests.lock().unwrap().len(), 2, "elsewhere such an answer is a broken one");

    let (cut, whole) = (item(&members), http("200 OK", &item(ITEM)));
    let (base_url, requests) = bare_server(vec![http("200 OK", &cut[..cut.len() - 3]), whole]).await;
    client_of(Gateway::Top, &base_url, Waits::none()).page(inventory(), &first_of_slice()).await.unwrap();
    assert_eq!(requests.lock().unwrap().len(), 2, "what cannot be repaired is tried again");
}

#[tokio::test]
async fn no_error_shows_what_travels_in_the_address() {
    let stock = wdt_models::endpoints::find("flagship_stock").unwrap();
    let request = PageRequest { method: stock.method(), ..request(0) };
    let answers = [
        "",
        "HTTP/1.1 99 nonsense\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: ?x=1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{",
    ];
    for answer in answers {
        let (base_url, requests) = bare_server(vec![answer.as_bytes().to_vec(); 6]).await;
        let client = client_of(Gateway::Flagship, &base_url, Waits::none());
        let error = client.page(stock, &request).await.unwrap_err();
        assert!(requests.lock().unwrap()[0].contains("salt=hush-salt-9876"), "this is where it travels");
        let shown = format!("{error} {error:?} {client:?}");
        assert!(!shown.contains("hush"), "{answer:?}: {shown}");
    }
    let client = client_of(Gateway::Flagship, "http://127.0.0.1:1/openapi", Waits::none());
    let error = client.page(stock, &request).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hush"), "{error:?}");
}
