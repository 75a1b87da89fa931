//! What a commit does to a table, and what a log says of its commits and files: data, however the table is kept.

use std::sync::Arc;

use object_store::path::Path;
use serde_json::Value;

use super::delta::action::{Listed, Written};
use super::memory::stored::StoredFile;
use super::parquet::added::Added;
use super::parquet::encoded::Encoded;
use super::partition::PartitionValues;

/// A data file of the loaded version.
#[derive(Debug, Clone)]
pub struct DataFile {
    /// Path below the table.
    pub path: Path,
    /// Bytes.
    pub size: u64,
    /// Rows, where the log knows them.
    pub rows: usize,
    /// What a commit that takes it away needs.
    pub(crate) listed: ListedFile,
}

/// A data file as its log has it.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a box for each file of each list would slow down the variant in use")]
pub(crate) enum ListedFile {
    Delta(Listed),
    Memory(Arc<StoredFile>),
    Parquet(Arc<Added>),
}

/// What one commit does to a table.
#[derive(Default)]
pub struct Change {
    /// Files written by [`Table::writer`](crate::Table::writer).
    pub adds: Vec<WrittenFile>,
    /// Files whose rows were written again or are gone.
    pub removes: Vec<DataFile>,
    /// Application id and version.
    pub transaction: Option<(String, i64)>,
    /// Another one that is repeated as it stands, so that a rival who moves it meanwhile is a conflict.
    pub holds: Option<(String, i64)>,
    /// This project's part of the commit's metadata.
    pub metadata: Option<Value>,
}

/// A file that is written and waits for its commit.
pub struct WrittenFile {
    /// What its commit needs.
    pub(crate) added: AddedFile,
}

/// A data file as its log will have it.
#[expect(clippy::large_enum_variant, reason = "a commit writes few files")]
pub(crate) enum AddedFile {
    Delta(Written),
    Memory(Arc<StoredFile>),
    Parquet(Encoded),
}

/// One commit of a log as it is read back.
#[derive(Default)]
pub struct Commit {
    /// Files with new rows, in the order of the commit.
    pub files: Vec<(Path, u64)>,
    /// Values of the partition column in each of those files.
    pub partitions: Vec<PartitionValues>,
    /// Rows of those files; `None` when the log does not say it of every one.
    pub rows: Option<u64>,
    /// Files whose rows the commit takes away.
    pub removed: usize,
    /// Application ids with their versions.
    pub transactions: Vec<(String, i64)>,
    /// This project's part of the commit's metadata.
    pub metadata: Option<Value>,
}

impl DataFile {
    /// Value of a partition column in all rows of the file.
    #[must_use]
    pub fn partition_value(&self, column: &str) -> Option<&str> {
        match &self.listed {
            ListedFile::Delta(listed) => listed.partition_value(column),
            ListedFile::Memory(file) => file.partition_value(column),
            ListedFile::Parquet(file) => file.partition_value(column),
        }
    }
}
