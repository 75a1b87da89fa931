//! What is printed of a dataset: its counts and the rows that differ, as text or as JSON lines.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::value::RawValue;
use wdt_models::time::format_wall_time;
use wdt_warehouse::compare::Compared;

use super::shown::{Differs, Shown, ShownRow, Value};
use super::side::{At, Side};
use crate::json_line::JsonLine;

/// Longest value that a line of text shows whole, in characters.
const SHOWN: usize = 120;
/// So much of what is equal is shown before a long value's first difference.
const BEFORE: usize = 20;

/// A dataset that was compared.
pub(super) struct DiffOutcome<'a> {
    pub(super) dataset: &'static str,
    pub(super) sides: [&'a Side; 2],
    /// What each was looked at; none where the dataset never landed.
    pub(super) at: [Option<At>; 2],
    /// None when both are the same version of the same tables.
    pub(super) found: Option<(Compared, Shown)>,
}

#[derive(Serialize)]
struct DatasetDiff<'a> {
    dataset: &'static str,
    different: bool,
    /// Null where both sides are the same version of the same tables, which is not read.
    equal: Option<u64>,
    removed: u64,
    added: u64,
    changed: u64,
    a: SideLine<'a>,
    b: SideLine<'a>,
}

#[derive(Serialize)]
struct SideLine<'a> {
    warehouse: &'a str,
    /// Whether the dataset has landed there.
    landed: bool,
    /// Of the history table.
    version: Option<u64>,
    /// Asia/Shanghai wall time.
    as_of: Option<String>,
}

#[derive(Serialize)]
struct RowDiff<'a> {
    dataset: &'static str,
    change: &'static str,
    /// The side that has no such row has it marked as deleted.
    marked_deleted: bool,
    key: serde_json::Map<String, serde_json::Value>,
    columns: Vec<ColumnDiff<'a>>,
}

#[derive(Serialize)]
struct ColumnDiff<'a> {
    column: &'a str,
    label: &'a str,
    a: Box<RawValue>,
    b: Box<RawValue>,
}

impl DiffOutcome<'_> {
    /// Whether the two sides differ.
    pub(super) fn differs(&self) -> bool {
        self.found.as_ref().is_some_and(|(compared, _)| compared.differ())
    }

    /// Prints the counts, then the rows.
    pub(super) fn print(&self, json: bool, out: &mut dyn Write) -> io::Result<()> {
        if json { self.print_json(out) } else { self.print_text(out) }
    }

    fn print_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let [a, b] = self.at.map(at_text);
        let Some((compared, shown)) = &self.found else {
            return writeln!(out, "{} ({a} on both sides): the same, not read", self.dataset);
        };
        let Compared { equal, removed, added, changed, .. } = compared;
        writeln!(
            out,
            "{} ({a} → {b}): {equal} equal, {} removed, {} added, {} changed",
            self.dataset, removed.count, added.count, changed.count
        )?;
        for row in &shown.removed {
            writeln!(out, "  - {}{}", key_text(row), if row.marked { " (marked as deleted)" } else { "" })?;
        }
        for row in &shown.added {
            writeln!(out, "  + {}{}", key_text(row), if row.marked { " (was marked as deleted)" } else { "" })?;
        }
        for row in &shown.changed {
            writeln!(out, "  ~ {}: {}", key_text(row), cells_text(&row.cells))?;
        }
        let left = [
            ("removed", removed.count, shown.removed.len()),
            ("added", added.count, shown.added.len()),
            ("changed", changed.count, shown.changed.len()),
        ];
        let left = left.iter().filter(|(_, count, shown)| *count > *shown as u64);
        let left: Vec<_> = left.map(|(what, count, shown)| format!("{} more {what}", count - *shown as u64)).collect();
        if left.is_empty() { Ok(()) } else { writeln!(out, "  … {}; --limit N shows N of each", left.join(", ")) }
    }

    fn print_json(&self, out: &mut dyn Write) -> io::Result<()> {
        let count = |count: fn(&Compared) -> u64| self.found.as_ref().map(|(compared, _)| count(compared));
        let line = DatasetDiff {
            dataset: self.dataset,
            different: self.differs(),
            equal: count(|compared| compared.equal),
            removed: count(|compared| compared.removed.count).unwrap_or_default(),
            added: count(|compared| compared.added.count).unwrap_or_default(),
            changed: count(|compared| compared.changed.count).unwrap_or_default(),
            a: side_line(self.sides[0], self.at[0]),
            b: side_line(self.sides[1], self.at[1]),
        };
        JsonLine::new("dataset", line).write(out)?;
        let Some((_, shown)) = &self.found else { return Ok(()) };
        for (change, rows) in [("removed", &shown.removed), ("added", &shown.added), ("changed", &shown.changed)] {
            for row in rows {
                JsonLine::new("row", self.row_line(change, row)?).write(out)?;
            }
        }
        Ok(())
    }

    fn row_line<'r>(&self, change: &'static str, row: &'r ShownRow) -> serde_json::Result<RowDiff<'r>> {
        let raw = |value: &Value| RawValue::from_string(value.json.clone());
        let column = |cell: &'r Differs| {
            let [a, b] = [raw(&cell.values[0])?, raw(&cell.values[1])?];
            Ok(ColumnDiff { column: &cell.column, label: &cell.label, a, b })
        };
        let key = row.key.iter().map(|(name, value)| Ok((name.clone(), serde_json::from_str(&value.json)?)));
        Ok(RowDiff {
            dataset: self.dataset,
            change,
            marked_deleted: row.marked,
            key: key.collect::<serde_json::Result<_>>()?,
            columns: row.cells.iter().map(column).collect::<serde_json::Result<_>>()?,
        })
    }
}

fn side_line(side: &Side, at: Option<At>) -> SideLine<'_> {
    let (version, as_of) = match at {
        Some(At::Version(version)) => (Some(version), None),
        Some(At::Time(seconds)) => (None, Some(format_wall_time(seconds))),
        None => (None, None),
    };
    SideLine { warehouse: &side.name, landed: at.is_some(), version, as_of }
}

fn at_text(at: Option<At>) -> String {
    match at {
        Some(At::Version(version)) => format!("version {version}"),
        Some(At::Time(seconds)) => format_wall_time(seconds),
        None => "no table".to_owned(),
    }
}

/// `account main, spec_id 7, warehouse_id 2`; members that are null are left out.
fn key_text(row: &ShownRow) -> String {
    let part = |(name, value): &(String, Value)| format!("{name} {}", plain(&value.text));
    let known = row.key.iter().filter(|(_, value)| value.json != "null");
    known.map(part).collect::<Vec<_>>().join(", ")
}

/// A text of a key without its quotes, where it cannot be mistaken for the text around it.
fn plain(text: &str) -> &str {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let simple = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '#');
    if !inner.is_empty() && inner != "null" && inner.chars().all(simple) { inner } else { text }
}

/// `stock_num (库存量): 5.0000 → 7.0000; 2 more columns differ`.
fn cells_text(cells: &[Differs]) -> String {
    let Some(first) = cells.first() else { return String::new() };
    let (name, [a, b]) = match &first.inside {
        Some((name, values)) => (name, values),
        None => (&first.column, &first.values),
    };
    let [a, b] = cut(&a.text, &b.text);
    let more = match cells.len() - 1 {
        0 => String::new(),
        1 => "; 1 more column differs".to_owned(),
        more => format!("; {more} more columns differ"),
    };
    format!("{name} ({}): {a} → {b}{more}", first.label)
}

/// Two values, long ones from shortly before where they differ.
fn cut(a: &str, b: &str) -> [String; 2] {
    let equal = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    [a, b].map(|text| {
        if text.chars().count() <= SHOWN {
            return text.to_owned();
        }
        let skipped = equal.saturating_sub(BEFORE);
        let shown: String = text.chars().skip(skipped).take(SHOWN).collect();
        let (before, rest) = (if skipped > 0 { "…" } else { "" }, text.chars().count() - skipped);
        format!("{before}{shown}{}", if rest > SHOWN { "…" } else { "" })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut_around_what_differs() {
        let long = |end: &str| format!("{}{end}", "x".repeat(200));
        assert_eq!(cut("\"a\"", "null"), ["\"a\"", "null"]);
        let [a, b] = cut(&long("1"), &long(&"2".repeat(150)));
        assert_eq!(a, format!("…{}1", "x".repeat(20)));
        assert_eq!(b, format!("…{}{}…", "x".repeat(20), "2".repeat(100)));
    }

    #[test]
    fn members_of_a_key_that_are_null_are_left_out() {
        let value = |text: &str| Value { json: text.to_owned(), text: text.to_owned() };
        let key = vec![("item_id".to_owned(), value("\"7\"")), ("batch_code".to_owned(), value("null"))];
        let row = ShownRow { key, marked: false, cells: Vec::new() };
        assert_eq!(key_text(&row), "item_id 7");
    }

    #[test]
    fn texts_of_a_key_keep_their_quotes_where_they_are_needed() {
        for (text, shown) in [
            ("\"WH-1\"", "WH-1"),
            ("7", "7"),
            ("null", "null"),
            ("\"null\"", "\"null\""),
            ("\"\"", "\"\""),
            ("\"a, b\"", "\"a, b\""),
        ] {
            assert_eq!(plain(text), shown);
        }
    }
}
