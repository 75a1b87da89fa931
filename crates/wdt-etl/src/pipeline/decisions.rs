//! What a run decides by its clock, its warehouse and its machine, so that somebody else may keep it or decide it.
//!
//! A live run decides for itself: every method gives back what the run found. The pipeline does not know who else
//! decides: a recording or a replay.

use std::collections::HashSet;
use std::sync::Arc;

use futures::future::BoxFuture;
use wdt_fetch::Transport;

use crate::error::EtlError;
use crate::memory::peak_bytes;
use wdt_models::time::Seconds;

/// An account's dataset, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartName<'a> {
    /// Name of the account.
    pub account: &'a str,
    /// The dataset.
    pub dataset: &'static str,
}

/// A range that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueRange {
    /// First second, lookback included.
    pub from: Seconds,
    /// Last second.
    pub until: Seconds,
    /// How far the dataset is complete; absent of a first load.
    pub watermark: Option<Seconds>,
}

/// How the accounts of a run follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountOrder {
    /// All at once.
    SideBySide,
    /// The next one begins when this one has ended.
    OneByOne,
}

/// What a decision comes to, when the warehouse has to be asked for it.
pub type Deciding<'a, T> = BoxFuture<'a, Result<T, EtlError>>;

/// Decides what depends on clock, warehouse and machine; `own` is what the run itself would decide.
///
/// # Errors
///
/// Each method fails as `own` does, or when a decision cannot be kept or does not fit the warehouse.
#[allow(clippy::missing_errors_doc, reason = "the trait says it once for all its methods")]
pub trait Decisions: Send + Sync {
    /// What carries the calls for a dataset.
    fn transport(
        &self,
        part: PartName<'_>,
        own: &dyn Fn() -> Result<Arc<dyn Transport>, EtlError>,
    ) -> Result<Arc<dyn Transport>, EtlError> {
        let _ = part;
        own()
    }

    /// The `start` to take in place of the configured one; `goes_on` is where a dataset that has a watermark begins.
    fn start(&self, part: PartName<'_>, goes_on: Option<Seconds>) -> Result<Option<Seconds>, EtlError> {
        let _ = (part, goes_on);
        Ok(None)
    }

    /// The range that is due.
    fn range(
        &self,
        part: PartName<'_>,
        own: &(dyn Fn() -> Result<DueRange, EtlError> + Sync),
    ) -> Result<DueRange, EtlError> {
        let _ = part;
        own()
    }

    /// The ids to ask for.
    fn ids<'a>(&'a self, part: PartName<'a>, own: Deciding<'a, Vec<i64>>) -> Deciding<'a, Vec<i64>> {
        let _ = part;
        own
    }

    /// Values of the slices that hold rows.
    fn live_slices<'a>(
        &'a self,
        part: PartName<'a>,
        own: Deciding<'a, HashSet<Vec<String>>>,
    ) -> Deciding<'a, HashSet<Vec<String>>> {
        let _ = part;
        own
    }

    /// Whether the next account waits for the one that begins now.
    fn account_begins(&self) -> AccountOrder {
        AccountOrder::SideBySide
    }

    /// Most bytes the process ever held in memory, where that may show in the tables.
    fn peak_memory(&self) -> Option<i64> {
        peak_bytes()
    }
}

/// A run that decides everything itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Live;

impl Decisions for Live {}
