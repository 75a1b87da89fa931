//! No credential stands in a fixture, a snapshot, a page or a configuration, but the invented ones listed here; and those
//! that tests and the simulator go by stand in no other file than their code.

use super::finding::Finding;
use crate::files::File;

/// Names whose value is a credential.
const NAMES: &[&str] =
    &["secret", "app_secret", "appsecret", "session", "salt", "password", "access_token", "authorization"];
/// Values that are invented, or printed in a vendor's own example. A new one is added with the fixture that needs it.
pub(super) const INVENTED: &[&str] = &[
    "12345",
    "693f9fed686bfe13441385da98b436b6:dd488d0802b1e431e4c72cd355847853",
    "693f9fed686bfe13441385da98b436b6",
    "dd488d0802b1e431e4c72cd355847853",
    "8a7f0c2e5d1b4963",
    "a1b2c3d4e5f60718293a4b5c6d7e8f90",
    "6100e1d2c3b4a5968778695a4b3c2d1e0f12345678",
    "Jefe",
    "aa:dd",
    "dd",
    "helloworld",
    "test",
    "testsalt",
    "testsecret:testsalt",
    "unread",
    "unread:unread",
    "***",
];
/// How the secrets begin that the simulator and the tests go by: an output that shows one would show a live one too.
const STAND_INS: &[&str] = &[
    "sim-secret-",
    "sim-salt-",
    "sim-session-",
    "other-secret",
    "other-salt",
    "hush-secret",
    "hush-salt",
    "hush-session",
];
/// Code outside tests that may name them: it makes them up, or holds a test of its own.
const STAND_INS_MADE_UP: &[&str] =
    &["crates/wdt-sim/src/account.rs", "crates/wdt-fetch/src/credentials.rs", "xtask/src/tidy/secrets.rs"];
const LOOKED_AT: &[&str] = &[".snap", ".toml", ".md", ".yml", ".json", ".example"];

/// Finds `name = "value"` and `"name": "value"` where the name is a credential's and the value is not on the list.
pub(super) fn literals(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_fixture() || LOOKED_AT.iter().any(|ending| file.ends_with(ending))) {
        for (index, line) in file.lines() {
            let names = NAMES.iter().filter(|name| values(line, name).any(|value| !INVENTED.contains(&value)));
            findings.extend(names.map(|name| {
                Finding::at(file, index, format!("`{name}` with a value that is not on the list of invented ones"))
            }));
        }
    }
    findings
}

/// Finds what begins like a stand-in in any file but the code of tests.
pub(super) fn stand_ins(files: &[File]) -> Vec<Finding> {
    let may = |file: &File| {
        let test = file.path.contains("/tests/") && file.ends_with(".rs");
        test || STAND_INS_MADE_UP.contains(&file.path.as_str())
    };
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| !may(file)) {
        for (index, line) in file.searched() {
            let named = STAND_INS.iter().filter(|stand_in| line.contains(*stand_in));
            findings.extend(named.map(|stand_in| {
                Finding::at(file, index, format!("holds `{stand_in}…`, a secret that is for the code of tests alone"))
            }));
        }
    }
    findings
}

/// Quoted values assigned to a name, which may be quoted itself; the name counts in any case.
fn values<'a>(line: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let lower = line.to_ascii_lowercase();
    let places: Vec<usize> = lower.match_indices(name).map(|(place, _)| place).collect();
    places.into_iter().filter_map(move |place| {
        let before = line[..place].chars().next_back();
        let whole_word = before.is_none_or(|c| !c.is_alphanumeric() && c != '_');
        let after = line[place + name.len()..].trim_start_matches(['"', '\'', '\\']).trim_start();
        let after = after.strip_prefix([':', '='])?.trim_start().trim_start_matches('\\');
        let value = after.strip_prefix('"')?.split(['"', '\\']).next()?;
        (whole_word && !value.is_empty()).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::{STAND_INS, literals, stand_ins};
    use crate::files::File;

    fn found(path: &str, text: &str) -> usize {
        literals(&[File::of(path, text)]).len()
    }

    #[test]
    fn a_credential_is_found() {
        for text in [
            r#"app_secret = "0f1e2d3c""#,
            r#"{"a": 1, "secret": "0f1e2d3c"}"#,
            r#"  "Session" : "61xx""#,
            r#"body: "{\"password\":\"hunter2\"}""#,
        ] {
            assert_eq!(found("fixtures/sign/top/a/request.json", text), 1, "{text}");
            assert_eq!(found("crates/a/tests/it/snapshots/b.snap", text), 1, "{text}");
        }
        assert_eq!(found("docs/a.md", r#"app_secret = "0f1e2d3c""#), 1);
    }

    /// Trips when a secret that a test goes by may reach a fixture, a snapshot, a page, or a file that is no text.
    #[test]
    fn a_stand_in_is_found_but_in_the_code_of_tests() {
        let found = |path: &str, text: &str| stand_ins(&[File::of(path, text)]).len();
        for stand_in in STAND_INS {
            let text = format!("salt={stand_in}0123");
            for path in
                ["fixtures/pages/a/b.json", "crates/a/tests/it/snapshots/b.snap", "docs/a.md", "crates/a/src/b.rs"]
            {
                assert_eq!(found(path, &text), 1, "{path}: {text}");
            }
            assert_eq!(found("fixtures/cassettes/a.parquet", &format!("\0{text}\0")), 1);
            assert_eq!(found("crates/a/tests/it/b.rs", &text), 0);
        }
    }

    #[test]
    fn invented_ones_and_references_pass() {
        for text in [
            r#""secret": "helloworld""#,
            r#"app_secret = { env = "MAIN_APP_SECRET" }"#,
            r#"secret: "***""#,
            r#"{"session_id": "1"}"#,
            r#"secrets = "x""#,
            r#"the secret "x" is masked"#,
            r#"app_secret = """#,
        ] {
            assert_eq!(found("fixtures/a.json", text), 0, "{text}");
        }
        assert_eq!(
            found("crates/a/src/b.rs", r#"secret = "0f1e""#),
            0,
            "code is not looked at: its tests make up what they need"
        );
    }
}
