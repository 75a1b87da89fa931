//! Named places where a test may kill the process; nothing in a release build.
//!
//! A child process of a test arms one place by name (`WDT_ETL_TEST_FAILPOINT`); when it is reached the process aborts as
//! it stands, without unwinding.

use std::sync::OnceLock;

static ARMED: OnceLock<String> = OnceLock::new();

/// After the history's commit, before the projection's.
pub(crate) const LOG_COMMITTED: &str = "log-committed";
/// After data files of the history are written, before their commit.
pub(crate) const LOG_WRITTEN: &str = "log-written";
/// After the data files of a reconcile's marks are written and committed, before the projection's.
pub(crate) const MARKED: &str = "marked";
/// After both commits, before the mirrors.
pub(crate) const PROJECTED: &str = "projected";

/// Arms a place; the first call counts.
pub fn arm(name: &str) {
    ARMED.get_or_init(|| name.to_owned());
}

/// Aborts the process when the place is armed, in a debug build.
pub(crate) fn hit(name: &str) {
    if cfg!(debug_assertions) && ARMED.get().is_some_and(|armed| armed == name) {
        std::process::abort();
    }
}
