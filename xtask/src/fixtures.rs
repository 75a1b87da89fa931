//! `cargo xtask fixtures` and the step `fixtures`: the files under `fixtures/` that tests make from the simulator.
//!
//! The tests are run and not their code: xtask stays small, and a fixture comes from the crates that CI tests.

use crate::command;
use crate::failure::{Failure, Outcome};
use crate::suite;

/// Tells the tests to write; without it they compare.
const MODE: &str = "WDT_ETL_FIXTURES";
/// What to do about a stale fixture.
const HINT: &str = "`cargo xtask fixtures` writes them again; the diff says what changed";

/// Fixtures of one kind, and the test that makes them.
struct Kind {
    /// Where they are.
    what: &'static str,
    /// The test's binary: a target of some crate.
    binary: &'static str,
    /// The test's full name; no other test has it.
    test: &'static str,
}

/// A new kind gets a line here, and a test that writes where `WDT_ETL_FIXTURES` is `write` and compares where it is not.
const KINDS: &[Kind] = &[
    Kind { what: "fixtures/pages/*/sim-*", binary: "it", test: "pages::pages_of_the_simulator_are_those_on_disk" },
    Kind { what: "fixtures/cassettes/*", binary: "cassettes", test: "the_cassettes_are_what_the_simulator_makes" },
];

/// Writes every fixture again.
pub(crate) fn write() -> Outcome {
    make(Some("write"))
}

/// Refuses fixtures that are stale, missing or made by nobody.
pub(crate) fn check() -> Outcome {
    make(None).map_err(|failure| failure.hint(HINT))
}

fn make(mode: Option<&str>) -> Outcome {
    for kind in KINDS {
        println!("{}: {}", kind.what, kind.test);
    }
    let mut cargo = command::cargo(&arguments(KINDS))?;
    cargo.env_remove(MODE).envs(mode.map(|mode| (MODE, mode)));
    let (tally, all_ended_well) = suite::counted(&mut cargo)?;
    let all = u64::try_from(KINDS.len()).unwrap_or(u64::MAX);
    match tally.passed {
        passed if passed == all && all_ended_well => Ok(()),
        passed => Err(Failure::new(format!("{passed} of {all} kinds of fixtures are as they should be"))),
    }
}

/// The whole workspace is built, as for the step `test`, so that nothing is compiled twice with other features.
fn arguments(kinds: &[Kind]) -> Vec<&'static str> {
    let mut arguments = vec!["test", "--quiet", "--workspace", "--no-fail-fast"];
    let mut binaries: Vec<&str> = kinds.iter().map(|kind| kind.binary).collect();
    binaries.dedup();
    arguments.extend(binaries.into_iter().flat_map(|binary| ["--test", binary]));
    arguments.extend(["--", "--exact"]);
    arguments.extend(kinds.iter().map(|kind| kind.test));
    arguments
}

#[cfg(test)]
mod tests {
    use super::{Kind, arguments};

    #[test]
    fn every_kind_is_asked_for_and_each_binary_once() {
        let kind = |binary, test| Kind { what: "", binary, test };
        let line = arguments(&[kind("it", "a::b"), kind("it", "c"), kind("cassettes", "d")]).join(" ");
        assert!(line.ends_with(" --test it --test cassettes -- --exact a::b c d"), "{line}");
    }
}
