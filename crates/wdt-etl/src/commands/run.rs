//! `wdt-etl run`: the nightly job, told as it goes and summed up at the end.

use std::io::Write;

use uuid::Uuid;
use wdt_models::Window;
use wdt_models::time::format_wall_time;

use super::output;
use crate::cli;
use crate::config::Config;
use crate::error::EtlError;
use crate::pipeline::{Order, RunOutcome, Surroundings, Task};

/// Runs the job and prints the summary on `out`, unless `json` leaves everything to the events.
///
/// Returns the exit code.
///
/// # Errors
///
/// Faults that end the run before any call.
pub async fn run(
    config: &Config,
    order: &Order,
    around: &Surroundings,
    json: bool,
    out: &mut (dyn Write + Send),
) -> Result<u8, EtlError> {
    let outcome = crate::pipeline::run(config, order, around).await?;
    if !json {
        summary(&outcome, out).map_err(output)?;
    }
    Ok(outcome.exit_code())
}

/// What the command line of `run` asks for.
#[must_use]
pub fn order(args: &cli::Run) -> Order {
    let accept = match args.accept_window.as_slice() {
        &[start, end] => Some(Window::new(start, end)),
        _ => None,
    };
    let task = Task::Run { until: args.until, accept };
    Order { select: args.select.names(), task, dry_run: args.dry_run }
}

/// A name for a run that sorts by time.
#[must_use]
pub fn new_run_id() -> String {
    Uuid::now_v7().to_string()
}

/// A line per account and dataset, and what went wrong below it.
///
/// # Errors
///
/// When `out` cannot be written.
pub(crate) fn summary(outcome: &RunOutcome, out: &mut (dyn Write + Send)) -> std::io::Result<()> {
    writeln!(
        out,
        "{:<16} {:<20} {:<12} {:>7} {:>9} {:>9} {:>8} {:>9} {:>8}  complete until",
        "account", "dataset", "verdict", "calls", "records", "changed", "deleted", "same", "refused"
    )?;
    for dataset in &outcome.datasets {
        let watermark = dataset.watermark.map_or_else(|| "-".to_owned(), format_wall_time);
        writeln!(
            out,
            "{:<16} {:<20} {:<12} {:>7} {:>9} {:>9} {:>8} {:>9} {:>8}  {watermark}",
            dataset.account,
            dataset.dataset,
            dataset.verdict.name(),
            dataset.calls,
            dataset.records,
            dataset.changed,
            dataset.deleted,
            dataset.unchanged,
            dataset.refused
        )?;
        if dataset.refused_upstream > 0 {
            let ids = dataset.refused_upstream;
            writeln!(out, "  note: {ids} ids are refused by the platform itself; etl_quarantine tells why")?;
        }
        if let Some(problem) = &dataset.problem {
            writeln!(out, "  error: {}", problem.message)?;
            if let Some(hint) = &problem.hint {
                writeln!(out, "  hint: {hint}")?;
            }
        }
    }
    writeln!(out, "run {}, exit code {}", outcome.run_id, outcome.exit_code())
}
