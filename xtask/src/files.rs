//! The files that the checks look at.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use crate::code::Product;
use crate::command;
use crate::failure::{Failure, Outcome};
use crate::host;

/// A file of the checkout.
pub(crate) struct File {
    /// From the workspace's folder, with slashes.
    pub(crate) path: String,
    /// Bytes.
    pub(crate) size: usize,
    /// `None` if it is not text.
    pub(crate) text: Option<String>,
    /// What is readable of a file that is not text.
    blob: String,
    /// Read when it is first asked for: several checks look at it.
    product: OnceCell<Option<syn::Result<Product>>>,
}

impl File {
    fn new(path: &str, bytes: &[u8]) -> Self {
        let size = bytes.len();
        let lossy = String::from_utf8_lossy(bytes);
        let text = matches!(lossy, Cow::Borrowed(_)) && !lossy.contains('\0');
        let (text, blob) = if text { (Some(lossy.into_owned()), String::new()) } else { (None, lossy.into_owned()) };
        Self { path: path.to_owned(), size, text, blob, product: OnceCell::new() }
    }

    /// For tests of the checks.
    #[cfg(test)]
    pub(crate) fn of(path: &str, text: &str) -> Self {
        Self::new(path, text.as_bytes())
    }

    /// Lines with their index from 0; none if it is not text.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.as_deref().unwrap_or_default().lines().enumerate()
    }

    /// The same, and of a file that is no text what is readable of it.
    pub(crate) fn searched(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().chain(self.blob.lines().enumerate())
    }

    /// Its code without tests; `None` if it is not Rust.
    pub(crate) fn product(&self) -> Option<&syn::Result<Product>> {
        let text = self.text.as_deref().filter(|_| self.ends_with(".rs"));
        self.product.get_or_init(|| text.map(Product::read)).as_ref()
    }

    /// A file under `fixtures/`: kept byte for byte as it came.
    pub(crate) fn is_fixture(&self) -> bool {
        self.path.starts_with("fixtures/")
    }

    /// The path has this ending, dot included.
    pub(crate) fn ends_with(&self, ending: &str) -> bool {
        self.path.ends_with(ending)
    }
}

/// Files that git tracks, new ones it would track, and pending snapshots, which it ignores.
pub(crate) fn load() -> Outcome<Vec<File>> {
    let root = host::root()?;
    let mut paths = listed(&["--cached", "--others", "--exclude-standard"])?;
    paths.extend(listed(&["--others", "--ignored", "--exclude-standard", "--", "*.snap.new"])?);
    paths.iter().filter_map(|path| read(&root, path).transpose()).collect()
}

fn listed(arguments: &[&str]) -> Outcome<Vec<String>> {
    let mut git = command::program(Path::new("git"))?;
    git.args(["-c", "safe.directory=*", "ls-files", "-z"]).args(arguments);
    let output =
        command::output(&mut git).map_err(|failure| failure.hint("tidy asks git which files are the project's"))?;
    Ok(output.split_terminator('\0').map(str::to_owned).collect())
}

/// `None` for one that was deleted and not yet committed so, and for what is no file.
fn read(root: &Path, path: &str) -> Outcome<Option<File>> {
    let full = root.join(path);
    match fs::read(&full) {
        Ok(bytes) => Ok(Some(File::new(path, &bytes))),
        Err(error) if error.kind() == ErrorKind::NotFound || full.is_dir() => Ok(None),
        Err(error) => Err(Failure::new(format!("{path}: {error}"))),
    }
}
