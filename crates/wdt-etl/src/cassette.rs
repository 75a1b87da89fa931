//! Recorded runs: a folder that holds what a run asked, what it was answered, and what it decided by clock and warehouse.
//!
//! A [`Recording`] is written while the run goes on; a [`Replay`] takes the place of platform, clock and earlier nights,
//! so that the same run comes about again. The format is in docs/replay.md and docs/cassette.schema.json.

mod decision;
mod folder;
mod json;
mod recording;
mod refusal;
mod replay;
mod scramble;
mod secrets;
mod settings;

pub use folder::{Header, RecordedOrder, RecordedOutcome, RecordedPart};
pub use recording::Recording;
pub use replay::Replay;
pub use scramble::Scramble;
pub use settings::Hidden;
