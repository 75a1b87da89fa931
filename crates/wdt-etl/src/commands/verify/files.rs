//! Whether the data files that the logs name are there, as long as the logs say, with as many rows.

use std::collections::HashSet;

use object_store::ObjectStoreExt as _;
use object_store::path::Path;

use super::line::{Findings, Grave, Line, Subject};
use super::log::{Added, Log};
use crate::table::{Reader, Table, WarehouseError};

const COPY: &str =
    "put the files back from a copy of the warehouse; without one begin the dataset anew (docs/operations.md)";
const REBUILD: &str =
    "move the folder of this table away: the next run builds it again from the history, without a call";

/// What is known of the files of a table.
pub(super) struct Files {
    /// The line to print.
    pub(super) line: Line,
    /// Every row can be read in the order of the log.
    pub(super) readable: bool,
}

/// The files of every commit of a history.
///
/// # Errors
/// When the storage cannot be asked.
pub(super) async fn history(subject: Subject<'_>, history: &Table, log: &Log) -> Result<Files, WarehouseError> {
    let reader = Reader::new(history.name(), history.store());
    let listed: HashSet<Path> = history.files(None)?.into_iter().map(|file| file.path).collect();
    let (mut findings, mut rewritten, mut count, mut rows) = (Findings::default(), 0_u64, 0_u64, 0_u64);
    for Added { version, files, rows: said } in &log.commits {
        let mut found = Some(0);
        for (path, size) in files {
            count += 1;
            match fault(history, path, *size).await {
                None => found = found.zip(reader.row_count(path, *size).await.ok()).map(|(sum, rows)| sum + rows),
                Some(_) if !listed.contains(path) => (rewritten, found) = (rewritten + 1, None),
                Some(fault) => {
                    findings.add(|| format!("commit {version}: {path} {fault}"));
                    found = None;
                }
            }
        }
        rows += found.unwrap_or_default();
        if let (Some(said), Some(found)) = (said, found)
            && *said != found
        {
            findings.add(|| format!("commit {version}: {found} rows in its files, its log says {said}"));
        }
    }
    let detail = format!("{count} files of {} commits with {rows} rows, as the log says", log.commits.len());
    let readable = findings.is_empty() && rewritten == 0;
    let mut line = subject.of(&findings, Grave::Damage, COPY, detail);
    if findings.is_empty() && rewritten > 0 {
        let detail = format!("{rewritten} of {count} files were written anew by another tool and taken away");
        line = subject.note(detail, "nothing; the order of the rows is lost, so they are not compared");
    }
    Ok(Files { line, readable })
}

/// The files of the loaded version of a current table.
///
/// # Errors
/// When no version is loaded.
pub(super) async fn current(subject: Subject<'_>, current: &Table) -> Result<Files, WarehouseError> {
    let mut findings = Findings::default();
    let files = current.files(None)?;
    for file in &files {
        if let Some(fault) = fault(current, &file.path, file.size).await {
            findings.add(|| format!("{} {fault}", file.path));
        }
    }
    let rows: usize = files.iter().map(|file| file.rows).sum();
    let detail = format!("{} files with {rows} rows, as the log says", files.len());
    Ok(Files { line: subject.of(&findings, Grave::Damage, REBUILD, detail), readable: findings.is_empty() })
}

/// What is wrong with a file, if anything.
async fn fault(table: &Table, path: &Path, size: u64) -> Option<String> {
    match table.store().head(path).await {
        Ok(found) if found.size != size => Some(format!("has {} bytes, its log says {size}", found.size)),
        Ok(_) => match Reader::new(table.name(), table.store()).row_count(path, size).await {
            Ok(_) => None,
            Err(error) => Some(format!("cannot be read: {error}")),
        },
        Err(object_store::Error::NotFound { .. }) => Some("is gone".to_owned()),
        Err(error) => Some(format!("cannot be read: {error}")),
    }
}
