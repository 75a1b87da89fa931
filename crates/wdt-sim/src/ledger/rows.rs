//! The rows as they change: what is drawn for a change, what is shown late, and every state there ever was.

use super::index::Index;
use crate::{
    dice::Dice,
    row::{Change, Row},
};

/// The rows themselves and what is drawn when they are changed.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) index: Index,
    pub(super) dice: Dice,
    /// Longest time in seconds that an edit is not shown.
    shown_after: i64,
    late: Vec<Late>,
    journal: Option<Vec<Change>>,
}

/// An edit that is dated and not yet shown.
#[derive(Debug, Clone, Copy)]
struct Late {
    shown: i64,
    id: u32,
    modified: i64,
}

impl Rows {
    /// Rows that have just begun to exist.
    pub(super) fn new(index: Index, dice: Dice, shown_after: i64, journal: bool, now: i64) -> Self {
        let begun = |row| Change { at: now, row, present: true };
        let journal = journal.then(|| index.present().into_iter().map(begun).collect());
        Self { index, dice, shown_after, late: Vec::new(), journal }
    }

    /// Every state of every row, in the order they began.
    pub(super) fn journal(&self) -> Vec<Change> {
        self.journal.clone().unwrap_or_default()
    }

    /// Shows the edits whose time has come.
    pub(super) fn show_due(&mut self, now: i64) {
        if self.late.is_empty() {
            return;
        }
        let (due, late): (Vec<_>, Vec<_>) = self.late.drain(..).partition(|late| late.shown <= now);
        self.late = late;
        for Late { id, modified, .. } in due {
            // what was edited again meanwhile, or removed, shows that
            if self.index.row(id).is_some_and(|row| row.modified < modified) {
                let rows = self.index.touch(&[id], modified);
                self.note(&rows, now, true);
            }
        }
    }

    /// Edits rows, some of them to be shown later; gives them as they are shown now.
    pub(super) fn edit(&mut self, ids: &[u32], now: i64) -> Vec<Row> {
        if self.shown_after == 0 {
            return self.touch(ids, now);
        }
        let longest = self.shown_after.unsigned_abs() + 1;
        let mut rows = Vec::new();
        for &id in ids {
            let delay = i64::try_from(self.dice.below(longest)).unwrap_or(0);
            if delay == 0 {
                rows.extend(self.touch(&[id], now));
            } else {
                self.late.push(Late { shown: now + delay, id, modified: now });
                rows.extend(self.index.row(id));
            }
        }
        rows
    }

    /// Changes rows at that second, and brings back deleted ones.
    pub(super) fn touch(&mut self, ids: &[u32], now: i64) -> Vec<Row> {
        let rows = self.index.touch(ids, now);
        self.note(&rows, now, true);
        rows
    }

    /// Changes a row that is there and leaves its cursor.
    pub(super) fn drift(&mut self, id: u32, now: i64) -> Option<Row> {
        let row = self.index.drift(id);
        self.note(row.as_slice(), now, true);
        row
    }

    /// Adds a row; `None` when there are as many as can be numbered.
    pub(super) fn add(&mut self, now: i64) -> Option<Row> {
        let row = self.index.add(now);
        self.note(row.as_slice(), now, true);
        row
    }

    /// Removes a row that is there.
    pub(super) fn remove(&mut self, id: u32, now: i64) -> Row {
        let row = self.index.remove(id);
        self.note(&[row], now, false);
        row
    }

    /// Removes a row, or brings one back, or adds one where none was removed.
    pub(super) fn churn(&mut self, drawn: Option<u32>, now: i64, dice: &mut Dice) {
        let back = self.index.deleted().next();
        match (drawn, back) {
            (Some(id), _) if dice.one_in(2) => drop(self.remove(id, now)),
            (_, Some(id)) => drop(self.touch(&[id], now)),
            (_, None) => drop(self.add(now)),
        }
    }

    fn note(&mut self, rows: &[Row], at: i64, present: bool) {
        if let Some(journal) = &mut self.journal {
            journal.extend(rows.iter().map(|&row| Change { at, row, present }));
        }
    }
}
