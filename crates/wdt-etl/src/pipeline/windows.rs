//! The run of a dataset with a cursor: windows are read side by side, landed in order, the watermark moving with each.

use std::sync::Arc;

use wdt_fetch::{Client, ReadOptions, WindowReader};
use wdt_models::time::{CLOCK_RESOLUTION_SECONDS, Seconds, format_wall_time};
use wdt_models::{Cursor, Window};
use wdt_warehouse::{CommitRecord, Landed};

use super::accept::{accepted_in, accepted_notice};
use super::decisions::DueRange;
use super::lane::{Lane, WINDOW_RECORDS};
use super::outcome::Verdict;
use super::pending::Pending;
use super::walk::Walk;
use crate::error::EtlError;
use crate::failpoint::Place;
use crate::plan::{Range, begin};

/// Reads what is due, and moves the watermark.
pub(super) struct RunReader<'a> {
    pub(super) lane: &'a mut Lane,
    pub(super) client: &'a Client,
    pub(super) cursor: Cursor,
    /// Last second to read, where the command line gives one.
    pub(super) until: Option<Seconds>,
    /// The range in which a window may be taken as it is.
    pub(super) accept: Option<Window>,
}

/// How a pass over the range ended.
enum Pass {
    /// To the end of the range.
    Whole,
    /// The platform's clock turned out to be behind: the range was too long, nothing was landed.
    ClockBehind,
}

impl RunReader<'_> {
    /// Reads and lands everything due.
    pub(super) async fn read(mut self, reader: WindowReader) -> Result<Verdict, EtlError> {
        let reader = Arc::new(reader);
        loop {
            let range = self.range()?;
            if !range.is_due() {
                return Ok(Verdict::NothingDue);
            }
            if let Pass::Whole = self.pass(&reader, range).await? {
                return Ok(self.lane.verdict());
            }
        }
    }

    fn range(&self) -> Result<Range, EtlError> {
        let decisions = &self.lane.shared.around.decisions;
        let DueRange { from, until, watermark } = decisions.range(self.lane.part(), &|| self.due())?;
        let (first, longest) = (self.lane.shared.settings.window_seconds, self.cursor.max_seconds);
        Ok(Range { from, until, watermark, first, longest, most_records: WINDOW_RECORDS })
    }

    /// The range that is due by the platform's clock as far as it is known.
    fn due(&self) -> Result<DueRange, EtlError> {
        let settings = &self.lane.shared.settings;
        let now = self.client.platform_now().floor_seconds();
        let latest = now - settings.settle_seconds - CLOCK_RESOLUTION_SECONDS;
        let until = match self.until {
            None => latest,
            Some(until) if until > now => {
                let (until, now) = (format_wall_time(until), format_wall_time(now));
                return Err(EtlError::Usage {
                    message: format!("--until {until} is later than the platform's clock, {now}"),
                    hint: Some("leave --until out to read as far as is safe".to_owned()),
                });
            }
            Some(until) if until > latest => {
                self.lane.notice(format!(
                    "--until moved back to {}: later changes have not settled",
                    format_wall_time(latest)
                ));
                latest
            }
            Some(until) => until,
        };
        let watermark = self.lane.watermark;
        Ok(DueRange { from: begin(watermark, self.lane.dataset.start, settings.lookback_seconds), until, watermark })
    }

    async fn pass(&mut self, reader: &Arc<WindowReader>, range: Range) -> Result<Pass, EtlError> {
        let options = ReadOptions { accept: self.accept, ..self.lane.read_options() };
        let mut walk = Walk::over(self.lane, reader, range, options);
        let mut pending = Pending::default();
        let ended = loop {
            match walk.next(self.lane, Place::WindowDue).await {
                Err(error) => break Err(error),
                Ok(None) => break Ok(Pass::Whole),
                // Before the first answer the platform's clock is only guessed from this machine's. Once it is known to
                // be behind, the range reaches into time that has not settled: it is planned again, and what was read
                // of it counts for nothing. Later answers can only move the clock ahead.
                Ok(Some(_)) if self.has_not_settled(range.until) => {
                    self.lane.seen_refused.clear();
                    return Ok(Pass::ClockBehind);
                }
                Ok(Some(part)) => {
                    walk.took(self.lane, &part, Place::WindowRead);
                    if let Some(text) = accepted_notice(&part.certificate) {
                        self.lane.notice(text);
                    }
                    pending.push(part, &mut self.lane.seen_refused);
                    if pending.is_full() {
                        self.land(pending.take()).await?;
                    }
                }
            }
        };
        self.land(pending).await?;
        ended
    }

    fn has_not_settled(&self, until: Seconds) -> bool {
        (until + self.lane.shared.settings.settle_seconds).millis() > self.client.platform_now()
    }

    async fn land(&mut self, pending: Pending) -> Result<(), EtlError> {
        let Some(end) = pending.end() else { return Ok(()) };
        let lane = &mut *self.lane;
        lane.count_windows(self.client, &pending);
        let (readings, certificates, quarantine) = pending.into_parts();
        let accept = self.accept.filter(|_| accepted_in(&certificates));
        let record = lane.record();
        let record = CommitRecord { watermark_after: Some(end), accept, certificates, quarantine, ..record };
        match lane.land(record, readings, None).await? {
            None => {}
            Some(Landed::Committed { version, .. }) => {
                lane.watermark = Some(end);
                lane.committed(version, end);
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
}
