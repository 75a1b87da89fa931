//! Pages are in plain English: short sentences, and words that a reader need not look up.

use super::finding::Finding;
use super::page::{self, Markdown};
use crate::files::File;

/// Words of the longest sentence; a code span is one word.
const MOST_WORDS: usize = 40;
/// Words for which there is a plainer one, in pages and in code.
const BANNED: &[(&str, &str)] = &[("mend", "fix"), ("mends", "fixes"), ("mended", "fixed")];
/// Their dots end no sentence.
const ABBREVIATIONS: &[&str] = &["e.g.", "i.e.", "cf.", "vs.", "approx.", "incl.", "resp.", "etc."];
/// Signs that may follow the end of a sentence.
const CLOSING: &[char] = &[')', ']', '"', '\'', '”', '’', '»'];
/// This file spells out what it forbids.
const SPELLS_THEM_OUT: &str = "xtask/src/tidy/sentences.rs";

/// Finds sentences that are too long.
pub(super) fn sentences(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| page::is_written(file)) {
        for prose in Markdown::read(file.text.as_deref().unwrap_or_default()).prose {
            for (start, sentence) in split(&prose.text) {
                let words = sentence.split_whitespace().filter(|word| is_word(word)).count();
                let what = || format!("a sentence of {words} words, {MOST_WORDS} at most: `{}…`", beginning(sentence));
                findings.extend((words > MOST_WORDS).then(|| Finding::at(file, prose.line(start), what())));
            }
        }
    }
    findings
}

/// Finds words for which there is a plainer one.
pub(super) fn words(files: &[File]) -> Vec<Finding> {
    let looked_at = |file: &&File| page::is_written(file) || (file.ends_with(".rs") && file.path != SPELLS_THEM_OUT);
    let mut findings = Vec::new();
    for file in files.iter().filter(looked_at) {
        for (index, line) in file.lines() {
            let words = line.split(|c: char| !c.is_alphanumeric());
            let found = words.filter_map(|word| BANNED.iter().find(|(banned, _)| word.eq_ignore_ascii_case(banned)));
            findings
                .extend(found.map(|(banned, plain)| Finding::at(file, index, format!("`{banned}`: say `{plain}`"))));
        }
    }
    findings
}

/// Sentences, and where in the text they begin.
fn split(text: &str) -> Vec<(usize, &str)> {
    let mut sentences = Vec::new();
    let mut start = 0;
    for (place, sign) in text.char_indices() {
        if ends(text, place, sign) {
            let after = &text[place + sign.len_utf8()..];
            let end = text.len() - after.trim_start_matches(CLOSING).len();
            sentences.push((start, &text[start..end]));
            start = end;
        }
    }
    sentences.push((start, &text[start..]));
    let trimmed = sentences.into_iter().map(|(start, sentence)| {
        let rest = sentence.trim_start();
        (start + sentence.len() - rest.len(), rest.trim_end())
    });
    trimmed.filter(|(_, sentence)| !sentence.is_empty()).collect()
}

/// A sentence ends with this sign.
fn ends(text: &str, place: usize, sign: char) -> bool {
    let after = &text[place + sign.len_utf8()..];
    match sign {
        '。' | '！' | '？' | '：' => true,
        '!' | '?' | ':' | '.' => {
            let after = after.trim_start_matches(CLOSING);
            let breaks = after.is_empty() || after.starts_with(char::is_whitespace);
            breaks && !(sign == '.' && is_abbreviation(&text[..=place], after))
        }
        _ => false,
    }
}

/// The text ends with an abbreviation, and what follows does not begin like a sentence.
fn is_abbreviation(text: &str, after: &str) -> bool {
    let word = text.rsplit(char::is_whitespace).next().unwrap_or_default();
    let word = word.trim_start_matches(['(', '[', '"', '“', '‘', '\'']).to_lowercase();
    let begins = word == "etc." && after.trim_start().starts_with(char::is_uppercase);
    ABBREVIATIONS.contains(&word.as_str()) && !begins
}

fn is_word(text: &str) -> bool {
    text.contains(|c: char| c.is_alphanumeric() || c == '`')
}

/// Its first words, to find it by.
fn beginning(sentence: &str) -> String {
    sentence.split_whitespace().take(6).collect::<Vec<_>>().join(" ").replace('`', "'code'")
}

#[cfg(test)]
mod tests {
    use super::{sentences, split, words};
    use crate::files::File;

    fn found(text: &str) -> Vec<String> {
        sentences(&[File::of("docs/a.md", text)]).iter().map(ToString::to_string).collect()
    }

    /// `count` words.
    fn long(count: usize) -> String {
        vec!["word"; count].join(" ")
    }

    #[test]
    fn a_long_sentence_is_found_at_its_first_line() {
        let text = format!("# Head\n\nShort one. Then\na {}\n{}.\n", long(20), long(20));
        let found = found(&text);
        assert_eq!(found, ["docs/a.md:3: a sentence of 42 words, 40 at most: `Then a word word word word…`"]);
    }

    #[test]
    fn forty_words_pass_and_a_code_span_is_one() {
        assert_eq!(found(&format!("{}.\n", long(40))).len(), 0);
        assert_eq!(found(&format!("{}.\n", long(41))).len(), 1);
        assert_eq!(found(&format!("{}, `cargo test -- a. b` – it.\n", long(38))).len(), 0);
        assert_eq!(
            found(&format!("- {}\n- {}\n\n{}\n", long(40), long(40), long(40))).len(),
            0,
            "blocks end sentences"
        );
        assert_eq!(found(&format!("- {}\n", long(41))).len(), 1);
        assert_eq!(found(&format!("> [{}]({}.md)\n", long(41), "a")).len(), 1);
    }

    #[test]
    fn what_is_not_prose_passes() {
        let words = long(50);
        for text in [
            format!("# {words}\n"),
            format!("```\n{words}\n```\n"),
            format!("    {words}\n"),
            format!("| a |\n|---|\n| {words} |\n"),
            format!("<!-- {words} -->\n"),
            format!("[a](<{words}>)\n"),
            format!("`{words}`\n"),
        ] {
            assert_eq!(found(&text).len(), 0, "{text}");
        }
        for path in ["docs/endpoints.md", "docs/errors.md", "CHANGELOG.md", "docs/a.json"] {
            assert_eq!(sentences(&[File::of(path, &words)]), [], "{path}");
        }
    }

    #[test]
    fn sentences_end_where_a_reader_ends_them() {
        let parts = |text| split(text).into_iter().map(|(_, sentence)| sentence).collect::<Vec<_>>();
        assert_eq!(parts("One. Two! (Three?) Four: five"), ["One.", "Two!", "(Three?)", "Four:", "five"]);
        assert_eq!(
            parts("Many, e.g. this, i.e. 3.11 or a.b, etc. and `.rs` at 10:30."),
            ["Many, e.g. this, i.e. 3.11 or a.b, etc. and `.rs` at 10:30."]
        );
        assert_eq!(parts("A, b, etc. Then c (cf. d)."), ["A, b, etc.", "Then c (cf. d)."]);
        assert_eq!(parts("It is \"so.\" Yes.Not"), ["It is \"so.\"", "Yes.Not"]);
        assert_eq!(parts("库存。货品"), ["库存。", "货品"]);
    }

    #[test]
    fn words_with_a_plainer_one_are_found_in_pages_and_in_code() {
        for text in ["what mends it", "Mend it", "| mended |", "const MEND: u8 = 1;", "fn how_to_mend() {}", "`mend`"] {
            for path in ["README.md", "docs/adr/a.md", "crates/a/src/b.rs", "crates/a/tests/it/b.rs", "xtask/src/a.rs"]
            {
                assert_eq!(words(&[File::of(path, text)]).len(), 1, "{path}: {text}");
            }
            assert_eq!(words(&[File::of("CHANGELOG.md", text)]), [], "{text}");
        }
        for text in ["amend, recommends, mendacious", "fixed"] {
            assert_eq!(words(&[File::of("README.md", text)]), [], "{text}");
        }
    }
}
