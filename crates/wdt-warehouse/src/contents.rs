//! Whole tables read back by their names, for tests that know nothing of datasets.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::compute::{cast, concat_batches};
use arrow::record_batch::RecordBatch;

use crate::{DatasetTables, Table, Warehouse, WarehouseError};

/// All rows of a table's latest version, partition columns among them, in no order that lasts; `None` without a table.
///
/// # Errors
///
/// When the storage refuses.
pub async fn rows(warehouse: &Warehouse, table: &str) -> Result<Option<RecordBatch>, WarehouseError> {
    let Some(table) = find(warehouse, table).await? else { return Ok(None) };
    let mut batches = Vec::new();
    for file in table.files(None)? {
        for batch in table.reader().all_rows(&file.path, file.size, None, None).await? {
            batches.push(whole(&table, &batch, |column| file.partition_value(column))?);
        }
    }
    concat_batches(table.schema(), &batches).map(Some).map_err(WarehouseError::storage(table.name(), "read"))
}

/// The rows that each commit after a version has written, in the order of the commits and of their rows.
///
/// A commit of a current table has written the untouched rows of its files again; those are among them.
///
/// # Errors
///
/// When the storage refuses, or a commit or a file of it is gone.
pub async fn changes(
    warehouse: &Warehouse,
    table: &str,
    after: u64,
) -> Result<Vec<(u64, Vec<RecordBatch>)>, WarehouseError> {
    let Some(table) = find(warehouse, table).await? else { return Ok(Vec::new()) };
    let mut changes = Vec::new();
    for version in after + 1..=table.version() {
        let Some(commit) = table.read_commit(version).await? else {
            return Err(WarehouseError::LostCommit { table: table.name().to_owned(), version });
        };
        let mut batches = Vec::new();
        for ((path, size), values) in commit.files.iter().zip(&commit.partitions) {
            for batch in table.reader().all_rows(path, *size, None, None).await? {
                batches.push(whole(&table, &batch, |column| values.get(column)?.as_deref())?);
            }
        }
        changes.push((version, batches));
    }
    Ok(changes)
}

/// A table by its name; a current table that is not kept is folded from its history.
async fn find(warehouse: &Warehouse, table: &str) -> Result<Option<Table>, WarehouseError> {
    match wdt_models::endpoints::find(table).filter(|_| !warehouse.keeps_current()) {
        Some(endpoint) => Ok(DatasetTables::open(warehouse, endpoint).await?.map(|tables| tables.current)),
        None => Table::find(warehouse, table).await,
    }
}

/// Rows of a data file with all columns of the table; of a partition column the file has but one value, as text.
fn whole<'a>(
    table: &Table,
    batch: &RecordBatch,
    value: impl Fn(&str) -> Option<&'a str>,
) -> Result<RecordBatch, WarehouseError> {
    let failed = || WarehouseError::storage(table.name(), "read of a data file");
    let column = |field: &arrow::datatypes::FieldRef| {
        if let Some(column) = batch.column_by_name(field.name()) {
            return Ok(Arc::clone(column));
        }
        let text: ArrayRef = Arc::new(StringArray::from(vec![value(field.name()); batch.num_rows()]));
        cast(&text, field.data_type())
    };
    let columns = table.schema().fields().iter().map(column).collect::<Result<_, _>>().map_err(failed())?;
    RecordBatch::try_new(Arc::clone(table.schema()), columns).map_err(failed())
}
