//! Recorded calls: what was asked and what was answered, kept by a [`Recorder`] and given again by a [`Player`].
//!
//! An [`Exchange`] is one attempt of one call. Its request is not the one that was sent: it is made anew with stand-in
//! credentials for the second of the real one, so that a replay, which has the same stand-ins, must build it byte for byte.
//! Where exchanges are kept is the caller's affair.

mod difference;
mod moment;
mod pairs;
mod player;
mod recorder;

use serde::{Deserialize, Serialize};

pub use moment::{parse_moment, shown_moment};
pub use pairs::Pairs;
pub use player::{Load, Player};
pub use recorder::{Change, Keep, Recorder};

use crate::wire::SignedRequest;
use wdt_models::time::{Millis, Seconds};

/// One attempt of one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Position among the exchanges of the recording, from 1, in the order in which they ended.
    pub number: u64,
    /// Name of the account that called.
    pub account: String,
    /// The dataset it called for.
    pub dataset: String,
    /// Method on the platform.
    pub method: String,
    /// Page, counted as the method counts.
    pub page: u32,
    /// How often this very request was sent so far, this time included.
    pub attempt: u32,
    /// The second it was signed for by the platform's clock as far as it was known; kept as wall time.
    #[serde(with = "moment::second")]
    pub signed_at: Seconds,
    /// Local time at which it was sent; kept as wall time.
    #[serde(with = "moment::millisecond")]
    pub sent_at: Millis,
    /// Local time at which the answer came, the call broke or was given up; kept as wall time.
    #[serde(with = "moment::millisecond")]
    pub came_at: Millis,
    /// What was asked.
    pub request: RecordedRequest,
    /// What was answered; `None` of a call that broke, or that was given up before its answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<RecordedAnswer>,
    /// Why no whole answer came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

/// A request taken apart, signed with stand-ins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedRequest {
    /// Always `POST`.
    pub http_method: String,
    /// Address without its query.
    pub address: String,
    /// Media type of the body.
    pub content_type: String,
    /// Parameters of the address, decoded, in their order.
    #[serde(default, skip_serializing_if = "Pairs::is_empty")]
    pub query: Pairs,
    /// Parameters of a form in the body, decoded, in their order.
    #[serde(default, skip_serializing_if = "Pairs::is_empty")]
    pub form: Pairs,
    /// A body that is no form, as it was sent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// What is signed, without the secret around it.
    pub string_to_sign: String,
}

/// An answer without its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The header `Date`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// The header `Location`, of a redirect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Where the body is kept; `None` of an empty one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl Exchange {
    /// Whether the call was given up before its answer came.
    #[must_use]
    pub const fn is_given_up(&self) -> bool {
        self.answer.is_none() && self.broken.is_none()
    }
}

/// Parameters that differ from attempt to attempt.
const OF_THE_MOMENT: &[&str] = &["timestamp", "sign"];

impl RecordedRequest {
    /// A request taken apart.
    #[must_use]
    pub fn of(request: &SignedRequest) -> Self {
        let (address, query) = request.url.split_once('?').unwrap_or((&request.url, ""));
        let is_form = request.content_type.starts_with("application/x-www-form-urlencoded");
        let (form, body) = if is_form { (request.body.as_str(), "") } else { ("", request.body.as_str()) };
        Self {
            http_method: "POST".to_owned(),
            address: address.to_owned(),
            content_type: request.content_type.to_owned(),
            query: Pairs::decoded(query),
            form: Pairs::decoded(form),
            body: body.to_owned(),
            string_to_sign: request.string_to_sign.clone(),
        }
    }

    /// What two attempts of the same call have in common.
    fn identity(&self) -> (&str, Vec<(&str, &str)>, &str) {
        let all = self.query.iter().chain(self.form.iter());
        let lasting = all.filter(|(name, _)| !OF_THE_MOMENT.contains(name));
        (&self.address, lasting.collect(), &self.body)
    }
}
