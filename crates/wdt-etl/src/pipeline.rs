//! A run: every account side by side, the datasets of an account one after the other, each failing alone.

mod accept;
mod accounts;
mod backfill;
mod client;
mod decisions;
mod full_read;
mod ids;
mod job;
mod lane;
mod order;
mod outcome;
mod pending;
mod places;
mod progress;
mod reconcile;
mod scope;
mod slices;
mod surroundings;
mod walk;
mod windows;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use tokio::sync::Mutex;
use wdt_models::{Endpoint, SyncMode};
use wdt_warehouse::mirror::{AccountRow, Mirrors};
use wdt_warehouse::{DatasetTables, Sums, Warehouse};

use crate::config::{Account, Config};
use crate::error::EtlError;
use crate::failpoint::{self, Place};
use crate::report::Event;
use accounts::run_accounts;
pub(crate) use client::account_client;
pub use decisions::{AccountOrder, Deciding, Decisions, DueRange, Live, PartName};
use job::Job;
use lane::{Lane, Shared};
use order::Selected;
pub use order::{Order, Select, Task};
pub use outcome::{DatasetOutcome, Problem, RunOutcome, Verdict};
pub(crate) use slices::slices;
pub use surroundings::Surroundings;
pub(crate) use surroundings::stopped;

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
        started_at: around.clock.now(),
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
        Task::FullRead => full_read::with_full_read(selected, select, around.clock.now().floor_seconds()),
    }
}

/// By name, so that the mirrors are filled in the same order each time.
type OpenTables = BTreeMap<&'static str, Arc<Mutex<DatasetTables>>>;

async fn open_tables(warehouse: &Warehouse, selected: &[Selected<'_>], dry_run: bool) -> Result<OpenTables, EtlError> {
    let mut tables = OpenTables::new();
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
    tables: &OpenTables,
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
async fn prepared(shared: &Arc<Shared>, selection: &[Selected<'_>], tables: &OpenTables) -> Result<Vec<Job>, EtlError> {
    let mut jobs = Vec::new();
    for (account, dataset) in selection {
        let lane = Lane {
            shared: Arc::clone(shared),
            account: Arc::new((*account).clone()),
            dataset: (*dataset).clone(),
            tables: tables.get(dataset.endpoint.dataset).cloned(),
            watermark: None,
            sums: Sums::default(),
            version: None,
            seen_refused: HashSet::new(),
        };
        jobs.push(Job::prepare(lane).await?);
    }
    // A list of ids comes after the dataset it takes them from, which lands its new ones in this very run; the sort is
    // stable, so the others keep the order of the configuration.
    jobs.sort_by_key(|job| matches!(job.lane.dataset.endpoint.sync, SyncMode::Ids(_)));
    Ok(jobs)
}
