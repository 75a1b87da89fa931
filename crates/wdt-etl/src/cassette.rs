//! Recorded runs: a folder that holds what a run asked, what it was answered, and what it decided by clock and warehouse.
//!
//! A [`Recording`] is written while the run goes on; a [`Replay`] takes the place of platform, clock and earlier nights,
//! so that the same run comes about again. The format is in docs/replay.md and docs/cassette.schema.json.

mod decision;
mod folder;
mod json;
mod recording;
mod replay;
mod scramble;
mod secrets;
mod settings;

use std::sync::Arc;

use wdt_fetch::Transport;

use crate::config::Account;
use crate::error::EtlError;

pub(crate) use decision::{Due, What};
pub use folder::{Asked, Header, Outcome, Part};
pub use recording::Recording;
pub use replay::Replay;
pub use scramble::Scramble;
pub use settings::Hidden;

/// What a run is recorded to, or replayed from.
#[derive(Clone)]
pub enum Cassette {
    /// It is recorded.
    Recording(Arc<Recording>),
    /// It is replayed.
    Replay(Arc<Replay>),
}

impl Cassette {
    /// What carries the calls that an account makes for a dataset, in place of what carries them otherwise.
    ///
    /// # Errors
    ///
    /// When there would be no connection.
    pub(crate) fn transport(
        &self,
        account: &Account,
        dataset: &'static str,
        direct: impl FnOnce() -> Result<Arc<dyn Transport>, EtlError>,
    ) -> Result<Arc<dyn Transport>, EtlError> {
        match self {
            Self::Recording(recording) => recording.transport(&account.name, dataset, direct()?),
            Self::Replay(replay) => Ok(replay.transport(&account.name, dataset)),
        }
    }

    /// Whether the run comes from a recording: then nothing of this machine may show in its tables.
    pub(crate) const fn is_replay(&self) -> bool {
        matches!(self, Self::Replay(_))
    }
}

/// An error of a cassette, with the general hint.
fn refused(message: String) -> EtlError {
    EtlError::Cassette { message, hint: None }
}
