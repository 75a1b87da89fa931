//! A data file as a manifest names it.

use std::collections::BTreeMap;

use object_store::path::Path;
use serde::{Deserialize, Serialize};

use crate::kept::partition::PartitionValues;

/// A file with new rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Added {
    /// Below the table.
    pub(super) path: String,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// Value of the partition column, where there is one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) partition: BTreeMap<String, Option<String>>,
}

impl Added {
    /// Value of a partition column in all rows of the file.
    pub(crate) fn partition_value(&self, column: &str) -> Option<&str> {
        self.partition.get(column)?.as_deref()
    }

    /// Where the file is below the table.
    pub(super) fn path(&self) -> Path {
        // encoded when it was made; what somebody else wrote there is taken as well as can be
        Path::parse(&self.path).unwrap_or_else(|_| Path::from(self.path.as_str()))
    }

    pub(super) fn partition_values(&self) -> PartitionValues {
        self.partition.iter().map(|(column, value)| (column.clone(), value.clone())).collect()
    }
}
