//! What an account asks for, so that rows of two different questions never mix in one table.

use std::collections::BTreeSet;

use wdt_models::time::format_wall_time;

use crate::config::{Dataset, Ids};
use crate::error::EtlError;
use crate::table::CommitRecord;

/// Hash of the method, the business parameters, and the slices or ids, whose order means nothing.
pub(super) fn scope(dataset: &Dataset) -> String {
    let mut asked = serde_json::json!({ "method": dataset.method.name, "params": dataset.params });
    if !dataset.slices.is_empty() {
        asked["slices"] = dataset.slices.iter().map(ToString::to_string).collect::<BTreeSet<_>>().into_iter().collect();
    }
    if let Ids::Listed(ids) = &dataset.ids {
        asked["ids"] = ids.iter().copied().collect::<BTreeSet<i64>>().into_iter().collect();
    }
    let asked = asked.to_string();
    format!("{:032x}", twox_hash::XxHash3_128::oneshot(asked.as_bytes()))
}

/// Refuses a question that is not the one whose rows are there.
///
/// # Errors
///
/// [`EtlError::Usage`] when parameters or method changed, or `start` is earlier than the rows that were ever asked for.
pub(super) fn check_scope(record: &CommitRecord, account: &str, dataset: &Dataset) -> Result<(), EtlError> {
    let name = dataset.endpoint.dataset;
    if record.scope != scope(dataset) {
        return Err(EtlError::Usage {
            message: format!("account `{account}`, dataset `{name}`: method, params, slices or ids are not those the table was loaded with"),
            hint: Some("put them back, or give the new ones an account of their own: rows asked for in two ways must not mix under one watermark".to_owned()),
        });
    }
    if dataset.start < record.start {
        return Err(EtlError::Usage {
            message: format!(
                "account `{account}`, dataset `{name}`: start {} is earlier than {}, from which the table was loaded",
                format_wall_time(dataset.start),
                format_wall_time(record.start)
            ),
            hint: Some(format!(
                "put start back to \"{0}\"; older rows need a backfill from \"{1}\" to \"{0}\", which this version does not have yet, or a load into a new warehouse",
                format_wall_time(record.start),
                format_wall_time(dataset.start)
            )),
        });
    }
    Ok(())
}
