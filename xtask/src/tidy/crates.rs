//! No crate holds too much of the product, and no name of a type means two things in one.

use super::finding::Finding;
use crate::code::{self, Crate};
use crate::files::File;
use crate::house;

/// Percent of the product's lines of code.
const MOST_OF_PRODUCT: f64 = 40.0;

/// A name that several types of a crate may have, and why.
struct SharedName {
    within: &'static str,
    name: &'static str,
    why: &'static str,
}

const SHARED_NAMES: &[SharedName] = &[];

/// Finds crates that hold too much of the product.
pub(super) fn shares(files: &[File]) -> Vec<Finding> {
    let crates: Vec<Crate> = code::crates(files).into_iter().filter(Crate::is_product).collect();
    let product = crates.iter().map(Crate::lines).sum();
    let shares = crates.iter().map(|of| (of, house::share(of.lines(), product)));
    let large = shares.filter(|(_, share)| *share > MOST_OF_PRODUCT);
    let finding = |(of, share): (&Crate, f64)| {
        let what = format!("{share:.1} % of the product's lines of code, {MOST_OF_PRODUCT} % at most");
        Finding::in_path(&format!("crates/{}", of.name), format!("{what}; see `cargo xtask house`"))
    };
    large.map(finding).collect()
}

/// Finds names that more than one type of a crate has.
pub(super) fn doubles(files: &[File]) -> Vec<Finding> {
    judged(&code::crates(files), SHARED_NAMES)
}

fn judged(crates: &[Crate], allowed: &[SharedName]) -> Vec<Finding> {
    let doubles = || crates.iter().flat_map(|of| of.doubles().into_iter().map(move |double| (of.name, double)));
    let fits = |allowed: &SharedName, within: &str, name: &str| allowed.within == within && allowed.name == name;
    let new = doubles().filter(|(within, double)| !allowed.iter().any(|entry| fits(entry, within, &double.name)));
    let new = new.filter_map(|(within, double)| {
        let ((file, line), others) = double.places.split_first()?;
        let others: Vec<_> = others.iter().map(|(file, line)| format!("{}:{line}", file.path)).collect();
        let what = format!("`{}` is another type of {within} too: {}", double.name, others.join(", "));
        Some(Finding::at(file, line - 1, what))
    });
    let idle = allowed.iter().filter(|entry| !doubles().any(|(within, double)| fits(entry, within, &double.name)));
    let idle = idle.map(|entry| {
        let what = format!("`{}` is not the name of two types ({})", entry.name, entry.why);
        Finding::in_path(&format!("crates/{}", entry.within), format!("{what}: remove it from the list in crates.rs"))
    });
    new.chain(idle).collect()
}

#[cfg(test)]
mod tests {
    use super::{SharedName, doubles, judged, shares};
    use crate::code;
    use crate::files::File;

    fn source(path: &str, text: &str) -> File {
        File::of(&format!("crates/{path}"), text)
    }

    #[test]
    fn a_crate_that_holds_too_much_is_found() {
        let lines = |count: usize| "const A: u8 = 1;\n".repeat(count);
        let files = |most: usize| {
            [
                source("a/src/lib.rs", &lines(most)),
                source("b/src/lib.rs", &lines(30)),
                source("c/src/lib.rs", &format!("// {}\n{}", lines(1), lines(30))),
                source("c/tests/it/main.rs", &lines(900)),
                File::of("xtask/src/main.rs", &lines(900)),
            ]
        };
        assert_eq!(shares(&files(40)), [], "exactly 40 %");
        let found: Vec<_> = shares(&files(41)).iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("crates/a: 40.6 % of the product's"), "{found:?}");
    }

    #[test]
    fn tests_and_comments_are_no_lines_of_code() {
        let text = "//! Doc.\n\n/* a\nb */\n/// Doc.\nfn f() {\n    // why\n    g(\n        \"a\n        b\",\n    );\n}\n\n\
            #[cfg(test)]\nmod tests {\n    fn t() {}\n}\n";
        let files = [source("a/src/lib.rs", text)];
        assert_eq!(code::crates(&files)[0].lines(), 6);
    }

    #[test]
    fn a_name_with_two_meanings_is_found() {
        let first = "mod other;\nstruct Row;\n";
        for second in [
            "struct Row;",
            "enum Row {}",
            "trait Row {}",
            "type Row = u8;",
            "union Row { a: u8 }",
            "fn f() { struct Row; }",
        ] {
            let found =
                doubles(&[source("a/src/lib.rs", first), source("a/src/other.rs", &format!("//!\n{second}\n"))]);
            assert_eq!(found.len(), 1, "{second}");
            assert_eq!(
                found[0].to_string(),
                "crates/a/src/lib.rs:2: `Row` is another type of a too: crates/a/src/other.rs:2"
            );
        }
        for second in [
            "#[cfg(test)]\nmod tests { struct Row; }",
            "impl Iterator for X { type Row = u8; }\ntrait T { type Row; }",
            "macro_rules! rows { () => { struct Row; } }",
            "fn row() {}\nmod inner { pub use super::super::Row; }",
        ] {
            let found = doubles(&[source("a/src/lib.rs", first), source("a/src/other.rs", second)]);
            assert_eq!(found, [], "{second}");
        }
    }

    #[test]
    fn one_type_on_two_systems_and_one_name_in_two_crates_pass() {
        let systems = "#[cfg(unix)]\nstruct Lock;\n#[cfg(not(unix))]\nstruct Lock;\n";
        assert_eq!(doubles(&[source("a/src/lib.rs", systems), source("b/src/lib.rs", systems)]), []);
    }

    #[test]
    fn what_is_allowed_passes_and_must_be_there() {
        let files = [source("a/src/lib.rs", "struct Row;\nmod other {\n    struct Row;\n}\n")];
        let allowed = |name| [SharedName { within: "a", name, why: "so it is" }];
        assert_eq!(judged(&code::crates(&files), &allowed("Row")), []);
        assert_eq!(judged(&code::crates(&files), &allowed("Column")).len(), 2);
    }
}
