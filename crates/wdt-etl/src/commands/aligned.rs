//! Tables for a terminal: aligned columns, in which a Chinese character takes two places.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

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
        (0..N).map(|column| rows.iter().map(|row| row[column].width()).max().unwrap_or_default()).collect();
    for row in rows {
        let cells =
            row.iter().zip(&widths).map(|(cell, widest)| format!("{cell}{}", " ".repeat(widest - cell.width())));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(("stock".width(), "库存量".width(), "（a）".width()), (5, 6, 5));
        let mut out = Vec::new();
        let rows = [["库存".to_owned(), "x".to_owned()], ["a".to_owned(), String::new()]];
        write_table(["head", "h"], &rows, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "head  h\n库存  x\na\n");
    }
}
