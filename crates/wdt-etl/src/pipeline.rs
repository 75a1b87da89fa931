//! A run: every account side by side, the datasets of an account one after the other, each failing alone.

mod accept;
mod backfill;
mod decided;
mod full_read;
mod job;
mod order;
mod outcome;
mod pending;
mod reconcile;
mod scope;
mod snapshot;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use wdt_fetch::{Client, ClientBuilder, Clock, Limiters, Slots, Transport, Waits, WindowReader};
use wdt_models::{Endpoint, SyncMode};

use crate::cassette::Cassette;
use crate::config::{Account, Config, Dataset, RunSettings};
use crate::error::EtlError;
use crate::failpoint::{self, Place};
use crate::report::{Event, Reporter};
use crate::warehouse;
pub(crate) use job::stopped;
use job::{Job, Shared};
pub use order::{Order, Select, Task};
pub use outcome::{DatasetOutcome, Problem, RunOutcome, Verdict};
pub(crate) use snapshot::slices;
use wdt_warehouse::mirror::{AccountRow, Mirrors};
use wdt_warehouse::{DatasetTables, Sums, Warehouse, WarehouseError};

/// Fewest pages in flight per account unless the configuration says otherwise.
const CONCURRENCY: usize = 8;
/// Most of them that a call limit alone asks for.
const MOST_CONCURRENCY: usize = 64;
/// Seconds of an answer for which there may be enough of them to use the call limit up.
const SLOWEST_ANSWER: u32 = 10;

/// What a run needs of the world: time, waits, an audience, and a way to be stopped.
#[derive(Clone)]
pub struct Surroundings {
    /// The local clock.
    pub clock: Arc<dyn Clock>,
    /// The call limits, shared with other runs or not.
    pub limiters: Arc<Limiters>,
    /// How long the policy waits.
    pub waits: Waits,
    /// Takes the events.
    pub reporter: Arc<dyn Reporter>,
    /// Where the tables are, in place of the configured warehouse.
    pub warehouse: Option<Warehouse>,
    /// What carries the requests, in place of connections to the accounts' addresses.
    pub transport: Option<Arc<dyn Transport>>,
    /// What a run is recorded to, or replayed from.
    pub cassette: Option<Cassette>,
    /// Becomes true when the run has to stop.
    pub stop: watch::Receiver<bool>,
    /// Spreads waits after broken transports.
    pub seed: u64,
    /// Name of the run.
    pub run_id: String,
}

impl Surroundings {
    /// Where the tables are.
    ///
    /// # Errors
    ///
    /// When the configured folder cannot be made, or holds tables of another format.
    pub(crate) fn warehouse(&self, config: &Config) -> Result<Warehouse, WarehouseError> {
        self.warehouse.clone().map_or_else(|| warehouse::configured(config), Ok)
    }

    /// Whether the answers are played, from a recording or by the caller: then nothing of this machine may show in the
    /// tables.
    pub(crate) fn is_played(&self) -> bool {
        self.transport.is_some() || self.cassette.as_ref().is_some_and(Cassette::is_replay)
    }
}

/// Runs the nightly job.
///
/// # Errors
///
/// Faults that end the run before any call: configuration, scope, warehouse. Faults of one account or dataset are in
/// the outcome.
pub async fn run(config: &Config, order: &Order, around: &Surroundings) -> Result<RunOutcome, EtlError> {
    let selected = config.select(&order.select.accounts, &order.select.datasets)?;
    let selected = taking_part(selected, order, around)?;
    let warehouse = around.warehouse(config)?;
    let tables = open_tables(&warehouse, &selected, order.dry_run).await?;
    failpoint::hit(Place::TablesOpened);
    let mirrors = open_mirrors(config, &warehouse, &tables, order.dry_run).await?;
    failpoint::hit(Place::MirrorsOpened);
    let shared = Arc::new(Shared {
        warehouse,
        run_id: around.run_id.clone(),
        started_at: around.clock.now_ms(),
        settings: config.run.clone(),
        order: order.clone(),
        around: around.clone(),
        mirrors: mirrors.map(Mutex::new),
    });
    let mut accounts = Vec::new();
    for selection in selected.chunk_by(|left, right| left.0.name == right.0.name) {
        accounts.push(prepared(&shared, selection, &tables).await?);
    }
    failpoint::hit(Place::Prepared);
    around.reporter.event(&Event::RunStarted { run_id: around.run_id.clone(), datasets: selected.len() });
    let outcome = RunOutcome { run_id: around.run_id.clone(), datasets: run_accounts(&shared, accounts).await };
    around.reporter.event(&Event::RunFinished { run_id: outcome.run_id.clone(), exit_code: outcome.exit_code() });
    Ok(outcome)
}

/// Those of the selected datasets that the task is about.
fn taking_part<'a>(
    selected: Vec<Selected<'a>>,
    order: &Order,
    around: &Surroundings,
) -> Result<Vec<Selected<'a>>, EtlError> {
    let select = &order.select;
    match order.task {
        Task::Run { accept: Some(accept), .. } => accept::check(accept, select, &selected).map(|()| selected),
        Task::Run { accept: None, .. } | Task::Reconcile(_) => Ok(selected),
        Task::Backfill(range) => backfill::with_windows(selected, range, select),
        Task::FullRead => full_read::with_full_read(selected, select, around.clock.now_ms().div_euclid(1000)),
    }
}

/// An account and one of its datasets.
type Selected<'a> = (&'a Account, &'a Dataset);
/// By name, so that the mirrors are filled in the same order each time.
type Tables = BTreeMap<&'static str, Arc<Mutex<DatasetTables>>>;

async fn open_tables(warehouse: &Warehouse, selected: &[Selected<'_>], dry_run: bool) -> Result<Tables, EtlError> {
    let mut tables = Tables::new();
    for endpoint in selected.iter().map(|(_, dataset)| dataset.endpoint) {
        if tables.contains_key(endpoint.dataset) {
            continue;
        }
        let opened = if dry_run {
            DatasetTables::open(warehouse, endpoint).await?
        } else {
            let mut opened = DatasetTables::open_or_create(warehouse, endpoint).await?;
            opened.catch_up().await?;
            Some(opened)
        };
        if let Some(opened) = opened {
            tables.insert(endpoint.dataset, Arc::new(Mutex::new(opened)));
        }
    }
    Ok(tables)
}

async fn open_mirrors(
    config: &Config,
    warehouse: &Warehouse,
    tables: &Tables,
    dry_run: bool,
) -> Result<Option<Mirrors>, EtlError> {
    if dry_run {
        return Ok(None);
    }
    let mut mirrors = Mirrors::open_or_create(warehouse).await?;
    mirrors.accounts(&config.accounts.iter().map(account_row).collect::<Vec<_>>()).await?;
    let endpoints: Vec<&Endpoint> = wdt_models::endpoints::ALL.to_vec();
    mirrors.columns(&endpoints).await?;
    for tables in tables.values() {
        mirrors.catch_up(&mut *tables.lock().await).await?;
    }
    Ok(Some(mirrors))
}

fn account_row(account: &Account) -> AccountRow<'_> {
    AccountRow {
        account: &account.name,
        merchant: &account.merchant,
        gateway: account.gateway.name(),
        environment: account.environment.name(),
    }
}

/// The jobs of an account, each with its watermark, none of them started.
async fn prepared(shared: &Arc<Shared>, selection: &[Selected<'_>], tables: &Tables) -> Result<Vec<Job>, EtlError> {
    let mut jobs = Vec::new();
    for (account, dataset) in selection {
        let mut job = Job {
            shared: Arc::clone(shared),
            account: Arc::new((*account).clone()),
            dataset: (*dataset).clone(),
            tables: tables.get(dataset.endpoint.dataset).cloned(),
            watermark: None,
            sums: Sums::default(),
            version: None,
            backfill: None,
            seen_refused: HashSet::new(),
        };
        job.prepare().await?;
        jobs.push(job);
    }
    // a list of ids comes after the dataset it takes them from
    jobs.sort_by_key(|job| matches!(job.dataset.endpoint.sync, SyncMode::Ids(_)));
    Ok(jobs)
}

async fn run_accounts(shared: &Arc<Shared>, accounts: Vec<Vec<Job>>) -> Vec<DatasetOutcome> {
    let limiters = &shared.around.limiters;
    let (mut tasks, mut outcomes) = (JoinSet::new(), Vec::new());
    for (position, jobs) in accounts.into_iter().enumerate() {
        let Some(account) = jobs.first().map(|job| Arc::clone(&job.account)) else { continue };
        let limiter = limiters.get(account.gateway, &account.app_key, account.calls_per_minute);
        if let (Some(reason), Some(job)) = (limiter.alone(), jobs.first()) {
            job.notice(format!("the call limit is not shared with other runs on this machine: {reason}"));
        }
        let own = Arc::clone(shared);
        tasks.spawn(async move { (position, run_account(&own, jobs, &limiter).await) });
        if let Some(Cassette::Replay(replay)) = &shared.around.cassette {
            // one after the other, so that commits to the tables that they share have one order; each at its own time
            replay.clock().set_back();
            outcomes.extend(tasks.join_next().await.map(ended));
        }
    }
    while let Some(result) = tasks.join_next().await {
        outcomes.push(ended(result));
    }
    outcomes.sort_by_key(|(position, _)| *position);
    outcomes.into_iter().flat_map(|(_, outcomes)| outcomes).collect()
}

/// What an account's task came to, with its place.
fn ended(result: Result<(usize, Vec<DatasetOutcome>), tokio::task::JoinError>) -> (usize, Vec<DatasetOutcome>) {
    result.unwrap_or_else(|error| (usize::MAX, vec![panicked(&error.to_string())]))
}

async fn run_account(shared: &Shared, jobs: Vec<Job>, limiter: &Arc<wdt_fetch::Limiter>) -> Vec<DatasetOutcome> {
    let mut outcomes: Vec<DatasetOutcome> = Vec::new();
    let mut refused: Option<Problem> = None;
    let calls_per_minute = jobs.first().map_or(0, |job| job.account.calls_per_minute);
    let slots = Arc::new(places(&shared.settings, calls_per_minute));
    let skew_told = Arc::default();
    for job in jobs {
        let outcome = match (&refused, client(shared, &job, limiter, &skew_told)) {
            (Some(problem), _) => {
                let message = format!("not tried, because the platform refused the account: {}", problem.message);
                job.not_tried(Problem { message, ..problem.clone() }).await
            }
            (None, Err(error)) => job.not_tried(Problem::from(&error)).await,
            (None, Ok(client)) => {
                let reader = reader(shared, &job, &client, &slots);
                job.run(client, reader).await
            }
        };
        refused = refused.or_else(|| outcome.problem.clone().filter(|problem| problem.failure.stops_account()));
        outcomes.push(outcome);
    }
    outcomes
}

fn client(
    shared: &Shared,
    job: &Job,
    limiter: &Arc<wdt_fetch::Limiter>,
    skew_told: &Arc<AtomicBool>,
) -> Result<Client, EtlError> {
    let (account, dataset) = (&job.account, job.dataset.endpoint.dataset);
    let transport = match &shared.around.cassette {
        None => transport(account, &shared.around)?,
        Some(cassette) => cassette.transport(account, dataset, || transport(account, &shared.around))?,
    };
    let observer = observer(shared, &job.account.name, job.dataset.endpoint.dataset, skew_told);
    Ok(client_over(transport, account, limiter, &shared.around).observer(observer).build()?)
}

/// A client that calls as the account.
///
/// # Errors
///
/// When the account's address or proxy is not one.
pub(crate) fn account_client(
    account: &Account,
    limiter: &Arc<wdt_fetch::Limiter>,
    around: &Surroundings,
) -> Result<Client, EtlError> {
    Ok(client_over(transport(account, around)?, account, limiter, around).build()?)
}

/// What carries an account's calls: connections to its address, unless something stands for them.
fn transport(account: &Account, around: &Surroundings) -> Result<Arc<dyn Transport>, EtlError> {
    match &around.transport {
        Some(transport) => Ok(Arc::clone(transport)),
        None => Ok(client_builder(account).carrier()?),
    }
}

fn client_over(
    transport: Arc<dyn Transport>,
    account: &Account,
    limiter: &Arc<wdt_fetch::Limiter>,
    around: &Surroundings,
) -> ClientBuilder {
    let (limiter, clock) = (Arc::clone(limiter), Arc::clone(&around.clock));
    let client = client_builder(account).transport(transport).limiter(limiter).clock(clock);
    client.waits(around.waits).seed(around.seed)
}

fn client_builder(account: &Account) -> ClientBuilder {
    let proxy = account.proxy.as_ref().map(|proxy| proxy.expose().to_owned());
    Client::builder(account.base_url.clone(), account.credentials.clone()).proxy(proxy)
}

/// Passes on what a client tells; of an account's clients, one tells of the clock.
fn observer(shared: &Shared, account: &str, dataset: &'static str, skew_told: &Arc<AtomicBool>) -> wdt_fetch::Observer {
    let (reporter, account) = (Arc::clone(&shared.around.reporter), account.to_owned());
    let skew_told = Arc::clone(skew_told);
    Arc::new(move |event| {
        let account = account.clone();
        match event {
            wdt_fetch::Event::Call { records, bytes, .. } => {
                reporter.event(&Event::Page { account, dataset, records: *records, bytes: *bytes });
            }
            wdt_fetch::Event::Retry { reason, wait, .. } | wdt_fetch::Event::Pause { reason, wait } => {
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                reporter.event(&Event::Waiting { account, dataset, reason: reason.clone(), wait_ms });
            }
            wdt_fetch::Event::Skew { skew_ms } if !skew_told.swap(true, Ordering::Relaxed) => {
                reporter.event(&Event::Notice { account, dataset, message: skew_notice(*skew_ms) });
            }
            _ => {}
        }
    })
}

fn skew_notice(skew_ms: i64) -> String {
    let seconds = skew_ms / 1000;
    let way = if seconds > 0 { "ahead of" } else { "behind" };
    let seconds = seconds.abs();
    format!(
        "the platform's clock is {seconds} s {way} this machine's; times are taken from the platform's, but set this \
         machine's clock by a time server (NTP): calls are refused when it drifts further"
    )
}

fn reader(shared: &Shared, job: &Job, client: &Client, slots: &Arc<Slots>) -> WindowReader {
    let mut params = job.dataset.params.clone();
    let full_read = job.dataset.endpoint.full_read.filter(|_| matches!(shared.order.task, Task::FullRead));
    params.extend(full_read.map(|full_read| (full_read.param.to_owned(), full_read.value.into())));
    WindowReader {
        client: client.clone(),
        endpoint: job.dataset.endpoint,
        method: job.dataset.method,
        params,
        personal: job.dataset.personal,
        page_size: job.dataset.page_size,
        slots: Arc::clone(slots),
    }
}

/// Most pages in flight for an account with that limit, and windows read ahead.
fn concurrency(settings: &RunSettings, calls_per_minute: u32) -> usize {
    let needed = usize::try_from(calls_per_minute * SLOWEST_ANSWER / 60).unwrap_or(CONCURRENCY);
    settings.concurrency.unwrap_or(needed.clamp(CONCURRENCY, MOST_CONCURRENCY))
}

/// Places for an account's pages: as many as are configured, or as the seen latency needs.
fn places(settings: &RunSettings, calls_per_minute: u32) -> Slots {
    let most = concurrency(settings, calls_per_minute);
    Slots::growing(settings.concurrency.unwrap_or(CONCURRENCY), most, calls_per_minute)
}

/// The outcome of a task that panicked, which is a bug.
fn panicked(message: &str) -> DatasetOutcome {
    let problem = Problem::from(&EtlError::Bug(message.to_owned()));
    DatasetOutcome { problem: Some(problem), ..DatasetOutcome::new("", "", Verdict::Failed, &Sums::default()) }
}
