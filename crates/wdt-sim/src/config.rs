//! What a simulator is started with.

use std::{collections::BTreeMap, fmt, sync::Arc};

use wdt_models::{Gateway, Window};

use crate::{account::Account, fault::FaultPlan, form::Forms};

/// The platform's clock: now, in epoch seconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Rows of a dataset that [`SimConfig::rows`] does not name.
pub const DEFAULT_ROWS: u32 = 1_000;
/// How far back the rows' cursors reach when [`SimConfig::span`] is not set, in seconds: 21 days.
pub const DEFAULT_SPAN_SECONDS: i64 = 21 * 86_400;
/// The longest window unless [`SimConfig::longest_window_seconds`] says otherwise, in seconds: the documented 30 days.
pub const DEFAULT_LONGEST_WINDOW_SECONDS: i64 = 30 * 86_400;

/// One in so many goods of the merchant's own platform is stopped by default.
pub const DEFAULT_STOPPED: u32 = 16;

/// What a simulator is started with.
///
/// [`SimConfig::new`] gives gateways that keep every documented rule, without a call limit, edits or faults.
#[derive(Clone)]
#[non_exhaustive]
pub struct SimConfig {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Who may call. Accounts of one gateway and merchant see the same rows, other ones see rows of their own.
    pub accounts: Vec<Account>,
    /// Decides rows, edits and faults.
    pub seed: u64,
    /// Rows by dataset, of a dataset with slices in all slices together. A list of ids has the rows of its source.
    pub rows: BTreeMap<String, u32>,
    /// First and last second of the rows' cursors; the 21 days before now if not set.
    pub span: Option<Window>,
    /// Rows changed in one and the same second in the middle of the span, as a bulk update does.
    pub bulk_second: u32,
    /// Rows whose first quantity is `"abc"`, which no reader can type.
    pub refused_rows: u32,
    /// One in so many goods of the merchant's own platform is stopped, and refused when asked for by id; 0 stops none.
    pub stopped_goods: u32,
    /// Calls allowed in any minute to an app key of a gateway over all methods; 0 means without a limit.
    pub calls_per_minute: u32,
    /// Seconds that such a minute lasts: 60, or fewer where a test cannot wait so long.
    pub minute_seconds: i64,
    /// How long every call is refused after a breach of the limit, in seconds.
    pub cool_down_seconds: i64,
    /// Probability (0 to 1) that rows are edited after a page was answered.
    pub edits_per_page: f64,
    /// Probability (0 to 1) that such an edit, of a dataset with slices, makes a row vanish or appear instead.
    pub slice_churn: f64,
    /// An edit is dated when it is made, and shown up to so many seconds later, as a platform does that copies its rows.
    pub shown_after_seconds: i64,
    /// Whether every state of every row is kept for [`Ledger::journal`](crate::Ledger::journal).
    pub journal: bool,
    /// The order of rows in a window or slice.
    pub order: PageOrder,
    /// Whether a window's last second belongs to it.
    pub end: WindowEnd,
    /// The longest window that is answered, in seconds; a longer one is refused in the platform's words.
    pub longest_window_seconds: i64,
    /// Whether a full read gives everything, whatever window is sent with it.
    pub full_read_has_no_window: bool,
    /// How answers are written.
    pub forms: Forms,
    /// What goes wrong, and when.
    pub faults: FaultPlan,
    /// A dataset and a second: every window with that second declares a record more than its pages hold. Not one that a
    /// filter narrows.
    pub phantom: Option<(&'static str, i64)>,
    /// The platform's clock.
    pub clock: Clock,
}

impl SimConfig {
    /// All gateways, the account [`Account::example`] on each, and documented behaviour.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            port: 0,
            accounts: Gateway::ALL.iter().copied().map(Account::example).collect(),
            seed: 0,
            rows: BTreeMap::new(),
            span: None,
            bulk_second: 0,
            refused_rows: 0,
            stopped_goods: DEFAULT_STOPPED,
            calls_per_minute: 0,
            minute_seconds: 60,
            cool_down_seconds: 0,
            edits_per_page: 0.0,
            slice_churn: 0.0,
            shown_after_seconds: 0,
            journal: false,
            order: PageOrder::Strict,
            end: WindowEnd::Closed,
            longest_window_seconds: DEFAULT_LONGEST_WINDOW_SECONDS,
            full_read_has_no_window: false,
            forms: Forms::default(),
            faults: FaultPlan::None,
            phantom: None,
            clock,
        }
    }

    /// What holds for windows.
    pub(crate) const fn windows(&self) -> Windows {
        Windows { end: self.end, longest: self.longest_window_seconds, none_when_all: self.full_read_has_no_window }
    }

    /// The same with that many rows of a dataset.
    #[must_use]
    pub fn with_rows(mut self, dataset: &str, rows: u32) -> Self {
        self.rows.insert(dataset.to_owned(), rows);
        self
    }
}

impl fmt::Debug for SimConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimConfig").field("port", &self.port).field("seed", &self.seed).finish_non_exhaustive()
    }
}

/// The order of rows in a window, which the documents do not name. In a slice there is no cursor to order by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageOrder {
    /// By cursor, then key: stable.
    Strict,
    /// By key alone: stable.
    Key,
    /// By cursor; rows of one second come in another order on each call.
    ModifiedOnly,
    /// By cursor and key, newest first.
    Desc,
}

/// What holds for windows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Windows {
    pub(crate) end: WindowEnd,
    /// Longest one answered, in seconds.
    pub(crate) longest: i64,
    /// A full read gives everything, whatever window is sent with it.
    pub(crate) none_when_all: bool,
}

impl Windows {
    /// The last second that belongs to a window.
    pub(crate) fn last(self, window: Window) -> i64 {
        if self.end == WindowEnd::Open { window.end.0.saturating_sub(1) } else { window.end.0 }
    }
}

/// Whether a window's last second belongs to it; documented on enterprise, unknown on flagship.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowEnd {
    /// It does.
    Closed,
    /// It does not.
    Open,
}
