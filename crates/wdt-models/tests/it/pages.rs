//! What every fixture page becomes, as snapshots.

use std::fmt::Write;
use std::fs;

use serde_json::value::RawValue;
use wdt_models::decode::{Asked, Decoded, decode, page_schema};
use wdt_models::endpoints::ALL;
use wdt_models::envelope::AnswerError;
use wdt_models::error::{Clue, ErrorEntry, PlatformError};
use wdt_models::{Endpoint, Method, envelope, error};

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

/// Trips on an error that means something else, and on an entry of a gateway's error table that a method's answers do not
/// show.
#[test]
fn every_error_of_every_method_becomes_its_snapshot() {
    for endpoint in ALL {
        for method in endpoint.methods {
            let (mut text, mut told) = (String::new(), Vec::new());
            for line in fixture::errors(endpoint, method) {
                let (error, entry) = refusal(endpoint, method, &line);
                writeln!(text, "{:?} by {}: {error}", entry.class, clue(entry.clue)).unwrap();
                told.push(entry.clue);
            }
            for entry in error::table(endpoint.gateway) {
                assert!(told.contains(&entry.clue), "{} {}: {:?}", endpoint.dataset, method.name, entry.clue);
            }
            let case = fixture::case(endpoint, method, "sim-errors");
            insta::assert_snapshot!(format!("{}__{case}", endpoint.dataset), text);
        }
    }
}

/// Trips on a method that has no page for a documented answer, nothing found, its errors, or the forms of its answers.
#[test]
fn every_method_has_a_page_of_each_kind() {
    for endpoint in ALL {
        let cases = fixture::cases(endpoint);
        for method in endpoint.methods {
            for name in ["documented", "sim-page", "sim-empty-list"] {
                let case = fixture::case(endpoint, method, name);
                assert!(cases.contains(&case), "{}: no page {case}", endpoint.dataset);
            }
            assert!(!fixture::errors(endpoint, method).is_empty());
        }
    }
}

/// Trips on a snapshot whose page is gone.
#[test]
fn every_snapshot_is_of_a_page() {
    let of = |endpoint: &'static Endpoint| {
        let errors = endpoint.methods.iter().map(|method| fixture::case(endpoint, method, "sim-errors"));
        let cases = fixture::cases(endpoint).into_iter().chain(errors).chain(["schema".to_owned()]);
        cases.map(|case| format!("it__pages__{}__{case}", endpoint.dataset)).collect::<Vec<_>>()
    };
    let known: Vec<String> = ALL.iter().copied().flat_map(of).collect();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/snapshots");
    for file in fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let snapshot = name.strip_suffix(".snap").map(str::to_owned);
        assert!(snapshot.is_none_or(|snapshot| known.contains(&snapshot)), "{name}: no page becomes it");
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
            let wait = error::named_wait(&error).map(|seconds| format!("\nwait: {seconds} seconds"));
            let class = error::classify(endpoint.gateway, &error);
            return format!("platform error: {error}\nclass: {class:?}{}", wait.unwrap_or_default());
        }
        Err(error) => return error.to_string(),
    };
    let decoded = typed(endpoint, case, &answer.records);
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
    match plain_of(case) {
        Some(plain) => text + &compared(endpoint, &plain, &decoded),
        None => text + &render::batch(&decoded.batch),
    }
}

fn typed(endpoint: &Endpoint, case: &str, records: &[&RawValue]) -> Decoded {
    let slice = fixture::slice(endpoint, case);
    decode(endpoint, records, &Asked { page: 3, personal: false, slice: &slice })
}

/// The page that has the same rows in the plainest form, for a page of the simulator in another form.
fn plain_of(case: &str) -> Option<String> {
    let (name, method) = case.split_once('@').map_or((case, None), |(name, method)| (name, Some(method)));
    let is_form = name.starts_with("sim-") && name != "sim-page" && name != "sim-page-later";
    is_form.then(|| method.map_or("sim-page".to_owned(), |method| format!("sim-page@{method}")))
}

/// Rows whose cells are those of the plain page are named, others are shown.
fn compared(endpoint: &Endpoint, plain: &str, decoded: &Decoded) -> String {
    let body = fixture::read(endpoint, plain);
    let answer = envelope::read(endpoint, fixture::method(endpoint, plain), &body).unwrap();
    let known = render::rows(&typed(endpoint, plain, &answer.records).batch);
    let mut text = String::new();
    for (place, row) in render::rows(&decoded.batch).iter().enumerate() {
        match known.iter().position(|known| known == row) {
            Some(same) => writeln!(text, "[{place}] every cell as in row {same} of {plain}").unwrap(),
            None => text += &render::numbered(place, row),
        }
    }
    text
}

/// An answer that must be an error, and what the gateway's table makes of it.
fn refusal(endpoint: &Endpoint, method: &'static Method, line: &str) -> (PlatformError, &'static ErrorEntry) {
    match envelope::read(endpoint, method, line.as_bytes()) {
        Err(AnswerError::Platform(error)) => {
            let entry = error::entry(endpoint.gateway, &error).unwrap();
            (error, entry)
        }
        other => panic!("{}: {line}: {other:?}", endpoint.dataset),
    }
}

fn clue(clue: Clue) -> String {
    match clue {
        Clue::Code(code) => format!("code {code}"),
        Clue::SubCode(code) => format!("finer code {code}"),
        Clue::Words(words) => format!("words {}", words.join(" / ")),
        Clue::None => "nothing".to_owned(),
    }
}
