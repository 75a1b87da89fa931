//! What an account's rows were asked for, and whose turn it is to commit.
//!
//! A run commits under its watermark. A backfill commits under an id of its own and repeats the watermark as it is, so
//! that of a run and a backfill that commit at once one conflicts and compares its records anew: a row that both have
//! read is logged once. Only a backfill changes the scope: when its last commit is made, and from a fresh snapshot.
//!
//! There are four turns, by what a commit moves and what it holds still:
//!
//! | commit | moves | holds | why |
//! |---|---|---|---|
//! | run | the watermark | - | two runs of one account would count a window twice |
//! | slice | the time of the slice's reading | - | slices are independent of each other |
//! | backfill | a counter of its own | the watermark | it must not move it, and must see a run that does |
//! | reconcile | a counter of its own | the watermark | a row that a run lands meanwhile is not gone |
//!
//! A held watermark is written again with the value it has. Delta and this crate's other formats refuse a commit whose
//! application a rival has written since, whatever the value: that is the whole lock.

use wdt_models::Window;
use wdt_models::time::Seconds;

use crate::application;
use crate::dataset::DatasetTables;
use crate::error::WarehouseError;
use crate::record::{BackfillProgress, CommitRecord, Scope};

/// The application transactions of a commit.
pub(crate) struct Turn {
    /// What makes it happen once.
    pub(crate) transaction: (String, i64),
    /// What must stay as it is meanwhile.
    pub(crate) holds: Option<(String, i64)>,
}

/// Whether a commit is due upon the loaded version.
pub(crate) enum Due {
    /// It is, in this turn.
    Turn(Turn),
    /// A rival has landed it: the version of its application.
    Already {
        /// Epoch seconds of a watermark, epoch milliseconds of a slice.
        version: i64,
    },
    /// The rows were meanwhile asked for in another way.
    OtherScope,
}

impl DatasetTables {
    /// What the rows of an account were asked for; `None` when it has none.
    ///
    /// # Errors
    /// When the storage refuses.
    pub async fn scope(&mut self, account: &str) -> Result<Option<Scope>, WarehouseError> {
        let (searched, mut scope) = self.scopes.get(account).cloned().unwrap_or_default();
        let version = self.history.version();
        for version in (searched + 1..=version).rev() {
            if let Some(record) = self.record(version).await?.filter(|record| record.account == account) {
                scope = Some(Scope { hash: record.scope, start: record.start });
                break;
            }
        }
        self.scopes.insert(account.to_owned(), (version, scope.clone()));
        Ok(scope)
    }

    /// How far the account's last backfill of this range and scope is.
    ///
    /// # Errors
    /// When the storage refuses.
    pub async fn last_backfill(
        &self,
        account: &str,
        range: Window,
        scope: &str,
    ) -> Result<Option<BackfillProgress>, WarehouseError> {
        let application = application::backfill(account, self.endpoint.dataset);
        let mut left = self.history.transaction(&application).await?.unwrap_or_default();
        let mut version = self.history.version();
        while left > 0 && version > 0 {
            let record = self.record(version).await?.filter(|record| record.account == account);
            if let Some(progress) = record.and_then(|record| record.backfill) {
                if (progress.from, progress.to, progress.scope.as_str()) == (range.start, range.end, scope) {
                    return Ok(Some(progress));
                }
                left -= 1;
            }
            version -= 1;
        }
        Ok(None)
    }

    /// The transactions of a commit upon the loaded version, and in its record what only that version says; or why
    /// there is nothing to commit.
    pub(crate) async fn turn(&mut self, record: &mut CommitRecord) -> Result<Due, WarehouseError> {
        let (account, dataset) = (record.account.clone(), record.dataset.clone());
        let run = application::run(&account, &dataset);
        let application = match &record.slice {
            Some(slice) => application::slice(&account, &dataset, slice),
            None if record.backfill.is_some() => return self.backfill_turn(record, run).await.map(Due::Turn),
            None if record.reconcile.is_some() => return self.reconcile_turn(record).await,
            None => run,
        };
        let stored = self.history.transaction(&application).await?;
        let Some(version) = record.version(stored) else {
            return Ok(Due::Already { version: stored.unwrap_or_default() });
        };
        if let Some(scope) = self.scope(&account).await?.filter(|_| record.slice.is_none()) {
            if scope.hash != record.scope {
                return Ok(Due::OtherScope);
            }
            record.start = record.start.min(scope.start);
        }
        Ok(Due::Turn(Turn { transaction: (application, version), holds: None }))
    }

    /// A reconcile commits under an id of its own, and conflicts with a run as a backfill does.
    pub(crate) async fn reconcile_turn(&mut self, record: &mut CommitRecord) -> Result<Due, WarehouseError> {
        let own = application::reconcile(&record.account, &record.dataset);
        let run = application::run(&record.account, &record.dataset);
        if let Some(scope) = self.scope(&record.account).await? {
            if scope.hash != record.scope {
                return Ok(Due::OtherScope);
            }
            record.start = record.start.min(scope.start);
        }
        let next = self.history.transaction(&own).await?.unwrap_or_default() + 1;
        let holds = self.history.transaction(&run).await?.map(|watermark| (run, watermark));
        Ok(Due::Turn(Turn { transaction: (own, next), holds }))
    }

    async fn backfill_turn(&mut self, record: &mut CommitRecord, run: String) -> Result<Turn, WarehouseError> {
        let own = application::backfill(&record.account, &record.dataset);
        let next = self.history.transaction(&own).await?.unwrap_or_default() + 1;
        record.watermark_after = self.history.transaction(&run).await?.map(Seconds);
        let scope = self.scope(&record.account).await?;
        if let (Some(progress), Some(scope)) = (&record.backfill, scope) {
            let scope = progress.scope_then(scope, record.watermark_after);
            (record.scope, record.start) = (scope.hash, scope.start);
        }
        let holds = record.watermark_after.map(|watermark| (run, watermark.0));
        Ok(Turn { transaction: (own, next), holds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Landed, Landing, Sums, Warehouse};

    fn progress(from: i64, until: i64, scope: &str) -> BackfillProgress {
        let (from, until) = (Seconds(from), Seconds(until));
        BackfillProgress { from, to: until - 1, until, done: until, scope: scope.to_owned() }
    }

    fn scope(start: i64, hash: &str) -> Scope {
        Scope { hash: hash.to_owned(), start: Seconds(start) }
    }

    #[test]
    fn a_range_that_leaves_a_gap_does_not_move_the_start() {
        let standing = scope(1000, "old");
        let then = |progress: BackfillProgress| progress.scope_then(standing.clone(), Some(Seconds(5000)));
        assert_eq!(then(progress(100, 1001, "old")), scope(100, "old"));
        assert_eq!(then(progress(100, 999, "old")), standing);
        assert_eq!(then(progress(100, 1000, "old")), standing, "the second at the seam is not read by either");
        assert_eq!(then(progress(2000, 3000, "old")), standing);
        let half = BackfillProgress { done: Seconds(500), ..progress(100, 1001, "old") };
        assert_eq!(then(half), standing);
    }

    #[test]
    fn another_question_counts_once_it_was_asked_up_to_the_watermark() {
        let standing = scope(1000, "old");
        let then = |progress: BackfillProgress| progress.scope_then(standing.clone(), Some(Seconds(5000)));
        assert_eq!(then(progress(1500, 5000, "new")), scope(1500, "new"));
        assert_eq!(then(progress(1000, 4999, "new")), standing);
        assert_eq!(then(BackfillProgress { done: Seconds(4000), ..progress(1000, 5000, "new") }), standing);
    }

    const ACCOUNT: &str = "main";

    fn landing(record: &serde_json::Value) -> Landing {
        let mut whole = serde_json::json!({
            "format": 1, "wdt_etl": "0", "kind": "run", "run_id": "r", "account": ACCOUNT, "merchant": ACCOUNT,
            "dataset": "enterprise_stock", "scope": "old", "start": 100, "started_at": 0, "sums": Sums::default(),
            "certificates": [], "quarantine": [],
        });
        whole.as_object_mut().unwrap().extend(record.as_object().unwrap().clone());
        Landing { record: serde_json::from_value(whole).unwrap(), readings: Vec::new(), picture: None }
    }

    fn run(watermark: i64) -> Landing {
        landing(&serde_json::json!({ "watermark_after": watermark }))
    }

    fn backfill(progress: &BackfillProgress) -> Landing {
        landing(&serde_json::json!({ "kind": "backfill", "scope": progress.scope, "backfill": progress }))
    }

    /// Two processes' views of one warehouse with a watermark of 1000.
    async fn two() -> (tempfile::TempDir, DatasetTables, DatasetTables) {
        let folder = tempfile::tempdir().unwrap();
        let warehouse = Warehouse::delta(folder.path().to_str().unwrap()).unwrap();
        let open = || DatasetTables::open_or_create(&warehouse, &wdt_models::endpoints::ENTERPRISE_STOCK);
        let (mut one, mut other) = (open().await.unwrap(), open().await.unwrap());
        assert!(matches!(one.land(run(1000)).await.unwrap(), Landed::Committed { .. }));
        other.catch_up().await.unwrap();
        (folder, one, other)
    }

    #[tokio::test]
    async fn a_run_and_a_backfill_that_commit_at_once_conflict_and_both_land_at_last() {
        for (mut slow, fast) in
            [(run(2000), backfill(&progress(0, 500, "old"))), (backfill(&progress(0, 500, "old")), run(2000))]
        {
            let (_folder, mut one, mut other) = two().await;
            let Due::Turn(turn) = one.turn(&mut slow.record).await.unwrap() else { panic!("it is due") };
            assert!(matches!(other.land(fast).await.unwrap(), Landed::Committed { .. }));
            let overtaken = one.commit(&slow, turn).await;
            assert!(matches!(overtaken, Err(WarehouseError::Conflict { .. })), "{overtaken:?}");
            assert!(matches!(one.land(slow).await.unwrap(), Landed::Committed { .. }));
            assert_eq!(one.watermark(ACCOUNT).await.unwrap(), Some(Seconds(2000)), "the watermark is not moved back");
            let application = application::backfill(ACCOUNT, "enterprise_stock");
            assert_eq!(one.history.transaction(&application).await.unwrap(), Some(1));
        }
    }

    #[tokio::test]
    async fn a_backfill_is_never_skipped_and_its_progress_is_found_again() {
        let (_folder, mut one, mut other) = two().await;
        let range = Window::new(Seconds(0), Seconds(499));
        assert_eq!(other.last_backfill(ACCOUNT, range, "old").await.unwrap(), None);
        let half = BackfillProgress { done: Seconds(300), ..progress(0, 500, "old") };
        for _ in 0..2 {
            assert!(matches!(one.land(backfill(&half)).await.unwrap(), Landed::Committed { .. }));
        }
        assert!(matches!(one.land(backfill(&progress(0, 80, "old"))).await.unwrap(), Landed::Committed { .. }));
        other.catch_up().await.unwrap();
        assert_eq!(other.last_backfill(ACCOUNT, range, "old").await.unwrap(), Some(half));
        assert_eq!(other.last_backfill(ACCOUNT, range, "new").await.unwrap(), None);
        assert_eq!(other.scope(ACCOUNT).await.unwrap(), Some(scope(100, "old")));
        assert_eq!(other.scope("nobody").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_run_with_the_old_question_ends_when_a_backfill_has_asked_another() {
        let (_folder, mut one, mut other) = two().await;
        assert_eq!(one.scope(ACCOUNT).await.unwrap(), Some(scope(100, "old")));
        // it ends behind the watermark: the old scope stays
        other.land(backfill(&progress(50, 900, "new"))).await.unwrap();
        assert!(matches!(one.land(run(1100)).await.unwrap(), Landed::Committed { .. }));
        other.land(backfill(&progress(50, 1100, "new"))).await.unwrap();
        assert!(matches!(one.land(run(2000)).await.unwrap(), Landed::OtherScope));
        assert_eq!(one.scope(ACCOUNT).await.unwrap(), Some(scope(50, "new")));
        assert_eq!(one.watermark(ACCOUNT).await.unwrap(), Some(Seconds(1100)));
    }
}
