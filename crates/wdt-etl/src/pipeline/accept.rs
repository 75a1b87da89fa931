//! Windows that an operator takes as they are, though nothing proves them whole.

use wdt_fetch::Target;
use wdt_models::time::format_wall_time;
use wdt_models::{Certificate, Verdict, Window};

use super::decisions::PartName;
use super::order::{Select, Selected, Task};
use crate::error::{EtlError, Failure};

/// Refuses to accept windows of more than one dataset, or of one that has none.
///
/// # Errors
///
/// [`EtlError::Usage`] unless one account and one dataset with windows are named.
pub(super) fn check(accept: Window, select: &Select, selected: &[Selected<'_>]) -> Result<(), EtlError> {
    let named = select.accounts.len() == 1 && select.datasets.len() == 1;
    let (message, hint) = match selected {
        _ if accept.start > accept.end => {
            ("--accept-window ends before it begins".to_owned(), "write the earlier time first")
        }
        [(_, dataset)] if named && dataset.endpoint.cursor().is_none() => (
            format!("{} has no windows to accept", dataset.endpoint.dataset),
            "a slice that cannot be certified keeps its rows; run again when the ERP is quiet",
        ),
        [_] if named => return Ok(()),
        _ => (
            "--accept-window needs exactly one --account and one --dataset".to_owned(),
            "name the two that the message of the failed run names",
        ),
    };
    Err(EtlError::Usage { message, hint: Some(hint.to_owned()) })
}

/// Whether a window of a commit was taken as it is.
pub(super) fn accepted_in(certificates: &[Certificate]) -> bool {
    certificates.iter().any(|certificate| certificate.verdict == Verdict::Accepted)
}

/// What to say of a window that was taken as it is; `None` of a certified one.
pub(super) fn accepted_notice(certificate: &Certificate) -> Option<String> {
    let (Verdict::Accepted, Some(start), Some(end)) = (certificate.verdict, certificate.start, certificate.end) else {
        return None;
    };
    let Certificate { distinct, declared_before, declared_after, .. } = certificate;
    Some(format!(
        "window {} accepted as it is: {distinct} records read, {declared_before} declared before and {declared_after} \
         after; it is on record in etl_windows",
        Window::new(start, end)
    ))
}

/// How to take a window that could not be certified; `None` for slices, and for backfills.
///
/// The range is wider by the shortest window at both ends, since the next windows share seconds with this one and
/// may fail for the same.
pub(super) fn accept_hint(part: PartName<'_>, task: Task, what: &Target) -> Option<String> {
    let (Target::Window(window), Task::Run { .. } | Task::Reconcile(_)) = (what, task) else { return None };
    let margin = Window::SHORTEST_SECONDS;
    let hint = Failure::Uncertified.policy().hint?;
    Some(format!(
        "{hint}; to take this window as it is, on record: wdt-etl run --account {} --dataset {} --accept-window \"{}\" \"{}\"",
        part.account,
        part.dataset,
        format_wall_time(window.start - margin),
        format_wall_time(window.end + margin)
    ))
}
