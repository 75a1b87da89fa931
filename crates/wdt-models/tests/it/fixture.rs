//! The pages under `fixtures/pages/`.

use std::fs;
use std::path::PathBuf;

use wdt_models::{Endpoint, Method, Slice};

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
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut cases: Vec<String> = names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect();
    cases.sort();
    cases
}

/// What the simulator refuses of a method, one answer a line.
pub(crate) fn errors(endpoint: &Endpoint, method: &Method) -> Vec<String> {
    let file = format!("{}.ndjson", case(endpoint, method, "sim-errors"));
    let text = fs::read_to_string(folder(endpoint).join(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    text.lines().map(str::to_owned).collect()
}

/// The name of a method's page: that of any but the first has the method behind it.
pub(crate) fn case(endpoint: &Endpoint, method: &Method, name: &str) -> String {
    if method == endpoint.method() { name.to_owned() } else { format!("{name}@{}", method.name) }
}

/// The method that a page answers: the one named behind `@`, or else the default.
pub(crate) fn method(endpoint: &Endpoint, case: &str) -> &'static Method {
    let named = |name| endpoint.method_named(name).unwrap_or_else(|| panic!("{case}"));
    let endpoint_s = || endpoint.methods.first().unwrap();
    case.split_once('@').map_or_else(endpoint_s, |(_, name)| named(name))
}

/// The slice that a page was asked for.
pub(crate) fn slice(endpoint: &Endpoint, case: &str) -> Slice {
    let values = match case {
        "documented" => ["KJ-0003", "2", "101"],
        "all-members" | "type-2" => ["STORE_1", "2", "1"],
        "type-3" => ["STORE_1", "3", "1"],
        _ => ["STORE_1", "1", "1"],
    };
    let values: Vec<Vec<String>> = values.iter().map(|value| vec![(*value).to_owned()]).collect();
    Slice::all(endpoint.dimensions(), &values).remove(0)
}
