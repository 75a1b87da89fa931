//! Certified windows that wait for their commit.

use std::collections::HashSet;

use wdt_fetch::CertifiedPart;
use wdt_models::Certificate;
use wdt_models::time::Seconds;

use wdt_warehouse::{Quarantined, Reading};

/// So many rows make a commit; with the windows in flight this bounds the memory of a load.
const FULL_ROWS: usize = 3_000;
/// So many windows make a commit, so that a killed load of sparse years does not begin again.
const FULL_WINDOWS: usize = 48;
/// So many bytes of refused records make a commit: they travel in its metadata.
const FULL_REFUSED_BYTES: usize = 1 << 20;

/// Certified windows in order, not yet landed.
#[derive(Default)]
pub(super) struct Pending {
    parts: Vec<CertifiedPart>,
    rows: usize,
    refused_bytes: usize,
}

impl Pending {
    /// Takes a part; `seen` holds the refused records of the run: one that is in two windows is one.
    pub(super) fn push(&mut self, mut part: CertifiedPart, seen: &mut HashSet<u128>) {
        part.refused.retain(|refused| seen.insert(twox_hash::XxHash3_128::oneshot(refused.record.as_bytes())));
        self.rows += part.batches.iter().map(arrow::record_batch::RecordBatch::num_rows).sum::<usize>();
        self.refused_bytes += part.refused.iter().map(|refused| refused.record.len()).sum::<usize>();
        self.parts.push(part);
    }

    /// Whether it is time to commit.
    pub(super) fn is_full(&self) -> bool {
        self.rows >= FULL_ROWS || self.parts.len() >= FULL_WINDOWS || self.refused_bytes >= FULL_REFUSED_BYTES
    }

    /// Everything, leaving nothing.
    pub(super) fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// End of the last window; `None` when there is none.
    pub(super) fn end(&self) -> Option<Seconds> {
        self.parts.last().map(|part| part.window.end)
    }

    pub(super) fn windows(&self) -> u64 {
        self.parts.len() as u64
    }

    /// Distinct records, refused ones included.
    pub(super) fn records(&self) -> u64 {
        self.parts.iter().map(|part| part.certificate.distinct).sum()
    }

    pub(super) fn refused(&self) -> u64 {
        self.parts.iter().map(|part| part.refused.len() as u64).sum()
    }

    /// What the commit gets.
    pub(super) fn into_parts(self) -> (Vec<Reading>, Vec<Certificate>, Vec<Quarantined>) {
        let (mut readings, mut certificates, mut quarantine) = (Vec::new(), Vec::new(), Vec::new());
        for part in self.parts {
            let read_at = part.certificate.read_at;
            readings.extend(part.batches.into_iter().map(|batch| Reading { batch, read_at }));
            let window = Some(part.window);
            quarantine.extend(part.refused.into_iter().map(|refused| Quarantined::new(refused, window, None, read_at)));
            certificates.push(part.certificate);
        }
        (readings, certificates, quarantine)
    }
}
