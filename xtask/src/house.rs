//! `cargo xtask house`: figures of the product's code, crate by crate.

use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, ExprPath, ExprStruct, Path};

use crate::code::{self, Crate, Product};
use crate::failure::Outcome;
use crate::files;

/// Names that errors have at the places where they are turned into text.
const ERRORS: &[&str] = &["error", "err", "e"];

/// Prints them: a line a crate, and what the columns count.
pub(crate) fn run() -> Outcome {
    let files = files::load()?;
    let crates = code::crates(&files);
    let product: usize = crates.iter().filter(|of| of.is_product()).map(Crate::lines).sum();
    println!("{}", row(&HEAD.map(str::to_owned)));
    for figures in crates.iter().map(|of| Figures::of(of, product)) {
        println!("{}", row(&figures.cells()));
    }
    println!("\n{product} lines of product code; xtask and tests are not the product.\n{ABOUT}");
    Ok(())
}

const HEAD: [&str; 9] = ["crate", "lines", "share", "files", "circles", "bug", "text", "names", "methods"];
const ABOUT: &str = "\
lines    of code: neither empty nor only comments, tests left out
share    of the product's lines; `tidy` allows 40 %
circles  groups of files that import each other, those that `tidy` allows included
bug      places that make an `EtlError::Bug`; those in the arguments of macros are not seen
text     `.to_string()` on a variable named `error`, `err` or `e`: about the places where an error becomes text
names    of types that are declared more than once in the crate
methods  of the type that has the most, all its inherent `impl` blocks together";

/// Figures of one crate.
struct Figures {
    name: String,
    lines: usize,
    /// Percent of the product; `None` for what is not the product.
    share: Option<f64>,
    files: usize,
    circles: usize,
    bugs: usize,
    texts: usize,
    doubles: usize,
    methods: Option<(String, usize)>,
}

impl Figures {
    fn of(counted: &Crate, product: usize) -> Self {
        let lines = counted.lines();
        Self {
            name: counted.name.to_owned(),
            lines,
            share: counted.is_product().then(|| share(lines, product)),
            files: counted.files().len(),
            circles: counted.circles().len(),
            bugs: counted.products().map(bugs).sum(),
            texts: counted.products().map(errors_as_text).sum(),
            doubles: counted.doubles().len(),
            methods: counted.most_methods(),
        }
    }

    fn cells(&self) -> [String; 9] {
        let share = self.share.map_or("-".to_owned(), |share| format!("{share:.1} %"));
        let methods = self.methods.as_ref().map_or("-".to_owned(), |(name, count)| format!("{count} {name}"));
        let counts = [self.files, self.circles, self.bugs, self.texts, self.doubles].map(|count| count.to_string());
        let [files, circles, bugs, texts, doubles] = counts;
        [self.name.clone(), self.lines.to_string(), share, files, circles, bugs, texts, doubles, methods]
    }
}

/// In percent; nothing of nothing is nothing.
#[expect(clippy::cast_precision_loss, reason = "lines of code are far below 2^52")]
pub(crate) fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

fn row(cells: &[String; 9]) -> String {
    let [name, numbers @ .., methods] = cells;
    let numbers: Vec<_> = numbers.iter().map(|number| format!("{number:>7}")).collect();
    format!("{name:14} {}  {methods}", numbers.join(" "))
}

/// Places that make a `Bug`, called with its text or given to a function that calls it.
fn bugs(product: &Product) -> usize {
    let mut bugs = Bugs::default();
    bugs.visit_file(&product.syntax);
    bugs.0
}

#[derive(Default)]
struct Bugs(usize);

impl<'ast> Visit<'ast> for Bugs {
    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        match &*call.func {
            Expr::Path(function) if ends(&function.path, &["Bug"]) => self.0 += 1,
            function => self.visit_expr(function),
        }
        call.args.iter().for_each(|argument| self.visit_expr(argument));
    }

    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        self.0 += usize::from(ends(&path.path, &["EtlError", "Bug"]));
    }

    fn visit_expr_struct(&mut self, made: &'ast ExprStruct) {
        self.0 += usize::from(ends(&made.path, &["Bug"]));
        visit::visit_expr_struct(self, made);
    }
}

fn ends(path: &Path, ending: &[&str]) -> bool {
    let mut names = path.segments.iter().rev();
    ending.iter().rev().all(|name| names.next().is_some_and(|segment| segment.ident == name))
}

fn errors_as_text(product: &Product) -> usize {
    let texts: Vec<&str> = product.words.iter().map(|word| word.text.as_str()).collect();
    let calls = texts.windows(5).filter(|words| words[1..] == [".", "to_string", "(", ")"]);
    calls.filter(|words| ERRORS.contains(&words[0])).count()
}

#[cfg(test)]
mod tests {
    use super::{bugs, errors_as_text, row, share};
    use crate::code::Product;

    #[test]
    fn bugs_are_counted_where_they_are_made() {
        let count = |body: &str| bugs(&Product::read(&format!("fn f() {{ {body} }}")).unwrap());
        assert_eq!(count("EtlError::Bug(text)"), 1);
        assert_eq!(count("let bug = |text| error::EtlError::Bug(format!(\"{text}\")); x.map_err(EtlError::Bug)?"), 2);
        assert_eq!(count("Bug { text: y }; Self::Bug(y)"), 2);
        assert_eq!(count("match error { EtlError::Bug(_) => Failure::Bug, Self::Bug(text) => Bugs(text) }"), 0);
    }

    #[test]
    fn errors_that_become_text_are_counted() {
        let count = |body: &str| errors_as_text(&Product::read(&format!("fn f() {{ {body} }}")).unwrap());
        assert_eq!(count("x.map_err(|e| e.to_string()); f(error.to_string(), err . to_string())"), 3);
        assert_eq!(count("println!(\"{}\", error.to_string())"), 1);
        assert_eq!(count("name.to_string(); error.kind().to_string(); my_error.to_string(); error.to_string"), 0);
    }

    #[test]
    fn shares_and_rows_are_readable() {
        assert!((share(1, 4) - 25.0).abs() < 1e-9 && share(0, 0) < 1e-9);
        let cells = ["wdt-sign", "183", "1.0 %", "6", "0", "0", "0", "0", "4 Secret"].map(str::to_owned);
        assert_eq!(row(&cells), "wdt-sign           183   1.0 %       6       0       0       0       0  4 Secret");
    }
}
