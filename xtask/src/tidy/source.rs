//! Rules for Rust files: module docs, length, names, and what only certain files may say.

use std::collections::BTreeMap;

use super::finding::Finding;
use crate::code;
use crate::files::File;

/// Lines a file may have without its test module.
const MOST_LINES: usize = 500;
/// Names that say nothing of what is inside.
const EMPTY_NAMES: &[&str] =
    &["util", "utils", "common", "helper", "helpers", "types", "manager", "managers", "handler", "handlers"];
/// This check's own code spells out what it forbids.
const SPELLS_THEM_OUT: &str = "xtask/src/tidy/";

/// Texts that only certain files may have.
struct Ban {
    texts: &'static [&'static str],
    /// Where the ban holds; everywhere if it names no folder.
    below: &'static [&'static str],
    /// Files that may, and folders, which end with a slash.
    only_in: &'static [&'static str],
    scope: Scope,
    why: &'static str,
}

impl Ban {
    fn holds_in(&self, path: &str) -> bool {
        let may = |own: &&str| *own == path || (own.ends_with('/') && path.starts_with(own));
        let below = self.below.is_empty() || self.below.iter().any(|folder| path.starts_with(folder));
        below && !self.only_in.iter().any(may)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Code outside tests and benches.
    Product,
    /// Comments too.
    Everything,
}

const BANS: &[Ban] = &[
    Ban {
        texts: &["SystemTime::now", "Instant::now"],
        below: &[],
        only_in: &["crates/wdt-fetch/src/clock.rs", "xtask/src/host.rs"],
        scope: Scope::Product,
        why: "one file reads the clock; elsewhere time is an argument",
    },
    Ban {
        texts: &["env::var"],
        below: &[],
        only_in: &["crates/wdt-etl/src/environment.rs", "xtask/src/host.rs"],
        scope: Scope::Product,
        why: "one file reads the environment; elsewhere it is an argument",
    },
    Ban {
        texts: &["deltalake::"],
        below: &[],
        only_in: &["crates/wdt-warehouse/src/kept/delta.rs", "crates/wdt-warehouse/src/kept/delta/"],
        scope: Scope::Product,
        why: "one way of keeping tables names the Delta crate",
    },
    Ban {
        texts: &["std::fs", "File::open", "tokio::fs"],
        below: &["crates/wdt-fetch/src/", "crates/wdt-sign/src/", "crates/wdt-models/src/"],
        only_in: &["crates/wdt-fetch/src/host.rs"],
        scope: Scope::Product,
        why: "below the tables only the lock files of the call limit are files",
    },
    Ban {
        texts: &["todo!", "unimplemented!", "dbg!", "FIXME", "XXX"],
        below: &[],
        only_in: &[],
        scope: Scope::Everything,
        why: "finish it, or file an issue",
    },
    Ban {
        texts: &["#[ignore"],
        below: &[],
        only_in: &[],
        scope: Scope::Everything,
        why: "a test runs, or is not there",
    },
];

/// Every file of a `src` folder begins with its module doc.
pub(super) fn module_docs(files: &[File]) -> Vec<Finding> {
    let sources = rust(files).filter(|file| file.path.contains("/src/") && !is_test(&file.path));
    let silent = sources.filter(|file| !file.text.as_deref().unwrap_or_default().starts_with("//!"));
    silent.map(|file| Finding::in_file(file, "begins without a module doc (`//!`)")).collect()
}

/// No file is too long, its test module not counted; a file of tests may be.
pub(super) fn lengths(files: &[File]) -> Vec<Finding> {
    let sources = rust(files).filter(|file| !is_test(&file.path)).map(|file| (file, product_lines(file)));
    let long = sources.filter(|(_, lines)| *lines > MOST_LINES);
    long.map(|(file, lines)| Finding::in_file(file, format!("{lines} lines without its tests, {MOST_LINES} at most")))
        .collect()
}

/// Names of files and folders say what is inside.
pub(super) fn names(files: &[File]) -> Vec<Finding> {
    let empty = |file: &&File| {
        let stems = file.path.trim_end_matches(".rs").split(['/', '_', '-']);
        stems.into_iter().any(|stem| EMPTY_NAMES.contains(&stem))
    };
    rust(files).filter(empty).map(|file| Finding::in_file(file, "a name that says nothing of what is inside")).collect()
}

/// A module's file is named after the module: many files named `mod.rs` look alike wherever names are listed.
pub(super) fn module_files(files: &[File]) -> Vec<Finding> {
    let nameless = rust(files).filter(|file| file.path.rsplit('/').next() == Some("mod.rs"));
    nameless.map(|file| Finding::in_file(file, "is named `mod.rs`: name it after its folder, beside it")).collect()
}

/// Clock, environment, files, the Delta crate, unfinished work.
pub(super) fn bans(files: &[File]) -> Vec<Finding> {
    rust(files).filter(|file| !file.path.starts_with(SPELLS_THEM_OUT)).flat_map(banned).collect()
}

fn banned(file: &File) -> Vec<Finding> {
    let product = if is_test(&file.path) { 0 } else { product_lines(file) };
    // what a `use` with braces spreads over several places is put together again
    let imports = if product == 0 { Vec::new() } else { code::imports(file) };
    let imports: Vec<_> = imports.into_iter().map(|(path, line)| (line - 1, format!("{path}::"))).collect();
    let mut findings = Vec::new();
    for ban in BANS.iter().filter(|ban| ban.holds_in(&file.path)) {
        let looked_at = |index: usize, line: &str| match ban.scope {
            Scope::Everything => true,
            Scope::Product => index < product && !is_comment(line),
        };
        let lines = file.lines().chain(imports.iter().map(|(index, path)| (*index, path.as_str())));
        let said = lines.filter(|(index, line)| looked_at(*index, line)).filter_map(|(index, line)| {
            let text = ban.texts.iter().find(|text| says(line, text))?;
            Some((index, *text))
        });
        let said = said.collect::<BTreeMap<_, _>>().into_iter();
        findings.extend(said.map(|(index, text)| Finding::at(file, index, format!("`{text}`: {}", ban.why))));
    }
    findings
}

fn rust(files: &[File]) -> impl Iterator<Item = &File> {
    files.iter().filter(|file| file.ends_with(".rs"))
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.contains("/benches/") || path.ends_with("/tests.rs")
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

/// A marker in capitals counts as a whole word only: `\uXXXX` is none.
fn says(line: &str, text: &str) -> bool {
    if text.chars().all(|c| c.is_ascii_uppercase()) {
        return line.split(|c: char| !c.is_alphanumeric()).any(|word| word == text);
    }
    line.contains(text)
}

/// Lines before the test module, which is the last thing in a file.
fn product_lines(file: &File) -> usize {
    let lines: Vec<&str> = file.lines().map(|(_, line)| line).collect();
    let opens_tests = |index: usize| {
        let after = lines.iter().skip(index + 1).find(|line| !line.starts_with("#["));
        lines[index] == "#[cfg(test)]" && after.is_some_and(|line| line.starts_with("mod "))
    };
    (0..lines.len()).find(|index| opens_tests(*index)).unwrap_or(lines.len())
}

#[cfg(test)]
mod tests {
    use super::{bans, lengths, module_docs, module_files, names};
    use crate::files::File;

    const TESTS: &str = "#[cfg(test)]\nmod tests {\n";

    fn one(path: &str, text: &str) -> [File; 1] {
        [File::of(path, text)]
    }

    #[test]
    fn a_file_without_module_doc_is_found() {
        assert_eq!(module_docs(&one("crates/a/src/lib.rs", "use std::fmt;\n")).len(), 1);
        assert_eq!(module_docs(&one("crates/a/src/lib.rs", "//! What it is.\n")).len(), 0);
        assert_eq!(module_docs(&one("crates/a/tests/it/main.rs", "mod a;\n")).len(), 0);
    }

    #[test]
    fn a_long_file_is_found_but_its_tests_do_not_count() {
        let (most, more) = ("//\n".repeat(500), "//\n".repeat(501));
        assert_eq!(lengths(&one("crates/a/src/lib.rs", &more)).len(), 1);
        assert_eq!(lengths(&one("crates/a/src/lib.rs", &format!("{most}{TESTS}{more}}}\n"))).len(), 0);
        let import_for_tests = format!("#[cfg(test)]\nuse a::b;\n{more}");
        assert_eq!(lengths(&one("crates/a/src/lib.rs", &import_for_tests)).len(), 1, "only a module ends the count");
    }

    #[test]
    fn an_empty_name_is_found() {
        for path in ["crates/a/src/utils.rs", "crates/a/src/common/mod.rs", "crates/a/tests/it/test_helpers.rs"] {
            assert_eq!(names(&one(path, "")).len(), 1, "{path}");
        }
        for path in ["crates/a/src/utility_bill.rs", "crates/a/src/uncommon.rs", "docs/types.md"] {
            assert_eq!(names(&one(path, "")).len(), 0, "{path}");
        }
    }

    #[test]
    fn the_clock_is_for_one_file_and_for_tests() {
        let text = "//! Doc.\nlet now = SystemTime::now();\n";
        let found = bans(&one("crates/wdt-etl/src/plan.rs", text));
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().starts_with("crates/wdt-etl/src/plan.rs:2: `SystemTime::now`"), "{}", found[0]);
        for path in
            ["crates/wdt-fetch/src/clock.rs", "crates/wdt-etl/tests/it/a.rs", "crates/wdt-models/benches/decode.rs"]
        {
            assert_eq!(bans(&one(path, text)).len(), 0, "{path}");
        }
        assert_eq!(bans(&one("crates/a/src/b.rs", &format!("{TESTS}{text}"))).len(), 0);
        assert_eq!(bans(&one("crates/a/src/b.rs", "// not Instant::now, because\n")).len(), 0);
    }

    #[test]
    fn the_environment_is_for_one_file() {
        for call in ["std::env::var(\"A\")", "env::vars()", "env::var_os(name)"] {
            assert_eq!(bans(&one("crates/wdt-etl/src/cli.rs", call)).len(), 1, "{call}");
            assert_eq!(bans(&one("crates/wdt-etl/src/environment.rs", call)).len(), 0, "{call}");
        }
    }

    #[test]
    fn the_delta_crate_is_for_one_folder_and_for_tests_that_read_tables() {
        let kept = "crates/wdt-warehouse/src/kept";
        for text in ["use deltalake::DeltaTable;\n", "use deltalake as delta;\n"] {
            for path in
                [format!("{kept}/parquet.rs"), format!("{kept}/delta_log.rs"), "crates/wdt-etl/src/a.rs".to_owned()]
            {
                assert_eq!(bans(&one(&path, text)).len(), 1, "{path}");
            }
            for path in
                [format!("{kept}/delta.rs"), format!("{kept}/delta/log.rs"), "crates/a/tests/it/a.rs".to_owned()]
            {
                assert_eq!(bans(&one(&path, text)).len(), 0, "{path}");
            }
        }
    }

    #[test]
    fn files_are_not_for_what_is_below_the_tables() {
        for text in [
            "use std::fs;",
            "use std::fs::File;",
            "use std::{\n    fs::{self, File},\n    io,\n};",
            "let file = std::fs::read(path);",
            "let file = File::open(path);",
            "use tokio::{fs, net};",
        ] {
            for path in
                ["crates/wdt-fetch/src/client.rs", "crates/wdt-sign/src/lib.rs", "crates/wdt-models/src/a/host.rs"]
            {
                assert_ne!(bans(&one(path, text)).len(), 0, "{path}: {text}");
            }
            for path in ["crates/wdt-fetch/src/host.rs", "crates/wdt-fetch/tests/it/a.rs", "crates/wdt-etl/src/a.rs"] {
                assert_eq!(bans(&one(path, text)).len(), 0, "{path}: {text}");
            }
        }
        assert_eq!(bans(&one("crates/wdt-models/src/a.rs", "#[cfg(test)]\nmod tests {\n    use std::fs;\n}")).len(), 0);
    }

    #[test]
    fn a_module_file_without_a_name_is_found() {
        assert_eq!(module_files(&one("crates/a/src/b/mod.rs", "")).len(), 1);
        assert_eq!(module_files(&one("crates/a/tests/it/b/mod.rs", "")).len(), 1);
        assert_eq!(module_files(&one("crates/a/src/b/some_mod.rs", "")).len(), 0);
    }

    #[test]
    fn unfinished_work_and_sleeping_tests_are_found_everywhere() {
        for text in
            ["todo!()", "unimplemented!(\"later\")", "dbg!(x)", "// FIXME", "// XXX why", "#[ignore = \"slow\"]"]
        {
            assert_eq!(bans(&one("crates/a/tests/it/b.rs", text)).len(), 1, "{text}");
            assert_eq!(bans(&one("crates/a/src/b.rs", text)).len(), 1, "{text}");
        }
        assert_eq!(bans(&one("crates/a/src/b.rs", r"// a text like \uXXXX")).len(), 0);
    }
}
