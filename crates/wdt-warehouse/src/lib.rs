//! The warehouse: one log and one projection per dataset, and the mirrors derived from them.

#[cfg(feature = "test-util")]
pub mod contents;
#[cfg(test)]
mod contract;
pub mod dataset;
mod delta;
mod error;
pub mod failpoint;
#[cfg(feature = "test-util")]
pub mod faulty;
mod files;
mod filter;
mod fold;
pub mod log;
mod memory;
pub mod mirror;
mod parquet;
mod partition;
mod projection;
mod question;
pub mod reconcile;
pub mod schema;
pub mod snapshot;
mod upsert;
mod versioned;
mod warehouse;

pub use dataset::{CommitRecord, DatasetTables, Landed, Landing, Quarantined, Sums};
pub use error::WarehouseError;
pub use files::{Reader, conform};
pub use fold::folded;
pub use log::Reading;
pub use memory::{Fate, Operation, Step};
pub use projection::{applied_version, same_log};
pub use question::{BackfillProgress, Question};
pub use reconcile::DeleteLimit;
pub use reconcile::{Marks, ReconcileProgress, SeenKeys, Unseen};
pub use snapshot::{Picture, cell_text};
pub use upsert::{columns_of, micros};
pub use versioned::{Change, Commit, DataFile, Table};
pub use warehouse::Warehouse;
