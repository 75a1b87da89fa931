//! Every application id under which this project commits: what a reader of the logs finds as `txn`.
//!
//! The ids are part of the stored tables. One that is spelled in another way is another application, whose watermark
//! nobody has ever moved.

use wdt_models::Slice;

/// Begin of the ids of runs.
pub(crate) const RUN: &str = "wdt-etl/run/";
/// The projection; its version is the history version applied.
pub(crate) const PROJECTION: &str = "wdt-etl/projection";
/// Those who write rows of a mirror by key; its version counts their turns.
pub(crate) const MIRROR_ROWS: &str = "wdt-etl/mirror-rows";

/// An account's runs of a dataset; its version is the watermark in epoch seconds.
pub(crate) fn run(account: &str, dataset: &str) -> String {
    format!("{RUN}{account}/{dataset}")
}

/// An account's readings of one slice; its version is the platform time in milliseconds.
pub(crate) fn slice(account: &str, dataset: &str, slice: &Slice) -> String {
    format!("{RUN}{account}/{dataset}/{slice}")
}

/// An account's backfills of a dataset; its version counts their commits.
pub(crate) fn backfill(account: &str, dataset: &str) -> String {
    format!("wdt-etl/backfill/{account}/{dataset}")
}

/// An account's reconciles of a dataset; its version counts their commits.
pub(crate) fn reconcile(account: &str, dataset: &str) -> String {
    format!("wdt-etl/reconcile/{account}/{dataset}")
}

/// A mirror's copy of what a dataset's history says; its version is the history version copied.
pub(crate) fn mirror(dataset: &str) -> String {
    format!("wdt-etl/mirror/{dataset}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ids_are_those_of_the_stored_tables() {
        let slice_of = Slice(vec![("shop_no".to_owned(), "7".to_owned())]);
        assert_eq!(run("main", "stock"), "wdt-etl/run/main/stock");
        assert_eq!(slice("main", "stock", &slice_of), format!("wdt-etl/run/main/stock/{slice_of}"));
        assert_eq!(backfill("main", "stock"), "wdt-etl/backfill/main/stock");
        assert_eq!(reconcile("main", "stock"), "wdt-etl/reconcile/main/stock");
        assert_eq!(mirror("stock"), "wdt-etl/mirror/stock");
        assert_eq!((PROJECTION, MIRROR_ROWS), ("wdt-etl/projection", "wdt-etl/mirror-rows"));
    }
}
