//! What a reconcile knows while it reads, and the reading of one of its ranges.

use std::sync::Arc;
use std::time::Duration;

use wdt_fetch::{CertifiedPart, Client, WindowReader, read_window};
use wdt_models::time::{CLOCK_RESOLUTION_SECONDS, Millis, Seconds, format_wall_time};
use wdt_models::{Cursor, Slice, Window, decode};
use wdt_warehouse::{CommitRecord, Landed, ReconcileProgress, SeenKeys, Unseen};

use crate::error::EtlError;
use crate::failpoint::Place;
use crate::pipeline::lane::{Lane, WINDOW_RECORDS};
use crate::pipeline::pending::Pending;
use crate::pipeline::walk::Walk;
use crate::plan::Range;
use crate::report::Event;

/// Longest sleep before the clock is looked at again, seconds.
const NAP_SECONDS: i64 = 10;

/// What a reconcile knows while it reads.
pub(super) struct Compare<'a> {
    pub(super) lane: &'a mut Lane,
    pub(super) client: &'a Client,
    pub(super) cursor: Cursor,
    pub(super) reader: Arc<WindowReader>,
    /// Keys that were met.
    pub(super) seen: SeenKeys,
    /// Cursors of the rows that the table held at the begin, ascending.
    pub(super) live: Vec<Seconds>,
    /// Refused records whose key could not be read: any row may be meant.
    pub(super) unreadable: usize,
    /// Platform time of the begin.
    pub(super) began: Millis,
    pub(super) progress: ReconcileProgress,
}

impl Compare<'_> {
    /// Reads a range in certified windows; what differs is landed, and every key is remembered.
    pub(super) async fn walk(&mut self, from: Seconds, until: Seconds) -> Result<(), EtlError> {
        let (first, longest) = (self.lane.shared.settings.window_seconds, self.cursor.max_seconds);
        let range = Range { from, until, watermark: None, first, longest, most_records: WINDOW_RECORDS };
        if !range.is_due() {
            return Ok(());
        }
        let mut walk = Walk::over(self.lane, &self.reader, range, self.lane.read_options());
        let mut pending = Pending::default();
        let ended = loop {
            match walk.next(self.lane, Place::ReconcileDue).await {
                Err(error) => break Err(error),
                Ok(None) => break Ok(()),
                Ok(Some(part)) => {
                    walk.took(self.lane, &part, Place::ReconcileRead);
                    for part in self.confirmed(part).await? {
                        self.meet(&part)?;
                        pending.push(part, &mut self.lane.seen_refused);
                    }
                    if pending.is_full() {
                        self.land(pending.take()).await?;
                    }
                }
            }
        };
        self.land(pending).await?;
        ended
    }

    /// The part; with it a second reading, when it is empty and the table holds rows of that time.
    async fn confirmed(&self, part: CertifiedPart) -> Result<Vec<CertifiedPart>, EtlError> {
        if part.certificate.distinct > 0 || !self.held_rows(part.window) {
            return Ok(vec![part]);
        }
        let options = self.lane.read_options();
        let again = read_window(&*self.reader, part.window, &options);
        let again = self.lane.unless_stopped(again).await?;
        Ok([part].into_iter().chain(again.parts).collect())
    }

    async fn land(&mut self, pending: Pending) -> Result<(), EtlError> {
        let Some(done) = pending.end() else { return Ok(()) };
        self.progress.done = done;
        self.lane.count_windows(self.client, &pending);
        let (readings, certificates, quarantine) = pending.into_parts();
        let record = CommitRecord { certificates, quarantine, ..self.record() };
        match self.lane.land(record, readings, None).await? {
            None | Some(Landed::Committed { .. }) => Ok(()),
            // a reconcile commits under an id of its own, so no rival lands in its place: it is refused for its scope
            Some(Landed::Already { .. } | Landed::OtherScope) => Err(self.lane.overtaken()),
        }
    }

    /// Waits until the changes up to that second have settled by the platform's clock.
    pub(super) async fn settle(&self, until: Seconds) -> Result<(), EtlError> {
        let due = until + self.lane.shared.settings.settle_seconds + CLOCK_RESOLUTION_SECONDS;
        loop {
            let left = due - now(self.client);
            if left <= 0 {
                return Ok(());
            }
            self.lane.report(&Event::Waiting {
                account: self.lane.account.name.clone(),
                dataset: self.lane.dataset.endpoint.dataset,
                reason: format!("until the changes up to {} have settled", format_wall_time(until)),
                wait_ms: left.unsigned_abs() * 1000,
            });
            // whoever took the event may have moved the clock
            let left = (due - now(self.client)).clamp(0, NAP_SECONDS).unsigned_abs();
            self.lane.shared.around.unless_stopped(tokio::time::sleep(Duration::from_secs(left))).await?;
        }
    }

    pub(super) fn record(&self) -> CommitRecord {
        CommitRecord { kind: "reconcile".to_owned(), reconcile: Some(self.progress.clone()), ..self.lane.record() }
    }

    /// Remembers the keys of a part, those of refused records among them.
    pub(super) fn meet(&mut self, part: &CertifiedPart) -> Result<(), EtlError> {
        for batch in &part.batches {
            self.seen.add(batch)?;
        }
        let records: Vec<&str> = part.refused.iter().map(|refused| refused.record.as_str()).collect();
        let keys = decode::keys(self.reader.endpoint, &Slice::default(), &records);
        self.unreadable += keys.unreadable;
        self.seen.add(&keys.batch)?;
        Ok(())
    }

    fn held_rows(&self, window: Window) -> bool {
        let first = self.live.partition_point(|&cursor| cursor < window.start);
        self.live.get(first).is_some_and(|&cursor| cursor <= window.end)
    }

    pub(super) fn unseen(&self, until: Seconds) -> Unseen<'_> {
        Unseen { account: &self.lane.account.name, seen: &self.seen, until, began: self.began }
    }
}

/// The platform's clock, in whole seconds.
pub(super) fn now(client: &Client) -> Seconds {
    client.platform_now().floor_seconds()
}
