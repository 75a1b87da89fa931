//! `wdt-etl demo`: the whole nightly job, twice, against the built-in simulator, while the simulated ERP moves.
//!
//! Nothing is special about it: it writes a configuration file as a user would, and runs what `wdt-etl run` runs. The
//! simulated clock begins a quarter of an hour ago, so that the second run finds the changes settled.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use wdt_fetch::Clock;
use wdt_models::time::{Millis, Seconds};
use wdt_models::{Gateway, Slice, SyncMode, Window, endpoints};
use wdt_sim::{Ledger, Sim, SimConfig};

use super::run::new_run_id;
use super::{output, simulate, summary};
use crate::cli::Demo;
use crate::config::{Account, Config, Dataset};
use crate::environment::Variables;
use crate::error::EtlError;
use crate::pipeline::{Order, RunOutcome, Surroundings};
use crate::warehouse;
use wdt_warehouse::{DatasetTables, Warehouse};

/// What passes between the two runs, in seconds.
const BETWEEN_RUNS_SECONDS: i64 = 900;
/// Share of pages after which the simulated ERP edits rows, while they are being read.
const EDITS_PER_PAGE: f64 = 0.3;
/// Rows of a dataset that is one list: nobody has thousands of shops.
const WHOLE_LIST: u32 = 24;
/// The simulated merchant's seed: every demo has the same rows.
const SEED: u64 = 20_120_101;
/// A folder with this file is a demo's and may be replaced.
const MARKER: &str = ".wdt-etl-demo";
/// The begin of the demo's configuration; the accounts follow.
const CONFIG: &str = include_str!("demo/wdt-etl.toml");

/// Columns of the sample that is shown.
const SAMPLE: (&str, &[&str]) =
    ("flagship_stock", &["spec_no", "goods_name", "warehouse_name", "stock_num", "available_send_stock", "modified"]);

/// Runs the demo and returns the exit code.
///
/// # Errors
///
/// When the folder is somebody else's, or a run cannot begin.
pub async fn demo(args: &Demo, around: &Surroundings, out: &mut (dyn Write + Send)) -> Result<u8, EtlError> {
    let clock = Arc::new(DemoClock {
        inner: Arc::clone(&around.clock),
        offset_ms: AtomicI64::new(-BETWEEN_RUNS_SECONDS * 1000),
    });
    let sim = simulate::start(simulated(args.rows, &clock))?;
    let config = prepare(&args.dir, &sim, clock.now().floor_seconds())?;
    let around = Surroundings { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..around.clone() };
    let mut show = Show { json: args.output.json, out };
    show.line(&format!(
        "Simulated gateways answer at {}; {} rows per dataset, edited while they are read.\n\nfirst run:",
        Gateway::ALL.iter().map(|&gateway| sim.base_url(gateway)).collect::<Vec<_>>().join(", "),
        args.rows
    ))?;
    let first = one_run(&config, &around, &mut show).await?;
    if first.exit_code() != 0 {
        return Ok(first.exit_code());
    }
    let edits = usize::try_from(args.rows / 10).unwrap_or(usize::MAX).max(1);
    move_on(&sim, edits);
    clock.offset_ms.fetch_add(BETWEEN_RUNS_SECONDS * 1000, Ordering::Relaxed);
    show.line(&format!(
        "\nThe ERP edits {edits} more rows of each dataset, and rows of the snapshots vanish; a quarter of an hour \
         passes.\n\nsecond run:"
    ))?;
    let second = one_run(&config, &around, &mut show).await?;
    let lost = compare(&second, &config, &sim, &mut show).await?;
    sample(&config, &mut show).await?;
    sim.stop().await;
    show.line(&look(&args.dir))?;
    if lost > 0 {
        return Err(EtlError::Bug(format!("{lost} rows of the simulated ERP are not in the tables")));
    }
    Ok(second.exit_code())
}

/// Where text goes, unless everything is printed as JSON.
struct Show<'a> {
    json: bool,
    out: &'a mut (dyn Write + Send),
}

impl Show<'_> {
    fn line(&mut self, text: &str) -> Result<(), EtlError> {
        if self.json { Ok(()) } else { writeln!(self.out, "{text}").map_err(output) }
    }
}

/// How many of that many rows vanish.
fn vanishing(edits: usize, rows: usize) -> usize {
    edits.div_ceil(10).min(rows.div_ceil(8))
}

/// Rows are edited; rows of snapshots vanish too, which a snapshot notices.
fn move_on(sim: &Sim, edits: usize) {
    for endpoint in endpoints::ALL {
        let Some(ledger) = sim.ledger(endpoint.dataset) else { continue };
        ledger.edit(edits);
        if matches!(endpoint.sync, SyncMode::Slices(_)) {
            ledger.delete(vanishing(edits, ledger.rows().len()));
        }
    }
}

/// The local clock, moved.
struct DemoClock {
    inner: Arc<dyn Clock>,
    offset_ms: AtomicI64,
}

impl Clock for DemoClock {
    fn now(&self) -> Millis {
        self.inner.now() + self.offset_ms.load(Ordering::Relaxed)
    }
}

fn simulated(rows: u32, clock: &Arc<DemoClock>) -> SimConfig {
    let now = clock.now().floor_seconds();
    let clock = Arc::clone(clock);
    let mut config = SimConfig::new(Arc::new(move || clock.now().floor_seconds().0));
    config.seed = SEED;
    config.edits_per_page = EDITS_PER_PAGE;
    config.span = Some(Window::new(now - 21 * 86_400, now));
    for endpoint in endpoints::ALL {
        let whole_list = matches!(endpoint.sync, SyncMode::Slices([]));
        config = config.with_rows(endpoint.dataset, if whole_list { rows.min(WHOLE_LIST) } else { rows });
    }
    config
}

/// Makes the folder, with the configuration and the invented secret, and loads it as any run would.
fn prepare(dir: &Path, sim: &Sim, now: Seconds) -> Result<Config, EtlError> {
    let failed =
        |path: PathBuf| move |error: io::Error| EtlError::Output { what: path.display().to_string(), source: error };
    if dir.is_dir() && std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        if !dir.join(MARKER).is_file() {
            let message = format!("{} is there already and is not a demo's folder", dir.display());
            return Err(EtlError::Usage { message, hint: Some("--dir DIR puts the demo elsewhere".to_owned()) });
        }
        std::fs::remove_dir_all(dir).map_err(failed(dir.to_owned()))?;
    }
    std::fs::create_dir_all(dir).map_err(failed(dir.to_owned()))?;
    let file = |account: &str, key: &str| format!("{account}-{key}.txt");
    let accounts = simulate::accounts(sim, 0, |account, key| format!("{{ file = \"{}\" }}", file(account, key)));
    let mut files =
        vec![(MARKER.to_owned(), String::new()), ("wdt-etl.toml".to_owned(), format!("{CONFIG}{accounts}"))];
    let secrets = simulate::secrets();
    files.extend(secrets.iter().map(|(account, key, secret)| (file(account, key), secret.expose().to_owned())));
    for (name, content) in files {
        std::fs::write(dir.join(&name), content).map_err(failed(dir.join(name)))?;
    }
    Ok(Config::load(&dir.join("wdt-etl.toml"), &Variables::default(), now)?)
}

async fn one_run(config: &Config, around: &Surroundings, show: &mut Show<'_>) -> Result<RunOutcome, EtlError> {
    let around = Surroundings { run_id: new_run_id(), ..around.clone() };
    let outcome = crate::pipeline::run(config, &Order::default(), &around).await?;
    if !show.json {
        summary::print("run", summary::RUN, &outcome, show.out).map_err(output)?;
    }
    Ok(outcome)
}

/// Looks for every row of the ERP that should have landed, and for rows that should not be there any more; returns how
/// many there are of both.
async fn compare(outcome: &RunOutcome, config: &Config, sim: &Sim, show: &mut Show<'_>) -> Result<usize, EtlError> {
    let warehouse = warehouse::configured(config)?;
    let mut wrong = 0;
    show.line(&format!(
        "\n{:<20} {:>8} {:>9} {:>9} {:>8} {:>8}",
        "table", "rows", "changed", "deleted", "history", "missing"
    ))?;
    for (account, dataset) in config.select(&[], &[])? {
        let Some(ran) = outcome.datasets.iter().find(|ran| ran.dataset == dataset.endpoint.dataset) else { continue };
        let Some(ledger) = sim.ledger(ran.dataset) else { continue };
        let Some(tables) = DatasetTables::open(&warehouse, dataset.endpoint).await? else { continue };
        let landed = tables.current_keys(&account.name).await?;
        let expected = expected(&ledger, dataset, ran.watermark, &asked(&warehouse, account, dataset).await?);
        let missing = expected.iter().filter(|(key, cursor)| landed.get(key) != Some(cursor)).count();
        let left = if dataset.slices.is_empty() { 0 } else { landed.len().saturating_sub(expected.len()) };
        wrong += missing + left;
        show.line(&format!(
            "{:<20} {:>8} {:>9} {:>9} {:>8} {:>8}",
            ran.dataset,
            landed.len(),
            ran.sums.changed,
            ran.sums.deleted,
            tables.history_size()?.0,
            missing
        ))?;
    }
    Ok(wrong)
}

/// The ids that a list of ids was taken from; nothing for other datasets.
async fn asked(warehouse: &Warehouse, account: &Account, dataset: &Dataset) -> Result<Vec<String>, EtlError> {
    let SyncMode::Ids(source) = dataset.endpoint.sync else { return Ok(Vec::new()) };
    let Some(endpoint) = endpoints::find(source.dataset) else { return Ok(Vec::new()) };
    let Some(tables) = DatasetTables::open(warehouse, endpoint).await? else { return Ok(Vec::new()) };
    let ids = tables.ids(&account.name, &source).await?;
    Ok(ids.into_iter().map(|id| id.to_string()).collect())
}

type Keyed = (Vec<Option<String>>, Option<Seconds>);

/// Key and cursor of the ERP's rows that a run must have landed: of windows those that had settled, of slices those of
/// the slices that are read, of ids those asked for.
fn expected(ledger: &Ledger, dataset: &Dataset, watermark: Option<Seconds>, asked: &[String]) -> Vec<Keyed> {
    let endpoint = dataset.endpoint;
    let position = |name: &str| endpoint.key.iter().position(|column| *column == name);
    let inside = |key: &[Option<String>], slice: &Slice| {
        slice.0.iter().all(|(name, value)| position(name).is_some_and(|at| key[at].as_ref() == Some(value)))
    };
    let rows = ledger.rows().into_iter().map(|row| (ledger.key_text(row), Seconds(row.modified)));
    let due = rows.filter(|(key, modified)| match endpoint.sync {
        SyncMode::Incremental(_) => watermark.is_some_and(|end| *modified <= end),
        SyncMode::Slices(_) => dataset.slices.is_empty() || dataset.slices.iter().any(|slice| inside(key, slice)),
        SyncMode::Ids(_) => key.first().and_then(Option::as_ref).is_some_and(|id| asked.contains(id)),
    });
    due.map(|(key, modified)| (key, endpoint.cursor().map(|_| modified))).collect()
}

/// Two rows of one dataset as people of the stock room read them.
async fn sample(config: &Config, show: &mut Show<'_>) -> Result<(), EtlError> {
    let (dataset, columns) = SAMPLE;
    let Some(endpoint) = endpoints::find(dataset) else { return Ok(()) };
    let warehouse = warehouse::configured(config)?;
    let Some(tables) = DatasetTables::open(&warehouse, endpoint).await? else { return Ok(()) };
    show.line(&format!("\n{dataset}, two of its rows:"))?;
    let rows = tables.sample(columns, 200).await?;
    let filled = |row: &&Vec<Option<String>>| row.iter().all(|cell| cell.as_ref().is_some_and(|cell| !cell.is_empty()));
    for row in rows.iter().filter(filled).take(2) {
        let label = |name: &str| endpoint.fields.iter().find(|field| field.name == name).map_or("", |field| field.zh);
        let cells = columns
            .iter()
            .zip(row)
            .map(|(name, cell)| format!("{} {}", label(name), cell.as_deref().unwrap_or_default()));
        show.line(&format!("  {}", cells.collect::<Vec<_>>().join("  ")))?;
    }
    Ok(())
}

/// How to look at what landed.
fn look(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "\nLook at it:\n  \
         wdt-etl status --config {dir}/wdt-etl.toml\n  \
         wdt-etl schema flagship_stock\n  \
         wdt-etl export flagship_stock -o stock.xlsx --labels zh --columns report --config {dir}/wdt-etl.toml\n  \
         pip install deltalake polars && python -c \"import polars; print(polars.read_delta('{dir}/warehouse/flagship_stock'))\"\n\
         Start for real: wdt-etl init"
    )
}
