//! The step `tidy`: house rules that no other tool checks, each a function from files to findings.

use std::fmt;

use crate::failure::{Failure, Outcome};

mod catalogue;
mod files;
mod secrets;
mod shapes;
mod source;
mod text;

use files::File;

/// A rule that is broken, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    /// From 1; `None` where the whole file is meant.
    line: Option<usize>,
    what: String,
}

impl Finding {
    fn in_file(file: &File, what: impl Into<String>) -> Self {
        Self { path: file.path.clone(), line: None, what: what.into() }
    }

    /// `index` counts from 0, as `enumerate` does.
    fn at(file: &File, index: usize, what: impl Into<String>) -> Self {
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

/// A rule: from all files to where they break it.
type Check = fn(&[File]) -> Vec<Finding>;

const CHECKS: &[Check] = &[
    source::module_docs,
    source::lengths,
    source::names,
    source::bans,
    text::sizes,
    text::last_lines,
    text::machine_paths,
    text::pending_snapshots,
    secrets::literals,
    secrets::stand_ins,
    shapes::shapes,
    catalogue::fixtures,
    catalogue::pages,
    catalogue::changelog,
];

/// Checks every file that git tracks or would track.
pub(crate) fn run() -> Outcome {
    let files = files::load()?;
    let findings: Vec<String> =
        CHECKS.iter().flat_map(|check| check(&files)).map(|finding| finding.to_string()).collect();
    if findings.is_empty() {
        println!("{} files", files.len());
        return Ok(());
    }
    Err(Failure::new(format!("{} findings\n{}", findings.len(), findings.join("\n"))))
}
