//! The step `test`: the tests of the workspace, counted, and the external readers among them proved to have run.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::command;
use crate::failure::{Failure, Outcome};
use crate::host;
use crate::readers;
use crate::tally::Tally;

/// Runs `cargo test --workspace`, doc tests included, with the Python of the external readers in `WDT_ETL_PYTHON`.
pub(crate) fn run() -> Outcome<Tally> {
    let python = readers::python()?;
    let record = Record::new()?;
    let mut cargo = command::cargo(&["test", "--workspace", "--no-fail-fast"])?;
    cargo.env(readers::PYTHON, &python).env(readers::RECORD, &record.path);
    let (tally, all_ended_well) = counted(&mut cargo)?;
    verdict(tally, all_ended_well)?;
    proof_of_readers(&record.read())?;
    Ok(tally)
}

/// Runs it, shows what it prints as it comes, and sums the summaries of the test binaries.
pub(crate) fn counted(command: &mut Command) -> Outcome<(Tally, bool)> {
    println!("$ {}", command::line(command));
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| command::not_started(command, &error))?;
    let mut tally = Tally::default();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n') {
            let line = line.map_err(|error| Failure::new(format!("output of the tests: {error}")))?;
            show(&line);
            if let Some(counts) = Tally::of_line(&String::from_utf8_lossy(&line)) {
                tally += counts;
            }
        }
    }
    let status = child.wait().map_err(|error| Failure::new(format!("end of the tests: {error}")))?;
    Ok((tally, status.success()))
}

/// A closed stdout is no reason to stop the tests.
fn show(line: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    let _ = stdout.write_all(line).and_then(|()| stdout.write_all(b"\n"));
}

/// Only tests that ran and passed are a success.
pub(crate) fn verdict(tally: Tally, all_ended_well: bool) -> Outcome {
    match tally {
        Tally { failed: 1.., .. } => Err(Failure::new(tally.to_string())),
        _ if !all_ended_well => Err(Failure::new("a test binary did not build or did not come to its summary")),
        Tally { passed: 0, .. } => Err(Failure::new("no test ran")),
        _ => Ok(()),
    }
}

/// The script itself writes the record, so a test that skipped it in silence is seen.
fn proof_of_readers(record: &str) -> Outcome {
    let missing = |reader: &&&str| !record.lines().any(|line| line.starts_with(&format!("reader {reader}: ok")));
    match readers::NAMES.iter().find(missing) {
        Some(reader) => Err(Failure::new(format!("no test had the tables read by {reader}"))
            .hint("the test of the external readers must run the Python that WDT_ETL_PYTHON names")),
        None => Ok(()),
    }
}

/// The file to which the readers' script adds its lines; removed at the end.
struct Record {
    path: PathBuf,
}

impl Record {
    fn new() -> Outcome<Self> {
        let path = host::cache()?.join(format!("readers-{}.txt", std::process::id()));
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, ""))
            .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        Ok(Self { path })
    }

    fn read(&self) -> String {
        fs::read_to_string(&self.path).unwrap_or_default()
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::{proof_of_readers, readers, verdict};
    use crate::tally::Tally;

    #[test]
    fn only_tests_that_ran_and_passed_are_a_success() {
        let tally = |passed, failed| Tally { passed, failed, skipped: 0 };
        assert!(verdict(tally(5, 0), true).is_ok());
        assert!(verdict(tally(5, 1), true).is_err(), "a failed test");
        assert!(verdict(tally(5, 0), false).is_err(), "a binary that died");
        assert!(verdict(tally(0, 0), true).is_err(), "no test at all");
    }

    #[test]
    fn every_reader_must_have_read() {
        let line = |reader: &&str| format!("reader {reader}: ok, 9 checks of a\n");
        let all: String = readers::NAMES.iter().map(line).collect();
        assert!(proof_of_readers(&all).is_ok());
        assert!(proof_of_readers("").is_err(), "skipped");
        for reader in readers::NAMES {
            let own = line(reader);
            assert!(proof_of_readers(&all.replace(&own, "")).is_err(), "without {reader}");
            let differs = own.replace(": ok", ": a: rows");
            assert!(proof_of_readers(&all.replace(&own, &differs)).is_err(), "a difference of {reader}");
        }
    }
}
