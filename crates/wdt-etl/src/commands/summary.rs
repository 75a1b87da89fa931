//! What a run, a backfill or a reconcile prints at its end: a line per account and dataset, and what went wrong below it.

use std::io::{self, Write};

use wdt_models::time::format_wall_time;

use super::aligned::{Align, aligned};
use crate::pipeline::{DatasetOutcome, RunOutcome};

/// A column of a summary.
pub(super) struct SummaryColumn {
    head: &'static str,
    side: Align,
    cell: fn(&DatasetOutcome) -> String,
}

/// The columns of a run and of a backfill.
pub(super) const RUN: &[SummaryColumn] = &[
    SummaryColumn { head: "account", side: Align::Left, cell: |own| own.account.clone() },
    SummaryColumn { head: "dataset", side: Align::Left, cell: |own| own.dataset.to_owned() },
    SummaryColumn { head: "verdict", side: Align::Left, cell: |own| own.verdict.name().to_owned() },
    SummaryColumn { head: "calls", side: Align::Right, cell: |own| own.sums.calls.to_string() },
    SummaryColumn { head: "records", side: Align::Right, cell: |own| own.sums.records.to_string() },
    SummaryColumn { head: "changed", side: Align::Right, cell: |own| own.sums.changed.to_string() },
    SummaryColumn { head: "deleted", side: Align::Right, cell: |own| own.sums.deleted.to_string() },
    SummaryColumn { head: "same", side: Align::Right, cell: |own| own.sums.unchanged.to_string() },
    SummaryColumn { head: "refused", side: Align::Right, cell: |own| own.sums.refused.to_string() },
    SummaryColumn { head: "complete until", side: Align::Left, cell: complete_until },
];

/// The columns of a reconcile.
pub(super) const RECONCILE: &[SummaryColumn] = &[
    SummaryColumn { head: "account", side: Align::Left, cell: |own| own.account.clone() },
    SummaryColumn { head: "dataset", side: Align::Left, cell: |own| own.dataset.to_owned() },
    SummaryColumn { head: "verdict", side: Align::Left, cell: |own| own.verdict.name().to_owned() },
    SummaryColumn { head: "calls", side: Align::Right, cell: |own| own.sums.calls.to_string() },
    SummaryColumn { head: "records", side: Align::Right, cell: |own| own.sums.records.to_string() },
    SummaryColumn { head: "changed", side: Align::Right, cell: |own| own.sums.changed.to_string() },
    SummaryColumn { head: "unmoved", side: Align::Right, cell: |own| own.sums.unmoved.to_string() },
    SummaryColumn { head: "vanished", side: Align::Right, cell: |own| own.sums.vanished.to_string() },
    SummaryColumn { head: "marked", side: Align::Right, cell: |own| own.sums.deleted.to_string() },
    SummaryColumn { head: "refused", side: Align::Right, cell: |own| own.sums.refused.to_string() },
];

/// Prints the summary; `word` names what ran in its last line.
///
/// # Errors
///
/// When `out` cannot be written.
pub(super) fn print(
    word: &str,
    columns: &[SummaryColumn],
    outcome: &RunOutcome,
    out: &mut (dyn Write + Send),
) -> io::Result<()> {
    let head = columns.iter().map(|column| column.head.to_owned()).collect();
    let row = |own| columns.iter().map(|column| (column.cell)(own)).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(outcome.datasets.iter().map(row)).collect();
    let sides: Vec<Align> = columns.iter().map(|column| column.side).collect();
    let mut lines = aligned(&sides, &rows).into_iter();
    lines.next().map_or(Ok(()), |head| writeln!(out, "{head}"))?;
    for (line, own) in lines.zip(&outcome.datasets) {
        writeln!(out, "{line}")?;
        below(own, out)?;
    }
    writeln!(out, "{word} {}, exit code {}", outcome.run_id, outcome.exit_code())
}

/// What follows the line of a dataset.
fn below(own: &DatasetOutcome, out: &mut (dyn Write + Send)) -> io::Result<()> {
    if own.sums.refused_upstream > 0 {
        let ids = own.sums.refused_upstream;
        writeln!(out, "  note: {ids} ids are refused by the platform itself; etl_quarantine says why")?;
    }
    if let Some(problem) = &own.problem {
        writeln!(out, "  error: {}", problem.message)?;
        if let Some(hint) = &problem.hint {
            writeln!(out, "  hint: {hint}")?;
        }
    }
    Ok(())
}

fn complete_until(own: &DatasetOutcome) -> String {
    own.watermark.map_or_else(|| "-".to_owned(), format_wall_time)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use wdt_warehouse::Sums;

    use super::*;
    use crate::pipeline::Verdict;
    use unicode_width::UnicodeWidthStr as _;

    /// Trips when a Chinese or a long account name moves the cells behind it out of their column.
    #[test]
    fn chinese_and_long_account_names_leave_the_columns_aligned() {
        let sums = Sums { records: 1_234_567, ..Sums::default() };
        let datasets = ["main", "华东仓库一号店铺", "an-account-of-more-than-16-letters"]
            .map(|account| DatasetOutcome::new(account, "enterprise_stock", Verdict::Landed, sums))
            .to_vec();
        let outcome = RunOutcome { run_id: "r".to_owned(), datasets };
        for columns in [RUN, RECONCILE] {
            let mut out = Vec::new();
            print("run", columns, &outcome, &mut out).unwrap();
            let text = String::from_utf8(out).unwrap();
            let place = |line: &str, word: &str| line[..line.find(word).unwrap()].width();
            let lines: Vec<&str> = text.lines().collect();
            let wanted = ["verdict", "records"].map(|word| place(lines[0], word));
            let end = wanted[1] + "records".len();
            for line in &lines[1..4] {
                assert_eq!(place(line, "landed"), wanted[0], "{text}");
                assert_eq!(place(line, "1234567") + "1234567".len(), end, "{text}");
            }
        }
    }
}
