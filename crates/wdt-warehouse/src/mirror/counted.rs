//! How many rows a mirror has of a dataset's commits, for those who compare the two; nothing is changed.

use std::collections::HashSet;

use arrow::array::{Array as _, AsArray as _};
use arrow::record_batch::RecordBatch;
use futures::stream::TryStreamExt as _;

use super::layout::Layout;
use super::overtaken::overtaken;
use super::rows;
use crate::application;
use crate::error::WarehouseError;
use crate::kept::table::Table;
use crate::rows::columns_of;
use crate::warehouse::Warehouse;

/// What one mirror has of a dataset.
#[derive(Debug)]
pub(crate) struct MirrorCount {
    /// Name of the mirror.
    pub name: &'static str,
    /// History version that it has copied; `None` when there is no such table.
    pub copied: Option<u64>,
    /// Rows that stem from a commit; of runs, those of the runs given.
    pub rows: u64,
}

/// The rows of `etl_windows` and `etl_quarantine` that stem from a dataset's commits, and those of `etl_runs` of these
/// runs, each a run and an account.
///
/// # Errors
/// When a mirror cannot be read.
pub(crate) async fn count(
    warehouse: &Warehouse,
    dataset: &str,
    runs: &HashSet<(String, String)>,
) -> Result<Vec<MirrorCount>, WarehouseError> {
    let committed = |batch: &RecordBatch, row| batch.column_by_name("table_version").is_some_and(|c| c.is_valid(row));
    let ours = |batch: &RecordBatch, row| {
        let cell = |name| text(batch, name, row).unwrap_or_default();
        runs.contains(&(cell("run_id"), cell("account")))
    };
    Ok(vec![
        of(warehouse, dataset, (&rows::windows(), "table_version"), committed).await?,
        of(warehouse, dataset, (&rows::quarantine(), "table_version"), committed).await?,
        of(warehouse, dataset, (&rows::runs(), "run_id"), ours).await?,
    ])
}

/// Rows of the dataset that `counts`; `column` is what it looks at beside account and dataset.
async fn of<R>(
    warehouse: &Warehouse,
    dataset: &str,
    (layout, column): (&Layout<R>, &str),
    counts: impl Fn(&RecordBatch, usize) -> bool,
) -> Result<MirrorCount, WarehouseError> {
    let Some(mut table) = Table::open(warehouse, &layout.spec()).await? else {
        return Ok(MirrorCount { name: layout.name, copied: None, rows: 0 });
    };
    let rows = loop {
        match rows_of(&table, dataset, column, &counts).await {
            Err(error) => overtaken(&mut table, error).await?,
            Ok(rows) => break rows,
        }
    };
    let copied = table.transaction(&application::mirror(dataset)).await?.unwrap_or_default();
    Ok(MirrorCount { name: layout.name, copied: Some(u64::try_from(copied).unwrap_or_default()), rows })
}

async fn rows_of(
    table: &Table,
    dataset: &str,
    column: &str,
    counts: impl Fn(&RecordBatch, usize) -> bool,
) -> Result<u64, WarehouseError> {
    let reader = table.reader();
    let mut rows = 0;
    for file in table.files(None)? {
        let mut batches = reader.rows(&file.path, file.size, Some(&["account", "dataset", column]), None).await?;
        while let Some(batch) = batches.try_next().await? {
            columns_of(table.name(), &batch, &["account", "dataset", column])?;
            let found = (0..batch.num_rows())
                .filter(|&row| text(&batch, "dataset", row).as_deref() == Some(dataset) && counts(&batch, row));
            rows += found.count() as u64;
        }
    }
    Ok(rows)
}

fn text(batch: &RecordBatch, column: &str, row: usize) -> Option<String> {
    let column = batch.column_by_name(column)?.as_string_opt::<i32>()?;
    column.is_valid(row).then(|| column.value(row).to_owned())
}
