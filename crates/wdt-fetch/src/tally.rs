//! The records of one reading: counted, and byte-equal ones kept once.

use std::collections::{BTreeSet, HashMap, HashSet};

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};
use arrow::util::display::array_value_to_string;
use wdt_models::Endpoint;
use wdt_models::decode::{Decoded, Refusal};

/// The records of one reading.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) batches: Vec<RecordBatch>,
    pub(crate) refused: Vec<Refusal>,
    pub(crate) pages: u32,
    pub(crate) rows: u64,
    seen: HashSet<u128>,
}

impl Tally {
    /// Adds a page; a record that is byte-equal to one read before is counted, not kept.
    pub(crate) fn add(&mut self, page: Decoded) {
        let Decoded { batch, fingerprints, refused } = page;
        self.pages += 1;
        self.rows += fingerprints.len() as u64;
        let first: Vec<bool> = fingerprints.into_iter().map(|fingerprint| self.seen.insert(fingerprint)).collect();
        let accepted = accepted_positions(first.len(), &refused);
        let mask: BooleanArray = accepted.map(|row| Some(first[row])).collect();
        // The mask has the batch's length, so this cannot fail; if it did, records kept twice would do no harm.
        let batch =
            if mask.true_count() == mask.len() { batch } else { filter_record_batch(&batch, &mask).unwrap_or(batch) };
        if batch.num_rows() > 0 {
            self.batches.push(batch);
        }
        self.refused.extend(refused.into_iter().filter(|refusal| first.get(refusal.row).is_none_or(|&first| first)));
    }

    /// Adds what was read of other keys.
    pub(crate) fn join(&mut self, other: Self) {
        self.batches.extend(other.batches);
        self.refused.extend(other.refused);
        self.pages += other.pages;
        self.rows += other.rows;
        self.seen.extend(other.seen);
    }

    /// Whether both readings met the same records.
    pub(crate) fn same_records(&self, other: &Self) -> bool {
        self.seen == other.seen
    }

    /// Distinct records, refused ones included.
    pub(crate) fn distinct(&self) -> u64 {
        self.seen.len() as u64
    }

    /// Keys that more than one distinct record has; a refused record's key is not known.
    pub(crate) fn keys_with_two_records(&self, endpoint: &Endpoint) -> u64 {
        let Some(schema) = self.batches.first().map(RecordBatch::schema) else { return 0 };
        let positions = endpoint.key_positions();
        let sort = positions.iter().map(|&position| SortField::new(schema.field(position).data_type().clone()));
        let Ok(converter) = RowConverter::new(sort.collect()) else { return 0 };
        let mut records: HashMap<Vec<u8>, u32> = HashMap::new();
        for batch in &self.batches {
            let keys: Vec<_> = positions.iter().map(|&position| batch.column(position).clone()).collect();
            let Ok(keys) = converter.convert_columns(&keys) else { return 0 };
            keys.iter().for_each(|key| *records.entry(key.as_ref().to_vec()).or_default() += 1);
        }
        records.values().filter(|&&records| records > 1).count() as u64
    }

    /// The distinct values of a column as text; null and empty ones cannot be asked for and are left out.
    pub(crate) fn values(&self, endpoint: &Endpoint, column: &str) -> BTreeSet<String> {
        let Some(position) = endpoint.position(column) else { return BTreeSet::new() };
        let columns = self.batches.iter().map(|batch| batch.column(position));
        let values = columns.flat_map(|column| (0..column.len()).map(|row| array_value_to_string(column, row)));
        values.filter_map(Result::ok).filter(|value| !value.is_empty()).collect()
    }
}

/// Positions in the page of the records that are in the batch, in the batch's order.
fn accepted_positions(records: usize, refused: &[Refusal]) -> impl Iterator<Item = usize> {
    let refused: HashSet<usize> = refused.iter().map(|refusal| refusal.row).collect();
    (0..records).filter(move |row| !refused.contains(row))
}
