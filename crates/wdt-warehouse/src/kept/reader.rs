//! Rows of a table's data files, read back column by column.

use std::ops::Range;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt as _, TryFutureExt as _};
use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, RowSelection, RowSelector};
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use super::encoding::BATCH_ROWS;
use super::memory::files::Stored;
use crate::error::WarehouseError;

/// Bytes read from the end of a file at once: the footer of the widest table fits.
const FOOTER_BYTES: usize = 64 << 10;

/// Reads data files of one table.
pub struct Reader {
    table: String,
    source: Origin,
}

enum Origin {
    Parquet(Arc<dyn ObjectStore>),
    Memory(Stored),
}

impl Reader {
    /// A reader over the store rooted at the table.
    pub(crate) fn new(table: &str, store: Arc<dyn ObjectStore>) -> Self {
        Self { table: table.to_owned(), source: Origin::Parquet(store) }
    }

    /// A reader of a table in memory.
    pub(crate) fn in_memory(table: &str, stored: Stored) -> Self {
        Self { table: table.to_owned(), source: Origin::Memory(stored) }
    }

    /// Rows of one file: the named columns, or all; all rows, or those at the given positions (ascending).
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn rows(
        &self,
        path: &Path,
        size: u64,
        columns: Option<&[&str]>,
        positions: Option<&[usize]>,
    ) -> Result<BoxStream<'static, Result<RecordBatch, WarehouseError>>, WarehouseError> {
        let failed = || WarehouseError::storage::<ParquetError>(&self.table, "read of a data file");
        let store = match &self.source {
            Origin::Parquet(store) => Arc::clone(store),
            Origin::Memory(stored) => {
                let batches = stored.rows(path, columns, positions).await?;
                return Ok(futures::stream::iter(batches.into_iter().map(Ok)).boxed());
            }
        };
        let file = StoredParquet { store, path: path.clone(), size };
        let mut builder =
            ParquetRecordBatchStreamBuilder::new(file).await.map_err(failed())?.with_batch_size(BATCH_ROWS);
        if let Some(columns) = columns {
            let schema = Arc::clone(builder.schema());
            let roots = columns.iter().filter_map(|column| schema.index_of(column).ok());
            let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
            builder = builder.with_projection(mask);
        }
        if let Some(positions) = positions {
            builder = builder.with_row_selection(selection(positions));
        }
        let table = self.table.clone();
        let stream = builder.build().map_err(failed())?;
        Ok(stream.map_err(move |error| WarehouseError::storage(&table, "read of a data file")(error)).boxed())
    }

    /// Bytes of one file; `None` when it is gone.
    ///
    /// # Errors
    /// When the storage refuses.
    pub async fn size(&self, path: &Path) -> Result<Option<u64>, WarehouseError> {
        let store = match &self.source {
            Origin::Parquet(store) => store,
            Origin::Memory(stored) => return stored.size(path).await,
        };
        match store.head(path).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(WarehouseError::storage(&self.table, "read of a data file")(error)),
        }
    }

    /// Rows of one file by its footer.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn row_count(&self, path: &Path, size: u64) -> Result<u64, WarehouseError> {
        let store = match &self.source {
            Origin::Parquet(store) => Arc::clone(store),
            Origin::Memory(stored) => return stored.row_count(path).await,
        };
        let mut file = StoredParquet { store, path: path.clone(), size };
        let metadata = file.get_metadata(None).await;
        let metadata = metadata.map_err(WarehouseError::storage(&self.table, "read of a data file"))?;
        Ok(u64::try_from(metadata.file_metadata().num_rows()).unwrap_or_default())
    }

    /// Like [`Reader::rows`], all in memory.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn all_rows(
        &self,
        path: &Path,
        size: u64,
        columns: Option<&[&str]>,
        positions: Option<&[usize]>,
    ) -> Result<Vec<RecordBatch>, WarehouseError> {
        self.rows(path, size, columns, positions).await?.try_collect().await
    }
}

/// A Parquet file in an object store.
struct StoredParquet {
    store: Arc<dyn ObjectStore>,
    path: Path,
    size: u64,
}

impl AsyncFileReader for StoredParquet {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        self.store.get_range(&self.path, range).map_err(ParquetError::from).boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        async move { Ok(self.store.get_ranges(&self.path, &ranges).await?) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        async move {
            let size = self.size;
            let reader = ParquetMetaDataReader::new().with_prefetch_hint(Some(FOOTER_BYTES));
            Ok(Arc::new(reader.load_and_finish(self, size).await?))
        }
        .boxed()
    }
}

fn selection(positions: &[usize]) -> RowSelection {
    let mut selectors = Vec::new();
    let mut next = 0;
    for run in runs(positions) {
        if run.start > next {
            selectors.push(RowSelector::skip(run.start - next));
        }
        selectors.push(RowSelector::select(run.len()));
        next = run.end;
    }
    RowSelection::from(selectors)
}

/// Runs of neighbouring positions.
fn runs(positions: &[usize]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for &position in positions {
        match runs.last_mut() {
            Some(run) if run.end == position => run.end += 1,
            _ => runs.push(position..position + 1),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_positions_become_one_run() {
        assert_eq!(runs(&[0, 1, 4, 5, 9]), vec![0..2, 4..6, 9..10]);
    }
}
