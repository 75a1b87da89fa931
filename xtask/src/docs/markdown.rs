//! The few forms of Markdown that the pages use.

/// First lines of every page.
pub(super) fn head(title: &str) -> String {
    format!(
        "<!-- Written by `cargo xtask docs` from the descriptions in crates/wdt-models/src: edit those. -->\n\n# {title}\n"
    )
}

/// A table behind an empty line; nothing where it has no rows.
pub(super) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | ")).replace("|  |", "| |").replace("|  |", "| |");
    let mut text = format!("\n{}|{}\n", line(&head.map(cell)), "---|".repeat(N));
    text.extend(rows.iter().map(|row| line(row)));
    text
}

/// Plain text as the content of a cell: nothing in it ends the cell or begins a tag.
pub(super) fn cell(text: &str) -> String {
    let breaks = text.replace("\r\n", "\n");
    let mut out = String::new();
    for c in breaks.trim().chars() {
        match c {
            '\n' | '\r' => out.push_str("<br>"),
            '<' => out.push_str("&lt;"),
            '\\' | '|' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

/// A name as code, in a cell or a sentence.
pub(super) fn code(name: &str) -> String {
    format!("`{}`", name.replace('|', r"\|"))
}

/// Names as code, between commas.
pub(super) fn codes<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(code).collect::<Vec<_>>().join(", ")
}

/// A list behind an empty line; nothing where it has no items.
pub(super) fn bullets(items: &[String]) -> String {
    if items.is_empty() {
        return String::new();
    }
    items.iter().fold("\n".to_owned(), |text, item| format!("{text}- {}\n", item.replace('\n', " ")))
}

#[cfg(test)]
mod tests {
    use super::{bullets, cell, code, table};

    #[test]
    fn a_cell_keeps_to_itself() {
        assert_eq!(cell("1688|lst"), r"1688\|lst");
        assert_eq!(cell(r"a\|b"), r"a\\\|b");
        assert_eq!(cell("one\ntwo\r\nthree\n"), "one<br>two<br>three");
        assert_eq!(cell("a <b>"), "a &lt;b>");
        assert_eq!(code("a|b"), r"`a\|b`");
    }

    #[test]
    fn tables_and_lists_without_content_are_left_out() {
        let rows = [[cell("x"), String::new(), String::new()], [cell("|"), cell("z"), String::new()]];
        assert_eq!(table(["a", "b", "c"], &rows), "\n| a | b | c |\n|---|---|---|\n| x | | |\n| \\| | z | |\n");
        assert_eq!(table::<2>(["a", "b"], &[]), "");
        assert_eq!(bullets(&["x".to_owned(), "y\nz".to_owned()]), "\n- x\n- y z\n");
        assert_eq!(bullets(&[]), "");
    }
}
