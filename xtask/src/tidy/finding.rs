//! What a check of `tidy` reports.

use std::fmt;

use crate::files::File;

/// A rule that is broken, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(super) path: String,
    /// From 1; `None` where the whole file is meant.
    line: Option<usize>,
    what: String,
}

impl Finding {
    pub(super) fn in_file(file: &File, what: impl Into<String>) -> Self {
        Self::in_path(&file.path, what)
    }

    /// For a folder, or a file that is missing.
    pub(super) fn in_path(path: &str, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: None, what: what.into() }
    }

    /// `index` counts from 0, as `enumerate` does.
    pub(super) fn at(file: &File, index: usize, what: impl Into<String>) -> Self {
        Self { line: Some(index + 1), ..Self::in_file(file, what) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.what),
            None => write!(f, "{}: {}", self.path, self.what),
        }
    }
}
