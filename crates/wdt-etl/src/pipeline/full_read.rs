//! The endpoint's own full read, `backfill --all`: everything behind the watermark in one window of any length.
//!
//! It is one reading, landed whole or not at all, because a platform may take everything for each piece of it.

use wdt_models::FullRead;
use wdt_models::time::{Seconds, format_wall_time};

use super::order::{Select, Selected};
use crate::error::EtlError;
use crate::plan::Range;

/// The datasets that have a full read; at this time the platform must take it.
///
/// # Errors
///
/// [`EtlError::Usage`] when a dataset without one is named, or none is left; [`EtlError::Closed`] outside its hours.
pub(super) fn with_full_read<'a>(
    selected: Vec<Selected<'a>>,
    select: &Select,
    now: Seconds,
) -> Result<Vec<Selected<'a>>, EtlError> {
    let (with, without): (Vec<_>, Vec<_>) =
        selected.into_iter().partition(|(_, dataset)| dataset.endpoint.full_read.is_some());
    match without.first() {
        Some((_, dataset)) if with.is_empty() || !select.datasets.is_empty() => {
            Err(without_full_read(dataset.endpoint.dataset, !select.datasets.is_empty()))
        }
        _ => with.iter().try_for_each(|(_, dataset)| open(dataset.endpoint, now)).map(|()| with),
    }
}

/// One window over everything up to the watermark.
pub(super) fn range(from: Seconds, until: Seconds) -> Range {
    let length = until - from + 2;
    Range { from, until, watermark: None, first: length, longest: length, most_records: u64::MAX }
}

fn open(endpoint: &wdt_models::Endpoint, now: Seconds) -> Result<(), EtlError> {
    let Some(hours) = endpoint.full_read.and_then(|FullRead { hours, .. }| hours) else { return Ok(()) };
    hours.opens(now).map_or(Ok(()), |opens| {
        Err(EtlError::Closed {
            dataset: endpoint.dataset.to_owned(),
            hours: hours.to_string(),
            now: format_wall_time(now),
            opens: format_wall_time(opens),
        })
    })
}

fn without_full_read(dataset: &str, named: bool) -> EtlError {
    let with = wdt_models::endpoints::ALL.iter().filter(|endpoint| endpoint.full_read.is_some());
    let with = with.map(|endpoint| endpoint.dataset).collect::<Vec<_>>().join(", ");
    let message = if named {
        format!("{dataset} has no full read of its own")
    } else {
        "none of the datasets has a full read of its own".to_owned()
    };
    let hint = format!("those that have one: {with}; others are read in windows: wdt-etl backfill --from … --to …");
    EtlError::Usage { message, hint: Some(hint) }
}
