//! A data file that is encoded in memory and waits for the commit that gives it its name.

use std::collections::BTreeMap;

use bytes::Bytes;
use twox_hash::XxHash3_64;

use super::added::Added;
use crate::kept::partition::FileColumns;

/// A file that is encoded and waits for its commit, which gives it its name.
pub(crate) struct Encoded {
    pub(super) value: Option<String>,
    pub(super) rows: u64,
    pub(super) bytes: Bytes,
}

impl Encoded {
    /// The file as a commit adds it: its name says the commit's version, its place in it, and what it holds, so that names
    /// sort as the log does.
    pub(super) fn added(&self, columns: &FileColumns, version: u64, place: usize) -> Added {
        let name = format!("{version:020}-{place:05}-{:016x}.parquet", XxHash3_64::oneshot(&self.bytes));
        let partition = columns.partition.iter().map(|column| (column.to_string(), self.value.clone()));
        Added {
            path: columns.path(self.value.as_deref(), &name).to_string(),
            rows: self.rows,
            bytes: self.bytes.len() as u64,
            partition: partition.collect::<BTreeMap<_, _>>(),
        }
    }
}
