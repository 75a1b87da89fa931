//! A downstream reader by the recipe of docs/guarantees.md: it remembers a version of the history and reads what came
//! after it.

use std::collections::HashMap;

use arrow::array::{Array as _, AsArray as _};
use wdt_models::Endpoint;
use wdt_warehouse::{Warehouse, contents};

use crate::oracle::{Cells, Encoder};

/// What a follower holds of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    content: Cells,
    deleted: bool,
}

/// Folds a dataset's history, from version to version.
pub(crate) struct Follower {
    endpoint: &'static Endpoint,
    encoder: Encoder,
    version: u64,
    rows: HashMap<Cells, Held>,
}

impl Follower {
    pub(crate) fn new(endpoint: &'static Endpoint) -> Self {
        Self { endpoint, encoder: Encoder::new(endpoint), version: 0, rows: HashMap::new() }
    }

    /// Reads what was committed since the last time; a storage that fails is tried again the next time.
    pub(crate) async fn follow(&mut self, warehouse: &Warehouse) {
        let name = format!("{}_history", self.endpoint.dataset);
        for (version, batches) in contents::changes(warehouse, &name, self.version).await.unwrap_or_default() {
            for rows in &batches {
                let (keys, contents) = self.encoder.encode(rows);
                let op = rows.column_by_name("_wdt_op").unwrap().as_string::<i32>();
                for (row, (key, content)) in keys.into_iter().zip(contents).enumerate() {
                    self.rows.insert(key, Held { content, deleted: op.value(row) == "delete" });
                }
            }
            self.version = version;
        }
    }

    /// What it holds is the current table.
    pub(crate) async fn assert_is_current(&self, warehouse: &Warehouse) {
        let rows = contents::rows(warehouse, self.endpoint.dataset).await.unwrap().unwrap();
        let (keys, contents) = self.encoder.encode(&rows);
        let marked = rows.column_by_name("_wdt_deleted_at").unwrap();
        let current = keys.into_iter().zip(contents).enumerate();
        let current: HashMap<_, _> =
            current.map(|(row, (key, content))| (key, Held { content, deleted: marked.is_valid(row) })).collect();
        assert_eq!(self.rows.len(), current.len(), "{}: a follower missed rows", self.endpoint.dataset);
        assert!(self.rows == current, "{}: a follower holds other rows", self.endpoint.dataset);
    }
}
