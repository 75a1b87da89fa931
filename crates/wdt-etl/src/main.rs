//! The `wdt-etl` binary: reads the command line and the surroundings, runs one command, ends with its exit code.

use std::io::{IsTerminal as _, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser as _;
use tokio::runtime::Builder;
use tokio::sync::watch;
use wdt_etl::EtlError;
use wdt_etl::cli::{Cli, Command};
use wdt_etl::commands::{
    backfill, check, demo, diff, explain, export, init, reconcile, record, replay, run, schema, simulate, status,
    verify,
};
use wdt_etl::config::Config;
use wdt_etl::environment::{Variables, limits_folder};
use wdt_etl::pipeline::{Live, Surroundings};
use wdt_etl::report::{JsonLines, Reporter, Silent, Terminal};
use wdt_fetch::{Clock, Limiters, SystemClock, Waits};

/// The system's allocator keeps what threads freed; this one gives it back (`.cargo/config.toml`, `docs/performance.md`).
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Threads that compute. A job is bound by the platform's call limit, not by this machine, and the system's allocator
/// gives every thread memory of its own that it never returns (`docs/performance.md`).
const WORKER_THREADS: usize = 1;
/// Most threads that read and write files. A snapshot of a Delta table is built in one of them while it waits for another
/// to list the log, so fewer than twice the accounts of a run can wait for ever; they start only when needed.
const FILE_THREADS: usize = 512;
/// How long an idle one of them stays: they come and go with each commit, and would pile up.
const IDLE_THREADS: Duration = Duration::from_millis(20);
fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match runtime(&cli.command).max_blocking_threads(FILE_THREADS).thread_keep_alive(IDLE_THREADS).build()
    {
        Ok(runtime) => runtime,
        Err(error) => return end(Err(EtlError::Bug(format!("no runtime: {error}")))),
    };
    end(runtime.block_on(command(&cli)))
}

/// A replay has a runtime of its own, whose time passes only while everybody waits.
fn runtime(command: &Command) -> Builder {
    let mut builder = if matches!(command, Command::Replay(_)) {
        let mut replay = Builder::new_current_thread();
        replay.start_paused(true);
        replay
    } else {
        let mut job = Builder::new_multi_thread();
        job.worker_threads(WORKER_THREADS);
        job
    };
    builder.enable_all();
    builder
}

async fn command(cli: &Cli) -> Result<u8, EtlError> {
    let variables = match &cli.global.env_file {
        Some(file) => Variables::of_process().with_file(file)?,
        None => Variables::of_process(),
    };
    let (mut out, mut notes) = (std::io::stdout(), std::io::stderr());
    let now = SystemClock.now().floor_seconds();
    let load = || Config::load(&cli.global.config, &variables, now);
    let load_without_secrets = || Config::load_without_secrets(&cli.global.config, &variables, now);
    let silent = || surroundings(&variables, Arc::new(Silent));
    match &cli.command {
        Command::Init(args) => init::init(&args.dir, args.force, &mut out).map(|()| 0),
        Command::Schema(args) => schema::schema(args, &mut out).map(|()| 0),
        Command::Explain(args) => explain::explain(args, &mut out).map(|()| 0),
        Command::Status(args) => status::status(&load_without_secrets()?, args, now, &mut out).await.map(|()| 0),
        Command::Simulate(args) => {
            simulate::simulate(args, Arc::new(SystemClock), stop_on_signal(), &mut out).await.map(|()| 0)
        }
        Command::Check(args) => check::check(&load()?, args, &silent(), &mut out).await,
        Command::Verify(args) => {
            let config = if args.probe { load()? } else { load_without_secrets()? };
            verify::verify(&config, args, &silent(), &mut out).await
        }
        Command::Export(args) => {
            let mut around = export::Console { out: &mut out, notes: &mut notes, stop: stop_on_signal() };
            export::export(&load_without_secrets()?, args, &mut around).await.map(|()| 0)
        }
        Command::Diff(args) => {
            let config = args.asks_configuration().then(load_without_secrets).transpose()?;
            let mut around = export::Console { out: &mut out, notes: &mut notes, stop: stop_on_signal() };
            diff::diff(args, config.as_ref(), &mut around).await
        }
        Command::Demo(args) => {
            let reporter: Arc<dyn Reporter> =
                if args.output.json { Arc::new(JsonLines::new(std::io::stdout())) } else { Arc::new(Silent) };
            demo::demo(args, &surroundings(&variables, reporter), &mut out).await
        }
        Command::Run(args) => {
            let (json, reporter) = reporter(args.output.json);
            run::run(&load()?, &run::order(args), &surroundings(&variables, reporter), json, &mut out).await
        }
        Command::Record(args) => {
            let config = load()?;
            let (json, reporter) = reporter(args.output.json);
            record::record(&config, args, &variables, &surroundings(&variables, reporter), json, &mut out).await
        }
        Command::Replay(args) => replay::replay(args, stop_on_signal(), reporter(args.output.json), &mut out).await,
        Command::Reconcile(args) => {
            let config = load()?;
            let (json, reporter) = reporter(args.output.json);
            reconcile::reconcile(&config, args, &surroundings(&variables, reporter), json, &mut out).await
        }
        Command::Backfill(args) => {
            let config = load()?;
            let (json, reporter) = reporter(args.output.json);
            backfill::backfill(&config, args, &surroundings(&variables, reporter), json, &mut out).await
        }
    }
}

/// Whether a job's events are JSON lines, because that is asked for or nobody looks, and who takes them.
fn reporter(json: bool) -> (bool, Arc<dyn Reporter>) {
    let json = json || !std::io::stderr().is_terminal();
    (json, if json { Arc::new(JsonLines::new(std::io::stdout())) } else { Arc::new(Terminal::new()) })
}

fn surroundings(variables: &Variables, reporter: Arc<dyn Reporter>) -> Surroundings {
    let waits = waits(variables);
    let clock = Arc::new(SystemClock);
    let seed = clock.now().0.unsigned_abs();
    let limiters = Arc::new(Limiters::in_folder(limits_folder(), Arc::clone(&clock) as Arc<dyn Clock>));
    Surroundings {
        clock,
        limiters,
        waits,
        warehouse: None,
        transport: None,
        decisions: Arc::new(Live),
        reporter,
        stop: stop_on_signal(),
        seed,
        run_id: run::new_run_id(),
    }
}

/// Arms what the variables of a test ask for, and gives the waits after faults: none, if there is such a variable.
#[cfg(feature = "failpoints")]
fn waits(variables: &Variables) -> Waits {
    if let Some(place) = variables.get("WDT_ETL_TEST_FAILPOINT") {
        wdt_warehouse::failpoint::arm(place);
    }
    if let Some(plan) = variables.get("WDT_ETL_TEST_STORE") {
        wdt_warehouse::faulty::arm(plan);
    }
    variables.get("WDT_ETL_TEST_NO_WAITS").map_or_else(Waits::default, |_| Waits::none())
}

/// The waits after faults.
#[cfg(not(feature = "failpoints"))]
fn waits(_: &Variables) -> Waits {
    Waits::default()
}

/// Becomes true at the first Ctrl-C or SIGTERM; the second one ends the process at once.
fn stop_on_signal() -> watch::Receiver<bool> {
    let (stop, stopped) = watch::channel(false);
    // before the task is first run: a signal that comes until then would end the process as if nobody handled it
    let mut signals = Signals::listen();
    tokio::spawn(async move {
        signals.next().await;
        eprint("stopping at the next page; once more to end at once");
        if stop.send(true).is_ok() {
            signals.next().await;
        }
        std::process::exit(130);
    });
    stopped
}

/// Ctrl-C and SIGTERM, if the system lets them be handled.
#[cfg(unix)]
struct Signals(Option<[tokio::signal::unix::Signal; 2]>);

#[cfg(unix)]
impl Signals {
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self(match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
            (Ok(interrupt), Ok(terminate)) => Some([interrupt, terminate]),
            _ => None,
        })
    }

    async fn next(&mut self) {
        let Some([interrupt, terminate]) = &mut self.0 else { return std::future::pending().await };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Self {
        Self
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

fn end(result: Result<u8, EtlError>) -> ExitCode {
    match result {
        Ok(code) => ExitCode::from(code),
        Err(EtlError::ReaderGone) => ExitCode::SUCCESS,
        Err(error) => {
            eprint(&error.report());
            ExitCode::from(error.exit_code())
        }
    }
}

/// A line on standard error; one that nobody reads is no fault.
fn eprint(text: &str) {
    let _gone = writeln!(std::io::stderr(), "{text}");
}
