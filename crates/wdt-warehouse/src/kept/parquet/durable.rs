//! A folder of this machine as a store whose writes last: written aside, synced, and only then given their name.
//!
//! The library's own local store renames as well, but syncs neither file nor folder, and its unfinished files are where
//! readers look. An object store needs none of this: there one put is whole or not at all.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::failpoint::{self, Place};

/// Folder of what is written aside: readers of Parquet leave out names that begin with `_`.
pub(super) const ASIDE: &str = "_staged";

/// A folder of this machine.
#[derive(Debug)]
pub(super) struct Durable {
    folder: PathBuf,
    inner: LocalFileSystem,
}

impl Durable {
    /// Over a folder that is there.
    ///
    /// # Errors
    /// When it is not.
    pub(super) fn new(folder: &FilePath) -> Result<Self> {
        Ok(Self { folder: folder.to_owned(), inner: LocalFileSystem::new_with_prefix(folder)? })
    }
}

impl fmt::Display for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Durable({})", self.folder.display())
    }
}

#[async_trait]
impl ObjectStore for Durable {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let (folder, target, name) = (self.folder.clone(), self.inner.path_to_filesystem(path)?, path.to_string());
        let write = move || match options.mode {
            PutMode::Update(_) => Err(io::Error::from(ErrorKind::Unsupported)),
            PutMode::Create => put(&folder, &target, &payload, true),
            PutMode::Overwrite => put(&folder, &target, &payload, false),
        };
        let written = tokio::task::spawn_blocking(write).await.map_err(|error| failed(error.into()))?;
        written.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Error::AlreadyExists { path: name, source: error.into() },
            _ => failed(error.into()),
        })?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(path, options).await
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(path, ranges).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

fn failed(source: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::Generic { store: "folder", source }
}

/// Writes a file aside and gives it its name; `new` refuses a name that is taken.
fn put(folder: &FilePath, target: &FilePath, payload: &PutPayload, new: bool) -> io::Result<()> {
    let aside = aside(folder, target, payload)?;
    failpoint::hit(Place::FileStaged);
    let named = make_folder(target.parent().unwrap_or(folder)).and_then(|()| {
        // a link is refused where the name is taken, in one step; a rename is not
        if new { std::fs::hard_link(&aside, target) } else { std::fs::rename(&aside, target) }
    });
    if new || named.is_err() {
        let _swept_later = std::fs::remove_file(&aside);
    }
    named?;
    sync_folder(target.parent().unwrap_or(folder))
}

/// The payload in a file of its own that is on the disk.
fn aside(folder: &FilePath, target: &FilePath, payload: &PutPayload) -> io::Result<PathBuf> {
    let folder = folder.join(ASIDE);
    make_folder(&folder)?;
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let mut number = 0_u32;
    let (mut file, path) = loop {
        let path = folder.join(format!("{name}.{number}"));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => break (file, path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    };
    let written = payload.iter().try_for_each(|bytes| file.write_all(bytes)).and_then(|()| file.sync_all());
    if written.is_err() {
        // a full disk is not filled further
        let _swept_later = std::fs::remove_file(&path);
    }
    written.map(|()| path)
}

/// Makes a folder, and sees to it that it lasts.
pub(super) fn make_folder(folder: &FilePath) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let Some(parent) = folder.parent() else { return Ok(()) };
    make_folder(parent)?;
    match std::fs::create_dir(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => sync_folder(parent),
    }
}

/// Sees to it that the names in a folder last; not every system can be asked.
fn sync_folder(folder: &FilePath) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
