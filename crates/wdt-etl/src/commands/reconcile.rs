//! `wdt-etl reconcile`: every row compared with the platform, told as it goes and summed up at the end.

use std::io::Write;

use super::output;
use crate::cli;
use crate::config::Config;
use crate::error::EtlError;
use crate::pipeline::{DatasetOutcome, Order, RunOutcome, Surroundings, Task};

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
        summary(&outcome, out).map_err(output)?;
    }
    Ok(outcome.exit_code())
}

fn summary(outcome: &RunOutcome, out: &mut (dyn Write + Send)) -> std::io::Result<()> {
    writeln!(
        out,
        "{:<16} {:<20} {:<12} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9} {:>8}",
        "account", "dataset", "verdict", "calls", "records", "changed", "unmoved", "vanished", "marked", "refused"
    )?;
    for dataset in &outcome.datasets {
        line(dataset, out)?;
    }
    writeln!(out, "reconcile {}, exit code {}", outcome.run_id, outcome.exit_code())
}

fn line(dataset: &DatasetOutcome, out: &mut (dyn Write + Send)) -> std::io::Result<()> {
    writeln!(
        out,
        "{:<16} {:<20} {:<12} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9} {:>8}",
        dataset.account,
        dataset.dataset,
        dataset.verdict.name(),
        dataset.calls,
        dataset.records,
        dataset.changed,
        dataset.unmoved,
        dataset.vanished,
        dataset.deleted,
        dataset.refused
    )?;
    if let Some(problem) = &dataset.problem {
        writeln!(out, "  error: {}", problem.message)?;
        if let Some(hint) = &problem.hint {
            writeln!(out, "  hint: {hint}")?;
        }
    }
    Ok(())
}
