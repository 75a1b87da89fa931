//! The versions of one table, and when a commit may follow on those of rivals.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use object_store::path::Path;
use serde_json::Value;

use super::stored::StoredFile;
use crate::error::WarehouseError;
use crate::kept::change::Commit;
use crate::kept::partition::FileColumns;
use crate::schema::TableSpec;

/// Everything of one table.
pub(super) struct Log {
    /// Another one for every table that is created.
    pub(super) id: String,
    /// The columns.
    pub(super) columns: FileColumns,
    versions: Mutex<Versions>,
}

struct Versions {
    /// The commit of each version, the creation among them.
    commits: Vec<Arc<Committed>>,
    latest: Arc<Loaded>,
    /// Files of all versions: one that was taken away can still be read.
    files: HashMap<Path, Arc<StoredFile>>,
    /// Files that were ever written.
    written: u64,
    /// The table was taken away.
    closed: bool,
}

/// The table at one version.
#[derive(Clone, Default)]
pub(super) struct Loaded {
    pub(super) version: u64,
    /// In the order they were committed.
    pub(super) files: Vec<Arc<StoredFile>>,
    /// Last version of each application.
    pub(super) transactions: HashMap<String, i64>,
}

/// One commit.
#[derive(Default)]
pub(super) struct Committed {
    pub(super) adds: Vec<Arc<StoredFile>>,
    /// Numbers of files.
    pub(super) removes: Vec<u64>,
    pub(super) transactions: Vec<(String, i64)>,
    pub(super) metadata: Option<Value>,
}

impl Log {
    /// An empty table: version 0.
    pub(super) fn new(number: u64, spec: &TableSpec) -> Self {
        let versions = Versions {
            commits: vec![Arc::default()],
            latest: Arc::default(),
            files: HashMap::new(),
            written: 0,
            closed: false,
        };
        Self {
            id: format!("memory-{number}"),
            columns: FileColumns::new(&spec.schema, spec.partition),
            versions: Mutex::new(versions),
        }
    }

    /// The latest version.
    ///
    /// # Errors
    /// When the table was taken away.
    pub(super) fn latest(&self, table: &str) -> Result<Arc<Loaded>, WarehouseError> {
        Ok(Arc::clone(&self.open(table, "refresh")?.latest))
    }

    /// The commit of a version.
    ///
    /// # Errors
    /// When the table was taken away.
    pub(super) fn commit(&self, table: &str, version: u64) -> Result<Option<Arc<Committed>>, WarehouseError> {
        let versions = self.open(table, "read of a commit")?;
        Ok(usize::try_from(version).ok().and_then(|version| versions.commits.get(version)).map(Arc::clone))
    }

    /// A data file of any version.
    ///
    /// # Errors
    /// When the table was taken away.
    pub(super) fn file(&self, table: &str, path: &Path) -> Result<Option<Arc<StoredFile>>, WarehouseError> {
        Ok(self.open(table, "read of a data file")?.files.get(path).map(Arc::clone))
    }

    /// Number of the next file.
    pub(super) fn next_file(&self) -> u64 {
        let mut versions = self.versions();
        versions.written += 1;
        versions.written
    }

    /// Makes a commit from a loaded version the latest one; returns its version.
    ///
    /// # Errors
    /// [`WarehouseError::Conflict`] when a rival's commit since then forbids it.
    pub(super) fn publish(&self, table: &str, from: &Loaded, commit: Committed) -> Result<u64, WarehouseError> {
        let mut versions = self.open(table, "commit")?;
        let rivals = versions.commits.iter().skip(1 + usize::try_from(from.version).unwrap_or(usize::MAX));
        for rival in rivals {
            if let Some(reason) = conflict(from, &commit, rival) {
                return Err(WarehouseError::conflict(table, reason));
            }
        }
        let version = versions.latest.version + 1;
        for file in &commit.adds {
            versions.files.insert(file.path.clone(), Arc::clone(file));
        }
        // copied only when a handle has this version loaded
        let latest = Arc::make_mut(&mut versions.latest);
        latest.version = version;
        if !commit.removes.is_empty() {
            latest.files.retain(|file| !commit.removes.contains(&file.number));
        }
        latest.files.extend(commit.adds.iter().map(Arc::clone));
        latest.transactions.extend(commit.transactions.iter().cloned());
        versions.commits.push(Arc::new(commit));
        Ok(version)
    }

    /// Ends the table: whoever has it open can do nothing more with it.
    #[cfg(feature = "test-util")]
    pub(super) fn close(&self) {
        self.versions().closed = true;
    }

    fn open(&self, table: &str, action: &'static str) -> Result<MutexGuard<'_, Versions>, WarehouseError> {
        let versions = self.versions();
        if versions.closed {
            return Err(WarehouseError::storage(table, action)("the table was taken away"));
        }
        Ok(versions)
    }

    fn versions(&self) -> MutexGuard<'_, Versions> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Committed {
    /// The commit as a reader of the log sees it.
    pub(super) fn read(&self) -> Commit {
        Commit {
            files: self.adds.iter().map(|file| (file.path.clone(), file.size)).collect(),
            partitions: self.adds.iter().map(|file| file.partition_values()).collect(),
            rows: Some(self.adds.iter().map(|file| file.rows as u64).sum()),
            removed: self.removes.len(),
            transactions: self.transactions.clone(),
            metadata: self.metadata.clone(),
        }
    }
}

/// Why a commit made from a version cannot follow on a rival's, by the rules of deltalake's conflict check.
///
/// That library takes every file of the loaded version as read, so a rival who took one away forbids even a pure
/// append. Files that a rival added never do.
fn conflict(from: &Loaded, commit: &Committed, rival: &Committed) -> Option<&'static str> {
    if !rival.removes.is_empty() {
        let gone: HashSet<u64> = rival.removes.iter().copied().collect();
        if from.files.iter().any(|file| gone.contains(&file.number)) {
            return Some("a rival has taken away a file of the loaded version");
        }
    }
    let moved = |(app_id, _): &(String, i64)| rival.transactions.iter().any(|(other, _)| other == app_id);
    commit.transactions.iter().any(moved).then_some("a rival has moved the same application")
}
