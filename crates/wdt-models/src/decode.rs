//! Records into typed Arrow columns, driven by the endpoint's description.

mod columns;
mod extra;
mod keys;
mod list;
mod names;
mod rows;
mod scalar;

use std::sync::Arc;

use arrow::array::{ArrayRef, StringBuilder};
use arrow::compute::filter;
use arrow::datatypes::{DataType, Field as ArrowField, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use serde_json::value::RawValue;
use twox_hash::XxHash3_128;

use self::extra::Extra;
use self::rows::{Fault, Rows};
use crate::{Endpoint, Field, Slice};

pub use self::keys::{Keys, keys};

/// Column of members that no document names.
pub const EXTRA: &str = "_wdt_extra";

/// What was asked for: the address of records, and what an answer need not repeat.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Number of the page.
    pub page: u32,
    /// Whether columns about persons are read; they are null otherwise.
    pub personal: bool,
    /// Values that fill the columns of the slice where a record lacks them; a record with others is refused.
    pub slice: &'a Slice,
}

impl Asked<'static> {
    /// A page of an endpoint without slices.
    #[must_use]
    pub fn page(page: u32, personal: bool) -> Self {
        const NONE: &Slice = &Slice(Vec::new());
        Self { page, personal, slice: NONE }
    }
}

/// A page of records in typed form.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// The accepted records, in page order; see [`page_schema`].
    pub batch: RecordBatch,
    /// xxh3-128 of each record's raw text, refused ones included, in page order.
    pub fingerprints: Vec<u128>,
    /// The records left out of the batch.
    pub refused: Vec<Refusal>,
}

/// A record left out of the batch, with the address of the first cell that could not be typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Number of the page.
    pub page: u32,
    /// Position of the record in the page, from 0.
    pub row: usize,
    /// The column; `details[0].stock_num` inside a list; empty when the record as a whole is refused.
    pub column: String,
    /// The cell's text, at most 200 characters.
    pub text: String,
    /// Why it is refused.
    pub reason: String,
    /// The record's raw JSON text.
    pub record: String,
}

/// Decodes a page's records; a record with a cell that cannot be typed exactly is left out whole.
///
/// Members are matched without ASCII case and may come in any order; one that appears twice refuses the record. A member
/// that no document names goes into `_wdt_extra` with its own JSON text; of list items they are gathered under the
/// list's name, as one object per item.
#[must_use]
pub fn decode(endpoint: &Endpoint, records: &[&RawValue], asked: &Asked<'_>) -> Decoded {
    let page = asked.page;
    let mut rows = Rows::new(endpoint.fields, records.len(), asked.personal);
    rows.fill(asked.slice);
    let mut extra = Extra::default();
    let mut extras = StringBuilder::new();
    let mut refused = Vec::new();
    for (row, record) in records.iter().enumerate() {
        match rows.push(record, &mut extra) {
            Ok(()) => extras.append_option(extra.object()),
            Err(fault) => {
                extras.append_null();
                refused.push(refusal(page, row, fault, record));
            }
        }
    }
    let mut columns = rows.finish();
    columns.push(Arc::new(extras.finish()));
    let rows = refused.iter().map(|refusal| refusal.row);
    let batch = without(rows, columns, records.len()).and_then(|columns| batch(endpoint, columns));
    let batch = batch.unwrap_or_else(|error| {
        // The columns follow the schema by construction; were that broken, no record may pass for read.
        let fault = |row: usize| refusal(page, row, Fault::new("", format!("no batch: {error}")), records[row]);
        refused = (0..records.len()).map(fault).collect();
        RecordBatch::new_empty(page_schema(endpoint))
    });
    let fingerprints = records.iter().map(|record| XxHash3_128::oneshot(record.get().as_bytes())).collect();
    Decoded { batch, fingerprints, refused }
}

/// Schema of a page's batch: the endpoint's fields in order, then `_wdt_extra`.
#[must_use]
pub fn page_schema(endpoint: &Endpoint) -> SchemaRef {
    let extra = ArrowField::new(EXTRA, DataType::Utf8, true);
    Arc::new(Schema::new(endpoint.fields.iter().map(Field::arrow).chain([extra]).collect::<Vec<_>>()))
}

fn batch(endpoint: &Endpoint, columns: Vec<ArrayRef>) -> Result<RecordBatch, ArrowError> {
    RecordBatch::try_new(page_schema(endpoint), columns)
}

/// The columns without the refused ones of their rows.
fn without(
    refused: impl ExactSizeIterator<Item = usize>,
    columns: Vec<ArrayRef>,
    rows: usize,
) -> Result<Vec<ArrayRef>, ArrowError> {
    if refused.len() == 0 {
        return Ok(columns);
    }
    let mut accepted = vec![true; rows];
    for row in refused {
        accepted[row] = false;
    }
    let accepted = accepted.into();
    columns.iter().map(|column| filter(column, &accepted)).collect()
}

fn refusal(page: u32, row: usize, fault: Fault, record: &RawValue) -> Refusal {
    let Fault { column, text, reason } = fault;
    Refusal { page, row, column, text, reason, record: record.get().to_owned() }
}
