//! A gateway written from the protocol's description alone: its own HTTP, its own signature, its own paging.
//!
//! It shares no line with the simulator or the client, so that a misreading common to those two is found. What a call
//! does against the rules is noted; a test asks for the notes at its end.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use chrono::NaiveDateTime;
use md5::{Digest as _, Md5};

use crate::support::{SECRET, now};

pub(crate) const SID: &str = "merchant9";
pub(crate) const APP_KEY: &str = "merchant9-ot";
/// Every parameter the description names for a pull.
const PARAMETERS: &[&str] = &[
    "sid",
    "appkey",
    "timestamp",
    "sign",
    "start_time",
    "end_time",
    "page_no",
    "page_size",
    "warehouse_no",
    "shop_no",
];

/// How answers are written and sent.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "habits are independent of each other")]
pub(crate) struct Habits {
    /// Newest rows first.
    pub(crate) descending: bool,
    /// Rows by key instead of by time.
    pub(crate) by_key: bool,
    /// Lines, indentation and CRLF, one more of them behind the body.
    pub(crate) pretty: bool,
    /// A byte order mark in front of the body.
    pub(crate) bom: bool,
    /// Members of every object from the last to the first.
    pub(crate) reversed: bool,
    /// The member `code` of a success.
    pub(crate) code: &'static str,
    /// The member `message` of a success, if it has one.
    pub(crate) message: Option<&'static str>,
    /// Put around the total.
    pub(crate) total_mark: &'static str,
    /// The member `total_count` of later pages, if they have one.
    pub(crate) later_total: Option<&'static str>,
    /// The list of an answer without rows, if it has one.
    pub(crate) empty: Option<&'static str>,
    /// Odd pages write their rows as an object.
    pub(crate) objects: bool,
    /// How names of headers are written.
    pub(crate) header: fn(&str) -> String,
    pub(crate) framing: Framing,
    /// How far the `Date` header and the clock are ahead; without it there is no such header.
    pub(crate) ahead: Option<i64>,
}

/// How the end of a body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Length,
    Chunked,
    Close,
}

/// A row as it goes over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Where it stands among rows of one second.
    pub(crate) key: (i64, i64),
    /// Epoch seconds.
    pub(crate) modified: i64,
    /// What `warehouse_no` or `shop_no` filters by.
    pub(crate) place: &'static str,
    /// Name and JSON text of each member but `modified`.
    pub(crate) members: Vec<(&'static str, String)>,
}

/// A running gateway.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) base_url: String,
    state: Arc<Mutex<State>>,
}

struct State {
    habits: Habits,
    stock: Vec<Row>,
    goods: Vec<Row>,
    calls: usize,
    wrongs: Vec<String>,
    /// The key of a stock row that is edited as soon as a second page of its window was answered.
    restless: Option<(i64, i64)>,
}

type Form = Vec<(String, String)>;

impl Gateway {
    /// Answers from threads of its own until the test process ends.
    pub(crate) fn start(habits: Habits, stock: Vec<Row>, goods: Vec<Row>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}/some/folder/openapi2/", listener.local_addr().unwrap());
        let state = State { habits, stock, goods, calls: 0, wrongs: Vec::new(), restless: None };
        let gateway = Self { base_url, state: Arc::new(Mutex::new(state)) };
        let serving = gateway.clone();
        thread::spawn(move || {
            for stream in listener.incoming().map(Result::unwrap) {
                let connection = serving.clone();
                thread::spawn(move || connection.serve(&stream));
            }
        });
        gateway
    }

    /// Calls so far; none of them may have been against the rules.
    #[track_caller]
    pub(crate) fn calls(&self) -> usize {
        let state = self.state.lock().unwrap();
        assert_eq!(state.wrongs, [""; 0]);
        state.calls
    }

    /// Edits this row while its window is read.
    pub(crate) fn make_restless(&self, key: (i64, i64)) {
        self.state.lock().unwrap().restless = Some(key);
    }

    /// Whether the row that was to be edited has been.
    pub(crate) fn has_moved(&self) -> bool {
        self.state.lock().unwrap().restless.is_none()
    }

    /// Changes the stock rows.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Vec<Row>)) {
        change(&mut self.state.lock().unwrap().stock);
    }

    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        while let Some((line, headers, body)) = request(&mut reader) {
            let (habits, text) = self.answer(&line, &headers, &body);
            // a client that hangs up is its own business
            if send(stream, &habits, text.as_bytes()).is_err() || habits.framing == Framing::Close {
                break;
            }
        }
    }

    fn answer(&self, line: &str, headers: &[String], body: &str) -> (Habits, String) {
        let mut state = self.state.lock().unwrap();
        state.calls += 1;
        let answer = state.page(line, headers, body).unwrap_or_else(|wrong| {
            state.wrongs.push(format!("{wrong}: {line} {body}"));
            format!("{{\"code\":1,\"message\":\"{wrong}\"}}")
        });
        (state.habits, answer)
    }
}

impl State {
    fn page(&mut self, line: &str, headers: &[String], body: &str) -> Result<String, String> {
        let (list, filter) = match line {
            "POST /some/folder/openapi2/stock_query_detail.php HTTP/1.1" => ("stocks", "warehouse_no"),
            "POST /some/folder/openapi2/vip_api_goods_query.php HTTP/1.1" => ("goods_list", "shop_no"),
            _ => return Err("no such method".to_owned()),
        };
        let form = form(headers, body)?;
        check_caller(&form, now() + self.habits.ahead.unwrap_or_default())?;
        let get = |name: &str| form.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
        let number = |name: &str| get(name).and_then(|text| text.parse::<usize>().ok()).ok_or(name.to_owned());
        let (page, size) = (number("page_no")?, number("page_size")?);
        let (start, end) = (instant(get("start_time"))?, instant(get("end_time"))?);
        if !(1..=100).contains(&size) || end < start || end - start > 30 * 86_400 {
            return Err("a page or a window of a size that is not allowed".to_owned());
        }
        let rows = if list == "stocks" { &self.stock } else { &self.goods };
        let matches =
            |row: &&Row| (start..=end).contains(&row.modified) && get(filter).is_none_or(|place| place == row.place);
        let mut found: Vec<&Row> = rows.iter().filter(matches).collect();
        let by_key = self.habits.by_key;
        found.sort_by_key(|row| if by_key { (0, row.key) } else { (row.modified, row.key) });
        if self.habits.descending {
            found.reverse();
        }
        let shown: Vec<&Row> = found.iter().skip(page * size).take(size).copied().collect();
        let text = self.habits.text(list, &shown, found.len(), page);
        let restless = self.restless.filter(|key| page > 0 && found.iter().any(|row| row.key == *key));
        if let Some(key) = restless {
            self.restless = None;
            self.stock.iter_mut().filter(|row| row.key == key).for_each(|row| row.modified = now());
        }
        Ok(text)
    }
}

impl Habits {
    fn text(&self, list: &str, rows: &[&Row], total: usize, page: usize) -> String {
        let total = match page {
            0 => Some(format!("{0}{total}{0}", self.total_mark)),
            _ => self.later_total.map(str::to_owned),
        };
        let records = rows.iter().map(|row| self.record(row));
        let rows = match rows {
            [] => self.empty.map(str::to_owned),
            _ if self.objects && page % 2 == 1 => {
                Some(self.object(records.enumerate().map(|(at, row)| (format!("{}", 3 * at + 1), row)).collect()))
            }
            _ => Some(format!("[{}]", records.collect::<Vec<_>>().join(self.between()))),
        };
        let members = [
            ("code", Some(self.code.to_owned())),
            ("message", self.message.map(str::to_owned)),
            ("total_count", total),
            (list, rows),
            ("request_id", Some("\"r-1\"".to_owned())),
        ];
        let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let end = if self.pretty { "\r\n" } else { "" };
        format!("{}{}{end}", if self.bom { "\u{feff}" } else { "" }, self.object(members.collect()))
    }

    fn record(&self, row: &Row) -> String {
        let members = row.members.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        self.object(members.chain([("modified".to_owned(), format!("\"{}\"", wall_time(row.modified)))]).collect())
    }

    fn object(&self, mut members: Vec<(String, String)>) -> String {
        if self.reversed {
            members.reverse();
        }
        let colon = if self.pretty { "\" : " } else { "\":" };
        let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}{colon}{value}")).collect();
        let (open, close) = if self.pretty { ("{\r\n\t", "\r\n}") } else { ("{", "}") };
        format!("{open}{}{close}", members.join(self.between()))
    }

    fn between(&self) -> &'static str {
        if self.pretty { " ,\r\n\t" } else { "," }
    }
}

/// Wall time in China, without a library of the project.
pub(crate) fn wall_time(instant: i64) -> String {
    let moved = chrono::DateTime::from_timestamp(instant + 8 * 3_600, 0).unwrap();
    moved.format("%Y-%m-%d %H:%M:%S").to_string()
}

fn instant(text: Option<&str>) -> Result<i64, String> {
    let text = text.ok_or("no window")?;
    let parsed = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").map_err(|error| error.to_string())?;
    Ok(parsed.and_utc().timestamp() - 8 * 3_600)
}

fn form(headers: &[String], body: &str) -> Result<Form, String> {
    let kind = headers.iter().find(|header| header.to_lowercase().starts_with("content-type:"));
    if !kind.is_some_and(|kind| kind.contains("application/x-www-form-urlencoded")) {
        return Err("not a form".to_owned());
    }
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (unescaped(name), unescaped(value)));
    body.split('&').map(pair).collect::<Option<Form>>().ok_or_else(|| "not a form".to_owned())
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Names, account, time and signature, as section 1 of the description has them.
fn check_caller(form: &Form, now: i64) -> Result<(), String> {
    let mut sorted: Vec<&(String, String)> = form.iter().filter(|(name, _)| name != "sign").collect();
    sorted.sort();
    let of = |wanted: &str| form.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value.as_str());
    if let Some((name, _)) = form.iter().find(|(name, value)| value.is_empty() || !PARAMETERS.contains(&name.as_str()))
    {
        return Err(format!("parameter {name} is empty or unknown"));
    }
    if sorted.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err("a parameter stands twice".to_owned());
    }
    if (of("sid"), of("appkey")) != (SID, APP_KEY) {
        return Err("sid is not known".to_owned());
    }
    let timestamp = of("timestamp");
    if timestamp.len() != 10 || !timestamp.parse::<i64>().is_ok_and(|time| (time - now).abs() <= 300) {
        return Err("timestamp".to_owned());
    }
    let mut packed = String::new();
    for (name, value) in sorted {
        let end = if packed.is_empty() { "" } else { ";" };
        let (names, values) = (name.chars().count(), value.chars().count());
        write!(packed, "{end}{names:02}-{name}:{values:04}-{value}").unwrap();
    }
    let digest = Md5::digest(packed + SECRET);
    let mut sign = String::new();
    digest.iter().for_each(|byte| write!(sign, "{byte:02x}").unwrap());
    if of("sign") == sign { Ok(()) } else { Err("sign".to_owned()) }
}

/// The first line, the headers and the body; none at the end of the connection.
fn request(reader: &mut BufReader<&TcpStream>) -> Option<(String, Vec<String>, String)> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let length = lines.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length?];
    reader.read_exact(&mut body).ok()?;
    let line = lines.remove(0);
    Some((line, lines, String::from_utf8(body).ok()?))
}

fn send(mut stream: &TcpStream, habits: &Habits, body: &[u8]) -> std::io::Result<()> {
    let mut headers = vec![("Content-Type", "application/json;charset=utf-8".to_owned())];
    if let Some(ahead) = habits.ahead {
        let time = chrono::DateTime::from_timestamp(now() + ahead, 0).unwrap();
        headers.push(("Date", time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()));
    }
    headers.push(match habits.framing {
        Framing::Length => ("Content-Length", body.len().to_string()),
        Framing::Chunked => ("Transfer-Encoding", "chunked".to_owned()),
        Framing::Close => ("Connection", "close".to_owned()),
    });
    let mut bytes = b"HTTP/1.1 200 OK\r\n".to_vec();
    for (name, value) in headers {
        bytes.extend(format!("{}: {value}\r\n", (habits.header)(name)).into_bytes());
    }
    bytes.extend(b"\r\n");
    if habits.framing == Framing::Chunked {
        // an odd size, so that pieces end inside of characters
        for piece in body.chunks(997) {
            bytes.extend(format!("{:x}\r\n", piece.len()).into_bytes());
            bytes.extend(piece);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n\r\n");
    } else {
        bytes.extend(body);
    }
    stream.write_all(&bytes)?;
    stream.flush()
}
