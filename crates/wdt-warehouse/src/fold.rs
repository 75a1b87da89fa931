//! The current table of a history whose format keeps none: folded in two passes over the log, into encoded memory.
//!
//! The first pass reads key and cursor of every row and remembers where the newest row of each key stands, some 70 bytes a
//! key; the second one reads those rows. What is landed afterwards is folded in by [`super::projection`] as anywhere.

use std::collections::{BTreeMap, HashMap};

use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};
use futures::stream::TryStreamExt as _;
use twox_hash::XxHash3_128;
use wdt_models::Endpoint;

use super::error::WarehouseError;
use super::files::conform;
use super::projection::{applied, with_deletes};
use super::schema::{ACCOUNT, TableSpec};
use super::upsert::{FILE_BYTES, columns_of, micros};
use super::versioned::{Change, DataFile, Table};

/// The current table as of the history's loaded version.
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
    let mut newest = Newest::new(endpoint, history)?;
    for (number, file) in files.iter().enumerate() {
        newest.add(history, number, file).await?;
    }
    let mut writer = current.writer()?;
    for (number, positions) in newest.positions() {
        let file = &files[number];
        let mut batches = history.reader().rows(&file.path, file.size, None, Some(&positions)).await?;
        while let Some(batch) = batches.try_next().await? {
            let rows = conform(current.name(), &batch, current.schema(), &HashMap::new())?;
            writer.write(with_deletes(&current, &batch, rows)?).await?;
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

/// Where the newest row of each key stands.
struct Newest {
    /// Account, then the key.
    key: Vec<&'static str>,
    cursor: Option<&'static str>,
    converter: RowConverter,
    rows: HashMap<u128, Row>,
}

/// A row of the log.
struct Row {
    file: usize,
    position: usize,
    /// Microseconds; nothing is older than null.
    cursor: Option<i64>,
}

impl Newest {
    fn new(endpoint: &'static Endpoint, history: &Table) -> Result<Self, WarehouseError> {
        let key: Vec<&'static str> = [ACCOUNT].into_iter().chain(endpoint.key.iter().copied()).collect();
        let schema = history.schema();
        let field = |name: &&str| schema.field_with_name(name).map(|field| SortField::new(field.data_type().clone()));
        let fields = key.iter().map(field).collect::<Result<_, _>>();
        let converter = fields.and_then(RowConverter::new).map_err(WarehouseError::storage(history.name(), "fold"))?;
        let cursor = endpoint.cursor().map(|cursor| cursor.field);
        Ok(Self { key, cursor, converter, rows: HashMap::new() })
    }

    /// Takes in the next file of the log: rows of a key stand there from old to new.
    async fn add(&mut self, history: &Table, number: usize, file: &DataFile) -> Result<(), WarehouseError> {
        let columns: Vec<&str> = self.key.iter().copied().chain(self.cursor).collect();
        let mut batches = history.reader().rows(&file.path, file.size, Some(&columns), None).await?;
        let mut first = 0;
        while let Some(batch) = batches.try_next().await? {
            self.place(history.name(), &batch, number, first)?;
            first += batch.num_rows();
        }
        Ok(())
    }

    fn place(&mut self, table: &str, batch: &RecordBatch, file: usize, first: usize) -> Result<(), WarehouseError> {
        let columns = columns_of(table, batch, &self.key)?;
        let keys = self.converter.convert_columns(&columns).map_err(WarehouseError::storage(table, "fold"))?;
        let cursors = self.cursor.and_then(|cursor| batch.column_by_name(cursor));
        for (row, key) in keys.iter().enumerate() {
            let cursor = cursors.and_then(|cursors| micros(cursors, row));
            let found = Row { file, position: first + row, cursor };
            let known = self.rows.entry(XxHash3_128::oneshot(key.as_ref()));
            known.and_modify(|known| known.follow(&found)).or_insert(found);
        }
        Ok(())
    }

    /// The rows by file, ascending.
    fn positions(self) -> BTreeMap<usize, Vec<usize>> {
        let mut files: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for row in self.rows.into_values() {
            files.entry(row.file).or_default().push(row.position);
        }
        for positions in files.values_mut() {
            positions.sort_unstable();
        }
        files
    }
}

impl Row {
    /// A later row of the log counts, but one with an older cursor never does.
    fn follow(&mut self, later: &Self) {
        if later.cursor >= self.cursor {
            *self = Self { ..*later };
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;

    use arrow::array::{ArrayRef, Date32Array, Int64Array, StringArray, TimestampMicrosecondArray};
    use arrow::compute::{concat_batches, lexsort_to_indices, take_record_batch};
    use wdt_models::endpoints::ENTERPRISE_STOCK;

    use super::*;
    use crate::projection::{applied_version, roll_forward};
    use crate::schema::{DELETED_AT, DT, OP, PULLED_AT};
    use crate::warehouse::Warehouse;

    /// Account, key, cursor, operation and name of a row of the history.
    type Logged = (&'static str, i64, Option<i64>, &'static str, &'static str);

    fn batch(history: &Table, rows: &[Logged]) -> RecordBatch {
        let ids = || Arc::new(rows.iter().map(|row| Some(row.1)).collect::<Int64Array>()) as ArrayRef;
        let time = |times: TimestampMicrosecondArray| Arc::new(times.with_timezone("UTC")) as ArrayRef;
        let text = |text: fn(&Logged) -> &'static str| {
            Arc::new(rows.iter().map(|row| Some(text(row))).collect::<StringArray>()) as ArrayRef
        };
        let columns: [(&str, ArrayRef); 8] = [
            (ACCOUNT, text(|row| row.0)),
            ("spec_id", ids()),
            ("warehouse_id", ids()),
            ("modified", time(rows.iter().map(|row| row.2).collect())),
            ("spec_no", text(|row| row.4)),
            (PULLED_AT, time(rows.iter().map(|row| Some(9_000_000 + row.1)).collect())),
            (OP, text(|row| row.3)),
            (DT, Arc::new(Date32Array::from(vec![20_000; rows.len()]))),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        conform(history.name(), &batch, history.schema(), &HashMap::new()).unwrap()
    }

    async fn log(history: &mut Table, commits: &[&[Logged]]) {
        for rows in commits {
            let mut writer = history.writer().unwrap();
            for row in *rows {
                // several files in a commit
                writer.write(batch(history, &[*row])).await.unwrap();
                writer.roll().await.unwrap();
            }
            let adds = writer.finish().await.unwrap();
            history.commit(Change { adds, ..Change::default() }).await.unwrap();
        }
    }

    /// All rows of a current table by account and key.
    async fn sorted(current: &Table) -> RecordBatch {
        let mut batches = Vec::new();
        for file in current.files(None).unwrap() {
            let constants = HashMap::from([(ACCOUNT, file.partition_value(ACCOUNT).unwrap())]);
            for batch in current.reader().all_rows(&file.path, file.size, None, None).await.unwrap() {
                batches.push(conform(current.name(), &batch, current.schema(), &constants).unwrap());
            }
        }
        let rows = concat_batches(current.schema(), &batches).unwrap();
        let by = |name: &str| arrow::compute::SortColumn {
            values: Arc::clone(rows.column_by_name(name).unwrap()),
            options: None,
        };
        take_record_batch(&rows, &lexsort_to_indices(&[by(ACCOUNT), by("spec_id")], None).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn two_passes_fold_what_version_by_version_does() {
        let commits: [&[Logged]; 5] = [
            &[
                ("a", 1, Some(10), "upsert", "first"),
                ("a", 2, Some(10), "upsert", "only"),
                ("b", 1, None, "upsert", "b"),
            ],
            &[],
            // two versions of a key in a commit, a delete, an older cursor, the same cursor
            &[
                ("a", 1, Some(20), "upsert", "second"),
                ("a", 1, Some(30), "upsert", "third"),
                ("a", 3, Some(5), "upsert", "x"),
            ],
            &[
                ("a", 1, Some(15), "upsert", "too old"),
                ("a", 2, Some(10), "delete", "only"),
                ("a", 3, Some(5), "upsert", "y"),
            ],
            &[
                ("b", 1, Some(1), "upsert", "b with a cursor"),
                ("b", 4, Some(1), "delete", "gone"),
                ("b", 4, Some(2), "upsert", "back"),
            ],
        ];
        for length in 0..=commits.len() {
            let warehouse = Warehouse::memory();
            let mut history = Table::open_or_create(&warehouse, &TableSpec::history(&ENTERPRISE_STOCK)).await.unwrap();
            let mut current = Table::open_or_create(&warehouse, &TableSpec::current(&ENTERPRISE_STOCK)).await.unwrap();
            log(&mut history, &commits[..length]).await;
            let mut folded = folded(&ENTERPRISE_STOCK, &history).await.unwrap();
            assert_eq!(applied_version(&folded).await.unwrap(), length as u64);
            roll_forward(&ENTERPRISE_STOCK, &mut history, &mut current).await.unwrap();
            let wanted = sorted(&current).await;
            assert_eq!(sorted(&folded).await, wanted, "{length} commits");
            // what is landed later is folded in by the other way
            log(&mut history, &commits[length..]).await;
            roll_forward(&ENTERPRISE_STOCK, &mut history, &mut folded).await.unwrap();
            roll_forward(&ENTERPRISE_STOCK, &mut history, &mut current).await.unwrap();
            let wanted = sorted(&current).await;
            assert_eq!(sorted(&folded).await, wanted, "{length} commits, then the others");
            let names = arrow::array::AsArray::as_string::<i32>(wanted.column_by_name("spec_no").unwrap());
            let names: Vec<_> = names.iter().flatten().collect();
            assert_eq!(names, ["third", "only", "y", "b with a cursor", "back"]);
            assert_eq!(wanted.column_by_name(DELETED_AT).unwrap().null_count(), 4);
        }
    }
}
