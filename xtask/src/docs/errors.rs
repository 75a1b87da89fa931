//! `docs/errors.md`: every gateway's error codes, and what wdt-etl does about each class of them.

use wdt_models::Gateway;
use wdt_models::error::{Class, Clue, ErrorEntry, table as entries};

use super::markdown::{cell, code, codes, head, table};

const INTRO: &str = "
What the platforms' errors mean, what wdt-etl does about them, and what fixes them. `wdt-etl explain CODE` prints the
same for one code, sub-code or message.

A table is read from its top: the first line that fits an error decides. `*` stands for any characters but blanks; words
of a message are found without regard to case.

## What wdt-etl does
";

const CLASSES: &[Class] = &[
    Class::RateLimit,
    Class::Busy,
    Class::Transient,
    Class::Clock,
    Class::Credential,
    Class::Permission,
    Class::Parameter,
    Class::WindowTooWide,
    Class::Unknown,
];

/// The whole page.
pub(super) fn page() -> String {
    let classes: Vec<_> = CLASSES
        .iter()
        .map(|&class| {
            let (name, does, exit_code) = course(class);
            [code(name), cell(does), exit_code.to_string()]
        })
        .collect();
    let mut text = head("Errors of the platforms") + INTRO + &table(["class", "wdt-etl", "exit code"], &classes);
    text.extend(Gateway::ALL.iter().map(|&gateway| of_gateway(gateway)));
    text
}

fn of_gateway(gateway: Gateway) -> String {
    let rows: Vec<_> = entries(gateway).iter().map(row).collect();
    let facts = gateway.facts();
    let title = format!("\n## Gateway `{}`: {}\n", facts.name, facts.zh);
    title + &table(["recognized by", "class", "中文", "meaning", "what fixes it"], &rows)
}

fn row(entry: &ErrorEntry) -> [String; 5] {
    let (class, ..) = course(entry.class);
    [recognized_by(entry.clue), code(class), cell(entry.zh), cell(entry.en), cell(entry.hint)]
}

fn recognized_by(clue: Clue) -> String {
    match clue {
        Clue::Code(pattern) => format!("code {}", code(pattern)),
        Clue::SubCode(pattern) => format!("sub-code {}", code(pattern)),
        Clue::Words(words) => format!("message with {}", codes(words.iter().copied())),
        Clue::None => "anything else".to_owned(),
    }
}

/// Name of the class, what wdt-etl does, and the exit code when that does not help.
///
/// `wdt-etl explain` says the same; a test there compares its words with the page.
const fn course(class: Class) -> (&'static str, &'static str, u8) {
    match class {
        Class::RateLimit => (
            "rate_limit",
            "all calls under the same limit wait as long as the platform asks, or else a minute and more, and then continue; if it asks for more than 5 minutes, or after 8 waits in a row, the dataset fails",
            4,
        ),
        Class::Busy => ("busy", "tries the page again after 30 seconds, at most 5 times; then the dataset fails", 4),
        Class::Transient => {
            ("transient", "tries the page again within 20 seconds, at most 5 times; then the dataset fails", 4)
        }
        Class::Clock => (
            "clock",
            "sets its time by the platform's and tries once more, unless the clocks differ by more than the platform accepts; then stops the account",
            3,
        ),
        Class::Credential => ("credential", "stops the account: its later datasets are not tried", 3),
        Class::Permission => ("permission", "does not try again: the dataset fails", 3),
        Class::Parameter => ("parameter", "does not try again: the dataset fails", 2),
        Class::WindowTooWide => {
            ("window_too_wide", "halves the window, down to two seconds; then the dataset fails", 2)
        }
        Class::Unknown => {
            ("unknown", "tries the page again after 30 seconds, at most 2 times; then the dataset fails", 4)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use wdt_models::Gateway;
    use wdt_models::error::Class;
    use wdt_models::error::table;

    use super::{CLASSES, course, page, recognized_by};

    #[test]
    fn every_entry_is_on_the_page_below_its_gateway() {
        let page = page();
        for &gateway in Gateway::ALL {
            let section = page.split(&format!("\n## Gateway `{gateway}`")).nth(1).unwrap();
            let section = section.split("\n## ").next().unwrap();
            for entry in table(gateway) {
                let row = format!("\n| {} | `{}` | ", recognized_by(entry.clue), course(entry.class).0);
                assert!(section.contains(&row), "{row}");
                assert!(CLASSES.contains(&entry.class), "{:?}", entry.class);
            }
        }
        assert!(page.contains("\n| code `2104` | `window_too_wide` | "), "{page}");
        assert!(page.contains("\n| anything else | `unknown` | "), "{page}");
    }

    #[test]
    fn classes_stand_once() {
        let names: BTreeSet<_> = CLASSES.iter().map(|&class| course(class).0).collect();
        assert_eq!((names.len(), CLASSES.len()), (9, 9));
        assert_eq!(course(Class::Credential).2, 3);
    }
}
