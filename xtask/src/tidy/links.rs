//! Pages name only files and headings that exist: paths in backticks, links and their anchors.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::Finding;
use super::page::{self, Markdown};
use crate::files::File;

/// How a path from the workspace's folder begins.
const FOLDERS: &[&str] = &["crates/", "xtask/", "docs/", "fixtures/", ".github/"];
/// Marks of a path that stands for more than one.
const PATTERNS: &[char] = &['<', '*', '…', '{'];

/// Finds paths in backticks that name a file that does not exist.
pub(super) fn paths(files: &[File]) -> Vec<Finding> {
    let known: BTreeSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| page::is_page(file)) {
        let page = Markdown::read(file.text.as_deref().unwrap_or_default());
        let named = page.codes.iter().filter_map(|(index, code)| Some((*index, path(code)?)));
        let missing = named.filter(|(_, path)| !known.contains(path));
        findings.extend(missing.map(|(index, path)| Finding::at(file, index, format!("`{path}` does not exist"))));
    }
    findings
}

/// The path of one file that a code span is; what follows it, a line or the name of a test, left out.
fn path(code: &str) -> Option<&str> {
    let path = code.split([':', '#']).next()?;
    let one = !path.contains(PATTERNS) && !path.contains("...") && !path.contains(char::is_whitespace);
    let file = path.rsplit('/').next()?.trim_start_matches('.').contains('.');
    (one && file && FOLDERS.iter().any(|folder| path.starts_with(folder))).then_some(path)
}

/// Finds links of Markdown pages to files and headings that do not exist.
pub(super) fn links(files: &[File]) -> Vec<Finding> {
    let pages = files.iter().filter(|file| file.ends_with(".md"));
    let pages = pages.map(|file| (file.path.as_str(), Markdown::read(file.text.as_deref().unwrap_or_default())));
    let pages: BTreeMap<&str, Markdown> = pages.collect();
    let mut findings = Vec::new();
    for file in files {
        let Some(page) = pages.get(file.path.as_str()) else { continue };
        for (index, link) in &page.links {
            let broken = broken(&file.path, link, files, &pages);
            findings.extend(broken.map(|what| Finding::at(file, *index, format!("the link to `{link}`: {what}"))));
        }
    }
    findings
}

/// What does not exist of a link's file and heading.
fn broken(from: &str, link: &str, files: &[File], pages: &BTreeMap<&str, Markdown>) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let path = if path.is_empty() { from.to_owned() } else { absolute(from, path) };
    let is_there =
        |file: &File| file.path.strip_prefix(&path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if !files.iter().any(is_there) {
        return Some(format!("`{path}` does not exist"));
    }
    let page = pages.get(path.as_str()).filter(|_| !anchor.is_empty())?;
    let missing = !page.anchors.iter().any(|known| known == anchor);
    missing.then(|| format!("no heading of `{path}` has this anchor"))
}

/// The path from the workspace's folder.
fn absolute(from: &str, path: &str) -> String {
    let mut parts: Vec<&str> = if path.starts_with('/') { Vec::new() } else { from.split('/').collect() };
    parts.pop();
    for part in path.split('/').filter(|part| !part.is_empty() && *part != ".") {
        match part {
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::{links, paths};
    use crate::files::File;

    fn tree(page: &str) -> Vec<File> {
        let mut files = vec![File::of("docs/adr/0001-a.md", page)];
        files.extend(["crates/a/src/lib.rs", "docs/a.json", "fixtures/pages/b/c.json"].map(|path| File::of(path, "")));
        files.push(File::of("docs/tables.md", "# Tables\n\n## What a `row` is\n"));
        files
    }

    #[test]
    fn a_path_that_does_not_exist_is_found() {
        for text in [
            "see `crates/a/src/main.rs`",
            "| a |\n|---|\n| `docs/b.json` |",
            "# `xtask/src/main.rs`",
            "`crates/a/src/main.rs:12`",
            "`crates/a/src/main.rs::a_test`",
            "`.github/workflows/ci.yml`",
            "`fixtures/pages/b/C.json`",
        ] {
            assert_eq!(paths(&tree(text)).len(), 1, "{text}");
        }
        let found = paths(&tree("one\n\ntwo `docs/b.json`\n"));
        assert_eq!(found[0].to_string(), "docs/adr/0001-a.md:3: `docs/b.json` does not exist");
    }

    #[test]
    fn paths_that_exist_and_what_is_not_one_path_pass() {
        for text in [
            "`crates/a/src/lib.rs`, `crates/a/src/lib.rs:1`, `docs/a.json`",
            "`crates/a/src`, `crates/a/src/`, `docs/adr/0002`",
            "`crates/<name>/src/lib.rs`, `crates/*/README.md`, `fixtures/{a,b}.json`, `docs/….md`, `crates/.../a.rs`",
            "`src/main.rs`, `target/a.rs`, `cargo test docs/b.json`, crates/a/src/main.rs",
            "```\n`crates/a/src/main.rs`\n```",
        ] {
            assert_eq!(paths(&tree(text)), [], "{text}");
        }
        assert_eq!(paths(&[File::of("CHANGELOG.md", "`docs/gone.md`")]), [], "what was is history");
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found() {
        for text in [
            "[a](b.md)",
            "[a](../table.md)",
            "[a](../tables.md#what-a-line-is)",
            "[a](#nowhere)",
            "![a](a.svg)",
            "[a][b]\n\n[b]: ../../docs.md",
            "[a](/table.md)",
        ] {
            let found = links(&tree(text));
            assert_eq!(found.len(), 1, "{text}");
            assert!(found[0].to_string().starts_with("docs/adr/0001-a.md:1: the link to `"), "{}", found[0]);
        }
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        for text in [
            "[a](../tables.md), [a](../tables.md#what-a-row-is), [a](/docs/tables.md#tables)",
            "[a](0001-a.md), [a](./0001-a.md), [a](..), [a](../../crates/a/), [a](../../crates/a/src/lib.rs#L7)",
            "# Here\n\n[a](#here)",
            "[a](https://example.com/b.md#c), <https://example.com>, [a](mailto:a@example.com)",
            "`[a](b.md)`",
        ] {
            assert_eq!(links(&tree(text)), [], "{text}");
        }
    }
}
