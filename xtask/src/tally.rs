//! Counts of tests, read from the summary that each test binary prints.

use std::fmt;
use std::ops::AddAssign;

/// Tests that ran, by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    /// The counts of a line like `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; …`; `None` for any other line.
    pub(crate) fn of_line(line: &str) -> Option<Self> {
        let counts = line.trim_start().strip_prefix("test result: ")?.split_once(". ")?.1;
        let count = |what: &str| {
            let number = counts.split(';').find_map(|part| part.trim().strip_suffix(what))?;
            number.trim_end().parse().ok()
        };
        Some(Self { passed: count("passed")?, failed: count("failed")?, skipped: count("ignored")? })
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// The closing line of a run.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn summaries_are_read_and_summed() {
        let mut sum = Tally::default();
        for line in [
            "running 3 tests",
            "test a::b ... ok",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 5 filtered out; finished in 0.00s",
            "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.25s",
        ] {
            if let Some(tally) = Tally::of_line(line) {
                sum += tally;
            }
        }
        assert_eq!(sum, Tally { passed: 13, failed: 2, skipped: 1 });
        assert_eq!(sum.to_string(), "13 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn nothing_is_made_up() {
        for line in ["", "test result: ok.", "test result: ok. many passed; 0 failed; 0 ignored", "12 passed, 0 failed"]
        {
            assert_eq!(Tally::of_line(line), None, "{line:?}");
        }
    }
}
