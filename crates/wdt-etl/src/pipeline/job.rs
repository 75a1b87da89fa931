//! One account's dataset: windows are read side by side, landed in order, the watermark moving with each commit.

use std::collections::HashSet;
use std::sync::Arc;

use futures::StreamExt as _;
use tokio::sync::{Mutex, watch};
use wdt_fetch::{Client, ReadOptions, WindowError, WindowReader, read_windows};
use wdt_models::time::format_wall_time;
use wdt_models::{SyncMode, Window};

use super::Surroundings;
use super::backfill::Backfill;
use super::order::{Order, Task};
use super::outcome::{DatasetOutcome, Problem, Verdict};
use super::pending::Pending;
use super::scope::{check_scope, scope};
use super::snapshot::slices;
use crate::config::{Account, Dataset, RunSettings};
use crate::error::EtlError;
use crate::failpoint::{self, Place};
use crate::memory::peak_bytes;
use crate::plan::{Planner, Range, begin};
use crate::report::Event;
use wdt_warehouse::mirror::{Mirrors, RunRow};
use wdt_warehouse::{CommitRecord, DatasetTables, Landed, Landing, Sums, Warehouse};

/// What every job of a run shares.
pub(super) struct Shared {
    pub(super) warehouse: Warehouse,
    pub(super) run_id: String,
    pub(super) started_at: i64,
    pub(super) settings: RunSettings,
    pub(super) order: Order,
    pub(super) around: Surroundings,
    pub(super) mirrors: Option<Mutex<Mirrors>>,
}

/// One account's dataset in a run.
pub(super) struct Job {
    pub(super) shared: Arc<Shared>,
    pub(super) account: Arc<Account>,
    pub(super) dataset: Dataset,
    /// Absent in a dry run into a warehouse that has no such table yet.
    pub(super) tables: Option<Arc<Mutex<DatasetTables>>>,
    pub(super) watermark: Option<i64>,
    pub(super) sums: Sums,
    pub(super) version: Option<u64>,
    /// Set by [`Job::prepare`] where the command is one.
    pub(super) backfill: Option<Backfill>,
    /// Hashes of the refused records of this run.
    pub(super) seen_refused: HashSet<u128>,
}

/// Seconds that the platform's clock, known from a header of whole seconds, may seem behind what it is.
pub(super) const CLOCK_RESOLUTION: i64 = 1;
/// Records a window should have at most: with the windows in flight this bounds the memory of a load.
pub(super) const WINDOW_RECORDS: u64 = 2_000;

/// An account without a right gets empty answers and no error from some platforms.
const NOTHING_FOUND: &str = "the first load found no row at all: if there should be some, look at the rights that the \
     interface account has (warehouses, shops) and at params";

/// How a pass over the range ended.
pub(super) enum Pass {
    /// To the end of the range.
    Whole,
    /// The platform's clock turned out to be behind: the range was too long, nothing was landed.
    ClockBehind,
}

impl Job {
    /// Reads the watermark and refuses what does not fit the rows that are there. No call is made.
    pub(super) async fn prepare(&mut self) -> Result<(), EtlError> {
        match (self.shared.order.task, self.dataset.endpoint.full_read) {
            (Task::Backfill(range), _) => return self.prepare_backfill(range.start, Some(range.end)).await,
            (Task::FullRead, Some(full_read)) => return self.prepare_backfill(full_read.from, None).await,
            (Task::FullRead, None) | (Task::Run { .. } | Task::Reconcile(_), _) => {}
        }
        let Some(tables) = &self.tables else { return Ok(()) };
        let mut tables = tables.lock().await;
        self.watermark = tables.complete_until(&self.account.name, &slices(&self.dataset)).await?;
        if let Some(question) = tables.question(&self.account.name).await? {
            check_scope(&question, self.watermark, &self.account.name, &self.dataset)?;
        }
        drop(tables);
        self.begin_where_recorded()
    }

    /// Reads and lands everything due, and leaves the run's row.
    pub(super) async fn run(mut self, client: Client, reader: WindowReader) -> DatasetOutcome {
        let first_load = self.watermark.is_none();
        let result = match self.dataset.endpoint.sync {
            _ if matches!(self.shared.order.task, Task::Reconcile(_)) => {
                Box::pin(self.reconcile(&client, reader)).await
            }
            SyncMode::Incremental(_) if self.backfill.is_some() => self.read_backfill(&client, reader).await,
            SyncMode::Incremental(_) => self.read_windows(&client, reader).await,
            SyncMode::Slices(_) => self.read_slices(&client, reader).await,
            SyncMode::Ids(source) => self.read_ids(&client, reader, &source).await,
        };
        self.count_calls(&client);
        let mut outcome =
            DatasetOutcome::new(&self.account.name, self.dataset.endpoint.dataset, Verdict::Failed, &self.sums);
        outcome.watermark = self.watermark;
        match result.and_then(|verdict| self.within_quarantine_limit().map(|()| verdict)) {
            Ok(verdict) => {
                outcome.verdict = verdict;
                if first_load && self.sums.records == 0 && self.sums.calls > 0 {
                    self.notice(NOTHING_FOUND.to_owned());
                }
            }
            Err(error) => {
                if matches!(error, EtlError::Interrupted) {
                    outcome.verdict = Verdict::Interrupted;
                }
                outcome.problem = Some(Problem::from(&error));
            }
        }
        self.ended(outcome).await
    }

    /// Leaves the run's row of a dataset that was not begun.
    pub(super) async fn not_tried(self, problem: Problem) -> DatasetOutcome {
        let mut outcome =
            DatasetOutcome::new(&self.account.name, self.dataset.endpoint.dataset, Verdict::Failed, &self.sums);
        outcome.watermark = self.watermark;
        outcome.problem = Some(problem);
        self.ended(outcome).await
    }

    async fn ended(&self, mut outcome: DatasetOutcome) -> DatasetOutcome {
        failpoint::hit(Place::RunEnding);
        if let Err(error) = self.mirror(&outcome).await {
            outcome.problem.get_or_insert_with(|| Problem::from(&EtlError::from(error)));
        }
        failpoint::hit(Place::RunMirrored);
        self.tell(&outcome);
        outcome
    }

    async fn read_windows(&mut self, client: &Client, reader: WindowReader) -> Result<Verdict, EtlError> {
        let reader = Arc::new(reader);
        loop {
            let range = self.range(client)?;
            if !range.is_due() {
                return Ok(Verdict::NothingDue);
            }
            self.announce(&range);
            if let Pass::Whole = self.pass(client, &reader, range).await? {
                return Ok(self.landed());
            }
        }
    }

    /// The range that is due by the platform's clock as far as it is known.
    pub(super) fn due(&self, client: &Client) -> Result<Range, EtlError> {
        let now = client.platform_now().div_euclid(1000);
        let latest = now - self.shared.settings.settle - CLOCK_RESOLUTION;
        let asked = match self.shared.order.task {
            Task::Run { until, .. } => until,
            Task::Backfill(_) | Task::FullRead | Task::Reconcile(_) => None,
        };
        let until = match asked {
            None => latest,
            Some(until) if until > now => {
                let message = format!(
                    "--until {} is later than the platform's clock, {}",
                    format_wall_time(until),
                    format_wall_time(now)
                );
                return Err(EtlError::Usage {
                    message,
                    hint: Some("leave --until out to read as far as is safe".to_owned()),
                });
            }
            Some(until) if until > latest => {
                self.notice(format!(
                    "--until moved back to {}: later changes have not settled",
                    format_wall_time(latest)
                ));
                latest
            }
            Some(until) => until,
        };
        self.range_up_to(until)
    }

    /// From behind the watermark up to that second.
    pub(super) fn range_up_to(&self, until: i64) -> Result<Range, EtlError> {
        let Some(cursor) = self.dataset.endpoint.cursor() else {
            return Err(EtlError::Bug(format!("{} has no windows", self.dataset.endpoint.dataset)));
        };
        Ok(Range {
            from: begin(self.watermark, self.dataset.start, self.shared.settings.lookback),
            until,
            watermark: self.watermark,
            first: self.shared.settings.window,
            longest: cursor.max_seconds,
            most_records: WINDOW_RECORDS,
        })
    }

    pub(super) async fn pass(
        &mut self,
        client: &Client,
        reader: &Arc<WindowReader>,
        range: Range,
    ) -> Result<Pass, EtlError> {
        let planner = Planner::new(range);
        let mut parts = read_windows(Arc::clone(reader), planner.clone(), self.read_options());
        let mut stop = self.shared.around.stop.clone();
        let mut pending = Pending::default();
        let ended = loop {
            failpoint::hit(Place::WindowDue);
            let part = tokio::select! {
                biased;
                () = stopped(&mut stop) => break Err(EtlError::Interrupted),
                part = parts.next() => part,
            };
            match part {
                None => break Ok(Pass::Whole),
                Some(Err(error)) => break Err(self.window_error(error).await),
                Some(Ok(_)) if self.backfill.is_none() && self.has_not_settled(client, range.until) => {
                    // nothing of this pass is landed, so nothing of it is known
                    self.seen_refused.clear();
                    return Ok(Pass::ClockBehind);
                }
                Some(Ok(part)) => {
                    failpoint::hit(Place::WindowRead);
                    planner.observe(part.window, part.certificate.declared_before);
                    self.window_read(&range, part.window, part.certificate.distinct);
                    self.tell_accepted(&part.certificate);
                    pending.push(part, &mut self.seen_refused);
                    if pending.is_full() {
                        self.land(client, pending.take()).await?;
                    }
                }
            }
        };
        self.land(client, pending).await?;
        ended
    }

    fn has_not_settled(&self, client: &Client, until: i64) -> bool {
        until * 1000 > client.platform_now() - self.shared.settings.settle * 1000
    }

    async fn land(&mut self, client: &Client, pending: Pending) -> Result<(), EtlError> {
        let Some(end) = pending.end() else { return Ok(()) };
        self.count_calls(client);
        self.sums.windows += pending.windows();
        self.sums.records += pending.records();
        self.sums.refused += pending.refused();
        let Some(tables) = self.tables.clone().filter(|_| !self.shared.order.dry_run) else { return Ok(()) };
        let (readings, certificates, quarantine) = pending.into_parts();
        let accept = self.accepted_in(&certificates);
        let record = CommitRecord { accept, certificates, quarantine, ..self.record_up_to(end) };
        failpoint::hit(Place::Landing);
        let landed = tables.lock().await.land(Landing { record, readings, picture: None }).await?;
        failpoint::hit(Place::Landed);
        match landed {
            Landed::Committed { version, sums } => {
                (self.sums, self.version) = (sums, Some(version));
                self.landed_up_to(end);
                self.committed(version, self.watermark.unwrap_or(end));
            }
            Landed::Already { version: watermark } => {
                self.watermark = Some(watermark);
                self.notice(format!("another run landed everything up to {}", format_wall_time(watermark)));
            }
            Landed::OtherQuestion => return Err(self.overtaken_by_a_question()),
        }
        Ok(())
    }

    pub(super) fn record(&self) -> CommitRecord {
        CommitRecord {
            format: CommitRecord::format(),
            wdt_etl: env!("CARGO_PKG_VERSION").to_owned(),
            kind: "run".to_owned(),
            run_id: self.shared.run_id.clone(),
            account: self.account.name.clone(),
            merchant: self.account.merchant.clone(),
            dataset: self.dataset.endpoint.dataset.to_owned(),
            scope: scope(&self.dataset),
            start: self.dataset.start,
            watermark_after: None,
            slice: None,
            read_at: None,
            reconcile: None,
            backfill: None,
            accept: None,
            started_at: self.shared.started_at,
            sums: self.sums,
            certificates: Vec::new(),
            quarantine: Vec::new(),
        }
    }

    pub(super) fn read_options(&self) -> ReadOptions {
        ReadOptions {
            concurrency: super::concurrency(&self.shared.settings, self.account.calls_per_minute),
            settle_seconds: self.shared.settings.settle,
            max_pages: u32::try_from(WINDOW_RECORDS).unwrap_or(u32::MAX).div_ceil(self.dataset.page_size).max(2),
            accept: self.accept(),
            whole: matches!(self.shared.order.task, Task::FullRead),
        }
    }

    pub(super) fn count_calls(&mut self, client: &Client) {
        let counters = client.counters();
        self.sums.calls = counters.calls;
        self.sums.retries = counters.retries;
        self.sums.waits = counters.waits;
        self.sums.waited_ms = counters.waited_ms;
        self.sums.bytes = counters.bytes;
    }

    #[expect(clippy::cast_precision_loss, reason = "a share of counts")]
    pub(super) fn within_quarantine_limit(&self) -> Result<(), EtlError> {
        let Sums { refused, records, .. } = self.sums;
        let limit = self.shared.settings.quarantine_limit;
        if refused as f64 <= records as f64 * limit {
            return Ok(());
        }
        let dataset = self.dataset.endpoint.dataset.to_owned();
        Err(EtlError::Quarantine { dataset, refused, read: records, limit_percent: limit * 100.0 })
    }

    pub(super) async fn window_error(&self, error: WindowError) -> EtlError {
        match error {
            WindowError::Fetch(error) => EtlError::of_call(self.account.gateway, error),
            WindowError::Uncertified { what, reason, certificate } => {
                if let Some(mirrors) = self.shared.mirrors.as_ref() {
                    let written = mirrors.lock().await.uncertified(&self.row(None), &certificate).await;
                    if let Err(error) = written {
                        self.notice(format!("the certificate could not be written: {error}"));
                    }
                }
                let hint = self.accept_hint(&what);
                let dataset = self.dataset.endpoint.dataset.to_owned();
                EtlError::Uncertified { dataset, what: what.to_string(), reason, hint }
            }
            other => EtlError::Bug(other.to_string()),
        }
    }

    async fn mirror(&self, outcome: &DatasetOutcome) -> Result<(), wdt_warehouse::WarehouseError> {
        let (Some(mirrors), Some(tables)) = (&self.shared.mirrors, &self.tables) else { return Ok(()) };
        let mut mirrors = mirrors.lock().await;
        mirrors.run(&self.row(Some(outcome))).await?;
        failpoint::hit(Place::RunWritten);
        let mut tables = tables.lock().await;
        mirrors.catch_up(&mut tables).await
    }

    fn row(&self, outcome: Option<&DatasetOutcome>) -> RunRow {
        let problem = outcome.and_then(|outcome| outcome.problem.as_ref());
        RunRow {
            run_id: self.shared.run_id.clone(),
            account: self.account.name.clone(),
            dataset: self.dataset.endpoint.dataset.to_owned(),
            merchant: self.account.merchant.clone(),
            started_at: self.shared.started_at,
            ended_at: Some(self.shared.around.clock.now_ms()),
            verdict: outcome.map_or("unfinished", |outcome| outcome.verdict.name()).to_owned(),
            exit_code: outcome.map(|outcome| i64::from(outcome.exit_code())),
            message: problem.map(|problem| problem.message.clone()),
            sums: self.sums,
            peak_memory_bytes: peak_bytes().filter(|_| !self.shared.around.is_played()),
            watermark_after: self.watermark,
            table_version: self.version,
            wdt_etl: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    pub(super) fn announce(&self, range: &Range) {
        self.shared.around.reporter.event(&Event::Planned {
            account: self.account.name.clone(),
            dataset: self.dataset.endpoint.dataset,
            from: format_wall_time(range.from),
            until: format_wall_time(range.until),
            windows: range.fewest_windows(),
            calls_per_minute: self.account.calls_per_minute,
        });
    }

    #[expect(clippy::cast_precision_loss, reason = "a share of seconds")]
    pub(super) fn window_read(&self, range: &Range, window: Window, records: u64) {
        let done = (window.end - range.from) as f64 / (range.until - range.from).max(1) as f64;
        self.shared.around.reporter.event(&Event::Window {
            account: self.account.name.clone(),
            dataset: self.dataset.endpoint.dataset,
            start: format_wall_time(window.start),
            end: format_wall_time(window.end),
            records,
            done,
        });
    }

    pub(super) fn committed(&self, table_version: u64, watermark: i64) {
        self.shared.around.reporter.event(&Event::Committed {
            account: self.account.name.clone(),
            dataset: self.dataset.endpoint.dataset,
            changed: self.sums.changed,
            table_version,
            watermark: format_wall_time(watermark),
        });
    }

    /// Tells how the dataset ended.
    fn tell(&self, outcome: &DatasetOutcome) {
        self.shared.around.reporter.event(&Event::Finished {
            account: outcome.account.clone(),
            dataset: outcome.dataset,
            verdict: outcome.verdict.name(),
            exit_code: outcome.exit_code(),
            calls: outcome.calls,
            records: outcome.records,
            changed: outcome.changed,
            deleted: outcome.deleted,
            refused: outcome.refused,
            refused_upstream: outcome.refused_upstream,
            watermark: outcome.watermark.map(format_wall_time),
            error: outcome.problem.as_ref().map(|problem| problem.message.clone()),
            hint: outcome.problem.as_ref().and_then(|problem| problem.hint.clone()),
        });
    }

    pub(super) fn notice(&self, message: String) {
        self.shared.around.reporter.event(&Event::Notice {
            account: self.account.name.clone(),
            dataset: self.dataset.endpoint.dataset,
            message,
        });
    }
}

/// Returns when a stop is asked for; never, when nobody can ask any more.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}
