//! Cassettes that were edited: what a replay says of each.

use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use tokio::sync::watch;
use wdt_etl::cassette::Replay;
use wdt_etl::commands::replay;
use wdt_etl::pipeline::run;
use wdt_etl::report::Silent;
use wdt_warehouse::Warehouse;
use wdt_warehouse::contents::rows;

use crate::{files, fixtures, paused, text};

/// A copy of a cassette.
fn copy(name: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (file, content) in files(&fixtures().join(name)) {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    folder
}

/// Replaces the first piece of a file; it must be there.
fn edit(folder: &Path, file: &str, from: &str, to: &str) {
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from} is not in {file}");
    std::fs::write(path, text.replacen(from, to, 1)).unwrap();
}

/// What a replay into that warehouse says: the first problem, the difference, or nothing.
fn said_into(folder: &Path, warehouse: &Warehouse) -> String {
    paused(async {
        let cassette = match Replay::open(folder) {
            Ok(cassette) => Arc::new(cassette),
            Err(error) => return error.report(),
        };
        let (_open, stop) = watch::channel(false);
        let around = replay::surroundings(&cassette, warehouse.clone(), stop, Arc::new(Silent));
        match run(cassette.config(), &cassette.order().unwrap(), &around).await {
            Err(error) => error.report(),
            Ok(outcome) => {
                let problems = outcome.datasets.iter().filter_map(|own| own.problem.as_ref());
                let first = problems.map(|problem| problem.message.clone()).next();
                first.or_else(|| cassette.difference(&outcome)).unwrap_or_default()
            }
        }
    })
}

fn said(folder: &Path) -> String {
    said_into(folder, &Warehouse::memory())
}

#[test]
fn a_parameter_that_differs_is_shown_with_both_values_and_the_string_to_sign() {
    let folder = copy("first-night");
    edit(folder.path(), "wdt-etl.toml", "page_size = 4", "page_size = 5");
    let said = said(folder.path());
    assert!(said.contains("parameter `page_size` differs: recorded `4`, built `5`"), "{said}");
    assert!(said.contains("string to sign: recorded `") && said.contains("page_size:0001-5"), "{said}");
}

#[test]
fn a_signature_that_differs_is_told() {
    let folder = copy("first-night");
    let log = std::fs::read_to_string(folder.path().join("log.ndjson")).unwrap();
    let sign = log.split("\"sign\":\"").nth(1).unwrap().split('"').next().unwrap();
    edit(folder.path(), "log.ndjson", sign, &"0".repeat(sign.len()));
    let said = said(folder.path());
    assert!(
        said.contains(&format!("parameter `sign` differs: recorded `{}`, built `{sign}`", "0".repeat(sign.len()))),
        "{said}"
    );
}

#[test]
fn the_recorded_second_is_signed_not_that_of_the_replay() {
    let folder = copy("first-night");
    edit(folder.path(), "log.ndjson", "\"signed_at\":\"2026-11-21 02:00:00\"", "\"signed_at\":\"2026-11-21 02:00:07\"");
    let said = said(folder.path());
    assert!(said.contains("parameter `timestamp` differs"), "{said}");
}

#[test]
fn a_call_that_is_missing_is_told() {
    let folder = copy("second-night");
    let path = folder.path().join("log.ndjson");
    let text = std::fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> = text.lines().filter(|line| !line.contains("\"page\":1,\"attempt\":1")).collect();
    std::fs::write(&path, kept.join("\n")).unwrap();
    let said = said(folder.path());
    assert!(said.contains("the recording has no such call; the nearest one left is exchange"), "{said}");
    assert!(said.contains("differs: recorded"), "{said}");
}

#[test]
fn a_call_that_is_not_made_any_more_is_told() {
    let folder = copy("second-night");
    let path = folder.path().join("log.ndjson");
    let text = std::fs::read_to_string(&path).unwrap();
    let line = text.lines().find(|line| line.contains("\"dataset\":\"flagship_goods\"") && line.contains("exchange"));
    let more =
        line.unwrap().replacen("\"number\":", "\"number\":90", 1).replacen("\"page_no\":\"", "\"page_no\":\"7", 1);
    std::fs::write(&path, format!("{text}{more}\n")).unwrap();
    let said = said(folder.path());
    assert!(
        said.contains("1 of ") && said.contains("recorded calls were not made, the first is exchange 90"),
        "{said}"
    );
}

#[test]
fn an_answer_that_was_edited_is_what_lands() {
    let folder = copy("first-night");
    let log = std::fs::read_to_string(folder.path().join("log.ndjson")).unwrap();
    let bodies = log.lines().filter(|line| line.contains("\"dataset\":\"enterprise_stock\""));
    for line in bodies.filter(|line| line.contains("\"body\":\"bodies/")) {
        let body = line.split("\"body\":\"").nth(1).unwrap().split('"').next().unwrap();
        let path = folder.path().join(body);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, text.replace("\"brand_no\":\"BD000000000030\"", "\"brand_no\":\"EDITED\"")).unwrap();
    }
    let warehouse = Warehouse::memory();
    assert_eq!(said_into(folder.path(), &warehouse), "");
    let landed = paused(async { rows(&warehouse, "enterprise_stock").await.unwrap().unwrap() });
    assert!(text::of("", &landed, &[]).contains("brand_no: EDITED"));
}

#[test]
fn a_warehouse_that_stands_elsewhere_is_refused_before_any_call() {
    let warehouse = Warehouse::memory();
    assert_eq!(said_into(&fixtures().join("first-night"), &warehouse), "");
    let said = said_into(&fixtures().join("secret-refused"), &warehouse);
    assert!(said.contains("continues at 2026-11-21") && said.contains("hint: replay into an empty folder"), "{said}");
}

#[test]
fn what_is_no_cassette_is_told_with_its_place() {
    let empty = tempfile::tempdir().unwrap();
    assert!(said(empty.path()).contains("is not a cassette: it has no cassette.json"));
    let cases: &[(&str, &str, &str, &str)] = &[
        ("cassette.json", "\"format\": 1", "\"format\": 2", "its format is not 1"),
        ("cassette.json", "\"started_at\": \"2026", "\"started_at\": \"soon 2026", "started_at is not a time"),
        ("cassette.json", "\"seed\"", "\"sead\"", "unknown field `sead`"),
        ("log.ndjson", "{\"decision\"", "{\"decison\"", "log.ndjson:1: unknown variant `decison`"),
        ("log.ndjson", "bodies/000001", "../bodies/000001", "leads out of the cassette"),
        ("log.ndjson", "bodies/000001", "bodies/900001", "the body of exchange 1 is lost"),
        ("wdt-etl.toml", "gateway = \"enterprise\"", "gateway = \"enterprice\"", "did you mean"),
    ];
    for (file, from, to, wanted) in cases {
        let folder = copy("first-night");
        edit(folder.path(), file, from, to);
        let said = said(folder.path());
        assert!(said.contains(wanted), "{file}, {to}: {said}");
    }
}
