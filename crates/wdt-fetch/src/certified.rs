//! What a reading of a window hands on: rows, refused records, and the evidence that nothing is missing.

use arrow::record_batch::RecordBatch;
use wdt_models::decode::Refusal;
use wdt_models::{Certificate, Window};

/// A piece of a window that was read whole, or is taken as it was read, with the evidence.
#[derive(Debug)]
pub struct CertifiedPart {
    /// The piece.
    pub window: Window,
    /// The accepted records in no promised order, byte-equal ones once.
    pub batches: Vec<RecordBatch>,
    /// The refused records, byte-equal ones once.
    pub refused: Vec<Refusal>,
    /// The evidence.
    pub certificate: Certificate,
}
