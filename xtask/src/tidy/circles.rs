//! No circle of imports: a file can be understood with those it imports from, and these without it.

use super::finding::Finding;
use crate::code::{self, Circle};
use crate::files::File;

/// Circles that may be: their files, and why.
struct Allowed {
    files: &'static [&'static str],
    why: &'static str,
}

const ALLOWED: &[Allowed] = &[Allowed {
    files: &[
        "crates/wdt-models/src/decode/columns.rs",
        "crates/wdt-models/src/decode/list.rs",
        "crates/wdt-models/src/decode/rows.rs",
    ],
    why: "nested lists recurse: that is what the data is",
}];

/// Finds circles of imports between the files of a crate.
pub(super) fn circles(files: &[File]) -> Vec<Finding> {
    let circles: Vec<Circle> = code::crates(files).iter().flat_map(code::Crate::circles).collect();
    judged(&circles, ALLOWED)
}

/// Rust files that syn cannot read: no check would see what is in them.
pub(super) fn unreadable(files: &[File]) -> Vec<Finding> {
    let sources = files.iter().filter(|file| file.path.contains("/src/"));
    let errors = sources.filter_map(|file| Some((file, file.product()?.as_ref().err()?)));
    let found = errors.map(|(file, error)| {
        let index = error.span().start().line.saturating_sub(1);
        Finding::at(file, index, format!("cannot be read as Rust once its tests are cut out: {error}"))
    });
    found.collect()
}

fn judged(circles: &[Circle], allowed: &[Allowed]) -> Vec<Finding> {
    let fits = |allowed: &Allowed, circle: &Circle| circle.files == allowed.files;
    let new = circles.iter().filter(|circle| !allowed.iter().any(|allowed| fits(allowed, circle)));
    let idle = allowed.iter().filter(|allowed| !circles.iter().any(|circle| fits(allowed, circle)));
    let idle = idle.map(|allowed| {
        let what = "is in no circle with exactly the files that xtask/src/tidy/circles.rs allows";
        Finding::in_path(allowed.files[0], format!("{what} ({}): remove the entry", allowed.why))
    });
    new.map(reported).chain(idle).collect()
}

/// The files, and a line for each import between them.
fn reported(circle: &Circle) -> Finding {
    let edges = circle.edges.iter();
    let edges = edges.map(|edge| format!("\n    {}:{} imports {} from {}", edge.from, edge.line, edge.path, edge.to));
    let count = circle.files.len();
    let what =
        format!("{count} files import from each other: {}{}", circle.files.join(", "), edges.collect::<String>());
    Finding::in_path(&circle.files[0], what)
}

#[cfg(test)]
mod tests {
    use super::{Allowed, circles, judged, unreadable};
    use crate::code::{self, Circle};
    use crate::files::File;

    /// Circles of a crate whose files below `src` have these texts.
    fn found(sources: &[(&str, &str)]) -> Vec<Circle> {
        let files: Vec<_> =
            sources.iter().map(|(name, text)| File::of(&format!("crates/a/src/{name}"), text)).collect();
        assert_eq!(unreadable(&files), []);
        code::crates(&files).iter().flat_map(code::Crate::circles).collect()
    }

    /// Two siblings with these texts; the first may be used by the second.
    #[track_caller]
    fn siblings(first: &str, second: &str, expected: usize) {
        let root = "mod x;\nmod y;\npub use y::Y;\n";
        let found = found(&[("lib.rs", root), ("x.rs", first), ("y.rs", second)]);
        assert_eq!(found.len(), expected, "{first} / {second}: {found:?}");
    }

    const X: &str = "use crate::y::Y;\npub struct X;\n";

    #[test]
    fn two_files_that_import_each_other_are_found_however_they_say_it() {
        for second in [
            "use crate::x::X;",
            "use super::x::X;",
            "use super::{x::{self, X as Z}, y};",
            "use super::x::*;",
            "use super::x; struct A(x::X);",
            "use crate::x as z; fn f() { z::X::new() }",
            "fn f(x: &crate::x::X) {}",
            "fn f() { println!(\"{}\", super::x::X) }",
            "fn f() { use crate::x::X; }",
            "mod inner { use super::super::x::X; }",
            "impl From<super::x::X> for Y {}",
            "fn f() { for i in 0..super::x::X {} }",
            "fn f(x: Vec<crate::x::X>) -> impl Fn() + use<> {}",
        ] {
            siblings(X, &format!("{second}\npub struct Y;\n"), 1);
        }
    }

    #[test]
    fn names_that_are_given_on_lead_to_the_file_that_declares_them() {
        for first in
            ["use crate::Y;", "use super::Y;", "fn f(y: crate::Y) {}", "use crate::{self as all}; struct A(all::Y);"]
        {
            siblings(&format!("{first}\npub struct X;\n"), "use super::x::X;\npub struct Y;\n", 1);
        }
    }

    #[test]
    fn tests_comments_texts_and_macro_rules_do_not_count() {
        for second in [
            "#[cfg(test)]\nmod tests { use crate::x::X; }",
            "#[cfg(all(test, unix))]\nuse crate::x::X;",
            "#[cfg(feature = \"test-util\")]\nfn f<A, B>(a: A) where A: Fn(), B: Fn() { crate::x::X }",
            "/// See [`crate::x::X`].\nfn f() { \"crate::x::X\"; }",
            "macro_rules! m { () => { $crate::x::X } }",
            "use other::x::X;",
            "use ::x::X;",
            "mod inner { pub struct X; }\nuse self::inner::X;",
            "fn f() { a.x::<u8>() }",
        ] {
            siblings(X, &format!("{second}\npub struct Y;\n"), 0);
        }
    }

    #[test]
    fn a_parent_may_import_from_its_children_or_they_from_it() {
        let both = |parent: &str, child: &str| {
            let parent = format!("mod child;\n{parent}\npub fn own() {{}}\n");
            found(&[("lib.rs", "mod p;\n"), ("p.rs", &parent), ("p/child.rs", child)]).len()
        };
        assert_eq!(both("use child::X;", "pub struct X;"), 0);
        assert_eq!(both("", "use super::own; pub struct X;"), 0, "a declaration is no import");
        assert_eq!(both("pub use child::X;", "use super::own; pub struct X;"), 0, "nor is a name given on");
        assert_eq!(both("use child::X;", "use super::own; pub struct X;"), 1);
        assert_eq!(both("fn f() { child::g() }", "use super::own; pub fn g() {}"), 1);
        assert_eq!(both("pub use child::X;\nfn f(x: X) {}", "use super::own; pub struct X;"), 1, "but its use is one");
    }

    #[test]
    fn a_long_circle_names_its_files_and_one_place_for_each_import() {
        let root = ("lib.rs", "mod a;\nmod b;\nmod c;\nmod d;\n");
        let circles = found(&[
            root,
            ("a.rs", "//! Doc.\nuse crate::b::B;\nuse crate::d::D;\npub struct A;\n"),
            ("b.rs", "pub struct B;\nfn f() { super::c::C; super::c::C }\n"),
            ("c.rs", "use super::a::A;\nuse super::a;\npub struct C(a::A);\n"),
            ("d.rs", "pub struct D;\n"),
        ]);
        let found: Vec<String> = judged(&circles, &[]).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "crates/a/src/a.rs: 3 files import from each other: crates/a/src/a.rs, crates/a/src/b.rs, crates/a/src/c.rs\
              \n    crates/a/src/a.rs:2 imports crate::b::B from crates/a/src/b.rs\
              \n    crates/a/src/b.rs:2 imports super::c::C from crates/a/src/c.rs\
              \n    crates/a/src/c.rs:1 imports super::a::A from crates/a/src/a.rs"
            ]
        );
    }

    #[test]
    fn what_is_allowed_passes_and_must_be_there() {
        let circle =
            |files: &[&str]| Circle { files: files.iter().map(ToString::to_string).collect(), edges: Vec::new() };
        let allowed = [Allowed { files: &["a.rs", "b.rs"], why: "so it is" }];
        assert_eq!(judged(&[circle(&["a.rs", "b.rs"])], &allowed), []);
        assert_eq!(judged(&[circle(&["a.rs", "b.rs", "c.rs"])], &allowed).len(), 2, "one more file is another circle");
        assert_eq!(judged(&[], &allowed).len(), 1, "an entry that nothing needs is a hole");
        assert_eq!(circles(&[]).len(), super::ALLOWED.len());
    }

    #[test]
    fn a_file_that_no_check_would_see_is_found() {
        let found = unreadable(&[File::of("crates/a/src/b.rs", "fn f() {}\nfn {\n"), File::of("a.md", "fn {")]);
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().starts_with("crates/a/src/b.rs:2: "), "{}", found[0]);
    }
}
