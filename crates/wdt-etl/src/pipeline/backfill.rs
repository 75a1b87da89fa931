//! A range behind the watermark, read again; how far it is stands in the log.

use std::sync::Arc;

use wdt_fetch::{Client, WindowReader};
use wdt_models::Window;
use wdt_models::time::format_wall_time;

use super::job::{Job, Pass};
use super::order::{Select, Task};
use super::outcome::Verdict;
use super::scope::{backfill_line, scope};
use super::{Selected, full_read};
use crate::error::EtlError;
use crate::failpoint::{self, Place};
use crate::plan::Range;
use wdt_warehouse::{BackfillProgress, CommitRecord, Question};

/// A backfill of one account and dataset.
#[derive(Debug)]
pub(super) struct Backfill {
    /// Range, end and question, and how far it is; at the begin of the range, nothing was landed yet.
    progress: BackfillProgress,
    /// What the rows were asked for before.
    standing: Question,
    /// The same range was landed whole before.
    repeated: bool,
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
        return Err(usage("--from must lie before --to".to_owned(), "both are Asia/Shanghai wall time".to_owned()));
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

impl Job {
    /// Finds how far this backfill is, and refuses a range that cannot be one. No call is made.
    ///
    /// Without a last second it goes to the watermark.
    pub(super) async fn prepare_backfill(&mut self, from: i64, to: Option<i64>) -> Result<(), EtlError> {
        let account = &self.account.name;
        let Some(tables) = &self.tables else { return Err(self.nothing_landed()) };
        let mut tables = tables.lock().await;
        let found = tables.watermark(account).await?.zip(tables.question(account).await?);
        let Some((watermark, standing)) = found else { return Err(self.nothing_landed()) };
        let asked = Window::new(from, to.unwrap_or(watermark));
        if asked.start >= watermark {
            return Err(self.ahead_of_the_watermark(asked, watermark));
        }
        let scope = scope(&self.dataset);
        let until = asked.end.saturating_add(1).min(watermark);
        if scope != standing.scope && (asked.start > self.dataset.start || until < watermark) {
            return Err(self.too_short_for_a_question(watermark));
        }
        let last = tables.last_backfill(account, asked, &scope).await?;
        let repeated = last.as_ref().is_some_and(BackfillProgress::is_done);
        let done = last.filter(|last| !last.is_done()).map_or(asked.start, |last| last.done);
        drop(tables);
        let progress = BackfillProgress { from: asked.start, to: asked.end, until, done, scope };
        self.watermark = Some(watermark);
        self.backfill = Some(Backfill { progress, standing, repeated });
        Ok(())
    }

    /// Reads and lands what of the range is not landed yet.
    pub(super) async fn read_backfill(&mut self, client: &Client, reader: WindowReader) -> Result<Verdict, EtlError> {
        let Some(backfill) = &self.backfill else { return Err(EtlError::Bug("no backfill was asked for".to_owned())) };
        let BackfillProgress { from, until, done, .. } = backfill.progress;
        self.tell_begin(backfill);
        let Some(cursor) = self.dataset.endpoint.cursor() else { return Ok(Verdict::NothingDue) };
        let range = if matches!(self.shared.order.task, Task::FullRead) {
            full_read::range(from, until)
        } else {
            Range {
                from: (done - 1).max(from),
                until,
                watermark: None,
                first: self.shared.settings.window,
                longest: cursor.max_seconds,
                most_records: super::job::WINDOW_RECORDS,
            }
        };
        self.announce(&range);
        match self.pass(client, &Arc::new(reader), range).await? {
            Pass::Whole => {}
            Pass::ClockBehind => return Err(EtlError::Bug("a backfill looked at the clock".to_owned())),
        }
        failpoint::hit(Place::BackfillLanded);
        self.tell_end().await?;
        Ok(self.landed())
    }

    /// The record of a commit that holds everything up to a second.
    pub(super) fn record_up_to(&self, end: i64) -> CommitRecord {
        let record = self.record();
        let Some(backfill) = &self.backfill else { return CommitRecord { watermark_after: Some(end), ..record } };
        let progress = BackfillProgress { done: end, ..backfill.progress.clone() };
        CommitRecord { kind: "backfill".to_owned(), backfill: Some(progress), ..record }
    }

    /// Notes that everything up to a second is committed.
    pub(super) fn landed_up_to(&mut self, end: i64) {
        match &mut self.backfill {
            Some(backfill) => backfill.progress.done = end,
            None => self.watermark = Some(end),
        }
    }

    fn tell_begin(&self, backfill: &Backfill) {
        let BackfillProgress { from, to, until, done, .. } = backfill.progress;
        if to > until {
            let until = format_wall_time(until);
            self.notice(format!("the backfill ends at {until}, the watermark: `wdt-etl run` reads what is newer"));
        }
        if done > from {
            self.notice(format!("the backfill goes on at {}, where it stopped", format_wall_time(done)));
        } else if backfill.repeated {
            self.notice("this backfill was landed whole before: it is read again from its begin".to_owned());
        }
    }

    /// Tells what the rows count as asked for now, if that is what the backfill may be for.
    async fn tell_end(&self) -> Result<(), EtlError> {
        let landed = self.tables.as_ref().zip(self.backfill.as_ref()).filter(|_| !self.shared.order.dry_run);
        let Some((tables, Backfill { progress, standing, .. })) = landed else { return Ok(()) };
        let Some(now) = tables.lock().await.question(&self.account.name).await? else { return Ok(()) };
        let start = format_wall_time(now.start);
        if now.scope != progress.scope {
            self.notice(
                "a run has moved the watermark meanwhile: the new method or params are not accepted yet".to_owned(),
            );
        } else if now.scope != standing.scope {
            self.notice("method and params are accepted from now on; rows that only the old ones gave stay".to_owned());
        } else if now.start != standing.start {
            self.notice(format!("nothing is missing since {start} now: a `start` as early as that is accepted"));
        } else if progress.from < now.start {
            self.notice(format!("`start` stays at {start}: between the range and that time nothing was read"));
        }
        Ok(())
    }

    /// The error of a run that a backfill with another configuration has overtaken.
    pub(super) fn overtaken_by_a_question(&self) -> EtlError {
        usage(
            format!("{}: a backfill with other method or params was landed while this run read", self.place()),
            "run again with the configuration of that backfill".to_owned(),
        )
    }

    fn nothing_landed(&self) -> EtlError {
        usage(
            format!("{}: nothing was landed yet, so there is nothing to fill behind", self.place()),
            "`wdt-etl run` loads everything from `start` on".to_owned(),
        )
    }

    fn ahead_of_the_watermark(&self, asked: Window, watermark: i64) -> EtlError {
        let (from, watermark) = (format_wall_time(asked.start), format_wall_time(watermark));
        usage(
            format!("{}: --from {from} is not before the watermark, {watermark}", self.place()),
            "`wdt-etl run` reads what is newer than the watermark".to_owned(),
        )
    }

    fn too_short_for_a_question(&self, watermark: i64) -> EtlError {
        let line = backfill_line(&self.account.name, &self.dataset, self.dataset.start, watermark);
        usage(
            format!(
                "{}: method or params changed, so the backfill must reach from start to the watermark",
                self.place()
            ),
            format!("put them back, or read everything in the new way: {line}"),
        )
    }

    fn place(&self) -> String {
        format!("account `{}`, dataset `{}`", self.account.name, self.dataset.endpoint.dataset)
    }
}

fn usage(message: String, hint: String) -> EtlError {
    EtlError::Usage { message, hint: Some(hint) }
}
