//! The `etl_*` tables: mirrors of commit metadata and of descriptions.
//!
//! Nothing depends on them. What a history commit says is copied once: each mirror carries, per dataset, the history
//! version it has copied as a Delta transaction, so a crash leaves no gap and no double, and a missing table is filled
//! again from the whole log.

mod counted;
mod layout;
mod overtaken;
mod rows;

use std::collections::{BTreeMap, HashMap};

use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};
use futures::future::FutureExt as _;
use wdt_models::{Certificate, Endpoint};

use crate::application;
use crate::dataset::DatasetTables;
use crate::error::WarehouseError;
use crate::failpoint::{self, Place};
use crate::kept::change::Change;
use crate::kept::table::Table;
use crate::landing::contested;
use crate::record::CommitRecord;
use crate::rows::{conform, take};
use crate::upsert::{Identity, KeyIndex, upsert};
use crate::warehouse::Warehouse;
pub(crate) use counted::{MirrorCount, count};
use overtaken::overtaken;
pub use rows::{AccountRow, RunRow};
use rows::{CodeRow, ColumnRow, RefusedRow, WindowRow};

const RUN_KEY: Identity<'static> = Identity { key: &["run_id", "account", "dataset"], order: None };
const ACCOUNT_KEY: Identity<'static> = Identity { key: &["account"], order: None };
const CODE_KEY: Identity<'static> = Identity { key: &["dataset", "column", "value"], order: None };
const COLUMN_KEY: Identity<'static> = Identity { key: &["dataset", "column"], order: None };

/// The `etl_*` tables of a warehouse.
pub struct Mirrors {
    runs: Table,
    windows: Table,
    quarantine: Table,
    accounts: Table,
    columns: Table,
    codes: Table,
}

impl Mirrors {
    /// Opens or creates every mirror.
    ///
    /// # Errors
    /// When the storage refuses, or a table of that name has other columns.
    pub async fn open_or_create(warehouse: &Warehouse) -> Result<Self, WarehouseError> {
        Ok(Self {
            runs: Table::open_or_create(warehouse, &rows::runs().spec()).await?,
            windows: Table::open_or_create(warehouse, &rows::windows().spec()).await?,
            quarantine: Table::open_or_create(warehouse, &rows::quarantine().spec()).await?,
            accounts: Table::open_or_create(warehouse, &rows::accounts().spec()).await?,
            columns: Table::open_or_create(warehouse, &rows::columns().spec()).await?,
            codes: Table::open_or_create(warehouse, &rows::codes().spec()).await?,
        })
    }

    /// Copies what the history's commits say and the mirrors do not have yet.
    ///
    /// # Errors
    /// When the storage refuses.
    pub async fn catch_up(&mut self, tables: &mut DatasetTables) -> Result<(), WarehouseError> {
        copy(&mut self.windows, tables, |records| {
            let rows = records.iter().flat_map(|(version, record)| {
                let CommitRecord { run_id, account, dataset, .. } = record;
                let version = Some(*version);
                let row = move |certificate| WindowRow { run_id, account, dataset, certificate, version };
                record.certificates.iter().map(row)
            });
            rows::windows().batch(&rows.collect::<Vec<_>>())
        })
        .await?;
        copy(&mut self.quarantine, tables, |records| {
            let rows = records.iter().flat_map(|(version, record)| {
                record.quarantine.iter().map(|refused| RefusedRow { record, refused, version: *version })
            });
            rows::quarantine().batch(&rows.collect::<Vec<_>>())
        })
        .await?;
        self.unfinished_runs(tables).await
    }

    /// Writes the row of a run, in place of the one it may have.
    ///
    /// # Errors
    /// When the storage refuses.
    pub async fn run(&mut self, row: &RunRow) -> Result<(), WarehouseError> {
        put(&mut self.runs, rows::runs().batch(std::slice::from_ref(row))?, RUN_KEY).await
    }

    /// Writes the certificate of a window that could not be certified; no commit holds it.
    ///
    /// # Errors
    /// When the storage refuses.
    pub async fn uncertified(&mut self, run: &RunRow, certificate: &Certificate) -> Result<(), WarehouseError> {
        let RunRow { run_id, account, dataset, .. } = run;
        let row = WindowRow { run_id, account, dataset, certificate, version: None };
        commit_rows(&mut self.windows, rows::windows().batch(&[row])?, Change::default()).await
    }

    /// Writes the accounts of the configuration; others that are known are no longer enabled.
    ///
    /// # Errors
    /// When the storage refuses.
    pub async fn accounts(&mut self, accounts: &[AccountRow<'_>]) -> Result<(), WarehouseError> {
        self.accounts.refresh().await?;
        let rows = rows::accounts().batch(accounts)?;
        let there = all_rows(&mut self.accounts).await?;
        let configured = KeyIndex::new(self.accounts.name(), &rows, ACCOUNT_KEY.key)?;
        let found = configured.find(self.accounts.name(), &there, ACCOUNT_KEY.key)?;
        let others: Vec<usize> = (0..there.num_rows()).filter(|&row| found[row].is_none()).collect();
        let others = rows::disabled(&take(self.accounts.name(), &there, &others)?)?;
        let rows = concat_batches(self.accounts.schema(), [&rows, &others])
            .map_err(WarehouseError::storage(self.accounts.name(), "write"))?;
        put(&mut self.accounts, rows, ACCOUNT_KEY).await
    }

    /// Writes what the columns of these endpoints mean, and their documented values.
    ///
    /// # Errors
    /// When the storage refuses.
    pub async fn columns(&mut self, endpoints: &[&Endpoint]) -> Result<(), WarehouseError> {
        let rows: Vec<ColumnRow<'_>> = endpoints.iter().flat_map(|endpoint| rows::columns_of(endpoint)).collect();
        put(&mut self.columns, rows::columns().batch(&rows)?, COLUMN_KEY).await?;
        let rows: Vec<CodeRow<'_>> = endpoints.iter().flat_map(|endpoint| rows::codes_of(endpoint)).collect();
        put(&mut self.codes, rows::codes().batch(&rows)?, CODE_KEY).await
    }

    /// Runs that left commits but no row: killed before their end, or not there yet.
    async fn unfinished_runs(&mut self, tables: &mut DatasetTables) -> Result<(), WarehouseError> {
        let note = contested("etl_runs", (self, tables), |(mirrors, tables)| mirrors.note_unfinished(tables).boxed());
        left_to_rivals(note.await)
    }

    async fn note_unfinished(&mut self, tables: &mut DatasetTables) -> Result<(), WarehouseError> {
        load(&mut self.runs, tables).await?;
        let turn = next_turn(&self.runs).await?;
        let rows = self.unfinished(tables).await?;
        self.append_unfinished(tables, rows, turn).await
    }

    /// The rows of such runs, as of the loaded version.
    async fn unfinished(&mut self, tables: &DatasetTables) -> Result<RecordBatch, WarehouseError> {
        let mut last: BTreeMap<(String, String), RunRow> = BTreeMap::new();
        for (version, record) in new_records(&self.runs, tables).await? {
            let row = RunRow::unfinished(&record, version);
            last.insert((record.run_id, record.account), row);
        }
        let rows = rows::runs().batch(&last.into_values().collect::<Vec<_>>())?;
        let there = all_rows(&mut self.runs).await?;
        let known = KeyIndex::new(self.runs.name(), &there, RUN_KEY.key)?.find(self.runs.name(), &rows, RUN_KEY.key)?;
        let missing: Vec<usize> =
            known.iter().enumerate().filter(|(_, known)| known.is_none()).map(|(row, _)| row).collect();
        take(self.runs.name(), &rows, &missing)
    }

    /// Appends them in their turn: a run that puts its own row in meanwhile is a conflict, or it would be there twice.
    async fn append_unfinished(
        &mut self,
        tables: &DatasetTables,
        rows: RecordBatch,
        turn: (String, i64),
    ) -> Result<(), WarehouseError> {
        let Some(copied) = not_copied(&self.runs, tables).await? else { return Ok(()) };
        let holds = (rows.num_rows() > 0).then_some(turn);
        commit_rows(&mut self.runs, rows, Change { transaction: Some(copied), holds, ..Change::default() }).await
    }
}

/// Loads a mirror, and the history again when a rival has committed and copied more of it meanwhile.
async fn load(mirror: &mut Table, tables: &mut DatasetTables) -> Result<(), WarehouseError> {
    mirror.refresh().await?;
    let copied = mirror.transaction(&application::mirror(tables.endpoint.dataset)).await?.unwrap_or_default();
    if u64::try_from(copied).is_ok_and(|copied| copied > tables.history.version()) {
        tables.history.refresh().await?;
    }
    Ok(())
}

/// The history's commits that a mirror has not copied.
async fn new_records(mirror: &Table, tables: &DatasetTables) -> Result<Vec<(u64, CommitRecord)>, WarehouseError> {
    let copied = mirror.transaction(&application::mirror(tables.endpoint.dataset)).await?.unwrap_or_default();
    if u64::try_from(copied).is_ok_and(|copied| copied > tables.history.version()) {
        return Err(WarehouseError::OtherLog {
            table: mirror.name().to_owned(),
            history: tables.history.name().to_owned(),
            reason: format!("it has copied version {copied}, the log ends at {}", tables.history.version()),
        });
    }
    let mut records = Vec::new();
    for version in u64::try_from(copied).unwrap_or_default() + 1..=tables.history.version() {
        records.extend(tables.record(version).await?.map(|record| (version, record)));
    }
    Ok(records)
}

async fn copy(
    mirror: &mut Table,
    tables: &mut DatasetTables,
    rows: impl Fn(&[(u64, CommitRecord)]) -> Result<RecordBatch, WarehouseError>,
) -> Result<(), WarehouseError> {
    load(mirror, tables).await?;
    let records = new_records(mirror, tables).await?;
    failpoint::hit(Place::MirrorRead);
    let Some(copied) = not_copied(mirror, tables).await? else { return Ok(()) };
    let change = Change { transaction: Some(copied), ..Change::default() };
    match commit_rows(mirror, rows(&records)?, change).await {
        // a rival copied the same commits
        Err(WarehouseError::Conflict { .. }) => mirror.refresh().await,
        other => other,
    }
}

/// The transaction that says that a mirror has copied the whole log; `None` when it has.
async fn not_copied(mirror: &Table, tables: &DatasetTables) -> Result<Option<(String, i64)>, WarehouseError> {
    let application = application::mirror(tables.endpoint.dataset);
    let version = i64::try_from(tables.history.version()).unwrap_or(i64::MAX);
    let copied = mirror.transaction(&application).await?.unwrap_or_default();
    Ok((copied < version).then_some((application, version)))
}

/// Appends rows in a commit.
async fn commit_rows(mirror: &mut Table, rows: RecordBatch, change: Change) -> Result<(), WarehouseError> {
    let mut writer = mirror.writer()?;
    if rows.num_rows() > 0 {
        writer.write(rows).await?;
    }
    let adds = writer.finish().await?;
    failpoint::hit(Place::MirrorWritten);
    mirror.commit(Change { adds, ..change }).await?;
    failpoint::hit(Place::Mirrored);
    Ok(())
}

/// The transaction of those who write rows by key: of two that commit at once one conflicts, and looks again at what
/// is there.
async fn next_turn(mirror: &Table) -> Result<(String, i64), WarehouseError> {
    let last = mirror.transaction(application::MIRROR_ROWS).await?.unwrap_or_default();
    Ok((application::MIRROR_ROWS.to_owned(), last + 1))
}

/// Puts rows in by key; nothing is written when the table has them already.
async fn put(mirror: &mut Table, rows: RecordBatch, identity: Identity<'static>) -> Result<(), WarehouseError> {
    let name = mirror.name().to_owned();
    let put = contested(&name, (mirror, rows), |(mirror, rows)| put_newest(mirror, rows, identity).boxed());
    left_to_rivals(put.await)
}

/// Puts rows in upon the newest version.
async fn put_newest(mirror: &mut Table, rows: &RecordBatch, identity: Identity<'static>) -> Result<(), WarehouseError> {
    mirror.refresh().await?;
    let new = differing(mirror, rows, identity).await?;
    if new.num_rows() == 0 {
        return Ok(());
    }
    match put_once(mirror, &new, identity).await {
        Ok(()) => Ok(()),
        Err(conflict @ WarehouseError::Conflict { .. }) => Err(conflict),
        Err(error) => {
            overtaken(mirror, error).await?;
            Err(WarehouseError::conflict(mirror.name(), "a rival has replaced its files"))
        }
    }
}

/// Rivals that win over a mirror again and again leave it as they wrote it: nothing depends on it.
fn left_to_rivals(written: Result<(), WarehouseError>) -> Result<(), WarehouseError> {
    match written {
        Err(WarehouseError::Conflict { .. }) => Ok(()),
        other => other,
    }
}

/// Puts rows in upon the loaded version, in the turn that it says.
async fn put_once(mirror: &mut Table, rows: &RecordBatch, identity: Identity<'static>) -> Result<(), WarehouseError> {
    failpoint::hit(Place::MirrorDue);
    let transaction = Some(next_turn(mirror).await?);
    let files = upsert(mirror, None, rows, identity).await?;
    let change = Change { adds: files.adds, removes: files.removes, transaction, ..Change::default() };
    mirror.commit(change).await?;
    failpoint::hit(Place::MirrorPut);
    Ok(())
}

/// The rows that the table does not contain as they are.
async fn differing(
    mirror: &mut Table,
    rows: &RecordBatch,
    identity: Identity<'_>,
) -> Result<RecordBatch, WarehouseError> {
    let there = all_rows(mirror).await?;
    let found = KeyIndex::new(mirror.name(), &there, identity.key)?.find(mirror.name(), rows, identity.key)?;
    let fields = mirror.schema().fields().iter().map(|field| SortField::new(field.data_type().clone())).collect();
    let failed = || WarehouseError::storage(mirror.name(), "comparison");
    let converter = RowConverter::new(fields).map_err(failed())?;
    let standing = converter.convert_columns(there.columns()).map_err(failed())?;
    let wanted = converter.convert_columns(rows.columns()).map_err(failed())?;
    let differs = |row: &usize| found[*row].is_none_or(|other| standing.row(other) != wanted.row(*row));
    let new: Vec<usize> = (0..rows.num_rows()).filter(differs).collect();
    take(mirror.name(), rows, &new)
}

/// All rows as of the loaded version, or of a later one, when a rival has meanwhile taken its files away.
async fn all_rows(mirror: &mut Table) -> Result<RecordBatch, WarehouseError> {
    loop {
        match read(mirror).await {
            Err(error) => overtaken(mirror, error).await?,
            rows => return rows,
        }
    }
}

async fn read(mirror: &Table) -> Result<RecordBatch, WarehouseError> {
    let reader = mirror.reader();
    let mut batches = Vec::new();
    for file in mirror.files(None)? {
        for batch in reader.all_rows(&file.path, file.size, None, None).await? {
            batches.push(conform(mirror.name(), &batch, mirror.schema(), &HashMap::new())?);
        }
    }
    concat_batches(mirror.schema(), &batches).map_err(WarehouseError::storage(mirror.name(), "read"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use super::*;
    use crate::{Landed, Landing, Sums, Warehouse};
    use wdt_models::time::Seconds;

    const DATASET: &str = "enterprise_stock";

    /// A warehouse with a commit of a run, and two processes' views of its mirrors.
    async fn two() -> (tempfile::TempDir, DatasetTables, CommitRecord, Mirrors, Mirrors) {
        let folder = tempfile::tempdir().unwrap();
        let warehouse = Warehouse::delta(folder.path().to_str().unwrap()).unwrap();
        let endpoint = &wdt_models::endpoints::ENTERPRISE_STOCK;
        let mut tables = DatasetTables::open_or_create(&warehouse, endpoint).await.unwrap();
        let record: CommitRecord = serde_json::from_value(serde_json::json!({
            "format": 1, "wdt_etl": "0", "kind": "run", "run_id": "r", "account": "main", "merchant": "main",
            "dataset": DATASET, "scope": "x", "start": 100, "started_at": 0, "sums": Sums::default(),
            "watermark_after": 1000, "certificates": [], "quarantine": [],
        }))
        .unwrap();
        let landing = Landing { record: record.clone(), readings: Vec::new(), picture: None };
        assert!(matches!(tables.land(landing).await.unwrap(), Landed::Committed { .. }));
        let one = Mirrors::open_or_create(&warehouse).await.unwrap();
        let other = Mirrors::open_or_create(&warehouse).await.unwrap();
        (folder, tables, record, one, other)
    }

    fn finished(record: &CommitRecord) -> RunRow {
        RunRow { verdict: "landed".to_owned(), exit_code: Some(0), ..RunRow::unfinished(record, 1) }
    }

    /// The verdicts in `etl_runs`.
    async fn verdicts(mirrors: &mut Mirrors) -> Vec<String> {
        mirrors.runs.refresh().await.unwrap();
        let rows = all_rows(&mut mirrors.runs).await.unwrap();
        let verdicts = arrow::array::AsArray::as_string::<i32>(rows.column_by_name("verdict").unwrap());
        verdicts.iter().flatten().map(str::to_owned).collect()
    }

    #[tokio::test]
    async fn a_run_that_ends_while_a_rival_notes_it_as_unfinished_has_one_row() {
        let (_folder, mut tables, record, mut one, mut other) = two().await;
        let (turn, rows) = (next_turn(&other.runs).await.unwrap(), other.unfinished(&tables).await.unwrap());
        assert_eq!(rows.num_rows(), 1);
        one.run(&finished(&record)).await.unwrap();
        let overtaken = other.append_unfinished(&tables, rows, turn).await;
        assert!(matches!(overtaken, Err(WarehouseError::Conflict { .. })), "{overtaken:?}");
        other.catch_up(&mut tables).await.unwrap();
        assert_eq!(verdicts(&mut one).await, ["landed"]);
    }

    #[tokio::test]
    async fn a_rival_that_notes_a_run_as_unfinished_while_it_ends_leaves_it_one_row() {
        let (_folder, mut tables, record, mut one, mut other) = two().await;
        let row = rows::runs().batch(&[finished(&record)]).unwrap();
        one.runs.refresh().await.unwrap();
        other.catch_up(&mut tables).await.unwrap();
        let overtaken = put_once(&mut one.runs, &row, RUN_KEY).await;
        assert!(matches!(overtaken, Err(WarehouseError::Conflict { .. })), "{overtaken:?}");
        one.run(&finished(&record)).await.unwrap();
        assert_eq!(verdicts(&mut other).await, ["landed"]);
    }

    #[tokio::test]
    async fn a_rival_who_lands_and_copies_meanwhile_is_no_other_log() {
        let (folder, mut tables, record, mut one, mut other) = two().await;
        let warehouse = Warehouse::delta(folder.path().to_str().unwrap()).unwrap();
        let mut rival = DatasetTables::open_or_create(&warehouse, tables.endpoint).await.unwrap();
        let record = CommitRecord { watermark_after: Some(Seconds(2000)), ..record };
        rival.land(Landing { record, readings: Vec::new(), picture: None }).await.unwrap();
        other.catch_up(&mut rival).await.unwrap();
        one.catch_up(&mut tables).await.unwrap();
    }

    #[tokio::test]
    async fn a_mirror_whose_files_a_rival_has_replaced_is_loaded_anew() {
        let folder = tempfile::tempdir().unwrap();
        let warehouse = Warehouse::parquet(folder.path().to_str().unwrap()).unwrap();
        let mut one = Mirrors::open_or_create(&warehouse).await.unwrap();
        let account = |merchant| [AccountRow { account: "main", merchant, gateway: "top", environment: "production" }];
        one.accounts(&account("old")).await.unwrap();
        let mut other = Mirrors::open_or_create(&warehouse).await.unwrap();
        one.accounts(&account("new")).await.unwrap();
        let there = all_rows(&mut other.accounts).await.unwrap();
        assert_eq!(there, rows::accounts().batch(&account("new")).unwrap());
        // a file that nobody has replaced is missed
        std::fs::remove_dir_all(folder.path().join("etl_accounts")).unwrap();
        assert!(all_rows(&mut other.accounts).await.is_err());
    }

    #[tokio::test]
    async fn an_account_that_is_no_longer_configured_is_disabled_by_name() {
        let warehouse = Warehouse::memory();
        let mut mirrors = Mirrors::open_or_create(&warehouse).await.unwrap();
        let account = |account| AccountRow { account, merchant: "m", gateway: "top", environment: "production" };
        mirrors.accounts(&[account("kept"), account("gone")]).await.unwrap();
        mirrors.accounts(&[account("kept")]).await.unwrap();
        mirrors.accounts.refresh().await.unwrap();
        let rows = all_rows(&mut mirrors.accounts).await.unwrap();
        let names = arrow::array::AsArray::as_string::<i32>(rows.column_by_name("account").unwrap());
        let enabled = arrow::array::AsArray::as_boolean(rows.column_by_name("enabled").unwrap());
        let mut found: Vec<_> = names.iter().flatten().zip(enabled.iter().flatten()).collect();
        found.sort_unstable();
        assert_eq!(found, [("gone", false), ("kept", true)]);
    }

    #[tokio::test]
    async fn two_that_describe_the_columns_at_once_leave_each_once() {
        let (_folder, _, _, mut one, mut other) = two().await;
        let endpoints = [&wdt_models::endpoints::ENTERPRISE_STOCK as &Endpoint];
        let (first, second) = tokio::join!(one.columns(&endpoints), other.columns(&endpoints));
        first.and(second).unwrap();
        one.columns.refresh().await.unwrap();
        let there = all_rows(&mut one.columns).await.unwrap();
        assert_eq!(there.num_rows(), rows::columns_of(endpoints[0]).len());
    }
}
