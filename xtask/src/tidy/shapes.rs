//! Nothing in the repository has the shape of a live credential or of a person's number: every file is searched, fixtures
//! that are no text too. What is allowed stands here, each with its reason.

use super::finding::Finding;
use super::secrets::INVENTED;
use crate::files::File;

/// Files whose long hexadecimal words are no credentials.
const HEX_ALLOWED: &[(&str, &str)] = &[
    ("Cargo.lock", "checksums of packages"),
    ("fuzz/Cargo.lock", "checksums of packages"),
    (".ci/run", "checksum of a download"),
    ("crates/wdt-fetch/src/self_test.rs", "signatures of the vendors' worked examples"),
    ("crates/wdt-fetch/tests/it/requests.rs", "signatures that other programs computed"),
    ("crates/wdt-sign/tests/it/refusals.rs", "signatures that another program computed"),
];
/// What stands right in front of a signature or of a row's fingerprint.
const HEX_LABELS: &[&str] = &["sign=", "sign = ", "\"sign\": \"", "\"sign\":\"", "fingerprint "];
/// Digits of MD5 digests, and of what platforms give as secrets.
const SECRET_LENGTH: usize = 32;
/// Digits from which a hexadecimal word is a key or a session.
const KEY_LENGTH: usize = 40;
/// Shortest word that may be a session of top: these begin with a 6 and are mostly digits.
const SESSION_LENGTH: usize = 22;
/// Endings of addresses that mail is sent to; those set aside for examples are not among them.
const DOMAINS: &[&str] = &[".com", ".cn", ".net", ".org", ".io", ".top", ".vip"];
const EXAMPLES: &[&str] = &["example.com", "example.net", "example.org"];

/// Finds long hexadecimal words, sessions, telephone numbers and mail addresses.
pub(super) fn shapes(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        let hex_allowed = HEX_ALLOWED.iter().any(|(path, _)| *path == file.path);
        let holds_hex = |line: &str| words(line).any(|(place, word)| is_secret(&line[..place], word, &file.path));
        if hex_allowed && !file.lines().any(|(_, line)| holds_hex(line)) {
            findings.push(Finding::in_file(
                file,
                "needs no leave for hexadecimal words: take it off the list in shapes.rs",
            ));
        }
        for (index, line) in file.searched() {
            let mut found = |what: &str| findings.push(Finding::at(file, index, what));
            if !hex_allowed && holds_hex(line) {
                found(
                    "looks like a secret or a session; an invented one is put on the list in xtask/src/tidy/secrets.rs",
                );
            }
            if has_telephone(line) {
                found("looks like somebody's telephone number: invent one that cannot be called");
            }
            if has_mail_address(line) {
                found("looks like somebody's mail address: use example.com");
            }
        }
    }
    findings
}

/// Runs of ASCII letters and digits, and where they begin.
fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = line;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        let place = line.len() - rest.len();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let word = &rest[..end];
        rest = &rest[end..];
        (!word.is_empty()).then_some((place, word))
    })
}

fn is_secret(before: &str, word: &str, path: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let mixed = digits > 0 && digits < word.len();
    let hex = word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let key = hex && (word.len() == SECRET_LENGTH || word.len() >= KEY_LENGTH);
    let session = word.starts_with('6') && word.len() >= SESSION_LENGTH && digits * 2 >= word.len();
    let signature = path.ends_with("/sign.txt") || HEX_LABELS.iter().any(|label| before.ends_with(label));
    // a signed text has a secret right beside other letters
    let invented = |known: &&str| known.contains(word) || (known.len() >= SECRET_LENGTH && word.contains(*known));
    mixed && (key || session) && !signature && !INVENTED.iter().any(invented)
}

/// A Chinese mobile number, or a fixed one written with its dash.
fn has_telephone(line: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mobile = |word: &str| {
        word.len() == 11 && digits(word) && word.starts_with('1') && ('3'..='9').any(|c| word[1..].starts_with(c))
    };
    let fixed = |piece: &str| {
        piece.split_once('-').is_some_and(|(area, number)| {
            (3..=4).contains(&area.len())
                && area.starts_with('0')
                && digits(area)
                && (7..=8).contains(&number.len())
                && digits(number)
        })
    };
    words(line).any(|(_, word)| mobile(word)) || line.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').any(fixed)
}

fn has_mail_address(line: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
    line.match_indices('@').any(|(at, _)| {
        let named = line[..at].chars().next_back().is_some_and(part);
        let after = &line[at + 1..];
        let domain = after[..after.find(|c| !part(c)).unwrap_or(after.len())].trim_end_matches('.');
        named
            && DOMAINS.iter().any(|ending| domain.ends_with(ending))
            && !EXAMPLES.iter().any(|own| domain.ends_with(own))
    })
}

#[cfg(test)]
mod tests {
    use super::{HEX_ALLOWED, shapes};
    use crate::files::File;

    fn found(path: &str, text: &str) -> usize {
        shapes(&[File::of(path, text)]).len()
    }

    /// Put together here, so that this file passes.
    fn planted() -> Vec<String> {
        let hex = "0f1e2d3c4b5a6978";
        vec![
            format!("{{\"app_secret_of_ours\":\"{hex}{hex}\"}}"),
            format!("salted {hex}{hex}:{hex}{hex}"),
            format!("token {hex}{hex}{hex}"),
            format!("session 62{}ZZ61473fc31270", "0260160482"),
            format!("\"mobile\":\"138{}\"", "00138000"),
            format!("telno 0571-{}", "88158198"),
            format!("mail to li.ming@{}", "qq.com"),
        ]
    }

    #[test]
    fn what_looks_live_is_found_wherever_it_stands() {
        for text in planted() {
            for path in [
                "fixtures/pages/flagship_shops/a.json",
                "fixtures/cassettes/night/1/body.bin",
                "crates/a/tests/it/snapshots/b.snap",
                "docs/a.md",
                "crates/a/tests/it/c.rs",
            ] {
                assert_eq!(found(path, &text), 1, "{path}: {text}");
            }
            assert_eq!(found("fixtures/cassettes/a.parquet", &format!("\0\u{1}{text}\0")), 1, "no text: {text}");
        }
    }

    #[test]
    fn signatures_fingerprints_and_invented_numbers_pass() {
        let hex = &"0f1e2d3c4b5a6978".repeat(2);
        for text in [
            &format!("param sign = {hex}"),
            &format!("&v=1.0&sign={hex}"),
            &format!("fingerprint {hex}"),
            "telno 01000009950, mobile 02000009950",
            "nobody9950@example.com, user:pass@api.example",
            "documented@wms.StockSpec.search.json",
            "a1b2c3d4e5f60718293a4b5c6d7e8f90",
            "00000000000000000000000000000000",
            "2024-04-01 00:00:00, 0123456789, 17012345678901",
        ] {
            assert_eq!(found("docs/a.md", text), 0, "{text}");
        }
        assert_eq!(found("fixtures/sign/top/a/sign.txt", hex), 0);
        assert_eq!(found(HEX_ALLOWED[0].0, hex), 0);
        assert_eq!(found(HEX_ALLOWED[0].0, "none any more"), 1, "a leave that nobody needs is a hole");
    }
}
