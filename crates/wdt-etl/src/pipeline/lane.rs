//! One account's dataset in a run: what every way of reading it shares, from its counters to the commit.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::Mutex;
use wdt_fetch::{Client, ReadOptions, WindowError};
use wdt_warehouse::mirror::{Mirrors, RunRow};
use wdt_warehouse::{CommitRecord, DatasetTables, Landed, Landing, Picture, Reading, Sums, Warehouse};

use super::accept::accept_hint;
use super::decisions::PartName;
use super::order::Order;
use super::outcome::{DatasetOutcome, Verdict};
use super::pending::Pending;
use super::places::concurrency;
use super::scope::scope;
use super::surroundings::Surroundings;
use crate::config::{Account, Dataset, RunSettings};
use crate::error::EtlError;
use crate::failpoint::{self, Place};
use wdt_models::time::{Millis, Seconds};

/// Records a window should have at most: with the windows in flight this bounds the memory of a load.
pub(super) const WINDOW_RECORDS: u64 = 2_000;

/// What every lane of a run shares.
pub(super) struct Shared {
    pub(super) warehouse: Warehouse,
    pub(super) run_id: String,
    pub(super) started_at: Millis,
    pub(super) settings: RunSettings,
    pub(super) order: Order,
    pub(super) around: Surroundings,
    pub(super) mirrors: Option<Mutex<Mirrors>>,
}

/// One account's dataset in a run.
pub(super) struct Lane {
    pub(super) shared: Arc<Shared>,
    pub(super) account: Arc<Account>,
    pub(super) dataset: Dataset,
    /// Absent in a dry run into a warehouse that has no such table yet.
    pub(super) tables: Option<Arc<Mutex<DatasetTables>>>,
    pub(super) watermark: Option<Seconds>,
    pub(super) sums: Sums,
    pub(super) version: Option<u64>,
    /// Hashes of the refused records of this run.
    pub(super) seen_refused: HashSet<u128>,
}

impl Lane {
    pub(super) fn part(&self) -> PartName<'_> {
        PartName { account: &self.account.name, dataset: self.dataset.endpoint.dataset }
    }

    /// Account and dataset in the words of a message.
    pub(super) fn place(&self) -> String {
        format!("account `{}`, dataset `{}`", self.account.name, self.dataset.endpoint.dataset)
    }

    /// The tables, if anything is to be landed in them.
    pub(super) fn landing_tables(&self) -> Option<Arc<Mutex<DatasetTables>>> {
        self.tables.clone().filter(|_| !self.shared.order.dry_run)
    }

    /// How a lane ended that read everything.
    pub(super) fn verdict(&self) -> Verdict {
        if self.shared.order.dry_run { Verdict::DryRun } else { Verdict::Landed }
    }

    /// The work's result, unless a stop is asked for first.
    pub(super) async fn unless_stopped<T>(
        &self,
        work: impl Future<Output = Result<T, WindowError>>,
    ) -> Result<T, EtlError> {
        match self.shared.around.unless_stopped(work).await? {
            Ok(done) => Ok(done),
            Err(error) => Err(self.window_error(error).await),
        }
    }

    pub(super) fn read_options(&self) -> ReadOptions {
        ReadOptions {
            concurrency: concurrency(&self.shared.settings, self.account.calls_per_minute),
            settle_seconds: self.shared.settings.settle_seconds,
            max_pages: u32::try_from(WINDOW_RECORDS).unwrap_or(u32::MAX).div_ceil(self.dataset.page_size).max(2),
            accept: None,
            whole: false,
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

    /// Counts windows that are about to be landed.
    pub(super) fn count_windows(&mut self, client: &Client, pending: &Pending) {
        self.count_calls(client);
        self.sums.windows += pending.windows();
        self.sums.records += pending.records();
        self.sums.refused += pending.refused();
    }

    /// Commits readings under their record; `None` when nothing is to be landed.
    pub(super) async fn land(
        &mut self,
        record: CommitRecord,
        readings: Vec<Reading>,
        picture: Option<Picture>,
    ) -> Result<Option<Landed>, EtlError> {
        let Some(tables) = self.landing_tables() else { return Ok(None) };
        failpoint::hit(Place::Landing);
        let landed = tables.lock().await.land(Landing { record, readings, picture }).await?;
        failpoint::hit(Place::Landed);
        if let Landed::Committed { version, sums } = &landed {
            (self.sums, self.version) = (*sums, Some(*version));
        }
        Ok(Some(landed))
    }

    /// The record of a commit; who lands fills in what is special about it.
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
                let hint = accept_hint(self.part(), self.shared.order.task, &what);
                let dataset = self.dataset.endpoint.dataset.to_owned();
                EtlError::Uncertified { dataset, what: what.to_string(), reason, hint }
            }
            other => EtlError::Bug(other.to_string()),
        }
    }

    /// The error of a run that a backfill with another configuration has overtaken.
    pub(super) fn overtaken(&self) -> EtlError {
        EtlError::Usage {
            message: format!("{}: a backfill with other method or params was landed while this run read", self.place()),
            hint: Some("run again with the configuration of that backfill".to_owned()),
        }
    }

    /// The row of the run in `etl_runs`, as far as it is known.
    pub(super) fn row(&self, outcome: Option<&DatasetOutcome>) -> RunRow {
        let problem = outcome.and_then(|outcome| outcome.problem.as_ref());
        RunRow {
            run_id: self.shared.run_id.clone(),
            account: self.account.name.clone(),
            dataset: self.dataset.endpoint.dataset.to_owned(),
            merchant: self.account.merchant.clone(),
            started_at: self.shared.started_at,
            ended_at: Some(self.shared.around.clock.now()),
            verdict: outcome.map_or("unfinished", |outcome| outcome.verdict.name()).to_owned(),
            exit_code: outcome.map(|outcome| i64::from(outcome.exit_code())),
            message: problem.map(|problem| problem.message.clone()),
            sums: self.sums,
            peak_memory_bytes: self.shared.around.peak_memory(),
            watermark_after: self.watermark,
            table_version: self.version,
            wdt_etl: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}
