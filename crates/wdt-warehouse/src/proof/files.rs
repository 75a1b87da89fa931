//! Whether the data files that the logs name exist, as long as the logs say, with as many rows.

use std::collections::HashSet;

use object_store::path::Path;

use super::findings::Findings;
use super::log::{CommitFiles, Statement};
use crate::error::WarehouseError;
use crate::kept::change::DataFile;
use crate::kept::table::Table;

/// What was found of the files of every commit of a history.
#[derive(Debug, Default)]
pub struct HistoryFiles {
    /// Files that are gone or not as their log says.
    pub findings: Findings,
    /// Files that another tool has written anew and taken away.
    pub rewritten: u64,
    /// Files of all commits.
    pub count: u64,
    /// Rows in them.
    pub rows: u64,
}

/// What was found of the files of a current table's loaded version.
#[derive(Debug, Default)]
pub struct CurrentFiles {
    /// Files that are gone or not as their log says.
    pub findings: Findings,
    /// Files of the version.
    pub count: usize,
    /// Rows in them, by the log.
    pub rows: usize,
}

impl HistoryFiles {
    /// Looks at every file of every commit.
    ///
    /// # Errors
    /// When the storage cannot be asked.
    pub async fn read(history: &Table, statement: &Statement) -> Result<Self, WarehouseError> {
        let listed: HashSet<Path> = history.files(None)?.into_iter().map(|file| file.path).collect();
        let mut files = Self::default();
        for commit in &statement.commits {
            files.commit(history, commit, &listed).await;
        }
        Ok(files)
    }

    /// Whether every row can be read in the order of the log.
    #[must_use]
    pub const fn readable(&self) -> bool {
        self.findings.is_empty() && self.rewritten == 0
    }

    async fn commit(&mut self, history: &Table, commit: &CommitFiles, listed: &HashSet<Path>) {
        let CommitFiles { version, files, rows: said } = commit;
        let mut found = Some(0);
        for (path, size) in files {
            self.count += 1;
            match rows_in(history, path, *size).await {
                Ok(rows) => found = found.map(|found| found + rows),
                Err(_) if !listed.contains(path) => (self.rewritten, found) = (self.rewritten + 1, None),
                Err(fault) => {
                    self.findings.add(|| format!("commit {version}: {path} {fault}"));
                    found = None;
                }
            }
        }
        self.rows += found.unwrap_or_default();
        if let Some((said, found)) = said.zip(found).filter(|(said, found)| said != found) {
            self.findings.add(|| format!("commit {version}: {found} rows in its files, its log says {said}"));
        }
    }
}

impl CurrentFiles {
    /// Looks at every file of the loaded version.
    ///
    /// # Errors
    /// When no version is loaded.
    pub async fn read(current: &Table) -> Result<Self, WarehouseError> {
        let mut found = Self::default();
        for DataFile { path, size, rows, .. } in &current.files(None)? {
            (found.count, found.rows) = (found.count + 1, found.rows + rows);
            match rows_in(current, path, *size).await {
                Ok(in_file) if in_file == *rows as u64 => {}
                Ok(in_file) => found.findings.add(|| format!("{path} has {in_file} rows, its log says {rows}")),
                Err(fault) => found.findings.add(|| format!("{path} {fault}")),
            }
        }
        Ok(found)
    }

    /// Whether every row can be read.
    #[must_use]
    pub const fn readable(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Rows of a file by its footer, or what is wrong with it.
async fn rows_in(table: &Table, path: &Path, size: u64) -> Result<u64, String> {
    let unreadable = |error: WarehouseError| format!("cannot be read: {error}");
    match table.reader().size(path).await.map_err(unreadable)? {
        None => Err("is gone".to_owned()),
        Some(found) if found != size => Err(format!("has {found} bytes, its log says {size}")),
        Some(_) => table.reader().row_count(path, size).await.map_err(unreadable),
    }
}
