//! What a commit of a history says of itself: the one object in its metadata, and its parts.
//!
//! Written as JSON and read by every later version, so members are only ever added, each with a default.

use serde::{Deserialize, Serialize};
use wdt_models::decode::Refusal;
use wdt_models::time::{CLOCK_RESOLUTION_SECONDS, Millis, Seconds};
use wdt_models::{Certificate, Endpoint, Slice, Window};

use crate::error::WarehouseError;

/// Layout of [`CommitRecord`]; a reader refuses a newer one.
const COMMIT_FORMAT: u32 = 1;
/// What a history commit says of itself, in its metadata.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CommitRecord {
    /// Layout of this object.
    pub format: u32,
    /// Version of wdt-etl.
    pub wdt_etl: String,
    /// `run`, `backfill` or `reconcile`.
    pub kind: String,
    /// The run.
    pub run_id: String,
    /// The account.
    pub account: String,
    /// Business behind the account.
    pub merchant: String,
    /// The dataset.
    pub dataset: String,
    /// Hash of what the account asks for; of a backfill that is not done, of what it has asked for so far.
    pub scope: String,
    /// First second from which on nothing is missing.
    pub start: Seconds,
    /// How far the dataset is complete for the account; of a snapshot, nothing.
    #[serde(default)]
    pub watermark_after: Option<Seconds>,
    /// The slice that the commit replaces, of a snapshot.
    #[serde(default)]
    pub slice: Option<Slice>,
    /// Platform time of the slice's reading.
    #[serde(default)]
    pub read_at: Option<Millis>,
    /// Range and progress of a reconcile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconcile: Option<ReconcileProgress>,
    /// Range and progress, of a backfill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backfill: Option<BackfillProgress>,
    /// The range in which an operator takes windows as they are, where this commit holds one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept: Option<Window>,
    /// Begin of the run.
    pub started_at: Millis,
    /// Sums of the run so far, this commit included.
    pub sums: Sums,
    /// One per window.
    pub certificates: Vec<Certificate>,
    /// The records that could not be typed.
    pub quarantine: Vec<Quarantined>,
}

/// Sums over a run of one account and dataset.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Sums {
    /// Calls to the platform.
    pub calls: u64,
    /// Calls made again.
    pub retries: u64,
    /// Waits for the platform.
    pub waits: u64,
    /// Milliseconds waited.
    pub waited_ms: u64,
    /// Bytes of the answers.
    pub bytes: u64,
    /// Windows certified.
    pub windows: u64,
    /// Distinct records read, refused ones included.
    pub records: u64,
    /// Rows logged.
    pub changed: u64,
    /// Records equal to their current row.
    pub unchanged: u64,
    /// Records older than their current row.
    pub stale: u64,
    /// Of the changed ones, those whose cursor is that of their current row.
    #[serde(default)]
    pub unmoved: u64,
    /// Records that could not be typed.
    pub refused: u64,
    /// Rows that vanished upstream.
    #[serde(default)]
    pub deleted: u64,
    /// Ids that the platform itself refuses; they do not count against a limit.
    #[serde(default)]
    pub refused_upstream: u64,
    /// Rows that no phase of a reconcile found, marked or not.
    #[serde(default)]
    pub vanished: u64,
}

/// How the records of a reading compare with the current rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Logged: differs from its current row.
    pub changed: u64,
    /// The same as its current row.
    pub unchanged: u64,
    /// Older than its current row.
    pub stale: u64,
    /// Of the changed ones, those whose cursor is that of their current row.
    pub unmoved: u64,
    /// Rows of a slice that a whole reading of it no longer holds; logged too.
    pub deleted: u64,
}

/// Begin of the reason of a record that the platform itself refuses; such a record does not count against a limit.
pub const REFUSED_UPSTREAM: &str = "refused_upstream";

/// A record that could not be typed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Quarantined {
    /// First second of its window.
    pub window_start: Option<Seconds>,
    /// Last second of its window.
    pub window_end: Option<Seconds>,
    /// Its slice, of a snapshot.
    #[serde(default)]
    pub slice: Option<Slice>,
    /// Page of the window.
    pub page: u32,
    /// Position in the page, from 0.
    pub row: u64,
    /// Column that could not be typed.
    pub column: String,
    /// Its text.
    pub text: String,
    /// Why it was refused.
    pub reason: String,
    /// The record as JSON.
    pub record: String,
    /// Platform time of the reading.
    pub read_at: Millis,
}

/// Range and progress of a reconcile, in the metadata of its commits. All times are the platform's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconcileProgress {
    /// First second that was asked for.
    pub from: Seconds,
    /// End of the first phase (E0).
    pub walked_until: Seconds,
    /// End of the second phase (E1), once it is known.
    pub settled_until: Option<Seconds>,
    /// End of the last window in this commit.
    pub done: Seconds,
    /// Whether this is the commit that marks rows.
    pub marks: bool,
}

/// How far a backfill is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackfillProgress {
    /// First second, as the operator gave it.
    pub from: Seconds,
    /// Last second, as the operator gave it.
    pub to: Seconds,
    /// Where the reading ends: a second after `to`, and never past the watermark.
    pub until: Seconds,
    /// Landed up to here.
    pub done: Seconds,
    /// Hash of what it asks for.
    pub scope: String,
}

/// What the rows of an account were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Hash of method and parameters.
    pub hash: String,
    /// First second from which on nothing is missing.
    pub start: Seconds,
}

impl Quarantined {
    /// A refused record of a window or of a slice.
    #[must_use]
    pub fn new(refused: Refusal, window: Option<Window>, slice: Option<&Slice>, read_at: Millis) -> Self {
        let Refusal { page, row, column, text, reason, record } = refused;
        let (window_start, window_end) = (window.map(|window| window.start), window.map(|window| window.end));
        let (slice, row) = (slice.cloned(), row as u64);
        Self { window_start, window_end, slice, page, row, column, text, reason, record, read_at }
    }
}

impl CommitRecord {
    /// The record of a run's commit of these certified windows: it begins with the first and moves the watermark to the
    /// end of the last one. What is not known here (scope, business, calls) is empty, to be filled in.
    #[must_use]
    pub fn run(run_id: &str, account: &str, endpoint: &Endpoint, certificates: Vec<Certificate>) -> Self {
        let sum = |count: fn(&Certificate) -> u64| certificates.iter().map(count).sum();
        let sums = Sums {
            windows: certificates.len() as u64,
            records: sum(|certificate| certificate.distinct),
            refused: sum(|certificate| certificate.refused),
            ..Sums::default()
        };
        Self {
            format: COMMIT_FORMAT,
            wdt_etl: env!("CARGO_PKG_VERSION").to_owned(),
            kind: "run".to_owned(),
            run_id: run_id.to_owned(),
            account: account.to_owned(),
            merchant: account.to_owned(),
            dataset: endpoint.dataset.to_owned(),
            scope: String::new(),
            start: certificates.first().and_then(|first| first.start).unwrap_or_default(),
            watermark_after: certificates.last().and_then(|last| last.end),
            slice: None,
            read_at: None,
            reconcile: None,
            backfill: None,
            accept: None,
            started_at: certificates.first().map_or(Millis(0), |first| first.read_at),
            sums,
            certificates,
            quarantine: Vec::new(),
        }
    }

    /// The layout this version writes.
    #[must_use]
    pub const fn format() -> u32 {
        COMMIT_FORMAT
    }

    /// The record in the metadata of a history's commit; `None` for commits of others.
    ///
    /// # Errors
    /// [`WarehouseError::LaterFormat`] when it cannot be understood.
    pub fn read(
        table: &str,
        version: u64,
        metadata: Option<serde_json::Value>,
    ) -> Result<Option<Self>, WarehouseError> {
        let Some(metadata) = metadata else { return Ok(None) };
        if metadata.get("format").and_then(serde_json::Value::as_u64) != Some(u64::from(COMMIT_FORMAT)) {
            let reason = format!("its metadata has a format other than {COMMIT_FORMAT}");
            return Err(WarehouseError::later(table, version, reason));
        }
        serde_json::from_value(metadata).map(Some).map_err(|error| WarehouseError::later(table, version, error))
    }

    /// Version of the commit over the stored one; `None` when a rival had landed the same or a later reading.
    pub(crate) fn version(&self, stored: Option<i64>) -> Option<i64> {
        let stored = stored.unwrap_or(i64::MIN);
        if self.slice.is_none() {
            return self.watermark_after.map(|end| end.0).filter(|end| *end > stored);
        }
        // readings of a slice closer together than the clock is known are in no known order: the one landed last counts
        let latest = |read_at: Millis| read_at.saturating_add(CLOCK_RESOLUTION_SECONDS * 1000);
        let read_at = self.read_at.filter(|&read_at| latest(read_at) >= Millis(stored));
        read_at.map(|read_at| read_at.0.max(stored.saturating_add(1)))
    }
}

impl BackfillProgress {
    /// Whether the whole range is landed.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.done.0 >= self.until.0
    }

    /// What the rows were asked for once this much of the backfill is landed.
    ///
    /// The same scope reaches farther back if no gap is left before where it began. Another one counts only when it
    /// was asked up to the watermark, or the next run would leave out what changed in between.
    #[must_use]
    pub fn scope_then(&self, standing: Scope, watermark: Option<Seconds>) -> Scope {
        let to_the_watermark = watermark.is_none_or(|watermark| self.until >= watermark);
        if !self.is_done() {
            return standing;
        }
        if self.scope == standing.hash {
            let joined = to_the_watermark || self.until > standing.start;
            let start = if joined { standing.start.min(self.from) } else { standing.start };
            return Scope { start, ..standing };
        }
        if to_the_watermark { Scope { hash: self.scope.clone(), start: self.from } } else { standing }
    }
}

/// One number of [`Sums`], with the labels of its column in `etl_runs`.
#[derive(Debug, Clone, Copy)]
pub struct Counter {
    /// Name, as the commit's metadata spells it.
    pub name: &'static str,
    /// Chinese label.
    pub zh: &'static str,
    /// English meaning.
    pub en: &'static str,
    /// The number.
    pub of: fn(&Sums) -> u64,
}

const fn counter(name: &'static str, zh: &'static str, en: &'static str, of: fn(&Sums) -> u64) -> Counter {
    Counter { name, zh, en, of }
}

impl Sums {
    /// The numbers that `etl_runs` has, in its order.
    pub const COUNTERS: &'static [Counter] = &[
        counter("calls", "调用次数", "calls to the platform", |sums| sums.calls),
        counter("retries", "重试次数", "calls made again", |sums| sums.retries),
        counter("waits", "等待次数", "waits for the platform", |sums| sums.waits),
        counter("waited_ms", "等待毫秒", "milliseconds waited", |sums| sums.waited_ms),
        counter("bytes", "字节数", "bytes of the answers", |sums| sums.bytes),
        counter("windows", "窗口数", "windows certified", |sums| sums.windows),
        counter("records", "记录数", "distinct records read", |sums| sums.records),
        counter("changed", "变更行数", "rows logged", |sums| sums.changed),
        counter("unchanged", "未变行数", "records equal to their current row", |sums| sums.unchanged),
        counter("stale", "过期记录数", "records older than their current row", |sums| sums.stale),
        counter("deleted", "删除行数", "rows that vanished upstream", |sums| sums.deleted),
        counter("refused", "拒收记录数", "records that could not be typed", |sums| sums.refused),
        counter("refused_upstream", "平台拒绝数", "ids that the platform itself refuses", |sums| {
            sums.refused_upstream
        }),
    ];

    /// Adds what became of the records of a reading.
    pub(crate) const fn add(&mut self, counts: Counts) {
        self.changed += counts.changed;
        self.unchanged += counts.unchanged;
        self.stale += counts.stale;
        self.unmoved += counts.unmoved;
        self.deleted += counts.deleted;
    }
}
