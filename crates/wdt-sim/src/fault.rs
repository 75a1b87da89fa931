//! What goes wrong on the way, and when.

use std::{collections::VecDeque, fmt, sync::Arc};

use crate::dice::Dice;

/// One thing that goes wrong with one call. The call is checked, logged and counted as if nothing were wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// An HTTP status with a short HTML page, as a proxy sends.
    Status(u16),
    /// Status 200 with an HTML page instead of JSON.
    Html,
    /// Status 200 with the first half of the JSON, complete as far as HTTP is concerned.
    CutJson,
    /// The connection ends in the middle of the answer.
    BrokenTransfer,
    /// Status 200 with a platform error, in the gateway's own envelope.
    Platform {
        /// The platform's code. On top a whole number goes into an `error_response`; any other text, the empty one too,
        /// is the `wl_error_code` of an answer whose `wl_success` is false.
        code: String,
        /// The finer code beside it; empty means without one, as always on enterprise.
        sub_code: String,
        /// The platform's message; on top the `sub_msg` where there is a `sub_code`.
        message: String,
    },
    /// An answer without the total that counts.
    NoTotal,
    /// An answer with the total that counts off by this much, never below 0.
    LyingTotal(i64),
    /// An answer whose total is written as text, whatever the gateway's form is.
    TextTotal,
    /// Status 302 to another address.
    Redirect(String),
    /// An answer that comes byte by byte, with so many milliseconds between them.
    SlowBody(u64),
    /// An answer that begins well and never ends.
    EndlessBody,
    /// A header `Content-Length` that is off by this much, never below 0.
    WrongLength(i64),
    /// A small compressed answer that unpacks to more than anybody asked for.
    GzipBomb,
    /// The connection ends before a byte of the answer, though the call was made and counted.
    LostAnswer,
    /// A page other than the first with the records of the page before it.
    RepeatedPage,
    /// A page whose last record is its first one once more.
    DuplicateKey,
}

impl Fault {
    /// A platform error of a code and a message.
    #[must_use]
    pub fn platform(code: &str, message: &str) -> Self {
        Self::Platform { code: code.to_owned(), sub_code: String::new(), message: message.to_owned() }
    }
}

/// When things go wrong.
///
/// Calls are numbered from 1 in the order they arrive, and what is drawn for a number is always the same. A client with
/// several calls in flight meets a fault on another page from run to run.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum FaultPlan {
    /// Never.
    #[default]
    None,
    /// One of `kinds` with the probability `rate` (0 to 1) for each call, drawn from the simulator's seed.
    Rate {
        /// Probability for each call.
        rate: f64,
        /// What may happen, all equally likely.
        kinds: Vec<Fault>,
    },
    /// What the function says for the number of the call.
    Script(Arc<dyn Fn(u64) -> Option<Fault> + Send + Sync>),
}

impl FaultPlan {
    /// The fault of a call: the oldest injected one, else the planned one.
    pub(crate) fn take(&self, injected: &mut VecDeque<Fault>, number: u64, seed: u64) -> Option<Fault> {
        injected.pop_front().or_else(|| self.planned(number, seed))
    }

    fn planned(&self, number: u64, seed: u64) -> Option<Fault> {
        match self {
            Self::None => None,
            Self::Rate { rate, kinds } => {
                let mut dice = Dice::new(seed, &[0xFA, number]);
                if dice.happens(*rate) { dice.pick(kinds).cloned() } else { None }
            }
            Self::Script(script) => script(number),
        }
    }
}

impl fmt::Debug for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Rate { rate, kinds } => f.debug_struct("Rate").field("rate", rate).field("kinds", kinds).finish(),
            Self::Script(_) => f.write_str("Script(..)"),
        }
    }
}
