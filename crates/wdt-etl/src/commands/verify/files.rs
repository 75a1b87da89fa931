//! What was found of the data files that the logs name, as lines.

use wdt_warehouse::proof::{CurrentFiles, HistoryFiles};

use super::line::{Grave, Line, Subject};

const COPY: &str =
    "put the files back from a copy of the warehouse; without one begin the dataset anew (docs/operations.md)";
const REBUILD: &str =
    "move the folder of this table away: the next run builds it again from the history, without a call";

/// The files of every commit of a history.
pub(super) fn history(subject: Subject<'_>, files: &HistoryFiles, commits: usize) -> Line {
    let HistoryFiles { findings, rewritten, count, rows } = files;
    if findings.is_empty() && *rewritten > 0 {
        let detail = format!("{rewritten} of {count} files were written anew by another tool and taken away");
        return subject.note(detail, "nothing; the order of the rows is lost, so they are not compared");
    }
    let detail = format!("{count} files of {commits} commits with {rows} rows, as the log says");
    subject.of(findings, Grave::Damage, COPY, detail)
}

/// The files of the loaded version of a current table.
pub(super) fn current(subject: Subject<'_>, files: &CurrentFiles) -> Line {
    let CurrentFiles { findings, count, rows } = files;
    subject.of(findings, Grave::Damage, REBUILD, format!("{count} files with {rows} rows, as the log says"))
}
