//! The step `tidy`: house rules that no other tool checks, each a function from files to findings.

use crate::failure::{Failure, Outcome};
use crate::files::{self, File};

mod catalogue;
mod circles;
mod crates;
mod finding;
mod gateways;
mod links;
mod page;
mod secrets;
mod sentences;
mod shapes;
mod source;
mod text;

use finding::Finding;

/// A rule: from all files to where they break it.
type Check = fn(&[File]) -> Vec<Finding>;

const CHECKS: &[Check] = &[
    source::module_docs,
    source::lengths,
    source::names,
    source::module_files,
    source::bans,
    gateways::gateways,
    circles::unreadable,
    circles::circles,
    crates::shares,
    crates::doubles,
    text::sizes,
    text::last_lines,
    text::machine_paths,
    text::pending_snapshots,
    secrets::literals,
    secrets::stand_ins,
    shapes::shapes,
    catalogue::fixtures,
    catalogue::pages,
    catalogue::changelog,
    links::paths,
    links::links,
    sentences::sentences,
    sentences::words,
];

/// Checks every file that git tracks or would track.
pub(crate) fn run() -> Outcome {
    let files = files::load()?;
    let findings: Vec<String> =
        CHECKS.iter().flat_map(|check| check(&files)).map(|finding| finding.to_string()).collect();
    if findings.is_empty() {
        println!("{} files", files.len());
        return Ok(());
    }
    Err(Failure::new(format!("{} findings\n{}", findings.len(), findings.join("\n"))))
}
