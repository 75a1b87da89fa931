//! Whether the certificates of an account cover everything up to its watermark, or each slice once.

use wdt_models::Slice;
use wdt_models::time::format_wall_time;

use super::line::{Findings, Grave, Line, Subject};
use super::log::{AccountLog, Certified};

const NEVER: &str = "run `wdt-etl run`; if it ends with 5, run again when the ERP is quiet";
const WATERMARK: &str = "put the history's log back from a copy; a log that is changed by hand proves nothing";

/// How certified windows cover a range.
#[derive(Debug, PartialEq, Eq)]
struct Cover {
    /// Ends of what no window covers, epoch seconds.
    gaps: Vec<(i64, i64)>,
    /// Windows that begin earlier than they must.
    overlaps: usize,
    /// Last second covered, epoch seconds.
    end: i64,
}

/// The certificates of an account's windows.
pub(super) fn windows(subject: Subject<'_>, log: &AccountLog) -> Line {
    let cover = cover(log.start, &log.windows);
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
pub(super) fn slices(subject: Subject<'_>, log: &AccountLog, asked: &[Slice]) -> Line {
    let mut findings = Findings::default();
    for slice in asked.iter().filter(|slice| !log.slices.contains_key(slice)) {
        findings.add(|| format!("slice {slice} was never read whole"));
    }
    let read = asked.iter().filter_map(|slice| Some((log.slices.get(slice)?, slice)));
    let oldest = read.min().map_or_else(String::new, |(read_at, slice)| {
        format!(", the oldest at {} ({slice})", format_wall_time(read_at.div_euclid(1000)))
    });
    let detail = format!("{} slices, each read whole{oldest}{}", asked.len(), accepted(log));
    subject.of(&findings, Grave::Doubt, NEVER, detail)
}

/// The verdicts and numbers of an account's certificates.
pub(super) fn certificates(subject: Subject<'_>, log: &AccountLog) -> Line {
    let mend = "these records prove nothing: read the range or the slice again";
    let detail = format!("{} records, every certificate holds{}", log.records, accepted(log));
    subject.of(&log.uncertified, Grave::Doubt, mend, detail)
}

/// The watermarks of an account's commits.
pub(super) fn watermark(subject: Subject<'_>, log: &AccountLog) -> Line {
    let end = log.end.map_or_else(|| "times of the slices".to_owned(), format_wall_time);
    let detail = format!("{end}: as the last certificates say, never taken back in {} commits", log.commits);
    subject.of(&log.watermarks, Grave::Doubt, WATERMARK, detail)
}

/// The numbers of an account's commits.
pub(super) fn counts(subject: Subject<'_>, log: &AccountLog) -> Line {
    let mend = "compare with a copy of the history: rows or numbers of these commits were changed after the run";
    let detail =
        format!("{} records certified and {} rows logged add up in {} commits", log.records, log.rows, log.commits);
    subject.of(&log.counts, Grave::Doubt, mend, detail)
}

/// The command that reads a range again.
pub(super) fn backfill(subject: Subject<'_>, from: i64, to: i64) -> String {
    let Subject { account, dataset, .. } = subject;
    let (account, from, to) = (account.unwrap_or_default(), format_wall_time(from), format_wall_time(to));
    format!("read it again: wdt-etl backfill --account {account} --dataset {dataset} --from \"{from}\" --to \"{to}\"")
}

fn accepted(log: &AccountLog) -> String {
    if log.accepted == 0 { String::new() } else { format!("; {} taken by an operator as they are", log.accepted) }
}

/// Each window must begin a second before the end of those before, or earlier; the first at `start` or earlier.
fn cover(start: i64, windows: &[Certified]) -> Cover {
    let mut windows: Vec<(i64, i64)> = windows.iter().map(|window| (window.start, window.end)).collect();
    windows.sort_unstable();
    let mut cover = Cover { gaps: Vec::new(), overlaps: 0, end: start + 1 };
    for (begin, end) in windows {
        let latest = cover.end - 1;
        if begin > latest {
            cover.gaps.push((latest, begin));
        } else if begin < latest {
            cover.overlaps += 1;
        }
        cover.end = cover.end.max(end);
    }
    cover
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covered(start: i64, windows: &[(i64, i64)]) -> Cover {
        let certified = |&(start, end): &(i64, i64)| Certified { start, end, distinct: 0, refused: 0 };
        cover(start, &windows.iter().map(certified).collect::<Vec<_>>())
    }

    #[test]
    fn a_window_begins_a_second_before_the_end_of_the_one_before() {
        let cover = covered(0, &[(0, 10), (9, 20), (19, 30)]);
        assert_eq!(cover, Cover { gaps: vec![], overlaps: 0, end: 30 });
        assert_eq!(covered(0, &[(0, 10), (10, 20)]).gaps, [(9, 10)], "the ends may be open");
        assert_eq!(covered(0, &[(1, 10)]).gaps, [(0, 1)]);
    }

    #[test]
    fn lookback_overlaps_and_a_later_reading_closes_a_gap() {
        let lookback = covered(0, &[(0, 100), (40, 120), (119, 130)]);
        assert_eq!(lookback, Cover { gaps: vec![], overlaps: 1, end: 130 });
        assert_eq!(covered(0, &[(0, 10), (29, 40)]).gaps, [(9, 29)]);
        assert_eq!(covered(0, &[(0, 10), (29, 40), (5, 30)]), Cover { gaps: vec![], overlaps: 1, end: 40 });
        assert_eq!(covered(0, &[(0, 100), (10, 20), (99, 110)]).gaps, [], "a window inside another hides nothing");
        assert_eq!(covered(50, &[(0, 20), (50, 60)]).gaps, [], "what lies before the begin was not promised");
    }
}
