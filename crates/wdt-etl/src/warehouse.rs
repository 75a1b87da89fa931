//! Where tables are kept, and how tables in memory go wrong on purpose.

pub use crate::table::{Fate, Operation, Step, Warehouse};
