//! Any parameters under any scheme: no panic, the order of the request never matters, every pair stands in the text
//! once, enterprise's text tells any two requests apart, and no text holds the secret.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use wdt_sign::{Secret, enterprise, flagship, top};

type Pairs = Vec<(String, String)>;

fuzz_target!(|input: (Pairs, String)| {
    let (params, body) = input;
    let turned: Pairs = params.iter().rev().cloned().collect();
    let secret = Secret::new("fuzz-secret");
    let signed: BTreeMap<String, String> = params.iter().filter(|(name, _)| name != "sign").cloned().collect();

    let text = enterprise::string_to_sign(&params);
    assert_eq!(text, enterprise::string_to_sign(&turned));
    if enterprise::check(&params).is_ok() {
        assert_eq!(unpacked(&text), signed.clone().into_iter().collect::<Pairs>());
        assert!(is_hex(&enterprise::sign(&text, &secret), 32, u8::is_ascii_uppercase));
    }

    let text = flagship::string_to_sign(&params, &body);
    assert_eq!(text, flagship::string_to_sign(&turned, &body));
    if flagship::check(&params).is_ok() {
        let mut with_body = signed.clone();
        with_body.insert("body".to_owned(), body);
        assert_eq!(text, joined(&with_body));
        assert!(is_hex(&flagship::sign(&text, &secret), 32, u8::is_ascii_uppercase));
    }

    let text = top::string_to_sign(&params);
    assert_eq!(text, top::string_to_sign(&turned));
    if top::check(&params).is_ok() {
        assert_eq!(text, joined(&signed));
    }
    for &method in top::SignMethod::ALL {
        let length = if method == top::SignMethod::HmacSha256 { 64 } else { 32 };
        assert!(is_hex(&top::sign(&text, &secret, method), length, u8::is_ascii_lowercase));
    }
});

fn joined(pairs: &BTreeMap<String, String>) -> String {
    pairs.iter().flat_map(|(name, value)| [name.as_str(), value]).collect()
}

/// The pairs of an enterprise text, found by its lengths alone: what can be read back is told apart from all others.
fn unpacked(text: &str) -> Pairs {
    let mut rest = text;
    let mut pairs = Pairs::new();
    while !rest.is_empty() {
        let (name, after) = sized(rest);
        let (value, after) = sized(after.strip_prefix(':').expect("a colon between name and value"));
        pairs.push((name.to_owned(), value.to_owned()));
        rest = after.strip_prefix(';').unwrap_or(after);
    }
    pairs
}

/// A text behind its length in characters, and what follows.
fn sized(text: &str) -> (&str, &str) {
    let (length, text) = text.split_once('-').expect("a dash behind a length");
    let length: usize = length.parse().expect("a length in digits");
    let end = text.char_indices().nth(length).map_or(text.len(), |(end, _)| end);
    text.split_at(end)
}

fn is_hex(text: &str, length: usize, other_case: fn(&u8) -> bool) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit() && !other_case(&byte))
}
