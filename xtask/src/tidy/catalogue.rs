//! Pages that must keep up with the files: the catalogues of fixtures and the changelog.

use std::collections::BTreeSet;

use super::Finding;
use super::files::File;

/// Every folder below `fixtures/` is named in the nearest README.md above it.
pub(super) fn fixtures(files: &[File]) -> Vec<Finding> {
    let unnamed = folders(files).into_iter().filter(|folder| !is_named(files, folder));
    let finding = |folder: &str| Finding {
        path: folder.to_owned(),
        line: None,
        what: "is not named in the README.md above it: which files, where from, who reads them".to_owned(),
    };
    unnamed.map(finding).collect()
}

/// The changelog has a place for what is new.
pub(super) fn changelog(files: &[File]) -> Vec<Finding> {
    let opens = |file: &File| file.path == "CHANGELOG.md" && file.lines().any(|(_, line)| line == "## [Unreleased]");
    if files.iter().any(opens) {
        return Vec::new();
    }
    let what = "has no line `## [Unreleased]`".to_owned();
    vec![Finding { path: "CHANGELOG.md".to_owned(), line: None, what }]
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

/// The line has the name as a whole word; words have letters, digits, `_` and `-`.
fn names(line: &str, name: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::super::files::File;
    use super::{changelog, fixtures};

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
    fn a_changelog_without_a_place_for_what_is_new_is_found() {
        assert_eq!(changelog(&[]).len(), 1);
        assert_eq!(changelog(&[File::of("CHANGELOG.md", "# Changelog\n\n## [0.1.0]\n")]).len(), 1);
        assert_eq!(changelog(&[File::of("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n")]).len(), 0);
    }
}
