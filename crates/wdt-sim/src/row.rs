//! A row's number and state, and what a request selects and gets of such rows; not what their cells hold.

/// One row: its number, its cursor and how often it was changed. The rest is made from these when it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Row {
    /// Number of the row, from 0, in the order of the key within its slice.
    pub id: u32,
    /// When it was last changed, in epoch seconds: the cursor, where there is one.
    pub modified: i64,
    /// How often the row was changed.
    pub version: u32,
}

/// A state that a row took on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// Since when it is shown, in epoch seconds.
    pub at: i64,
    /// The row.
    pub row: Row,
    /// Whether it is there; else it is as it was when it was removed.
    pub present: bool,
}

/// What a request selects.
#[derive(Debug, Clone)]
pub(crate) enum Selection {
    /// Rows of one group or slice, or of all, whose cursor is between two seconds, both included.
    Between { start: i64, end: i64, part: Option<usize> },
    /// These rows, if they are there.
    Rows(Vec<u32>),
}

/// Rows of one page and how many rows there are on all pages.
pub(crate) struct Page {
    pub(crate) total: usize,
    pub(crate) rows: Vec<Row>,
}

impl Selection {
    pub(crate) fn everything() -> Self {
        Self::Between { start: i64::MIN, end: i64::MAX, part: None }
    }
}
