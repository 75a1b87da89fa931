//! The file that an export becomes: written beside its place, put there in one step when it is whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use uuid::Uuid;

use crate::error::EtlError;

/// A file on its way; what was written is taken away again unless it is published.
pub(super) struct Target {
    place: PathBuf,
    part: PathBuf,
    published: bool,
}

impl Target {
    /// Opens a file beside `path`.
    ///
    /// # Errors
    /// [`EtlError::Usage`] when nothing can be written there, or an office program has the file open.
    pub(super) fn begin(path: &Path) -> Result<(Self, File), EtlError> {
        // a link stays, the file it leads to is replaced
        let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let (Some(folder), Some(name)) = (folder(&place), place.file_name()) else {
            return Err(refused(path, "it does not name a file", "name a file, as in -o stock.csv"));
        };
        if place.is_dir() {
            return Err(refused(path, "it is a folder", "name a file in it, or write every dataset there with --all"));
        }
        if place.exists() && !place.is_file() {
            return Err(refused(path, "it is not an ordinary file", "write to standard output with -o -"));
        }
        if !folder.is_dir() {
            let reason = format!("there is no folder {}", folder.display());
            return Err(refused(path, &reason, "create the folder first"));
        }
        let name = name.to_string_lossy().into_owned();
        if let Some(lock) = lock(folder, &name) {
            let reason = format!("it is open in another program, whose lock file is {}", lock.display());
            return Err(refused(
                path,
                &reason,
                "close it there, or choose another name; a lock file that no program uses may be deleted",
            ));
        }
        let part = folder.join(format!(".{name}.{}.part", Uuid::now_v7().simple()));
        let file = File::create_new(&part).map_err(|error| unwritable(path, &error))?;
        Ok((Self { place, part, published: false }, file))
    }

    /// The folder of the file.
    pub(super) fn folder(&self) -> &Path {
        folder(&self.place).unwrap_or(Path::new("."))
    }

    /// Puts the file in its place, instead of one that is there.
    ///
    /// # Errors
    /// [`EtlError::Usage`] when the system refuses; the old file is then as it was.
    pub(super) fn publish(mut self) -> Result<(), EtlError> {
        // Windows writes a file out only through a handle that may write
        File::options()
            .write(true)
            .open(&self.part)
            .and_then(|file| file.sync_all())
            .and_then(|()| fs::rename(&self.part, &self.place))
            .map_err(|error| unwritable(&self.place, &error))?;
        self.published = true;
        Ok(())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if !self.published {
            // one that stays is only litter
            let _gone = fs::remove_file(&self.part);
        }
    }
}

/// What to say when the system refuses to write a file.
pub(super) fn unwritable(path: &Path, error: &io::Error) -> EtlError {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull => "free some space, or write elsewhere; the previous file is unchanged",
        _ => {
            "close the file where it is open, check its permissions and those of its folder, or choose another name; the previous file is unchanged"
        }
    };
    refused(path, &error.to_string(), hint)
}

fn refused(path: &Path, reason: &str, hint: &str) -> EtlError {
    EtlError::Usage { message: format!("cannot write {}: {reason}", path.display()), hint: Some(hint.to_owned()) }
}

fn folder(path: &Path) -> Option<&Path> {
    path.parent().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
}

/// What Excel (`~$name`) and `LibreOffice` (`.~lock.name#`) keep beside a file they have open. Windows refuses to replace
/// such a file; elsewhere the program would overwrite the new one with the old.
fn lock(folder: &Path, name: &str) -> Option<PathBuf> {
    // Excel leaves out the first two characters of a long name
    let shortened: String = name.chars().skip(2).collect();
    [format!("~${name}"), format!("~${shortened}"), format!(".~lock.{name}#")]
        .into_iter()
        .map(|lock| folder.join(lock))
        .find(|lock| lock.exists())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::io::Write as _;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_there_whole_or_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        fs::write(&path, "old").unwrap();
        let (target, mut file) = Target::begin(&path).unwrap();
        file.write_all(b"half").unwrap();
        drop(target);
        assert_eq!((fs::read_to_string(&path).unwrap(), names(folder.path())), ("old".into(), vec!["a.csv".into()]));
        let (target, mut file) = Target::begin(&path).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        target.publish().unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap(), names(folder.path())), ("new".into(), vec!["a.csv".into()]));
    }

    #[test]
    fn a_place_that_cannot_be_written_is_reported_with_a_hint() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |path: PathBuf| Target::begin(&path).err().unwrap().report();
        assert!(refused(folder.path().to_owned()).contains("it is a folder"));
        assert!(refused(folder.path().join("no/a.csv")).contains("there is no folder"));
        for lock in ["~$a.xlsx", ".~lock.a.xlsx#"] {
            fs::write(folder.path().join(lock), "").unwrap();
            let report = refused(folder.path().join("a.xlsx"));
            assert!(report.contains("open in another program") && report.contains(lock), "{report}");
            fs::remove_file(folder.path().join(lock)).unwrap();
        }
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_a_device_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a.csv"), folder.path().join("link.csv"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let (target, _) = Target::begin(&link).unwrap();
        target.publish().unwrap();
        assert!(link.is_symlink() && fs::read(&file).unwrap().is_empty());
        assert!(Target::begin(Path::new("/dev/null")).err().unwrap().report().contains("not an ordinary file"));
    }
}
