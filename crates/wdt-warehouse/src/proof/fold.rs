//! The history folded anew and compared with the current table, row by row, in bounded memory.
//!
//! A row is known by two hashes of 128 bits: of its key, and of its content. Keys are taken in shares, so that at most
//! [`MOST_KEYS`] of them, some 130 MB, are held at once; each share reads both tables once.

use std::collections::HashMap;

use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};
use futures::stream::TryStreamExt as _;
use twox_hash::XxHash3_128;
use wdt_models::Endpoint;
use wdt_models::time::Micros;

use super::findings::Findings;
use super::log::CommitFiles;
use crate::error::WarehouseError;
use crate::kept::table::Table;
use crate::rows::{cell_text, columns_of, conform, micros};
use crate::schema::{ACCOUNT, DELETED_AT, EXTRA, OP, OP_DELETE, PULLED_AT, RUN_ID};
use crate::share::Share;

/// Keys held at once.
const MOST_KEYS: usize = 900_000;
/// Stands for a time that is null.
const NEVER: Micros = Micros(i64::MIN);

/// What is folded and compared.
pub struct Refold<'a> {
    /// What the dataset is.
    pub endpoint: &'static Endpoint,
    /// The log.
    pub history: &'a Table,
    /// Its commits, from [`super::Statement::read`].
    pub commits: &'a [CommitFiles],
    /// The current table, with the history version that it has applied.
    pub current: Option<(&'a Table, u64)>,
}

/// What came out.
#[derive(Debug, Default)]
pub struct Refolded {
    /// Rows of the current table that equal the fold.
    pub equal: u64,
    /// Rows that the history contains twice in a row.
    pub repeated: Findings,
    /// Keys whose current row is not the newest of the history.
    pub differing: Findings,
}

/// The newest version of a key.
struct NewestRow {
    content: u128,
    whole: u128,
    cursor: Micros,
    /// It was met in the current table.
    met: bool,
}

impl Refold<'_> {
    /// Compares both tables.
    ///
    /// # Errors
    /// When a data file cannot be read.
    pub async fn compare(&self) -> Result<Refolded, WarehouseError> {
        self.holding(MOST_KEYS).await
    }

    /// Compares both tables, in as many shares as it takes to hold so many keys at once.
    async fn holding(&self, most: usize) -> Result<Refolded, WarehouseError> {
        let files = self.current.map_or(Ok(Vec::new()), |(table, _)| table.files(None))?;
        let rows: usize = files.iter().map(|file| file.rows).sum();
        let mut shares = rows.div_ceil(most).max(1) as u128;
        loop {
            if let Some(folded) = self.in_shares(shares, most).await? {
                return Ok(folded);
            }
            shares *= 2;
        }
    }

    /// Compares the keys share by share; nothing when one of them holds too many.
    async fn in_shares(&self, shares: u128, most: usize) -> Result<Option<Refolded>, WarehouseError> {
        let mut folded = Refolded::default();
        for number in 0..shares {
            if !self.share(Share { number, of: shares }, most, &mut folded).await? {
                return Ok(None);
            }
        }
        Ok(Some(folded))
    }

    /// Compares the keys of a share; false when there are too many.
    async fn share(&self, share: Share, most: usize, folded: &mut Refolded) -> Result<bool, WarehouseError> {
        let prints = Prints::new(self.endpoint, self.history)?;
        let applied = self.current.map_or(u64::MAX, |(_, applied)| applied);
        let (before, after): (Vec<&CommitFiles>, Vec<&CommitFiles>) =
            self.commits.iter().partition(|commit| commit.version <= applied);
        let mut newest = HashMap::new();
        if !self.fold(&prints, (share, most), before, &mut newest, folded).await? {
            return Ok(false);
        }
        if let Some((current, _)) = self.current {
            self.met(&prints, share, current, &mut newest, folded).await?;
            self.unmet(&prints, &newest, folded).await?;
        }
        self.fold(&prints, (share, most), after, &mut newest, folded).await
    }

    /// Takes in commits of the history, in their order.
    async fn fold(
        &self,
        prints: &Prints,
        (share, most): (Share, usize),
        commits: Vec<&CommitFiles>,
        newest: &mut HashMap<u128, NewestRow>,
        folded: &mut Refolded,
    ) -> Result<bool, WarehouseError> {
        let reader = self.history.reader();
        for commit in commits {
            for (path, size) in &commit.files {
                let mut batches = reader.rows(path, *size, None, None).await?;
                while let Some(batch) = batches.try_next().await? {
                    let batch = conform(self.history.name(), &batch, self.history.schema(), &HashMap::new())?;
                    for print in prints.of(self.history, &batch)?.into_iter().filter(|print| share.has(print.key)) {
                        take_in(&print, newest, &mut folded.repeated, |row| {
                            format!(
                                "commit {}: {} is logged again without a change",
                                commit.version,
                                prints.key_text(&batch, row)
                            )
                        });
                    }
                }
                if newest.len() > most {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Compares each row of the current table with the fold.
    async fn met(
        &self,
        prints: &Prints,
        share: Share,
        current: &Table,
        newest: &mut HashMap<u128, NewestRow>,
        folded: &mut Refolded,
    ) -> Result<(), WarehouseError> {
        let reader = current.reader();
        for file in current.files(None)? {
            let account = file.partition_value(ACCOUNT).unwrap_or_default().to_owned();
            let constants = HashMap::from([(ACCOUNT, account.as_str())]);
            let mut batches = reader.rows(&file.path, file.size, None, None).await?;
            while let Some(batch) = batches.try_next().await? {
                let batch = conform(current.name(), &batch, current.schema(), &constants)?;
                for print in prints.of(current, &batch)?.into_iter().filter(|print| share.has(print.key)) {
                    match differs(&print, newest.get_mut(&print.key)) {
                        None => folded.equal += 1,
                        Some(how) => folded.differing.add(|| format!("{} {how}", prints.key_text(&batch, print.row))),
                    }
                }
            }
        }
        Ok(())
    }

    /// Counts keys of the history that the current table does not have, and names the first in a second pass.
    async fn unmet(
        &self,
        prints: &Prints,
        newest: &HashMap<u128, NewestRow>,
        folded: &mut Refolded,
    ) -> Result<(), WarehouseError> {
        let missing = newest.values().filter(|known| !known.met).count() as u64;
        let reader = self.history.reader();
        let mut named = std::collections::HashSet::new();
        let files = self.commits.iter().flat_map(|commit| &commit.files);
        for (path, size) in files.take_while(|_| missing > 0) {
            if named.len() as u64 == missing || !folded.differing.has_room() {
                break;
            }
            let mut batches = reader.rows(path, *size, Some(&prints.key), None).await?;
            while let Some(batch) = batches.try_next().await? {
                for (row, key) in prints.keys(self.history, &batch)?.into_iter().enumerate() {
                    if newest.get(&key).is_some_and(|known| !known.met)
                        && folded.differing.has_room()
                        && named.insert(key)
                    {
                        folded.differing.add(|| format!("{} is missing", prints.key_text(&batch, row)));
                    }
                }
            }
        }
        folded.differing.add_silent(missing.saturating_sub(named.len() as u64));
        Ok(())
    }
}

/// Puts a version in; one that equals the newest is a repetition, one with an older cursor replaces nothing.
fn take_in(
    print: &Print,
    newest: &mut HashMap<u128, NewestRow>,
    repeated: &mut Findings,
    words: impl FnOnce(usize) -> String,
) {
    let Print { row, key, content, whole, cursor } = *print;
    let known = newest.get(&key);
    if known.is_some_and(|known| known.content == content) {
        repeated.add(|| words(row));
    }
    if known.is_none_or(|known| cursor >= known.cursor) {
        newest.insert(key, NewestRow { content, whole, cursor, met: false });
    }
}

/// How a row of the current table differs from the fold, if it does; it is met from now on.
fn differs(print: &Print, known: Option<&mut NewestRow>) -> Option<&'static str> {
    let Some(known) = known else { return Some("exists, but not in the history") };
    if std::mem::replace(&mut known.met, true) {
        return Some("occurs twice");
    }
    (known.whole != print.whole).then_some("is not the newest row of the history")
}

/// One row in hashes.
struct Print {
    row: usize,
    key: u128,
    /// Documented columns, `_wdt_extra`, and whether it is deleted.
    content: u128,
    /// The same with what the reading stamps on a row.
    whole: u128,
    cursor: Micros,
}

/// Makes hashes of rows of either table.
struct Prints {
    /// Columns of the key, account first.
    key: Vec<&'static str>,
    content: Vec<&'static str>,
    cursor: Option<&'static str>,
    key_rows: RowConverter,
    content_rows: RowConverter,
}

impl Prints {
    fn new(endpoint: &'static Endpoint, history: &Table) -> Result<Self, WarehouseError> {
        let key: Vec<&'static str> = [ACCOUNT].into_iter().chain(endpoint.key.iter().copied()).collect();
        let content: Vec<&'static str> = endpoint.fields.iter().map(|field| field.name).chain([EXTRA]).collect();
        let cursor = endpoint.cursor().map(|cursor| cursor.field);
        let (key_rows, content_rows) = (converter(history, &key)?, converter(history, &content)?);
        Ok(Self { key, content, cursor, key_rows, content_rows })
    }

    fn of(&self, table: &Table, batch: &RecordBatch) -> Result<Vec<Print>, WarehouseError> {
        let name = table.name();
        let keys = self.keys(table, batch)?;
        let contents = self
            .content_rows
            .convert_columns(&columns_of(name, batch, &self.content)?)
            .map_err(WarehouseError::storage(name, "comparison"))?;
        let stamps = columns_of(name, batch, &[PULLED_AT, RUN_ID])?;
        let cursor = self.cursor.and_then(|cursor| batch.column_by_name(cursor));
        let mut bytes = Vec::new();
        let print = |row: usize| {
            let deleted_at = deleted_at(batch, row, &stamps[0]);
            bytes.clear();
            bytes.extend_from_slice(contents.row(row).as_ref());
            bytes.push(u8::from(deleted_at.is_some()));
            let content = XxHash3_128::oneshot(&bytes);
            bytes.extend_from_slice(&deleted_at.unwrap_or(NEVER).0.to_le_bytes());
            bytes.extend_from_slice(&micros(&stamps[0], row).unwrap_or(NEVER).0.to_le_bytes());
            bytes.extend_from_slice(cell_text(&stamps[1], row).unwrap_or_default().as_bytes());
            let cursor = cursor.and_then(|cursor| micros(cursor, row)).unwrap_or(NEVER);
            Print { row, key: keys[row], content, whole: XxHash3_128::oneshot(&bytes), cursor }
        };
        Ok((0..batch.num_rows()).map(print).collect())
    }

    fn keys(&self, table: &Table, batch: &RecordBatch) -> Result<Vec<u128>, WarehouseError> {
        let rows = self
            .key_rows
            .convert_columns(&columns_of(table.name(), batch, &self.key)?)
            .map_err(WarehouseError::storage(table.name(), "comparison"))?;
        Ok(rows.iter().map(|key| XxHash3_128::oneshot(key.as_ref())).collect())
    }

    /// `account main, spec_id 7, warehouse_id 2`.
    fn key_text(&self, batch: &RecordBatch, row: usize) -> String {
        let cell = |name: &&str| {
            let text = batch.column_by_name(name).and_then(|column| cell_text(column, row));
            format!("{name} {}", text.unwrap_or_else(|| "null".to_owned()))
        };
        self.key.iter().map(cell).collect::<Vec<_>>().join(", ")
    }
}

/// When the row was found gone: from its own column, or by the operation of a history's row.
fn deleted_at(batch: &RecordBatch, row: usize, pulled_at: &ArrayRef) -> Option<Micros> {
    if let Some(deleted) = batch.column_by_name(DELETED_AT) {
        return micros(deleted, row);
    }
    let op = batch.column_by_name(OP)?.as_string_opt::<i32>()?;
    if op.is_valid(row) && op.value(row) == OP_DELETE { micros(pulled_at, row) } else { None }
}

fn converter(table: &Table, columns: &[&str]) -> Result<RowConverter, WarehouseError> {
    let failed = || WarehouseError::storage(table.name(), "comparison");
    let field =
        |name: &&str| table.schema().field_with_name(name).map(|field| SortField::new(field.data_type().clone()));
    let fields = columns.iter().map(field).collect::<Result<Vec<_>, _>>().map_err(failed())?;
    RowConverter::new(fields).map_err(failed())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;

    use arrow::array::{Date32Array, Int64Array, StringArray};
    use wdt_models::endpoints::FLAGSHIP_SHOPS;

    use super::*;
    use crate::kept::change::Change;
    use crate::schema::{DT, TableSpec};
    use crate::warehouse::Warehouse;

    type KeyAndName = (i64, &'static str);

    /// Rows with these keys and names, everything else null.
    fn batch(table: &Table, rows: &[KeyAndName]) -> RecordBatch {
        let texts = |text: &str| Arc::new(StringArray::from(vec![text; rows.len()])) as ArrayRef;
        let names: StringArray = rows.iter().map(|(_, name)| Some(*name)).collect();
        let keys: Int64Array = rows.iter().map(|(key, _)| Some(*key)).collect();
        let columns: [(&str, ArrayRef); 5] = [
            ("shop_id", Arc::new(keys)),
            ("shop_name", Arc::new(names)),
            (ACCOUNT, texts("main")),
            (OP, texts("upsert")),
            (DT, Arc::new(Date32Array::from(vec![19_000; rows.len()]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        conform(table.name(), &batch, table.schema(), &HashMap::new()).unwrap()
    }

    /// Writes a commit of these rows, as the log says of it.
    async fn commit(table: &mut Table, rows: &[KeyAndName]) -> CommitFiles {
        let mut writer = table.writer().unwrap();
        writer.write(batch(table, rows)).await.unwrap();
        let adds = writer.finish().await.unwrap();
        let version = table.commit(Change { adds, ..Change::default() }).await.unwrap();
        let commit = table.read_commit(version).await.unwrap().unwrap();
        CommitFiles { version, files: commit.files, rows: commit.rows }
    }

    fn named(keys: std::ops::Range<i64>, name: &'static str) -> Vec<KeyAndName> {
        keys.map(|key| (key, name)).collect()
    }

    #[tokio::test]
    async fn as_many_shares_as_it_takes_find_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let warehouse = Warehouse::delta(folder.path().to_str().unwrap()).unwrap();
        let mut history = Table::open_or_create(&warehouse, &TableSpec::history(&FLAGSHIP_SHOPS)).await.unwrap();
        let mut current = Table::open_or_create(&warehouse, &TableSpec::current(&FLAGSHIP_SHOPS)).await.unwrap();
        let first = commit(&mut history, &named(0..60, "a")).await;
        // ten as they were, one changed and changed back
        let second = [named(0..30, "b"), named(30..40, "a"), vec![(50, "b"), (50, "a")]].concat();
        let second = commit(&mut history, &second).await;
        // two differ, one is not in the history, one stands twice, four are missing
        let rows = [named(0..28, "b"), named(28..30, "a"), named(34..60, "a"), vec![(99, "a"), (59, "a")]].concat();
        commit(&mut current, &rows).await;
        let commits = [first, second];
        let fold =
            Refold { endpoint: &FLAGSHIP_SHOPS, history: &history, commits: &commits, current: Some((&current, 2)) };
        for most in [1000, 60, 25, 7] {
            let found = fold.holding(most).await.unwrap();
            assert_eq!(found.equal, 54, "{most}");
            assert!(found.repeated.to_string().ends_with("; and 7 more"), "{most}: {}", found.repeated);
            assert!(found.differing.to_string().ends_with("; and 5 more"), "{most}: {}", found.differing);
        }
        assert!(fold.in_shares(1, 25).await.unwrap().is_none(), "no more than that are ever held");
    }
}
