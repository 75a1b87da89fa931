//! The error of a cassette that cannot be written, read or replayed.

use crate::error::EtlError;

/// An error of a cassette, with the general hint.
pub(super) fn refused(message: String) -> EtlError {
    EtlError::Cassette { message, hint: None }
}
