//! What the file is read with: its folder, the environment, and the time.

use std::path::Path;

use crate::environment::Variables;
use wdt_models::time::Seconds;

/// What the values of the file are read with.
pub(super) struct Context<'a> {
    /// The file's folder, absolute.
    pub(super) folder: &'a Path,
    /// The variables of the environment.
    pub(super) variables: &'a Variables,
    /// Whether secrets are read; otherwise stand-ins take their place.
    pub(super) secrets: bool,
    /// Epoch seconds.
    pub(super) now: Seconds,
}
