//! A secret that cannot be printed by accident.

use std::fmt;

/// A secret text: no `Display`, and `Debug` prints a mask.
///
/// ```
/// assert_eq!(format!("{:?}", wdt_sign::Secret::new("12345")), "Secret(***)");
/// ```
/// ```compile_fail
/// assert_eq!(format!("{}", wdt_sign::Secret::new("12345")), "12345"); // no Display
/// ```
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a text out of sight.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}
