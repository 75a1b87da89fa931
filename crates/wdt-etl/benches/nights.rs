//! A first load and nights after it, timed against the simulator in the same process.
//!
//! `cargo bench -p wdt-etl --bench nights -- [ROWS]` prints rows per second of the load, then for nights with more and
//! more changed rows how long each took and how many data files of the current table it wrote again. No figure is
//! checked: compare two of one machine and one hour.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use tokio::sync::watch;
use wdt_etl::config::Config;
use wdt_etl::environment::Variables;
use wdt_etl::pipeline::{Live, Order, Surroundings, run};
use wdt_etl::report::Silent;
use wdt_fetch::{Clock, SystemClock, Waits};
use wdt_models::time::{Millis, Seconds};
use wdt_models::{Gateway, Window};
use wdt_sim::{Account, Sim, SimConfig};

const DATASET: &str = "enterprise_stock";
/// Rows edited before each night.
const NIGHTS: [usize; 5] = [10, 100, 1_000, 10_000, 10_000];

struct Moved(AtomicI64);

impl Clock for Moved {
    fn now(&self) -> Millis {
        SystemClock.now() + self.0.load(Ordering::Relaxed) * 1000
    }
}

#[tokio::main]
async fn main() {
    let rows: u32 = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let clock = Arc::new(Moved(AtomicI64::new(0)));
    let sim_clock = Arc::clone(&clock);
    let mut sim = SimConfig::new(Arc::new(move || sim_clock.now().floor_seconds().0)).with_rows(DATASET, rows);
    let now = clock.now().floor_seconds();
    sim.span = Some(Window::new(now - 21 * 86_400, now - 600));
    let sim = Sim::start(sim).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path(), &sim, now);
    let seconds = night(&config, &clock).await;
    println!("load: {rows} rows in {seconds:.2} s, {:.0} rows/s", f64::from(rows) / seconds);
    for edits in NIGHTS {
        let before = files(folder.path());
        sim.ledger(DATASET).unwrap().edit(edits);
        clock.0.fetch_add(900, Ordering::Relaxed);
        let seconds = night(&config, &clock).await;
        let written = files(folder.path()).saturating_sub(before);
        println!("night: {edits} rows edited, {seconds:.2} s, {written} data files written");
    }
}

async fn night(config: &Config, clock: &Arc<Moved>) -> f64 {
    let (_open, stop) = watch::channel(false);
    let around = Surroundings {
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        limiters: Arc::default(),
        waits: Waits::none(),
        warehouse: None,
        transport: None,
        decisions: Arc::new(Live),
        reporter: Arc::new(Silent),
        stop,
        seed: 1,
        run_id: clock.now().to_string(),
    };
    let start = Instant::now();
    let outcome = run(config, &Order::default(), &around).await.unwrap();
    assert_eq!(outcome.exit_code(), 0, "{outcome:?}");
    start.elapsed().as_secs_f64()
}

fn configuration(folder: &Path, sim: &Sim, now: Seconds) -> Config {
    let account = Account::example(Gateway::Enterprise);
    let text = format!(
        "[warehouse]\nurl = \"warehouse\"\n[[accounts]]\nname = \"main\"\ngateway = \"enterprise\"\nbase_url = \"{}\"\n\
         sid = \"{}\"\napp_key = \"{}\"\napp_secret = {{ env = \"SECRET\" }}\ncalls_per_minute = 0\n\
         [[accounts.datasets]]\nname = \"{DATASET}\"\n",
        sim.base_url(Gateway::Enterprise),
        account.sid,
        account.app_key
    );
    let variables: Variables = [("SECRET".to_owned(), account.secret.expose().to_owned())].into_iter().collect();
    Config::parse(&folder.join("wdt-etl.toml"), &text, &variables, now).unwrap()
}

/// Data files the current table ever had: removed ones stay on disk until they are vacuumed.
fn files(folder: &Path) -> usize {
    let mut todo = vec![folder.join("warehouse").join(DATASET)];
    let mut count = 0;
    while let Some(folder) = todo.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|extension| extension == "parquet") {
                count += 1;
            }
        }
    }
    count
}
