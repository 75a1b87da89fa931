//! The tables of one warehouse in memory, by name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::log::Log;
#[cfg(feature = "test-util")]
use super::step::Answer;
use super::step::{Operation, Steps};
use crate::error::WarehouseError;
use crate::schema::TableSpec;

/// The tables of one warehouse by name.
#[derive(Default)]
pub(crate) struct Shelf {
    tables: Mutex<Tables>,
    pub(super) steps: Steps,
}

#[derive(Default)]
struct Tables {
    by_name: BTreeMap<String, Arc<Log>>,
    /// Tables that were ever created.
    created: u64,
}

impl Shelf {
    /// No tables yet; every operation takes the steps that this answers.
    #[cfg(feature = "test-util")]
    pub(crate) fn with_steps(answer: Box<Answer>) -> Self {
        Self { tables: Mutex::default(), steps: Steps(Some(answer)) }
    }

    /// Takes a table away.
    #[cfg(feature = "test-util")]
    pub(crate) fn forget(&self, name: &str) {
        if let Some(log) = self.tables().by_name.remove(name) {
            log.close();
        }
    }

    pub(super) async fn find(&self, name: &str) -> Result<Option<Arc<Log>>, WarehouseError> {
        let find = || Ok(self.tables().by_name.get(name).map(Arc::clone));
        self.steps.take(name, Operation::Open, find).await
    }

    pub(super) fn create(&self, spec: &TableSpec) -> Arc<Log> {
        let mut tables = self.tables();
        if let Some(log) = tables.by_name.get(&spec.name) {
            return Arc::clone(log);
        }
        tables.created += 1;
        let log = Arc::new(Log::new(tables.created, spec));
        tables.by_name.insert(spec.name.clone(), Arc::clone(&log));
        log
    }

    fn tables(&self) -> std::sync::MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Shelf").field("tables", &self.tables().by_name.keys()).finish_non_exhaustive()
    }
}
