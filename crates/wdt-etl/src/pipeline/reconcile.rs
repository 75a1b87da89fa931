//! A reconcile: every row of a table compared with the platform, so that rows that are gone are told apart from late ones.
//!
//! First all windows from the smallest cursor to E0, the clock less settle; then, when they have settled, those from E0 to
//! E1, the time of the last call of the first phase; at last, if any row was not met, what moved after E1 (`closing`). A
//! row that exists is met by one of them: it stays where it is or moves ahead of the readings, and the last one has no end.

mod closing;
mod compare;

use std::sync::Arc;

use wdt_fetch::{Client, PageSource as _, Target, WindowError, WindowReader};
use wdt_models::time::{CLOCK_RESOLUTION_SECONDS, Seconds};
use wdt_models::{Cursor, Window};
use wdt_warehouse::{DeleteLimit, Marks, ReconcileProgress, SeenKeys};

use super::lane::Lane;
use super::outcome::Verdict;
use crate::error::EtlError;
use crate::failpoint::{self, Place};
use crate::report::Event;
use compare::{Compare, now};

/// Compares the whole dataset, lands what differs and marks what is gone.
pub(super) struct ReconcileReader<'a> {
    pub(super) lane: &'a mut Lane,
    pub(super) client: &'a Client,
    pub(super) cursor: Cursor,
    pub(super) limit: DeleteLimit,
}

impl ReconcileReader<'_> {
    pub(super) async fn read(mut self, reader: WindowReader) -> Result<Verdict, EtlError> {
        let compared = self.compare(reader).await;
        if matches!(compared, Err(EtlError::Interrupted)) {
            self.lane.notice(
                "what was read is landed and no row is marked; the next reconcile begins at the first row again"
                    .to_owned(),
            );
        }
        compared
    }

    async fn compare(&mut self, reader: WindowReader) -> Result<Verdict, EtlError> {
        let limit = self.limit;
        let Some(mut compare) = self.begin(reader).await? else {
            self.lane.notice("the table holds no row: nothing to compare".to_owned());
            return Ok(Verdict::NothingDue);
        };
        let ReconcileProgress { from, walked_until, .. } = compare.progress;
        compare.walk(from, walked_until).await?;
        // A row that was edited while the first phase read has left its window for one that was read before the edit, or
        // for one after E0. So what was written up to the last call of the first phase is read again, and only once it
        // has settled: an edit that is still being written would be missed by both phases, and its row marked.
        let settled_until = now(compare.client) + CLOCK_RESOLUTION_SECONDS;
        compare.progress.settled_until = Some(settled_until);
        failpoint::hit(Place::ReconcileSettling);
        compare.settle(settled_until).await?;
        compare.walk((walked_until - 1).max(from), settled_until).await?;
        compare.lane.within_quarantine_limit()?;
        mark_unseen(&mut compare, limit, settled_until).await?;
        Ok(compare.lane.verdict())
    }

    /// Looks at the table and, with one call, at the platform's clock; `None` when there is nothing to compare.
    async fn begin(&mut self, reader: WindowReader) -> Result<Option<Compare<'_>>, EtlError> {
        let Some(tables) = &self.lane.tables else { return Ok(None) };
        let cursors = tables.lock().await.cursors(&self.lane.account.name).await?;
        let Some(first) = cursors.first else { return Ok(None) };
        // a window may leave out its first second, whatever the documents say
        let from = first - 1;
        let look = reader.page(Target::Window(Window::new(from, first + 1)), None, reader.first_page());
        self.lane.unless_stopped(async { look.await.map_err(WindowError::from) }).await?;
        let walked_until = now(self.client) - self.lane.shared.settings.settle_seconds - CLOCK_RESOLUTION_SECONDS;
        Ok(Some(Compare {
            reader: Arc::new(reader),
            seen: SeenKeys::new(self.lane.dataset.endpoint)?,
            live: cursors.standing,
            unreadable: 0,
            began: self.client.platform_now(),
            progress: ReconcileProgress { from, walked_until, settled_until: None, done: from, marks: false },
            lane: self.lane,
            client: self.client,
            cursor: self.cursor,
        }))
    }
}

/// Marks the rows that no phase met, once what moved meanwhile has been looked at too.
async fn mark_unseen(compare: &mut Compare<'_>, limit: DeleteLimit, until: Seconds) -> Result<(), EtlError> {
    let Some(tables) = compare.lane.tables.clone() else { return Ok(()) };
    if compare.unreadable > 0 {
        compare.lane.notice(format!(
            "{} refused records have no readable key: no row is marked as deleted",
            compare.unreadable
        ));
        return Ok(());
    }
    let found = tables.lock().await.unseen(compare.unseen(until), limit).await?;
    if found.vanished == 0 {
        reconciled(compare.lane, &found);
        return Ok(());
    }
    failpoint::hit(Place::ReconcileClosing);
    compare.close(until).await?;
    compare.lane.count_calls(compare.client);
    compare.progress.marks = true;
    failpoint::hit(Place::ReconcileMarking);
    let marks = if compare.lane.shared.order.dry_run {
        tables.lock().await.unseen(compare.unseen(until), limit).await?
    } else {
        let record = compare.record();
        let read_at = compare.client.platform_now();
        tables.lock().await.mark(&record, read_at, compare.unseen(until), limit).await?
    };
    marked(compare.lane, &marks)
}

/// Takes over what became of the rows, and refuses when they were too many.
fn marked(lane: &mut Lane, marks: &Marks) -> Result<(), EtlError> {
    if let Some((version, sums)) = marks.committed {
        (lane.sums, lane.version) = (sums, Some(version));
    }
    lane.sums.vanished = marks.vanished;
    reconciled(lane, marks);
    if marks.vanished > marks.most {
        return Err(EtlError::Vanished {
            dataset: lane.dataset.endpoint.dataset.to_owned(),
            vanished: marks.vanished,
            standing: marks.standing,
            most: marks.most,
        });
    }
    if lane.shared.order.dry_run && marks.vanished > 0 {
        let key = lane.dataset.endpoint.key.join(",");
        let more = if (marks.named.len() as u64) < marks.vanished { " and more" } else { "" };
        lane.notice(format!(
            "{} rows would be marked as deleted, {key}: {}{more}",
            marks.vanished,
            marks.named.join(" ")
        ));
    }
    Ok(())
}

fn reconciled(lane: &Lane, marks: &Marks) {
    lane.report(&Event::Reconciled {
        account: lane.account.name.clone(),
        dataset: lane.dataset.endpoint.dataset,
        unmoved: lane.sums.unmoved,
        vanished: marks.vanished,
        marked: lane.sums.deleted,
        most: marks.most,
    });
}
