//! The rows the ERP holds for one merchant and dataset, to page through, to change by hand and to compare tables with.

mod index;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wdt_models::{Endpoint, Window};

use self::index::Index;
pub(crate) use self::index::Selection;
use crate::{
    config::{Clock, DEFAULT_ROWS, DEFAULT_SPAN_SECONDS, PageOrder, SimConfig},
    dice::{Dice, number_of},
    render::Renderer,
    role::{self, Label},
};

/// One row: its number, its cursor and how often it was changed. The rest is made from these when it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Row {
    /// Number of the row, from 0, in the order of the key.
    pub id: u32,
    /// The cursor, in epoch seconds.
    pub modified: i64,
    /// How often the row was changed.
    pub version: u32,
}

/// The rows of one merchant and dataset. Clones see the same rows.
#[derive(Debug, Clone)]
pub struct Ledger(Arc<Inner>);

struct Inner {
    endpoint: &'static Endpoint,
    renderer: Renderer,
    clock: Clock,
    seed: u64,
    rows: Mutex<Rows>,
}

#[derive(Debug)]
struct Rows {
    index: Index,
    dice: Dice,
}

/// Rows of one page and how many rows there are on all pages.
pub(crate) struct Page {
    pub(crate) total: usize,
    pub(crate) rows: Vec<Row>,
}

impl Ledger {
    pub(crate) fn new(endpoint: &'static Endpoint, sid: &str, config: &SimConfig) -> Self {
        let seed = Dice::new(config.seed, &[number_of(sid), number_of(endpoint.dataset)]).draw();
        let renderer = Renderer::new(endpoint, seed, config.forms.escapes, config.refused_rows);
        let index = Index::new(&cursors(endpoint, config, seed));
        let rows = Mutex::new(Rows { index, dice: Dice::new(seed, &[3]) });
        Self(Arc::new(Inner { endpoint, renderer, clock: Arc::clone(&config.clock), seed, rows }))
    }

    /// The endpoint whose records these are.
    #[must_use]
    pub fn endpoint(&self) -> &'static Endpoint {
        self.0.endpoint
    }

    /// Every row the platform would answer with now, by number.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        self.lock().index.present()
    }

    /// A row's key, in the order of the endpoint's key columns.
    #[must_use]
    pub fn key(&self, row: Row) -> Vec<i64> {
        self.0.renderer.key(self.0.endpoint, row.id)
    }

    /// A row's record: the JSON object an answer holds for it, byte for byte.
    #[must_use]
    pub fn record(&self, row: Row) -> String {
        let mut out = String::new();
        self.push_record(row, &mut out);
        out
    }

    /// Appends a row's record.
    pub(crate) fn push_record(&self, row: Row, out: &mut String) {
        self.0.renderer.push_record(row, out);
    }

    /// Changes one to three rows: three times in four rows of the window that was just read, so that it shifts.
    pub(crate) fn edit_near(&self, selection: &Selection, dice: &mut Dice) {
        let now = (self.0.clock)();
        let mut rows = self.lock();
        for _ in 0..=dice.below(3) {
            let everything = Selection::everything();
            let near = if dice.one_in(4) { &everything } else { selection };
            let drawn = rows.index.draw(near, dice);
            rows.index.touch(drawn.as_slice(), now);
        }
    }

    /// One page of a selection; `nonce` orders rows of one second where their order is not stable.
    pub(crate) fn page(&self, selection: &Selection, order: PageOrder, pages: (u32, u32), nonce: u64) -> Page {
        let (page_no, page_size) = pages;
        let first = page_no as usize * page_size as usize;
        let mut dice = Dice::new(self.0.seed, &[4, nonce]);
        self.lock().index.page(selection, order, first..first + page_size as usize, &mut dice)
    }

    /// The rows a documented filter on a SKU's code or barcode selects, in one group or in all.
    pub(crate) fn about(&self, param: &str, value: &str, group: Option<usize>) -> Selection {
        let kind = if param == "barcode" { Label::Barcode } else { Label::SpecNo };
        let ids = role::number_of_label(kind, value).map_or_else(Vec::new, |number| self.0.renderer.rows_about(number));
        Selection::Rows(ids.into_iter().filter(|&id| group.is_none_or(|group| group == role::group(id))).collect())
    }

    fn lock(&self) -> MutexGuard<'_, Rows> {
        self.0.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::must_use_candidate, reason = "the change is the point; not every caller wants the rows")]
impl Ledger {
    /// Changes the quantities of that many rows, drawn from all, now; gives them as they are afterwards.
    pub fn edit(&self, count: usize) -> Vec<Row> {
        let now = (self.0.clock)();
        let mut rows = self.lock();
        let ids = rows.draw_present(count);
        rows.index.touch(&ids, now)
    }

    /// Adds that many new rows, dated now.
    pub fn add(&self, count: usize) -> Vec<Row> {
        let now = (self.0.clock)();
        let mut rows = self.lock();
        (0..count).map_while(|_| rows.index.add(now)).collect()
    }

    /// Removes that many rows, drawn from all, without a trace; gives them as they were.
    pub fn delete(&self, count: usize) -> Vec<Row> {
        let mut rows = self.lock();
        let ids = rows.draw_present(count);
        ids.into_iter().map(|id| rows.index.remove(id)).collect()
    }

    /// Brings back up to that many deleted rows, changed and dated now, lowest numbers first.
    pub fn restore(&self, count: usize) -> Vec<Row> {
        let now = (self.0.clock)();
        let mut rows = self.lock();
        let ids: Vec<_> = rows.index.deleted().take(count).collect();
        rows.index.touch(&ids, now)
    }
}

impl Rows {
    /// That many different rows that are there.
    fn draw_present(&mut self, count: usize) -> Vec<u32> {
        let mut ids: Vec<_> = self.index.present().into_iter().map(|row| row.id).collect();
        let count = count.min(ids.len());
        for place in 0..count {
            let left = ids.len() - place;
            let other = place + usize::try_from(self.dice.below(left as u64)).unwrap_or(0);
            ids.swap(place, other);
        }
        ids.truncate(count);
        ids
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("dataset", &self.endpoint.dataset).finish_non_exhaustive()
    }
}

/// The cursor of every row: spread over the span, some in the second of the row before, some in one bulk second.
fn cursors(endpoint: &Endpoint, config: &SimConfig, seed: u64) -> Vec<i64> {
    let now = (config.clock)();
    let span = config.span.unwrap_or_else(|| Window::new(now - DEFAULT_SPAN_SECONDS, now));
    let seconds = u64::try_from(span.seconds()).unwrap_or(0) + 1;
    let mut dice = Dice::new(seed, &[5]);
    let mut last = span.start;
    let count = config.rows.get(endpoint.dataset).copied().unwrap_or(DEFAULT_ROWS);
    let cursor = |id| {
        if id < config.bulk_second {
            return span.start + span.seconds() / 2;
        }
        if !dice.one_in(8) {
            last = span.start + i64::try_from(dice.below(seconds)).unwrap_or(0);
        }
        last
    };
    (0..count).map(cursor).collect()
}
