//! `cargo xtask docs` and the step `docs`: the reference pages, written from the descriptions in wdt-models.

use std::fs;
use std::io::ErrorKind;

use crate::failure::{Failure, Outcome};
use crate::host;

mod endpoints;
mod errors;
mod markdown;

/// What to do about a stale page.
const HINT: &str = "`cargo xtask docs` writes the pages";

/// A generated page.
struct Page {
    /// From the workspace's folder.
    path: &'static str,
    text: fn() -> String,
}

const PAGES: &[Page] =
    &[Page { path: "docs/endpoints.md", text: endpoints::page }, Page { path: "docs/errors.md", text: errors::page }];

/// Writes every page, those that are right already left alone.
pub(crate) fn write() -> Outcome {
    for page in PAGES {
        let text = (page.text)();
        if stands(page)?.as_ref() == Some(&text) {
            println!("{} is up to date", page.path);
            continue;
        }
        let full = host::root()?.join(page.path);
        fs::write(full, text).map_err(|error| Failure::new(format!("{}: {error}", page.path)))?;
        println!("{} written", page.path);
    }
    Ok(())
}

/// Refuses pages that are not what the descriptions give.
pub(crate) fn check() -> Outcome {
    let mut stale = Vec::new();
    for page in PAGES {
        stale.extend(difference(page.path, stands(page)?.as_deref(), &(page.text)()));
    }
    if stale.is_empty() {
        println!("{} pages", PAGES.len());
        return Ok(());
    }
    Err(Failure::new(stale.join("\n")).hint(HINT))
}

/// The page as it stands; `None` where there is none.
fn stands(page: &Page) -> Outcome<Option<String>> {
    match fs::read_to_string(host::root()?.join(page.path)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::new(format!("{}: {error}", page.path))),
    }
}

/// The first difference between a page and what it should be, if there is one.
fn difference(path: &str, stands: Option<&str>, should: &str) -> Option<String> {
    let Some(stands) = stands else { return Some(format!("{path} is missing")) };
    if stands == should {
        return None;
    }
    let (mut have, mut want) = (stands.split('\n'), should.split('\n'));
    let mut number = 1;
    loop {
        match (have.next(), want.next()) {
            (have, want) if have != want => {
                let shown = |line: Option<&str>| line.map_or("nothing".to_owned(), |line| format!("`{line}`"));
                return Some(format!("{path}:{number} is stale: has {}, not {}", shown(have), shown(want)));
            }
            (None, _) => return None,
            _ => number += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PAGES, difference};

    #[test]
    fn the_first_difference_is_named() {
        assert_eq!(difference("a.md", Some("x\ny\n"), "x\ny\n"), None);
        assert_eq!(difference("a.md", None, "x\n").unwrap(), "a.md is missing");
        let of = |stands| difference("a.md", Some(stands), "x\ny\n").unwrap();
        assert_eq!(of("x\nz\n"), "a.md:2 is stale: has `z`, not `y`");
        assert_eq!(of("x\n"), "a.md:2 is stale: has ``, not `y`");
        assert_eq!(of("x\ny"), "a.md:3 is stale: has nothing, not ``");
        assert_eq!(of("x\ny\n\n"), "a.md:4 is stale: has ``, not nothing");
        assert_eq!(of("x\r\ny\n"), "a.md:1 is stale: has `x\r`, not `x`");
    }

    #[test]
    fn pages_are_the_same_each_time_and_whole() {
        for page in PAGES {
            let text = (page.text)();
            assert_eq!(text, (page.text)(), "{}", page.path);
            assert!(text.starts_with("<!--") && text.ends_with('\n') && !text.ends_with("\n\n"), "{}", page.path);
            assert!(!text.contains("\n\n\n") && !text.lines().any(|line| line.ends_with(' ')), "{}", page.path);
        }
    }

    /// A cell with a bare `|` or a line break would give its row another number of cells.
    #[test]
    fn every_row_has_the_cells_of_its_head() {
        for page in PAGES {
            let text = (page.text)();
            let mut head: Option<usize> = None;
            for line in text.lines() {
                let bars = line.replace(r"\\", "").replace(r"\|", "").matches('|').count();
                head = line.starts_with('|').then(|| head.unwrap_or(bars));
                assert!(head.is_none_or(|head| head == bars), "{}: {line}", page.path);
            }
        }
    }
}
