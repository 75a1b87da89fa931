//! What can go wrong between a batch and the warehouse.

/// A fault of the warehouse, with the table it concerns.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WarehouseError {
    /// The folder or store cannot be reached or written.
    #[error("warehouse {url} cannot be used: {reason}")]
    Address {
        /// Address as configured.
        url: String,
        /// What the storage said.
        reason: String,
    },
    /// A table of that name holds other columns.
    #[error("table `{table}` has another schema: {difference}")]
    Schema {
        /// Name of the table.
        table: String,
        /// The first difference, table first.
        difference: String,
    },
    /// The folder holds a table that is kept in another format than the configured one.
    #[error("table `{table}` is kept as {found}, which is not the configured format")]
    OtherFormat {
        /// Name of the table.
        table: String,
        /// Its format, as the configuration names it.
        found: &'static str,
    },
    /// The log no longer holds commits that the projection has not applied.
    #[error("table `{table}` has lost commit {version} of its log")]
    LostCommit {
        /// Name of the table.
        table: String,
        /// The version that is gone.
        version: u64,
    },
    /// The current table or a mirror stems from another log than the one that is there.
    #[error("table `{table}` stems from another `{history}`: {reason}")]
    OtherLog {
        /// Name of the table.
        table: String,
        /// Name of the log.
        history: String,
        /// What does not fit.
        reason: String,
    },
    /// A commit of a later version of wdt-etl.
    #[error("table `{table}`: commit {version} was made by a later wdt-etl: {reason}")]
    LaterFormat {
        /// Name of the table.
        table: String,
        /// Version of the commit.
        version: u64,
        /// What cannot be read.
        reason: String,
    },
    /// A rival writer committed first; the caller starts again from the new state.
    #[error("table `{table}`: another writer committed first: {reason}")]
    Conflict {
        /// Name of the table.
        table: String,
        /// What the log said.
        reason: String,
    },
    /// Any other refusal of the storage or of the Delta log.
    #[error("table `{table}`: {action} failed: {reason}")]
    Storage {
        /// Name of the table.
        table: String,
        /// What was being done.
        action: &'static str,
        /// What the library said.
        reason: String,
    },
}

impl WarehouseError {
    /// Maps any library error to [`WarehouseError::Storage`].
    pub fn storage<E: std::fmt::Display>(table: &str, action: &'static str) -> impl FnOnce(E) -> Self {
        let table = table.to_owned();
        move |error| Self::Storage { table, action, reason: error.to_string() }
    }
}
