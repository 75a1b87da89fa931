//! Why a page or a window could not be read.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use wdt_models::Certificate;
use wdt_models::error::PlatformError;

use crate::wire::{Target, WireError};

/// The error behind an error, shared so that errors can be cloned.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// The call that an error belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Method on the platform.
    pub method: &'static str,
    /// Page, counted as the endpoint counts.
    pub page: u32,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} page {}", self.method, self.page)
    }
}

/// Why a page could not be read.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The platform refuses the account or the signature.
    #[error("{call}: credentials refused: {error}")]
    Credential {
        /// The call.
        call: Call,
        /// The platform's own words.
        #[source]
        error: PlatformError,
    },
    /// This machine's clock is further from the platform's than the platform accepts, or the platform refuses a time that
    /// was set by its own.
    #[error("{call}: clock refused: {reason}")]
    Clock {
        /// The call.
        call: Call,
        /// By how much the clocks differ, or the platform's own words.
        reason: String,
        /// The error behind it, if there is one.
        source: Option<Cause>,
    },
    /// The platform refuses the right or the address, or the subscription has run out.
    #[error("{call}: permission refused: {error}")]
    Permission {
        /// The call.
        call: Call,
        /// The platform's own words.
        #[source]
        error: PlatformError,
    },
    /// The platform refuses a parameter.
    #[error("{call}: parameter refused: {error}")]
    Parameter {
        /// The call.
        call: Call,
        /// The platform's own words.
        #[source]
        error: PlatformError,
    },
    /// The platform refuses the length of the window: a shorter one may be asked for.
    #[error("{call}: window refused: {error}")]
    WindowTooWide {
        /// The call.
        call: Call,
        /// The platform's own words.
        #[source]
        error: PlatformError,
    },
    /// The platform's call limit still holds after all waits.
    #[error("{call}: still limited after {}: {reason}", counted(*attempts))]
    Limited {
        /// The call.
        call: Call,
        /// Requests sent for the page.
        attempts: u32,
        /// The platform's last words, and when to try again if it says so.
        reason: String,
        /// The error behind it, if there is one.
        source: Option<Cause>,
    },
    /// The platform gave no usable answer after all retries.
    #[error("{call}: unavailable after {}: {reason}", counted(*attempts))]
    Unavailable {
        /// The call.
        call: Call,
        /// Requests sent for the page.
        attempts: u32,
        /// What was wrong with the last answer.
        reason: String,
        /// The error behind it, if there is one.
        source: Option<Cause>,
    },
    /// The request cannot be put on the wire; nothing was sent.
    #[error("{call}: {error}")]
    Request {
        /// The call.
        call: Call,
        /// Which parameter, and why.
        #[source]
        error: WireError,
    },
    /// A recording cannot keep the call, or a replay was asked for one that was not recorded so; nothing is tried again.
    #[error("{call}: {reason}")]
    Cassette {
        /// The call.
        call: Call,
        /// What is in the way, or what differs.
        reason: String,
        /// The error behind it, if there is one.
        source: Option<Cause>,
    },
    /// The client cannot be built from its configuration.
    #[error("{reason}")]
    Setup {
        /// Which setting, and why; shows no secret.
        reason: String,
        /// The error behind it, if there is one.
        source: Option<Cause>,
    },
}

/// The kinds of [`FetchError`] that a caller treats differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Account or signature refused.
    Credential,
    /// The clocks of this machine and of the platform are too far apart.
    Clock,
    /// Right or address refused.
    Permission,
    /// Parameter, or a window that cannot be shorter, refused by the platform.
    Parameter,
    /// Limited after all waits.
    Limited,
    /// No usable answer after all retries.
    Unavailable,
    /// Refused here, before any call.
    Configuration,
    /// Refused by a recording or a replay.
    Cassette,
}

impl FetchError {
    /// The kind of the error.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Credential { .. } => ErrorKind::Credential,
            Self::Clock { .. } => ErrorKind::Clock,
            Self::Permission { .. } => ErrorKind::Permission,
            Self::Parameter { .. } | Self::WindowTooWide { .. } => ErrorKind::Parameter,
            Self::Limited { .. } => ErrorKind::Limited,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::Request { .. } | Self::Setup { .. } => ErrorKind::Configuration,
            Self::Cassette { .. } => ErrorKind::Cassette,
        }
    }

    /// Whether the platform would refuse every other call of the account too.
    #[must_use]
    pub const fn refuses_account(&self) -> bool {
        matches!(self.kind(), ErrorKind::Credential | ErrorKind::Clock)
    }

    /// The platform's own words, where it answered with an error that no retry can clear.
    #[must_use]
    pub const fn platform_error(&self) -> Option<&PlatformError> {
        match self {
            Self::Credential { error, .. }
            | Self::Permission { error, .. }
            | Self::Parameter { error, .. }
            | Self::WindowTooWide { error, .. } => Some(error),
            _ => None,
        }
    }
}

fn counted(attempts: u32) -> String {
    format!("{attempts} attempt{}", if attempts == 1 { "" } else { "s" })
}

/// Why a window could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WindowError {
    /// A page could not be read.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// All pages were read and yet nothing proves that nothing is missing.
    #[error("{what} could not be certified: {reason}")]
    Uncertified {
        /// The slice, the ids of one call, or the shortest piece of a window, that failed.
        what: Target,
        /// Why each way failed.
        reason: String,
        /// The numbers of the last way tried.
        certificate: Box<Certificate>,
    },
}
