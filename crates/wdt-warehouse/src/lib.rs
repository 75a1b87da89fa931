//! Lands certified batches as Delta or plain Parquet tables, with their watermark and their proof in the same commit.
//!
//! Each dataset has two tables: a history, which is the log of every change, and a current table, which is its
//! projection. What a commit says of itself is a [`CommitRecord`]: certificates, sums, watermark. The crate knows no
//! platform, no configuration and no clock: times are arguments.
//!
//! ```
//! use wdt_models::decode::{Asked, decode};
//! use wdt_models::endpoints::ENTERPRISE_STOCK;
//! use wdt_models::time::{Millis, Seconds};
//! use wdt_models::{Certificate, Window};
//! use wdt_warehouse::proof::{Refold, Statement};
//! use wdt_warehouse::{CommitRecord, DatasetTables, Landed, Landing, Reading, Warehouse};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let warehouse = Warehouse::memory(); // or Warehouse::delta("/srv/warehouse")?
//! let mut tables = DatasetTables::open_or_create(&warehouse, &ENTERPRISE_STOCK).await?;
//!
//! // a page as the platform sends it, and the evidence that it is the whole window
//! let page = r#"[{"spec_id": 1, "warehouse_id": 2, "stock_num": "5", "modified": "2026-01-01 00:00:30"}]"#;
//! let records: Vec<&serde_json::value::RawValue> = serde_json::from_str(page)?;
//! let batch = decode(&ENTERPRISE_STOCK, &records, &Asked::page(0, false)).batch;
//! let window = Window::new(Seconds(1_767_196_800), Seconds(1_767_196_859));
//! let read_at = Millis(1_767_197_000_000);
//! let certificate = Certificate::single_page(window, 1, read_at);
//!
//! // rows, watermark and certificate land in one commit
//! let record = CommitRecord::run("run-1", "main", &ENTERPRISE_STOCK, vec![certificate]);
//! let landing = Landing { record, readings: vec![Reading { batch, read_at }], picture: None };
//! assert!(matches!(tables.land(landing).await?, Landed::Committed { version: 1, .. }));
//! assert_eq!(tables.watermark("main").await?, Some(window.end));
//!
//! // read it back
//! let rows = tables.sample(&["spec_id", "stock_num"], 10).await?;
//! assert_eq!(rows, [[Some("1".to_owned()), Some("5.0000".to_owned())]]);
//!
//! // prove it: no gap, no count that does not add up, and a current table that is the fold of its log
//! let statement = Statement::read(&tables.history).await?;
//! let main = &statement.accounts["main"];
//! assert!(statement.damage.is_empty() && main.counts.is_empty() && main.cover().gaps.is_empty());
//! let (history, commits) = (&tables.history, &statement.commits);
//! let refold = Refold { endpoint: &ENTERPRISE_STOCK, history, commits, current: Some((&tables.current, 1)) };
//! let found = refold.compare().await?;
//! assert!(found.equal == 1 && found.differing.is_empty());
//! # Ok(())
//! # }
//! ```

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
mod reconcile;
mod record;
mod rows;
pub mod schema;
mod share;
mod slice;
mod turn;
mod upsert;
mod warehouse;

pub use dataset::DatasetTables;
pub use error::{Cause, WarehouseError};
pub use kept::change::{Change, Commit, DataFile, WrittenFile};
#[cfg(feature = "test-util")]
pub use kept::memory::step::{Fate, Operation, Step};
pub use kept::reader::Reader;
pub use kept::table::{FileWriter, Table};
pub use landing::{Landed, Landing};
pub use new_rows::Reading;
pub use parquet_file::ParquetFile;
pub use projection::{applied_version, folded, same_log};
pub use reconcile::{Cursors, DeleteLimit, Marks, SeenKeys, Unseen};
pub use record::{
    BackfillProgress, CommitRecord, Counter, Counts, Quarantined, REFUSED_UPSTREAM, ReconcileProgress, Scope, Sums,
};
pub use rows::{cell_text, columns_of, conform, micros};
pub use slice::Picture;
pub use warehouse::{Format, Warehouse};
