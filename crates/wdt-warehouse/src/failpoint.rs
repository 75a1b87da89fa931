//! Places where a test may kill the process; without the feature `failpoints` nothing of them is in the binary.
//!
//! A child process of a test arms one: `NAME`, `NAME:n` for the n-th time that it is reached, or `any:n` for the n-th
//! place of all. There the thread reports it on standard error and stops for ever, until the test kills the process
//! (SIGKILL). `trace` reports every place and stops at none. A crate above names places of its own with
//! [`failpoints!`](crate::failpoints), and all are armed here.

#[cfg(feature = "failpoints")]
pub use armed::{arm, reached};

/// Declares the places of a crate: an enum `Place` with their names, and `hit`, which does nothing without the feature
/// `failpoints` of the crate that declares them.
#[macro_export]
macro_rules! failpoints {
    ($($(#[$doc:meta])* $place:ident = $name:literal,)*) => {
        /// A place on the path from the platform to the tables.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Place {
            $($(#[$doc])* $place,)*
        }

        impl Place {
            /// Every place of this crate, along the path.
            pub const ALL: &'static [Self] = &[$(Self::$place,)*];

            /// The name that arms it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$place => $name,)*
                }
            }
        }

        /// Stops for ever when the place is armed.
        #[cfg(feature = "failpoints")]
        pub(crate) fn hit(place: Place) {
            $crate::failpoint::reached(place.name());
        }

        /// Does nothing: this is a build without failpoints.
        #[cfg(not(feature = "failpoints"))]
        pub(crate) const fn hit(_: Place) {}
    };
}

failpoints! {
    /// A table is not there, nothing of it is made yet.
    TableMissing = "table-missing",
    /// A table was created.
    TableCreated = "table-created",
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
    /// Rows of a mirror are about to be put in.
    MirrorDue = "mirror-due",
    /// Rows of a mirror are put in.
    MirrorPut = "mirror-put",
    /// Commits that a mirror does not have are read.
    MirrorRead = "mirror-read",
    /// Data files of a mirror are written, before their commit.
    MirrorWritten = "mirror-written",
    /// Commits are mirrored.
    Mirrored = "mirrored",
}

/// The one that is armed, and how often it was reached.
#[cfg(feature = "failpoints")]
mod armed {
    use std::io::Write as _;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static ARMED: OnceLock<Armed> = OnceLock::new();

    struct Armed {
        /// Any place, if none.
        place: Option<String>,
        /// How often it is to be reached; none only reports.
        ordinal: Option<u64>,
        reached: AtomicU64,
    }

    /// Arms a place by its name; the first call counts. What is no place is never reached.
    pub fn arm(text: &str) {
        let (name, ordinal) = text.split_once(':').unwrap_or((text, "1"));
        let place = (!["any", "trace"].contains(&name)).then(|| name.to_owned());
        let ordinal = if name == "trace" { Ok(None) } else { ordinal.parse().map(Some) };
        if let Ok(ordinal) = ordinal {
            ARMED.get_or_init(|| Armed { place, ordinal, reached: AtomicU64::new(0) });
        }
    }

    /// Stops for ever when the place is armed.
    pub fn reached(place: &'static str) {
        if let Some(armed) = ARMED.get().filter(|armed| armed.place.as_deref().is_none_or(|armed| armed == place)) {
            armed.stop(place);
        }
    }

    impl Armed {
        fn stop(&self, place: &str) {
            let report = |what: &str| {
                let _gone = writeln!(std::io::stderr(), "failpoint {place} {what}");
            };
            match self.ordinal {
                None => report("passed"),
                Some(ordinal) if self.reached.fetch_add(1, Ordering::Relaxed) + 1 == ordinal => {
                    report("reached");
                    loop {
                        std::thread::park();
                    }
                }
                Some(_) => {}
            }
        }
    }
}
