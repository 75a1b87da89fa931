//! Places where a test may kill the process; nothing in a release build.
//!
//! A child process of a test arms one with `WDT_ETL_TEST_FAILPOINT`: `NAME`, `NAME:n` for the n-th time that it is
//! reached, or `any:n` for the n-th place of all. There the thread tells so on standard error and stands still for ever,
//! until the test kills the process (SIGKILL). `trace` tells of every place and stops at none.

use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

static ARMED: OnceLock<Armed> = OnceLock::new();

macro_rules! places {
    ($($(#[$doc:meta])* $place:ident = $name:literal,)*) => {
        /// A place on the path from the platform to the tables.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Place {
            $($(#[$doc])* $place,)*
        }

        impl Place {
            /// Every place, along the path.
            pub const ALL: &'static [Self] = &[$(Self::$place,)*];

            /// The name that arms it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$place => $name,)*
                }
            }
        }
    };
}

places! {
    /// A table is not there, nothing of it is made yet.
    TableMissing = "table-missing",
    /// A table was created.
    TableCreated = "table-created",
    /// The datasets' tables are open and caught up, before the mirrors.
    TablesOpened = "tables-opened",
    /// The mirrors are open and caught up.
    MirrorsOpened = "mirrors-opened",
    /// Watermarks are read, no call is made yet.
    Prepared = "prepared",
    /// A window is waited for.
    WindowDue = "window-due",
    /// A window was read.
    WindowRead = "window-read",
    /// A slice is waited for.
    SliceDue = "slice-due",
    /// A slice was read.
    SliceRead = "slice-read",
    /// The rows of a list of ids are waited for.
    IdsDue = "ids-due",
    /// The rows of a list of ids were read.
    IdsRead = "ids-read",
    /// A backfill has landed its range.
    BackfillLanded = "backfill-landed",
    /// A window of a reconcile is waited for.
    ReconcileDue = "reconcile-due",
    /// A window of a reconcile was read.
    ReconcileRead = "reconcile-read",
    /// A reconcile waits until the changes have settled.
    ReconcileSettling = "reconcile-settling",
    /// A reconcile reads what moved after its windows.
    ReconcileClosing = "reconcile-closing",
    /// A reconcile is about to mark rows.
    ReconcileMarking = "reconcile-marking",
    /// Readings are about to be landed.
    Landing = "landing",
    /// The rows to be marked as deleted are found.
    MarksFound = "marks-found",
    /// Readings are compared with the current rows.
    Compared = "compared",
    /// A data file is about to be written.
    FileDue = "file-due",
    /// A data file is written.
    FileWritten = "file-written",
    /// Plain Parquet: a file is written aside, before it gets its name.
    FileStaged = "file-staged",
    /// Plain Parquet: the data files of a commit have their names, before its manifest.
    FilesPublished = "files-published",
    /// Plain Parquet: a file that no commit names any more is about to be taken away.
    SweepDue = "sweep-due",
    /// Data files of the history are written, before their commit.
    LogWritten = "log-written",
    /// A commit of any table is about to be made.
    CommitDue = "commit-due",
    /// A commit of any table is made, before it is loaded.
    Committed = "committed",
    /// A table is about to load what was committed since.
    RefreshDue = "refresh-due",
    /// A table has loaded what was committed since.
    Refreshed = "refreshed",
    /// After the history's commit, before the projection's.
    LogCommitted = "log-committed",
    /// After the commit of a reconcile's marks, before the projection's.
    Marked = "marked",
    /// A version of the log is read, for the projection.
    FoldRead = "fold-read",
    /// The files that hold a changed key are found.
    UpsertLocated = "upsert-located",
    /// The untouched rows of such a file are copied.
    UpsertCopied = "upsert-copied",
    /// Data files of an upsert are written, before their commit.
    UpsertWritten = "upsert-written",
    /// Data files of the projection are written, before its commit.
    FoldWritten = "fold-written",
    /// A version of the log is applied.
    Folded = "folded",
    /// Log and projection are committed, before the mirrors.
    Projected = "projected",
    /// Readings are landed.
    Landed = "landed",
    /// A dataset is done, its run's row not yet written.
    RunEnding = "run-ending",
    /// Rows of a mirror are about to be put in.
    MirrorDue = "mirror-due",
    /// Rows of a mirror are put in.
    MirrorPut = "mirror-put",
    /// The run's row is written, the commits are not yet mirrored.
    RunWritten = "run-written",
    /// Commits that a mirror does not have are read.
    MirrorRead = "mirror-read",
    /// Data files of a mirror are written, before their commit.
    MirrorWritten = "mirror-written",
    /// Commits are mirrored.
    Mirrored = "mirrored",
    /// Everything of a dataset is written.
    RunMirrored = "run-mirrored",
}

/// What is armed.
struct Armed {
    /// Any place, if none.
    place: Option<Place>,
    /// How often it is to be reached.
    ordinal: u64,
    reached: AtomicU64,
}

/// Arms a place; the first call counts. What is no place is never reached.
pub fn arm(text: &str) {
    let (name, ordinal) = text.split_once(':').unwrap_or((text, "1"));
    let place = Place::ALL.iter().copied().find(|place| place.name() == name);
    let ordinal = match name {
        "trace" => Some(u64::MAX),
        "any" => ordinal.parse().ok(),
        _ => place.and(ordinal.parse().ok()),
    };
    if let Some(ordinal) = ordinal {
        ARMED.get_or_init(|| Armed { place, ordinal, reached: AtomicU64::new(0) });
    }
}

/// Stands still for ever when the place is armed, in a debug build.
pub(crate) fn hit(place: Place) {
    if cfg!(debug_assertions)
        && let Some(armed) = ARMED.get()
    {
        armed.hit(place);
    }
}

impl Armed {
    fn hit(&self, place: Place) {
        if self.place.is_some_and(|armed| armed != place) {
            return;
        }
        let told = |what: &str| {
            let _gone = writeln!(std::io::stderr(), "failpoint {} {what}", place.name());
        };
        if self.ordinal == u64::MAX {
            told("passed");
        } else if self.reached.fetch_add(1, Ordering::Relaxed) + 1 == self.ordinal {
            told("reached");
            loop {
                std::thread::park();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_a_name_of_its_own() {
        for (position, place) in Place::ALL.iter().enumerate() {
            let first = Place::ALL.iter().position(|other| other.name() == place.name());
            assert_eq!(first, Some(position), "{}", place.name());
        }
    }
}
