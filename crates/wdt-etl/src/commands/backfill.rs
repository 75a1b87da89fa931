//! `wdt-etl backfill`: a range behind the watermark, reported and summed up as a run is.

use std::io::Write;

use wdt_models::Window;

use super::run::run;
use crate::cli::Backfill;
use crate::config::Config;
use crate::error::EtlError;
use crate::pipeline::{Order, Surroundings, Task};

/// Reads the range, or everything, and prints the summary on `out`, unless `json` leaves everything to the events.
///
/// Returns the exit code.
///
/// # Errors
///
/// Faults that end it before any call, a range that is none among them.
pub async fn backfill(
    config: &Config,
    args: &Backfill,
    around: &Surroundings,
    json: bool,
    out: &mut (dyn Write + Send),
) -> Result<u8, EtlError> {
    let range = args.from.zip(args.to).map(|(from, to)| Window::new(from, to));
    let task = range.map_or(Task::FullRead, Task::Backfill);
    let order = Order { select: args.select.names(), task, dry_run: args.dry_run };
    run(config, &order, around, json, out).await
}
