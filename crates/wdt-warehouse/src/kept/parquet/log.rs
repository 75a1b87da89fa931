//! The log: one manifest for each commit, and what the table is after them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use twox_hash::XxHash3_128;

use super::added::Added;
use super::columns::{self, ManifestColumn};
use crate::error::WarehouseError;
use crate::kept::change::Commit;
use crate::kept::partition::FileColumns;
use crate::schema::TableSpec;

/// Folder of the manifests: readers of Parquet leave out names that begin with `_`.
pub(super) const FOLDER: &str = "_manifest";
/// Layout of [`Manifest`]; a reader refuses another one.
const FORMAT: u32 = 1;

/// One commit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    /// Version of the table that the commit makes.
    pub(super) version: u64,
    /// What the table is; in the manifest that creates it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) table: Option<Description>,
    /// Application ids with their versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    transactions: Vec<Transaction>,
    /// Files with new rows, in the order in which they were written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) add: Vec<Added>,
    /// Paths of files whose rows were written again or are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    remove: Vec<String>,
    /// This project's own metadata.
    #[serde(default, rename = "wdtEtl", skip_serializing_if = "Option::is_none")]
    metadata: Option<Value>,
}

/// What a table is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Description {
    name: String,
    comment: String,
    partition: Option<String>,
    columns: Vec<ManifestColumn>,
}

/// The version that an application is at from a commit on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Transaction {
    id: String,
    version: i64,
}

/// What a commit says beside its files.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    pub(super) transactions: Vec<(String, i64)>,
    /// Files that it takes away.
    pub(super) removes: Vec<Path>,
    pub(super) metadata: Option<Value>,
}

/// The table at one version.
#[derive(Clone)]
pub(super) struct LoadedLog {
    pub(super) version: u64,
    /// In the order they were committed.
    pub(super) files: Vec<Arc<Added>>,
    /// Last version of each application.
    pub(super) transactions: HashMap<String, i64>,
    pub(super) columns: FileColumns,
    /// Stands for the log: for how it begins.
    pub(super) id: String,
}

impl Manifest {
    /// The one that creates a table.
    ///
    /// # Errors
    /// When a column has a type that no manifest can write.
    pub(super) fn creation(spec: &TableSpec) -> Result<Self, WarehouseError> {
        let columns = columns::columns(&spec.schema).map_err(WarehouseError::storage(&spec.name, "create"))?;
        let (name, comment) = (spec.name.clone(), spec.comment.clone());
        let table = Description { name, comment, partition: spec.partition.map(str::to_owned), columns };
        Ok(Self { format: FORMAT, table: Some(table), ..Self::default() })
    }

    /// The one of a commit.
    pub(super) fn new(version: u64, add: Vec<Added>, words: &Words) -> Self {
        let transactions = words.transactions.iter();
        Self {
            format: FORMAT,
            version,
            table: None,
            transactions: transactions.map(|(id, version)| Transaction { id: id.clone(), version: *version }).collect(),
            add,
            remove: words.removes.iter().map(Path::to_string).collect(),
            metadata: words.metadata.clone(),
        }
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`WarehouseError::LaterFormat`] when it cannot be understood.
    pub(super) fn read(table: &str, version: u64, bytes: &Bytes) -> Result<Self, WarehouseError> {
        let manifest: Self =
            serde_json::from_slice(bytes).map_err(|error| WarehouseError::later(table, version, error))?;
        if manifest.format != FORMAT {
            return Err(WarehouseError::later(
                table,
                version,
                format!("its manifest has a format other than {FORMAT}"),
            ));
        }
        if manifest.version != version {
            return Err(WarehouseError::later(
                table,
                version,
                format!("its manifest says version {}", manifest.version),
            ));
        }
        Ok(manifest)
    }

    /// As it is written.
    ///
    /// # Errors
    /// Never for what this module makes.
    pub(super) fn bytes(&self, table: &str) -> Result<Bytes, WarehouseError> {
        let mut text = serde_json::to_vec_pretty(self).map_err(WarehouseError::storage(table, "commit"))?;
        text.push(b'\n');
        Ok(text.into())
    }

    /// Where a version's is below the table.
    pub(super) fn path(version: u64) -> Path {
        Path::from(format!("{FOLDER}/{version:020}.json"))
    }

    /// The commit as a reader of the log sees it.
    pub(super) fn commit(self) -> Commit {
        Commit {
            files: self.add.iter().map(|file| (file.path(), file.bytes)).collect(),
            partitions: self.add.iter().map(Added::partition_values).collect(),
            rows: Some(self.add.iter().map(|file| file.rows).sum()),
            removed: self.remove.len(),
            transactions: self.transactions.into_iter().map(|moved| (moved.id, moved.version)).collect(),
            metadata: self.metadata,
        }
    }
}

impl LoadedLog {
    /// The empty table that a manifest creates.
    ///
    /// # Errors
    /// [`WarehouseError::LaterFormat`] when it describes none.
    pub(super) fn created(table: &str, manifest: &Manifest, bytes: &Bytes) -> Result<Self, WarehouseError> {
        let later = |reason: String| WarehouseError::later(table, 0, reason);
        let Some(description) = &manifest.table else { return Err(later("it describes no table".to_owned())) };
        let all = columns::schema(&description.columns).map_err(later)?;
        Ok(Self {
            version: 0,
            files: Vec::new(),
            transactions: HashMap::new(),
            columns: FileColumns::new(&all, description.partition.as_deref()),
            id: identity(bytes),
        })
    }

    /// Takes in the next commit.
    pub(super) fn follow(&mut self, manifest: Manifest, bytes: &Bytes) {
        self.version = manifest.version;
        if manifest.version == 1 {
            self.id = identity(bytes);
        }
        if !manifest.remove.is_empty() {
            let gone: HashSet<String> = manifest.remove.into_iter().collect();
            self.files.retain(|file| !gone.contains(&file.path));
        }
        self.files.extend(manifest.add.into_iter().map(Arc::new));
        self.transactions.extend(manifest.transactions.into_iter().map(|moved| (moved.id, moved.version)));
    }

    /// Why a commit made from this version cannot follow on a rival's, by the rules of `memory/log.rs`.
    pub(super) fn conflict(&self, words: &Words, rival: &Manifest) -> Option<&'static str> {
        if !rival.remove.is_empty() {
            let gone: HashSet<&str> = rival.remove.iter().map(String::as_str).collect();
            if self.files.iter().any(|file| gone.contains(file.path.as_str())) {
                return Some("a rival has taken away a file of the loaded version");
            }
        }
        let moved = |(id, _): &(String, i64)| rival.transactions.iter().any(|other| other.id == *id);
        words.transactions.iter().any(moved).then_some("a rival has moved the same application")
    }
}

fn identity(manifest: &[u8]) -> String {
    format!("{:032x}", XxHash3_128::oneshot(manifest))
}
