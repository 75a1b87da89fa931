//! The keys of records, whatever their other cells hold.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use serde_json::value::RawValue;

use super::extra::Extra;
use super::rows::Rows;
use super::without;
use crate::{Endpoint, Field, Slice};

/// The keys of some records.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The key columns, in key order: a row for each record that is not `unreadable`.
    pub batch: RecordBatch,
    /// Records whose key cells cannot be typed, that belong to another slice, or that bring a member twice.
    pub unreadable: usize,
}

/// Reads the keys of records given as raw JSON text.
///
/// A record that is refused for another cell still names its row.
#[must_use]
pub fn keys(endpoint: &Endpoint, slice: &Slice, records: &[&str]) -> Keys {
    let fields: Vec<Field> = endpoint.key_positions().into_iter().map(|position| endpoint.fields[position]).collect();
    let mut rows = Rows::new(&fields, records.len(), true);
    rows.fill(slice);
    let mut refused = Vec::new();
    for (row, record) in records.iter().enumerate() {
        let record = serde_json::from_str(record).unwrap_or(RawValue::NULL);
        if rows.push(record, &mut Extra::default()).is_err() {
            refused.push(row);
        }
    }
    let schema: SchemaRef = Arc::new(Schema::new(fields.iter().map(Field::arrow).collect::<Vec<_>>()));
    let columns = without(refused.iter().copied(), rows.finish(), records.len());
    let batch = columns.and_then(|columns| RecordBatch::try_new(schema.clone(), columns));
    match batch {
        Ok(batch) => Keys { batch, unreadable: refused.len() },
        // The columns follow the schema by construction; were that broken, no record may pass for read.
        Err(_) => Keys { batch: RecordBatch::new_empty(schema), unreadable: records.len() },
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::Int64Type;

    use super::*;
    use crate::endpoints::{CAINIAO_INVENTORY, ENTERPRISE_STOCK};

    #[test]
    fn a_record_refused_for_another_cell_still_has_its_key() {
        let records = [
            r#"{"spec_id":"7","stock_num":"many","warehouse_id":3}"#,
            r#"{"spec_id":"seven","warehouse_id":3}"#,
            r#"{"warehouse_id":3}"#,
            "5",
            "{",
            r#"{"WAREHOUSE_ID":"4","spec_id":8.0,"details":5}"#,
        ];
        let keys = keys(&ENTERPRISE_STOCK, &Slice::default(), &records);
        assert_eq!(keys.unreadable, 4);
        let names: Vec<_> = keys.batch.schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names, ["spec_id", "warehouse_id"]);
        assert_eq!(keys.batch.column(0).as_primitive::<Int64Type>().values(), &[7, 8]);
        assert_eq!(keys.batch.column(1).as_primitive::<Int64Type>().values(), &[3, 4]);
    }

    #[test]
    fn values_of_the_slice_are_filled_in_and_nulls_are_kept() {
        let value = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let slice = Slice(vec![value("store_code", "S1"), value("type", "2"), value("inventory_type", "101")]);
        let records = [
            r#"{"item_id":"I1","quantity":"x"}"#,
            r#"{"item_id":"I2","batch_code":"","store_code":"S1"}"#,
            r#"{"item_id":"I3","store_code":"S2"}"#,
        ];
        let keys = keys(&CAINIAO_INVENTORY, &slice, &records);
        assert_eq!((keys.batch.num_rows(), keys.unreadable), (2, 1));
        assert_eq!(keys.batch.num_columns(), CAINIAO_INVENTORY.key.len());
        for row in 0..2 {
            assert_eq!(keys.batch.column(0).as_string::<i32>().value(row), "S1");
            assert_eq!(keys.batch.column(1).as_primitive::<Int64Type>().value(row), 2);
            assert_eq!(keys.batch.column(2).as_primitive::<Int64Type>().value(row), 101);
        }
        let batch_code = keys.batch.column(4).as_string::<i32>();
        assert!(batch_code.is_null(0) && batch_code.value(1).is_empty());
    }
}
