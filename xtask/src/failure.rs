//! Why a task failed, as one text for the developer.

use std::fmt;

/// What went wrong, and a hint where there is one.
#[derive(Debug)]
pub(crate) struct Failure(String);

/// What a task gives back.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The failure with a line that says what to try.
    pub(crate) fn hint(self, hint: &str) -> Self {
        Self(format!("{}\nhint: {hint}", self.0))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
