//! What can go wrong between a batch and the warehouse.

/// What caused an error: a library's own error, or a text.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A fault of the warehouse, with the table it concerns.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WarehouseError {
    /// The folder or store cannot be reached or written.
    #[error("warehouse {url} cannot be used: {source}")]
    Address {
        /// Address as configured.
        url: String,
        /// What the storage said.
        source: Cause,
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
    #[error("table `{table}`: commit {version} was made by a later wdt-etl: {source}")]
    LaterFormat {
        /// Name of the table.
        table: String,
        /// Version of the commit.
        version: u64,
        /// What cannot be read.
        source: Cause,
    },
    /// A rival writer committed first; the caller starts again from the new state.
    #[error("table `{table}`: another writer committed first: {source}")]
    Conflict {
        /// Name of the table.
        table: String,
        /// What the log said.
        source: Cause,
    },
    /// Any other refusal of the storage or of the Delta log.
    #[error("table `{table}`: {action} failed: {source}")]
    Storage {
        /// Name of the table.
        table: String,
        /// What was being done.
        action: &'static str,
        /// What the library said.
        source: Cause,
    },
}

impl WarehouseError {
    /// Maps any library error to [`WarehouseError::Storage`].
    pub(crate) fn storage<E: Into<Cause>>(table: &str, action: &'static str) -> impl FnOnce(E) -> Self {
        let table = table.to_owned();
        move |error| Self::Storage { table, action, source: error.into() }
    }

    /// A rival was first.
    pub(crate) fn conflict(table: &str, cause: impl Into<Cause>) -> Self {
        Self::Conflict { table: table.to_owned(), source: cause.into() }
    }

    /// A commit that this version does not understand.
    pub(crate) fn later(table: &str, version: u64, cause: impl Into<Cause>) -> Self {
        Self::LaterFormat { table: table.to_owned(), version, source: cause.into() }
    }

    /// A folder that cannot be used.
    pub(crate) fn address(url: impl Into<String>, cause: impl Into<Cause>) -> Self {
        Self::Address { url: url.into(), source: cause.into() }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::error::Error as _;

    use super::*;

    #[test]
    fn a_library_s_error_is_kept_and_its_text_is_in_the_one_line() {
        let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
        let text = denied.to_string();
        let error = WarehouseError::storage("stock", "read")(denied);
        assert_eq!(error.to_string(), format!("table `stock`: read failed: {text}"));
        let source = error.source().unwrap().downcast_ref::<std::io::Error>().unwrap();
        assert_eq!(source.kind(), std::io::ErrorKind::PermissionDenied);
    }
}
