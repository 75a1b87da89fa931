//! What can end a command, and one table that says for each kind: exit code, whether to run again, what to try.

use wdt_fetch::{ErrorKind, FetchError};
use wdt_models::Gateway;
use wdt_models::error::{PlatformError, entry};

use crate::config::{ConfigError, UnknownName};
use crate::environment::EnvFileError;
use wdt_warehouse::WarehouseError;

/// What ended a command, or one account and dataset of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EtlError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The file of `--env-file` cannot be used.
    #[error(transparent)]
    EnvFile(#[from] EnvFileError),
    /// The command line names an account or a dataset that is not configured.
    #[error(transparent)]
    UnknownName(#[from] UnknownName),
    /// The command line asks for something that does not exist.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to write instead, where it can be said.
        hint: Option<String>,
    },
    /// A call failed for good.
    #[error("{error}")]
    Fetch {
        /// Which call, and why. Boxed: it is large, and most results carry none.
        error: Box<FetchError>,
        /// What fixes it, by the gateway's error table.
        hint: Option<&'static str>,
    },
    /// The platform takes such a call in certain hours only, and these are others.
    #[error("{dataset}: the platform accepts a full read from {hours} in China only; it is {now} there")]
    Closed {
        /// Name of the dataset.
        dataset: String,
        /// The hours, Asia/Shanghai.
        hours: String,
        /// Asia/Shanghai wall time.
        now: String,
        /// When it may be called, Asia/Shanghai wall time.
        opens: String,
    },
    /// A window or a slice that could not be read whole.
    #[error("{what} of {dataset} could not be certified: {reason}")]
    Uncertified {
        /// Name of the dataset.
        dataset: String,
        /// Which: both ends as Asia/Shanghai wall time, or the slice.
        what: String,
        /// Why it was not.
        reason: String,
        /// What to try, where it is more than for all such failures.
        hint: Option<String>,
    },
    /// More records were refused than `quarantine_limit` allows.
    #[error("{refused} of {read} records of {dataset} were refused, more than the limit of {limit_percent}%")]
    Quarantine {
        /// Name of the dataset.
        dataset: String,
        /// Records that could not be typed.
        refused: u64,
        /// Records read.
        read: u64,
        /// The limit in percent.
        limit_percent: f64,
    },
    /// More rows vanished than may be marked as deleted.
    #[error(
        "{vanished} of {standing} rows of {dataset} were not found on the platform, more than the {most} that may be marked as deleted; none was marked"
    )]
    Vanished {
        /// Name of the dataset.
        dataset: String,
        /// Rows that no phase found.
        vanished: u64,
        /// Rows of the account that are not marked.
        standing: u64,
        /// Most rows that may be marked.
        most: u64,
    },
    /// The warehouse that is to be read does not exist, or a part of it.
    #[error("{what}")]
    Absent {
        /// What is missing, and where.
        what: String,
        /// What to do.
        hint: String,
    },
    /// A cassette that cannot be written or read, or that a replay differs from.
    #[error("{message}")]
    Cassette {
        /// What is wrong, and where.
        message: String,
        /// What to do, where it is more than for all of them.
        hint: Option<String>,
    },
    /// The warehouse refused.
    #[error(transparent)]
    Warehouse(#[from] WarehouseError),
    /// A dataset is older than a gate allows.
    #[error("{account}/{dataset} is older than {max_age_seconds} s; complete until: {complete_until}")]
    Stale {
        /// Name of the account.
        account: String,
        /// Name of the dataset.
        dataset: String,
        /// Watermark as Asia/Shanghai wall time, or `never`.
        complete_until: String,
        /// The gate.
        max_age_seconds: i64,
    },
    /// Standard output or a file of the command cannot be written.
    #[error("cannot write {what}: {source}")]
    Output {
        /// What was to be written.
        what: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The reader of standard output is gone, as with `head`; this is not a failure.
    #[error("nobody reads the output any more")]
    ReaderGone,
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    Interrupted,
    /// A state that the program itself rules out.
    #[error("a bug in wdt-etl: {0}")]
    Bug(String),
}

impl From<FetchError> for EtlError {
    fn from(error: FetchError) -> Self {
        Self::Fetch { error: Box::new(error), hint: None }
    }
}

impl EtlError {
    /// A call to that gateway failed for good; the platform's own refusals bring the hint of the gateway's error table.
    pub(crate) fn of_call(gateway: Gateway, error: FetchError) -> Self {
        let hint = error.platform_error().and_then(|refusal| entry(gateway, refusal)).map(|entry| entry.hint);
        Self::Fetch { error: Box::new(error), hint }
    }

    /// The kind of failure, which decides everything else.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Config(_) | Self::EnvFile(_) => Failure::Configuration,
            Self::UnknownName(_) | Self::Usage { .. } | Self::Output { .. } | Self::ReaderGone => Failure::Usage,
            Self::Fetch { error, .. } => Failure::of_call(error.kind()),
            Self::Closed { .. } => Failure::Unavailable,
            Self::Uncertified { .. } => Failure::Uncertified,
            Self::Stale { .. } => Failure::Stale,
            Self::Quarantine { .. } => Failure::Quarantine,
            Self::Vanished { .. } => Failure::Vanished,
            Self::Cassette { .. } => Failure::Cassette,
            Self::Warehouse(_) | Self::Absent { .. } => Failure::Warehouse,
            Self::Interrupted => Failure::Interrupted,
            Self::Bug(_) => Failure::Bug,
        }
    }

    /// The exit code of the command that ends with it.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.failure().policy().exit_code
    }

    /// What to try: the error's own words, or those of the table.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Closed { opens, .. } => Some(format!(
                "run the same command at {opens}; `wdt-etl backfill --from … --to …` reads the rows in windows at any time"
            )),
            // Each fault is printed with a hint of its own.
            Self::Config(_) => None,
            Self::UnknownName(error) => Some(error.hint.clone()),
            Self::Absent { hint, .. }
            | Self::Usage { hint: Some(hint), .. }
            | Self::Cassette { hint: Some(hint), .. }
            | Self::Uncertified { hint: Some(hint), .. } => Some(hint.clone()),
            Self::EnvFile(_) => {
                Some("copy .env.example to .env and fill it in; `wdt-etl init` writes the example".to_owned())
            }
            Self::Warehouse(error) => Some(warehouse_hint(error).to_owned()),
            Self::Fetch { error, hint: Some(hint) } => Some(match error.platform_error() {
                Some(PlatformError { code, sub_code, .. }) => {
                    let code = if sub_code.is_empty() { code } else { sub_code };
                    format!("{hint}; `wdt-etl explain {code}` has the details")
                }
                None => (*hint).to_owned(),
            }),
            _ => self.failure().policy().hint.map(str::to_owned),
        }
    }

    /// `error: …` and, below it, `hint: …`; no newline at the end.
    #[must_use]
    pub fn report(&self) -> String {
        let hint = self.hint().map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        format!("error: {self}{hint}")
    }
}

fn warehouse_hint(error: &WarehouseError) -> &'static str {
    match error {
        WarehouseError::Schema { .. } => {
            "nothing was written; move the table's folder away, or set another folder in warehouse.url"
        }
        WarehouseError::OtherFormat { .. } => {
            "nothing was written; set warehouse.format to that format, or set another folder in warehouse.url"
        }
        WarehouseError::OtherLog { .. } => {
            "a history and its tables belong together: restore the history, or move the named table away so that it is built again"
        }
        WarehouseError::LostCommit { .. } => "restore the log's files from a copy; wdt-etl never deletes them",
        WarehouseError::LaterFormat { .. } => "use the version of wdt-etl that wrote it, or a later one",
        WarehouseError::Conflict { .. } => "run again when no other run writes to this warehouse",
        _ => "`wdt-etl check` tests whether the warehouse can be written",
    }
}

/// A kind of failure: a row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// A state that the program itself rules out.
    Bug,
    /// The command line.
    Usage,
    /// The configuration, its secrets, the environment.
    Configuration,
    /// The platform refuses a business parameter.
    Parameter,
    /// The platform refuses account, key or signature.
    Credential,
    /// This machine's clock is too far from the platform's.
    Clock,
    /// The platform refuses a right or this machine's address.
    Permission,
    /// The platform limits calls, and waiting did not help.
    Limited,
    /// The platform cannot be reached or does not answer well.
    Unavailable,
    /// A dataset is older than the gate allows.
    Stale,
    /// A window could not be read whole.
    Uncertified,
    /// Too many records were refused.
    Quarantine,
    /// Too many rows vanished.
    Vanished,
    /// A recording cannot be kept, or a replay differs from it.
    Cassette,
    /// The warehouse refuses.
    Warehouse,
    /// Ctrl-C or SIGTERM.
    Interrupted,
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The word for tables and events.
    pub name: &'static str,
    /// Exit code of the command.
    pub exit_code: u8,
    /// The same command, unchanged, may succeed later.
    pub run_again: bool,
    /// What to try.
    pub hint: Option<&'static str>,
}

impl Failure {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Bug,
        Self::Usage,
        Self::Configuration,
        Self::Parameter,
        Self::Credential,
        Self::Clock,
        Self::Permission,
        Self::Limited,
        Self::Unavailable,
        Self::Stale,
        Self::Uncertified,
        Self::Quarantine,
        Self::Vanished,
        Self::Cassette,
        Self::Warehouse,
        Self::Interrupted,
    ];

    /// The table: one line a kind.
    #[must_use]
    #[rustfmt::skip]
    pub const fn policy(self) -> Policy {
        match self {
            Self::Bug => Policy::new("bug", 1, false, Some("please report it with the lines above; no partial result was committed")),
            Self::Usage => Policy::new("usage", 2, false, Some("`wdt-etl help` lists the commands and their options")),
            Self::Configuration => Policy::new("configuration", 2, false, Some("`wdt-etl check --offline` checks the configuration without a call")),
            Self::Parameter => Policy::new("parameter", 2, false, Some("check `params` of the dataset; `wdt-etl schema DATASET` lists the parameters it accepts")),
            Self::Credential => Policy::new("credential", 3, false, Some("compare sid, app_key and the secret with the platform's page; `wdt-etl check` tests them with one call")),
            Self::Clock => Policy::new("clock", 3, false, Some("set this machine's clock from a time server (NTP); the platform refuses every call until then")),
            Self::Permission => Policy::new("permission", 3, false, Some("ask the platform to allow this call and this machine's address for the application")),
            Self::Limited => Policy::new("limited", 4, true, Some("run again later; lower calls_per_minute if other programs use the same application")),
            Self::Unavailable => Policy::new("unavailable", 4, true, Some("run again later: the next run continues where this one stopped; if it keeps failing, check base_url, proxy and the network")),
            Self::Stale => Policy::new("stale", 4, true, Some("run `wdt-etl run`; the table etl_runs shows how the last runs ended")),
            Self::Uncertified => Policy::new("uncertified", 5, true, Some("run again when the ERP is quiet; nothing after this window was landed")),
            Self::Quarantine => Policy::new("quarantine", 5, false, Some("the table etl_quarantine contains the records; raise quarantine_limit if they may be left out")),
            Self::Vanished => Policy::new("vanished", 5, false, Some("check whether the account lost a permission or a shop; if the rows are really gone, `--max-deletes N` or `--max-deletes all` marks them")),
            Self::Cassette => Policy::new("cassette", 5, false, Some("docs/replay.md explains what a cassette contains; record it again if the change is intended")),
            Self::Warehouse => Policy::new("warehouse", 6, false, Some("`wdt-etl check` tests whether the warehouse can be written")),
            Self::Interrupted => Policy::new("interrupted", 130, true, Some("run the same command again; it continues where this one stopped")),
        }
    }

    /// Whether the platform would refuse every other dataset of the account too.
    #[must_use]
    pub const fn stops_account(self) -> bool {
        matches!(self, Self::Credential | Self::Clock)
    }

    /// The failure of a call that was given up.
    fn of_call(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Credential => Self::Credential,
            ErrorKind::Clock => Self::Clock,
            ErrorKind::Permission => Self::Permission,
            ErrorKind::Parameter => Self::Parameter,
            ErrorKind::Limited => Self::Limited,
            ErrorKind::Unavailable => Self::Unavailable,
            ErrorKind::Configuration => Self::Configuration,
            ErrorKind::Cassette => Self::Cassette,
            // A kind that was added to wdt-fetch and not to this table.
            _ => Self::Bug,
        }
    }
}

impl Policy {
    const fn new(name: &'static str, exit_code: u8, run_again: bool, hint: Option<&'static str>) -> Self {
        Self { name, exit_code, run_again, hint }
    }
}

/// Exit codes from the gravest to the mildest; an interrupted run says so whatever else happened.
const GRAVEST_FIRST: &[u8] = &[130, 1, 6, 5, 3, 2, 4];

/// The gravest of the exit codes; 0 when there is none.
pub fn gravest(codes: impl IntoIterator<Item = u8>) -> u8 {
    // A code that no table knows is a bug, the gravest but one.
    let rank = |code: &u8| match code {
        0 => GRAVEST_FIRST.len(),
        _ => GRAVEST_FIRST.iter().position(|known| known == code).unwrap_or(1),
    };
    codes.into_iter().min_by_key(rank).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gravest_code_is_chosen_in_the_documented_order() {
        assert_eq!(gravest([]), 0);
        assert_eq!(gravest([0, 4, 0]), 4);
        let order = [4, 2, 3, 5, 6, 1, 130];
        for pair in order.windows(2) {
            assert_eq!(gravest([pair[0], pair[1], 0]), pair[1], "{pair:?}");
        }
    }

    #[test]
    fn every_failure_ends_with_a_documented_code_and_a_name_of_its_own() {
        let mut names: Vec<_> = Failure::ALL.iter().map(|failure| failure.policy().name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Failure::ALL.len());
        assert!(Failure::ALL.iter().all(|failure| GRAVEST_FIRST.contains(&failure.policy().exit_code)));
        assert!(Failure::ALL.iter().all(|failure| failure.policy().hint.is_some()));
    }

    #[test]
    fn an_error_is_reported_with_its_hint_below() {
        let error = EtlError::Usage {
            message: "account `mian` is not configured".to_owned(),
            hint: Some("did you mean `main`?".to_owned()),
        };
        assert_eq!(error.report(), "error: account `mian` is not configured\nhint: did you mean `main`?");
        assert_eq!(error.exit_code(), 2);
    }
}
