//! One file per command.

mod aligned;
pub mod backfill;
mod cell;
pub mod check;
pub mod demo;
pub mod diff;
pub mod explain;
pub mod export;
pub mod init;
pub mod reconcile;
pub mod record;
pub mod replay;
pub mod run;
pub mod schema;
pub mod simulate;
pub mod status;
mod summary;
pub mod verify;

use std::io;

use crate::error::EtlError;

/// A fault of standard output as the command's error.
pub(crate) fn output(error: io::Error) -> EtlError {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return EtlError::ReaderGone;
    }
    EtlError::Output { what: "standard output".to_owned(), source: error }
}
