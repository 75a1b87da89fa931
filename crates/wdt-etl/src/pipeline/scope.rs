//! What an account asks for, so that rows asked for in two ways never mix in one table.
//!
//! Slices are no part of it: each is a table of its own to the guarantees, with its own transaction, so one that is added
//! begins with its first reading and one that is taken away only stays as it was.

use std::collections::BTreeSet;

use wdt_models::time::{Seconds, format_wall_time};

use crate::config::{Dataset, Ids};
use crate::error::EtlError;
use wdt_warehouse::Scope;

/// Hash of the method, the business parameters, and listed ids, whose order means nothing.
pub(super) fn scope(dataset: &Dataset) -> String {
    let mut asked = serde_json::json!({ "method": dataset.method.name, "params": dataset.params });
    if let Ids::Listed(ids) = &dataset.ids {
        asked["ids"] = ids.iter().copied().collect::<BTreeSet<i64>>().into_iter().collect();
    }
    let asked = asked.to_string();
    format!("{:032x}", twox_hash::XxHash3_128::oneshot(asked.as_bytes()))
}

/// Refuses a scope that is not the one whose rows are in the table.
///
/// # Errors
///
/// [`EtlError::Usage`] when parameters or method changed, or `start` is earlier than the rows that were ever asked for.
pub(super) fn check_scope(
    landed: &Scope,
    watermark: Option<Seconds>,
    account: &str,
    dataset: &Dataset,
) -> Result<(), EtlError> {
    let name = dataset.endpoint.dataset;
    if landed.hash != scope(dataset) {
        let hint = match watermark.filter(|_| dataset.endpoint.cursor().is_some()) {
            Some(watermark) => format!(
                "put them back, or read everything in the new way, after which it is accepted: {}",
                backfill_line(account, dataset, dataset.start, watermark)
            ),
            None => {
                "put them back, or give the new ones an account of their own: rows asked for in two ways must not mix"
                    .to_owned()
            }
        };
        let message = format!(
            "account `{account}`, dataset `{name}`: method, params or ids are not those the table was loaded with"
        );
        return Err(EtlError::Usage { message, hint: Some(hint) });
    }
    if dataset.endpoint.cursor().is_some() && dataset.start < landed.start {
        let (asked, start) = (format_wall_time(dataset.start), format_wall_time(landed.start));
        let line = backfill_line(account, dataset, dataset.start, landed.start);
        return Err(EtlError::Usage {
            message: format!(
                "account `{account}`, dataset `{name}`: start {asked} is earlier than {start}, from which the table was loaded"
            ),
            hint: Some(format!(
                "put start back to \"{start}\", or read the older rows, after which it is accepted: {line}"
            )),
        });
    }
    Ok(())
}

/// The command that reads a range again.
pub(super) fn backfill_line(account: &str, dataset: &Dataset, from: Seconds, to: Seconds) -> String {
    let (from, to) = (format_wall_time(from), format_wall_time(to));
    let name = dataset.endpoint.dataset;
    format!("wdt-etl backfill --account {account} --dataset {name} --from \"{from}\" --to \"{to}\"")
}
