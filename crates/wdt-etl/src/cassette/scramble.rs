//! Merchant text made unreadable, the same way everywhere: equal texts stay equal, others stay different.
//!
//! Each letter, digit and Chinese character becomes another of its kind, chosen by a key and everything before it in the
//! text. So lengths, leading zeros' places and the form of codes stay, joins still work, and texts that begin alike still
//! do. It hides names from those who have the cassette; it is no encryption of what is worth breaking.

use std::sync::Arc;

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use wdt_fetch::{PageRequest, Target};
use wdt_models::{Endpoint, Field, Kind, ParamKind, Slice};
use wdt_sign::Secret;

use super::json;

/// A shorter key would be found by trying.
const SHORTEST_KEY: usize = 12;
/// Members of the platforms' envelopes whose texts say how a call went.
const ENVELOPE: &[&str] = &[
    "code",
    "message",
    "msg",
    "status",
    "flag",
    "sub_code",
    "sub_msg",
    "error_code",
    "error_msg",
    "request_id",
    "total_count",
    "total",
    "wl_success",
    "wl_error_code",
    "wl_error_msg",
    "calc_status",
];
/// First and last characters of the kinds that are exchanged within themselves.
const KINDS: &[(char, char)] = &[('0', '9'), ('a', 'z'), ('A', 'Z'), ('\u{4e00}', '\u{9fa5}')];

/// The key of a recording's scrambling.
#[derive(Clone)]
pub struct Scramble(Arc<Sha256>);

impl Scramble {
    /// Scrambles by that key; `None` when it is shorter than 12 characters.
    #[must_use]
    pub fn new(key: &Secret) -> Option<Self> {
        (key.expose().chars().count() >= SHORTEST_KEY).then(|| Self(Arc::new(Sha256::new_with_prefix(key.expose()))))
    }

    /// A text, scrambled.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut before = (*self.0).clone();
        let scrambled = |character: char| {
            let other = other(character, &before);
            before.update(character.encode_utf8(&mut [0; 4]).as_bytes());
            other
        };
        text.chars().map(scrambled).collect()
    }

    /// The body of an answer: the texts of every column that holds text and no documented code, and of members that no
    /// document names. What is no JSON stays as it is.
    pub(super) fn answer(&self, endpoint: &Endpoint, body: &[u8]) -> Vec<u8> {
        json::with_texts(body, |member, text| (!is_plain(endpoint, member)).then(|| self.text(text)))
    }

    /// A page asked for by scrambled texts.
    pub(super) fn page(&self, endpoint: &Endpoint, page: &PageRequest) -> PageRequest {
        let mut page = page.clone();
        for (name, value) in &mut page.params {
            self.param(endpoint, name, value);
        }
        if let Target::Slice(Slice(values)) = &mut page.target {
            for (name, value) in values {
                if holds_text(endpoint, name) {
                    *value = self.text(value);
                }
            }
        }
        page
    }

    /// A business parameter's value.
    pub(super) fn param(&self, endpoint: &Endpoint, name: &str, value: &mut Json) {
        let kind = endpoint.params.iter().find(|param| param.name == name).map(|param| param.kind);
        if !matches!(kind, Some(ParamKind::Text | ParamKind::Texts)) {
            return;
        }
        match value {
            Json::String(text) => *text = self.text(text),
            Json::Array(items) => {
                for item in items {
                    self.param(endpoint, name, item);
                }
            }
            _ => {}
        }
    }

    /// A value of a slice's column.
    pub(super) fn dimension(&self, endpoint: &Endpoint, name: &str, value: &str) -> String {
        if holds_text(endpoint, name) { self.text(value) } else { value.to_owned() }
    }
}

/// Whether a slice's column holds the merchant's own texts: those that the platform documents stay.
fn holds_text(endpoint: &Endpoint, name: &str) -> bool {
    endpoint.dimensions().iter().any(|dimension| dimension.name == name && dimension.values.is_empty())
}

/// Whether the texts of a member stay as they are.
fn is_plain(endpoint: &Endpoint, member: &str) -> bool {
    let is = |name: &&str| name.eq_ignore_ascii_case(member);
    ENVELOPE.iter().any(is) || known(endpoint.fields, member).is_some_and(|is_text| !is_text)
}

/// Whether a column of that name holds text and no documented code; `None` when there is no such column.
fn known(fields: &[Field], member: &str) -> Option<bool> {
    let own = fields.iter().filter(|field| {
        field.name.eq_ignore_ascii_case(member) || field.alias.is_some_and(|alias| alias.eq_ignore_ascii_case(member))
    });
    let own = own.map(|field| matches!(field.kind, Kind::Text) && field.codes.is_empty());
    let inner = fields.iter().filter_map(|field| match field.kind {
        Kind::List(fields) => known(fields, member),
        _ => None,
    });
    // a name that is text in one place and a number in another is read as a number somewhere: it stays
    own.chain(inner).reduce(|one, other| one && other)
}

/// Another character of the same kind.
fn other(character: char, before: &Sha256) -> char {
    let Some(&(first, last)) = KINDS.iter().find(|(first, last)| (*first..=*last).contains(&character)) else {
        return character;
    };
    let digest = before.clone().finalize();
    let shift = digest.iter().take(8).fold(0_u64, |sum, &byte| (sum << 8) | u64::from(byte));
    let (first, count) = (u64::from(u32::from(first)), u64::from(u32::from(last) - u32::from(first)) + 1);
    let place = (u64::from(u32::from(character)) - first + shift % count) % count;
    u32::try_from(first + place).ok().and_then(char::from_u32).unwrap_or(character)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn scramble() -> Scramble {
        Scramble::new(&Secret::new("an-invented-key")).unwrap()
    }

    #[test]
    fn equal_texts_stay_equal_and_others_different() {
        let all: Vec<String> = (0..10_000).map(|number| scramble().text(&format!("SKU-{number:04}"))).collect();
        let mut distinct = all.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), all.len());
        assert!(all.iter().all(|text| text.len() == 8 && text.as_bytes()[3] == b'-'), "{}", all[0]);
        assert_eq!(scramble().text("华东仓 A1"), scramble().text("华东仓 A1"));
        assert_ne!(scramble().text("华东仓 A1"), "华东仓 A1");
        let another = Scramble::new(&Secret::new("another-invented-key")).unwrap();
        assert_ne!(scramble().text("SKU-0001"), another.text("SKU-0001"));
        assert!(Scramble::new(&Secret::new("short")).is_none());
    }

    #[test]
    fn numbers_times_codes_and_the_envelope_stay() {
        let endpoint = wdt_models::endpoints::find("enterprise_stock").unwrap();
        let body = r#"{"code":"0","message":"ok","stocks":[{"spec_id":"17","Goods_Name":"红茶 A","stock_num":"1.5000",
            "modified":"2026-01-02 03:04:05","details":[{"batch_no":"B7"}],"new_member":"secret 茶"}],"total_count":"1"}"#;
        let scrambled = String::from_utf8(scramble().answer(endpoint, body.as_bytes())).unwrap();
        for kept in ["\"code\":\"0\"", "\"ok\"", "\"17\"", "\"1.5000\"", "2026-01-02 03:04:05", "\"total_count\":\"1\""]
        {
            assert!(scrambled.contains(kept), "{kept}: {scrambled}");
        }
        for hidden in ["红茶", "B7", "secret", "茶"] {
            assert!(!scrambled.contains(hidden), "{hidden}: {scrambled}");
        }
        assert!(scrambled.contains(&scramble().text("红茶 A")));
    }
}
