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
pub(crate) async fn folded(endpoint: &'static Endpoint, history: &Table) -> Result<Table, WarehouseError> {
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
