//! What carries a signed request to the platform and an answer back: a socket, or anything in place of one.

use std::error::Error;
use std::sync::Arc;

use chrono::DateTime;
use futures::future::BoxFuture;
use wdt_models::Endpoint;
use wdt_models::time::{Millis, Seconds};

use crate::error::Cause;
use crate::wire::{PageRequest, SignedRequest, WireError, signed};
use crate::{Clock, Credentials};

/// Carries one request and its answer; it neither retries nor judges.
pub trait Transport: Send + Sync {
    /// Sends the request and gives the whole answer, whatever its status, or says why there is none. The clock gives
    /// [`RawAnswer::sent_at`] and [`RawAnswer::came_at`].
    fn exchange<'a>(
        &'a self,
        outgoing: Outgoing<'a>,
        clock: &'a dyn Clock,
    ) -> BoxFuture<'a, Result<RawAnswer, NoAnswer>>;
}

/// A request on its way, and what it was made of: a recording makes it again with other credentials, a replay with
/// another time.
#[derive(Debug, Clone)]
pub struct Outgoing<'a> {
    /// As it goes over the wire.
    pub request: SignedRequest,
    /// What is called.
    pub endpoint: &'a Endpoint,
    /// Address of the gateway.
    pub base_url: &'a str,
    /// What signed it.
    pub credentials: &'a Credentials,
    /// The page asked for.
    pub page: &'a PageRequest,
    /// The second it is signed for.
    pub signed_at: Seconds,
}

impl Outgoing<'_> {
    /// The same page asked for with these credentials at that second.
    ///
    /// # Errors
    ///
    /// [`WireError`] when the parameters cannot be signed.
    pub fn again(&self, credentials: &Credentials, signed_at: Seconds) -> Result<SignedRequest, WireError> {
        signed(self.endpoint, self.base_url, credentials, self.page, signed_at)
    }
}

/// An answer as it came, unpacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The header `Date`.
    pub date: Option<String>,
    /// The header `Location`, of a redirect.
    pub location: Option<String>,
    /// The body; may be left out when the status is not 2xx.
    pub body: Vec<u8>,
    /// Local time at which the request was sent.
    pub sent_at: Millis,
    /// Local time at which the head of the answer came.
    pub came_at: Millis,
}

/// Why there is no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NoAnswer {
    /// No whole answer came: another attempt may help.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// A recording cannot keep the call, or a replay has another one in its place.
    #[error("{reason}")]
    Cassette {
        /// What is in the way, or what differs.
        reason: String,
        /// The error behind it, if there is one.
        source: Option<Cause>,
    },
}

/// Why no whole answer came, for people; contains no address, which may contain half a secret.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason}")]
pub struct Broken {
    /// What went wrong, in one line.
    pub reason: String,
    /// The error behind it, if there is one; without the address, too.
    pub source: Option<Cause>,
}

impl Broken {
    /// A break that no other error caused.
    #[must_use]
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), source: None }
    }

    /// A break that an error caused.
    #[must_use]
    pub fn by(reason: impl Into<String>, source: impl Error + Send + Sync + 'static) -> Self {
        Self { reason: reason.into(), source: Some(Arc::new(source)) }
    }
}

impl NoAnswer {
    /// A call that a recording or a replay refuses, though nothing failed.
    pub(crate) fn refused(reason: impl Into<String>) -> Self {
        Self::Cassette { reason: reason.into(), source: None }
    }
}

/// How far the platform's clock is ahead of the local one, as far as one answer shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Skew {
    /// The `Date` header less the time the answer came: a lower bound, milliseconds.
    pub(crate) least_ms: i64,
    /// What is left when the answer may have been made anywhere between its two ends, milliseconds: 0 of a slow answer from a
    /// platform with the same clock, and of a local clock that was set during the call.
    pub(crate) certain_ms: i64,
}

impl RawAnswer {
    /// The clock's difference by the header `Date`.
    pub(crate) fn skew(&self) -> Option<Skew> {
        let date = Millis(DateTime::parse_from_rfc2822(self.date.as_deref()?).ok()?.timestamp_millis());
        let (least_ms, most_ms) = (date - self.came_at, date - self.sent_at);
        Some(Skew { least_ms, certain_ms: 0_i64.clamp(least_ms.min(most_ms), least_ms.max(most_ms)) })
    }
}
