//! A page of Markdown as the checks see it: code spans, links, headings' anchors, and paragraphs of prose.

use std::collections::BTreeMap;
use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::files::File;

/// Pages for readers, besides those below `docs/` and the crates' own.
const PAGES: &[&str] = &["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "fixtures/README.md"];
/// Written by `cargo xtask docs`: their texts come from the descriptions.
const GENERATED: &[&str] = &["docs/endpoints.md", "docs/errors.md"];

/// What is on a page. Indexes of lines count from 0.
#[derive(Default)]
pub(super) struct Markdown {
    /// Texts in backticks.
    pub(super) codes: Vec<(usize, String)>,
    /// Where links lead.
    pub(super) links: Vec<(usize, String)>,
    /// Of headings, as GitHub makes them.
    pub(super) anchors: Vec<String>,
    /// Paragraphs and items of lists.
    pub(super) prose: Vec<Prose>,
}

/// A paragraph: its words, a code span as one word `` ` ``.
#[derive(Default)]
pub(super) struct Prose {
    pub(super) text: String,
    /// Where pieces of the text begin, and the line they are in.
    lines: Vec<(usize, usize)>,
}

impl Prose {
    /// The line of a place in the text.
    pub(super) fn line(&self, place: usize) -> usize {
        self.lines.iter().rev().find(|(from, _)| *from <= place).map_or(0, |(_, line)| *line)
    }

    fn push(&mut self, text: &str, line: usize) {
        self.lines.push((self.text.len(), line));
        self.text.push_str(text);
    }
}

/// A page that people wrote for readers.
pub(super) fn is_written(file: &File) -> bool {
    is_page(file) && !GENERATED.contains(&file.path.as_str())
}

/// A page for readers, generated ones included.
pub(super) fn is_page(file: &File) -> bool {
    let of_crate = file.path.strip_prefix("crates/").and_then(|path| path.split_once('/'));
    let below_docs = file.path.starts_with("docs/") && file.ends_with(".md");
    below_docs || PAGES.contains(&file.path.as_str()) || of_crate.is_some_and(|(_, name)| name == "README.md")
}

impl Markdown {
    pub(super) fn read(text: &str) -> Self {
        let mut reader = Reader { text, ..Reader::default() };
        for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
            reader.take(event, &range);
        }
        reader.flush();
        reader.page
    }
}

#[derive(Default)]
struct Reader<'a> {
    text: &'a str,
    page: Markdown,
    prose: Prose,
    heading: Option<String>,
    /// Blocks that are open and are not prose: code, tables, HTML.
    others: usize,
    /// Headings so far, by anchor.
    anchors: BTreeMap<String, usize>,
}

impl Reader<'_> {
    fn take(&mut self, event: Event, range: &Range<usize>) {
        match event {
            Event::Start(tag) => self.open(&tag, range),
            Event::End(tag) => self.close(tag),
            Event::Text(text) => self.say(&text, range),
            Event::Code(code) => {
                self.page.codes.push((self.line(range), code.to_string()));
                if let Some(heading) = &mut self.heading {
                    heading.push_str(&code);
                } else {
                    self.say("`", range);
                }
            }
            Event::SoftBreak | Event::HardBreak => self.say(" ", range),
            _ => {}
        }
    }

    fn say(&mut self, text: &str, range: &Range<usize>) {
        if let Some(heading) = &mut self.heading {
            heading.push_str(text);
        } else if self.others == 0 {
            self.prose.push(text, self.line(range));
        }
    }

    fn open(&mut self, tag: &Tag, range: &Range<usize>) {
        match tag {
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.page.links.push((self.line(range), dest_url.to_string()));
            }
            Tag::Emphasis | Tag::Strong => {}
            _ => {
                self.flush();
                self.others += usize::from(is_other(tag.to_end()));
                self.heading = matches!(tag, Tag::Heading { .. }).then(String::new);
            }
        }
    }

    fn close(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Link | TagEnd::Image | TagEnd::Emphasis | TagEnd::Strong => {}
            _ => {
                self.flush();
                self.others -= usize::from(is_other(tag));
                if let Some(heading) = self.heading.take() {
                    self.anchor(&heading);
                }
            }
        }
    }

    /// Lower case, spaces as dashes, no punctuation; a second one gets a number.
    fn anchor(&mut self, heading: &str) {
        let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        let anchor = kept.collect::<String>().to_lowercase().replace(' ', "-");
        let count = self.anchors.entry(anchor.clone()).or_default();
        let numbered = if *count == 0 { anchor } else { format!("{anchor}-{count}") };
        *count += 1;
        self.page.anchors.push(numbered);
    }

    fn flush(&mut self) {
        let prose = std::mem::take(&mut self.prose);
        self.page.prose.extend((!prose.text.trim().is_empty()).then_some(prose));
    }

    fn line(&self, range: &Range<usize>) -> usize {
        self.text[..range.start].matches('\n').count()
    }
}

fn is_other(tag: TagEnd) -> bool {
    matches!(tag, TagEnd::CodeBlock | TagEnd::Table | TagEnd::HtmlBlock)
}

#[cfg(test)]
mod tests {
    use super::{Markdown, is_page, is_written};
    use crate::files::File;

    #[test]
    fn pages_for_readers_are_known() {
        for path in ["README.md", "docs/adr/0001-a.md", "crates/a/README.md", "fixtures/README.md"] {
            assert!(is_written(&File::of(path, "")), "{path}");
        }
        assert!(is_page(&File::of("docs/errors.md", "")) && !is_written(&File::of("docs/errors.md", "")));
        for path in ["CHANGELOG.md", "docs/a.json", "crates/a/tests/README.md", "fixtures/sign/README.md"] {
            assert!(!is_page(&File::of(path, "")), "{path}");
        }
    }

    #[test]
    fn prose_is_what_is_left_of_a_page() {
        let page = Markdown::read(
            "# Head `one`\n\nA *first*\nline with `code. Here`s and [a link](x.md).\n\n<!-- not\nthis -->\n- one\n- two\n  lines\n\n  more\n\n\
             ```text\nno\n```\n\n| a | `b` |\n|---|---|\n| c | [d](e.md) |\n\n> quoted\n",
        );
        let prose: Vec<&str> = page.prose.iter().map(|prose| prose.text.as_str()).collect();
        assert_eq!(prose, ["A first line with `s and a link.", "one", "two lines", "more", "quoted"]);
        assert_eq!(page.prose[0].line(0), 2);
        assert_eq!(page.prose[0].line(9), 3, "after the break");
        assert_eq!(page.codes, [(0, "one".to_owned()), (3, "code. Here".to_owned()), (17, "b".to_owned())]);
        assert_eq!(page.links, [(3, "x.md".to_owned()), (19, "e.md".to_owned())]);
    }

    #[test]
    fn anchors_are_those_of_github() {
        let heads =
            "# All of it, at once: `etl_runs`!\n\n## A -- b\n\n## Same\n\n## Same\n\n## 旺店通 (erp) & *more*\n";
        let page = Markdown::read(heads);
        assert_eq!(page.anchors, ["all-of-it-at-once-etl_runs", "a----b", "same", "same-1", "旺店通-erp--more"]);
    }
}
