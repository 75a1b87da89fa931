//! Which rows are written.

use arrow::array::{Array as _, AsArray as _, BooleanArray};
use arrow::compute::{and, filter_record_batch};
use arrow::datatypes::{DataType, Int64Type, Schema, TimestampMicrosecondType};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::predicate::Predicate;
use crate::cli::Export;
use crate::error::EtlError;
use wdt_models::time::{Micros, Seconds};
use wdt_warehouse::schema::{DELETED_AT, PULLED_AT};

/// Columns that say which warehouse a row belongs to.
const WAREHOUSE: [&str; 3] = ["warehouse_no", "warehouse_id", "store_code"];

/// What a row must meet; the account is seen to where files are chosen.
pub(super) struct Filter {
    warehouses: Vec<String>,
    /// The columns of [`WAREHOUSE`] that the table has, when one is asked for.
    warehouse_columns: Vec<&'static str>,
    changed_since: Option<Micros>,
    include_deleted: bool,
    condition: Option<Predicate>,
}

impl Filter {
    /// Reads the command line against the columns of a table.
    ///
    /// # Errors
    /// [`EtlError::Usage`] for a condition that cannot be read, and `--warehouse` for a table without warehouses.
    pub(super) fn new(args: &Export, dataset: &str, table: &Schema) -> Result<Self, EtlError> {
        let mut warehouse_columns = Vec::new();
        if !args.warehouses.is_empty() {
            warehouse_columns.extend(WAREHOUSE.into_iter().filter(|name| table.index_of(name).is_ok()));
            if warehouse_columns.is_empty() {
                let message = format!("rows of `{dataset}` do not belong to a warehouse");
                return Err(EtlError::Usage { message, hint: Some("remove --warehouse".to_owned()) });
            }
        }
        Ok(Self {
            warehouses: args.warehouses.clone(),
            warehouse_columns,
            changed_since: args.changed_since.map(Seconds::micros),
            include_deleted: args.include_deleted,
            condition: args.condition.as_deref().map(|text| Predicate::parse(text, table)).transpose()?,
        })
    }

    /// The columns it looks at.
    pub(super) fn columns(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.warehouse_columns.clone();
        names.extend(self.changed_since.map(|_| PULLED_AT));
        names.extend((!self.include_deleted).then_some(DELETED_AT));
        if let Some(condition) = &self.condition {
            condition.columns(&mut names);
        }
        names
    }

    /// The rows that meet it.
    ///
    /// # Errors
    /// When the rows lack a column of [`Filter::columns`].
    pub(super) fn apply(&self, rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let mut keep = BooleanArray::from(vec![true; rows.num_rows()]);
        if !self.include_deleted {
            keep = and(&keep, &arrow::compute::is_null(named(rows, DELETED_AT)?)?)?;
        }
        if let Some(since) = self.changed_since {
            let times = named(rows, PULLED_AT)?.as_primitive::<TimestampMicrosecondType>();
            keep =
                and(&keep, &times.iter().map(|time| Some(time.is_some_and(|time| Micros(time) >= since))).collect())?;
        }
        if !self.warehouse_columns.is_empty() {
            keep = and(&keep, &self.in_warehouse(rows)?)?;
        }
        if let Some(condition) = &self.condition {
            // a row of which it is unknown is left out like one that does not meet it
            keep = and(&keep, &condition.evaluate(rows)?)?;
        }
        filter_record_batch(rows, &keep)
    }

    fn in_warehouse(&self, rows: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        let mut found = vec![false; rows.num_rows()];
        for name in &self.warehouse_columns {
            let column = named(rows, name)?;
            for (row, found) in found.iter_mut().enumerate().filter(|(row, _)| column.is_valid(*row)) {
                *found |= match column.data_type() {
                    DataType::Int64 => {
                        let id = column.as_primitive::<Int64Type>().value(row).to_string();
                        self.warehouses.contains(&id)
                    }
                    _ => column
                        .as_string_opt::<i32>()
                        .is_some_and(|texts| self.warehouses.iter().any(|wanted| wanted == texts.value(row))),
                };
            }
        }
        Ok(found.into())
    }
}

fn named<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a arrow::array::ArrayRef, ArrowError> {
    rows.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(format!("no column {name}")))
}
