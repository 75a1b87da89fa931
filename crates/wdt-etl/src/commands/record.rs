//! `wdt-etl record`: the nightly job with every exchange kept.

use std::io::Write;
use std::sync::Arc;

use super::{output, run};
use crate::cassette::{Cassette, Numbers, Recording};
use crate::cli::Record;
use crate::config::Config;
use crate::error::EtlError;
use crate::pipeline::{RunOptions, Surroundings};

/// Runs the job and keeps it in the folder; prints the summary on `out`, unless `json` leaves everything to the events.
///
/// Returns the exit code of the run.
///
/// # Errors
///
/// Faults that end the run before any call, a folder that cannot be written.
pub async fn record(
    config: &Config,
    args: &Record,
    around: &Surroundings,
    json: bool,
    out: &mut (dyn Write + Send),
) -> Result<u8, EtlError> {
    let options = RunOptions {
        accounts: args.accounts.clone(),
        datasets: args.datasets.clone(),
        until: args.until,
        dry_run: args.dry_run,
        ..RunOptions::default()
    };
    let numbers = if args.mask_accounts { Numbers::Masked } else { Numbers::Kept };
    let recording = Arc::new(Recording::begin(&args.dir, config, &options, around, numbers)?);
    let around = Surroundings { cassette: Some(Cassette::Recording(Arc::clone(&recording))), ..around.clone() };
    let outcome = crate::pipeline::run(config, &options, &around).await?;
    recording.finish(&outcome)?;
    if !json {
        run::summary(&outcome, out).map_err(|error| output(&error))?;
        let (exchanges, dir) = (recording.exchanges(), args.dir.display());
        writeln!(out, "{exchanges} exchanges kept in {dir}; again: wdt-etl replay {dir}")
            .map_err(|error| output(&error))?;
    }
    Ok(outcome.exit_code())
}
