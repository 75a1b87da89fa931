//! Which row of a key is current: the one rule, applied by everybody who reads a log.
//!
//! The newest cursor counts, and of equal cursors the row that is logged last. A null cursor is older than any other.
//! Snapshots have no cursor at all, so of their rows the one that is logged last counts. The projection of a log, the
//! tables that are folded from plain Parquet, readings as of a moment, `export` and `diff` all come to this file;
//! `proof/fold.rs` does not, on purpose: it proves them.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{AsArray as _, BooleanArray, new_null_array};
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};
use futures::stream::TryStreamExt as _;
use object_store::path::Path;
use twox_hash::XxHash3_128;
use wdt_models::Endpoint;

use crate::error::WarehouseError;
use crate::kept::table::Table;
use crate::rows::{columns_of, micros};
use crate::schema::{ACCOUNT, DELETED_AT, OP, OP_DELETE, PULLED_AT};

/// Whether a row that is logged later takes the place of one of its key, by their cursors.
pub(crate) fn follows(earlier: Option<i64>, later: Option<i64>) -> bool {
    // `None` is less than any cursor
    later >= earlier
}

/// The place of each key's current row, found by taking in the rows of a log in their order.
pub(crate) struct Fold {
    table: String,
    /// Account, then the key.
    key: Vec<&'static str>,
    cursor: Option<&'static str>,
    converter: RowConverter,
    /// By the hash of the key.
    rows: HashMap<u128, Logged>,
}

/// A row of the log.
#[derive(Clone, Copy)]
struct Logged {
    file: usize,
    position: usize,
    /// Microseconds.
    cursor: Option<i64>,
}

impl Fold {
    /// Over a log with these columns, of which no row is taken in yet.
    ///
    /// # Errors
    /// When a key column is missing.
    pub(crate) fn new(endpoint: &'static Endpoint, table: &str, schema: &SchemaRef) -> Result<Self, WarehouseError> {
        let key: Vec<&'static str> = [ACCOUNT].into_iter().chain(endpoint.key.iter().copied()).collect();
        let field = |name: &&str| schema.field_with_name(name).map(|field| SortField::new(field.data_type().clone()));
        let fields = key.iter().map(field).collect::<Result<_, _>>();
        let converter = fields.and_then(RowConverter::new).map_err(WarehouseError::storage(table, "fold"))?;
        let cursor = endpoint.cursor().map(|cursor| cursor.field);
        Ok(Self { table: table.to_owned(), key, cursor, converter, rows: HashMap::new() })
    }

    /// Takes in the next file of the log, or those rows of it that count: rows of a key are in it from old to new.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) async fn file(
        &mut self,
        history: &Table,
        number: usize,
        path: &Path,
        size: u64,
        counts: impl Fn(&RecordBatch, usize) -> bool,
    ) -> Result<(), WarehouseError> {
        let columns: Vec<&str> = self.key.iter().copied().chain(self.cursor).chain([PULLED_AT]).collect();
        let mut batches = history.reader().rows(path, size, Some(&columns), None).await?;
        let mut first = 0;
        while let Some(batch) = batches.try_next().await? {
            self.rows(&batch, (number, first), |row| counts(&batch, row))?;
            first += batch.num_rows();
        }
        Ok(())
    }

    /// Takes in the next rows of the log, those that count; the first one is at this position of its file.
    ///
    /// # Errors
    /// When a key column is missing.
    pub(crate) fn rows(
        &mut self,
        batch: &RecordBatch,
        (file, first): (usize, usize),
        counts: impl Fn(usize) -> bool,
    ) -> Result<(), WarehouseError> {
        let columns = columns_of(&self.table, batch, &self.key)?;
        let keys = self.converter.convert_columns(&columns).map_err(WarehouseError::storage(&self.table, "fold"))?;
        let cursors = self.cursor.and_then(|cursor| batch.column_by_name(cursor));
        for (row, key) in keys.iter().enumerate().filter(|(row, _)| counts(*row)) {
            let cursor = cursors.and_then(|cursors| micros(cursors, row));
            let logged = Logged { file, position: first + row, cursor };
            let known = self.rows.entry(XxHash3_128::oneshot(key.as_ref())).or_insert(logged);
            if follows(known.cursor, cursor) {
                *known = logged;
            }
        }
        Ok(())
    }

    /// Positions of the current rows, ascending, by the number of their file.
    pub(crate) fn places(self) -> BTreeMap<usize, Vec<usize>> {
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

/// The rows with `_wdt_deleted_at`, made from what the log says of each: the time of the reading that did not find it.
/// Rows of a current table, which have it, stay as they are.
///
/// # Errors
/// When the rows cannot be put together.
pub(crate) fn with_deletes(table: &str, rows: &RecordBatch) -> Result<RecordBatch, WarehouseError> {
    marked(rows).map_err(WarehouseError::storage(table, "fold"))
}

fn marked(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let (Some(ops), Some(times)) = (rows.column_by_name(OP), rows.column_by_name(PULLED_AT)) else {
        return Ok(rows.clone());
    };
    let deleted: BooleanArray = ops.as_string::<i32>().iter().map(|op| Some(op == Some(OP_DELETE))).collect();
    if deleted.true_count() == 0 {
        return Ok(rows.clone());
    }
    let times = zip(&deleted, times, &new_null_array(times.data_type(), rows.num_rows()))?;
    let schema = rows.schema();
    let mark = arrow::datatypes::Field::new(DELETED_AT, times.data_type().clone(), true);
    let fields: Vec<_> = schema.fields().iter().map(|field| field.as_ref().clone()).chain([mark]).collect();
    let columns = rows.columns().iter().cloned().chain([times]).collect();
    RecordBatch::try_new(std::sync::Arc::new(Schema::new(fields)), columns)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;

    use arrow::array::{ArrayRef, Date32Array, Int64Array, StringArray, TimestampMicrosecondArray};
    use arrow::compute::{concat_batches, lexsort_to_indices, take_record_batch};
    use wdt_models::endpoints::ENTERPRISE_STOCK;

    use super::*;
    use crate::kept::change::Change;
    use crate::projection::{applied_version, folded, roll_forward};
    use crate::rows::conform;
    use crate::schema::{DT, TableSpec};
    use crate::warehouse::Warehouse;

    /// Account, key, cursor, operation and name of a row of the history.
    type LoggedRow = (&'static str, i64, Option<i64>, &'static str, &'static str);

    fn batch(history: &Table, rows: &[LoggedRow]) -> RecordBatch {
        let ids = || Arc::new(rows.iter().map(|row| Some(row.1)).collect::<Int64Array>()) as ArrayRef;
        let time = |times: TimestampMicrosecondArray| Arc::new(times.with_timezone("UTC")) as ArrayRef;
        let text = |text: fn(&LoggedRow) -> &'static str| {
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

    async fn log(history: &mut Table, commits: &[&[LoggedRow]]) {
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
        let commits: [&[LoggedRow]; 5] = [
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
