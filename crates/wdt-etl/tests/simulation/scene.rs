//! What a seed decides before the first night: datasets, rows, page sizes, order, faults, clocks, a limit.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;
use wdt_etl::commands::simulate;
use wdt_etl::config::Config;
use wdt_etl::environment::Variables;
use wdt_fetch::{Clock, Limiters};
use wdt_models::time::{Millis, Seconds};
use wdt_models::{Endpoint, Gateway, SyncMode, Window, endpoints, time::format_wall_time};
use wdt_sim::{Dice, Fault, FaultPlan, Ledger, PageOrder, Sim, SimConfig, WindowEnd};
use wdt_warehouse::{Fate, Operation, Step, Warehouse};

/// The first second of every week is this one and up to a year.
const EPOCH: i64 = 1_780_000_000;
/// The stores that are read, of those that the simulator has.
const STORES: &str = "[\"STORE_1\", \"STORE_2\"]";

/// Where the tables of a week are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// In memory.
    Memory,
    /// Delta tables in a temporary folder.
    Delta,
    /// Plain Parquet in a temporary folder.
    Parquet,
}

/// A simulated world and the means to run in it.
pub(crate) struct Scene {
    pub(crate) seed: u64,
    pub(crate) sim: Arc<Sim>,
    pub(crate) time: Time,
    pub(crate) config: Config,
    pub(crate) datasets: Vec<&'static Endpoint>,
    pub(crate) warehouse: Warehouse,
    pub(crate) limiters: Arc<Limiters>,
    /// The storage does not fail any more.
    pub(crate) calm: Arc<AtomicBool>,
    /// Whether anything moves while jobs read.
    pub(crate) moves: bool,
    /// Whether rows of a dataset without a cursor may come and go at once: its slices have one page.
    pub(crate) one_page_slices: bool,
    /// Keeps the folder of the tables until the end.
    pub(crate) folder: Option<TempDir>,
}

/// The virtual time: it passes when everybody waits.
#[derive(Clone)]
pub(crate) struct Time {
    begun: Instant,
    epoch_ms: i64,
    /// Milliseconds that the local clock is ahead of the platform's.
    local_ahead: Arc<AtomicI64>,
}

impl Time {
    /// The platform's clock, epoch milliseconds.
    pub(crate) fn platform_ms(&self) -> i64 {
        self.epoch_ms + i64::try_from(self.begun.elapsed().as_millis()).unwrap()
    }

    /// The platform's clock, epoch seconds.
    pub(crate) fn platform(&self) -> i64 {
        self.platform_ms().div_euclid(1000)
    }

    /// Sets the local clock so many milliseconds ahead of the platform's.
    pub(crate) fn set_local(&self, ahead: i64) {
        self.local_ahead.store(ahead, Ordering::Relaxed);
    }
}

impl Clock for Time {
    fn now(&self) -> Millis {
        Millis(self.platform_ms() + self.local_ahead.load(Ordering::Relaxed))
    }
}

impl Scene {
    /// The world of a seed.
    pub(crate) fn new(seed: u64, format: Format) -> Self {
        let mut dice = Dice::new(seed, &[1]);
        let epoch = EPOCH + number(dice.below(365 * 86_400));
        let time = Time { begun: Instant::now(), epoch_ms: epoch * 1000, local_ahead: Arc::default() };
        let datasets = datasets(&mut dice);
        let settle = 120 + number(dice.below(481));
        let orders = [PageOrder::Strict, PageOrder::Desc, PageOrder::Key, PageOrder::ModifiedOnly];
        let order = *dice.pick(&orders).unwrap();
        // rows without a cursor are in no order at all then, which one page alone can prove
        let one_page_slices = dice.one_in(2) || order == PageOrder::ModifiedOnly;
        // of a window that rows leave, a walk back cannot tell a wrong page from the right one
        let wrong_pages = dice.one_in(3);
        let mut settings = platform(&mut dice, (settle, one_page_slices), &datasets, &time);
        settings.faults = faults(&mut dice, seed, &datasets, wrong_pages);
        if wrong_pages {
            settings.edits_per_page = 0.0;
            settings.shown_after_seconds = 0;
        }
        settings.seed = seed;
        settings.order = order;
        // calls that were evenly spaced arrive less evenly: the default keeps that far from the platform's limit
        let calls_per_minute = settings.calls_per_minute / 6 * 5;
        // rows of a second in no order can be proved on one page only
        let smallest = if order == PageOrder::ModifiedOnly { 24 } else { 2 };
        let sim = Arc::new(Sim::without_socket(settings).unwrap());
        let text = text(&mut dice, &sim, (settle, calls_per_minute, smallest), epoch, one_page_slices);
        let config =
            Config::parse(&secrets().path().join("wdt-etl.toml"), &text, &Variables::default(), Seconds(epoch));
        let config = config.unwrap_or_else(|error| panic!("{error}\n{text}"));
        let calm = Arc::new(AtomicBool::new(false));
        let (warehouse, folder) = warehouse(format, seed, &calm);
        let limiters = Arc::default();
        Self {
            seed,
            sim,
            time,
            config,
            datasets,
            warehouse,
            limiters,
            calm,
            moves: !wrong_pages,
            one_page_slices,
            folder,
        }
    }

    /// The rows of each dataset.
    pub(crate) fn ledgers(&self) -> Vec<Ledger> {
        self.datasets.iter().map(|endpoint| self.sim.ledger(endpoint.dataset).unwrap()).collect()
    }
}

fn warehouse(format: Format, seed: u64, calm: &Arc<AtomicBool>) -> (Warehouse, Option<TempDir>) {
    let open = match format {
        Format::Memory => return (memory(seed, Arc::clone(calm)), None),
        Format::Delta => Warehouse::delta,
        Format::Parquet => Warehouse::parquet,
    };
    let folder = tempfile::tempdir().unwrap();
    (open(folder.path().to_str().unwrap()).unwrap(), Some(folder))
}

/// Tables in memory that take their time and fail now and then, before or after the effect.
fn memory(seed: u64, calm: Arc<AtomicBool>) -> Warehouse {
    let dice = Mutex::new(Dice::new(seed, &[7]));
    let rate = if dice.lock().unwrap().one_in(3) { 0.01 } else { 0.0 };
    Warehouse::memory_with(move |_, _: Operation| {
        let mut dice = dice.lock().unwrap();
        let (before, after) = (Duration::from_millis(dice.below(60)), Duration::from_millis(dice.below(60)));
        let fails = dice.happens(rate) && !calm.load(Ordering::Relaxed);
        let fate = match fails.then(|| dice.below(2)) {
            None => Fate::Done,
            Some(0) => Fate::FailBefore,
            Some(_) => Fate::FailAfter,
        };
        Step { before, fate, after }
    })
}

/// One or two datasets, mostly of those that are read in windows.
fn datasets(dice: &mut Dice) -> Vec<&'static Endpoint> {
    let all = endpoints::ALL;
    let windows: Vec<_> = all.iter().copied().filter(|endpoint| endpoint.cursor().is_some()).collect();
    let mut chosen = Vec::new();
    if dice.below(4) > 0 {
        chosen.extend(dice.pick(&windows).copied());
    }
    if chosen.is_empty() || dice.one_in(3) {
        chosen.extend(dice.pick(all).copied());
    }
    if let Some(SyncMode::Ids(source)) = chosen.last().map(|endpoint| endpoint.sync) {
        chosen.insert(0, endpoints::find(source.dataset).unwrap());
    }
    let order = |endpoint: &&'static Endpoint| all.iter().position(|other| other.dataset == endpoint.dataset);
    chosen.sort_by_key(order);
    chosen.dedup_by_key(|endpoint| endpoint.dataset);
    // a list of ids comes after its source
    chosen.sort_by_key(|endpoint| matches!(endpoint.sync, SyncMode::Ids(_)));
    chosen
}

fn platform(
    dice: &mut Dice,
    (settle, one_page_slices): (i64, bool),
    datasets: &[&'static Endpoint],
    time: &Time,
) -> SimConfig {
    let clock = time.clone();
    let now = time.platform();
    let mut config = SimConfig::new(Arc::new(move || clock.platform()));
    config.span = Some(Window::new(Seconds(now - 86_400 * (1 + number(dice.below(4)))), Seconds(now - 60)));
    for endpoint in datasets {
        let rows = 5 + u32::try_from(dice.below(60)).unwrap();
        config = config.with_rows(endpoint.dataset, rows);
    }
    config.bulk_second = u32::try_from(dice.below(3) * dice.below(8)).unwrap();
    config.edits_per_page = *dice.pick(&[0.0, 0.1, 0.3, 0.6]).unwrap();
    config.slice_churn = if one_page_slices { 0.3 } else { 0.0 };
    config.shown_after_seconds = if dice.one_in(2) { number(dice.below(settle.unsigned_abs() - 60)) } else { 0 };
    config.end = if dice.one_in(4) { WindowEnd::Open } else { WindowEnd::Closed };
    config.calls_per_minute = *dice.pick(&[0, 0, 60]).unwrap();
    config.journal = true;
    config
}

/// Faults at a rate; lies about totals and wrong pages are not mixed, as two of them can hide each other. No total says
/// less than there is: of a page that is just full, nothing else would tell.
fn faults(dice: &mut Dice, seed: u64, datasets: &[&'static Endpoint], wrong_pages: bool) -> FaultPlan {
    let rate = *dice.pick(&[0.0, 0.02, 0.1, 0.2]).unwrap();
    let mut kinds = vec![
        Fault::Status(502),
        Fault::Status(429),
        Fault::Html,
        Fault::CutJson,
        Fault::BrokenTransfer,
        Fault::LostAnswer,
        Fault::WrongLength(9),
        Fault::TextTotal,
        Fault::NoTotal,
        Fault::Redirect("http://elsewhere.invalid/".to_owned()),
    ];
    kinds.extend(if wrong_pages {
        [Fault::RepeatedPage, Fault::DuplicateKey]
    } else {
        [Fault::LyingTotal(1), Fault::LyingTotal(7)]
    });
    let gateway = datasets[0].gateway;
    if datasets.iter().all(|endpoint| endpoint.gateway == gateway) {
        kinds.extend(match gateway {
            Gateway::Enterprise => {
                [Fault::platform("1012", "超过每分钟最大调用频率"), Fault::platform("99", "系统繁忙")]
            }
            Gateway::Flagship => [Fault::platform("100", "超过每分钟最大调用频率"), Fault::platform("4", "db")],
            Gateway::Top => [Fault::platform("7", "App Call Limited"), Fault::platform("10", "Service Unavailable")],
        });
    }
    FaultPlan::Script(Arc::new(move |number| {
        let mut dice = Dice::new(seed, &[2, number]);
        if dice.happens(rate) { dice.pick(&kinds).cloned() } else { None }
    }))
}

/// The configuration, with small pages and short windows.
fn text(
    dice: &mut Dice,
    sim: &Sim,
    (settle, calls_per_minute, smallest): (i64, u32, u64),
    epoch: i64,
    one_page_slices: bool,
) -> String {
    let accounts =
        simulate::accounts(sim, calls_per_minute, |account, key| format!("{{ file = \"{account}-{key}\" }}"));
    let start = format_wall_time(Seconds(epoch - 6 * 86_400));
    let mut lines = Vec::new();
    for line in accounts.lines() {
        let line = if line.starts_with("stores = ") { format!("stores = {STORES}") } else { line.to_owned() };
        let name = line.strip_prefix("name = \"").and_then(|name| name.strip_suffix('"'));
        let endpoint = name.and_then(endpoints::find);
        lines.push(line);
        let Some(endpoint) = endpoint else { continue };
        let largest = u64::from(endpoint.method().paging.max_size);
        if endpoint.cursor().is_some() {
            lines.push(format!("start = \"{start}\""));
        }
        if endpoint.cursor().is_some() || matches!(endpoint.sync, SyncMode::Slices(_)) && !one_page_slices {
            lines.push(format!("page_size = {}", (smallest + dice.below(18)).min(largest)));
        }
    }
    let window = 3600 * (1 + dice.below(48));
    let lookback = dice.below(1200);
    let concurrency = 1 + dice.below(8);
    format!(
        "[warehouse]\nurl = \"warehouse\"\n\n[run]\nsettle = \"{settle}s\"\nlookback = \"{lookback}s\"\n\
         window = \"{window}s\"\nconcurrency = {concurrency}\n\n{}\n",
        lines.join("\n")
    )
}

/// A folder with the invented secrets, one for all weeks.
fn secrets() -> &'static TempDir {
    static SECRETS: OnceLock<TempDir> = OnceLock::new();
    SECRETS.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        for (account, key, secret) in simulate::secrets() {
            std::fs::write(folder.path().join(format!("{account}-{key}")), secret.expose()).unwrap();
        }
        folder
    })
}

/// A drawn number as the clocks count.
pub(crate) fn number(drawn: u64) -> i64 {
    i64::try_from(drawn).unwrap()
}
