//! The project's own checks and generated pages: `cargo xtask ci` is what CI runs, step for step.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool for developers")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod ci;
mod code;
mod command;
mod deny;
mod docs;
mod failure;
mod files;
mod fixtures;
mod host;
mod house;
mod kills;
mod readers;
mod simulate;
mod suite;
mod tally;
mod tidy;
mod tree;

/// The project's own checks and generated pages.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every check, or those named.
    Ci {
        /// Steps to run, in the order of the list; all if none is named.
        steps: Vec<String>,
        /// Print the steps and stop.
        #[arg(long)]
        list: bool,
        /// Go on after a step failed.
        #[arg(long)]
        keep_going: bool,
    },
    /// Write the generated pages of docs/: endpoints.md and errors.md.
    Docs {
        /// Change nothing; fail if a page is stale.
        #[arg(long)]
        check: bool,
    },
    /// Write the fixtures that the simulator makes: pages of every method, cassettes of whole nights.
    ///
    /// From fixed seeds, at fixed times: unchanged code writes the same bytes. Read the diff before it is committed.
    Fixtures {
        /// Change nothing; fail if a fixture is stale, missing or made by nobody.
        #[arg(long)]
        check: bool,
    },
    /// Play simulated weeks: seeds decide edits, faults, clocks, kills and rivals; an oracle compares every row.
    ///
    /// One failed week again, told job by job: cargo xtask simulate --first SEED --seeds 1
    Simulate(simulate::Simulate),
    /// Kill a run at every failpoint, let its store fail, and compare the tables with those of a run that nothing disturbed.
    Kills {
        /// Optimise the build as what is shipped: it takes many minutes once.
        #[arg(long)]
        release: bool,
    },
    /// Print figures of the product's code: lines and share of each crate, circles of imports, names with two meanings.
    House,
    /// Compare the tables of a warehouse with expected values, as readers that are not this project see them.
    Readers {
        /// Folder with one Delta table per name.
        warehouse: PathBuf,
        /// Expected values; the format is in crates/wdt-etl/tests/readers/read_tables.py.
        expected: PathBuf,
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Ci { list: true, .. } => ci::list(),
        Task::Ci { steps, keep_going, .. } => ci::run(&steps, keep_going),
        Task::Docs { check: true } => docs::check(),
        Task::Docs { check: false } => docs::write(),
        Task::Fixtures { check: true } => fixtures::check(),
        Task::Fixtures { check: false } => fixtures::write(),
        Task::Simulate(asked) => simulate::run(&asked),
        Task::Kills { release } => kills::run(release),
        Task::House => house::run(),
        Task::Readers { warehouse, expected } => readers::compare(&warehouse, &expected),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
