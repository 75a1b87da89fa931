//! The warehouse: one log and one projection per dataset, and the mirrors derived from them.

mod application;
pub mod as_of;
pub mod compare;
#[cfg(feature = "test-util")]
pub mod contents;
#[cfg(test)]
mod contract;
mod dataset;
mod error;
pub mod failpoint;
#[cfg(feature = "test-util")]
pub mod faulty;
mod fold;
mod kept;
mod landing;
pub mod mirror;
mod new_rows;
mod parquet_file;
mod projection;
pub mod proof;
mod question;
mod reconcile;
mod record;
mod rows;
pub mod schema;
mod share;
mod slice;
mod upsert;
mod warehouse;

pub use dataset::DatasetTables;
pub use error::WarehouseError;
pub use kept::change::{Change, Commit, DataFile};
pub use kept::memory::step::{Fate, Operation, Step};
pub use kept::reader::Reader;
pub use kept::table::Table;
pub use landing::{Landed, Landing};
pub use new_rows::Reading;
pub use parquet_file::ParquetFile;
pub use projection::{applied_version, folded, same_log};
pub use reconcile::{DeleteLimit, Marks, SeenKeys, Unseen};
pub use record::{
    BackfillProgress, CommitRecord, Counter, Counts, Quarantined, Question, REFUSED_UPSTREAM, ReconcileProgress, Sums,
};
pub use rows::{cell_text, columns_of, conform, micros};
pub use slice::Picture;
pub use warehouse::{Format, Warehouse};
