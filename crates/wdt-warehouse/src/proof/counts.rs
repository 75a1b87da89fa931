//! What the numbers of one commit must add up to.
//!
//! The sums of a commit are those of its run so far, so each commit is compared by what it adds to them.

use wdt_models::{Certificate, Way};

use super::findings::Findings;
use crate::record::{CommitRecord, REFUSED_UPSTREAM, Sums};

/// Compares the numbers of a commit; `rows` is what the log says of its files, `before` the sums of the run before it.
///
/// - Rows in its files = changed + deleted.
/// - Typed records of its certificates = changed + unchanged + stale: each of them is one of the three. A record that
///   is in the second that two windows share is in both certificates, and is unchanged the second time. Of ids, one
///   may come back with two records: there it is at least.
/// - Quarantined records = refused ones of its certificates; of windows at most, since one that a run met before is not
///   quarantined twice.
/// - Records and refused ones that the run counts are at least those of its commits: what a rival had landed already is
///   read and not committed.
pub(super) fn compare(version: u64, record: &CommitRecord, rows: Option<u64>, before: &Sums, findings: &mut Findings) {
    let added = |count: fn(&Sums) -> u64| i128::from(count(&record.sums)) - i128::from(count(before));
    let certified =
        |count: fn(&Certificate) -> u64| record.certificates.iter().map(|one| i128::from(count(one))).sum::<i128>();
    let upstream = record.quarantine.iter().filter(|one| one.reason.starts_with(REFUSED_UPSTREAM)).count() as i128;
    let quarantined = record.quarantine.len() as i128 - upstream;
    let logged = added(|sums| sums.changed) + added(|sums| sums.deleted);
    let compared = added(|sums| sums.changed) + added(|sums| sums.unchanged) + added(|sums| sums.stale);
    let (distinct, refused) = (certified(|one| one.distinct), certified(|one| one.refused));
    let by_ids = record.certificates.iter().any(|one| one.way == Way::Ids);
    let mut expect = |holds: bool, words: String| {
        if !holds {
            findings.add(|| format!("commit {version}: {words}"));
        }
    };
    if let Some(rows) = rows.map(i128::from) {
        expect(rows == logged, format!("{rows} rows in its files, {logged} changed or deleted"));
    }
    let typed = distinct - refused - if by_ids { upstream } else { 0 };
    let words = format!("{typed} typed records certified, {compared} changed, unchanged or stale");
    expect(if by_ids { compared >= typed } else { compared == typed }, words);
    let words = format!("{refused} refused records certified, {quarantined} quarantined");
    expect(quarantined == refused || (record.slice.is_none() && quarantined < refused), words);
    let counted = added(|sums| sums.records);
    expect(counted >= distinct, format!("{distinct} records certified, its run counts {counted}"));
    let counted = added(|sums| sums.refused);
    expect(counted >= quarantined, format!("{quarantined} records quarantined, its run counts {counted}"));
}
