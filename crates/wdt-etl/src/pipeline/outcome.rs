//! How a run ended, per account and dataset.

use crate::error::{EtlError, Failure, gravest};
use wdt_models::time::Seconds;
use wdt_warehouse::Sums;

/// How a whole run ended.
#[derive(Debug, Clone)]
pub struct RunOutcome {
    /// Name of the run in every table.
    pub run_id: String,
    /// In the order they ran: of an account, those that ask for the ids of another after that one.
    pub datasets: Vec<DatasetOutcome>,
}

/// How a run of one account and dataset ended.
#[derive(Debug, Clone)]
pub struct DatasetOutcome {
    /// Account.
    pub account: String,
    /// Dataset.
    pub dataset: &'static str,
    /// One word.
    pub verdict: Verdict,
    /// What went wrong.
    pub problem: Option<Problem>,
    /// What was called, read and landed.
    pub sums: Sums,
    /// How far the dataset is complete: the watermark, or the oldest reading of a slice.
    pub watermark: Option<Seconds>,
}

/// One word for how a dataset's run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Everything due is landed.
    Landed,
    /// The watermark is where it should be already.
    NothingDue,
    /// Read and certified, and landed nothing because that was asked for.
    DryRun,
    /// Stopped by a fault; what was certified before is landed.
    Failed,
    /// Stopped by Ctrl-C or SIGTERM; what was certified before is landed.
    Interrupted,
}

/// A fault as the user sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its kind.
    pub failure: Failure,
    /// Exit code it leads to.
    pub exit_code: u8,
    /// What went wrong.
    pub message: String,
    /// What to try.
    pub hint: Option<String>,
}

impl RunOutcome {
    /// The gravest exit code of all datasets.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        gravest(self.datasets.iter().map(DatasetOutcome::exit_code))
    }
}

impl DatasetOutcome {
    /// The exit code of this dataset alone.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.problem.as_ref().map_or(0, |problem| problem.exit_code)
    }

    pub(crate) fn new(account: &str, dataset: &'static str, verdict: Verdict, sums: Sums) -> Self {
        Self { account: account.to_owned(), dataset, verdict, problem: None, sums, watermark: None }
    }
}

impl Verdict {
    /// The word in tables and events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Landed => "landed",
            Self::NothingDue => "nothing_due",
            Self::DryRun => "dry_run",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

impl From<&EtlError> for Problem {
    fn from(error: &EtlError) -> Self {
        Self { failure: error.failure(), exit_code: error.exit_code(), message: error.to_string(), hint: error.hint() }
    }
}
