//! The cassettes of `fixtures/cassettes`: made by the simulator, replayed, and what their tables hold as snapshots.
//!
//! `cargo xtask fixtures` writes them again (`WDT_ETL_FIXTURES=write`); otherwise they are compared byte for byte with
//! what the simulator and the recorder of this version make.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod edited;
mod night;
mod played;
mod text;

use std::path::{Path, PathBuf};

use night::Nights;

/// Where the cassettes are.
fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/cassettes")
}

/// Every file below a folder with its content, sorted by path.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/");
                found.push((name, std::fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[expect(clippy::disallowed_methods, reason = "whether to write is asked of the test, not of the program")]
fn writes() -> bool {
    std::env::var("WDT_ETL_FIXTURES").is_ok_and(|wish| wish == "write")
}

/// A runtime whose time passes when everybody waits.
fn paused<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(future)
}

#[test]
fn the_cassettes_are_what_the_simulator_makes() {
    let made = tempfile::tempdir().unwrap();
    paused(Nights::record(made.path()));
    if writes() {
        let _absent = std::fs::remove_dir_all(fixtures());
        for (name, content) in files(made.path()) {
            let path = fixtures().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        return;
    }
    let (made, kept) = (files(made.path()), files(&fixtures()));
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let stale = "the cassettes are stale: run `cargo xtask fixtures` and look at the difference";
    assert_eq!(names(&made), names(&kept), "{stale}");
    for ((name, made), (_, kept)) in made.iter().zip(&kept) {
        assert!(made == kept, "{name}: {stale}");
    }
}
