//! The places of this crate where a test may kill the process; those of the tables are in
//! [`wdt_warehouse::failpoint`], which also arms them.

wdt_warehouse::failpoints! {
    /// The datasets' tables are open and caught up, before the mirrors.
    TablesOpened = "tables-opened",
    /// The mirrors are open and caught up.
    MirrorsOpened = "mirrors-opened",
    /// Watermarks are read, no call is made yet.
    Prepared = "prepared",
    /// A window is waited for.
    WindowDue = "window-due",
    /// A window was read.
    WindowRead = "window-read",
    /// A slice is waited for.
    SliceDue = "slice-due",
    /// A slice was read.
    SliceRead = "slice-read",
    /// The rows of a list of ids are waited for.
    IdsDue = "ids-due",
    /// The rows of a list of ids were read.
    IdsRead = "ids-read",
    /// A backfill has landed its range.
    BackfillLanded = "backfill-landed",
    /// A window of a reconcile is waited for.
    ReconcileDue = "reconcile-due",
    /// A window of a reconcile was read.
    ReconcileRead = "reconcile-read",
    /// A reconcile waits until the changes have settled.
    ReconcileSettling = "reconcile-settling",
    /// A reconcile reads what moved after its windows.
    ReconcileClosing = "reconcile-closing",
    /// A reconcile is about to mark rows.
    ReconcileMarking = "reconcile-marking",
    /// Readings are about to be landed.
    Landing = "landing",
    /// Readings are landed.
    Landed = "landed",
    /// A dataset is done, its run's row not yet written.
    RunEnding = "run-ending",
    /// The run's row is written, the commits are not yet mirrored.
    RunWritten = "run-written",
    /// Everything of a dataset is written.
    RunMirrored = "run-mirrored",
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_place_has_a_name_of_its_own() {
        let own = Place::ALL.iter().map(|place| place.name());
        let names: Vec<&str> =
            own.chain(wdt_warehouse::failpoint::Place::ALL.iter().map(|place| place.name())).collect();
        let distinct: HashSet<&&str> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{names:?}");
    }
}
