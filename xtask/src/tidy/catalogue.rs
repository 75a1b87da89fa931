//! Pages that must keep up with the files: the catalogues of fixtures and the changelog.

use std::collections::BTreeSet;

use super::finding::Finding;
use crate::files::File;

/// Every folder below `fixtures/` is named in the nearest README.md above it.
pub(super) fn fixtures(files: &[File]) -> Vec<Finding> {
    let unnamed = folders(files).into_iter().filter(|folder| !is_named(files, folder));
    let finding = |folder: &str| {
        Finding::in_path(folder, "is not named in the README.md above it: which files, where from, who reads them")
    };
    unnamed.map(finding).collect()
}

/// Every page is in a row of the catalogue's section about pages, and every row there has a page.
pub(super) fn pages(files: &[File]) -> Vec<Finding> {
    let Some(readme) = files.iter().find(|file| file.path == "fixtures/README.md") else { return Vec::new() };
    let pages: Vec<&str> = files.iter().filter_map(|file| file.path.strip_prefix("fixtures/pages/")).collect();
    let section = readme.lines().skip_while(|(_, line)| !line.starts_with("## `pages/`")).skip(1);
    let section = section.take_while(|(_, line)| !line.starts_with("## "));
    let rows: Vec<_> = section.flat_map(|(index, line)| patterns(line).map(move |row| (index, row))).collect();
    let unlisted = pages.iter().filter(|page| !rows.iter().any(|(_, pattern)| fits(pattern, page)));
    let unlisted = unlisted.map(|page| {
        let what = "is in no row of fixtures/README.md: where from, what it shows";
        Finding::in_path(&format!("fixtures/pages/{page}"), what)
    });
    let idle = rows.iter().filter(|(_, pattern)| !pages.iter().any(|page| fits(pattern, page)));
    unlisted
        .chain(idle.map(|(index, pattern)| Finding::at(readme, *index, format!("no page is `{pattern}`"))))
        .collect()
}

/// The changelog has a place for what is new.
pub(super) fn changelog(files: &[File]) -> Vec<Finding> {
    let opens = |file: &File| file.path == "CHANGELOG.md" && file.lines().any(|(_, line)| line == "## [Unreleased]");
    if files.iter().any(opens) {
        return Vec::new();
    }
    vec![Finding::in_path("CHANGELOG.md", "has no line `## [Unreleased]`")]
}

/// All folders below `fixtures/`, those that hold only folders included.
fn folders(files: &[File]) -> BTreeSet<&str> {
    let mut folders = BTreeSet::new();
    for file in files.iter().filter(|file| file.is_fixture()) {
        let mut path = file.path.as_str();
        while let Some((folder, _)) = path.rsplit_once('/').filter(|(folder, _)| *folder != "fixtures") {
            folders.insert(folder);
            path = folder;
        }
    }
    folders
}

fn is_named(files: &[File], folder: &str) -> bool {
    let (mut above, name) = folder.rsplit_once('/').unwrap_or(("", folder));
    loop {
        let readme = files.iter().find(|file| file.path.strip_prefix(above) == Some("/README.md"));
        if let Some(readme) = readme {
            return readme.lines().any(|(_, line)| names(line, name));
        }
        match above.rsplit_once('/') {
            Some((higher, _)) => above = higher,
            None => return false,
        }
    }
}

/// The files that the first cell of a table's row names; a name without a folder is in the folder named before it.
fn patterns(line: &str) -> impl Iterator<Item = String> {
    let cell = line.strip_prefix('|').and_then(|rest| rest.split('|').next()).unwrap_or_default();
    let mut folder = String::new();
    cell.split('`').skip(1).step_by(2).map(move |name| match name.rsplit_once('/') {
        Some((own, _)) => {
            own.clone_into(&mut folder);
            name.to_owned()
        }
        None => format!("{folder}/{name}"),
    })
}

/// A `*` or `…` stands for any characters but a slash.
fn fits(pattern: &str, path: &str) -> bool {
    match pattern.find(['*', '…']) {
        None => pattern == path,
        Some(at) => {
            let Some(rest) = path.strip_prefix(&pattern[..at]) else { return false };
            let wild = pattern[at..].chars().next().map_or(0, char::len_utf8);
            let end = rest.find('/').unwrap_or(rest.len());
            let ends = (0..=end).filter(|end| rest.is_char_boundary(*end));
            ends.map(|end| &rest[end..]).any(|rest| fits(&pattern[at + wild..], rest))
        }
    }
}

/// The line has the name as a whole word; words have letters, digits, `_` and `-`.
fn names(line: &str, name: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::{changelog, fits, fixtures, pages};
    use crate::files::File;

    #[test]
    fn a_folder_that_no_catalogue_names_is_found() {
        let files = [
            File::of("fixtures/README.md", "- `pages/<endpoint>/`: enterprise_stock\n- `sign/`: see there\n"),
            File::of("fixtures/pages/enterprise_stock/a.json", ""),
            File::of("fixtures/pages/enterprise_goods/a.json", ""),
            File::of("fixtures/sign/README.md", "| `enterprise` | `case-1` |\n"),
            File::of("fixtures/sign/enterprise/case-1/a.txt", ""),
            File::of("fixtures/sign/enterprise/case-10/a.txt", ""),
        ];
        let found: Vec<_> = fixtures(&files).into_iter().map(|finding| finding.path).collect();
        assert_eq!(found, ["fixtures/pages/enterprise_goods", "fixtures/sign/enterprise/case-10"]);
        assert_eq!(fixtures(&[File::of("fixtures/a/b.json", "")]).len(), 1, "no README at all");
    }

    #[test]
    fn a_page_without_a_row_and_a_row_without_a_page_are_found() {
        let table = "| `sign/` |\n\n## `pages/`: answers\n| file | shows |\n|---|---|\n| `*/documented*.json`, `b.json` | x |\n| `goods/a.json`, `c….json` | y |\n\n## `other/`\n| `x.json` |\n";
        let page = |name: &str| File::of(&format!("fixtures/pages/{name}"), "");
        let all = ["stock/documented.json", "stock/b.json", "goods/a.json", "goods/c@d.json"];
        let mut files = vec![File::of("fixtures/README.md", table)];
        files.extend(all.map(page));
        assert_eq!(pages(&files), []);
        files.push(page("goods/d.json"));
        files.retain(|file| !file.path.ends_with("a.json"));
        let found: Vec<_> = pages(&files).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("fixtures/pages/goods/d.json: "), "{found:?}");
        assert!(found[1].starts_with("fixtures/README.md:7: "), "{found:?}");
    }

    #[test]
    fn stars_stand_for_anything_within_a_folder() {
        for (pattern, path, expected) in [
            ("a/*.json", "a/b.json", true),
            ("a/*.json", "a/b/c.json", false),
            ("*/b*.json", "a/b.json", true),
            ("*/b@….json", "a/b@c.d.json", true),
            ("*/b@….json", "a/b.json", false),
            ("a/b.json", "a/b.json", true),
            ("a/b.json", "a/c.json", false),
        ] {
            assert_eq!(fits(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_changelog_without_a_place_for_what_is_new_is_found() {
        assert_eq!(changelog(&[]).len(), 1);
        assert_eq!(changelog(&[File::of("CHANGELOG.md", "# Changelog\n\n## [0.1.0]\n")]).len(), 1);
        assert_eq!(changelog(&[File::of("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n")]).len(), 0);
    }
}
