//! Whether the certificates of an account cover everything up to its watermark, or each slice once.

use wdt_models::Slice;
use wdt_models::time::{Seconds, format_wall_time};
use wdt_warehouse::proof::{AccountStatement, Findings};

use super::line::{Grave, Line, Subject};

const NEVER: &str = "run `wdt-etl run`; if it ends with 5, run again when the ERP is quiet";
const WATERMARK: &str = "put the history's log back from a copy; a log that is changed by hand proves nothing";

/// The certificates of an account's windows.
pub(super) fn windows(subject: Subject<'_>, log: &AccountStatement) -> Line {
    let cover = log.cover();
    let mut findings = Findings::default();
    for (from, to) in &cover.gaps {
        findings.add(|| format!("no certificate covers {} .. {}", format_wall_time(*from), format_wall_time(*to)));
    }
    if let Some(end) = log.end.filter(|end| *end > cover.end) {
        findings.add(|| format!("no certificate covers {} .. {}", format_wall_time(cover.end), format_wall_time(end)));
    }
    let detail = format!(
        "{} windows cover {} .. {} without a gap, {} of them overlap{}",
        log.windows.len(),
        format_wall_time(log.start),
        format_wall_time(cover.end),
        cover.overlaps,
        accepted(log)
    );
    let (from, to) = cover.gaps.first().copied().unwrap_or((cover.end, log.end.unwrap_or(cover.end)));
    subject.of(&findings, Grave::Doubt, &backfill(subject, from, to), detail)
}

/// The last reading of each slice that is asked for.
pub(super) fn slices(subject: Subject<'_>, log: &AccountStatement, asked: &[Slice]) -> Line {
    let mut findings = Findings::default();
    for slice in asked.iter().filter(|slice| !log.slices.contains_key(slice)) {
        findings.add(|| format!("slice {slice} was never read whole"));
    }
    let read = asked.iter().filter_map(|slice| Some((log.slices.get(slice)?, slice)));
    let oldest = read.min().map_or_else(String::new, |(read_at, slice)| {
        format!(", the oldest at {} ({slice})", format_wall_time(read_at.floor_seconds()))
    });
    let detail = format!("{} slices, each read whole{oldest}{}", asked.len(), accepted(log));
    subject.of(&findings, Grave::Doubt, NEVER, detail)
}

/// The verdicts and numbers of an account's certificates.
pub(super) fn certificates(subject: Subject<'_>, log: &AccountStatement) -> Line {
    let hint = "these records prove nothing: read the range or the slice again";
    let detail = format!("{} records, every certificate holds{}", log.records, accepted(log));
    subject.of(&log.uncertified, Grave::Doubt, hint, detail)
}

/// The watermarks of an account's commits.
pub(super) fn watermark(subject: Subject<'_>, log: &AccountStatement) -> Line {
    let end = log.end.map_or_else(|| "times of the slices".to_owned(), format_wall_time);
    let detail = format!("{end}: as the last certificates say, never taken back in {} commits", log.commits);
    subject.of(&log.watermarks, Grave::Doubt, WATERMARK, detail)
}

/// The numbers of an account's commits.
pub(super) fn counts(subject: Subject<'_>, log: &AccountStatement) -> Line {
    let hint = "compare with a copy of the history: rows or numbers of these commits were changed after the run";
    let detail =
        format!("{} records certified and {} rows logged add up in {} commits", log.records, log.rows, log.commits);
    subject.of(&log.counts, Grave::Doubt, hint, detail)
}

/// The command that reads a range again.
pub(super) fn backfill(subject: Subject<'_>, from: Seconds, to: Seconds) -> String {
    let Subject { account, dataset, .. } = subject;
    let (account, from, to) = (account.unwrap_or_default(), format_wall_time(from), format_wall_time(to));
    format!("read it again: wdt-etl backfill --account {account} --dataset {dataset} --from \"{from}\" --to \"{to}\"")
}

fn accepted(log: &AccountStatement) -> String {
    if log.accepted == 0 { String::new() } else { format!("; {} taken by an operator as they are", log.accepted) }
}
