//! Faults of the configuration, collected so that all are reported at once, each with its place and its hint.

use std::fmt;
use std::io;
use std::path::Path;

use crate::words::could_be_secret;

/// Every fault found in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    faults: Vec<Fault>,
}

/// One fault of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// `file:line:column` (both from 1, the column in characters), the file alone, or `environment`.
    pub location: String,
    /// `accounts[1].datasets[0].start`, or the name of a variable; empty where the whole file is meant.
    pub place: String,
    /// What is wrong; never a secret, never a line of the file.
    pub message: String,
    /// What to write instead, where it can be said.
    pub hint: Option<String>,
}

impl ConfigError {
    /// The file cannot be read at all.
    pub(super) fn unreadable(path: &Path, error: &io::Error) -> Self {
        let (message, hint) = match error.kind() {
            io::ErrorKind::NotFound => (
                "this file does not exist".to_owned(),
                "`wdt-etl init` writes an example; `--config FILE` reads another file",
            ),
            io::ErrorKind::InvalidData => ("is not UTF-8 text".to_owned(), "save it as UTF-8"),
            _ => (format!("cannot be read: {error}"), "check the path and its permissions"),
        };
        Self::of(path, message, Some(hint.to_owned()))
    }

    /// A value is missing though no fault was noted; only a mistake in this module leads here.
    pub(super) fn incomplete(path: &Path) -> Self {
        Self::of(path, "cannot be used, and the reason was not recorded; please report it".to_owned(), None)
    }

    /// The faults in the file's order, those of the environment first; never empty.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    fn of(path: &Path, message: String, hint: Option<String>) -> Self {
        Self { faults: vec![Fault { location: path.display().to_string(), place: String::new(), message, hint }] }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.faults.len();
        write!(f, "the configuration has {count} fault{}", if count == 1 { "" } else { "s" })?;
        for fault in &self.faults {
            write!(f, "\n  {fault}")?;
            if let Some(hint) = &fault.hint {
                write!(f, "\n    hint: {hint}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    /// Without the hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.place.is_empty() { "" } else { ": " };
        write!(f, "{}: {}{separator}{}", self.location, self.place, self.message)
    }
}

/// Where a value is written.
#[derive(Debug, Clone)]
pub(super) struct Location {
    path: String,
    origin: Origin,
}

#[derive(Debug, Clone, Copy)]
enum Origin {
    File { offset: Option<usize> },
    Environment,
}

impl Location {
    /// The top of the file, or a byte of it.
    pub(super) fn root(offset: Option<usize>) -> Self {
        Self { path: String::new(), origin: Origin::File { offset } }
    }

    /// A variable of the environment.
    pub(super) fn variable(name: &str) -> Self {
        Self { path: name.to_owned(), origin: Origin::Environment }
    }

    /// A key below this place; its own offset, or this place's where it has none. What looks like a secret is masked.
    pub(super) fn key(&self, key: &str, offset: Option<usize>) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        let key = if could_be_secret(key) { "***" } else { key };
        Self { path: format!("{}{dot}{key}", self.path), origin: self.origin.moved(offset) }
    }

    /// An element of the list at this place.
    pub(super) fn index(&self, index: usize, offset: usize) -> Self {
        Self { path: format!("{}[{index}]", self.path), origin: self.origin.moved(Some(offset)) }
    }

    /// `accounts[1].datasets[0]`.
    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

impl Origin {
    fn moved(self, offset: Option<usize>) -> Self {
        match (self, offset) {
            (Self::File { .. }, Some(_)) => Self::File { offset },
            (origin, _) => origin,
        }
    }
}

/// The faults found so far.
pub(super) struct Faults<'a> {
    file: String,
    source: &'a str,
    found: Vec<(Option<usize>, Fault)>,
}

impl<'a> Faults<'a> {
    pub(super) fn new(file: &Path, source: &'a str) -> Self {
        Self { file: file.display().to_string(), source, found: Vec::new() }
    }

    /// Notes a fault.
    pub(super) fn push(&mut self, place: &Location, message: impl Into<String>, hint: Option<String>) {
        let (order, location) = match place.origin {
            Origin::Environment => (None, "environment".to_owned()),
            Origin::File { offset: None } => (Some(self.source.len()), self.file.clone()),
            Origin::File { offset: Some(offset) } => (Some(offset), self.location(offset)),
        };
        self.found.push((order, Fault { location, place: place.path.clone(), message: message.into(), hint }));
    }

    /// Ends the reading when a fault was noted.
    pub(super) fn stop_if_any(&mut self) -> Result<(), ConfigError> {
        if self.found.is_empty() {
            return Ok(());
        }
        self.found.sort_by_key(|(order, _)| *order);
        Err(ConfigError { faults: self.found.drain(..).map(|(_, fault)| fault).collect() })
    }

    fn location(&self, offset: usize) -> String {
        let before = self.source.get(..offset).unwrap_or(self.source);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|&character| character != '\n').count() + 1;
        format!("{}:{line}:{column}", self.file)
    }
}
