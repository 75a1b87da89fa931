//! How a table's rows are spread over data files: by the value of the partition column, which the files do not hold.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array as _, ArrayRef, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use object_store::path::Path;

use crate::error::WarehouseError;

/// Values of partition columns as text.
pub(crate) type PartitionValues = HashMap<String, Option<String>>;

/// Stands for null in the name of a folder, as Hive has it.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The columns of a table, and those of its data files.
#[derive(Debug, Clone)]
pub(crate) struct FileColumns {
    /// Every column.
    pub(crate) all: SchemaRef,
    /// The columns of the data files.
    held: SchemaRef,
    /// The partition column.
    pub(crate) partition: Option<Arc<str>>,
}

/// Rows of one file, with the value of the partition column, where there is one.
pub(crate) type Part = (Option<String>, RecordBatch);

impl FileColumns {
    /// The columns of a table that is partitioned by one of them, or not.
    pub(crate) fn new(all: &SchemaRef, partition: Option<&str>) -> Self {
        let held = all.fields().iter().filter(|field| Some(field.name().as_str()) != partition);
        let held: Vec<FieldRef> = held.map(Arc::clone).collect();
        Self { all: Arc::clone(all), held: Arc::new(Schema::new(held)), partition: partition.map(Arc::from) }
    }

    /// The columns of the data files.
    pub(crate) const fn held(&self) -> &SchemaRef {
        &self.held
    }

    /// Path of a file below the table.
    pub(crate) fn path(&self, value: Option<&str>, file: &str) -> Path {
        match &self.partition {
            None => Path::from(file),
            Some(column) => Path::from_iter([format!("{column}={}", value.unwrap_or(NULL)), file.to_owned()]),
        }
    }

    /// Rows as data files hold them, by the value of the partition column, order kept.
    ///
    /// # Errors
    /// When the columns are not the table's.
    pub(crate) fn parts(&self, table: &str, batch: &RecordBatch) -> Result<Vec<Part>, WarehouseError> {
        let refused = |reason: String| WarehouseError::storage(table, "write")(reason);
        let column = |name: &str| {
            batch.column_by_name(name).map(Arc::clone).ok_or_else(|| refused(format!("no column `{name}`")))
        };
        if self.partition.is_none() && batch.num_columns() != self.all.fields().len() {
            return Err(refused("more columns than the table has".to_owned()));
        }
        let columns = self.held.fields().iter().map(|field| column(field.name()));
        let rows = RecordBatch::try_new(Arc::clone(&self.held), columns.collect::<Result<_, _>>()?)
            .map_err(WarehouseError::storage(table, "write"))?;
        if rows.num_rows() == 0 {
            return Ok(Vec::new());
        }
        let Some(name) = &self.partition else { return Ok(vec![(None, rows)]) };
        let groups = groups(&column(name)?).map_err(WarehouseError::storage(table, "write"))?;
        if let [(value, _)] = groups.as_slice() {
            return Ok(vec![(value.clone(), rows)]);
        }
        let part = |(value, numbers): Group| {
            let rows = take_record_batch(&rows, &UInt32Array::from(numbers));
            Ok((value, rows.map_err(WarehouseError::storage(table, "write"))?))
        };
        groups.into_iter().map(part).collect()
    }
}

/// A value of the partition column, and the numbers of its rows.
type Group = (Option<String>, Vec<u32>);

/// Row numbers by the column's value as text, in the order in which values come up.
fn groups(column: &ArrayRef) -> Result<Vec<Group>, ArrowError> {
    let options = FormatOptions::default();
    let format = ArrayFormatter::try_new(column, &options)?;
    let mut groups: Vec<Group> = Vec::new();
    for (row, number) in (0..column.len()).zip(0..) {
        let value = column.is_valid(row).then(|| format.value(row).try_to_string()).transpose()?;
        match groups.iter_mut().find(|(known, _)| *known == value) {
            Some((_, rows)) => rows.push(number),
            None => groups.push((value, vec![number])),
        }
    }
    Ok(groups)
}
