//! The warehouse: one log and one projection per dataset, and the mirrors derived from them.

pub(crate) mod dataset;
mod delta;
mod error;
mod files;
mod filter;
pub(crate) mod log;
pub(crate) mod mirror;
mod projection;
mod question;
pub(crate) mod schema;
pub(crate) mod snapshot;
mod upsert;

pub(crate) use dataset::{CommitRecord, DatasetTables, Landed, Landing, Quarantined, Sums};
#[cfg(test)]
pub(crate) use delta::Change;
pub(crate) use delta::Table;
pub use error::WarehouseError;
pub(crate) use files::{Reader, conform};
pub(crate) use log::Reading;
pub(crate) use question::{Progress, Question};
pub(crate) use snapshot::Picture;
