//! What moved after the second phase: rows that change so often that they are always younger than settle.
//!
//! A row edited again and again is in neither phase: its cursor is ahead of both. So the time after E1 is read in windows
//! of one page each, one after another, the last one open to the future. An answer of one page is a picture of a moment;
//! a row that is ahead of every window is in the last, because a cursor only grows. Nothing of it is landed: it has not
//! settled. It only keeps rows from being marked.

use wdt_fetch::{CertifiedPart, ReadOptions, WindowError, read_window};
use wdt_models::time::{CLOCK_RESOLUTION_SECONDS, Seconds, format_wall_time};
use wdt_models::{Way, Window};

use super::compare::{Compare, now};
use crate::error::EtlError;

/// How far the last window reaches into the future, seconds: longer than the reading takes.
const AHEAD_SECONDS: i64 = 300;
/// Readings after which the ERP is said to move too much.
const TRIES: u32 = 3;

impl Compare<'_> {
    /// Meets every row that exists and whose cursor is after `from`.
    ///
    /// # Errors
    /// [`EtlError::Uncertified`] when more rows change in a second than a page holds, again and again.
    pub(super) async fn close(&mut self, from: Seconds) -> Result<(), EtlError> {
        let mut from = from;
        // An ERP that writes without pause would keep this loop for ever, so it gives up after a few tries: a reconcile
        // that marks nothing costs a night, one that marks a row that exists costs trust.
        for _ in 0..TRIES {
            if self.picture_after(from).await? {
                return Ok(());
            }
            // a second with more than a page of changes is read in the ways of every window, once it has settled
            let until = now(self.client) + CLOCK_RESOLUTION_SECONDS;
            self.settle(until).await?;
            self.walk(from - 1, until).await?;
            from = until;
        }
        Err(EtlError::Uncertified {
            dataset: self.lane.dataset.endpoint.dataset.to_owned(),
            what: format!("what changed since {}", format_wall_time(from)),
            reason: "more rows change in a second than a page holds, so no row is marked as deleted".to_owned(),
            hint: None,
        })
    }

    /// Whether single pages gave the whole picture.
    async fn picture_after(&mut self, from: Seconds) -> Result<bool, EtlError> {
        let options = ReadOptions { concurrency: 1, max_pages: 1, ..self.lane.read_options() };
        let mut empty_before = false;
        loop {
            let window = Window::new(from - 1, now(self.client) + AHEAD_SECONDS);
            let read = Box::pin(read_window(&*self.reader, window, &options));
            let parts = match self.lane.shared.around.unless_stopped(read).await? {
                Ok(read) => read.parts,
                Err(WindowError::Uncertified { .. }) => return Ok(false),
                Err(error) => return Err(self.lane.window_error(error).await),
            };
            for part in &parts {
                self.meet(part)?;
            }
            if !whole(&parts, window.end) {
                return Ok(false);
            }
            let empty = parts.iter().all(|part| part.certificate.distinct == 0);
            // one empty answer may be wrong
            if !empty || empty_before {
                return Ok(true);
            }
            empty_before = true;
        }
    }
}

/// Whether every part is the picture of a moment, the last one with no end yet when it was read.
fn whole(parts: &[CertifiedPart], end: Seconds) -> bool {
    let single = parts.iter().all(|part| part.certificate.way == Way::SinglePage);
    single && parts.last().is_some_and(|part| part.certificate.read_at < (end - CLOCK_RESOLUTION_SECONDS).millis())
}
