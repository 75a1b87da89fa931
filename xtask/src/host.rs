//! What xtask takes from the machine: environment, clock and folders. The one file of xtask that may.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::failure::{Failure, Outcome};

/// A moment from which time is measured.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "how long a step took is for the developer's eye only")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// An environment variable; an empty one counts as absent.
#[expect(clippy::disallowed_methods, reason = "the one place of xtask that reads the environment")]
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Names of the variables that `cargo run` sets for xtask and that a nested cargo must not inherit.
///
/// Build scripts watch some of them (those of ring do), and would run again whenever cargo is called with and without xtask in turn.
#[expect(clippy::disallowed_methods, reason = "the one place of xtask that reads the environment")]
pub(crate) fn variables_of_cargo_run() -> Vec<OsString> {
    std::env::vars_os().map(|(name, _)| name).filter(|name| set_by_cargo_run(&name.to_string_lossy())).collect()
}

/// The workspace's folder: where cargo runs xtask from, not where it was built, since checkouts may share a target folder.
pub(crate) fn root() -> Outcome<PathBuf> {
    let manifest = variable("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let root = manifest.as_deref().and_then(Path::parent).map(Path::to_owned);
    root.ok_or_else(|| Failure::new("CARGO_MANIFEST_DIR is not set").hint("run it as `cargo xtask`"))
}

/// What outlives a checkout: tools and the Python of the external readers. `.ci/run` keeps its target folder there too.
pub(crate) fn cache() -> Outcome<PathBuf> {
    if let Some(folder) = variable("WDT_ETL_CI_CACHE") {
        return Ok(PathBuf::from(folder));
    }
    let home = variable("HOME").or_else(|| variable("USERPROFILE"));
    let home = home.ok_or_else(|| Failure::new("no home folder for the cache").hint("set WDT_ETL_CI_CACHE"))?;
    Ok(PathBuf::from(home).join(".cache").join("wdt-etl"))
}

fn set_by_cargo_run(name: &str) -> bool {
    name == "CARGO_CRATE_NAME"
        || ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::set_by_cargo_run;

    #[test]
    fn only_what_describes_xtask_is_withheld() {
        assert!(set_by_cargo_run("CARGO_MANIFEST_DIR"));
        assert!(set_by_cargo_run("CARGO_PKG_VERSION"));
        for kept in ["CARGO_TARGET_DIR", "CARGO_HOME", "CARGO", "CARGO_TERM_COLOR", "RUSTFLAGS"] {
            assert!(!set_by_cargo_run(kept), "{kept}");
        }
    }
}
