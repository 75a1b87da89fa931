//! What every fixture page becomes, as snapshots.

use std::fmt::Write;

use wdt_models::decode::page_schema;
use wdt_models::endpoints::ALL;
use wdt_models::envelope::{self, AnswerError};
use wdt_models::{Asked, Endpoint, decode, error};

use crate::{fixture, render};

/// Trips on any change of a page's typed cells, refusals, totals or errors.
#[test]
fn every_page_becomes_its_snapshot() {
    for endpoint in ALL {
        for case in fixture::cases(endpoint) {
            let body = fixture::read(endpoint, &case);
            insta::assert_snapshot!(format!("{}__{case}", endpoint.dataset), outcome(endpoint, &case, &body));
        }
    }
}

/// Trips on any change of a column's name, type, nullability, label or place.
#[test]
fn every_schema_is_its_snapshot() {
    for endpoint in ALL {
        let schema = render::schema(page_schema(endpoint).fields(), "");
        insta::assert_snapshot!(format!("{}__schema", endpoint.dataset), schema);
    }
}

fn outcome(endpoint: &Endpoint, case: &str, body: &[u8]) -> String {
    let answer = match envelope::read(endpoint, fixture::method(endpoint, case), body) {
        Ok(answer) => answer,
        Err(AnswerError::Platform(error)) => {
            let wait = error::told_wait(&error).map(|seconds| format!("\nwait: {seconds} seconds"));
            let class = error::classify(endpoint.gateway, &error);
            return format!("platform error: {error}\nclass: {class:?}{}", wait.unwrap_or_default());
        }
        Err(error) => return error.to_string(),
    };
    let slice = fixture::slice(endpoint, case);
    let decoded = decode(endpoint, &answer.records, &Asked { page: 3, personal: false, slice: &slice });
    let mut text = format!("total: {:?}, records: {}\n", answer.total, answer.records.len());
    for refused in &answer.refused {
        writeln!(text, "refused upstream {refused}").unwrap();
    }
    for fingerprint in &decoded.fingerprints {
        writeln!(text, "fingerprint {fingerprint:032x}").unwrap();
    }
    for refusal in &decoded.refused {
        writeln!(text, "refused page {} row {}", refusal.page, refusal.row).unwrap();
        writeln!(text, "  {} = {:?}: {}", refusal.column, refusal.text, refusal.reason).unwrap();
        writeln!(text, "  {}", refusal.record).unwrap();
    }
    text + &render::batch(&decoded.batch)
}
