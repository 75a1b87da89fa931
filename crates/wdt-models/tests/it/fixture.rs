//! The pages under `fixtures/pages/`.

use std::fs;
use std::path::PathBuf;

use wdt_models::Endpoint;

/// The folder of an endpoint's pages.
pub(crate) fn folder(endpoint: &Endpoint) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/pages").join(endpoint.dataset)
}

/// The bytes of one page.
pub(crate) fn read(endpoint: &Endpoint, case: &str) -> Vec<u8> {
    fs::read(folder(endpoint).join(format!("{case}.json"))).unwrap_or_else(|error| panic!("{case}: {error}"))
}

/// The names of an endpoint's pages, sorted.
pub(crate) fn cases(endpoint: &Endpoint) -> Vec<String> {
    let files = fs::read_dir(folder(endpoint)).unwrap();
    let mut cases: Vec<String> =
        files.map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect();
    cases.sort();
    cases
}
