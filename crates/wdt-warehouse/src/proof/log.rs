//! The commits of a history, read once in their order: what each account landed by its own word.

use std::collections::{BTreeMap, HashMap, HashSet};

use object_store::path::Path;
use wdt_models::time::{Millis, Seconds, format_wall_time};
use wdt_models::{Certificate, Slice, Verdict, Way};

use super::counts::compare;
use super::findings::Findings;
use crate::application;
use crate::error::WarehouseError;
use crate::kept::change::Commit;
use crate::kept::table::Table;
use crate::record::{CommitRecord, Sums};

/// Kind of the commits that move the watermark.
const RUN: &str = "run";
/// What the commits of a history say.
#[derive(Default)]
pub struct Statement {
    /// The commits that added rows, in order.
    pub commits: Vec<CommitFiles>,
    /// What each account landed.
    pub accounts: BTreeMap<String, AccountStatement>,
    /// Commits that are gone, cannot be read, or are no run's.
    pub damage: Findings,
    /// Certificates of all accounts.
    pub certificates: u64,
    /// Quarantined records of all accounts.
    pub quarantined: u64,
    /// Runs that committed, each with its account.
    pub runs: HashSet<(String, String)>,
}

/// The data files of a commit.
pub struct CommitFiles {
    /// History version.
    pub version: u64,
    /// Path and bytes of each file, in the commit's order.
    pub(crate) files: Vec<(Path, u64)>,
    /// Rows in them, where the log says it.
    pub rows: Option<u64>,
}

/// What the commits of one account say.
#[derive(Default)]
pub struct AccountStatement {
    /// First second from which on nothing may be missing.
    pub start: Seconds,
    /// Commits.
    pub commits: u64,
    /// The certified windows in the order they were landed.
    pub windows: Vec<Certified>,
    /// Last reading of each slice.
    pub slices: BTreeMap<Slice, Millis>,
    /// End of the last window that a run landed.
    pub end: Option<Seconds>,
    /// Windows and slices that an operator took as they are.
    pub accepted: u64,
    /// Distinct records of all certificates.
    pub records: u64,
    /// Rows logged.
    pub rows: u64,
    /// Certificates that do not certify.
    pub uncertified: Findings,
    /// Watermarks that are not what the certificates and the commits before say.
    pub watermarks: Findings,
    /// Counts that do not add up.
    pub counts: Findings,
    /// Last version of each application id.
    applications: HashMap<String, i64>,
    /// Sums of each run up to its last commit.
    sums: HashMap<(String, Millis), Sums>,
}

/// A certified window.
#[derive(Debug, Clone, Copy)]
pub struct Certified {
    /// First second.
    pub start: Seconds,
    /// Last second.
    pub end: Seconds,
    /// Distinct records.
    pub distinct: u64,
    /// Those that could not be typed.
    pub refused: u64,
}

impl Statement {
    /// Reads every commit of the loaded version.
    ///
    /// # Errors
    /// When the stored watermarks cannot be read.
    pub async fn read(history: &Table) -> Result<Self, WarehouseError> {
        let mut log = Self::default();
        for version in 1..=history.version() {
            match history.read_commit(version).await {
                Ok(Some(commit)) => log.commit(history.name(), version, commit),
                Ok(None) => log.damage.add(|| format!("commit {version} is gone")),
                Err(error) => log.damage.add(|| format!("commit {version} cannot be read: {error}")),
            }
        }
        for account in log.accounts.values_mut() {
            account.stored(history).await?;
        }
        Ok(log)
    }

    fn commit(&mut self, table: &str, version: u64, mut commit: Commit) {
        if commit.removed > 0 {
            self.damage.add(|| format!("commit {version} took {} files away", commit.removed));
        }
        match CommitRecord::read(table, version, commit.metadata.take()) {
            Err(error) => self.damage.add(|| error.to_string()),
            Ok(None) if commit.files.is_empty() => {}
            Ok(None) => self.damage.add(|| format!("commit {version} has rows, and no run wrote it")),
            Ok(Some(record)) => {
                self.certificates += record.certificates.len() as u64;
                self.quarantined += record.quarantine.len() as u64;
                self.runs.insert((record.run_id.clone(), record.account.clone()));
                self.accounts.entry(record.account.clone()).or_default().commit(version, &record, &commit);
            }
        }
        if !commit.files.is_empty() {
            self.commits.push(CommitFiles { version, files: commit.files, rows: commit.rows });
        }
    }
}

impl AccountStatement {
    fn commit(&mut self, version: u64, record: &CommitRecord, commit: &Commit) {
        // a range that was filled in before the begin moves it back
        self.start = if self.commits == 0 { record.start } else { self.start.min(record.start) };
        self.commits += 1;
        self.rows += commit.rows.unwrap_or_default();
        for certificate in &record.certificates {
            self.certificate(version, certificate);
        }
        if record.kind == RUN {
            self.watermark(version, record, commit);
        }
        self.transactions(version, record, commit);
        let before = self.sums.entry((record.run_id.clone(), record.started_at)).or_default();
        compare(version, record, commit.rows, before, &mut self.counts);
        *before = record.sums;
    }

    fn certificate(&mut self, version: u64, certificate: &Certificate) {
        let Certificate { start, end, slice, distinct, refused, .. } = certificate;
        let what = || match (start, end) {
            (Some(start), Some(end)) => format!("{} .. {}", format_wall_time(*start), format_wall_time(*end)),
            _ => slice.as_ref().map(ToString::to_string).unwrap_or_default(),
        };
        self.records += distinct;
        match certificate.verdict {
            Verdict::Certified if holds(certificate) => {}
            Verdict::Certified => {
                self.uncertified.add(|| format!("{} of commit {version}: {}", what(), numbers(certificate)));
            }
            Verdict::Uncertified => self.uncertified.add(|| format!("{} of commit {version} is uncertified", what())),
            _ => self.accepted += 1,
        }
        if let (Some(start), Some(end)) = (*start, *end) {
            self.windows.push(Certified { start, end, distinct: *distinct, refused: *refused });
        }
        if let Some(slice) = slice {
            self.slices.insert(slice.clone(), certificate.read_at);
        }
    }

    /// The watermark of a run's commit is the end of its last certificate, and is in the commit as a transaction.
    fn watermark(&mut self, version: u64, record: &CommitRecord, commit: &Commit) {
        let of_slice = record.slice.is_some();
        // versions of an application: milliseconds of a slice's reading, seconds of a window's end
        let version_of = |read_at: Option<Millis>, end: Option<Seconds>| {
            if of_slice { read_at.map(|read_at| read_at.0) } else { end.map(|end| end.0) }
        };
        let said = version_of(record.read_at, record.watermark_after);
        let end = record.certificates.last().and_then(|last| version_of(Some(last.read_at), last.end));
        let mut transactions = commit.transactions.iter().filter(|(name, _)| name.starts_with(application::RUN));
        let transaction = transactions.next();
        let stored = transaction.map(|(_, stored)| *stored);
        let before = transaction.and_then(|(name, _)| self.applications.get(name)).filter(|_| of_slice);
        // two readings of a slice within a second may land in either order; the later commit counts on
        let moved = said.map(|said| before.map_or(said, |before| said.max(before.saturating_add(1))));
        if end != said {
            let (said, end) = (wall(said, of_slice), wall(end, of_slice));
            self.watermarks.add(|| format!("commit {version} says {said}, its certificates end at {end}"));
        }
        if stored != moved {
            let (said, stored) = (wall(said, of_slice), wall(stored, of_slice));
            self.watermarks
                .add(|| format!("commit {version} moves the watermark to {stored}, its metadata says {said}"));
        }
        if !of_slice {
            self.end = end.map(Seconds).or(self.end);
        }
    }

    /// No application's version is ever taken back. A run's is not repeated either; whoever fills in behind repeats it, so
    /// that a rival run is a conflict.
    fn transactions(&mut self, version: u64, record: &CommitRecord, commit: &Commit) {
        for (application, after) in &commit.transactions {
            let Some(before) = self.applications.insert(application.clone(), *after) else { continue };
            if before > *after || (before == *after && record.kind == RUN) {
                self.watermarks.add(|| format!("commit {version} takes `{application}` from {before} back to {after}"));
            }
        }
    }

    /// What the table says now is what the last commit said.
    async fn stored(&mut self, history: &Table) -> Result<(), WarehouseError> {
        for (application, last) in &self.applications {
            let stored = history.transaction(application).await?;
            if stored != Some(*last) {
                self.watermarks
                    .add(|| format!("the table has `{application}` at {stored:?}, its last commit at {last}"));
            }
        }
        Ok(())
    }
}

/// Whether the numbers of a certificate are those that its way of reading asks for.
fn holds(certificate: &Certificate) -> bool {
    let Certificate { declared_before: before, declared_after: after, distinct, .. } = *certificate;
    match certificate.way {
        Way::SinglePage | Way::AnyOrder | Way::Slice => before == distinct && distinct == after,
        Way::Backward => after <= distinct && distinct <= before,
        Way::Filtered => {
            let totals = certificate.filter.as_ref().map(|filter| filter.totals.values().sum::<u64>());
            before == after && totals == Some(before)
        }
        Way::Ids => before == after && distinct <= before,
        _ => true,
    }
}

fn numbers(certificate: &Certificate) -> String {
    let Certificate { declared_before, declared_after, distinct, .. } = certificate;
    format!("{distinct} records read, {declared_before} declared before and {declared_after} after, prove nothing")
}

/// The watermark of a window is in seconds, the reading of a slice in milliseconds.
fn wall(instant: Option<i64>, of_slice: bool) -> String {
    let seconds = instant.map(|instant| if of_slice { Millis(instant).floor_seconds() } else { Seconds(instant) });
    seconds.map_or_else(|| "nothing".to_owned(), format_wall_time)
}
