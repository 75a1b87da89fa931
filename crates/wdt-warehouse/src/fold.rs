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
use wdt_models::time::Micros;

use crate::error::WarehouseError;
use crate::kept::table::Table;
use crate::rows::{columns_of, micros};
use crate::schema::{ACCOUNT, DELETED_AT, OP, OP_DELETE, PULLED_AT};

/// Whether a row that is logged later takes the place of one of its key, by their cursors.
pub(crate) fn follows(earlier: Option<Micros>, later: Option<Micros>) -> bool {
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

/// A row of the log; small, since there is one for each key.
#[derive(Clone, Copy)]
struct Logged {
    file: u32,
    position: u32,
    /// [`NO_CURSOR`] for null.
    cursor: i64,
}

/// In place of a null cursor: it comes before every time that a table can hold.
const NO_CURSOR: i64 = i64::MIN;

impl Logged {
    fn cursor(self) -> Option<Micros> {
        (self.cursor != NO_CURSOR).then_some(Micros(self.cursor))
    }
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
    /// `counts` is asked once for each batch, which has the columns of key and cursor and those `beside` them.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) async fn file(
        &mut self,
        history: &Table,
        number: usize,
        (path, size): (&Path, u64),
        beside: &[&str],
        counts: impl Fn(&RecordBatch) -> Result<Vec<bool>, WarehouseError>,
    ) -> Result<(), WarehouseError> {
        let columns: Vec<&str> = self.key.iter().copied().chain(self.cursor).chain(beside.iter().copied()).collect();
        let mut batches = history.reader().rows(path, size, Some(&columns), None).await?;
        let mut first = 0;
        while let Some(batch) = batches.try_next().await? {
            let counts = counts(&batch)?;
            self.rows(&batch, (number, first), |row| counts[row])?;
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
        let small = |number: usize| u32::try_from(number).map_err(WarehouseError::storage(&self.table, "fold"));
        let file = small(file)?;
        for (row, key) in keys.iter().enumerate().filter(|(row, _)| counts(*row)) {
            let cursor = cursors.and_then(|cursors| micros(cursors, row));
            let logged = Logged { file, position: small(first + row)?, cursor: cursor.map_or(NO_CURSOR, |at| at.0) };
            let known = self.rows.entry(XxHash3_128::oneshot(key.as_ref())).or_insert(logged);
            if follows(known.cursor(), cursor) {
                *known = logged;
            }
        }
        Ok(())
    }

    /// Positions of the current rows, ascending, by the number of their file.
    pub(crate) fn places(self) -> BTreeMap<usize, Vec<usize>> {
        let mut files: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for row in self.rows.into_values() {
            files.entry(row.file as usize).or_default().push(row.position as usize);
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
mod tests;
