//! Proof: what the commits of a history say, and whether its files, its current table and its mirrors are what they say.
//!
//! Reads alone and changes nothing. It shares no rule with what it proves: it folds the log by itself.

mod counts;
mod cover;
mod files;
mod findings;
mod fold;
mod log;
mod mirrors;
mod window;

pub use cover::Cover;
pub use files::{CurrentFiles, HistoryFiles};
pub use findings::Findings;
pub use fold::{Refold, Refolded};
pub use log::{AccountStatement, Certified, CommitFiles, Statement};
pub use mirrors::{MirrorCheck, mirrors};
pub use window::rows_in_window;
