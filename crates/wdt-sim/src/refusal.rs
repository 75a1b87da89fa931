//! What the gateways refuse, with which code and in which order.
//!
//! Much of it is assumed. Each gateway's module says what its documents leave open: `enterprise`, `flagship`, `top`.

/// Enterprise: code of parameters that are missing, malformed or out of range, of an unknown sid and of a wrong
/// signature.
pub const BAD_PARAMETER: i64 = 1;
/// Enterprise: code of a timestamp too far from the platform's clock, and of a full read outside its hours.
pub const APPLICATION_ERROR: i64 = 100;
/// Enterprise: code of a call beyond the limit.
pub const TOO_OFTEN: i64 = 1012;
/// Enterprise: code of an app key the sid does not have.
pub const UNKNOWN_APP_KEY: i64 = 2060;
/// Enterprise: code of a window longer than 30 days.
pub const WINDOW_TOO_WIDE: i64 = 2104;
/// Enterprise: code of a shop that does not exist.
pub const UNKNOWN_SHOP: i64 = 2310;

/// A platform error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) sub_code: String,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code: code.to_string(), sub_code: String::new(), message: message.into() }
    }

    /// The same with a finer code.
    pub(crate) fn sub(mut self, sub_code: impl Into<String>) -> Self {
        self.sub_code = sub_code.into();
        self
    }
}
