//! `wdt-etl reconcile`: every row compared with the platform, reported as it goes and summed up at the end.

use std::io::Write;

use super::{output, summary};
use crate::cli;
use crate::config::Config;
use crate::error::EtlError;
use crate::pipeline::{Order, Surroundings, Task};

/// Compares the datasets and prints the summary on `out`, unless `json` leaves everything to the events.
///
/// Returns the exit code.
///
/// # Errors
///
/// Faults that end the command before any call.
pub async fn reconcile(
    config: &Config,
    args: &cli::Reconcile,
    around: &Surroundings,
    json: bool,
    out: &mut (dyn Write + Send),
) -> Result<u8, EtlError> {
    let task = Task::Reconcile(args.max_deletes.unwrap_or_default());
    let order = Order { select: args.select.names(), task, dry_run: args.dry_run };
    let outcome = crate::pipeline::run(config, &order, around).await?;
    if !json {
        summary::print("reconcile", summary::RECONCILE, &outcome, out).map_err(output)?;
    }
    Ok(outcome.exit_code())
}
