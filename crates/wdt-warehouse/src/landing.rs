//! Certified readings landed in one commit: rows that differ, watermark and certificates; and the retry on conflict.

use futures::future::{BoxFuture, FutureExt as _};

use crate::dataset::DatasetTables;
use crate::error::WarehouseError;
use crate::failpoint::{self, Place};
use crate::kept::change::Change;
use crate::new_rows::{Changes, Comparison, Reading, write_by_date};
use crate::record::{CommitRecord, Sums};
use crate::slice::Picture;
use crate::turn::{Due, Turn};

/// So many rivals in a row and a commit is given up.
const MOST_CONFLICTS: u32 = 20;

/// What is to be landed in one commit.
pub struct Landing {
    /// What the commit says of itself.
    pub record: CommitRecord,
    /// The records of its windows, or of its slice.
    pub readings: Vec<Reading>,
    /// Of a snapshot: what the reading says beside its rows.
    pub picture: Option<Picture>,
}

/// What became of a landing.
pub enum Landed {
    /// Committed as this history version.
    Committed {
        /// The version.
        version: u64,
        /// Sums of the run, this commit included.
        sums: Sums,
    },
    /// A rival had landed it already: up to this second, or this slice at this millisecond.
    Already {
        /// Epoch seconds of a watermark, epoch milliseconds of a slice.
        version: i64,
    },
    /// A backfill has meanwhile made another scope the one whose rows are there.
    OtherScope,
}

/// Makes a commit, and makes it again from the newest state as often as a rival's is first.
///
/// `actor` is what the commit needs. It is passed in, and the future boxed, because a future over a closure's captures is
/// not known to be `Send`.
///
/// # Errors
/// What `commit` fails with, and [`WarehouseError::Conflict`] when rivals win too often in a row.
pub(crate) async fn contested<A: Send, T>(
    table: &str,
    mut actor: A,
    commit: impl for<'a> Fn(&'a mut A) -> BoxFuture<'a, Result<T, WarehouseError>> + Send,
) -> Result<T, WarehouseError> {
    for _ in 0..MOST_CONFLICTS {
        match commit(&mut actor).await {
            Err(WarehouseError::Conflict { .. }) => {}
            other => return other,
        }
    }
    let reason = format!("{MOST_CONFLICTS} commits in a row were overtaken");
    Err(WarehouseError::conflict(table, reason))
}

impl DatasetTables {
    /// Lands certified readings: rows that differ, watermark and certificates in one commit, then the projection.
    ///
    /// # Errors
    /// When a file cannot be read or written, or rivals win again and again.
    pub async fn land(&mut self, mut landing: Landing) -> Result<Landed, WarehouseError> {
        let name = self.history.name().to_owned();
        let actor = (&mut *self, &mut landing);
        let landed = contested(&name, actor, |(tables, landing)| tables.land_once(landing).boxed()).await?;
        if matches!(landed, Landed::Committed { .. }) {
            // not part of what is tried again: a conflict of the projection must not commit a second time
            failpoint::hit(Place::LogCommitted);
            // the fold reads the log's files; these rows would only double the memory
            drop(landing);
            self.catch_up().await?;
            failpoint::hit(Place::Projected);
        }
        Ok(landed)
    }

    async fn land_once(&mut self, landing: &mut Landing) -> Result<Landed, WarehouseError> {
        self.catch_up().await?;
        let turn = match self.turn(&mut landing.record).await? {
            Due::Turn(turn) => turn,
            Due::Already { version } => return Ok(Landed::Already { version }),
            Due::OtherScope => return Ok(Landed::OtherScope),
        };
        let (version, sums) = self.commit(landing, turn).await?;
        Ok(Landed::Committed { version, sums })
    }

    pub(crate) async fn commit(&mut self, landing: &Landing, turn: Turn) -> Result<(u64, Sums), WarehouseError> {
        let Landing { record, readings, picture } = landing;
        let changes = self.comparison(record).changes(readings, picture.as_ref()).await?;
        failpoint::hit(Place::Compared);
        self.write(record, changes, turn).await
    }

    /// What records are compared with, on behalf of a commit.
    pub(crate) fn comparison<'a>(&'a self, record: &'a CommitRecord) -> Comparison<'a> {
        Comparison {
            current: &self.current,
            history: self.history.schema(),
            endpoint: self.endpoint,
            account: &record.account,
            run_id: &record.run_id,
        }
    }

    /// Commits what differs to the history.
    pub(crate) async fn write(
        &mut self,
        record: &CommitRecord,
        changes: Changes,
        turn: Turn,
    ) -> Result<(u64, Sums), WarehouseError> {
        let mut writer = self.history.writer()?;
        if let Some(rows) = &changes.rows {
            write_by_date(&mut writer, rows).await?;
        }
        let adds = writer.finish().await?;
        failpoint::hit(Place::LogWritten);
        let mut record = record.clone();
        record.sums.add(changes.counts);
        let Turn { transaction, holds } = turn;
        let metadata = serde_json::to_value(&record).map_err(WarehouseError::storage(self.history.name(), "commit"))?;
        let (transaction, metadata) = (Some(transaction), Some(metadata));
        let change = Change { adds, transaction, holds, metadata, ..Change::default() };
        Ok((self.history.commit(change).await?, record.sums))
    }
}
