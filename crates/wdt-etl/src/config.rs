//! The configuration: one TOML file, the environment over it, every fault found before any call.
//!
//! `WDT_ETL_RUN__SETTLE` style variables replace keys of `[warehouse]` and `[run]`. Every relative path, wherever it
//! stands, is relative to the file's folder, so that a cron job lands in the same place from any working folder.

mod account;
mod context;
mod credentials;
mod dataset;
mod duration;
mod fault;
mod model;
mod overrides;
mod params;
mod secret_ref;
mod select;
mod sendable;
mod settings;
mod siblings;
mod snapshot;
mod validate;
mod value;

use std::path::Path;

use toml::de::DeTable;

pub(crate) use self::dataset::DEFAULT_START;
pub use self::duration::parse as parse_duration;
pub use self::fault::{ConfigError, Fault};
pub use self::model::{Account, Config, Dataset, Ids, RunSettings, Stage, Warehouse};
pub use self::select::UnknownName;

use self::context::Context;
use self::fault::{Faults, Location};
use self::value::{Keys, Section};
use crate::environment::Variables;
use wdt_models::time::Seconds;

const TOP: Keys<'static> = Keys {
    known: &["warehouse", "run", "accounts"],
    refused: &[("defaults", RESERVED_FOR_MANY), ("include", RESERVED_FOR_MANY)],
};
const ACCOUNTS_HINT: &str = "add an [[accounts]] section; `wdt-etl init` writes an example";
const RESERVED_FOR_MANY: &str = "is reserved for a later version and not read by this one";

impl Config {
    /// Reads the file, its secrets and the variables that override it.
    ///
    /// # Errors
    ///
    /// Every fault that can be found without a call, all at once.
    pub fn load(path: &Path, variables: &Variables, now: Seconds) -> Result<Self, ConfigError> {
        Self::of(path, &source(path)?, variables, true, now)
    }

    /// The same for a command that makes no call: a missing secret is not a fault.
    ///
    /// The credentials and proxies of what it returns are stand-ins, which no call uses.
    ///
    /// # Errors
    ///
    /// Every fault that can be found without a call, all at once.
    pub fn load_without_secrets(path: &Path, variables: &Variables, now: Seconds) -> Result<Self, ConfigError> {
        Self::of(path, &source(path)?, variables, false, now)
    }

    /// What [`Config::load`] gives, for a text in place of the file at `path`.
    ///
    /// # Errors
    ///
    /// Every fault that can be found without a call, all at once.
    pub fn parse(path: &Path, text: &str, variables: &Variables, now: Seconds) -> Result<Self, ConfigError> {
        Self::of(path, text, variables, true, now)
    }

    /// What [`Config::load_without_secrets`] gives, for a text in place of the file at `path`.
    ///
    /// # Errors
    ///
    /// Every fault that can be found without a call, all at once.
    pub fn parse_without_secrets(path: &Path, text: &str, now: Seconds) -> Result<Self, ConfigError> {
        Self::of(path, text, &Variables::default(), false, now)
    }

    fn of(path: &Path, text: &str, variables: &Variables, secrets: bool, now: Seconds) -> Result<Self, ConfigError> {
        let absolute = std::path::absolute(path).map_err(|error| ConfigError::unreadable(path, &error))?;
        let folder = absolute.parent().unwrap_or(&absolute);
        let mut faults = Faults::new(path, text);
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            // Only the message: the error's own text would print the line, which may contain a secret.
            faults.push(&Location::root(error.span().map(|span| span.start)), error.message(), None);
        }
        faults.stop_if_any()?;
        let config = read(root.get_ref(), &Context { folder, variables, secrets, now }, &mut faults);
        faults.stop_if_any()?;
        let (warehouse, run, accounts) = config.ok_or_else(|| ConfigError::incomplete(path))?;
        Ok(Self { path: absolute, text: text.to_owned(), warehouse, run, accounts })
    }
}

fn source(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|error| ConfigError::unreadable(path, &error))
}

/// Everything the file says; `None` only beside a fault.
fn read(
    root: &DeTable<'_>,
    from: &Context<'_>,
    faults: &mut Faults<'_>,
) -> Option<(Warehouse, RunSettings, Vec<Account>)> {
    overrides::check(from.variables, faults);
    let top = Section::new(Location::root(None), root, &TOP, faults);
    let over = overrides::of("warehouse", &settings::WAREHOUSE, from.variables);
    let section = top.section("warehouse", &settings::WAREHOUSE, over, faults);
    let warehouse = settings::warehouse(&section, from.folder, faults);
    let over = overrides::of("run", &settings::RUN, from.variables);
    let run = settings::run(&top.section("run", &settings::RUN, over, faults), faults);
    let accounts = accounts(&top, from, faults);
    Some((warehouse?, run, accounts?))
}

fn accounts(top: &Section<'_>, from: &Context<'_>, faults: &mut Faults<'_>) -> Option<Vec<Account>> {
    let items = top.required("accounts", ACCOUNTS_HINT, faults)?.items("tables", ACCOUNTS_HINT, faults)?;
    let drafts: Vec<_> = items.iter().filter_map(|item| account::read(item, from, faults)).collect();
    validate::accounts(&drafts, faults);
    drafts.into_iter().map(|draft| draft.account).collect()
}
