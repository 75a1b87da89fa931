//! What the command line asks of a run: which accounts and datasets, what to do with them, and whether it lands.

use wdt_models::Window;
use wdt_models::time::Seconds;
use wdt_warehouse::DeleteLimit;

use crate::config::{Account, Dataset};

/// An account and one of its datasets.
pub(super) type Selected<'a> = (&'a Account, &'a Dataset);

/// What a run is asked to do.
#[derive(Debug, Clone, Default)]
pub struct Order {
    /// The accounts and datasets it is about.
    pub select: Select,
    /// What it does with them.
    pub task: Task,
    /// Read and certify, but land nothing.
    pub dry_run: bool,
}

/// Accounts and datasets by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Select {
    /// Only these accounts; all when empty.
    pub accounts: Vec<String>,
    /// Only these datasets; all when empty.
    pub datasets: Vec<String>,
}

/// What is done with each account's dataset.
#[derive(Debug, Clone, Copy)]
pub enum Task {
    /// Read and land what is due.
    Run {
        /// Last second to read.
        until: Option<Seconds>,
        /// Take a window inside this one that cannot be certified as it is; needs one account and one dataset.
        accept: Option<Window>,
    },
    /// Read this range behind the watermark again, and nothing else.
    Backfill(Window),
    /// Read everything behind the watermark again by the endpoint's own full read, and nothing else.
    FullRead,
    /// Compare the whole table instead of reading what is new, and mark at most so many rows as deleted.
    Reconcile(DeleteLimit),
}

impl Default for Task {
    fn default() -> Self {
        Self::Run { until: None, accept: None }
    }
}
