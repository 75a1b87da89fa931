//! The warehouse: one log and one projection per dataset, and the mirrors derived from them.

#[cfg(test)]
mod contract;
pub(crate) mod dataset;
mod delta;
mod error;
pub mod faulty;
mod files;
mod filter;
mod fold;
pub(crate) mod log;
mod memory;
pub(crate) mod mirror;
mod parquet;
mod partition;
mod projection;
mod question;
pub(crate) mod reconcile;
pub(crate) mod schema;
pub(crate) mod snapshot;
mod upsert;
mod versioned;
mod warehouse;

pub(crate) use dataset::{CommitRecord, DatasetTables, Landed, Landing, Quarantined, Sums};
pub use error::WarehouseError;
pub(crate) use files::{Reader, conform};
pub(crate) use fold::folded;
pub(crate) use log::Reading;
pub use memory::{Fate, Operation, Step};
pub(crate) use projection::{applied_version, same_log};
pub(crate) use question::{BackfillProgress, Question};
pub use reconcile::DeleteLimit;
pub(crate) use reconcile::{Marks, ReconcileProgress, SeenKeys, Unseen};
pub(crate) use snapshot::{Picture, cell_text};
pub(crate) use upsert::{columns_of, micros};
#[cfg(test)]
pub(crate) use versioned::Change;
pub(crate) use versioned::{Commit, DataFile, Table};
pub use warehouse::Warehouse;
