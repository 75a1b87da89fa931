//! A range read in certified windows, their length adapted to what was seen; runs, backfills and reconciles land them.

use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use wdt_fetch::{CertifiedPart, ReadOptions, WindowError, WindowReader, read_windows};

use super::lane::Lane;
use crate::error::EtlError;
use crate::failpoint::{self, Place};
use crate::plan::{Planner, Range};

/// A range that is being read.
pub(super) struct Walk {
    range: Range,
    planner: Planner,
    parts: BoxStream<'static, Result<CertifiedPart, WindowError>>,
}

impl Walk {
    /// Announces the range and begins at its first window.
    pub(super) fn over(lane: &Lane, reader: &Arc<WindowReader>, range: Range, options: ReadOptions) -> Self {
        lane.announce(&range);
        let planner = Planner::new(range);
        let parts = read_windows(Arc::clone(reader), planner.clone(), options).boxed();
        Self { range, planner, parts }
    }

    /// The next certified window; `None` after the last one.
    pub(super) async fn next(&mut self, lane: &Lane, due: Place) -> Result<Option<CertifiedPart>, EtlError> {
        failpoint::hit(due);
        lane.unless_stopped(async { self.parts.next().await.transpose() }).await
    }

    /// Learns from a window that is taken, and reports it.
    pub(super) fn took(&self, lane: &Lane, part: &CertifiedPart, read: Place) {
        failpoint::hit(read);
        self.planner.observe(part.window, part.certificate.declared_before);
        lane.window_read(&self.range, part.window, part.certificate.distinct);
    }
}
