//! Any JSON as records of any dataset: no panic, each record either typed or refused, and its key read alike.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use wdt_models::decode::{Asked, decode, keys, page_schema};
use wdt_models::{Endpoint, Slice, envelope};

fuzz_target!(|input: &[u8]| {
    let (calls, body) = wdt_fuzz::calls(input);
    let picked = calls.len() == 1;
    for (endpoint, method) in calls {
        let records = match envelope::read(endpoint, method, body) {
            Ok(answer) if !answer.records.is_empty() => answer.records,
            // What is no page is taken for records, one after the other; by every dataset that would be slow.
            _ if picked => values(body),
            _ => continue,
        };
        check(endpoint, &records, &slice(endpoint));
    }
});

fn values(body: &[u8]) -> Vec<&RawValue> {
    serde_json::Deserializer::from_slice(body).into_iter().map_while(Result::ok).collect()
}

fn slice(endpoint: &Endpoint) -> Slice {
    let first = endpoint.dimensions().iter().map(|dimension| dimension.values.first().copied().unwrap_or("STORE_1"));
    let values: Vec<_> = first.map(|value| vec![value.to_owned()]).collect();
    Slice::all(endpoint.dimensions(), &values).swap_remove(0)
}

fn check(endpoint: &Endpoint, records: &[&RawValue], slice: &Slice) {
    let shown = decode(endpoint, records, &Asked { page: 0, personal: true, slice });
    let hidden = decode(endpoint, records, &Asked { page: 0, personal: false, slice });
    for decoded in [&shown, &hidden] {
        assert_eq!(decoded.batch.num_rows() + decoded.refused.len(), records.len());
        assert_eq!(decoded.batch.schema(), page_schema(endpoint));
        assert_eq!(decoded.fingerprints.len(), records.len());
        let mut rows = decoded.refused.iter().map(|refused| refused.row);
        assert!(rows.clone().is_sorted() && rows.all(|row| row < records.len()));
    }
    let texts: Vec<&str> = records.iter().map(|record| record.get()).collect();
    let keys = keys(endpoint, slice, &texts);
    assert_eq!(keys.batch.num_rows() + keys.unreadable, texts.len());
    assert!(keys.batch.num_rows() >= shown.batch.num_rows(), "a typed record whose key cannot be read");
}
