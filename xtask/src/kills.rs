//! `cargo xtask kills`: the tests that kill a run at every failpoint, in the profile that is shipped too.

use crate::command;
use crate::failure::Outcome;
use crate::suite;

/// Runs them; with `release` on what is shipped, plus the failpoints.
pub(crate) fn run(release: bool) -> Outcome {
    let (tally, all_ended_well) = suite::counted(&mut command::cargo(&arguments(release))?)?;
    suite::verdict(tally, all_ended_well)
}

fn arguments(release: bool) -> Vec<&'static str> {
    let mut arguments = vec!["test", "-p", "wdt-etl", "--test", "it"];
    if release {
        arguments.extend(["--release", "--features", "failpoints"]);
    }
    arguments.push("kill::");
    arguments
}

#[cfg(test)]
mod tests {
    use super::arguments;

    #[test]
    fn what_is_shipped_has_failpoints_only_if_they_are_asked_for() {
        assert_eq!(arguments(false).join(" "), "test -p wdt-etl --test it kill::");
        assert_eq!(arguments(true).join(" "), "test -p wdt-etl --test it --release --features failpoints kill::");
    }
}
