//! Rows in the order of their cursor, so that a page is a slice whatever the window and however many rows there are.

use std::{ops::Range, sync::Arc};

use crate::{
    config::PageOrder,
    dice::Dice,
    row::{Page, Row, Selection},
    spread::Spread,
};

/// Above so many changes at once the whole order is sorted again, instead of moving row by row.
const MOVED_AT_MOST: usize = 512;

/// A cursor (0 where there is no cursor to order by) and a row's number; sorted.
type Entry = (i64, u32);

#[derive(Debug, Clone, Copy)]
struct RowState {
    modified: i64,
    version: u32,
    present: bool,
}

/// Every row, and the order of those that are there: of all, and of each group or slice.
#[derive(Debug)]
pub(super) struct Index {
    states: Vec<RowState>,
    spread: Arc<Spread>,
    /// Whether an edit moves a row to the end.
    by_cursor: bool,
    all: Vec<Entry>,
    parts: Vec<Vec<Entry>>,
}

impl Index {
    pub(super) fn new(cursors: &[i64], spread: Arc<Spread>, by_cursor: bool) -> Self {
        let states = cursors.iter().map(|&modified| RowState { modified, version: 0, present: true }).collect();
        let parts = vec![Vec::new(); spread.parts()];
        let mut index = Self { states, spread, by_cursor, all: Vec::new(), parts };
        index.sort();
        index
    }

    pub(super) fn present(&self) -> Vec<Row> {
        self.numbered().filter(|(_, state)| state.present).map(|(id, state)| state.row(id)).collect()
    }

    /// A row that is there.
    pub(super) fn row(&self, id: u32) -> Option<Row> {
        self.states.get(id as usize).filter(|state| state.present).map(|state| state.row(id))
    }

    /// The rows of a selection.
    pub(super) fn rows(&self, selection: &Selection) -> Vec<Row> {
        match selection {
            Selection::Between { start, end, part } => {
                self.slice(*start, *end, *part).iter().filter_map(|entry| self.row(entry.1)).collect()
            }
            Selection::Rows(ids) => ids.iter().filter_map(|&id| self.row(id)).collect(),
        }
    }

    pub(super) fn deleted(&self) -> impl Iterator<Item = u32> + '_ {
        self.numbered().filter(|(_, state)| !state.present).map(|(id, _)| id)
    }

    /// Changes rows at that second, and brings back deleted ones.
    pub(super) fn touch(&mut self, ids: &[u32], now: i64) -> Vec<Row> {
        let one_by_one = ids.len() <= MOVED_AT_MOST;
        for &id in ids {
            if one_by_one {
                self.take_out(id);
            }
            let Some(state) = self.states.get_mut(id as usize) else { continue };
            *state = RowState { modified: now, version: state.version + 1, present: true };
            if one_by_one {
                self.put_in(id, now);
            }
        }
        if !one_by_one {
            self.sort();
        }
        ids.iter().filter_map(|&id| self.states.get(id as usize).map(|state| state.row(id))).collect()
    }

    /// Changes a row that is there and leaves its cursor.
    pub(super) fn drift(&mut self, id: u32) -> Option<Row> {
        let state = self.states.get_mut(id as usize).filter(|state| state.present)?;
        state.version += 1;
        Some(state.row(id))
    }

    /// Adds a row; `None` when there are as many as can be numbered.
    pub(super) fn add(&mut self, now: i64) -> Option<Row> {
        let id = u32::try_from(self.states.len()).ok()?;
        let state = RowState { modified: now, version: 0, present: true };
        self.states.push(state);
        self.put_in(id, now);
        Some(state.row(id))
    }

    /// Removes a row that is there.
    pub(super) fn remove(&mut self, id: u32) -> Row {
        self.take_out(id);
        let state = &mut self.states[id as usize];
        state.present = false;
        state.row(id)
    }

    /// One row of a selection.
    pub(super) fn draw(&self, selection: &Selection, dice: &mut Dice) -> Option<u32> {
        match selection {
            Selection::Between { start, end, part } => dice.pick(self.slice(*start, *end, *part)).map(|entry| entry.1),
            Selection::Rows(ids) => dice.pick(ids).copied().filter(|&id| self.is_present(id)),
        }
    }

    /// The rows of a selection at those positions of the order.
    pub(super) fn page(
        &self,
        selection: &Selection,
        order: PageOrder,
        positions: Range<usize>,
        dice: &mut Dice,
    ) -> Page {
        let picked: Vec<Entry>;
        let slice = match selection {
            Selection::Between { start, end, part } => self.slice(*start, *end, *part),
            Selection::Rows(ids) => {
                picked = self.entries(ids);
                &picked
            }
        };
        let total = slice.len();
        let positions = positions.start.min(total)..positions.end.min(total);
        let entries = match order {
            PageOrder::Strict => slice[positions].to_vec(),
            PageOrder::Desc => slice.iter().rev().take(positions.end).skip(positions.start).copied().collect(),
            PageOrder::Key => by_key(slice, positions),
            PageOrder::ModifiedOnly => with_ties_shuffled(slice, positions, dice),
        };
        Page { total, rows: entries.into_iter().map(|(_, id)| self.states[id as usize].row(id)).collect() }
    }

    fn slice(&self, start: i64, end: i64, part: Option<usize>) -> &[Entry] {
        let entries = part.map_or(&self.all, |part| &self.parts[part]);
        let first = entries.partition_point(|entry| entry.0 < start);
        let behind = entries.partition_point(|entry| entry.0 <= end);
        entries.get(first..behind).unwrap_or_default()
    }

    fn entries(&self, ids: &[u32]) -> Vec<Entry> {
        let present = ids.iter().filter(|&&id| self.is_present(id));
        let mut entries: Vec<_> = present.map(|&id| self.entry(id, self.states[id as usize].modified)).collect();
        entries.sort_unstable();
        entries
    }

    fn entry(&self, id: u32, modified: i64) -> Entry {
        (if self.by_cursor { modified } else { 0 }, id)
    }

    fn is_present(&self, id: u32) -> bool {
        self.states.get(id as usize).is_some_and(|state| state.present)
    }

    fn numbered(&self) -> impl Iterator<Item = (u32, RowState)> + '_ {
        (0..).zip(self.states.iter().copied())
    }

    fn sort(&mut self) {
        let mut all: Vec<_> = self.present().iter().map(|row| self.entry(row.id, row.modified)).collect();
        all.sort_unstable();
        self.parts.iter_mut().for_each(Vec::clear);
        for &entry in &all {
            self.parts[self.spread.part(entry.1)].push(entry);
        }
        self.all = all;
    }

    fn take_out(&mut self, id: u32) {
        let Some(state) = self.states.get(id as usize).filter(|state| state.present) else { return };
        let entry = self.entry(id, state.modified);
        for entries in [&mut self.all, &mut self.parts[self.spread.part(id)]] {
            if let Ok(place) = entries.binary_search(&entry) {
                entries.remove(place);
            }
        }
    }

    fn put_in(&mut self, id: u32, modified: i64) {
        let entry = self.entry(id, modified);
        for entries in [&mut self.all, &mut self.parts[self.spread.part(id)]] {
            let place = entries.partition_point(|other| *other < entry);
            entries.insert(place, entry);
        }
    }
}

impl RowState {
    fn row(self, id: u32) -> Row {
        Row { id, modified: self.modified, version: self.version }
    }
}

/// The one order that is not kept ready: each page sorts its window.
fn by_key(slice: &[Entry], positions: Range<usize>) -> Vec<Entry> {
    let mut entries = slice.to_vec();
    entries.sort_unstable_by_key(|entry| entry.1);
    entries[positions].to_vec()
}

/// Rows of one second change places; a second that reaches over the page's ends is shuffled as a whole.
fn with_ties_shuffled(slice: &[Entry], positions: Range<usize>, dice: &mut Dice) -> Vec<Entry> {
    let (Some(first), Some(last)) = (slice.get(positions.start), slice.get(positions.end.wrapping_sub(1))) else {
        return Vec::new();
    };
    let from = slice.partition_point(|entry| entry.0 < first.0);
    let to = slice.partition_point(|entry| entry.0 <= last.0);
    let mut keyed: Vec<_> = slice[from..to].iter().map(|&(modified, id)| (modified, dice.draw(), id)).collect();
    keyed.sort_unstable();
    keyed[positions.start - from..positions.end - from].iter().map(|&(modified, _, id)| (modified, id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cursors: &[i64]) -> Index {
        Index::new(cursors, Arc::new(Spread::Places), true)
    }

    fn page(index: &Index, order: PageOrder, positions: Range<usize>) -> Vec<u32> {
        let mut dice = Dice::new(9, &[]);
        let page = index.page(&Selection::everything(), order, positions, &mut dice);
        page.rows.iter().map(|row| row.id).collect()
    }

    #[test]
    fn orders_are_what_they_say() {
        let index = of(&[30, 10, 10, 20]);
        assert_eq!(page(&index, PageOrder::Strict, 0..9), [1, 2, 3, 0]);
        assert_eq!(page(&index, PageOrder::Key, 1..3), [1, 2]);
        assert_eq!(page(&index, PageOrder::Desc, 1..3), [3, 2]);
        assert_eq!(page(&index, PageOrder::Strict, 4..9), [0; 0]);
    }

    #[test]
    fn an_edit_moves_a_row_only_where_there_is_a_cursor() {
        for (by_cursor, expected) in [(true, [1, 2, 0]), (false, [0, 1, 2])] {
            let mut index = Index::new(&[10, 20, 30], Arc::new(Spread::Places), by_cursor);
            index.touch(&[0], 40);
            assert_eq!(page(&index, PageOrder::Strict, 0..9), expected);
        }
    }

    #[test]
    fn moving_and_sorting_again_give_the_same_order() {
        let cursors: Vec<i64> = (0..2000).map(|id| id % 97).collect();
        let ids: Vec<u32> = (0..2000).step_by(2).collect();
        let (mut moved, mut sorted) = (of(&cursors), of(&cursors));
        for &id in &ids {
            moved.touch(&[id], 50);
        }
        sorted.touch(&ids, 50);
        assert_eq!(moved.all, sorted.all);
        assert_eq!(moved.parts, sorted.parts);
    }

    #[test]
    fn a_second_is_shuffled_as_a_whole() {
        let index = of(&[5; 40]);
        let mut dice = Dice::new(1, &[]);
        let mut draw = || index.page(&Selection::everything(), PageOrder::ModifiedOnly, 0..10, &mut dice).rows;
        let (first, second) = (draw(), draw());
        assert_ne!(first, second);
        assert!(first.iter().any(|row| row.id >= 10), "rows from behind the page's end come in");
    }
}
