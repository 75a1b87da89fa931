//! `wdt-etl run`: the nightly job, reported as it goes and summed up at the end.

use std::io::Write;

use uuid::Uuid;
use wdt_models::Window;

use super::{output, summary};
use crate::cli;
use crate::config::Config;
use crate::error::EtlError;
use crate::pipeline::{Order, Surroundings, Task};

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
        summary::print("run", summary::RUN, &outcome, out).map_err(output)?;
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
