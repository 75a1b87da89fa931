//! One account's dataset from its watermark to the row of its run: which way of reading is due, and how it ended.

use wdt_fetch::{Client, WindowReader};
use wdt_models::time::{Seconds, format_wall_time};
use wdt_models::{Cursor, IdSource, SyncMode, Window};
use wdt_warehouse::{DeleteLimit, WarehouseError};

use super::backfill::{BackfillReader, Extent};
use super::ids::IdReader;
use super::lane::Lane;
use super::order::Task;
use super::outcome::{DatasetOutcome, Problem, Verdict};
use super::reconcile::ReconcileReader;
use super::scope::check_scope;
use super::slices::{SliceReader, slices};
use super::windows::RunReader;
use crate::error::EtlError;
use crate::failpoint::{self, Place};
use crate::plan::begin;
use crate::report::Event;

/// An account without a right gets empty answers and no error from some platforms.
const NOTHING_FOUND: &str = "the first load found no row at all: if there should be some, look at the rights that the \
     interface account has (warehouses, shops) and at params";

/// A lane and what is done in it.
pub(super) struct Job {
    pub(super) lane: Lane,
    mode: Mode,
}

/// The ways of reading a dataset.
enum Mode {
    /// What is new, in windows.
    Windows { cursor: Cursor, until: Option<Seconds>, accept: Option<Window> },
    /// A range behind the watermark.
    Backfill(Box<BackfillReader>),
    /// Everything, to compare it.
    Reconcile { cursor: Cursor, limit: DeleteLimit },
    /// Nothing: every run compares a snapshot whole.
    ComparedByRuns,
    /// The slices of a snapshot.
    Slices,
    /// The rows of a list of ids.
    Ids(IdSource),
}

impl Mode {
    async fn of(lane: &mut Lane) -> Result<Self, EtlError> {
        let endpoint = lane.dataset.endpoint;
        let extent = match (lane.shared.order.task, endpoint.full_read) {
            (Task::Backfill(range), _) => Some(Extent::Range(range)),
            (Task::FullRead, Some(full_read)) => Some(Extent::Everything { from: full_read.from }),
            (Task::FullRead, None) | (Task::Run { .. } | Task::Reconcile(_), _) => None,
        };
        Ok(match (lane.shared.order.task, endpoint.sync) {
            (Task::Reconcile(limit), SyncMode::Incremental(cursor)) => Self::Reconcile { cursor, limit },
            (Task::Reconcile(_), SyncMode::Slices(_) | SyncMode::Ids(_)) => Self::ComparedByRuns,
            (task, SyncMode::Incremental(cursor)) => match (task, extent) {
                (_, Some(extent)) => Self::Backfill(Box::new(BackfillReader::prepare(lane, cursor, extent).await?)),
                (Task::Run { until, accept }, None) => Self::Windows { cursor, until, accept },
                (_, None) => Self::Windows { cursor, until: None, accept: None },
            },
            (_, SyncMode::Slices(_)) => Self::Slices,
            (_, SyncMode::Ids(source)) => Self::Ids(source),
        })
    }
}

impl Job {
    /// Reads the watermark and refuses what does not fit the rows that exist. No call is made.
    pub(super) async fn prepare(mut lane: Lane) -> Result<Self, EtlError> {
        let mode = Mode::of(&mut lane).await?;
        if !matches!(mode, Mode::Backfill(_)) {
            prepare_run(&mut lane).await?;
        }
        Ok(Self { lane, mode })
    }

    /// Reads and lands everything due, and leaves the run's row.
    pub(super) async fn run(self, client: Client, reader: WindowReader) -> DatasetOutcome {
        let Self { mut lane, mode } = self;
        let first_load = lane.watermark.is_none();
        let result = read(&mut lane, mode, &client, reader).await;
        lane.count_calls(&client);
        let mut outcome = outcome_of(&lane);
        match result.and_then(|verdict| lane.within_quarantine_limit().map(|()| verdict)) {
            Ok(verdict) => {
                outcome.verdict = verdict;
                if first_load && lane.sums.records == 0 && lane.sums.calls > 0 {
                    lane.notice(NOTHING_FOUND.to_owned());
                }
            }
            Err(error) => {
                if matches!(error, EtlError::Interrupted) {
                    outcome.verdict = Verdict::Interrupted;
                }
                outcome.problem = Some(Problem::from(&error));
            }
        }
        ended(&lane, outcome).await
    }

    /// Leaves the run's row of a dataset that was not begun.
    pub(super) async fn not_tried(self, problem: Problem) -> DatasetOutcome {
        let outcome = DatasetOutcome { problem: Some(problem), ..outcome_of(&self.lane) };
        ended(&self.lane, outcome).await
    }
}

/// Finds the watermark of a lane, and where it begins.
async fn prepare_run(lane: &mut Lane) -> Result<(), EtlError> {
    let Some(tables) = &lane.tables else { return Ok(()) };
    let mut tables = tables.lock().await;
    let account = &lane.account.name;
    lane.watermark = tables.complete_until(account, &slices(&lane.dataset)).await?;
    if let Some(landed) = tables.scope(account).await? {
        check_scope(&landed, lane.watermark, account, &lane.dataset)?;
    }
    drop(tables);
    let goes_on = lane.watermark.map(|own| begin(Some(own), lane.dataset.start, lane.shared.settings.lookback_seconds));
    if let Some(start) = lane.shared.around.decisions.start(lane.part(), goes_on)? {
        lane.dataset.start = start;
    }
    Ok(())
}

async fn read(lane: &mut Lane, mode: Mode, client: &Client, reader: WindowReader) -> Result<Verdict, EtlError> {
    match mode {
        Mode::Windows { cursor, until, accept } => RunReader { lane, client, cursor, until, accept }.read(reader).await,
        Mode::Backfill(backfill) => Box::pin(backfill.read(lane, client, reader)).await,
        Mode::Reconcile { cursor, limit } => {
            Box::pin(ReconcileReader { lane, client, cursor, limit }.read(reader)).await
        }
        Mode::ComparedByRuns => {
            lane.notice("a snapshot: every run compares it whole, nothing is left to reconcile".to_owned());
            Ok(Verdict::NothingDue)
        }
        Mode::Slices => SliceReader { lane, client }.read(reader).await,
        Mode::Ids(source) => IdReader { lane, client, source }.read(reader).await,
    }
}

/// The outcome of a lane that did not reach its end.
fn outcome_of(lane: &Lane) -> DatasetOutcome {
    let dataset = lane.dataset.endpoint.dataset;
    let outcome = DatasetOutcome::new(&lane.account.name, dataset, Verdict::Failed, lane.sums);
    DatasetOutcome { watermark: lane.watermark, ..outcome }
}

async fn ended(lane: &Lane, mut outcome: DatasetOutcome) -> DatasetOutcome {
    failpoint::hit(Place::RunEnding);
    if let Err(error) = mirror(lane, &outcome).await {
        outcome.problem.get_or_insert_with(|| Problem::from(&EtlError::from(error)));
    }
    failpoint::hit(Place::RunMirrored);
    lane.report(&finished(&outcome));
    outcome
}

async fn mirror(lane: &Lane, outcome: &DatasetOutcome) -> Result<(), WarehouseError> {
    let (Some(mirrors), Some(tables)) = (&lane.shared.mirrors, &lane.tables) else { return Ok(()) };
    let mut mirrors = mirrors.lock().await;
    mirrors.run(&lane.row(Some(outcome))).await?;
    failpoint::hit(Place::RunWritten);
    let mut tables = tables.lock().await;
    mirrors.catch_up(&mut tables).await
}

/// How the dataset ended, as an event.
fn finished(outcome: &DatasetOutcome) -> Event {
    Event::Finished {
        account: outcome.account.clone(),
        dataset: outcome.dataset,
        verdict: outcome.verdict.name(),
        exit_code: outcome.exit_code(),
        calls: outcome.sums.calls,
        records: outcome.sums.records,
        changed: outcome.sums.changed,
        deleted: outcome.sums.deleted,
        refused: outcome.sums.refused,
        refused_upstream: outcome.sums.refused_upstream,
        watermark: outcome.watermark.map(format_wall_time),
        error: outcome.problem.as_ref().map(|problem| problem.message.clone()),
        hint: outcome.problem.as_ref().and_then(|problem| problem.hint.clone()),
    }
}
