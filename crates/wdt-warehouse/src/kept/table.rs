//! A table of versions: the seam between what is done with tables and how they are kept.
//!
//! Every way of keeping them is one variant of the closed enums below; `contract.rs` says what all of them must do.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use super::change::{AddedFile, Change, Commit, DataFile, WrittenFile};
use super::delta::{DeltaHandle, DeltaWriter};
use super::filter::KeyFilters;
use super::memory::MemoryHandle;
use super::memory::files::MemoryWriter;
use super::parquet::ParquetHandle;
use super::parquet::files::ParquetWriter;
use super::reader::Reader;
use crate::error::WarehouseError;
use crate::schema::TableSpec;
use crate::warehouse::{Storage, Warehouse};

/// One table, at the version last loaded.
pub struct Table {
    name: String,
    partition: Option<&'static str>,
    schema: SchemaRef,
    backend: Backend,
    filters: KeyFilters,
}

enum Backend {
    Delta(Box<DeltaHandle>),
    Memory(MemoryHandle),
    Parquet(ParquetHandle),
}

impl Table {
    /// Opens a table, or creates it when nothing is there.
    ///
    /// # Errors
    /// When the storage refuses, or a table of that name has other columns.
    pub async fn open_or_create(warehouse: &Warehouse, spec: &TableSpec) -> Result<Self, WarehouseError> {
        let backend = match warehouse.storage() {
            Storage::Delta(folder) => {
                Backend::delta(DeltaHandle::open_or_create(Storage::address(folder, &spec.name)?, spec).await?)
            }
            Storage::Memory(shelf) => Backend::Memory(MemoryHandle::open_or_create(shelf, spec).await?),
            Storage::Parquet(folder) => {
                Backend::Parquet(ParquetHandle::open_or_create(&Storage::address(folder, &spec.name)?, spec).await?)
            }
        };
        Ok(Self::new(backend, spec))
    }

    /// A new table that only its holder has, in encoded files that are kept in memory.
    ///
    /// # Errors
    /// When a column has a type that no table can hold.
    pub async fn in_memory(spec: &TableSpec) -> Result<Self, WarehouseError> {
        Ok(Self::new(Backend::Parquet(ParquetHandle::in_memory(spec).await?), spec))
    }

    /// Opens a table; `None` when there is none.
    ///
    /// # Errors
    /// When the storage refuses, or a table of that name has other columns.
    pub async fn open(warehouse: &Warehouse, spec: &TableSpec) -> Result<Option<Self>, WarehouseError> {
        let backend = match warehouse.storage() {
            Storage::Delta(folder) => {
                DeltaHandle::open(Storage::address(folder, &spec.name)?, spec).await?.map(Backend::delta)
            }
            Storage::Memory(shelf) => MemoryHandle::open(shelf, spec).await?.map(Backend::Memory),
            Storage::Parquet(folder) => {
                ParquetHandle::open(&Storage::address(folder, &spec.name)?, spec).await?.map(Backend::Parquet)
            }
        };
        Ok(backend.map(|backend| Self::new(backend, spec)))
    }

    /// Opens a table as it is, to be read; `None` when there is none.
    ///
    /// # Errors
    /// When the storage refuses.
    pub async fn find(warehouse: &Warehouse, name: &str) -> Result<Option<Self>, WarehouseError> {
        let found = match warehouse.storage() {
            Storage::Delta(folder) => DeltaHandle::find(Storage::address(folder, name)?, name)
                .await?
                .map(|(table, schema)| (Backend::delta(table), schema)),
            Storage::Memory(shelf) => {
                MemoryHandle::find(shelf, name).await?.map(|(table, schema)| (Backend::Memory(table), schema))
            }
            Storage::Parquet(folder) => ParquetHandle::find(&Storage::address(folder, name)?, name)
                .await?
                .map(|(table, schema)| (Backend::Parquet(table), schema)),
        };
        let filters = KeyFilters::default();
        Ok(found.map(|(backend, schema)| Self { name: name.to_owned(), partition: None, schema, backend, filters }))
    }

    fn new(backend: Backend, spec: &TableSpec) -> Self {
        Self {
            name: spec.name.clone(),
            partition: spec.partition,
            schema: Arc::clone(&spec.schema),
            backend,
            filters: KeyFilters::default(),
        }
    }

    /// Name of the table.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The partition column.
    pub const fn partition(&self) -> Option<&'static str> {
        self.partition
    }

    /// Every column, partition columns among them.
    pub const fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The loaded version.
    pub fn version(&self) -> u64 {
        match &self.backend {
            Backend::Delta(table) => table.version(),
            Backend::Memory(table) => table.version(),
            Backend::Parquet(table) => table.version(),
        }
    }

    /// What is known of the keys in the data files.
    pub(crate) const fn filters(&self) -> &KeyFilters {
        &self.filters
    }

    /// The table's own id: another one after it was deleted and created anew.
    ///
    /// # Errors
    /// When no version is loaded.
    pub fn id(&self) -> Result<String, WarehouseError> {
        match &self.backend {
            Backend::Delta(table) => table.id(),
            Backend::Memory(table) => Ok(table.id()),
            Backend::Parquet(table) => Ok(table.id()),
        }
    }

    /// Reads the table's data files.
    pub fn reader(&self) -> Reader {
        match &self.backend {
            Backend::Delta(table) => Reader::new(&self.name, table.store()),
            Backend::Memory(table) => Reader::in_memory(&self.name, table.stored()),
            Backend::Parquet(table) => Reader::new(&self.name, table.store()),
        }
    }

    /// Loads what was committed since.
    ///
    /// # Errors
    /// When the storage refuses.
    pub async fn refresh(&mut self) -> Result<(), WarehouseError> {
        match &mut self.backend {
            Backend::Delta(table) => table.refresh().await,
            Backend::Memory(table) => table.refresh().await,
            Backend::Parquet(table) => table.refresh().await,
        }
    }

    /// Version of an application's last transaction.
    ///
    /// # Errors
    /// When the storage refuses.
    pub async fn transaction(&self, app_id: &str) -> Result<Option<i64>, WarehouseError> {
        match &self.backend {
            Backend::Delta(table) => table.transaction(app_id).await,
            Backend::Memory(table) => table.transaction(app_id).await,
            Backend::Parquet(table) => Ok(table.transaction(app_id)),
        }
    }

    /// Data files of the loaded version, of one partition if the table has any.
    ///
    /// # Errors
    /// When no version is loaded.
    pub fn files(&self, partition: Option<&str>) -> Result<Vec<DataFile>, WarehouseError> {
        match &self.backend {
            Backend::Delta(table) => table.files(partition),
            Backend::Memory(table) => Ok(table.files(partition)),
            Backend::Parquet(table) => Ok(table.files(partition)),
        }
    }

    /// A writer of data files; nothing it writes is part of the table until it is committed.
    ///
    /// # Errors
    /// When the table asks for something the writer does not know.
    pub fn writer(&self) -> Result<FileWriter, WarehouseError> {
        let inner = match &self.backend {
            Backend::Delta(table) => Writer::Delta(Box::new(table.writer()?)),
            Backend::Memory(table) => Writer::Memory(table.writer()),
            Backend::Parquet(table) => Writer::Parquet(table.writer()),
        };
        Ok(FileWriter { inner, adds: Vec::new() })
    }

    /// Commits a change that was made from the loaded version, and loads the result.
    ///
    /// # Errors
    /// [`WarehouseError::Conflict`] when a rival's commit touches the same application or takes away a loaded file.
    pub async fn commit(&mut self, change: Change) -> Result<u64, WarehouseError> {
        let removed: Vec<_> = change.removes.iter().map(|file| file.path.clone()).collect();
        let version = match &self.backend {
            Backend::Delta(table) => table.commit(change).await?,
            Backend::Memory(table) => table.commit(change).await?,
            Backend::Parquet(table) => table.commit(change).await?,
        };
        for path in &removed {
            self.filters.forget(path);
        }
        self.refresh().await?;
        Ok(version)
    }

    /// One commit of the log; `None` when its file is gone.
    ///
    /// # Errors
    /// When the storage refuses or the commit cannot be read.
    pub async fn read_commit(&self, version: u64) -> Result<Option<Commit>, WarehouseError> {
        match &self.backend {
            Backend::Delta(table) => table.read_commit(version).await,
            Backend::Memory(table) => table.read_commit(version).await,
            Backend::Parquet(table) => table.read_commit(version).await,
        }
    }
}

impl Backend {
    fn delta(table: DeltaHandle) -> Self {
        Self::Delta(Box::new(table))
    }
}

/// Writes data files of one table.
pub struct FileWriter {
    inner: Writer,
    adds: Vec<WrittenFile>,
}

enum Writer {
    Delta(Box<DeltaWriter>),
    Memory(MemoryWriter),
    Parquet(ParquetWriter),
}

impl FileWriter {
    /// Adds rows to the open files of their partitions.
    ///
    /// # Errors
    /// When the storage refuses or the columns do not match.
    pub async fn write(&mut self, batch: RecordBatch) -> Result<(), WarehouseError> {
        match &mut self.inner {
            Writer::Delta(writer) => writer.write(batch).await,
            Writer::Memory(writer) => writer.write(&batch).await,
            Writer::Parquet(writer) => writer.write(&batch),
        }
    }

    /// Bytes of the open files so far.
    #[must_use]
    pub fn open_bytes(&self) -> usize {
        match &self.inner {
            Writer::Delta(writer) => writer.open_bytes(),
            Writer::Memory(writer) => writer.open_bytes(),
            Writer::Parquet(writer) => writer.open_bytes(),
        }
    }

    /// Ends the open files, so that the next rows begin new ones.
    ///
    /// # Errors
    /// When the storage refuses.
    pub async fn roll(&mut self) -> Result<(), WarehouseError> {
        match &mut self.inner {
            Writer::Delta(writer) => self.adds.extend(writer.roll().await?.map(AddedFile::Delta).map(written)),
            Writer::Memory(writer) => {
                self.adds.extend(writer.roll().await?.into_iter().map(AddedFile::Memory).map(written));
            }
            Writer::Parquet(writer) => {
                self.adds.extend(writer.roll()?.into_iter().map(AddedFile::Parquet).map(written));
            }
        }
        Ok(())
    }

    /// Ends the open files and returns every file written.
    ///
    /// # Errors
    /// When the storage refuses.
    pub async fn finish(mut self) -> Result<Vec<WrittenFile>, WarehouseError> {
        self.roll().await?;
        Ok(self.adds)
    }
}

const fn written(added: AddedFile) -> WrittenFile {
    WrittenFile { added }
}
