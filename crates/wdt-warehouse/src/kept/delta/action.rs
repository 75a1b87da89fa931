//! The actions of a Delta log by which its files are added and taken away, as data that only this way of keeping reads.

use deltalake::kernel::{Add, Remove};

/// A file that is written and waits for its commit.
pub(crate) struct Written(pub(super) Add);

/// What the log needs to take a file away.
#[derive(Debug, Clone)]
pub(crate) struct Listed(pub(super) Remove);

impl Listed {
    /// Value of a partition column in all rows of the file.
    pub(crate) fn partition_value(&self, column: &str) -> Option<&str> {
        self.0.partition_values.as_ref()?.get(column)?.as_deref()
    }
}
