//! The errors of a method, one answer a line: what it refuses by itself, then every entry of the gateway's error table.

use wdt_models::error::{Clue, ErrorEntry, table};
use wdt_models::{Endpoint, Gateway, Method, SyncMode};
use wdt_sim::Fault;

use super::asked::{Ask, Asked, NOW, config};
use super::forms::COMMAS;

/// The answers, each ended by a line break; none has one inside.
pub(super) async fn lines(endpoint: &'static Endpoint, method: &'static Method) -> Vec<u8> {
    let mut answers = refusals(endpoint, method).await;
    for error in table(endpoint.gateway).iter().flat_map(|entry| examples(endpoint.gateway, entry)) {
        answers.push(ask(endpoint, method).failing(error).answer().await);
    }
    let mut lines = Vec::new();
    for (place, answer) in answers.iter().enumerate() {
        assert!(!answer.contains(&b'\n'), "an answer is a line");
        if !answers[..place].contains(answer) {
            lines.extend([answer.as_slice(), b"\n"].concat());
        }
    }
    lines
}

/// What the simulator refuses by itself, in the documented words.
async fn refusals(endpoint: &'static Endpoint, method: &'static Method) -> Vec<Vec<u8>> {
    let mut answers = Vec::new();
    for comma in COMMAS {
        let mut config = config();
        (config.calls_per_minute, config.forms.comma) = (1, comma);
        let asked = Asked::new(endpoint, method, Ask::First(1), config);
        asked.answer().await;
        answers.push(asked.answer().await);
    }
    answers.push(ask(endpoint, method).signed_with("other-secret:other-salt").answer().await);
    answers.push(ask(endpoint, method).sent_at(NOW - 3_600).answer().await);
    if let SyncMode::Incremental(_) = endpoint.sync {
        let mut config = config();
        config.longest_window_seconds = 3_600;
        answers.push(Asked::new(endpoint, method, Ask::First(1), config).answer().await);
    }
    if !matches!(endpoint.sync, SyncMode::Ids(_)) {
        answers.push(Asked::new(endpoint, method, Ask::First(method.paging.max_size + 1), config()).answer().await);
    }
    answers
}

fn ask(endpoint: &'static Endpoint, method: &'static Method) -> Asked {
    Asked::new(endpoint, method, Ask::First(1), config())
}

/// Errors that belong to an entry, one for each of its words: the clue, in the code that carries such clues, and the
/// meaning for a message where the message is no clue.
fn examples(gateway: Gateway, entry: &ErrorEntry) -> Vec<Fault> {
    let (vague, finer) = match gateway {
        Gateway::Enterprise | Gateway::Flagship => ("100", ""),
        Gateway::Top => ("15", "9100"),
    };
    let error = |code: &str, sub_code: &str, message: &str| Fault::Platform {
        code: code.to_owned(),
        sub_code: sub_code.to_owned(),
        message: message.to_owned(),
    };
    let whole = |pattern: &str| pattern.replace('*', "x");
    match entry.clue {
        // the payload's own flag, without a code
        Clue::Code("wl_success") => vec![error("", "", entry.zh)],
        Clue::Code(code) => vec![error(&whole(code), "", entry.zh)],
        Clue::SubCode(sub_code) => vec![error(vague, &whole(sub_code), entry.zh)],
        Clue::Words(words) => words.iter().map(|words| error(vague, finer, words)).collect(),
        Clue::None => vec![error("987654", "", entry.zh)],
    }
}
