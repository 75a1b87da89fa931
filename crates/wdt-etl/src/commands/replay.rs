//! `wdt-etl replay`: a recorded run again, from its cassette alone.

use std::io::Write;
use std::sync::Arc;

use tokio::sync::watch;
use wdt_fetch::{Clock, Limiters, Waits};

use super::{output, summary};
use crate::cassette::Replay;
use crate::cli;
use crate::error::EtlError;
use crate::pipeline::Surroundings;
use crate::report::{Event, Reporter};
use wdt_warehouse::Warehouse;

/// Replays a cassette into a folder or into memory; prints the summary on `out`, unless `json` leaves everything to the
/// events. Needs a runtime whose time is paused, or it takes as long as the recorded run.
///
/// Returns the exit code of the run.
///
/// # Errors
///
/// [`EtlError::Cassette`] when the cassette cannot be read or the run differs from it; faults of the warehouse.
pub async fn replay(
    args: &cli::ReplayArgs,
    stop: watch::Receiver<bool>,
    (json, reporter): (bool, Arc<dyn Reporter>),
    out: &mut (dyn Write + Send),
) -> Result<u8, EtlError> {
    let replay = Arc::new(Replay::open(&args.dir)?);
    let warehouse = match &args.warehouse {
        Some(folder) => Warehouse::open(&folder.to_string_lossy(), args.format)?,
        None => Warehouse::memory(),
    };
    let around = surroundings(&replay, warehouse, stop, reporter);
    let outcome = crate::pipeline::run(replay.config(), &replay.order()?, &around).await?;
    if !json {
        summary::print("run", summary::RUN, &outcome, out).map_err(output)?;
    }
    if let Some(difference) = replay.difference(&outcome) {
        return Err(EtlError::Cassette {
            message: format!("the run differs from its recording: {difference}"),
            hint: None,
        });
    }
    let (exchanges, cassette) = (replay.exchanges(), args.dir.display().to_string());
    let whole = replay.header().outcome.is_some();
    if !json {
        let cut = if whole { "" } else { " (the recording was cut off)" };
        writeln!(out, "{exchanges} exchanges of {cassette} replayed, every request as recorded{cut}")
            .map_err(output)?;
    }
    around.reporter.event(&Event::Replayed { cassette, exchanges, whole });
    Ok(outcome.exit_code())
}

/// The world of the recorded run: its time, its name, its waits, its answers.
#[must_use]
pub fn surroundings(
    replay: &Arc<Replay>,
    warehouse: Warehouse,
    stop: watch::Receiver<bool>,
    reporter: Arc<dyn Reporter>,
) -> Surroundings {
    let header = replay.header();
    Surroundings {
        clock: Arc::clone(replay.clock()) as Arc<dyn Clock>,
        limiters: Arc::new(Limiters::default()),
        waits: Waits::default(),
        reporter,
        warehouse: Some(warehouse),
        transport: None,
        decisions: Arc::<Replay>::clone(replay),
        stop,
        seed: header.seed.parse().unwrap_or_default(),
        run_id: header.run_id.clone(),
    }
}
