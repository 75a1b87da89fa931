//! Tables for a terminal: aligned columns, in which a Chinese character takes two places.

use std::io::{self, Write};

/// The head and the rows below it.
pub(super) fn write_table<const N: usize>(
    head: [&str; N],
    rows: &[[String; N]],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut all = vec![head.map(str::to_owned)];
    all.extend_from_slice(rows);
    write_rows(&all, out)
}

/// Aligned columns with two blanks between, none at a line's end.
pub(super) fn write_rows<const N: usize>(rows: &[[String; N]], out: &mut dyn Write) -> io::Result<()> {
    let widths: Vec<usize> =
        (0..N).map(|column| rows.iter().map(|row| width(&row[column])).max().unwrap_or_default()).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, widest)| format!("{cell}{}", " ".repeat(widest - width(cell))));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// Columns of a terminal that a text takes: CJK characters and full-width forms take two.
pub(super) fn width(text: &str) -> usize {
    let wide = |c: char| matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{ffe0}'..='\u{ffe6}' | '\u{20000}'..='\u{3fffd}');
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!((width("stock"), width("库存量"), width("（a）")), (5, 6, 5));
        let mut out = Vec::new();
        let rows = [["库存".to_owned(), "x".to_owned()], ["a".to_owned(), String::new()]];
        write_table(["head", "h"], &rows, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "head  h\n库存  x\na\n");
    }
}
