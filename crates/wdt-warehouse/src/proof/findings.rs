//! What a check found wrong.

use std::fmt;

/// So many findings of a check are kept in full.
const KEPT: usize = 3;

/// Findings of one check: all are counted, the first few kept in words.
#[derive(Debug, Default)]
pub struct Findings {
    count: u64,
    first: Vec<String>,
}

impl Findings {
    /// Counts one; its words are made only when they are kept.
    pub fn add(&mut self, words: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < KEPT {
            self.first.push(words());
        }
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether another one would be kept.
    #[must_use]
    pub const fn has_room(&self) -> bool {
        self.first.len() < KEPT
    }

    /// Counts findings that have no words.
    pub const fn add_silent(&mut self, count: u64) {
        self.count += count;
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.first.join("; "))?;
        match self.count.saturating_sub(self.first.len() as u64) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}
