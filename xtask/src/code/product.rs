//! A Rust file without its tests: what is compiled into a release, as tokens with their lines and as syn's tree.
//!
//! Tests are cut out of the tokens before syn reads them, so nothing behind this file meets a test.

use std::collections::BTreeSet;
use std::iter::Peekable;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree, token_stream};
use syn::punctuated::Punctuated;
use syn::{Expr, Lit, Meta, Token};

/// Cargo features of tests: a release is built without them.
const TEST_FEATURES: &[&str] = &["test-util", "failpoints"];
/// Words by which an item or a statement is known: a comma in it is no end.
const ITEMS: &[&str] =
    &["fn", "impl", "struct", "enum", "union", "trait", "mod", "extern", "const", "use", "static", "type", "let"];
/// Those of them that end at a semicolon, whatever braces they have before.
const ENDS_AT_SEMICOLON: &[&str] = &["use", "static", "type", "let"];

/// The product code of one file.
pub(crate) struct Product {
    /// As syn reads it.
    pub(crate) syntax: syn::File,
    /// In order, brackets included; comments and the bodies of `macro_rules!` left out.
    pub(crate) words: Vec<Word>,
    /// Lines with code on them, from 1.
    pub(crate) lines: BTreeSet<usize>,
}

/// One token.
#[derive(Debug)]
pub(crate) struct Word {
    /// An identifier, a literal, a bracket, or one character of punctuation.
    pub(crate) text: String,
    /// From 1.
    pub(crate) line: usize,
}

impl Product {
    /// Reads the text of a file.
    ///
    /// # Errors
    ///
    /// Where the text is not Rust.
    pub(crate) fn read(text: &str) -> syn::Result<Self> {
        let tokens = without_tests(text.parse()?);
        let syntax = syn::parse2(tokens.clone())?;
        let (mut words, mut lines) = (Vec::new(), BTreeSet::new());
        add_lines(tokens.clone(), &mut lines);
        add_words(tokens, &mut words);
        Ok(Self { syntax, words, lines })
    }
}

/// The tokens without comments of documentation and without what a release does not have.
fn without_tests(tokens: TokenStream) -> TokenStream {
    let mut kept = Vec::new();
    let mut rest = tokens.into_iter().peekable();
    while let Some(token) = rest.next() {
        let (inner, attribute) = attribute(&token, &mut rest);
        match attribute.as_ref().map(says) {
            Some(Says::Doc) => {}
            Some(Says::Test) if inner.is_some() => return TokenStream::new(),
            Some(Says::Test) => skip_item(&mut rest),
            Some(Says::Other) | None => {
                kept.push(within(token));
                kept.extend(inner);
                kept.extend(attribute.map(TokenTree::from));
            }
        }
    }
    kept.into_iter().collect()
}

/// The same within brackets.
fn within(token: TokenTree) -> TokenTree {
    let TokenTree::Group(group) = token else { return token };
    let mut cut = Group::new(group.delimiter(), without_tests(group.stream()));
    cut.set_span(group.span());
    cut.into()
}

type Rest = Peekable<token_stream::IntoIter>;

/// The `!` and the brackets of the attribute that begins with this token, if one does.
fn attribute(token: &TokenTree, rest: &mut Rest) -> (Option<TokenTree>, Option<Group>) {
    if !is_sign(token, '#') {
        return (None, None);
    }
    let inner = rest.next_if(|next| is_sign(next, '!'));
    match rest.next_if(|next| is_group(next, Delimiter::Bracket)) {
        Some(TokenTree::Group(group)) => (inner, Some(group)),
        _ => (inner, None),
    }
}

fn is_sign(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

fn is_group(token: &TokenTree, delimiter: Delimiter) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == delimiter)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    Doc,
    /// What follows is compiled for tests only.
    Test,
    Other,
}

fn says(attribute: &Group) -> Says {
    match syn::parse2::<Meta>(attribute.stream()) {
        Ok(Meta::NameValue(value)) if value.path.is_ident("doc") => Says::Doc,
        Ok(Meta::List(list)) if list.path.is_ident("cfg") && parts(&list).iter().any(only_for_tests) => Says::Test,
        _ => Says::Other,
    }
}

/// A condition of `cfg` that no release fulfils.
fn only_for_tests(condition: &Meta) -> bool {
    match condition {
        Meta::Path(path) => path.is_ident("test"),
        Meta::List(list) if list.path.is_ident("any") => parts(list).iter().all(only_for_tests),
        Meta::List(list) if list.path.is_ident("all") => parts(list).iter().any(only_for_tests),
        Meta::NameValue(value) if value.path.is_ident("feature") => {
            matches!(&value.value, Expr::Lit(literal)
                if matches!(&literal.lit, Lit::Str(name) if TEST_FEATURES.contains(&name.value().as_str())))
        }
        _ => false,
    }
}

fn parts(list: &syn::MetaList) -> Punctuated<Meta, Token![,]> {
    list.parse_args_with(Punctuated::parse_terminated).unwrap_or_default()
}

/// Passes over an item, statement, field or variant, and over the attributes before it.
fn skip_item(rest: &mut Rest) {
    let (mut item, mut semicolon, mut angles) = (false, false, 0_i32);
    while let Some(token) = rest.next() {
        match &token {
            TokenTree::Ident(word) if !item => {
                let word = word.to_string();
                item = ITEMS.contains(&word.as_str());
                semicolon = ENDS_AT_SEMICOLON.contains(&word.as_str()) || (word == "const" && is_value(rest));
            }
            token if is_sign(token, ';') => return,
            token if is_sign(token, ',') && !item && angles == 0 => return,
            token if is_sign(token, '<') => angles += 1,
            token if is_sign(token, '>') => angles -= 1,
            token if is_group(token, Delimiter::Brace) && !semicolon => {
                rest.next_if(|next| !item && is_sign(next, ','));
                return;
            }
            _ => {}
        }
    }
}

/// After `const`: the name of a constant, not a function's further words.
fn is_value(rest: &mut Rest) -> bool {
    let function = ["fn", "unsafe", "async", "extern"];
    matches!(rest.peek(), Some(TokenTree::Ident(next)) if !function.contains(&next.to_string().as_str()))
}

fn add_lines(tokens: TokenStream, lines: &mut BTreeSet<usize>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                lines.extend([group.span_open().start().line, group.span_close().start().line]);
                add_lines(group.stream(), lines);
            }
            other => lines.extend(other.span().start().line..=other.span().end().line),
        }
    }
}

fn add_words(tokens: TokenStream, words: &mut Vec<Word>) {
    let mut rest = tokens.into_iter();
    while let Some(token) = rest.next() {
        let line = token.span().start().line;
        match token {
            TokenTree::Group(group) => add_group(&group, words),
            TokenTree::Ident(name) if name == "macro_rules" => drop(rest.by_ref().take(3).collect::<Vec<_>>()),
            other => words.push(Word { text: other.to_string(), line }),
        }
    }
}

fn add_group(group: &Group, words: &mut Vec<Word>) {
    let (open, close) = match group.delimiter() {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    };
    words.push(Word { text: open.to_owned(), line: group.span_open().start().line });
    add_words(group.stream(), words);
    words.push(Word { text: close.to_owned(), line: group.span_close().start().line });
}

#[cfg(test)]
mod tests {
    use super::Product;

    /// Texts of what is left, each token apart.
    fn left(text: &str) -> String {
        let product = Product::read(text).unwrap();
        product.words.into_iter().map(|word| word.text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_only_tests_have_is_cut_out_to_its_end() {
        for test in [
            "mod tests;",
            "mod tests { fn f() {} }",
            "#[allow(dead_code)] use a::{b, c};",
            "pub(crate) fn f<A, B>(a: A) -> impl Fn() + use<A, B> where A: X<Y, Z>, B: Fn() -> u8 { g(a, b); }",
            "const A: B = B { c: 1 };",
            "pub const fn f() -> u8 { 1 }",
            "static A: &[u8] = &[1, 2];",
            "type A = B<C, D>;",
            "impl<A, B> C<A, B> for D { fn e() {} }",
            "struct A(u8, u8);",
            "struct A<B, C> where B: D, C: D { e: B }",
            "macro! { a, b }",
        ] {
            for condition in
                ["test", "all(unix, test)", "any(test, feature = \"test-util\")", "feature = \"failpoints\""]
            {
                assert_eq!(left(&format!("#[cfg({condition})]\n{test}\nfn kept() {{}}")), "fn kept ( ) { }", "{test}");
            }
        }
        assert_eq!(left("struct A { #[cfg(test)] b: C<D, E>, f: u8 }"), "struct A { f : u8 }");
        assert_eq!(left("enum A { #[cfg(test)] B { c: u8 }, D }"), "enum A { D }");
        assert_eq!(left("fn f() { #[cfg(test)] let a = B { c: 1 }; d }"), "fn f ( ) { d }");
        assert_eq!(left("impl A { #[cfg(test)] fn b() {} fn c() {} }"), "impl A { fn c ( ) { } }");
        assert_eq!(left("#![cfg(test)]\nfn f() {}"), "");
    }

    #[test]
    fn what_a_release_may_have_stays() {
        for condition in ["unix", "not(test)", "any(test, unix)", "all(unix, not(test))", "feature = \"other\""] {
            assert!(left(&format!("#[cfg({condition})]\nfn kept() {{}}")).ends_with("fn kept ( ) { }"), "{condition}");
        }
        assert_eq!(left("/// Doc.\n#[must_use]\nfn kept() {}"), "# [ must_use ] fn kept ( ) { }");
    }

    #[test]
    fn lines_are_those_of_the_file() {
        let product = Product::read("//! Doc.\n\n// why\nfn f() {\n\n    g(\n        \"a\n\"); // h\n}\n").unwrap();
        assert_eq!(product.lines.into_iter().collect::<Vec<_>>(), [4, 6, 7, 8, 9]);
        assert_eq!(product.words.last().unwrap().line, 9);
    }
}
