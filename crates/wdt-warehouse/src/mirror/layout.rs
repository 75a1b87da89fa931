//! A small table described once: each column with its labels and how a row fills it.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;

use crate::error::WarehouseError;
use crate::schema::{TableSpec, comment, timestamp};
use wdt_models::time::{Millis, Seconds};

/// Columns whose smallest and largest values the log keeps.
const STATS: [&str; 4] = ["account", "dataset", "run_id", "table_version"];

/// A small table of rows of this type: its name, what it is, its columns.
pub(super) struct Layout<R> {
    pub(super) name: &'static str,
    doc: &'static str,
    columns: Vec<Column<R>>,
}

/// A column, and the cell that a row has in it.
pub(super) struct Column<R> {
    name: &'static str,
    zh: &'static str,
    en: &'static str,
    cell: Cell<R>,
}

/// How a row fills a cell: the type of the column is that of the function, so none can be of another type.
enum Cell<R> {
    Text(Getter<R, Option<String>>),
    Int(Getter<R, Option<i64>>),
    Bool(Getter<R, bool>),
    Time(Getter<R, Option<Millis>>),
}

/// What a row has in a column.
type Getter<R, T> = Box<dyn Fn(&R) -> T + Send + Sync>;

/// Name, Chinese label and English meaning.
pub(super) type Labels = (&'static str, &'static str, &'static str);

impl<R> Column<R> {
    const fn new((name, zh, en): Labels, cell: Cell<R>) -> Self {
        Self { name, zh, en, cell }
    }

    /// Text that every row has.
    pub(super) fn text(labels: Labels, cell: impl Fn(&R) -> &str + Send + Sync + 'static) -> Self {
        Self::new(labels, Cell::Text(Box::new(move |row| Some(cell(row).to_owned()))))
    }

    /// Text, or nothing.
    pub(super) fn some_text(labels: Labels, cell: impl Fn(&R) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::new(labels, Cell::Text(Box::new(cell)))
    }

    /// A number that is counted; null past what the column can hold.
    pub(super) fn count(labels: Labels, cell: impl Fn(&R) -> u64 + Send + Sync + 'static) -> Self {
        Self::new(labels, Cell::Int(Box::new(move |row| i64::try_from(cell(row)).ok())))
    }

    /// A number, or nothing.
    pub(super) fn int(labels: Labels, cell: impl Fn(&R) -> Option<i64> + Send + Sync + 'static) -> Self {
        Self::new(labels, Cell::Int(Box::new(cell)))
    }

    /// Yes or no.
    pub(super) fn yes(labels: Labels, cell: impl Fn(&R) -> bool + Send + Sync + 'static) -> Self {
        Self::new(labels, Cell::Bool(Box::new(cell)))
    }

    /// An instant in milliseconds.
    pub(super) fn millis(labels: Labels, cell: impl Fn(&R) -> Option<Millis> + Send + Sync + 'static) -> Self {
        Self::new(labels, Cell::Time(Box::new(cell)))
    }

    /// An instant in seconds.
    pub(super) fn seconds(labels: Labels, cell: impl Fn(&R) -> Option<Seconds> + Send + Sync + 'static) -> Self {
        Self::millis(labels, move |row| cell(row).map(Seconds::millis))
    }

    fn field(&self) -> Field {
        let data_type = match self.cell {
            Cell::Text(_) => DataType::Utf8,
            Cell::Int(_) => DataType::Int64,
            Cell::Bool(_) => DataType::Boolean,
            Cell::Time(_) => timestamp(),
        };
        Field::new(self.name, data_type, true).with_metadata(comment(self.zh, self.en))
    }

    fn array(&self, rows: &[R]) -> ArrayRef {
        match &self.cell {
            Cell::Text(cell) => Arc::new(rows.iter().map(cell).collect::<StringArray>()),
            Cell::Int(cell) => Arc::new(rows.iter().map(cell).collect::<Int64Array>()),
            Cell::Bool(cell) => Arc::new(rows.iter().map(|row| Some(cell(row))).collect::<BooleanArray>()),
            Cell::Time(cell) => {
                let micros = rows.iter().map(|row| cell(row).map(|millis| millis.micros().0));
                Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
            }
        }
    }
}

impl<R> Layout<R> {
    /// A table of this name with these columns.
    pub(super) const fn new(name: &'static str, doc: &'static str, columns: Vec<Column<R>>) -> Self {
        Self { name, doc, columns }
    }

    /// What the table must look like.
    pub(super) fn spec(&self) -> TableSpec {
        let fields: Vec<Field> = self.columns.iter().map(Column::field).collect();
        TableSpec {
            name: self.name.to_owned(),
            comment: self.doc.to_owned(),
            schema: Arc::new(Schema::new(fields)),
            partition: None,
            stats: self.columns.iter().map(|column| column.name).filter(|name| STATS.contains(name)).collect(),
        }
    }

    /// Rows as a batch of the table.
    ///
    /// # Errors
    /// Never for what this crate makes: each column gives one cell a row.
    pub(super) fn batch(&self, rows: &[R]) -> Result<RecordBatch, WarehouseError> {
        let columns = self.columns.iter().map(|column| column.array(rows)).collect();
        RecordBatch::try_new(self.spec().schema, columns).map_err(WarehouseError::storage(self.name, "write"))
    }
}
