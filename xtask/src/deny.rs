//! The step `deny`: licences, banned crates and sources, as `deny.toml` says.

use std::path::PathBuf;

use crate::command;
use crate::failure::{Failure, Outcome};
use crate::host;

/// Checks all but the known vulnerabilities: their list comes from the network, so the GitHub workflow checks them.
pub(crate) fn run() -> Outcome {
    // only CI must have it: a newcomer's first run of the tests shall not end with a tool that is not there
    if find().is_none() && host::variable("CI").is_none() {
        println!(
            "skipped: cargo-deny is not installed; `bash .ci/run` installs it, or `cargo install --locked cargo-deny`",
        );
        return Ok(());
    }
    let deny = find().ok_or_else(|| {
        Failure::new("cargo-deny is not installed")
            .hint("`cargo install --locked cargo-deny`; `.ci/run` installs it by itself")
    })?;
    command::run(command::program(&deny)?.args(["--workspace", "--locked", "check", "bans", "licenses", "sources"]))
}

/// In PATH, among cargo's own programs, or where `.ci/run` puts it.
fn find() -> Option<PathBuf> {
    let path = host::variable("PATH").unwrap_or_default();
    let cargo_home = host::variable("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| Some(PathBuf::from(host::variable("HOME")?).join(".cargo")));
    let cache = host::cache().ok().map(|cache| cache.join("tools"));
    let folders =
        std::env::split_paths(&path).chain(cargo_home.into_iter().chain(cache).map(|folder| folder.join("bin")));
    let name = format!("cargo-deny{}", std::env::consts::EXE_SUFFIX);
    folders.map(|folder| folder.join(&name)).find(|file| file.is_file())
}
