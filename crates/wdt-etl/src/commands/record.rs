//! `wdt-etl record`: the nightly job with every exchange kept.

use std::io::Write;
use std::sync::Arc;

use wdt_sign::Secret;

use super::{output, summary};
use crate::cassette::{Hidden, Recording, Scramble};
use crate::cli::RecordArgs;
use crate::config::Config;
use crate::environment::Variables;
use crate::error::EtlError;
use crate::pipeline::{Order, Surroundings, Task};
use crate::report::Event;

/// Runs the job and keeps it in the folder; prints the summary on `out`, unless `json` leaves everything to the events.
///
/// Returns the exit code of the run.
///
/// # Errors
///
/// Faults that end the run before any call, a folder that cannot be written.
pub async fn record(
    config: &Config,
    args: &RecordArgs,
    variables: &Variables,
    around: &Surroundings,
    json: bool,
    out: &mut (dyn Write + Send),
) -> Result<u8, EtlError> {
    let task = Task::Run { until: args.until, accept: None };
    let order = Order { select: args.select.names(), task, dry_run: args.dry_run };
    let texts = args.scramble.as_deref().map(|name| scramble(name, variables)).transpose()?;
    let hidden = Hidden { accounts: args.mask_accounts, texts };
    let recording = Arc::new(Recording::begin(&args.dir, config, &order, around, hidden)?);
    let around = Surroundings { decisions: Arc::<Recording>::clone(&recording), ..around.clone() };
    let outcome = crate::pipeline::run(config, &order, &around).await?;
    recording.finish(&outcome)?;
    let (exchanges, cassette) = (recording.exchanges(), args.dir.display().to_string());
    if !json {
        summary::print("run", summary::RUN, &outcome, out).map_err(output)?;
        writeln!(out, "{exchanges} exchanges kept in {cassette}; again: wdt-etl replay {cassette}").map_err(output)?;
    }
    around.reporter.event(&Event::Recorded { cassette, exchanges });
    Ok(outcome.exit_code())
}

/// The scrambling by the key in that variable.
fn scramble(name: &str, variables: &Variables) -> Result<Scramble, EtlError> {
    let key = variables.get(name).map(Secret::new);
    key.as_ref().and_then(Scramble::new).ok_or_else(|| EtlError::Usage {
        message: match key {
            Some(_) => format!("variable {name} is shorter than 12 characters"),
            None => format!("variable {name} is not set"),
        },
        hint: Some(format!(
            "put a long random text into {name}: the same key scrambles the same way in every cassette"
        )),
    })
}
