//! Whether the data files that the logs name are there, as long as the logs say, with as many rows.

use std::collections::HashSet;

use object_store::path::Path;

use super::line::{Findings, Grave, Line, Subject};
use super::log::{Added, Log};
use wdt_warehouse::{DataFile, Table, WarehouseError};

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
    let listed: HashSet<Path> = history.files(None)?.into_iter().map(|file| file.path).collect();
    let (mut findings, mut rewritten, mut count, mut rows) = (Findings::default(), 0_u64, 0_u64, 0_u64);
    for Added { version, files, rows: said } in &log.commits {
        let mut found = Some(0);
        for (path, size) in files {
            count += 1;
            match rows_in(history, path, *size).await {
                Ok(rows) => found = found.map(|found| found + rows),
                Err(_) if !listed.contains(path) => (rewritten, found) = (rewritten + 1, None),
                Err(fault) => {
                    findings.add(|| format!("commit {version}: {path} {fault}"));
                    found = None;
                }
            }
        }
        rows += found.unwrap_or_default();
        if let Some((said, found)) = said.zip(found).filter(|(said, found)| said != found) {
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
    for DataFile { path, size, rows, .. } in &files {
        match rows_in(current, path, *size).await {
            Ok(found) if found == *rows as u64 => {}
            Ok(found) => findings.add(|| format!("{path} has {found} rows, its log says {rows}")),
            Err(fault) => findings.add(|| format!("{path} {fault}")),
        }
    }
    let rows: usize = files.iter().map(|file| file.rows).sum();
    let detail = format!("{} files with {rows} rows, as the log says", files.len());
    Ok(Files { line: subject.of(&findings, Grave::Damage, REBUILD, detail), readable: findings.is_empty() })
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
