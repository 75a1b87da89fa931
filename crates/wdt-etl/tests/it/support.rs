//! The binary as a child process: a folder with a configuration, a clean environment, what it printed and what it landed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use arrow::array::{Array, AsArray as _};
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, Days, NaiveDate, SecondsFormat};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use wdt_fetch::{Clock as _, SystemClock};
use wdt_models::time::{Seconds, format_wall_time, parse_wall_time};
use wdt_models::{Gateway, Window, endpoints};
use wdt_sim::{Account, Sim, SimConfig};

/// Decides every row the simulator makes.
const SEED: u64 = 20_240_501;
/// Begin of every dataset, so that what is printed does not depend on today.
pub(crate) const START: &str = "2024-04-01 00:00:00";
/// End of most runs.
pub(crate) const UNTIL: &str = "2024-05-01 00:00:00";
/// First and last possible cursor of the simulator's rows; the first row stands at the first, in no second that two
/// windows share.
const SPAN: (&str, &str) = ("2024-04-01 00:00:30", "2024-04-29 00:00:00");
/// The secret of the account the simulator knows.
pub(crate) const SECRET: &str = "sim-secret-0123456789";
/// A secret nobody knows.
pub(crate) const WRONG_SECRET: &str = "other-secret-9876543210";
/// The variable that every configuration here takes its secret from.
pub(crate) const VARIABLE: &str = "MAIN_APP_SECRET";
/// Secrets of the simulator's accounts on the other gateways, in the parts they consist of.
const OTHER_SECRETS: [&str; 4] =
    ["sim-secret-abcdef", "sim-salt-fedcba", "sim-secret-top-4711", "sim-session-6100000000000815"];
/// Rows of each dataset.
pub(crate) const ROWS: u32 = 200;

/// Now, in epoch seconds.
pub(crate) fn now() -> i64 {
    SystemClock.now().floor_seconds().0
}

/// A simulated platform that answers from threads of its own.
pub(crate) struct Platform {
    sim: Sim,
    _runtime: Runtime,
}

impl Platform {
    /// One account on each gateway, [`ROWS`] rows of each dataset in [`SPAN`], no limit, no faults.
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    /// The same with some settings changed.
    pub(crate) fn with(change: impl FnOnce(&mut SimConfig)) -> Self {
        println!("seed {SEED}");
        let mut config = SimConfig::new(Arc::new(now));
        config.seed = SEED;
        config.span = Some(Window::new(parse_wall_time(SPAN.0).unwrap(), parse_wall_time(SPAN.1).unwrap()));
        for endpoint in endpoints::ALL {
            config = config.with_rows(endpoint.dataset, ROWS);
        }
        change(&mut config);
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let sim = runtime.block_on(async { Sim::start(config) }).unwrap();
        Self { sim, _runtime: runtime }
    }

    /// The address of the gateway that [`account`] names.
    pub(crate) fn url(&self) -> String {
        self.base_url(Gateway::Enterprise)
    }

    /// Keys of the rows the platform would answer with, sorted.
    pub(crate) fn keys(&self, dataset: &str) -> Vec<Vec<i64>> {
        let ledger = self.ledger(dataset).unwrap();
        let number = |text: Option<String>| text.unwrap().parse().unwrap();
        let key = |row| ledger.key_text(row).into_iter().map(number).collect();
        let mut keys: Vec<_> = ledger.rows().into_iter().map(key).collect();
        keys.sort_unstable();
        keys
    }
}

impl Deref for Platform {
    type Target = Sim;

    fn deref(&self) -> &Sim {
        &self.sim
    }
}

/// A folder to run the binary in, and the variables it sees: no others.
pub(crate) struct Home {
    folder: TempDir,
    variables: BTreeMap<String, String>,
}

impl Home {
    /// An empty folder; the secret is set.
    pub(crate) fn empty() -> Self {
        let variables = [(VARIABLE.to_owned(), SECRET.to_owned())].into();
        Self { folder: tempfile::tempdir().unwrap(), variables }
    }

    /// A folder with a configuration of one account `main` and both datasets.
    pub(crate) fn of(platform: &Platform) -> Self {
        Self::empty().configured(&configuration(&[account("main", &platform.url(), VARIABLE)]))
    }

    /// With that text as its configuration.
    pub(crate) fn configured(self, text: &str) -> Self {
        self.write("wdt-etl.toml", text);
        self
    }

    /// With a piece of the configuration replaced; the piece must be there.
    pub(crate) fn but(self, from: &str, to: &str) -> Self {
        let text = std::fs::read_to_string(self.path("wdt-etl.toml")).unwrap();
        assert!(text.contains(from), "{from} is not in\n{text}");
        self.configured(&text.replacen(from, to, 1))
    }

    /// With that variable.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With the secrets of an account that [`account_on`] names so.
    pub(crate) fn secrets_of(self, known: &Account, name: &str) -> Self {
        let upper = name.to_uppercase();
        let session = known.session.as_ref().map_or("", |session| session.expose());
        let home = self.variable(&format!("{upper}_SECRET"), known.secret.expose());
        home.variable(&format!("{upper}_SESSION"), session)
    }

    /// Without that variable.
    pub(crate) fn unset(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// With no waits after faults, which a debug build can be told.
    pub(crate) fn without_waits(self) -> Self {
        self.variable("WDT_ETL_TEST_NO_WAITS", "1")
    }

    /// The variables that the binary sees.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The binary, ready to start.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wdt-etl"));
        command.args(args).current_dir(self.folder.path()).env_clear();
        if self.path("wdt-etl.toml").exists() {
            // call limits are shared below the folder for temporary files: not with other tests
            command.env("TMPDIR", self.folder.path());
        }
        command.envs(&self.variables);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        let Output { status, stdout, stderr } = self.command(args).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).expect("what is printed is UTF-8");
        Ran::new(status.code(), text(stdout), text(stderr)).in_folder(self.folder.path())
    }

    /// `run` up to [`UNTIL`].
    pub(crate) fn load(&self) -> Ran {
        self.run(&["run", "--until", UNTIL])
    }

    /// Rows of a table of the warehouse in this folder.
    pub(crate) fn rows(&self, table: &str) -> Vec<Map<String, Value>> {
        rows(&self.path("warehouse").join(table))
    }

    /// Keys in the current table of a dataset, sorted.
    pub(crate) fn keys(&self, dataset: &str) -> Vec<Vec<i64>> {
        let key = endpoints::find(dataset).unwrap().key;
        let key_of = |row: Map<String, Value>| key.iter().map(|name| row[*name].as_i64().unwrap()).collect();
        let mut keys: Vec<Vec<i64>> = self.rows(dataset).into_iter().map(key_of).collect();
        keys.sort_unstable();
        keys
    }

    /// Newest version of a table.
    pub(crate) fn version(&self, table: &str) -> usize {
        commits(&self.path("warehouse").join(table)).len() - 1
    }
}

/// A whole configuration.
pub(crate) fn configuration(accounts: &[String]) -> String {
    format!("[warehouse]\nurl = \"warehouse\"\n\n[run]\nsettle = \"5m\"\n\n{}", accounts.join("\n"))
}

/// An account of the simulator's merchant with both datasets from [`START`].
pub(crate) fn account(name: &str, base_url: &str, variable: &str) -> String {
    let Account { sid, app_key, .. } = Account::example(Gateway::Enterprise);
    let dataset = |name: &str| format!("[[accounts.datasets]]\nname = \"{name}\"\nstart = \"{START}\"\n");
    let own = endpoints::ALL.iter().filter(|endpoint| endpoint.gateway == Gateway::Enterprise);
    let datasets: Vec<String> = own.map(|endpoint| dataset(endpoint.dataset)).collect();
    format!(
        "[[accounts]]\nname = \"{name}\"\ngateway = \"enterprise\"\nbase_url = \"{base_url}\"\nsid = \"{sid}\"\n\
         app_key = \"{app_key}\"\napp_secret = {{ env = \"{variable}\" }}\ncalls_per_minute = 0\n{}",
        datasets.concat()
    )
}

/// An account on any gateway, with these datasets: each a name and its lines. Its secrets stand in the variables
/// `<NAME>_SECRET` and `<NAME>_SESSION`.
pub(crate) fn account_on(known: &Account, name: &str, base_url: &str, datasets: &[(&str, &str)]) -> String {
    let Account { gateway, sid, app_key, .. } = known;
    let upper = name.to_uppercase();
    let own = match gateway {
        Gateway::Top => format!("session = {{ env = \"{upper}_SESSION\" }}"),
        _ => format!("sid = \"{sid}\""),
    };
    let datasets =
        datasets.iter().map(|(name, lines)| format!("\n[[accounts.datasets]]\nname = \"{name}\"\n{lines}\n"));
    format!(
        "[[accounts]]\nname = \"{name}\"\ngateway = \"{gateway}\"\nbase_url = \"{base_url}\"\n{own}\napp_key = \"{app_key}\"\n\
         app_secret = {{ env = \"{upper}_SECRET\" }}\ncalls_per_minute = 0\n{}",
        datasets.collect::<String>()
    )
}

/// Everything that must never be printed or written.
pub(crate) fn secrets() -> impl Iterator<Item = &'static str> {
    [SECRET, WRONG_SECRET].into_iter().chain(OTHER_SECRETS)
}

/// How a child process ended and what it printed.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) folder: Option<PathBuf>,
}

impl Ran {
    /// No output may ever hold a secret.
    pub(crate) fn new(code: Option<i32>, out: String, err: String) -> Self {
        for secret in secrets() {
            assert!(!out.contains(secret) && !err.contains(secret), "a secret is printed\n{out}\n{err}");
        }
        Self { code, out, err, folder: None }
    }

    fn in_folder(self, folder: &Path) -> Self {
        Self { folder: Some(folder.to_owned()), ..self }
    }

    /// It ended with this code.
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// The events on standard output: every line is one, with its version.
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        self.out.lines().map(event).collect()
    }

    /// The events of one name.
    #[track_caller]
    pub(crate) fn events_named(&self, name: &str) -> Vec<Value> {
        self.events().into_iter().filter(|event| event["event"] == name).collect()
    }

    /// The `finished` event of an account and dataset.
    #[track_caller]
    pub(crate) fn finished(&self, account: &str, dataset: &str) -> Value {
        let finished = self.events_named("finished");
        let mut ours = finished.into_iter().filter(|event| event["account"] == account && event["dataset"] == dataset);
        let event = ours.next().unwrap_or_else(|| panic!("{account}/{dataset} did not finish\n{}", self.out));
        assert!(ours.next().is_none(), "{account}/{dataset} finished twice\n{}", self.out);
        event
    }

    /// Code and output without what differs from run to run.
    pub(crate) fn masked(&self) -> String {
        let part = |name: &str, text: &str| match text {
            "" => String::new(),
            text => format!("--- {name}\n{}", text.trim_end_matches('\n').to_owned() + "\n"),
        };
        let code = self.code.map_or_else(|| "none".to_owned(), |code| code.to_string());
        let text = format!("exit {code}\n{}{}", part("stdout", &self.out), part("stderr", &self.err));
        let folder = self.folder.as_deref().and_then(Path::to_str).unwrap_or("no folder");
        // object stores name a path without its first slash
        let text = text.replace(folder, "[folder]").replace(folder.trim_start_matches('/'), "[folder]");
        masked_ids(&masked_ports(&masked_times(&text)))
    }
}

/// One line of `--json` output.
#[track_caller]
pub(crate) fn event(line: &str) -> Value {
    let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in line: {line}"));
    assert_eq!(event["schema_version"], 1, "{line}");
    assert!(event["event"].is_string(), "{line}");
    event
}

/// Wall times of today's clock: every fixed one is older.
fn masked_times(text: &str) -> String {
    const LENGTH: usize = "2024-04-01 00:00:00".len();
    let newest_fixed = parse_wall_time(UNTIL).unwrap();
    let times: Vec<String> = (0..text.len())
        .filter_map(|start| text.get(start..start + LENGTH))
        .filter(|piece| parse_wall_time(piece).is_some_and(|time| time > newest_fixed && time.0 < newest_fixed.0 * 2))
        .map(str::to_owned)
        .collect();
    times.iter().fold(text.to_owned(), |text, time| text.replace(time, "[time]"))
}

fn masked_ports(text: &str) -> String {
    masked_after(text, "127.0.0.1:", |c| c.is_ascii_digit(), "[port]")
}

fn masked_ids(text: &str) -> String {
    let text = masked_after(text, "\"run_id\":\"", |c| c.is_ascii_hexdigit() || c == '-', "[run]");
    masked_after(&text, "\nrun ", |c| c.is_ascii_hexdigit() || c == '-', "[run]")
}

/// Replaces the run of characters that follows each `prefix`.
pub(crate) fn masked_after(text: &str, prefix: &str, masked: fn(char) -> bool, mask: &str) -> String {
    let mut pieces = text.split(prefix);
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        let rest = piece.trim_start_matches(masked);
        let mask = if rest.len() == piece.len() { "" } else { mask };
        text + prefix + mask + rest
    })
}

/// The name of the time that lies so many seconds before now.
pub(crate) fn seconds_ago(seconds: i64) -> String {
    format_wall_time(Seconds(now() - seconds))
}

/// Every row of a table, read from its log and its Parquet files without any library of either; none without a table.
pub(crate) fn rows(table: &Path) -> Vec<Map<String, Value>> {
    let mut files = BTreeMap::new();
    for (adds, removes) in commits(table).iter().map(|commit| changes(commit)) {
        files.extend(adds);
        for remove in removes {
            files.remove(&remove).expect("a file that is removed was there");
        }
    }
    files.iter().flat_map(|(path, partition)| file_rows(&table.join(path), partition)).collect()
}

/// The text of every commit of a table, in order: of Delta's log, or of the manifests of plain Parquet.
pub(crate) fn commits(table: &Path) -> Vec<String> {
    let entries = ["_delta_log", "_manifest"].map(|log| std::fs::read_dir(table.join(log)));
    let entries = entries.into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// The files that a commit adds, each with the value of its partition column, and those that it takes away.
pub(crate) fn changes(commit: &str) -> (BTreeMap<String, Map<String, Value>>, Vec<String>) {
    let actions: Vec<Value> = match serde_json::from_str::<Value>(commit) {
        Ok(manifest) if manifest["format"].is_number() => {
            let each = |name: &str, action: &str| {
                let files = manifest[name].as_array().cloned().unwrap_or_default();
                files.into_iter().map(|file| json!({ action: file })).collect::<Vec<_>>()
            };
            [each("add", "add"), each("remove", "remove")].concat()
        }
        _ => commit.lines().map(parsed).collect(),
    };
    let path = |file: &Value| file["path"].as_str().or(file.as_str()).unwrap().to_owned();
    let partition = |file: &Value| {
        let values = file.get("partitionValues").or(file.get("partition"));
        values.and_then(Value::as_object).cloned().unwrap_or_default()
    };
    let adds = actions.iter().filter_map(|action| action.get("add"));
    let removes = actions.iter().filter_map(|action| action.get("remove"));
    (adds.map(|file| (path(file), partition(file))).collect(), removes.map(path).collect())
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

fn file_rows(path: &Path, partition: &Map<String, Value>) -> Vec<Map<String, Value>> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
    let mut rows = Vec::new();
    for batch in reader.map(Result::unwrap) {
        for row in 0..batch.num_rows() {
            let schema = batch.schema();
            let names = schema.fields().iter().map(|field| field.name().clone());
            let cells = names.zip(batch.columns()).map(|(name, column)| (name, cell(column, row)));
            rows.push(cells.chain(partition.clone()).collect());
        }
    }
    rows
}

/// A cell: decimals, instants (UTC) and dates as text with all their places.
fn cell(column: &dyn Array, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Utf8 => json!(column.as_string::<i32>().value(row)),
        DataType::Boolean => json!(column.as_boolean().value(row)),
        DataType::Int64 => json!(column.as_primitive::<Int64Type>().value(row)),
        DataType::Decimal128(19, 4) => json!(column.as_primitive::<Decimal128Type>().value_as_string(row)),
        DataType::Date32 => {
            let days = u64::try_from(column.as_primitive::<Date32Type>().value(row)).unwrap();
            json!(NaiveDate::default().checked_add_days(Days::new(days)).unwrap().to_string())
        }
        DataType::Timestamp(_, Some(zone)) => {
            assert_eq!(&**zone, "UTC");
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            json!(DateTime::from_timestamp_micros(micros).unwrap().to_rfc3339_opts(SecondsFormat::AutoSi, true))
        }
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            (0..items.len()).map(|item| cell(&items, item)).collect()
        }
        DataType::Struct(_) => {
            let members = column.as_struct();
            let names = members.column_names().into_iter().map(str::to_owned);
            Value::Object(names.zip(members.columns()).map(|(name, column)| (name, cell(column, row))).collect())
        }
        other => panic!("a column of type {other}"),
    }
}

/// A copy of a folder and of all that lies in it.
pub(crate) fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() { copied(&path, &target) } else { std::fs::copy(&path, &target).map(drop).unwrap() }
    }
}
