//! `wdt-etl demo`: the whole nightly job, twice, against the built-in simulator, while the simulated ERP moves.
//!
//! Nothing is special about it: it writes a configuration file as a user would, and runs what `wdt-etl run` runs. The
//! simulated clock begins a quarter of an hour ago, so that the second run finds the changes settled.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use wdt_fetch::Clock;
use wdt_models::{Window, endpoints};
use wdt_sim::{Account, Sim, SimConfig};

use super::run::{new_run_id, summary};
use super::{output, simulate};
use crate::cli::Demo;
use crate::config::Config;
use crate::environment::Variables;
use crate::error::EtlError;
use crate::pipeline::{RunOptions, RunOutcome, Surroundings, warehouse_url};
use crate::table::DatasetTables;

/// What passes between the two runs, in seconds.
const BETWEEN_RUNS: i64 = 900;
/// Share of pages after which the simulated ERP edits rows, while they are being read.
const EDITS_PER_PAGE: f64 = 0.3;
/// The simulated merchant's seed: every demo has the same rows.
const SEED: u64 = 20_120_101;
/// A folder with this file is a demo's and may be replaced.
const MARKER: &str = ".wdt-etl-demo";
/// Where the demo lives; `{url}` is the simulator's address.
const CONFIG: &str = include_str!("demo/wdt-etl.toml");

/// Runs the demo and returns the exit code.
///
/// # Errors
///
/// When the folder is somebody else's, or a run cannot begin.
pub async fn demo(args: &Demo, around: &Surroundings, out: &mut (dyn Write + Send)) -> Result<u8, EtlError> {
    let clock =
        Arc::new(DemoClock { inner: Arc::clone(&around.clock), offset_ms: AtomicI64::new(-BETWEEN_RUNS * 1000) });
    let sim = simulate::start(simulated(args.rows, &clock))?;
    let config = prepare(&args.dir, &sim, clock.now_ms().div_euclid(1000))?;
    let around = Surroundings { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..around.clone() };
    let say = |out: &mut (dyn Write + Send), text: &str| {
        if args.json { Ok(()) } else { writeln!(out, "{text}").map_err(|error| output(&error)) }
    };
    say(
        out,
        &format!(
            "A simulated 旺店通 gateway answers at {}; {} rows per dataset, edited while they are read.\n\nfirst run:",
            sim.base_url(),
            args.rows
        ),
    )?;
    let first = one_run(&config, &around, args.json, out).await?;
    if first.exit_code() != 0 {
        return Ok(first.exit_code());
    }
    let edits = usize::try_from(args.rows / 10).unwrap_or(usize::MAX).max(1);
    for endpoint in endpoints::ALL {
        sim.ledger(endpoint.dataset).map(|ledger| ledger.edit(edits)).unwrap_or_default();
    }
    clock.offset_ms.fetch_add(BETWEEN_RUNS * 1000, Ordering::Relaxed);
    say(
        out,
        &format!("\nThe ERP edits {edits} more rows of each dataset; a quarter of an hour passes.\n\nsecond run:"),
    )?;
    let second = one_run(&config, &around, args.json, out).await?;
    let lost = compare(&second, &config, &sim, args.json, out).await?;
    sim.stop().await;
    say(out, &look(&args.dir))?;
    if lost > 0 {
        return Err(EtlError::Bug(format!("{lost} rows of the simulated ERP are not in the tables")));
    }
    Ok(second.exit_code())
}

/// The local clock, moved.
struct DemoClock {
    inner: Arc<dyn Clock>,
    offset_ms: AtomicI64,
}

impl Clock for DemoClock {
    fn now_ms(&self) -> i64 {
        self.inner.now_ms() + self.offset_ms.load(Ordering::Relaxed)
    }
}

fn simulated(rows: u32, clock: &Arc<DemoClock>) -> SimConfig {
    let now = clock.now_ms().div_euclid(1000);
    let clock = Arc::clone(clock);
    let mut config = SimConfig::new(Arc::new(move || clock.now_ms().div_euclid(1000)));
    config.seed = SEED;
    config.edits_per_page = EDITS_PER_PAGE;
    config.span = Some(Window::new(now - 21 * 86_400, now));
    for endpoint in endpoints::ALL {
        config = config.with_rows(endpoint.dataset, rows);
    }
    config
}

/// Makes the folder, with the configuration and the invented secret, and loads it as any run would.
fn prepare(dir: &Path, sim: &Sim, now: i64) -> Result<Config, EtlError> {
    let failed = |path: PathBuf| {
        move |error: io::Error| EtlError::Output { what: path.display().to_string(), reason: error.to_string() }
    };
    if dir.is_dir() && std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        if !dir.join(MARKER).is_file() {
            let message = format!("{} is there already and is not a demo's folder", dir.display());
            return Err(EtlError::Usage { message, hint: Some("--dir DIR puts the demo elsewhere".to_owned()) });
        }
        std::fs::remove_dir_all(dir).map_err(failed(dir.to_owned()))?;
    }
    std::fs::create_dir_all(dir).map_err(failed(dir.to_owned()))?;
    let account = Account::example();
    let config =
        CONFIG.replace("{url}", &sim.base_url()).replace("{sid}", &account.sid).replace("{app_key}", &account.app_key);
    for (name, content) in
        [(MARKER, ""), ("demo-secret.txt", account.secret.expose()), ("wdt-etl.toml", config.as_str())]
    {
        std::fs::write(dir.join(name), content).map_err(failed(dir.join(name)))?;
    }
    Ok(Config::load(&dir.join("wdt-etl.toml"), &Variables::default(), now)?)
}

async fn one_run(
    config: &Config,
    around: &Surroundings,
    json: bool,
    out: &mut (dyn Write + Send),
) -> Result<RunOutcome, EtlError> {
    let around = Surroundings { run_id: new_run_id(), ..around.clone() };
    let outcome = crate::pipeline::run(config, &RunOptions::default(), &around).await?;
    if !json {
        summary(&outcome, out).map_err(|error| output(&error))?;
    }
    Ok(outcome)
}

/// Looks for every row of the ERP that is not newer than the watermark; returns how many are missing or stale.
async fn compare(
    outcome: &RunOutcome,
    config: &Config,
    sim: &Sim,
    json: bool,
    out: &mut (dyn Write + Send),
) -> Result<usize, EtlError> {
    let warehouse = warehouse_url(&config.warehouse.url)?;
    let mut lost = 0;
    for dataset in &outcome.datasets {
        let Some((endpoint, ledger)) = endpoints::find(dataset.dataset).zip(sim.ledger(dataset.dataset)) else {
            continue;
        };
        let Some(tables) = DatasetTables::open(&warehouse, endpoint).await? else { continue };
        let landed = tables.current_cursors(&dataset.account).await?;
        let settled: Vec<_> =
            ledger.rows().into_iter().filter(|row| dataset.watermark.is_some_and(|end| row.modified <= end)).collect();
        let missing = settled.iter().filter(|row| landed.get(&ledger.key(**row)) != Some(&row.modified)).count();
        lost += missing;
        if !json {
            let (changes, _) = tables.history_size()?;
            writeln!(
                out,
                "{}: {} rows of the ERP had settled, {missing} of them missing; {} rows in the table, {changes} changes in its history",
                dataset.dataset,
                settled.len(),
                landed.len()
            )
            .map_err(|error| output(&error))?;
        }
    }
    Ok(lost)
}

/// How to look at what landed.
fn look(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "\nLook at it:\n  \
         wdt-etl status --config {dir}/wdt-etl.toml\n  \
         wdt-etl schema enterprise_stock\n  \
         pip install deltalake polars && python -c \"import polars; print(polars.read_delta('{dir}/warehouse/enterprise_stock'))\"\n\
         Start for real: wdt-etl init"
    )
}
