//! The current table as the fold of its log, used alike after each commit and after a crash.
//!
//! The current table carries the history version it has applied as a Delta transaction. Whoever finds it behind reads the
//! log's own files from there and applies them, one version after the other, without a call to the platform.

use std::collections::HashMap;

use arrow::array::AsArray as _;
use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use futures::stream::TryStreamExt as _;
use wdt_models::Endpoint;

use crate::application::PROJECTION;
use crate::error::WarehouseError;
use crate::failpoint::{self, Place};
use crate::fold::{Fold, with_deletes};
use crate::kept::change::Change;
use crate::kept::table::Table;
use crate::rows::{columns_of, conform, take};
use crate::schema::{ACCOUNT, TableSpec};
use crate::upsert::{FILE_BYTES, Upserted, identity, upsert};

/// Member of a projection's commit metadata: the log it was folded from.
const HISTORY_ID: &str = "history_id";

/// Brings the current table to the history's loaded version; returns how many history versions it applied.
///
/// # Errors
/// When a file cannot be read or written, or a commit of the log is gone.
pub(crate) async fn roll_forward(
    endpoint: &'static Endpoint,
    history: &mut Table,
    current: &mut Table,
) -> Result<u64, WarehouseError> {
    // Files and the version they bring the table to are one commit. A crash before it leaves the table as it was, one
    // after it leaves nothing to do, and of two that apply the same version one conflicts and finds it applied.
    let mut applied = 0;
    loop {
        let from = applied_version(current).await?;
        if from > history.version() {
            // a rival may have committed and applied more since the log was loaded
            history.refresh().await?;
        }
        same_log(history, current, from).await?;
        if from >= history.version() {
            return Ok(applied);
        }
        match apply(endpoint, history, current, from + 1).await {
            Ok(()) => applied += 1,
            Err(WarehouseError::Conflict { .. }) => current.refresh().await?,
            Err(error) => return Err(error),
        }
    }
}

/// The history version the current table has applied; version 0 is the empty table.
///
/// # Errors
/// When the storage refuses.
pub async fn applied_version(current: &Table) -> Result<u64, WarehouseError> {
    let version = current.transaction(PROJECTION).await?.unwrap_or_default();
    Ok(u64::try_from(version).unwrap_or_default())
}

/// Refuses a projection of another log: a history that was deleted or set back would never be applied again.
///
/// # Errors
/// [`WarehouseError::OtherLog`].
pub async fn same_log(history: &Table, current: &Table, applied: u64) -> Result<(), WarehouseError> {
    let other = |reason: String| WarehouseError::OtherLog {
        table: current.name().to_owned(),
        history: history.name().to_owned(),
        reason,
    };
    if applied > history.version() {
        return Err(other(format!("it has applied version {applied}, the log ends at {}", history.version())));
    }
    let metadata = current.read_commit(current.version()).await?.and_then(|commit| commit.metadata);
    match metadata.as_ref().and_then(|metadata| metadata.get(HISTORY_ID)).and_then(|id| id.as_str()) {
        Some(id) if id != history.id()? => Err(other("the log was created anew".to_owned())),
        _ => Ok(()),
    }
}

async fn apply(
    endpoint: &'static Endpoint,
    history: &Table,
    current: &mut Table,
    version: u64,
) -> Result<(), WarehouseError> {
    let Some(commit) = history.read_commit(version).await? else {
        return Err(WarehouseError::LostCommit { table: history.name().to_owned(), version });
    };
    let reader = history.reader();
    let mut batches = Vec::new();
    for (path, size) in &commit.files {
        for batch in reader.all_rows(path, *size, None, None).await? {
            batches.push(conform(history.name(), &batch, history.schema(), &HashMap::new())?);
        }
    }
    let rows = concat_batches(history.schema(), &batches).map_err(WarehouseError::storage(history.name(), "fold"))?;
    failpoint::hit(Place::FoldRead);
    let mut change = Upserted::default();
    for (account, rows) in by_account(history.name(), &rows)? {
        let rows = newest(endpoint, current, &rows)?;
        let part = upsert(current, Some(&account), &rows, identity(endpoint)).await?;
        change.adds.extend(part.adds);
        change.removes.extend(part.removes);
    }
    failpoint::hit(Place::FoldWritten);
    let (transaction, metadata) = applied(history, version)?;
    let (transaction, metadata) = (Some(transaction), Some(metadata));
    current
        .commit(Change { adds: change.adds, removes: change.removes, transaction, metadata, ..Change::default() })
        .await?;
    failpoint::hit(Place::Folded);
    Ok(())
}

/// What a commit of the current table says of the history version that it brings the table to.
///
/// # Errors
/// When the history has no version.
fn applied(history: &Table, version: u64) -> Result<((String, i64), serde_json::Value), WarehouseError> {
    let transaction = (PROJECTION.to_owned(), i64::try_from(version).unwrap_or(i64::MAX));
    let metadata = serde_json::json!({ "kind": "projection", "history_version": version, HISTORY_ID: history.id()? });
    Ok((transaction, metadata))
}

/// Splits rows by account, order kept.
fn by_account(table: &str, rows: &RecordBatch) -> Result<Vec<(String, RecordBatch)>, WarehouseError> {
    let accounts = columns_of(table, rows, &[ACCOUNT])?.remove(0);
    let mut numbers: Vec<(String, Vec<usize>)> = Vec::new();
    for (row, account) in accounts.as_string::<i32>().iter().enumerate() {
        let account = account.unwrap_or_default();
        match numbers.iter_mut().find(|(name, _)| name == account) {
            Some((_, list)) => list.push(row),
            None => numbers.push((account.to_owned(), vec![row])),
        }
    }
    numbers.into_iter().map(|(account, list)| Ok((account, take(table, rows, &list)?))).collect()
}

/// The current table of a history whose format keeps none, as of the loaded version: folded in two passes over the log,
/// into encoded memory. What is landed afterwards is folded in by `roll_forward` as anywhere.
///
/// The first pass reads key and cursor of every row, some 70 bytes a key; the second one reads the rows that are current.
///
/// # Errors
/// When a data file of the history cannot be read.
pub async fn folded(endpoint: &'static Endpoint, history: &Table) -> Result<Table, WarehouseError> {
    let mut current = Table::in_memory(&TableSpec::current(endpoint)).await?;
    if history.version() == 0 {
        return Ok(current);
    }
    // in the order of the log
    let files = history.files(None)?;
    let mut fold = Fold::new(endpoint, history.name(), history.schema())?;
    for (number, file) in files.iter().enumerate() {
        fold.file(history, number, (&file.path, file.size), &[], |rows| Ok(vec![true; rows.num_rows()])).await?;
    }
    let mut writer = current.writer()?;
    for (number, positions) in fold.places() {
        let file = &files[number];
        let mut batches = history.reader().rows(&file.path, file.size, None, Some(&positions)).await?;
        while let Some(batch) = batches.try_next().await? {
            writer.write(current_rows(&current, &batch)?).await?;
            if writer.open_bytes() > FILE_BYTES {
                writer.roll().await?;
            }
        }
    }
    let adds = writer.finish().await?;
    let (transaction, metadata) = applied(history, history.version())?;
    let (transaction, metadata) = (Some(transaction), Some(metadata));
    current.commit(Change { adds, transaction, metadata, ..Change::default() }).await?;
    Ok(current)
}

/// The current rows among those of one commit, in the current table's columns.
fn newest(endpoint: &'static Endpoint, current: &Table, rows: &RecordBatch) -> Result<RecordBatch, WarehouseError> {
    let mut fold = Fold::new(endpoint, current.name(), rows.schema_ref())?;
    fold.rows(rows, (0, 0), |_| true)?;
    let positions = fold.places().remove(&0).unwrap_or_default();
    current_rows(current, &take(current.name(), rows, &positions)?)
}

/// Logged rows as the current table has them.
fn current_rows(current: &Table, logged: &RecordBatch) -> Result<RecordBatch, WarehouseError> {
    conform(current.name(), &with_deletes(current.name(), logged)?, current.schema(), &HashMap::new())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CommitRecord, DatasetTables, Landed, Landing, Sums, Warehouse};

    async fn tables(warehouse: &Warehouse) -> DatasetTables {
        DatasetTables::open_or_create(warehouse, &wdt_models::endpoints::ENTERPRISE_STOCK).await.unwrap()
    }

    async fn land(tables: &mut DatasetTables, watermark: i64) {
        let record: CommitRecord = serde_json::from_value(serde_json::json!({
            "format": 1, "wdt_etl": "0", "kind": "run", "run_id": "r", "account": "main", "merchant": "main",
            "dataset": "enterprise_stock", "scope": "x", "start": 100, "started_at": 0, "sums": Sums::default(),
            "watermark_after": watermark, "certificates": [], "quarantine": [],
        }))
        .unwrap();
        let landed = tables.land(Landing { record, readings: Vec::new(), picture: None }).await.unwrap();
        assert!(matches!(landed, Landed::Committed { .. }));
    }

    #[tokio::test]
    async fn a_rival_who_lands_while_the_tables_are_loaded_is_no_other_log() {
        let warehouse = Warehouse::memory();
        let (mut tables, mut rival) = (tables(&warehouse).await, tables(&warehouse).await);
        land(&mut rival, 1000).await;
        tables.history.refresh().await.unwrap();
        land(&mut rival, 2000).await;
        tables.current.refresh().await.unwrap();
        let endpoint = tables.endpoint;
        assert_eq!(roll_forward(endpoint, &mut tables.history, &mut tables.current).await.unwrap(), 0);
        assert_eq!(tables.history.version(), 2);
    }

    #[tokio::test]
    async fn a_log_that_was_lost_is_another() {
        let warehouse = Warehouse::memory();
        land(&mut tables(&warehouse).await, 1000).await;
        warehouse.forget("enterprise_stock_history");
        let refused = tables(&warehouse).await.catch_up().await;
        assert!(matches!(refused, Err(WarehouseError::OtherLog { .. })), "{refused:?}");
    }
}
