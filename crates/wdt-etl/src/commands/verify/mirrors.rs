//! Whether the `etl_*` tables have what the commits say. Nothing depends on them, so a difference is only told.

use wdt_warehouse::proof::MirrorCheck;

use super::line::{Line, Subject};

/// The counts of a dataset's rows in the mirrors, beside its commits up to this version.
pub(super) fn mirrors(subject: Subject<'_>, version: u64, mirrors: &[MirrorCheck]) -> Line {
    let (mut behind, mut differing, mut equal) = (Vec::new(), Vec::new(), Vec::new());
    for mirror in mirrors {
        let wanted = mirror.wanted;
        let counts = format!("{} has {} rows, the commits {wanted}", mirror.name, mirror.rows);
        match mirror.copied {
            _ if mirror.rows == wanted => equal.push(format!("{} {wanted}", mirror.name)),
            Some(copied) if copied >= version => differing.push(counts),
            Some(_) => behind.push(counts),
            None => behind.push(format!("{} is not there", mirror.name)),
        }
    }
    if differing.is_empty() && behind.is_empty() {
        subject.ok(format!("{} rows, as the commits say", equal.join(", ")))
    } else if differing.is_empty() {
        subject.note(behind.join("; "), "nothing: the next run copies what is missing from the history")
    } else {
        differing.extend(behind);
        subject.note(differing.join("; "), "move that table away: the next run fills it again from the histories")
    }
}
