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
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.to_vec()).collect();
    aligned(&[Align::Left; N], &rows).iter().try_for_each(|line| writeln!(out, "{line}"))
}

/// Where a cell is in its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    /// Texts.
    Left,
    /// Numbers.
    Right,
}

/// A line for each row, its cells aligned with those of the other rows.
pub(super) fn aligned(sides: &[Align], rows: &[Vec<String>]) -> Vec<String> {
    let widest = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max();
    let columns: Vec<(Align, usize)> =
        sides.iter().enumerate().map(|(column, &side)| (side, widest(column).unwrap_or_default())).collect();
    let cell = |(cell, &(side, widest)): (&String, &(Align, usize))| {
        let blanks = " ".repeat(widest - cell.width());
        match side {
            Align::Left => format!("{cell}{blanks}"),
            Align::Right => format!("{blanks}{cell}"),
        }
    };
    let line = |row: &Vec<String>| row.iter().zip(&columns).map(cell).collect::<Vec<_>>().join("  ");
    rows.iter().map(|row| line(row).trim_end().to_owned()).collect()
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
