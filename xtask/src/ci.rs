//! `cargo xtask ci`: the steps, in order, each named and timed.

use crate::command;
use crate::deny;
use crate::docs;
use crate::failure::{Failure, Outcome};
use crate::fixtures;
use crate::host::Stopwatch;
use crate::readers;
use crate::suite;
use crate::tally::Tally;
use crate::tidy;
use crate::tree;

/// One check. The cheap ones come first; the one that counts tests comes last, since its counts close the output.
struct Step {
    name: &'static str,
    about: &'static str,
    run: fn() -> Outcome<Option<Tally>>,
}

const STEPS: &[Step] = &[
    Step { name: "fmt", about: "rustfmt would change nothing", run: || plain(fmt()) },
    Step { name: "tidy", about: "the house rules that no other tool checks", run: || plain(tidy::run()) },
    Step { name: "tree", about: "which crate may depend on which; one Arrow", run: || plain(tree::run()) },
    Step { name: "docs", about: "the generated pages say what the descriptions say", run: || plain(docs::check()) },
    Step { name: "deny", about: "licences, banned crates and sources", run: || plain(deny::run()) },
    Step { name: "package", about: "the libraries make packages that others can build on", run: || plain(package()) },
    Step { name: "clippy", about: "no lint warns, tests and benches included", run: || plain(clippy()) },
    Step { name: "doc", about: "the reference builds without a warning", run: || plain(doc()) },
    Step {
        name: "readers",
        about: "the external readers' script finds planted differences",
        run: || plain(readers::check_script()),
    },
    Step { name: "fixtures", about: "the simulator still makes what is kept", run: || plain(fixtures::check()) },
    Step { name: "test", about: "all tests, with the external readers", run: || suite::run().map(Some) },
];

/// Crates that others may build on; the rest is the product's own.
const LIBRARIES: &[&str] = &["wdt-sign", "wdt-models", "wdt-fetch", "wdt-warehouse"];

/// Prints the steps.
#[expect(clippy::unnecessary_wraps, reason = "a task like the others")]
pub(crate) fn list() -> Outcome {
    for step in STEPS {
        println!("{:8} {}", step.name, step.about);
    }
    Ok(())
}

/// Runs the named steps, all if none is named.
pub(crate) fn run(names: &[String], keep_going: bool) -> Outcome {
    let steps = chosen(names)?;
    let mut report = Report::default();
    for step in steps {
        report.take(step);
        if !keep_going && !report.failed.is_empty() {
            break;
        }
    }
    report.close()
}

/// What happened so far.
#[derive(Default)]
struct Report {
    lines: Vec<String>,
    failed: Vec<&'static str>,
    tally: Option<Tally>,
}

impl Report {
    fn take(&mut self, step: &Step) {
        println!("==> {}: {}", step.name, step.about);
        let stopwatch = Stopwatch::start();
        let outcome = (step.run)();
        let seconds = stopwatch.elapsed().as_secs_f64();
        let verdict = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("<== {}: {verdict} in {seconds:.1} s", step.name);
        self.lines.push(format!("{:8} {verdict:6} {seconds:8.1} s", step.name));
        match outcome {
            Ok(tally) => self.tally = self.tally.or(tally),
            Err(failure) => {
                eprintln!("{}: {failure}", step.name);
                self.failed.push(step.name);
            }
        }
    }

    /// The durations, then as the very last line of stdout the counts of the tests, if they ran.
    fn close(self) -> Outcome {
        println!("{}", self.lines.join("\n"));
        if let Some(tally) = self.tally {
            println!("{tally}");
        }
        if self.failed.is_empty() { Ok(()) } else { Err(Failure::new(format!("failed: {}", self.failed.join(", ")))) }
    }
}

fn chosen(names: &[String]) -> Outcome<Vec<&'static Step>> {
    if let Some(unknown) = names.iter().find(|name| !STEPS.iter().any(|step| step.name == **name)) {
        return Err(Failure::new(format!("no step `{unknown}`")).hint("`cargo xtask ci --list` shows them"));
    }
    Ok(STEPS.iter().filter(|step| names.is_empty() || names.iter().any(|name| name == step.name)).collect())
}

fn plain(outcome: Outcome) -> Outcome<Option<Tally>> {
    outcome.map(|()| None)
}

fn fmt() -> Outcome {
    command::run(&mut command::cargo(&["fmt", "--all", "--check"])?)
}

/// First what is shipped, without the features that tests turn on; then everything.
fn clippy() -> Outcome {
    for targets in [&["--lib", "--bins"] as &[&str], &["--all-targets"]] {
        let arguments = [&["clippy", "--workspace"], targets, &["--", "-D", "warnings"]].concat();
        command::run(&mut command::cargo(&arguments)?)?;
    }
    Ok(())
}

fn doc() -> Outcome {
    command::run(command::cargo(&["doc", "--workspace", "--no-deps"])?.env("RUSTDOCFLAGS", "-D warnings"))
}

/// Builds nothing and asks no registry: what the packages need is what the workspace has locked.
fn package() -> Outcome {
    let mut cargo = command::cargo(&["package", "--no-verify", "--allow-dirty", "--locked", "--offline"])?;
    command::run(cargo.args(LIBRARIES.iter().flat_map(|name| ["-p", name])))
}

#[cfg(test)]
mod tests {
    use super::{Report, Step, chosen};
    use crate::failure::Failure;
    use crate::tally::Tally;

    #[test]
    fn steps_keep_their_order_and_unknown_ones_are_refused() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let picked = chosen(&names(&["test", "fmt"])).unwrap();
        assert_eq!(picked.iter().map(|step| step.name).collect::<Vec<_>>(), ["fmt", "test"]);
        assert_eq!(chosen(&[]).unwrap().last().unwrap().name, "test", "its counts are the last line");
        assert!(chosen(&names(&["fmt", "tests"])).is_err());
    }

    #[test]
    fn one_failed_step_fails_the_run() {
        let mut report = Report::default();
        report.take(&Step { name: "bad", about: "", run: || Err(Failure::new("x")) });
        report.take(&Step { name: "test", about: "", run: || Ok(Some(Tally { passed: 1, failed: 0, skipped: 0 })) });
        assert!(report.tally.is_some());
        assert!(report.close().unwrap_err().to_string().contains("bad"));
    }
}
