//! The rows of a dataset, file by file: as they are, or as they stood at a time or version.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _, BooleanArray, new_null_array};
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{Schema, SchemaRef, TimestampMicrosecondType};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};
use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use twox_hash::XxHash3_128;

use wdt_warehouse::schema::{ACCOUNT, DELETED_AT, OP, OP_DELETE, PULLED_AT};
use wdt_warehouse::{DatasetTables, Reader, Table, WarehouseError, conform};

/// How far the log is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// Readings up to this instant, in microseconds.
    Time(i64),
    /// Commits up to this version.
    Version(u64),
}

/// Rows to be read from one file.
#[derive(Clone)]
pub(super) struct Piece {
    path: Path,
    size: u64,
    /// How many they are, where the log knows it.
    rows: usize,
    /// Account of all its rows, where the file does not hold the column.
    account: Option<String>,
    /// Positions of the rows; all when there are none.
    positions: Option<Vec<usize>>,
}

/// Where the rows are.
pub(super) struct Source<'a> {
    table: &'a Table,
    /// In the order they are read.
    pub(super) pieces: Vec<Piece>,
}

impl<'a> Source<'a> {
    /// The current rows of these accounts, or of all.
    ///
    /// # Errors
    /// When no version is loaded.
    pub(super) fn current(tables: &'a DatasetTables, accounts: &[String]) -> Result<Self, WarehouseError> {
        let mut pieces = Vec::new();
        for file in tables.current.files(None)? {
            let account = file.partition_value(ACCOUNT).map(str::to_owned);
            if wanted(accounts, account.as_deref()) {
                let (path, size, rows) = (file.path.clone(), file.size, file.rows);
                pieces.push(Piece { path, size, rows, account, positions: None });
            }
        }
        // the log lists files in no order that lasts
        pieces.sort_by(|left, right| (&left.account, &left.path).cmp(&(&right.account, &right.path)));
        Ok(Self { table: &tables.current, pieces })
    }

    /// The rows of these accounts, or of all, as the log had left them.
    ///
    /// # Errors
    /// When a commit of the log is gone or a file cannot be read.
    pub(super) async fn as_of(
        tables: &'a DatasetTables,
        accounts: &[String],
        until: Until,
    ) -> Result<Self, WarehouseError> {
        let history = &tables.history;
        let mut key = vec![ACCOUNT];
        key.extend(tables.endpoint.key);
        let mut log = Log::new(history, &key)?;
        let (until, last) = match until {
            Until::Time(until) => (until, history.version()),
            Until::Version(version) => (i64::MAX, version.min(history.version())),
        };
        for version in 1..=last {
            let Some(commit) = history.read_commit(version).await? else {
                return Err(WarehouseError::LostCommit { table: history.name().to_owned(), version });
            };
            for (path, size) in commit.files {
                log.add(path, size, accounts, until).await?;
            }
        }
        Ok(Self { table: history, pieces: log.pieces() })
    }

    /// How many rows there are, as far as the log knows it.
    pub(super) fn rows(&self) -> usize {
        self.pieces.iter().map(|piece| piece.rows).sum()
    }

    /// Some rows of a piece, by their numbers (ascending) in the order in which it is read.
    pub(super) fn part(&self, piece: usize, rows: &[usize]) -> Option<Piece> {
        let piece = self.pieces.get(piece)?;
        let positions = match &piece.positions {
            Some(positions) => rows.iter().filter_map(|row| positions.get(*row).copied()).collect(),
            None => rows.to_vec(),
        };
        Some(Piece { rows: rows.len(), positions: Some(positions), ..piece.clone() })
    }

    /// The rows of one piece: the columns of `schema`, in its order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) async fn read(
        &self,
        piece: &'a Piece,
        schema: &SchemaRef,
    ) -> Result<BoxStream<'a, Result<RecordBatch, WarehouseError>>, WarehouseError> {
        let name = self.table.name().to_owned();
        let mut columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        if columns.contains(&DELETED_AT) {
            columns.extend([OP, PULLED_AT]);
        }
        let reader = self.table.reader();
        let rows = reader.rows(&piece.path, piece.size, Some(&columns), piece.positions.as_deref()).await?;
        let schema = Arc::clone(schema);
        let account = piece.account.as_deref();
        Ok(rows
            .map(move |rows| {
                let rows = with_deletes(&rows?).map_err(WarehouseError::storage(&name, "read of a data file"))?;
                let constants: HashMap<&str, &str> = account.map(|account| (ACCOUNT, account)).into_iter().collect();
                conform(&name, &rows, &schema, &constants)
            })
            .boxed())
    }
}

/// The accounts that have rows in the current table.
///
/// # Errors
/// When no version is loaded.
pub(super) fn accounts(tables: &DatasetTables) -> Result<Vec<String>, WarehouseError> {
    let files = tables.current.files(None)?;
    let mut accounts: Vec<String> =
        files.iter().filter_map(|file| file.partition_value(ACCOUNT).map(str::to_owned)).collect();
    accounts.sort();
    accounts.dedup();
    Ok(accounts)
}

/// The named columns of a table, in the table's order.
pub(super) fn part(table: &Schema, names: &[&str]) -> SchemaRef {
    let fields = table.fields().iter().filter(|field| names.contains(&field.name().as_str()));
    Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>()))
}

fn wanted(accounts: &[String], account: Option<&str>) -> bool {
    accounts.is_empty() || accounts.iter().any(|wanted| Some(wanted.as_str()) == account)
}

/// The column of deleted rows, made from what the log says of each row; rows of a current table have it.
fn with_deletes(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let (Some(ops), Some(times)) = (rows.column_by_name(OP), rows.column_by_name(PULLED_AT)) else {
        return Ok(rows.clone());
    };
    let deleted: BooleanArray = ops.as_string::<i32>().iter().map(|op| Some(op == Some(OP_DELETE))).collect();
    let times = zip(&deleted, times, &new_null_array(times.data_type(), rows.num_rows()))?;
    let names = rows.schema().fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
    let columns = names.into_iter().zip(rows.columns().iter().cloned());
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)).chain([(
        DELETED_AT.to_owned(),
        times,
        true,
    )]))
}

/// The log walked from its begin: for each key the place of its last row.
struct Log<'a> {
    history: &'a Table,
    reader: Reader,
    /// Account, then the key.
    columns: Vec<&'a str>,
    converter: RowConverter,
    files: Vec<(Path, u64)>,
    /// By the hash of the key.
    last: HashMap<u128, (usize, usize)>,
}

impl<'a> Log<'a> {
    fn new(history: &'a Table, key: &[&'a str]) -> Result<Self, WarehouseError> {
        let schema = history.schema();
        let fields = key
            .iter()
            .map(|name| schema.field_with_name(name).map(|field| SortField::new(field.data_type().clone())))
            .collect::<Result<Vec<_>, _>>();
        let converter = fields.and_then(RowConverter::new).map_err(WarehouseError::storage(history.name(), "read"))?;
        let reader = history.reader();
        Ok(Self { history, reader, columns: key.to_vec(), converter, files: Vec::new(), last: HashMap::new() })
    }

    /// Takes in a file of the log: rows stand in it from old to new.
    async fn add(&mut self, path: Path, size: u64, accounts: &[String], until: i64) -> Result<(), WarehouseError> {
        let mut columns = self.columns.clone();
        columns.push(PULLED_AT);
        let number = self.files.len();
        let mut position = 0;
        let mut batches = self.reader.rows(&path, size, Some(&columns), None).await?;
        while let Some(rows) = batches.try_next().await? {
            self.place(&rows, number, position, accounts, until)
                .map_err(WarehouseError::storage(self.history.name(), "read of a data file"))?;
            position += rows.num_rows();
        }
        self.files.push((path, size));
        Ok(())
    }

    fn place(
        &mut self,
        rows: &RecordBatch,
        file: usize,
        first: usize,
        accounts: &[String],
        until: i64,
    ) -> Result<(), ArrowError> {
        let named =
            |name: &str| rows.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(format!("no column {name}")));
        let times = named(PULLED_AT)?.as_primitive::<TimestampMicrosecondType>();
        let owners = named(ACCOUNT)?.as_string::<i32>();
        let columns = self.columns.iter().map(|name| named(name).cloned()).collect::<Result<Vec<_>, _>>()?;
        let keys = self.converter.convert_columns(&columns)?;
        for (row, key) in keys.iter().enumerate() {
            if times.is_valid(row) && times.value(row) <= until && wanted(accounts, Some(owners.value(row))) {
                self.last.insert(XxHash3_128::oneshot(key.as_ref()), (file, first + row));
            }
        }
        Ok(())
    }

    fn pieces(self) -> Vec<Piece> {
        let mut positions: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (file, position) in self.last.into_values() {
            positions.entry(file).or_default().push(position);
        }
        let piece = |(file, mut positions): (usize, Vec<usize>)| {
            positions.sort_unstable();
            let (path, size) = self.files[file].clone();
            Piece { path, size, rows: positions.len(), account: None, positions: Some(positions) }
        };
        positions.into_iter().map(piece).collect()
    }
}
