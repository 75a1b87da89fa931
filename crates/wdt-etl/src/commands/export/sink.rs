//! Where rows go: what each writer of a format does, and what it is given.

use std::io;
use std::path::Path;

use arrow::record_batch::RecordBatch;

use super::columns::Column;

/// Takes rows in order and makes a whole file of them.
pub(super) trait Sink: Send {
    /// Adds rows: the chosen columns in their order.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn write(&mut self, rows: &RecordBatch) -> io::Result<()>;

    /// Ends the file; what the user should know of it, if anything.
    ///
    /// # Errors
    /// When the file cannot be written.
    fn finish(self: Box<Self>) -> io::Result<Option<String>>;
}

/// A writer's place and the file's content apart from its rows.
pub(super) struct Head<'a> {
    /// Name of the dataset.
    pub(super) dataset: &'static str,
    /// The columns in order.
    pub(super) columns: &'a [Column],
    /// Where a large file may be kept on its way; the system's folder when there is none.
    pub(super) scratch: Option<&'a Path>,
}

/// A state that the column types rule out.
pub(super) fn unwritable() -> io::Error {
    io::Error::other("a column of an unknown type")
}
