//! Rows put into a table by key: only the files that hold a row to be replaced are written again.
//!
//! The work is proportional to what changed: keys are looked up in the key columns alone, files without a hit stay as
//! they are, and rows of rewritten files and new rows share the new files, so that small files grow together.

use std::collections::HashMap;

use arrow::array::{Array as _, ArrayRef, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};
use futures::stream::TryStreamExt as _;
use wdt_models::Endpoint;
use wdt_models::time::Micros;

use crate::error::WarehouseError;
use crate::failpoint::{self, Place};
use crate::fold::follows;
use crate::kept::change::{DataFile, WrittenFile};
use crate::kept::table::{FileWriter, Table};
use crate::rows::{columns_of, conform, micros};

/// A file is ended when its encoded size passes this.
pub(crate) const FILE_BYTES: usize = 64 << 20;

/// How rows are identified and which of two is newer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity<'a> {
    /// Key columns.
    pub key: &'a [&'static str],
    /// Time column of which an older value never replaces a newer one.
    pub order: Option<&'static str>,
}

/// How an endpoint's rows are identified.
pub(crate) fn identity(endpoint: &'static Endpoint) -> Identity<'static> {
    Identity { key: endpoint.key, order: endpoint.cursor().map(|cursor| cursor.field) }
}

/// Keys of a set of rows, each with a row number.
pub(crate) struct KeyIndex {
    converter: RowConverter,
    rows: HashMap<Box<[u8]>, usize>,
    hashes: Vec<u64>,
}

/// Rows of a file whose keys are in a [`KeyIndex`].
pub(crate) struct Located {
    /// The file.
    pub file: DataFile,
    /// Position in the file, row number of the index, order value there.
    pub hits: Vec<Hit>,
}

/// One row found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit {
    /// Position in the file.
    pub position: usize,
    /// Row number in the index.
    pub row: usize,
    /// Order value in the file, microseconds.
    pub order: Option<Micros>,
}

/// The files of a change, not yet committed.
#[derive(Default)]
pub(crate) struct Upserted {
    /// Files with the new rows and the untouched ones of the rewritten files.
    pub adds: Vec<WrittenFile>,
    /// Files that were written again.
    pub removes: Vec<DataFile>,
}

impl KeyIndex {
    /// An index over the key columns of rows; of equal keys the last row counts.
    ///
    /// # Errors
    /// When a key column is missing.
    pub(crate) fn new(table: &str, rows: &RecordBatch, key: &[&str]) -> Result<Self, WarehouseError> {
        let columns = columns_of(table, rows, key)?;
        let fields = columns.iter().map(|column| SortField::new(column.data_type().clone())).collect();
        let converter = RowConverter::new(fields).map_err(WarehouseError::storage(table, "look-up"))?;
        let mut index = Self { converter, rows: HashMap::with_capacity(rows.num_rows()), hashes: Vec::new() };
        for (row, key) in index.encode(table, &columns)?.iter().enumerate() {
            index.rows.insert(key.as_ref().into(), row);
        }
        index.hashes = index.rows.keys().map(|key| hash(key)).collect();
        Ok(index)
    }

    /// For each row of a batch the row number its key has in the index.
    ///
    /// # Errors
    /// When a key column is missing.
    pub(crate) fn find(
        &self,
        table: &str,
        batch: &RecordBatch,
        key: &[&str],
    ) -> Result<Vec<Option<usize>>, WarehouseError> {
        let columns = columns_of(table, batch, key)?;
        let encoded = self.encode(table, &columns)?;
        Ok(encoded.iter().map(|key| self.rows.get(key.as_ref()).copied()).collect())
    }

    /// Adds the rows of the next batch of a file: the hash of every key, and a hit for each one that is in the index.
    fn hits(
        &self,
        table: &str,
        batch: &RecordBatch,
        identity: Identity<'_>,
        hashes: &mut Vec<u64>,
        hits: &mut Vec<Hit>,
    ) -> Result<(), WarehouseError> {
        let encoded = self.encode(table, &columns_of(table, batch, identity.key)?)?;
        let order = identity.order.and_then(|name| batch.column_by_name(name));
        for (row, key) in encoded.iter().enumerate() {
            if let Some(&found) = self.rows.get(key.as_ref()) {
                let order = order.and_then(|order| micros(order, row));
                hits.push(Hit { position: hashes.len(), row: found, order });
            }
            hashes.push(hash(key.as_ref()));
        }
        Ok(())
    }

    fn encode(&self, table: &str, columns: &[ArrayRef]) -> Result<arrow::row::Rows, WarehouseError> {
        self.converter.convert_columns(columns).map_err(WarehouseError::storage(table, "look-up"))
    }
}

/// Finds where the keys of an index live in a table.
///
/// # Errors
/// When a data file cannot be read.
pub(crate) async fn locate(
    table: &Table,
    partition: Option<&str>,
    index: &KeyIndex,
    identity: Identity<'_>,
) -> Result<Vec<Located>, WarehouseError> {
    let reader = table.reader();
    let mut columns = identity.key.to_vec();
    columns.extend(identity.order);
    let mut located = Vec::new();
    for file in table.files(partition)? {
        if !table.filters().may_hold(&file.path, &index.hashes) {
            continue;
        }
        let (mut hits, mut hashes) = (Vec::new(), Vec::with_capacity(file.rows));
        let mut batches = reader.rows(&file.path, file.size, Some(&columns), None).await?;
        while let Some(batch) = batches.try_next().await? {
            index.hits(table.name(), &batch, identity, &mut hashes, &mut hits)?;
        }
        table.filters().remember(&file.path, hashes);
        located.push(Located { file, hits });
    }
    Ok(located)
}

/// Writes the files of an upsert into one partition; the caller commits them.
///
/// `rows` has the table's columns and one row per key. A row older than the one in the table is left out.
///
/// # Errors
/// When a data file cannot be read or written.
pub(crate) async fn upsert(
    table: &Table,
    partition: Option<&str>,
    rows: &RecordBatch,
    identity: Identity<'_>,
) -> Result<Upserted, WarehouseError> {
    let index = KeyIndex::new(table.name(), rows, identity.key)?;
    let located = locate(table, partition, &index, identity).await?;
    failpoint::hit(Place::UpsertLocated);
    // A key is in one file at most, since each upsert removes the file it was found in. So a new row is left out when any
    // hit is newer, and it takes the place of all hits otherwise: never both rows, never none.
    let orders = identity.order.and_then(|name| rows.column_by_name(name));
    let mut keep = vec![true; rows.num_rows()];
    for hit in located.iter().flat_map(|found| &found.hits) {
        keep[hit.row] &= follows(hit.order, orders.and_then(|order| micros(order, hit.row)));
    }
    let mut rewrite = Rewrite { table, partition, writer: table.writer()?, upserted: Upserted::default() };
    for found in located {
        let replaced: Vec<usize> = found.hits.iter().filter(|hit| keep[hit.row]).map(|hit| hit.position).collect();
        if !replaced.is_empty() {
            rewrite.survivors(found.file, &replaced).await?;
            failpoint::hit(Place::UpsertCopied);
        }
    }
    rewrite.rows(rows, &keep).await?;
    rewrite.finish().await
}

/// Files being written in place of others.
struct Rewrite<'a> {
    table: &'a Table,
    partition: Option<&'a str>,
    writer: FileWriter,
    upserted: Upserted,
}

impl Rewrite<'_> {
    /// Copies the rows of a file that are not replaced.
    async fn survivors(&mut self, file: DataFile, replaced: &[usize]) -> Result<(), WarehouseError> {
        let reader = self.table.reader();
        let constants = self.table.partition().into_iter().zip(self.partition).collect();
        let mut batches = reader.rows(&file.path, file.size, None, None).await?;
        let (mut base, mut next) = (0, 0);
        while let Some(batch) = batches.try_next().await? {
            let mut keep = vec![true; batch.num_rows()];
            while let Some(&position) = replaced.get(next).filter(|&&position| position < base + batch.num_rows()) {
                keep[position - base] = false;
                next += 1;
            }
            base += batch.num_rows();
            let batch = conform(self.table.name(), &batch, self.table.schema(), &constants)?;
            self.rows(&batch, &keep).await?;
        }
        self.upserted.removes.push(file);
        Ok(())
    }

    async fn rows(&mut self, batch: &RecordBatch, keep: &[bool]) -> Result<(), WarehouseError> {
        let kept = filter_record_batch(batch, &BooleanArray::from(keep.to_vec()))
            .map_err(WarehouseError::storage(self.table.name(), "write"))?;
        if kept.num_rows() == 0 {
            return Ok(());
        }
        self.writer.write(kept).await?;
        if self.writer.open_bytes() > FILE_BYTES {
            self.writer.roll().await?;
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<Upserted, WarehouseError> {
        self.upserted.adds = self.writer.finish().await?;
        failpoint::hit(Place::UpsertWritten);
        Ok(self.upserted)
    }
}

fn hash(key: &[u8]) -> u64 {
    twox_hash::XxHash3_64::oneshot(key)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{AsArray as _, Int64Array, RecordBatch, TimestampMicrosecondArray};
    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;
    use crate::kept::change::Change;
    use crate::schema::{TableSpec, timestamp};
    use crate::warehouse::Warehouse;

    const IDENTITY: Identity<'static> = Identity { key: &["id"], order: Some("at") };

    fn spec() -> TableSpec {
        let fields = vec![Field::new("id", DataType::Int64, false), Field::new("at", timestamp(), true)];
        TableSpec {
            name: "sample".to_owned(),
            comment: String::new(),
            schema: Arc::new(Schema::new(fields)),
            partition: None,
            stats: vec!["id"],
        }
    }

    fn rows(rows: &[(i64, i64)]) -> RecordBatch {
        let id: Int64Array = rows.iter().map(|(id, _)| Some(*id)).collect();
        let at = rows.iter().map(|(_, at)| Some(*at)).collect::<TimestampMicrosecondArray>().with_timezone("UTC");
        RecordBatch::try_new(spec().schema, vec![Arc::new(id), Arc::new(at)]).unwrap()
    }

    async fn put(table: &mut Table, batch: &RecordBatch) {
        let files = upsert(table, None, batch, IDENTITY).await.unwrap();
        table.commit(Change { adds: files.adds, removes: files.removes, ..Change::default() }).await.unwrap();
    }

    async fn all(table: &Table) -> Vec<(i64, i64)> {
        let reader = table.reader();
        let mut found = Vec::new();
        for file in table.files(None).unwrap() {
            for batch in reader.all_rows(&file.path, file.size, None, None).await.unwrap() {
                let ids = batch.column(0).as_primitive::<arrow::datatypes::Int64Type>();
                found
                    .extend((0..batch.num_rows()).map(|row| (ids.value(row), micros(batch.column(1), row).unwrap().0)));
            }
        }
        found.sort_unstable();
        found
    }

    async fn table() -> (tempfile::TempDir, Table) {
        let folder = tempfile::tempdir().unwrap();
        let warehouse = Warehouse::delta(folder.path().to_str().unwrap()).unwrap();
        let table = Table::open_or_create(&warehouse, &spec()).await.unwrap();
        (folder, table)
    }

    #[tokio::test]
    async fn an_older_row_never_replaces_a_newer_one() {
        let (_folder, mut table) = table().await;
        put(&mut table, &rows(&[(1, 50), (2, 50)])).await;
        put(&mut table, &rows(&[(1, 40), (2, 60), (3, 10)])).await;
        assert_eq!(all(&table).await, [(1, 50), (2, 60), (3, 10)]);
    }

    #[tokio::test]
    async fn files_without_a_replaced_row_stay() {
        let (_folder, mut table) = table().await;
        put(&mut table, &rows(&[(1, 50), (2, 50)])).await;
        put(&mut table, &rows(&[(3, 50)])).await;
        let before: Vec<_> = table.files(None).unwrap().into_iter().map(|file| file.path).collect();
        // 3 is replaced; 1 is found in its file, and is older: that file stays
        put(&mut table, &rows(&[(3, 60), (1, 10)])).await;
        let after: Vec<_> = table.files(None).unwrap().into_iter().map(|file| file.path).collect();
        assert_eq!(before.iter().filter(|path| after.contains(path)).count(), 1);
        assert_eq!(all(&table).await, [(1, 50), (2, 50), (3, 60)]);
    }
}
