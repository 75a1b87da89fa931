//! The platforms' own errors: what a code means, what a caller does about it, and how a user fixes it.
//!
//! Each gateway has a table of entries, read from the top: the first entry whose clue an error gives is what the error
//! means. Codes of one meaning come first, then words of messages, then codes whose message says more than they do.

mod clue;
mod enterprise;
mod flagship;
mod top;

pub use clue::{Class, Clue, ErrorEntry};

use crate::Gateway;

/// An error the platform answered with, in its own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.words())]
pub struct PlatformError {
    /// The platform's code, as text.
    pub code: String,
    /// The finer code that some platforms send beside it, empty when there is none.
    pub sub_code: String,
    /// The platform's message, empty when it sent none.
    pub message: String,
    /// The platform's name for the call, empty when it sent none.
    pub request_id: String,
}

impl PlatformError {
    /// An error of a code and a message.
    #[must_use]
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), sub_code: String::new(), message: message.into(), request_id: String::new() }
    }

    fn words(&self) -> String {
        let mut words = format!("code {}", self.code);
        for (before, text, after) in
            [(" (", &self.sub_code, ")"), (": ", &self.message, ""), (" [request ", &self.request_id, "]")]
        {
            if !text.is_empty() {
                words.extend([before, text.as_str(), after]);
            }
        }
        words
    }
}

/// What a caller does about an error of that gateway.
#[must_use]
pub fn classify(gateway: Gateway, error: &PlatformError) -> Class {
    entry(gateway, error).map_or(Class::Unknown, |entry| entry.class)
}

/// The entry of the gateway's error table that an error belongs to; every table ends with one for all the rest.
#[must_use]
pub fn entry(gateway: Gateway, error: &PlatformError) -> Option<&'static ErrorEntry> {
    let message = error.message.to_ascii_lowercase();
    table(gateway).iter().find(|entry| match entry.clue {
        Clue::Code(pattern) => fits(pattern, &error.code),
        Clue::SubCode(pattern) => fits(pattern, &error.sub_code),
        Clue::Words(words) => words.iter().any(|words| contains_words(&message, words)),
        Clue::None => true,
    })
}

/// Every entry that a code, a finer code or a message may mean, gateway by gateway.
#[must_use]
pub fn explain(text: &str) -> Vec<(Gateway, &'static ErrorEntry)> {
    let (text, message) = (text.trim(), text.to_ascii_lowercase());
    let fits = |entry: &&ErrorEntry| match entry.clue {
        Clue::Code(pattern) | Clue::SubCode(pattern) => fits(pattern, text),
        Clue::Words(words) => words.iter().any(|words| contains_words(&message, words)),
        Clue::None => false,
    };
    let of = |&gateway: &Gateway| table(gateway).iter().filter(fits).map(move |entry| (gateway, entry));
    Gateway::ALL.iter().flat_map(of).collect()
}

/// Seconds of a ban that the message names, as in `This ban will last for 12 more seconds`.
#[must_use]
pub fn named_wait(error: &PlatformError) -> Option<u64> {
    let message = error.message.to_ascii_lowercase();
    let before = &message[..message.find("second")?];
    let end = before.rfind(|c: char| c.is_ascii_digit())? + 1;
    let start = before[..end].rfind(|c: char| !c.is_ascii_digit()).map_or(0, |other| other + 1);
    before.get(start..end)?.parse().ok()
}

/// The gateway's error table, in the order in which it is read.
#[must_use]
pub const fn table(gateway: Gateway) -> &'static [ErrorEntry] {
    match gateway {
        Gateway::Enterprise => enterprise::TABLE,
        Gateway::Flagship => flagship::TABLE,
        Gateway::Top => top::TABLE,
    }
}

fn fits(pattern: &str, text: &str) -> bool {
    let fits = match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), None) => text.ends_with(end),
        (None, Some(start)) => text.starts_with(start),
        (Some(_), Some(_)) => text.contains(pattern.trim_matches('*')),
        (None, None) => text == pattern,
    };
    fits && !text.contains(char::is_whitespace)
}

/// Whether the text contains the words, not as a part of longer ASCII words: "ip" is not in "shipment".
fn contains_words(text: &str, words: &str) -> bool {
    let part_of_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let ascii = words.is_ascii();
    text.match_indices(words).any(|(start, found)| {
        let before = text[..start].chars().next_back();
        let after = text[start + found.len()..].chars().next();
        !ascii || !(before.is_some_and(part_of_word) || after.is_some_and(part_of_word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error that gives the clue and nothing else.
    fn example(clue: Clue) -> Vec<PlatformError> {
        let whole = |pattern: &str| pattern.replace('*', "9x");
        match clue {
            Clue::Code(pattern) => vec![PlatformError::new(whole(pattern), "")],
            Clue::SubCode(pattern) => {
                vec![PlatformError { sub_code: whole(pattern), ..PlatformError::new("no such code", "") }]
            }
            Clue::Words(words) => words.iter().map(|words| PlatformError::new("no such code", *words)).collect(),
            Clue::None => vec![PlatformError::new("no such code", "")],
        }
    }

    /// Trips on an entry that an earlier one takes every error from, and on one without its words.
    #[test]
    fn every_entry_is_complete_and_reached() {
        for &gateway in Gateway::ALL {
            for own in table(gateway) {
                assert!(![own.zh, own.en, own.hint].contains(&""), "{own:?}");
                assert!(!own.en.ends_with('.') && !own.hint.ends_with('.'), "{own:?}");
                for error in example(own.clue) {
                    assert_eq!(entry(gateway, &error), Some(own), "{gateway} {error:?}");
                }
            }
            assert_eq!(table(gateway).last().map(|entry| entry.clue), Some(Clue::None), "{gateway}");
        }
    }

    #[test]
    fn words_of_messages_are_in_lower_case() {
        for entry in Gateway::ALL.iter().flat_map(|&gateway| table(gateway)) {
            if let Clue::Words(words) = entry.clue {
                assert!(words.iter().all(|words| **words == words.to_ascii_lowercase()), "{words:?}");
            }
        }
    }

    #[test]
    fn codes_and_messages_are_explained_on_every_gateway() {
        let explained = |text| -> Vec<_> {
            explain(text).into_iter().map(|(gateway, entry)| (gateway.name(), entry.class)).collect()
        };
        assert_eq!(explained(" 7 "), [("flagship", Class::Clock), ("top", Class::RateLimit)]);
        assert_eq!(explained("right.required"), [("flagship", Class::Permission)]);
        assert_eq!(explained("isv.missing-parameter:store_code").first(), Some(&("top", Class::Parameter)));
        assert_eq!(explained("MAC999").first(), Some(&("top", Class::Busy)));
        assert_eq!(
            explained("超过每分钟最大调用频率限制，请稍后重试").first(),
            Some(&("enterprise", Class::RateLimit))
        );
        assert_eq!(explained("no such thing"), []);
        assert_eq!(explained(""), []);
    }

    #[test]
    fn a_named_wait_is_the_number_before_the_seconds() {
        for (message, expected) in [
            ("App Call Limited: This ban will last for 31062 more seconds", Some(31_062)),
            ("this BAN will last for 1 more SECONDS", Some(1)),
            ("7 calls: this ban will last for 12 more second.", Some(12)),
            ("60秒 ban will last for 2 more seconds", Some(2)),
            ("9 seconds", Some(9)),
            ("seconds 5", None),
            ("a few seconds", None),
            ("wait 5", None),
            ("99999999999999999999999 seconds", None),
            ("", None),
        ] {
            assert_eq!(named_wait(&PlatformError::new("7", message)), expected, "{message}");
        }
    }

    #[test]
    fn ascii_words_are_matched_whole() {
        assert!(!contains_words("shipment not assigned", "ip"));
        assert!(!contains_words("sid is nothing", "sid is not"));
        assert!(contains_words("非法ip地址", "ip"));
    }

    #[test]
    fn patterns_fit_at_their_stars_and_never_across_blanks() {
        for (pattern, text, expected) in [
            ("7", "7", true),
            ("7", "70", false),
            ("isp.*", "isp.unknown-error", true),
            ("isp.*", "isv.isp.x", false),
            ("*MAC999", "isv.MAC999", true),
            ("*MAC999", "MAC9990", false),
            ("*limited-by*", "isv.access-limited-by-app", true),
            ("B*", "Bad request", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn the_error_shows_the_platform_s_own_words() {
        let error = PlatformError::new("2104", "时间跨度");
        assert_eq!(error.to_string(), "code 2104: 时间跨度");
        let error = PlatformError { sub_code: "isv.x".to_owned(), request_id: "r1".to_owned(), ..error };
        assert_eq!(error.to_string(), "code 2104 (isv.x): 时间跨度 [request r1]");
    }
}
