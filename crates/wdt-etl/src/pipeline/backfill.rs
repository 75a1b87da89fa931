//! A range behind the watermark, read again; how far it is is stored in the log.

use std::sync::Arc;

use wdt_fetch::{Client, ReadOptions, WindowReader};
use wdt_models::time::{Seconds, format_wall_time};
use wdt_models::{Cursor, Window};
use wdt_warehouse::{BackfillProgress, CommitRecord, Landed, Scope};

use super::full_read;
use super::lane::{Lane, WINDOW_RECORDS};
use super::order::{Select, Selected};
use super::outcome::Verdict;
use super::pending::Pending;
use super::scope::{backfill_line, scope};
use super::walk::Walk;
use crate::error::EtlError;
use crate::failpoint::{self, Place};
use crate::plan::Range;

/// A backfill of one account and dataset.
#[derive(Debug)]
pub(super) struct BackfillReader {
    cursor: Cursor,
    extent: Extent,
    /// Range, end and scope, and how far it is; at the begin of the range, nothing was landed yet.
    progress: BackfillProgress,
    /// What the rows were asked for before.
    before: Scope,
    /// The same range was landed whole before.
    repeated: bool,
}

/// What a backfill reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// A range, in windows.
    Range(Window),
    /// Everything from this second on, by the endpoint's own full read.
    Everything {
        /// The first second that the endpoint can have.
        from: Seconds,
    },
}

/// The datasets that a backfill can read; without one, all.
///
/// # Errors
///
/// [`EtlError::Usage`] when a dataset without windows is named, or none with windows is left.
pub(super) fn with_windows<'a>(
    selected: Vec<Selected<'a>>,
    range: Window,
    select: &Select,
) -> Result<Vec<Selected<'a>>, EtlError> {
    if range.start >= range.end {
        return Err(usage("--from must be before --to".to_owned(), "both are Asia/Shanghai wall time".to_owned()));
    }
    let has_windows = |(_, dataset): &Selected<'a>| dataset.endpoint.cursor().is_some();
    let (with, without): (Vec<_>, Vec<_>) = selected.into_iter().partition(has_windows);
    match without.first() {
        Some((_, dataset)) if with.is_empty() || !select.datasets.is_empty() => Err(usage(
            format!("{} has no range to read: each run reads it whole", dataset.endpoint.dataset),
            "leave it out; `wdt-etl run` reads it".to_owned(),
        )),
        _ => Ok(with),
    }
}

impl BackfillReader {
    /// Finds how far this backfill is, and refuses a range that cannot be one. No call is made.
    ///
    /// A full read goes to the watermark.
    pub(super) async fn prepare(lane: &mut Lane, cursor: Cursor, extent: Extent) -> Result<Self, EtlError> {
        let account = &lane.account.name;
        let Some(tables) = &lane.tables else { return Err(nothing_landed(lane)) };
        let mut tables = tables.lock().await;
        let found = tables.watermark(account).await?.zip(tables.scope(account).await?);
        let Some((watermark, before)) = found else { return Err(nothing_landed(lane)) };
        let asked = match extent {
            Extent::Range(range) => range,
            Extent::Everything { from } => Window::new(from, watermark),
        };
        if asked.start >= watermark {
            return Err(ahead_of_the_watermark(lane, asked, watermark));
        }
        let scope = scope(&lane.dataset);
        // a second past the range, since a window may leave out its last one; the watermark never moves
        let until = asked.end.saturating_add(1).min(watermark);
        // The table keeps one scope for all rows of an account. A new one may replace it only when no row can be left
        // that the old one alone asked for: the range must reach from `start` to the watermark.
        if scope != before.hash && (asked.start > lane.dataset.start || until < watermark) {
            return Err(too_short_for_a_scope(lane, watermark));
        }
        // A backfill that was stopped goes on; one that was landed whole is read again, since only the operator knows
        // why it is asked for twice.
        let last = tables.last_backfill(account, asked, &scope).await?;
        let repeated = last.as_ref().is_some_and(BackfillProgress::is_done);
        let done = last.filter(|last| !last.is_done()).map_or(asked.start, |last| last.done);
        drop(tables);
        let progress = BackfillProgress { from: asked.start, to: asked.end, until, done, scope };
        lane.watermark = Some(watermark);
        Ok(Self { cursor, extent, progress, before, repeated })
    }

    /// Reads and lands what of the range is not landed yet.
    pub(super) async fn read(
        mut self,
        lane: &mut Lane,
        client: &Client,
        reader: WindowReader,
    ) -> Result<Verdict, EtlError> {
        self.notice_begin(lane);
        let whole = matches!(self.extent, Extent::Everything { .. });
        let options = ReadOptions { whole, ..lane.read_options() };
        let mut walk = Walk::over(lane, &Arc::new(reader), self.range(lane), options);
        let mut pending = Pending::default();
        let ended = loop {
            match walk.next(lane, Place::WindowDue).await {
                Err(error) => break Err(error),
                Ok(None) => break Ok(()),
                Ok(Some(part)) => {
                    walk.took(lane, &part, Place::WindowRead);
                    pending.push(part, &mut lane.seen_refused);
                    if pending.is_full() {
                        self.land(lane, client, pending.take()).await?;
                    }
                }
            }
        };
        self.land(lane, client, pending).await?;
        ended?;
        failpoint::hit(Place::BackfillLanded);
        self.notice_end(lane).await?;
        Ok(lane.verdict())
    }

    fn range(&self, lane: &Lane) -> Range {
        let BackfillProgress { from, until, done, .. } = self.progress;
        match self.extent {
            Extent::Everything { .. } => full_read::range(from, until),
            Extent::Range(_) => Range {
                from: (done - 1).max(from),
                until,
                watermark: None,
                first: lane.shared.settings.window_seconds,
                longest: self.cursor.max_seconds,
                most_records: WINDOW_RECORDS,
            },
        }
    }

    async fn land(&mut self, lane: &mut Lane, client: &Client, pending: Pending) -> Result<(), EtlError> {
        let Some(end) = pending.end() else { return Ok(()) };
        lane.count_windows(client, &pending);
        let (readings, certificates, quarantine) = pending.into_parts();
        let progress = BackfillProgress { done: end, ..self.progress.clone() };
        let (kind, record) = ("backfill".to_owned(), lane.record());
        let record = CommitRecord { kind, backfill: Some(progress), certificates, quarantine, ..record };
        match lane.land(record, readings, None).await? {
            None => {}
            Some(Landed::Committed { version, .. }) => {
                self.progress.done = end;
                lane.committed(version, lane.watermark.unwrap_or(end));
            }
            Some(Landed::Already { version }) => {
                let watermark = Seconds(version);
                lane.watermark = Some(watermark);
                lane.notice(format!("another run landed everything up to {}", format_wall_time(watermark)));
            }
            Some(Landed::OtherScope) => return Err(lane.overtaken()),
        }
        Ok(())
    }

    fn notice_begin(&self, lane: &Lane) {
        let BackfillProgress { from, to, until, done, .. } = self.progress;
        if to > until {
            let until = format_wall_time(until);
            lane.notice(format!("the backfill ends at {until}, the watermark: `wdt-etl run` reads what is newer"));
        }
        if done > from {
            lane.notice(format!("the backfill continues at {}, where it stopped", format_wall_time(done)));
        } else if self.repeated {
            lane.notice("this backfill was landed whole before: it is read again from its begin".to_owned());
        }
    }

    /// Says what the rows count as asked for now, if that is what the backfill may be for.
    async fn notice_end(&self, lane: &Lane) -> Result<(), EtlError> {
        let Some(tables) = lane.landing_tables() else { return Ok(()) };
        let Some(now) = tables.lock().await.scope(&lane.account.name).await? else { return Ok(()) };
        let start = format_wall_time(now.start);
        if now.hash != self.progress.scope {
            lane.notice(
                "a run has moved the watermark meanwhile: the new method or params are not accepted yet".to_owned(),
            );
        } else if now.hash != self.before.hash {
            lane.notice("method and params are accepted from now on; rows that only the old ones gave stay".to_owned());
        } else if now.start != self.before.start {
            lane.notice(format!("nothing is missing since {start} now: a `start` as early as that is accepted"));
        } else if self.progress.from < now.start {
            lane.notice(format!("`start` stays at {start}: between the range and that time nothing was read"));
        }
        Ok(())
    }
}

fn nothing_landed(lane: &Lane) -> EtlError {
    usage(
        format!("{}: nothing was landed yet, so there is nothing to fill behind", lane.place()),
        "`wdt-etl run` loads everything from `start` on".to_owned(),
    )
}

fn ahead_of_the_watermark(lane: &Lane, asked: Window, watermark: Seconds) -> EtlError {
    let (from, watermark) = (format_wall_time(asked.start), format_wall_time(watermark));
    usage(
        format!("{}: --from {from} is not before the watermark, {watermark}", lane.place()),
        "`wdt-etl run` reads what is newer than the watermark".to_owned(),
    )
}

fn too_short_for_a_scope(lane: &Lane, watermark: Seconds) -> EtlError {
    let command = backfill_line(&lane.account.name, &lane.dataset, lane.dataset.start, watermark);
    usage(
        format!("{}: method or params changed, so the backfill must reach from start to the watermark", lane.place()),
        format!("put them back, or read everything in the new way: {command}"),
    )
}

fn usage(message: String, hint: String) -> EtlError {
    EtlError::Usage { message, hint: Some(hint) }
}
