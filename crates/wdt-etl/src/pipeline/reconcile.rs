//! A reconcile: every row of a table compared with the platform, so that rows that are gone can be told from late ones.
//!
//! First all windows from the smallest cursor to E0, the clock less settle; then, when they have settled, those from E0 to
//! E1, the time of the last call of the first phase; at last, if any row was not met, what moved after E1 (`closing`). A
//! row that exists is met by one of them: it stays where it is or moves ahead of the readings, and the last one has no end.

mod closing;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use wdt_fetch::{CertifiedPart, Client, PageSource as _, Target, WindowError, WindowReader, read_window, read_windows};
use wdt_models::time::format_wall_time;
use wdt_models::{Slice, SyncMode, Window, decode};

use super::job::{CLOCK_RESOLUTION, Job, WINDOW_RECORDS, stopped};
use super::order::Task;
use super::outcome::Verdict;
use super::pending::Pending;
use crate::error::EtlError;
use crate::failpoint::{self, Place};
use crate::plan::{Planner, Range};
use crate::report::Event;
use wdt_warehouse::{CommitRecord, Landed, Landing, Marks, ReconcileProgress, SeenKeys, Unseen};

/// Longest sleep before the clock is looked at again, seconds.
const NAP: i64 = 10;

/// What a reconcile knows while it reads.
struct Compared {
    reader: Arc<WindowReader>,
    /// Keys that were met.
    seen: SeenKeys,
    /// Cursors of the rows that stood at the begin, ascending, epoch seconds.
    standing: Vec<i64>,
    /// Refused records whose key could not be read: any row may be meant.
    unreadable: usize,
    /// Platform time of the begin, epoch milliseconds.
    began: i64,
    progress: ReconcileProgress,
}

impl Job {
    /// Compares the whole dataset, lands what differs and marks what is gone.
    pub(super) async fn reconcile(&mut self, client: &Client, reader: WindowReader) -> Result<Verdict, EtlError> {
        if !matches!(self.dataset.endpoint.sync, SyncMode::Incremental(_)) {
            self.notice("a snapshot: every run compares it whole, nothing is left to reconcile".to_owned());
            return Ok(Verdict::NothingDue);
        }
        let compared = self.compare(client, reader).await;
        if matches!(compared, Err(EtlError::Interrupted)) {
            self.notice(
                "what was read is landed and no row is marked; the next reconcile begins at the first row again"
                    .to_owned(),
            );
        }
        compared
    }

    async fn compare(&mut self, client: &Client, reader: WindowReader) -> Result<Verdict, EtlError> {
        let Some(mut compared) = self.begin(client, reader).await? else {
            self.notice("no row stands in the table: nothing to compare".to_owned());
            return Ok(Verdict::NothingDue);
        };
        let ReconcileProgress { from, walked_until, .. } = compared.progress;
        self.walk(client, &mut compared, (from, walked_until)).await?;
        let settled_until = now(client) + CLOCK_RESOLUTION;
        compared.progress.settled_until = Some(settled_until);
        failpoint::hit(Place::ReconcileSettling);
        self.settle(client, settled_until).await?;
        self.walk(client, &mut compared, ((walked_until - 1).max(from), settled_until)).await?;
        self.within_quarantine_limit()?;
        self.mark_unseen(client, &mut compared, settled_until).await?;
        Ok(if self.shared.order.dry_run { Verdict::DryRun } else { Verdict::Landed })
    }

    /// Looks at the table and, with one call, at the platform's clock; `None` when there is nothing to compare.
    async fn begin(&self, client: &Client, reader: WindowReader) -> Result<Option<Compared>, EtlError> {
        let Some(tables) = &self.tables else { return Ok(None) };
        let cursors = tables.lock().await.cursors(&self.account.name).await?;
        let Some(first) = cursors.first else { return Ok(None) };
        // a window may leave out its first second, whatever the documents say
        let from = first - 1;
        let look = reader.page(Target::Window(Window::new(from, first + 1)), None, reader.first_page());
        self.unless_stopped(async { look.await.map_err(WindowError::from) }).await?;
        let walked_until = now(client) - self.shared.settings.settle - CLOCK_RESOLUTION;
        Ok(Some(Compared {
            reader: Arc::new(reader),
            seen: SeenKeys::new(self.dataset.endpoint)?,
            standing: cursors.standing,
            unreadable: 0,
            began: client.platform_now(),
            progress: ReconcileProgress { from, walked_until, settled_until: None, done: from, marks: false },
        }))
    }

    /// Reads a range in certified windows; what differs is landed, and every key is remembered.
    async fn walk(
        &mut self,
        client: &Client,
        compared: &mut Compared,
        (from, until): (i64, i64),
    ) -> Result<(), EtlError> {
        let range = self.range_of(from, until)?;
        if !range.is_due() {
            return Ok(());
        }
        self.announce(&range);
        let planner = Planner::new(range);
        let reader = Arc::clone(&compared.reader);
        let mut parts = read_windows(reader, planner.clone(), self.read_options());
        let mut pending = Pending::default();
        let ended = loop {
            failpoint::hit(Place::ReconcileDue);
            let next = async { parts.next().await.transpose() };
            match self.unless_stopped(next).await {
                Err(error) => break Err(error),
                Ok(None) => break Ok(()),
                Ok(Some(part)) => {
                    failpoint::hit(Place::ReconcileRead);
                    planner.observe(part.window, part.certificate.declared_before);
                    self.window_read(&range, part.window, part.certificate.distinct);
                    for part in self.confirmed(compared, part).await? {
                        compared.meet(&part)?;
                        pending.push(part, &mut self.seen_refused);
                    }
                    if pending.is_full() {
                        self.land_compared(client, compared, pending.take()).await?;
                    }
                }
            }
        };
        self.land_compared(client, compared, pending).await?;
        ended
    }

    /// The part; with it a second reading, when it is empty and rows stand there.
    async fn confirmed(&self, compared: &Compared, part: CertifiedPart) -> Result<Vec<CertifiedPart>, EtlError> {
        if part.certificate.distinct > 0 || !compared.stood_in(part.window) {
            return Ok(vec![part]);
        }
        let options = self.read_options();
        let again = read_window(&*compared.reader, part.window, &options);
        let again = self.unless_stopped(again).await?;
        Ok([part].into_iter().chain(again.parts).collect())
    }

    async fn land_compared(
        &mut self,
        client: &Client,
        compared: &mut Compared,
        pending: Pending,
    ) -> Result<(), EtlError> {
        let Some(done) = pending.end() else { return Ok(()) };
        compared.progress.done = done;
        self.count_calls(client);
        self.sums.windows += pending.windows();
        self.sums.records += pending.records();
        self.sums.refused += pending.refused();
        let Some(tables) = self.tables.clone().filter(|_| !self.shared.order.dry_run) else { return Ok(()) };
        let (readings, certificates, quarantine) = pending.into_parts();
        let record = CommitRecord { certificates, quarantine, ..self.record_of(&compared.progress) };
        failpoint::hit(Place::Landing);
        let landed = tables.lock().await.land(Landing { record, readings, picture: None }).await?;
        failpoint::hit(Place::Landed);
        match landed {
            Landed::Committed { version, sums } => (self.sums, self.version) = (sums, Some(version)),
            Landed::Already { version } => {
                return Err(EtlError::Bug(format!("a reconcile's commit was there already, as {version}")));
            }
            Landed::OtherQuestion => return Err(self.overtaken_by_a_question()),
        }
        Ok(())
    }

    /// Marks the rows that no phase met, once what moved meanwhile has been looked at too.
    async fn mark_unseen(&mut self, client: &Client, compared: &mut Compared, until: i64) -> Result<(), EtlError> {
        let (Some(tables), Task::Reconcile(limit)) = (self.tables.clone(), self.shared.order.task) else {
            return Ok(());
        };
        if compared.unreadable > 0 {
            self.notice(format!(
                "{} refused records have no readable key: no row is marked as deleted",
                compared.unreadable
            ));
            return Ok(());
        }
        let account = self.account.name.clone();
        let found = tables.lock().await.unseen(compared.unseen(&account, until), limit).await?;
        if found.vanished == 0 {
            self.reconciled(&found);
            return Ok(());
        }
        failpoint::hit(Place::ReconcileClosing);
        self.close(client, compared, until).await?;
        self.count_calls(client);
        compared.progress.marks = true;
        failpoint::hit(Place::ReconcileMarking);
        let marks = if self.shared.order.dry_run {
            tables.lock().await.unseen(compared.unseen(&account, until), limit).await?
        } else {
            let record = self.record_of(&compared.progress);
            let read_at = client.platform_now();
            tables.lock().await.mark(&record, read_at, compared.unseen(&account, until), limit).await?
        };
        self.marked(&marks)
    }

    /// Takes over what became of the rows, and refuses when they were too many.
    fn marked(&mut self, marks: &Marks) -> Result<(), EtlError> {
        if let Some((version, sums)) = marks.committed {
            (self.sums, self.version) = (sums, Some(version));
        }
        self.sums.vanished = marks.vanished;
        self.reconciled(marks);
        if marks.vanished > marks.most {
            return Err(EtlError::Vanished {
                dataset: self.dataset.endpoint.dataset.to_owned(),
                vanished: marks.vanished,
                standing: marks.standing,
                most: marks.most,
            });
        }
        if self.shared.order.dry_run && marks.vanished > 0 {
            let key = self.dataset.endpoint.key.join(",");
            let more = if (marks.named.len() as u64) < marks.vanished { " and more" } else { "" };
            self.notice(format!(
                "{} rows would be marked as deleted, {key}: {}{more}",
                marks.vanished,
                marks.named.join(" ")
            ));
        }
        Ok(())
    }

    /// Waits until the changes up to that second have settled by the platform's clock.
    async fn settle(&self, client: &Client, until: i64) -> Result<(), EtlError> {
        let due = until + self.shared.settings.settle + CLOCK_RESOLUTION;
        loop {
            let left = due - now(client);
            if left <= 0 {
                return Ok(());
            }
            self.shared.around.reporter.event(&Event::Waiting {
                account: self.account.name.clone(),
                dataset: self.dataset.endpoint.dataset,
                reason: format!("until the changes up to {} have settled", format_wall_time(until)),
                wait_ms: left.unsigned_abs() * 1000,
            });
            // whoever took the event may have moved the clock
            let left = (due - now(client)).clamp(0, NAP).unsigned_abs();
            self.unless_stopped(async {
                tokio::time::sleep(Duration::from_secs(left)).await;
                Ok(())
            })
            .await?;
        }
    }

    async fn unless_stopped<T>(&self, work: impl Future<Output = Result<T, WindowError>>) -> Result<T, EtlError> {
        let mut stop = self.shared.around.stop.clone();
        let done = tokio::select! {
            biased;
            () = stopped(&mut stop) => return Err(EtlError::Interrupted),
            done = work => done,
        };
        match done {
            Ok(done) => Ok(done),
            Err(error) => Err(self.window_error(error).await),
        }
    }

    fn range_of(&self, from: i64, until: i64) -> Result<Range, EtlError> {
        let Some(cursor) = self.dataset.endpoint.cursor() else {
            return Err(EtlError::Bug(format!("{} has no windows", self.dataset.endpoint.dataset)));
        };
        let first = self.shared.settings.window;
        Ok(Range { from, until, watermark: None, first, longest: cursor.max_seconds, most_records: WINDOW_RECORDS })
    }

    fn record_of(&self, progress: &ReconcileProgress) -> CommitRecord {
        CommitRecord { kind: "reconcile".to_owned(), reconcile: Some(progress.clone()), ..self.record() }
    }

    fn reconciled(&self, marks: &Marks) {
        self.shared.around.reporter.event(&Event::Reconciled {
            account: self.account.name.clone(),
            dataset: self.dataset.endpoint.dataset,
            unmoved: self.sums.unmoved,
            vanished: marks.vanished,
            marked: self.sums.deleted,
            most: marks.most,
        });
    }
}

impl Compared {
    /// Remembers the keys of a part, those of refused records among them.
    fn meet(&mut self, part: &CertifiedPart) -> Result<(), EtlError> {
        for batch in &part.batches {
            self.seen.add(batch)?;
        }
        let records: Vec<&str> = part.refused.iter().map(|refused| refused.record.as_str()).collect();
        let keys = decode::keys(self.reader.endpoint, &Slice::default(), &records);
        self.unreadable += keys.unreadable;
        self.seen.add(&keys.batch)?;
        Ok(())
    }

    fn stood_in(&self, window: Window) -> bool {
        let first = self.standing.partition_point(|&cursor| cursor < window.start);
        self.standing.get(first).is_some_and(|&cursor| cursor <= window.end)
    }

    fn unseen<'a>(&'a self, account: &'a str, until: i64) -> Unseen<'a> {
        Unseen { account, seen: &self.seen, until, began: self.began }
    }
}

/// The platform's clock, epoch seconds.
fn now(client: &Client) -> i64 {
    client.platform_now().div_euclid(1000)
}
