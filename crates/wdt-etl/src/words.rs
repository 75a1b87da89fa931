//! Words of the user in messages: the known name that is nearest to a wrong one, and how much of a text is repeated.

/// Shortest likeness, 0 to 1, at which a name is offered instead of another.
const ALIKE: f64 = 0.55;
/// Shortest beginning of a name, in bytes, that counts as the name.
const SHORTEST_BEGINNING: usize = 3;
/// Longest piece of a user's text that an error repeats, in characters.
const SHOWN: usize = 60;
/// A run of at least so many hexadecimal digits is taken for a secret in the wrong place.
const SECRET_DIGITS: usize = 16;

/// The candidate most like `word`, if one is like it at all.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (alike(&word, &candidate.to_lowercase()), candidate))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, candidate)| candidate)
}

/// Likeness of two names; a name cut short is as good as one letter wrong.
fn alike(word: &str, candidate: &str) -> f64 {
    let abbreviated = word.len() >= SHORTEST_BEGINNING && candidate.starts_with(word);
    if abbreviated { 0.9 } else { strsim::normalized_damerau_levenshtein(word, candidate) }
}

/// `did you mean x? known keys: x, y`, as a hint.
pub(crate) fn hint(word: &str, what: &str, candidates: &[&str]) -> String {
    let known = format!("{what}: {}", list(candidates));
    nearest(word, candidates.iter().copied())
        .map_or_else(|| known.clone(), |near| format!("did you mean `{near}`? {known}"))
}

/// The names between commas; `none` when there is none.
pub(crate) fn list(names: &[&str]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// A user's text between backticks, cut when long, masked when it looks like a secret in the wrong place.
pub(crate) fn quoted(text: &str) -> String {
    if could_be_secret(text) {
        return "`***`".to_owned();
    }
    let cut = if text.chars().nth(SHOWN).is_some() { "…" } else { "" };
    let shown: String = text.chars().take(SHOWN).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    format!("`{shown}{cut}`")
}

/// Whether the text looks like a secret of the platforms, alone or with a salt: long runs of hexadecimal digits.
pub(crate) fn could_be_secret(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_hexdigit()).any(|run| run.len() >= SECRET_DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_offered_and_a_stranger_gets_none() {
        assert_eq!(nearest("setle", ["settle", "lookback", "window"]), Some("settle"));
        assert_eq!(nearest("Look_Back", ["settle", "lookback", "window"]), Some("lookback"));
        assert_eq!(nearest("conc", ["settle", "concurrency"]), Some("concurrency"));
        assert_eq!(nearest("WDT_SETLE", ["WDT_SETTLE", "WDT_WINDOW"]), Some("WDT_SETTLE"));
        assert_eq!(nearest("colour", ["settle", "lookback", "window"]), None);
    }

    #[test]
    fn what_looks_like_a_secret_is_not_repeated() {
        assert_eq!(quoted("8a7f0c2e5d1b4963"), "`***`");
        assert_eq!(quoted("x:8A7F0C2E5D1B4963"), "`***`");
        assert_eq!(quoted("10 minutes"), "`10 minutes`");
        assert_eq!(quoted(&"x".repeat(70)), format!("`{}…`", "x".repeat(60)));
    }
}
