//! The rows of a dataset, file by file: as they are now, or as the log had left them at a time or version.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::AsArray as _;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use futures::stream::{BoxStream, StreamExt as _};
use object_store::path::Path;

use crate::dataset::DatasetTables;
use crate::error::WarehouseError;
use crate::fold::{Fold, with_deletes};
use crate::kept::table::Table;
use crate::rows::{columns_of, conform, micros};
use crate::schema::{ACCOUNT, DELETED_AT, OP, PULLED_AT};
use wdt_models::time::Micros;

/// How far the log is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Readings up to this instant.
    Time(Micros),
    /// Commits up to this version.
    Version(u64),
}

/// Rows to be read from one file.
#[derive(Debug, Clone)]
pub struct Piece {
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
pub struct Source<'a> {
    table: &'a Table,
    pieces: Vec<Piece>,
}

impl<'a> Source<'a> {
    /// The current rows of these accounts, or of all.
    ///
    /// # Errors
    /// When no version is loaded.
    pub fn current(tables: &'a DatasetTables, accounts: &[String]) -> Result<Self, WarehouseError> {
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
    pub async fn as_of(tables: &'a DatasetTables, accounts: &[String], until: Until) -> Result<Self, WarehouseError> {
        let history = &tables.history;
        let last = match until {
            Until::Time(_) => history.version(),
            Until::Version(version) => version.min(history.version()),
        };
        let beside: &[&str] = if matches!(until, Until::Time(_)) { &[PULLED_AT] } else { &[] };
        let counts = |rows: &RecordBatch| counted(history.name(), rows, until, accounts);
        let mut fold = Fold::new(tables.endpoint, history.name(), history.schema())?;
        let mut files = Vec::new();
        for version in 1..=last {
            let Some(commit) = history.read_commit(version).await? else {
                return Err(WarehouseError::LostCommit { table: history.name().to_owned(), version });
            };
            for (path, size) in commit.files {
                fold.file(history, files.len(), (&path, size), beside, counts).await?;
                files.push((path, size));
            }
        }
        let piece = |(file, positions): (usize, Vec<usize>)| {
            let (path, size) = files[file].clone();
            Piece { path, size, rows: positions.len(), account: None, positions: Some(positions) }
        };
        Ok(Self { table: history, pieces: fold.places().into_iter().map(piece).collect() })
    }

    /// The pieces in the order they are read.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// How many rows there are, as far as the log knows it.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.pieces.iter().map(|piece| piece.rows).sum()
    }

    /// Some rows of a piece, by their numbers (ascending) in the order in which it is read.
    #[must_use]
    pub fn part(&self, piece: usize, rows: &[usize]) -> Option<Piece> {
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
    pub async fn read<'p>(
        &self,
        piece: &'p Piece,
        schema: &SchemaRef,
    ) -> Result<BoxStream<'p, Result<RecordBatch, WarehouseError>>, WarehouseError> {
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
                let constants: HashMap<&str, &str> = account.map(|account| (ACCOUNT, account)).into_iter().collect();
                conform(&name, &with_deletes(&name, &rows?)?, &schema, &constants)
            })
            .boxed())
    }
}

/// The accounts that have rows in the current table.
///
/// # Errors
/// When no version is loaded.
pub fn accounts(tables: &DatasetTables) -> Result<Vec<String>, WarehouseError> {
    let files = tables.current.files(None)?;
    let mut accounts: Vec<String> =
        files.iter().filter_map(|file| file.partition_value(ACCOUNT).map(str::to_owned)).collect();
    accounts.sort();
    accounts.dedup();
    Ok(accounts)
}

/// The named columns of a table, in the table's order.
#[must_use]
pub fn part(table: &Schema, names: &[&str]) -> SchemaRef {
    let fields = table.fields().iter().filter(|field| names.contains(&field.name().as_str()));
    Arc::new(Schema::new(fields.cloned().collect::<Vec<_>>()))
}

fn wanted(accounts: &[String], account: Option<&str>) -> bool {
    accounts.is_empty() || accounts.iter().any(|wanted| Some(wanted.as_str()) == account)
}

/// For each row of the log whether it was read by then, and for one of these accounts.
fn counted(table: &str, rows: &RecordBatch, until: Until, accounts: &[String]) -> Result<Vec<bool>, WarehouseError> {
    let owners = columns_of(table, rows, &[ACCOUNT])?.remove(0);
    let owners = owners.as_string::<i32>();
    let mut counted: Vec<bool> = owners.iter().map(|owner| wanted(accounts, owner)).collect();
    if let Until::Time(until) = until {
        let times = columns_of(table, rows, &[PULLED_AT])?.remove(0);
        for (row, counted) in counted.iter_mut().enumerate() {
            *counted &= micros(&times, row).is_some_and(|read_at| read_at <= until);
        }
    }
    Ok(counted)
}
