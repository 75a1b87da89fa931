//! How tables are kept: as Delta, as plain Parquet or in memory, behind one face.
//!
//! `change` is the data that all three share; `table` dispatches over them. `contract.rs` says what all of them must do.

pub(crate) mod change;
pub(crate) mod delta;
pub(crate) mod encoding;
pub(crate) mod filter;
pub(crate) mod memory;
pub(crate) mod parquet;
pub(crate) mod partition;
pub(crate) mod reader;
pub(crate) mod table;
