//! What the targets share: which calls an input is for.
//!
//! A page of `fixtures/pages` is an input as it stands, so that the corpus reaches every call.

use wdt_models::{Endpoint, Method, endpoints};

/// No page begins with a byte below this one but for white space, so that it may pick a call.
const FIRST_OF_TEXT: u8 = 0x20;

/// An endpoint and one of its methods.
pub type Call = (&'static Endpoint, &'static Method);

/// The calls that an input is an answer to, and the answer: one call if the first byte picks it, else every call.
#[must_use]
pub fn calls(input: &[u8]) -> (Vec<Call>, &[u8]) {
    let all = endpoints::ALL.iter().flat_map(|&endpoint| endpoint.methods.iter().map(move |method| (endpoint, method)));
    let all: Vec<Call> = all.collect();
    match input.split_first() {
        Some((&first, body)) if first < FIRST_OF_TEXT => (vec![all[usize::from(first) % all.len()]], body),
        _ => (all, input),
    }
}
