//! No `if gateway ==`: what differs between gateways is data of `wdt-models`, which the code above reads.

use super::finding::Finding;
use crate::code::Word;
use crate::files::File;

/// Product code that does not ask which gateway it works for; a `match` that answers for all three may.
const ABOVE: &[&str] = &["crates/wdt-fetch/src/", "crates/wdt-warehouse/src/", "crates/wdt-etl/src/"];

/// Finds comparisons with one gateway: `== Gateway::Top`, `matches!(…, Gateway::Top)`, `if let Gateway::Top`.
pub(super) fn gateways(files: &[File]) -> Vec<Finding> {
    let above = files.iter().filter(|file| ABOVE.iter().any(|folder| file.path.starts_with(folder)));
    let read = above.filter_map(|file| Some((file, file.product()?.as_ref().ok()?)));
    let found = read.flat_map(|(file, product)| {
        let what =
            "asks for one gateway: what differs between gateways is data (`Gateway` and its facts in wdt-models)";
        asked(&product.words).into_iter().map(move |line| Finding::at(file, line - 1, what))
    });
    found.collect()
}

/// Lines that ask.
fn asked(words: &[Word]) -> Vec<usize> {
    let text = |index: usize| words.get(index).map_or("", |word| word.text.as_str());
    let gateways = (0..words.len()).filter(|at| text(*at) == "Gateway" && text(at + 1) == ":" && text(at + 2) == ":");
    let asks = |at: &usize| {
        let compares = |first: usize| matches!(text(first), "=" | "!") && text(first + 1) == "=";
        let start = start(words, *at);
        let before = start.checked_sub(2).is_some_and(compares);
        let pattern = start.checked_sub(1).is_some_and(|before| text(before) == "let");
        before || compares(at + 4) || pattern || is_matched(words, *at)
    };
    gateways.filter(asks).map(|at| words[at].line).collect()
}

/// Where the expression with this name begins: before the modules and the `&` or `*` in front of it.
fn start(words: &[Word], mut at: usize) -> usize {
    while at >= 3 && words[at - 1].text == ":" && words[at - 2].text == ":" {
        at -= 3;
    }
    while at >= 1 && ["&", "*"].contains(&words[at - 1].text.as_str()) {
        at -= 1;
    }
    at
}

/// Within the brackets of a `matches!`.
fn is_matched(words: &[Word], at: usize) -> bool {
    let mut closed = 0_usize;
    (0..at).rev().any(|index| match words[index].text.as_str() {
        ")" | "]" | "}" => {
            closed += 1;
            false
        }
        "(" | "[" | "{" if closed == 0 => {
            index >= 2 && words[index - 1].text == "!" && words[index - 2].text == "matches"
        }
        "(" | "[" | "{" => {
            closed -= 1;
            false
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::gateways;
    use crate::files::File;

    fn found(path: &str, body: &str) -> usize {
        gateways(&[File::of(path, &format!("fn f() {{\n    {body}\n}}\n"))]).len()
    }

    #[test]
    fn a_question_for_one_gateway_is_found() {
        for body in [
            "if gateway == Gateway::Top {}",
            "if endpoint.gateway != wdt_models::Gateway::Top {}",
            "if Gateway::Top == gateway {}",
            "if *gateway == &Gateway::Top {}",
            "matches!(gateway, Gateway::Top | Other::X)",
            "matches!(\n        f(a, (b, [c])),\n        Other::X | gateway::Gateway::Top\n    )",
            "assert!(x.iter().any(|g| g == &Gateway::Top));",
            "if let Gateway::Top = gateway {}",
        ] {
            for path in ["crates/wdt-fetch/src/a.rs", "crates/wdt-etl/src/a/b.rs", "crates/wdt-warehouse/src/a.rs"] {
                assert_eq!(found(path, body), 1, "{path}: {body}");
            }
            for path in ["crates/wdt-models/src/a.rs", "crates/wdt-sim/src/a.rs", "crates/wdt-fetch/tests/it/a.rs"] {
                assert_eq!(found(path, body), 0, "{path}: {body}");
            }
        }
    }

    #[test]
    fn an_answer_for_each_and_tests_pass() {
        for body in [
            "match gateway { Gateway::Top => a == b, Gateway::Flagship => c }",
            "let gateway = Gateway::Top;",
            "f(Gateway::Top, a == b)",
            "matches!(a, B); g(Gateway::Top)",
            "// if gateway == Gateway::Top",
            "a == Gateway { x }",
        ] {
            assert_eq!(found("crates/wdt-etl/src/a.rs", body), 0, "{body}");
        }
        let tests = "#[cfg(test)]\nmod tests {\n    fn t() { a == Gateway::Top; }\n}\n";
        assert_eq!(gateways(&[File::of("crates/wdt-etl/src/a.rs", tests)]), []);
    }
}
