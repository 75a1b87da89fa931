//! What carries a signed request to the platform and an answer back: a socket, or anything that stands for one.

use chrono::DateTime;
use futures::future::BoxFuture;
use wdt_models::Endpoint;

use crate::retry::Fault;
use crate::wire::{PageRequest, SignedRequest, WireError, signed};
use crate::{Clock, Credentials};

/// Carries one request and its answer; it neither retries nor judges.
pub trait Transport: Send + Sync {
    /// Sends the request and gives the whole answer, whatever its status, or tells why there is none. The clock tells
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
    pub signed_at: i64,
}

impl Outgoing<'_> {
    /// The same page asked for with these credentials at that second.
    ///
    /// # Errors
    ///
    /// [`WireError`] when the parameters cannot be signed.
    pub fn again(&self, credentials: &Credentials, signed_at: i64) -> Result<SignedRequest, WireError> {
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
    /// Local time at which the request was sent, epoch milliseconds.
    pub sent_at: i64,
    /// Local time at which the head of the answer came, epoch milliseconds.
    pub came_at: i64,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// No whole answer came: another attempt may help.
    Broken(Broken),
    /// A recording cannot keep the call, or a replay has another one in its place.
    Cassette(String),
}

/// Why no whole answer came, for people; holds no address, which may hold half a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken(pub String);

impl From<Broken> for NoAnswer {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

/// How far the platform's clock is ahead of the local one, as far as one answer tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Skew {
    /// The `Date` header less the time the answer came: a lower bound, milliseconds.
    pub(crate) least_ms: i64,
    /// What is left when the call may have stood anywhere between its two ends, milliseconds: 0 of a slow answer from a
    /// platform with the same clock, and of a local clock that was set during the call.
    pub(crate) certain_ms: i64,
}

impl RawAnswer {
    /// The clock's difference by the header `Date`.
    pub(crate) fn skew(&self) -> Option<Skew> {
        let date = DateTime::parse_from_rfc2822(self.date.as_deref()?).ok()?.timestamp_millis();
        let (least_ms, most_ms) = (date - self.came_at, date - self.sent_at);
        Some(Skew { least_ms, certain_ms: 0_i64.clamp(least_ms.min(most_ms), least_ms.max(most_ms)) })
    }

    /// The body of an answer that may be one of the platform's; the request went to that address.
    pub(crate) fn body(self, base_url: &str) -> Result<Vec<u8>, Fault> {
        match self.status {
            200..300 => Ok(self.body),
            429 => Err(Fault::Limited("http status 429 Too Many Requests".to_owned())),
            300..400 => {
                let target =
                    self.location.as_deref().and_then(|target| url::Url::parse(base_url).ok()?.join(target).ok());
                let host = target.as_ref().and_then(url::Url::host_str).unwrap_or("an unknown host");
                Err(Fault::Transport(format!("http status {}: redirect to {host} refused", self.status)))
            }
            status => Err(Fault::Transport(format!("http status {status}"))),
        }
    }
}

impl From<Broken> for Fault {
    fn from(Broken(reason): Broken) -> Self {
        Self::Transport(reason)
    }
}
