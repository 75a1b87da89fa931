//! `wdt-etl explain`: what a platform's error means, what wdt-etl does about it, and how to fix it.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde::Serialize;
use wdt_models::error::{Class, Clue, ErrorEntry};
use wdt_models::{Gateway, error};

use super::aligned::{write_rows, write_table};
use crate::cli::Explain;
use crate::error::{EtlError, Failure};
use crate::json_line::JsonLine;
use crate::words::{list, nearest, quoted};

/// What wdt-etl prints before a platform's code.
const BEFORE_CODE: &str = "code ";

/// Prints every entry that the code, sub-code or message may mean; without one, all.
///
/// # Errors
///
/// [`EtlError::Usage`] for what no entry knows; [`EtlError::Output`] when `out` cannot be written.
pub fn explain(args: &Explain, out: &mut dyn Write) -> Result<(), EtlError> {
    let chosen = |gateway: Gateway| args.gateway.is_none_or(|own| own == gateway);
    let entries: Vec<_> = match &args.code {
        None => all().filter(|(gateway, _)| chosen(*gateway)).collect(),
        Some(text) => found(text).into_iter().filter(|(gateway, _)| chosen(*gateway)).collect(),
    };
    if let (Some(text), true) = (&args.code, entries.is_empty()) {
        return Err(unknown(text, args.gateway));
    }
    let written = match (args.json, &args.code) {
        (true, _) => entries.iter().try_for_each(|(gateway, entry)| write_line(*gateway, entry, out)),
        (false, None) => write_list(&entries, out),
        (false, Some(_)) => write_entries(&entries, out),
    };
    written.map_err(super::output)
}

type Entry = (Gateway, &'static ErrorEntry);

fn all() -> impl Iterator<Item = Entry> {
    Gateway::ALL.iter().flat_map(|&gateway| error::table(gateway).iter().map(move |entry| (gateway, entry)))
}

/// On each gateway the entry that decides: the first that the text fits, or the code or sub-code of an error that
/// wdt-etl printed.
fn found(text: &str) -> Vec<Entry> {
    let pasted = text.split_once(BEFORE_CODE).map(|(_, rest)| rest);
    let codes = pasted.unwrap_or_default().split([' ', ':', '(', ')']).filter(|part| !part.is_empty()).take(2);
    let fitting: Vec<Entry> = codes.chain([pasted.unwrap_or(text)]).flat_map(error::explain).collect();
    let first = |&gateway: &Gateway| {
        let fits = |entry: &&ErrorEntry| fitting.iter().any(|own| own.0 == gateway && own.1 == *entry);
        error::table(gateway).iter().find(fits).map(|entry| (gateway, entry))
    };
    Gateway::ALL.iter().filter_map(first).collect()
}

fn unknown(text: &str, gateway: Option<Gateway>) -> EtlError {
    let chosen = |own: &Entry| gateway.is_none_or(|gateway| gateway == own.0);
    let codes = all().filter(chosen).filter_map(|(_, entry)| code_of(entry));
    let near = nearest(text.trim(), codes).map(|code| format!("did you mean {code}? "));
    let elsewhere = found(text).into_iter().map(|(gateway, _)| gateway.name()).collect::<BTreeSet<_>>();
    let elsewhere = match (elsewhere.is_empty(), gateway) {
        (false, Some(_)) => format!("known for gateway {}; ", list(&elsewhere.into_iter().collect::<Vec<_>>())),
        _ => String::new(),
    };
    let place = gateway.map(|gateway| format!(" of gateway {gateway}")).unwrap_or_default();
    let hint = format!(
        "{elsewhere}{}give the code, the sub-code or words of the message; `wdt-etl explain` lists all",
        near.unwrap_or_default()
    );
    EtlError::Usage { message: format!("no known error{place} matches {}", quoted(text)), hint: Some(hint) }
}

/// The code that the entry is recognized by, if it has one.
const fn code_of(entry: &ErrorEntry) -> Option<&'static str> {
    match entry.clue {
        Clue::Code(code) | Clue::SubCode(code) => Some(code),
        Clue::Words(_) | Clue::None => None,
    }
}

fn told_by(clue: Clue) -> String {
    match clue {
        Clue::Code(code) => format!("code {code}"),
        Clue::SubCode(code) => format!("sub-code {code}"),
        Clue::Words(words) => format!("message with {}", words.join(" or ")),
        Clue::None => "anything else".to_owned(),
    }
}

fn write_list(entries: &[Entry], out: &mut dyn Write) -> io::Result<()> {
    let row = |(gateway, entry): &Entry| {
        let (class, exit) = (name(entry.class), failure(entry.class).policy().exit_code);
        let words = [class, &exit.to_string(), entry.zh, entry.en].map(str::to_owned);
        let [class, exit, zh, en] = words;
        [gateway.name().to_owned(), told_by(entry.clue), class, exit, zh, en]
    };
    let rows: Vec<_> = entries.iter().map(row).collect();
    write_table(["gateway", "recognized by", "class", "exit", "label", "meaning"], &rows, out)
}

fn write_entries(entries: &[Entry], out: &mut dyn Write) -> io::Result<()> {
    for (place, (gateway, entry)) in entries.iter().enumerate() {
        let policy = failure(entry.class).policy();
        if place > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{gateway} ({}), {}", gateway.facts().zh, told_by(entry.clue))?;
        let lines = [
            ("meaning", entry.zh.to_owned()),
            ("", entry.en.to_owned()),
            ("wdt-etl", course(entry.class).to_owned()),
            ("class", format!("{}: exit code {} ({})", name(entry.class), policy.exit_code, policy.name)),
            ("hint", entry.hint.to_owned()),
        ];
        write_rows(&lines.map(|(name, text)| [format!("  {name}"), text]), out)?;
    }
    Ok(())
}

#[derive(Serialize)]
struct ErrorLine {
    gateway: &'static str,
    /// `code`, `sub_code`, `words` or `rest`.
    told_by: &'static str,
    /// The code or sub-code, a `*` for any characters.
    code: Option<&'static str>,
    words: &'static [&'static str],
    zh: &'static str,
    en: &'static str,
    class: &'static str,
    action: &'static str,
    failure: &'static str,
    exit_code: u8,
    run_again: bool,
    hint: &'static str,
}

fn write_line(gateway: Gateway, entry: &'static ErrorEntry, out: &mut dyn Write) -> io::Result<()> {
    let policy = failure(entry.class).policy();
    let (told_by, words): (_, &[_]) = match entry.clue {
        Clue::Code(_) => ("code", &[]),
        Clue::SubCode(_) => ("sub_code", &[]),
        Clue::Words(words) => ("words", words),
        Clue::None => ("rest", &[]),
    };
    let line = ErrorLine {
        gateway: gateway.name(),
        told_by,
        code: code_of(entry),
        words,
        zh: entry.zh,
        en: entry.en,
        class: name(entry.class),
        action: course(entry.class),
        failure: policy.name,
        exit_code: policy.exit_code,
        run_again: policy.run_again,
        hint: entry.hint,
    };
    JsonLine::new("error", line).write(out)
}

const fn name(class: Class) -> &'static str {
    match class {
        Class::RateLimit => "rate_limit",
        Class::Busy => "busy",
        Class::Transient => "transient",
        Class::Credential => "credential",
        Class::Permission => "permission",
        Class::Parameter => "parameter",
        Class::WindowTooWide => "window_too_wide",
        Class::Clock => "clock",
        Class::Unknown => "unknown",
    }
}

/// What wdt-etl does about it; `docs/errors.md` says the same, which a test compares.
const fn course(class: Class) -> &'static str {
    match class {
        Class::RateLimit => {
            "all calls under the same limit wait as long as the platform asks, or else a minute and more, and then continue; if it asks for more than 5 minutes, or after 8 waits in a row, the dataset fails"
        }
        Class::Busy => "tries the page again after 30 seconds, at most 5 times; then the dataset fails",
        Class::Transient => "tries the page again within 20 seconds, at most 5 times; then the dataset fails",
        Class::Clock => {
            "sets its time by the platform's and tries once more, unless the clocks differ by more than the platform accepts; then stops the account"
        }
        Class::Credential => "stops the account: its later datasets are not tried",
        Class::Permission | Class::Parameter => "does not try again: the dataset fails",
        Class::WindowTooWide => "halves the window, down to two seconds; then the dataset fails",
        Class::Unknown => "tries the page again after 30 seconds, at most 2 times; then the dataset fails",
    }
}

/// The failure that it ends as when that does not help.
const fn failure(class: Class) -> Failure {
    match class {
        Class::RateLimit => Failure::Limited,
        Class::Busy | Class::Transient | Class::Unknown => Failure::Unavailable,
        Class::Credential => Failure::Credential,
        Class::Clock => Failure::Clock,
        Class::Permission => Failure::Permission,
        Class::Parameter | Class::WindowTooWide => Failure::Parameter,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::Value;
    use wdt_fetch::Waits;

    use super::*;

    fn args(code: Option<&str>, gateway: Option<Gateway>, json: bool) -> Explain {
        Explain { code: code.map(str::to_owned), gateway, json }
    }

    fn printed(code: Option<&str>, gateway: Option<Gateway>, json: bool) -> String {
        let mut out = Vec::new();
        explain(&args(code, gateway, json), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn lines(code: Option<&str>, gateway: Option<Gateway>) -> Vec<Value> {
        printed(code, gateway, true).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_code_is_explained_with_what_follows_and_a_hint() {
        assert_eq!(
            printed(Some("2104"), None, false),
            "enterprise (旺店通企业版), code 2104\n  \
               meaning  start_time与end_time时间跨度不能超过最大范围\n           \
                        the window is longer than the platform takes\n  \
               wdt-etl  halves the window, down to two seconds; then the dataset fails\n  \
               class    window_too_wide: exit code 2 (parameter)\n  \
               hint     set a shorter window\n"
        );
    }

    #[test]
    fn codes_sub_codes_and_messages_are_found_on_their_gateways() {
        for (text, gateway, class) in [
            ("2104", "enterprise", "window_too_wide"),
            ("isv.invalid-parameter", "top", "parameter"),
            ("accesscontrol.limited-by-app-access-count", "top", "rate_limit"),
            ("isv.MAC999", "top", "busy"),
            ("right.required", "flagship", "permission"),
        ] {
            let first = &lines(Some(text), None)[0];
            assert_eq!((&first["gateway"], &first["class"]), (&gateway.into(), &class.into()), "{text}");
        }
        let limits = lines(Some("频率"), None);
        let gateways: Vec<_> = limits.iter().map(|line| line["gateway"].as_str().unwrap()).collect();
        assert_eq!(gateways, ["enterprise", "flagship"]);
        assert_eq!(lines(Some("频率"), Some(Gateway::Flagship)).len(), 1);
        assert!(lines(Some("7"), None).len() > 1, "one code, two platforms");
    }

    #[test]
    fn an_error_that_was_printed_can_be_pasted() {
        let clues =
            |text: &str| -> Vec<_> { found(text).into_iter().map(|(gateway, entry)| (gateway, entry.clue)).collect() };
        let printed = |words| format!("x page 1: permission refused: code {words} [request r1]");
        assert_eq!(
            clues(&printed("43 (isv.permission-api-package-limit): 参数错误")),
            [(Gateway::Top, Clue::SubCode("isv.permission-*"))],
            "it is before the code in the table"
        );
        assert_eq!(clues(&printed("2104")), [(Gateway::Enterprise, Clue::Code("2104"))]);
        assert_eq!(clues(&printed("99999 (isv.missing-x)")), [(Gateway::Top, Clue::SubCode("isv.missing-*"))]);
        let busy = clues("still limited after 3 attempts: code 1: 系统繁忙");
        assert_eq!(
            busy.iter().map(|(gateway, _)| *gateway).collect::<Vec<_>>(),
            [Gateway::Enterprise, Gateway::Flagship]
        );
        assert!(busy.iter().all(|(_, clue)| matches!(clue, Clue::Words(["系统繁忙"]))), "{busy:?}");
    }

    #[test]
    fn all_are_listed() {
        let known = all().count();
        assert_eq!((printed(None, None, false).lines().count(), lines(None, None).len()), (known + 1, known));
        let own = error::table(Gateway::Enterprise).len();
        assert_eq!(lines(None, Some(Gateway::Enterprise)).len(), own);
    }

    #[test]
    fn what_is_unknown_is_told_with_what_is_near() {
        let told = |code, gateway| {
            let error = explain(&args(Some(code), gateway, false), &mut Vec::new()).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            error.report()
        };
        let report = told("2140", None);
        assert!(report.contains("error: no known error matches `2140`\nhint: did you mean 21"), "{report}");
        assert!(report.contains("`wdt-etl explain` lists all"), "{report}");
        assert!(!told("xyzzy plugh", None).contains("did you mean"));
        let report = told("2104", Some(Gateway::Top));
        assert!(
            report.contains("no known error of gateway top matches `2104`\nhint: known for gateway enterprise; "),
            "{report}"
        );
    }

    /// The page is written by another program, which cannot read this table.
    #[test]
    fn the_page_of_errors_says_the_same() {
        let page = include_str!("../../../../docs/errors.md");
        for entry in all() {
            let class = entry.1.class;
            let row = format!("\n| `{}` | {} | {} |\n", name(class), course(class), failure(class).policy().exit_code);
            assert!(page.contains(&row), "{row}");
        }
    }

    #[test]
    fn the_waits_told_are_the_waits_taken() {
        let waits = Waits::default();
        assert_eq!(waits.pause.as_secs() / 60, 1, "a minute and more");
        assert!(course(Class::Busy).contains(&format!("after {} seconds", waits.busy.as_secs())));
        assert!(course(Class::Unknown).contains(&format!("after {} seconds", waits.busy.as_secs())));
        assert!(course(Class::Transient).contains(&format!("within {} seconds", waits.longest_backoff.as_secs())));
    }
}
