//! Two nights of all six datasets and one that the platform refuses, recorded from a simulator under virtual time.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::watch;
use wdt_etl::cassette::{Hidden, Recording};
use wdt_etl::commands::simulate;
use wdt_etl::config::Config;
use wdt_etl::environment::Variables;
use wdt_etl::pipeline::{Live, Order, Surroundings, run};
use wdt_etl::report::Silent;
use wdt_etl::wire::Wire;
use wdt_fetch::{Clock, Limiters, NoAnswer, Outgoing, RawAnswer, Transport, VirtualClock, Waits};
use wdt_models::time::{Seconds, format_wall_time, parse_wall_time};
use wdt_models::{Window, endpoints};
use wdt_sim::{Dice, Fault, PageOrder, Sim, SimConfig};
use wdt_warehouse::Warehouse;

/// Decides rows, edits and waits; every cassette holds it.
const SEED: u64 = 20_261_122;
/// The first night, Asia/Shanghai.
const FIRST_NIGHT: &str = "2026-11-21 02:00:00";
/// The six datasets, and how many rows each has.
pub(crate) const DATASETS: &[(&str, u32)] = &[
    ("enterprise_stock", 14),
    ("enterprise_goods", 8),
    ("flagship_stock", 9),
    ("flagship_goods", 8),
    ("flagship_stock_sync", 8),
    ("cainiao_inventory", 24),
];

/// What happens to a call, by its dataset, page and number among the calls of the dataset in the night.
type Script = Box<dyn FnMut(&str, u32, u32) -> Option<Fault> + Send>;

/// Carries calls to the simulator; each way takes its time, and in between the script has its turn.
struct Scripted {
    wire: Wire,
    sim: Arc<Sim>,
    dice: Mutex<Dice>,
    script: Arc<Mutex<Script>>,
    calls: Mutex<HashMap<String, u32>>,
}

impl Scripted {
    async fn way(&self) {
        let millis = 20 + self.dice.lock().unwrap().below(80);
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
}

impl Transport for Scripted {
    fn exchange<'a>(
        &'a self,
        outgoing: Outgoing<'a>,
        clock: &'a dyn Clock,
    ) -> BoxFuture<'a, Result<RawAnswer, NoAnswer>> {
        Box::pin(async move {
            let sent_at = clock.now();
            self.way().await;
            let dataset = outgoing.endpoint.dataset;
            let number = *self.calls.lock().unwrap().entry(dataset.to_owned()).and_modify(|n| *n += 1).or_insert(1);
            if let Some(fault) = self.script.lock().unwrap()(dataset, outgoing.page.page_no, number) {
                self.sim.inject(fault);
            }
            let answer = self.wire.exchange(outgoing, clock).await;
            self.way().await;
            answer.map(|answer| RawAnswer { sent_at, came_at: clock.now(), ..answer })
        })
    }
}

/// The simulated platforms, a warehouse and a clock.
pub(crate) struct Nights {
    sim: Arc<Sim>,
    clock: Arc<VirtualClock>,
    warehouse: Warehouse,
    config: Config,
    script: Arc<Mutex<Script>>,
}

impl Nights {
    /// Records every cassette below the folder.
    pub(crate) async fn record(folder: &Path) {
        let nights = Self::new(folder);
        nights.limited_once();
        nights.one(&folder.join("first-night"), "first-night", 0).await;
        nights.day().await;
        nights.edited_while_read();
        nights.one(&folder.join("second-night"), "second-night", 0).await;
        nights.day().await;
        nights.secret_refused();
        nights.one(&folder.join("secret-refused"), "secret-refused", 3).await;
    }

    fn new(folder: &Path) -> Self {
        let begin = parse_wall_time(FIRST_NIGHT).unwrap();
        let clock = Arc::new(VirtualClock::starting_at(begin.millis()));
        let own = Arc::clone(&clock);
        let mut settings = SimConfig::new(Arc::new(move || own.now().floor_seconds().0));
        for (dataset, rows) in DATASETS {
            settings = settings.with_rows(dataset, *rows);
        }
        settings.seed = SEED;
        settings.order = PageOrder::Strict;
        settings.span = Some(Window::new(begin - 2 * 86_400, begin - 3600));
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(Box::new(|_, _, _| None)));
        let sim = Arc::new(Sim::without_socket(settings).unwrap());
        let text = text(&sim, begin.0);
        let variables: Variables = simulate::secrets()
            .into_iter()
            .map(|(account, key, secret)| (variable(account, key), secret.expose().to_owned()))
            .collect();
        let config = Config::parse(&folder.join("wdt-etl.toml"), &text, &variables, begin).unwrap();
        Self { sim, clock, warehouse: Warehouse::memory(), config, script }
    }

    /// Records a run, which must end with that code.
    async fn one(&self, folder: &Path, name: &str, code: u8) {
        let transport = Scripted {
            wire: Wire::new(Arc::clone(&self.sim), || Duration::ZERO),
            sim: Arc::clone(&self.sim),
            dice: Mutex::new(Dice::new(SEED, &[number_of(name)])),
            script: Arc::clone(&self.script),
            calls: Mutex::default(),
        };
        let around = Surroundings {
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            limiters: Arc::new(Limiters::default()),
            waits: Waits::default(),
            reporter: Arc::new(Silent),
            warehouse: Some(self.warehouse.clone()),
            transport: Some(Arc::new(transport)),
            decisions: Arc::new(Live),
            stop: watch::channel(false).1,
            seed: SEED,
            run_id: name.to_owned(),
        };
        let options = Order::default();
        let recording = Recording::begin(folder, &self.config, &options, &around, Hidden::default()).unwrap();
        let recording = Arc::new(recording);
        let around = Surroundings { decisions: Arc::<Recording>::clone(&recording), ..around };
        let outcome = run(&self.config, &options, &around).await.unwrap();
        assert_eq!(outcome.exit_code(), code, "{outcome:#?}");
        recording.finish(&outcome).unwrap();
    }

    /// Until the next night; at noon the merchant trades.
    async fn day(&self) {
        tokio::time::sleep(Duration::from_hours(10)).await;
        self.trade();
        tokio::time::sleep(Duration::from_hours(14)).await;
    }

    /// What a merchant does on a day: edits, a column that changes under an unmoved cursor, a row more, rows that go.
    fn trade(&self) {
        for (dataset, _) in DATASETS {
            let ledger = self.sim.ledger(dataset).unwrap();
            drop((ledger.edit(6), ledger.drift(1), ledger.add(1)));
            if ledger.endpoint().cursor().is_none() {
                drop(ledger.delete(2));
            }
        }
    }

    /// The limit of calls is hit once on each gateway, and once an answer breaks off.
    fn limited_once(&self) {
        self.set(|dataset, _, number| match (dataset, number) {
            ("enterprise_stock", 2) => Some(Fault::platform("1012", "超过每分钟最大调用频率")),
            ("enterprise_stock", 4) => Some(Fault::BrokenTransfer),
            ("flagship_goods", 2) => Some(Fault::platform("100", "超过每分钟最大调用频率")),
            ("cainiao_inventory", 2) => Some(Fault::platform("7", "App Call Limited")),
            _ => None,
        });
    }

    /// A row of a window is edited between its pages: no total agrees, and the walk back proves it whole.
    fn edited_while_read(&self) {
        let sim = Arc::clone(&self.sim);
        self.set(move |dataset, page, number| {
            if (dataset, page, number) == ("enterprise_stock", 1, 2) {
                drop(sim.ledger(dataset).unwrap().edit(3));
            }
            None
        });
    }

    /// The platform no longer knows the secret of the enterprise account.
    fn secret_refused(&self) {
        self.set(|dataset, _, _| (dataset == "enterprise_stock").then(|| Fault::platform("1", "签名错误")));
    }

    fn set(&self, script: impl FnMut(&str, u32, u32) -> Option<Fault> + Send + 'static) {
        *self.script.lock().unwrap() = Box::new(script);
    }
}

/// The configuration: all six datasets, small pages, from two days ago.
fn text(sim: &Sim, begin: i64) -> String {
    let reference = |account: &str, key: &str| format!("{{ env = \"{}\" }}", variable(account, key));
    let accounts = simulate::accounts(sim, 60, reference);
    let start = format_wall_time(Seconds(begin - 2 * 86_400 - 3600));
    let mut sections = accounts.split("\n\n").map(str::to_owned).collect::<Vec<_>>();
    sections.retain(|section| {
        let name = section.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
        let is_dataset = section.starts_with("[[accounts.datasets]]");
        !is_dataset || DATASETS.iter().any(|(dataset, _)| Some(*dataset) == name)
    });
    for section in &mut sections {
        let name = section.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
        let Some(endpoint) = name.and_then(endpoints::find) else { continue };
        *section = section.lines().filter(|line| !line.starts_with("stores = ")).collect::<Vec<_>>().join("\n");
        if endpoint.cursor().is_some() {
            *section = format!("{section}\nstart = \"{start}\"\npage_size = 4");
        }
        if endpoint.dataset == "cainiao_inventory" {
            section.push_str("\nstores = [\"STORE_1\"]\ninventory_types = [1, 101]");
        }
    }
    format!("[warehouse]\nurl = \"warehouse\"\n\n[run]\nwindow = \"2d\"\n\n{}\n", sections.join("\n\n"))
}

fn variable(account: &str, key: &str) -> String {
    format!("SIM_{account}_{key}").to_uppercase()
}

fn number_of(name: &str) -> u64 {
    name.bytes().fold(7, |hash: u64, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)))
}
