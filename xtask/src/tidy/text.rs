//! Rules for all files: size, last line, paths of somebody's machine, snapshots that nobody accepted.

use super::finding::Finding;
use crate::files::File;

const MOST_BYTES: usize = 1 << 20;
/// Folders that exist on one machine only.
const MACHINE_FOLDERS: &[&str] = &["/work/", "/home/", "/root/", "/Users/"];
/// This file spells out what it forbids.
const SPELLS_THEM_OUT: &str = "xtask/src/tidy/text.rs";

/// No file is larger than 1 MiB.
pub(super) fn sizes(files: &[File]) -> Vec<Finding> {
    let large = files.iter().filter(|file| file.size > MOST_BYTES);
    large.map(|file| Finding::in_file(file, format!("{} bytes, {MOST_BYTES} at most", file.size))).collect()
}

/// A text ends with a line break, unless it is a fixture, in which each byte counts.
pub(super) fn last_lines(files: &[File]) -> Vec<Finding> {
    let open = |file: &&File| file.text.as_ref().is_some_and(|text| !text.is_empty() && !text.ends_with('\n'));
    let texts = files.iter().filter(|file| !file.is_fixture()).filter(open);
    texts.map(|file| Finding::in_file(file, "does not end with a line break")).collect()
}

/// No path that is right on one machine only.
pub(super) fn machine_paths(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path != SPELLS_THEM_OUT) {
        for (index, line) in file.lines() {
            let folder = MACHINE_FOLDERS.iter().find(|folder| has_absolute(line, folder));
            findings.extend(folder.map(|folder| Finding::at(file, index, format!("a path below {folder}"))));
        }
    }
    findings
}

/// Insta leaves a `.snap.new` where a snapshot differs.
pub(super) fn pending_snapshots(files: &[File]) -> Vec<Finding> {
    let pending = files.iter().filter(|file| file.ends_with(".snap.new"));
    pending.map(|file| Finding::in_file(file, "accept the snapshot or fix the code: see CONTRIBUTING.md")).collect()
}

/// The folder stands at the start of a path, not inside a longer one or a web address.
fn has_absolute(line: &str, folder: &str) -> bool {
    let starts_path = |before: Option<char>| before.is_none_or(|c| !c.is_alphanumeric() && !"./_-~}$*".contains(c));
    let mut places = line.match_indices(folder);
    places.any(|(place, _)| starts_path(line[..place].chars().next_back()) || line[..place].ends_with("://"))
}

#[cfg(test)]
mod tests {
    use super::{last_lines, machine_paths, pending_snapshots, sizes};
    use crate::files::File;

    fn one(path: &str, text: &str) -> [File; 1] {
        [File::of(path, text)]
    }

    #[test]
    fn a_large_file_is_found() {
        assert_eq!(sizes(&one("a.bin", &"\0".repeat((1 << 20) + 1))).len(), 1);
        assert_eq!(sizes(&one("a.bin", &"\0".repeat(1 << 20))).len(), 0);
    }

    #[test]
    fn an_open_last_line_is_found() {
        assert_eq!(last_lines(&one("a.md", "text")).len(), 1);
        for (path, text) in [("a.md", "text\n"), ("a.md", ""), ("fixtures/a.txt", "text"), ("a.bin", "\0")] {
            assert_eq!(last_lines(&one(path, text)).len(), 0, "{path} {text:?}");
        }
    }

    #[test]
    fn a_path_of_one_machine_is_found() {
        for text in ["/home/me/a", "see `/work/a`", "dir = \"/root/b\"", "a,/home/b", "file:///home/a"] {
            assert_eq!(machine_paths(&one("a.md", text)).len(), 1, "{text}");
        }
        for text in ["https://host/home/a", "./work/a", "$HOME/work/a", "${X}/root/", "target/work/a", "/workshop/"] {
            assert_eq!(machine_paths(&one("a.md", text)).len(), 0, "{text}");
        }
    }

    #[test]
    fn a_pending_snapshot_is_found() {
        assert_eq!(pending_snapshots(&one("crates/a/tests/it/snapshots/b.snap.new", "")).len(), 1);
        assert_eq!(pending_snapshots(&one("crates/a/tests/it/snapshots/b.snap", "")).len(), 0);
    }
}
