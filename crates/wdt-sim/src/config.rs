//! What a simulator is started with.

use std::{collections::BTreeMap, fmt, sync::Arc};

use wdt_models::Window;
use wdt_sign::Secret;

use crate::{fault::FaultPlan, form::Forms};

/// The platform's clock: now, in epoch seconds.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Rows of a dataset that [`SimConfig::rows`] does not name.
pub const DEFAULT_ROWS: u32 = 1_000;
/// How far back the rows' cursors reach when [`SimConfig::span`] is not set, in seconds: 21 days.
pub const DEFAULT_SPAN_SECONDS: i64 = 21 * 86_400;

/// What a simulator is started with.
///
/// [`SimConfig::new`] gives a gateway that keeps every documented rule, has no call limit, no edits and no faults.
#[derive(Clone)]
#[non_exhaustive]
pub struct SimConfig {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Who may call. Accounts of one `sid` see the same rows, other ones see rows of their own.
    pub accounts: Vec<Account>,
    /// Decides rows, edits and faults.
    pub seed: u64,
    /// Rows by dataset.
    pub rows: BTreeMap<String, u32>,
    /// First and last second of the rows' cursors; the 21 days before now if not set.
    pub span: Option<Window>,
    /// Rows changed in one and the same second in the middle of the span, as a bulk update does.
    pub bulk_second: u32,
    /// Rows whose first quantity is `"abc"`, which no reader can type.
    pub refused_rows: u32,
    /// Calls allowed in any 60 seconds to a sid and app key over all methods; 0 is no limit.
    pub calls_per_minute: u32,
    /// How long every call is refused after a breach of the limit, in seconds.
    pub cool_down_seconds: i64,
    /// Probability (0 to 1) that rows are edited after a page was answered.
    pub edits_per_page: f64,
    /// The order of rows in a window.
    pub order: PageOrder,
    /// Whether a window's last second belongs to it.
    pub end: WindowEnd,
    /// How answers are written.
    pub forms: Forms,
    /// What goes wrong, and when.
    pub faults: FaultPlan,
    /// The platform's clock.
    pub clock: Clock,
}

impl SimConfig {
    /// A gateway with one account, [`Account::example`], and documented behaviour.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            port: 0,
            accounts: vec![Account::example()],
            seed: 0,
            rows: BTreeMap::new(),
            span: None,
            bulk_second: 0,
            refused_rows: 0,
            calls_per_minute: 0,
            cool_down_seconds: 0,
            edits_per_page: 0.0,
            order: PageOrder::Strict,
            end: WindowEnd::Closed,
            forms: Forms::default(),
            faults: FaultPlan::None,
            clock,
        }
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

/// Credentials of one caller.
#[derive(Debug, Clone)]
pub struct Account {
    /// The merchant's account at the ERP.
    pub sid: String,
    /// The application's account.
    pub app_key: String,
    /// What the application signs with.
    pub secret: Secret,
}

impl Account {
    /// Credentials of one caller.
    #[must_use]
    pub fn new(sid: &str, app_key: &str, secret: &str) -> Self {
        Self { sid: sid.to_owned(), app_key: app_key.to_owned(), secret: Secret::new(secret) }
    }

    /// The account a simulator has when none is named; invented.
    #[must_use]
    pub fn example() -> Self {
        Self::new("apidevnew2", "apidevnew2-test", "sim-secret-0123456789")
    }
}

/// The order of rows in a window; the documents name none.
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

/// Whether a window's last second belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowEnd {
    /// It does, as documented.
    Closed,
    /// It does not.
    Open,
}
