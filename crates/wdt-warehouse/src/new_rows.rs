//! What of a reading is new: the rows the history gets.
//!
//! A record is logged when it differs from its current row in a documented column or in `_wdt_extra`. The records of a
//! batch are walked per key from the oldest cursor to the newest, so that A→B→A becomes three rows and the same record
//! read again none.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, Date32Array, StringArray, TimestampMicrosecondArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{Date32Type, SchemaRef};
use arrow::record_batch::RecordBatch;
use arrow::row::{OwnedRow, RowConverter, SortField};
use wdt_models::Endpoint;
use wdt_models::decode::page_schema;
use wdt_models::time::{Micros, Millis, shanghai_days};

use crate::error::WarehouseError;
use crate::kept::table::{FileWriter, Table};
use crate::record::Counts;
use crate::rows::{columns_of, micros, take};
use crate::schema::{ACCOUNT, DELETED_AT, DT, EXTRA, OP, OP_DELETE, OP_UPSERT, PULLED_AT, RUN_ID};
use crate::slice::{Picture, vanished};
use crate::upsert::{KeyIndex, identity, locate};

/// Decoded records of one window, in the order they were read.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Documented columns and `_wdt_extra`.
    pub batch: RecordBatch,
    /// Platform time of the reading.
    pub read_at: Millis,
}

/// Rows for the history, sorted by date, and the counts.
pub(crate) struct Changes {
    /// History rows; `None` when nothing differs.
    pub rows: Option<RecordBatch>,
    /// The counts.
    pub counts: Counts,
}

/// One version of a row, to compare with the next.
struct Version {
    content: OwnedRow,
    cursor: Option<Micros>,
    /// When it was read: of equal cursors the later reading is the newer row.
    read_at: Option<Micros>,
    deleted: bool,
}

/// Rows read in one landing, ready to be walked.
struct Records<'a> {
    rows: &'a RecordBatch,
    index: &'a KeyIndex,
    contents: &'a Contents,
    dates: &'a [i32],
    /// One per row.
    read_at: &'a [Micros],
}

impl Version {
    /// Whether it is a newer picture of its row than a record with this cursor, read at this time.
    ///
    /// Pictures without a cursor (snapshots) land in the order of their readings, which their transaction sees to.
    fn is_newer(&self, cursor: Option<Micros>, read_at: Micros) -> bool {
        self.cursor > cursor
            || (cursor.is_some() && self.cursor == cursor && self.read_at.is_some_and(|known| known > read_at))
    }
}

/// What is compared, and on whose behalf.
pub(crate) struct Comparison<'a> {
    /// The current table.
    pub current: &'a Table,
    /// Columns of the history.
    pub history: &'a SchemaRef,
    /// What was read.
    pub endpoint: &'static Endpoint,
    /// Account.
    pub account: &'a str,
    /// Run.
    pub run_id: &'a str,
}

impl Comparison<'_> {
    /// Compares readings with the current rows of the account; a picture says which rows are gone.
    ///
    /// # Errors
    /// When the current table cannot be read.
    pub(crate) async fn changes(
        &self,
        readings: &[Reading],
        picture: Option<&Picture>,
    ) -> Result<Changes, WarehouseError> {
        let (table, endpoint) = (self.current.name(), self.endpoint);
        let batches: Vec<&RecordBatch> = readings.iter().map(|reading| &reading.batch).collect();
        let rows =
            concat_batches(&page_schema(endpoint), batches).map_err(WarehouseError::storage(table, "comparison"))?;
        let read_at: Vec<Micros> = readings
            .iter()
            .flat_map(|reading| std::iter::repeat_n(reading.read_at.micros(), reading.batch.num_rows()))
            .collect();
        let index = KeyIndex::new(table, &rows, endpoint.key)?;
        let contents = Contents::new(endpoint, table)?;
        let mut versions = current_versions(self.current, endpoint, self.account, &index, &contents).await?;
        let dates = dates(endpoint, &rows, &read_at);
        let records = Records { rows: &rows, index: &index, contents: &contents, dates: &dates, read_at: &read_at };
        let (new, mut counts) = walk(endpoint, table, &records, &mut versions)?;
        let mut logged = Vec::new();
        if !new.is_empty() {
            let stamp = Stamp { op: OP_UPSERT, read_at: new.iter().map(|&row| read_at[row]).collect() };
            let dates: Date32Array = new.iter().map(|&row| Some(dates[row])).collect();
            logged.push(self.history_rows(&take(table, &rows, &new)?, &stamp, &dates)?);
        }
        if let Some(picture) = picture {
            let gone = self.gone(picture, &index).await?;
            counts.deleted = gone.iter().map(|rows| rows.num_rows() as u64).sum();
            logged.extend(gone);
        }
        if logged.is_empty() {
            return Ok(Changes { rows: None, counts });
        }
        let rows = concat_batches(self.history, &logged).map_err(WarehouseError::storage(table, "comparison"))?;
        Ok(Changes { rows: Some(rows), counts })
    }

    /// History rows of what the slice held and is not in the picture of it.
    async fn gone(&self, picture: &Picture, index: &KeyIndex) -> Result<Vec<RecordBatch>, WarehouseError> {
        let read_at = picture.read_at;
        let Some(kept) = &picture.kept else { return Ok(Vec::new()) };
        let kept = KeyIndex::new(self.current.name(), kept, self.endpoint.key)?;
        let gone = vanished(self.current, self.endpoint, self.account, &picture.slice, &[index, &kept]).await?;
        let logged = gone.iter().map(|rows| {
            let stamp = Stamp { op: OP_DELETE, read_at: vec![read_at.micros(); rows.num_rows()] };
            let date = shanghai_days(read_at.floor_seconds());
            let dates: Date32Array = std::iter::repeat_n(Some(date), rows.num_rows()).collect();
            self.history_rows(rows, &stamp, &dates)
        });
        logged.collect()
    }

    /// History rows that log these current rows as deleted, sorted by the date of their cursor.
    ///
    /// # Errors
    /// When a column is missing.
    pub(crate) fn deletes(&self, rows: &RecordBatch, read_at: Millis) -> Result<RecordBatch, WarehouseError> {
        let table = self.current.name();
        let cursor = self.endpoint.cursor().and_then(|cursor| rows.column_by_name(cursor.field));
        let date = |row: usize| {
            let at = cursor.and_then(|cursor| micros(cursor, row)).unwrap_or_else(|| read_at.micros());
            shanghai_days(at.floor_seconds())
        };
        let mut order: Vec<(i32, usize)> = (0..rows.num_rows()).map(|row| (date(row), row)).collect();
        order.sort_unstable();
        let (dates, order): (Vec<i32>, Vec<usize>) = order.into_iter().unzip();
        let stamp = Stamp { op: OP_DELETE, read_at: vec![read_at.micros(); rows.num_rows()] };
        self.history_rows(&take(table, rows, &order)?, &stamp, &Date32Array::from(dates))
    }

    fn history_rows(
        &self,
        rows: &RecordBatch,
        stamp: &Stamp,
        dates: &Date32Array,
    ) -> Result<RecordBatch, WarehouseError> {
        let table = self.current.name();
        let text = |value: &str| {
            Arc::new(StringArray::from_iter_values(std::iter::repeat_n(value, rows.num_rows()))) as ArrayRef
        };
        let read_at =
            TimestampMicrosecondArray::from_iter_values(stamp.read_at.iter().map(|at| at.0)).with_timezone("UTC");
        let mut columns = Vec::with_capacity(self.history.fields().len());
        for field in self.history.fields() {
            columns.push(match field.name().as_str() {
                ACCOUNT => text(self.account),
                PULLED_AT => Arc::new(read_at.clone()),
                RUN_ID => text(self.run_id),
                OP => text(stamp.op),
                DT => Arc::new(dates.clone()),
                name => columns_of(table, rows, &[name])?.remove(0),
            });
        }
        RecordBatch::try_new(Arc::clone(self.history), columns).map_err(WarehouseError::storage(table, "write"))
    }
}

/// Writes history rows that are sorted by date, one open file at a time.
///
/// # Errors
/// When a data file cannot be written.
pub(crate) async fn write_by_date(writer: &mut FileWriter, rows: &RecordBatch) -> Result<(), WarehouseError> {
    let Some(dates) = rows.column_by_name(DT).and_then(|column| column.as_primitive_opt::<Date32Type>()) else {
        return Ok(());
    };
    let mut start = 0;
    for chunk in dates.values().chunk_by(|left, right| left == right) {
        writer.write(rows.slice(start, chunk.len())).await?;
        writer.roll().await?;
        start += chunk.len();
    }
    Ok(())
}

/// Compares rows as bytes over the documented columns and `_wdt_extra`.
struct Contents {
    names: Vec<&'static str>,
    converter: RowConverter,
}

impl Contents {
    fn new(endpoint: &'static Endpoint, table: &str) -> Result<Self, WarehouseError> {
        let schema = page_schema(endpoint);
        let fields = schema.fields().iter().map(|field| SortField::new(field.data_type().clone())).collect();
        let converter = RowConverter::new(fields).map_err(WarehouseError::storage(table, "comparison"))?;
        let mut names: Vec<&'static str> = endpoint.fields.iter().map(|field| field.name).collect();
        names.push(EXTRA);
        Ok(Self { names, converter })
    }

    fn rows(&self, table: &str, batch: &RecordBatch) -> Result<arrow::row::Rows, WarehouseError> {
        let columns = columns_of(table, batch, &self.names)?;
        self.converter.convert_columns(&columns).map_err(WarehouseError::storage(table, "comparison"))
    }
}

/// The current row of each key of the index, by the index's row number.
async fn current_versions(
    current: &Table,
    endpoint: &'static Endpoint,
    account: &str,
    index: &KeyIndex,
    contents: &Contents,
) -> Result<std::collections::HashMap<usize, Version>, WarehouseError> {
    let reader = current.reader();
    let mut columns = contents.names.clone();
    columns.extend([DELETED_AT, PULLED_AT]);
    let mut versions = std::collections::HashMap::new();
    for found in locate(current, Some(account), index, identity(endpoint)).await? {
        let positions: Vec<usize> = found.hits.iter().map(|hit| hit.position).collect();
        if positions.is_empty() {
            continue;
        }
        let mut hits = found.hits.iter();
        for batch in reader.all_rows(&found.file.path, found.file.size, Some(&columns), Some(&positions)).await? {
            let rows = contents.rows(current.name(), &batch)?;
            let deleted = batch.column_by_name(DELETED_AT);
            let times = batch.column_by_name(PULLED_AT);
            for (position, (row, hit)) in rows.iter().zip(hits.by_ref()).enumerate() {
                let deleted = deleted.is_some_and(|column| column.is_valid(position));
                let read_at = times.and_then(|times| micros(times, position));
                versions.insert(hit.row, Version { content: row.owned(), cursor: hit.order, read_at, deleted });
            }
        }
    }
    Ok(versions)
}

/// Row numbers to log, sorted by date and key, versions of a key from old to new.
fn walk(
    endpoint: &Endpoint,
    table: &str,
    records: &Records<'_>,
    versions: &mut std::collections::HashMap<usize, Version>,
) -> Result<(Vec<usize>, Counts), WarehouseError> {
    let Records { rows, index, contents, dates, read_at } = records;
    let content = contents.rows(table, rows)?;
    let cursor = endpoint.cursor_position().map(|position| rows.column(position));
    let keys = index.find(table, rows, endpoint.key)?;
    let at = |row: usize| cursor.and_then(|cursor| micros(cursor, row));
    let mut order: Vec<(usize, Option<Micros>, Micros, usize)> =
        keys.iter().enumerate().map(|(row, key)| (key.unwrap_or(row), at(row), read_at[row], row)).collect();
    // by key first, so that the versions of a key come one after the other; then by cursor, from old to new, so that
    // A, B, A becomes three rows; then by reading, because of equal cursors the later reading is the newer row; the row
    // number last, so that the order does not depend on the sort
    order.sort_unstable();
    let mut counts = Counts::default();
    let mut new = Vec::new();
    for (key, cursor, read_at, row) in order {
        let known = versions.get(&key);
        if known.is_some_and(|known| !known.deleted && known.content.row() == content.row(row)) {
            counts.unchanged += 1;
        } else if known.is_some_and(|known| known.is_newer(cursor, read_at)) {
            counts.stale += 1;
        } else {
            counts.changed += 1;
            counts.unmoved +=
                u64::from(cursor.is_some() && known.is_some_and(|known| !known.deleted && known.cursor == cursor));
            let content = content.row(row).owned();
            versions.insert(key, Version { content, cursor, read_at: Some(read_at), deleted: false });
            new.push((dates[row], key, new.len(), row));
        }
    }
    // the history is written by date; within a date a key's versions keep the order of the walk, on which every fold of
    // the log relies
    new.sort_unstable();
    Ok((new.into_iter().map(|(.., row)| row).collect(), counts))
}

/// What a run adds to each row beside its names.
struct Stamp {
    op: &'static str,
    /// One per row.
    read_at: Vec<Micros>,
}

/// Asia/Shanghai date of each row's cursor, or of its reading where there is none; days since 1970-01-01.
fn dates(endpoint: &Endpoint, rows: &RecordBatch, read_at: &[Micros]) -> Vec<i32> {
    let cursor = endpoint.cursor_position().map(|position| rows.column(position));
    let at = |row: usize| cursor.and_then(|cursor| micros(cursor, row)).unwrap_or(read_at[row]);
    (0..rows.num_rows()).map(|row| shanghai_days(at(row).floor_seconds())).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use wdt_models::decode::{Asked, decode};
    use wdt_models::endpoints::ENTERPRISE_STOCK;
    use wdt_models::time::Seconds;

    use super::*;
    use crate::{CommitRecord, DatasetTables, Landed, Landing, Picture, Sums, Warehouse};

    /// A row of that cursor and number on hand, read at that second.
    fn reading(modified: &str, stock_num: u32, read_at: Seconds) -> Reading {
        let record = serde_json::json!({
            "spec_id": 1, "warehouse_id": 2, "modified": modified, "stock_num": stock_num.to_string(),
        });
        let record = serde_json::value::to_raw_value(&record).unwrap();
        let decoded = decode(&ENTERPRISE_STOCK, &[&*record], &Asked::page(0, false));
        assert!(decoded.refused.is_empty(), "{:?}", decoded.refused);
        Reading { batch: decoded.batch, read_at: read_at.millis() }
    }

    /// Lands readings in a commit each, and returns what became of the record of the last one.
    async fn last_of(landings: Vec<Vec<Reading>>) -> Sums {
        let warehouse = Warehouse::memory();
        let mut tables = DatasetTables::open_or_create(&warehouse, &ENTERPRISE_STOCK).await.unwrap();
        let mut last = Sums::default();
        for (number, readings) in landings.into_iter().enumerate() {
            let record: CommitRecord = serde_json::from_value(serde_json::json!({
                "format": 1, "wdt_etl": "0", "kind": "run", "run_id": "r", "account": "main", "merchant": "main",
                "dataset": "enterprise_stock", "scope": "x", "start": 100, "started_at": 0, "sums": Sums::default(),
                "watermark_after": 1000 + number, "certificates": [], "quarantine": [],
            }))
            .unwrap();
            let landing = Landing { record, readings, picture: None::<Picture> };
            let Landed::Committed { sums, .. } = tables.land(landing).await.unwrap() else { unreachable!() };
            last = sums;
        }
        last
    }

    #[tokio::test]
    async fn of_equal_cursors_the_later_reading_is_the_newer_row() {
        let (moved, same) = ("2026-01-01 00:00:01", "2026-01-01 00:00:00");
        let newer = || vec![reading(same, 7, Seconds(50))];
        let late = last_of(vec![newer(), vec![reading(same, 8, Seconds(49))]]).await;
        assert_eq!((late.changed, late.stale), (0, 1), "an older picture of an unmoved row");
        let drifted = last_of(vec![newer(), vec![reading(same, 8, Seconds(51))]]).await;
        assert_eq!((drifted.changed, drifted.unmoved), (1, 1), "a newer picture of an unmoved row");
        let edited = last_of(vec![newer(), vec![reading(moved, 8, Seconds(49))]]).await;
        assert_eq!((edited.changed, edited.unmoved), (1, 0), "a newer cursor, whenever it was read");
        let older = last_of(vec![vec![reading(moved, 7, Seconds(50))], vec![reading(same, 8, Seconds(51))]]).await;
        assert_eq!((older.changed, older.stale), (0, 1), "an older cursor, whenever it was read");
        let both = last_of(vec![
            vec![reading(same, 8, Seconds(51)), reading(same, 7, Seconds(50))],
            vec![reading(same, 8, Seconds(52))],
        ])
        .await;
        assert_eq!((both.changed, both.unchanged), (0, 1), "two pictures in one commit, the newer one first");
    }
}
