//! The configuration as the rest of the program reads it: checked, with defaults filled in.

use std::fmt;
use std::path::PathBuf;

use wdt_fetch::{Credentials, Params};
use wdt_models::time::Seconds;
use wdt_models::{Endpoint, Gateway, Method, Slice};
use wdt_sign::Secret;
use wdt_warehouse::Format;

/// The whole configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it was read from, absolute.
    pub path: PathBuf,
    /// The file's text.
    pub(crate) text: String,
    /// Where tables land.
    pub warehouse: Warehouse,
    /// How a run behaves.
    pub run: RunSettings,
    /// The accounts in the file's order, names unique, at least one.
    pub accounts: Vec<Account>,
}

/// Where tables land.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warehouse {
    /// Absolute path of a folder; it need not exist yet.
    pub url: String,
    /// How tables are kept there.
    pub format: Format,
}

/// How a run behaves.
#[derive(Debug, Clone, PartialEq)]
pub struct RunSettings {
    /// The newest window ends this many seconds before the platform's clock.
    pub settle_seconds: i64,
    /// A run begins this many seconds behind the watermark.
    pub lookback_seconds: i64,
    /// First guess of a window's length in seconds.
    pub window_seconds: i64,
    /// Pages in flight per account; `None` leaves it to the run.
    pub concurrency: Option<usize>,
    /// Share of refused records, 0 to 1, beyond which a dataset's run fails.
    pub quarantine_limit: f64,
}

/// One merchant's credentials on one gateway, and what is pulled with them.
#[derive(Debug, Clone)]
pub struct Account {
    /// Value of the column `account`.
    pub name: String,
    /// The business behind the account; its name by default.
    pub merchant: String,
    /// The platform's dialect.
    pub gateway: Gateway,
    /// Production or sandbox.
    pub environment: Stage,
    /// Address of the gateway, without a trailing slash.
    pub base_url: String,
    /// The application's public key.
    pub app_key: String,
    /// What the account proves itself with.
    pub credentials: Credentials,
    /// Calls a minute; 0 means no limit. The same for all accounts that share gateway and `app_key`.
    pub calls_per_minute: u32,
    /// Address of an HTTP proxy, hidden because it may contain a password.
    pub proxy: Option<Secret>,
    /// What is pulled, in the file's order, at least one, each dataset once.
    pub datasets: Vec<Dataset>,
}

/// Which of the platform's two installations an account lives on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stage {
    /// The real one.
    #[default]
    Production,
    /// The platform's test installation.
    Sandbox,
}

/// One dataset of an account.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// What is called and how its records are typed.
    pub endpoint: &'static Endpoint,
    /// The call that is made.
    pub method: &'static Method,
    /// Rows modified before this instant are never asked for; of no meaning for a snapshot.
    pub start: Seconds,
    /// Records a page; of a list of ids, how many one call takes.
    pub page_size: u32,
    /// Business parameters sent with every call.
    pub params: Params,
    /// Fields about persons are landed.
    pub personal: bool,
    /// The slices of a snapshot, at least one; none for a dataset that is read by windows or by ids.
    pub slices: Vec<Slice>,
    /// Which ids are asked for; of no meaning for a dataset that is read by windows or slices.
    pub ids: Ids,
}

/// Which ids a dataset asks for that is read by ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Ids {
    /// Those that the dataset of the endpoint's description has landed for the account.
    #[default]
    Landed,
    /// These.
    Listed(Vec<i64>),
}

impl Default for RunSettings {
    fn default() -> Self {
        Self {
            settle_seconds: 300,
            lookback_seconds: 600,
            window_seconds: 86_400,
            concurrency: None,
            quarantine_limit: 0.01,
        }
    }
}

impl Stage {
    /// Both, in the order the documentation lists them.
    pub const ALL: &'static [Self] = &[Self::Production, Self::Sandbox];

    /// The name used in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Sandbox => "sandbox",
        }
    }

    /// The gateway's address on this installation, without a trailing slash.
    #[must_use]
    pub const fn url(self, gateway: Gateway) -> &'static str {
        match self {
            Self::Production => gateway.production_url(),
            Self::Sandbox => gateway.sandbox_url(),
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
