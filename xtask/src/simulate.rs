//! Simulated weeks: as many as asked for, of the test that CI plays a thousand of.

use clap::Args;

use crate::command;
use crate::failure::Outcome;

/// Which weeks are played; what a failed week prints repeats it alone.
#[derive(Args)]
pub(crate) struct Simulate {
    /// Weeks on tables in memory.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// Weeks on Delta tables in a temporary folder.
    #[arg(long, default_value_t = 0)]
    delta: u64,
    /// Weeks on plain Parquet in a temporary folder.
    #[arg(long, default_value_t = 0)]
    parquet: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// Record and replay the runs of one week in so many; 1 records every run.
    #[arg(long, default_value_t = 10)]
    record: u64,
    /// Optimise the build: it takes many minutes once, and each week a fraction of its time.
    #[arg(long)]
    release: bool,
}

/// Plays them, a thread for each core.
pub(crate) fn run(asked: &Simulate) -> Outcome {
    let mut arguments = vec!["test", "-p", "wdt-etl", "--test", "simulation"];
    if asked.release {
        arguments.push("--release");
    }
    arguments.extend(["--", "--nocapture", "--test-threads", "1", "no_row_is_lost"]);
    let mut cargo = command::cargo(&arguments)?;
    let counts = [
        ("SEEDS", asked.seeds),
        ("DELTA", asked.delta),
        ("PARQUET", asked.parquet),
        ("FIRST", asked.first),
        ("RECORD", asked.record),
    ];
    for (name, value) in counts {
        cargo.env(format!("WDT_ETL_SIMULATE_{name}"), value.to_string());
    }
    command::run(&mut cargo)
}
