//! Files that no commit can name any more, taken away by the next writer.
//!
//! A file's name says which version alone may name it. Once that version is there without it, nobody ever will: not the
//! writer who died, and not one who is late, whose commit is refused. Files of a version that is still to come may be a
//! rival's who is at work, so they are remembered, and looked at again when that version is there.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use futures::stream::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _};

use super::files::version_of;
use super::log::{FOLDER, LoadedLog};
use crate::failpoint::{self, Place};

/// What a writer has found, or left, that no commit names yet.
#[derive(Debug, Default)]
pub(super) struct Suspects(Mutex<Vec<Path>>);

impl Suspects {
    /// Every file of the table that the loaded version does not name.
    pub(super) async fn found(&self, store: &Arc<dyn ObjectStore>, loaded: &LoadedLog) {
        let named = named(loaded);
        let listed = store.list(None).map_ok(|object: ObjectMeta| object.location);
        // what cannot be listed is swept another time
        let listed: Vec<Path> = listed.filter_map(async |path| path.ok()).collect().await;
        let manifest = |path: &Path| path.parts().next().is_some_and(|part| part.as_ref() == FOLDER);
        let suspect = |path: &Path| version_of(path).is_some() && !manifest(path) && !is_named(&named, path);
        self.add(listed.into_iter().filter(suspect));
    }

    /// Files that a commit has left behind.
    pub(super) fn add(&self, paths: impl IntoIterator<Item = Path>) {
        self.lock().extend(paths);
    }

    /// Takes away those that no commit up to the loaded version names, and that no later one can.
    pub(super) async fn sweep(&self, store: &Arc<dyn ObjectStore>, loaded: &LoadedLog) {
        let due: Vec<Path> = {
            let mut suspects = self.lock();
            let due = |path: &mut Path| version_of(path).is_some_and(|version| version <= loaded.version);
            suspects.extract_if(.., due).collect()
        };
        if due.is_empty() {
            return;
        }
        let named = named(loaded);
        for path in due.into_iter().filter(|path| !is_named(&named, path)) {
            failpoint::hit(Place::SweepDue);
            // gone already, or an orphan for the next one
            let _swept = store.delete(&path).await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Path>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names of the files of the loaded version. Each is there once, so the folder, which may be spelled in another way, does
/// not count.
fn named(loaded: &LoadedLog) -> HashSet<&str> {
    loaded.files.iter().filter_map(|file| file.path.rsplit('/').next()).collect()
}

fn is_named(named: &HashSet<&str>, path: &Path) -> bool {
    path.filename().is_none_or(|name| named.contains(name))
}
