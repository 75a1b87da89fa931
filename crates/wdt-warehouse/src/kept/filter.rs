//! Which data files may hold a key, remembered from the time they were scanned.
//!
//! Data files never change, so what was seen in one stays true for as long as it is listed, whoever commits. A first load
//! would otherwise scan every file again for each commit.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use object_store::path::Path;

/// Keys remembered per table at most: 8 bytes each.
const MOST_KEYS: usize = 4_000_000;

/// Hashes of the keys in the data files of one table.
#[derive(Default)]
pub(crate) struct KeyFilters(Mutex<Filters>);

#[derive(Default)]
struct Filters {
    files: HashMap<Path, Box<[u64]>>,
    keys: usize,
}

impl KeyFilters {
    /// Whether the file may hold one of the keys; true when it was not scanned yet.
    pub(crate) fn may_hold(&self, file: &Path, keys: &[u64]) -> bool {
        let filters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        filters.files.get(file).is_none_or(|held| keys.iter().any(|key| held.binary_search(key).is_ok()))
    }

    /// Remembers the keys of a file that was scanned whole.
    pub(crate) fn remember(&self, file: &Path, mut keys: Vec<u64>) {
        let mut filters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if filters.keys + keys.len() > MOST_KEYS || filters.files.contains_key(file) {
            return;
        }
        keys.sort_unstable();
        filters.keys += keys.len();
        filters.files.insert(file.clone(), keys.into_boxed_slice());
    }

    /// Forgets a file that is no longer listed.
    pub(crate) fn forget(&self, file: &Path) {
        let mut filters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = filters.files.remove(file) {
            filters.keys -= keys.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_scanned_file_without_the_key_is_left_out() {
        let (filters, file) = (KeyFilters::default(), Path::from("a.parquet"));
        assert!(filters.may_hold(&file, &[7]));
        filters.remember(&file, vec![9, 3]);
        assert!(!filters.may_hold(&file, &[7]));
        assert!(filters.may_hold(&file, &[7, 3]));
        filters.forget(&file);
        assert!(filters.may_hold(&file, &[7]));
    }
}
