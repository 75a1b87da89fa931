//! The rows the ERP holds for one merchant and dataset, to page through, to change by hand and to compare tables with.

mod index;
mod rows;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wdt_models::time::Seconds;
use wdt_models::{Endpoint, Method, Slice, Window};

use self::index::Index;
use self::rows::Rows;
use crate::{
    config::{Clock, DEFAULT_ROWS, DEFAULT_SPAN_SECONDS, PageOrder, SimConfig},
    dice::{Dice, number_of},
    filter::{self, Filter},
    form::Forms,
    label::Label,
    places::{self, FIRST_ID},
    render::Renderer,
    role,
    row::{Change, Page, Row, Selection},
    spelling::Spelling,
    spread::Spread,
    value::{CellValue, Source},
};

/// The rows of one merchant and dataset. Clones see the same rows.
///
/// A dataset that is asked for by ids does not have rows of its own. Its ledger shows those of its source that the
/// platform computes it for, and changes them there.
#[derive(Debug, Clone)]
pub struct Ledger(Arc<Inner>);

struct Inner {
    endpoint: &'static Endpoint,
    renderer: Renderer,
    forms: Forms,
    clock: Clock,
    seed: u64,
    churn: f64,
    rows: Arc<Mutex<Rows>>,
    /// Only the rows that may be asked for by id.
    by_id: bool,
}

impl Ledger {
    /// The rows of a merchant; `source` has the rows of a dataset that is asked for by ids.
    pub(crate) fn new(endpoint: &'static Endpoint, merchant: &str, config: &SimConfig, source: Option<&Self>) -> Self {
        let seed = Dice::new(config.seed, &[number_of(merchant), number_of(endpoint.dataset)]).draw();
        let spread = source.map_or_else(|| Arc::new(Spread::new(endpoint, seed)), Self::spread);
        let cells = Source {
            seed,
            spread: Arc::clone(&spread),
            grouped: role::is_grouped(endpoint),
            lists_places: role::lists_places(endpoint),
            marks: source.map_or(seed, |source| source.0.seed),
            stopped_in: config.stopped_goods,
        };
        let own = || {
            let index = Index::new(&cursors(endpoint, config, seed), spread, endpoint.cursor().is_some());
            let dice = Dice::new(seed, &[3]);
            let rows = Rows::new(index, dice, config.shown_after_seconds, config.journal, (config.clock)());
            Arc::new(Mutex::new(rows))
        };
        let rows = source.map_or_else(own, |source| Arc::clone(&source.0.rows));
        Self(Arc::new(Inner {
            endpoint,
            renderer: Renderer::new(endpoint, cells, config.refused_rows),
            forms: config.forms,
            clock: Arc::clone(&config.clock),
            seed,
            churn: config.slice_churn,
            rows,
            by_id: source.is_some(),
        }))
    }

    /// The endpoint whose records these are.
    #[must_use]
    pub fn endpoint(&self) -> &'static Endpoint {
        self.0.endpoint
    }

    /// Every row the platform would answer with now, by number.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let rows = self.lock().index.present();
        rows.into_iter().filter(|row| self.shows(row.id)).collect()
    }

    /// Every state of every row since the start, in the order they were shown, where [`SimConfig::journal`] keeps them.
    /// Those at the start are dated then.
    #[must_use]
    pub fn journal(&self) -> Vec<Change> {
        let journal = self.lock().journal();
        journal.into_iter().filter(|change| self.shows(change.row.id)).collect()
    }

    /// A row's key, in the order of the endpoint's key columns; only those columns that hold whole numbers.
    #[must_use]
    pub fn key(&self, row: Row) -> Vec<i64> {
        let number =
            |value: Option<CellValue>| if let Some(CellValue::Int(number)) = value { Some(number) } else { None };
        self.0.endpoint.key.iter().filter_map(|name| number(self.0.renderer.key_value(name, row))).collect()
    }

    /// A row's key as text, in the order of the endpoint's key columns; times are `YYYY-MM-DD HH:MM:SS` in Asia/Shanghai.
    #[must_use]
    pub fn key_text(&self, row: Row) -> Vec<Option<String>> {
        let value = |name: &&str| self.0.renderer.key_value(name, row).and_then(|value| value.text());
        self.0.endpoint.key.iter().map(value).collect()
    }

    /// The slice a row belongs to; empty where the dataset has no slices.
    #[must_use]
    pub fn slice(&self, row: Row) -> Slice {
        self.spread().slice(row.id).cloned().unwrap_or_default()
    }

    /// Every slice of the dataset, with rows or without; empty where it has no slices.
    #[must_use]
    pub fn slices(&self) -> Vec<Slice> {
        self.spread().slices().to_vec()
    }

    /// A row's record, byte for byte: the JSON object that an answer of the endpoint's first method contains for it,
    /// asked for without parameters. On top its numbers are numbers.
    #[must_use]
    pub fn record(&self, row: Row) -> String {
        self.record_of(self.0.endpoint.method(), row)
    }

    /// The same as another of the endpoint's methods answers it.
    #[must_use]
    pub fn record_of(&self, method: &Method, row: Row) -> String {
        let mut out = String::new();
        self.push_record(row, &Spelling::of(self.0.endpoint, method, self.0.forms), &mut out);
        out
    }

    /// Appends a row's record.
    pub(crate) fn push_record(&self, row: Row, spelling: &Spelling, out: &mut String) {
        self.0.renderer.push_record(row, spelling, out);
    }

    /// How rows are spread over groups or slices.
    pub(crate) fn spread(&self) -> Arc<Spread> {
        Arc::clone(&self.0.renderer.source.spread)
    }

    /// Changes one to three rows: three times in four rows of the page's selection, so that a window shifts. In a
    /// dataset with slices a row may vanish or appear instead.
    pub(crate) fn edit_near(&self, selection: &Selection, dice: &mut Dice) {
        let now = (self.0.clock)();
        let mut rows = self.lock();
        for _ in 0..=dice.below(3) {
            let everything = Selection::everything();
            let near = if dice.one_in(4) { &everything } else { selection };
            let drawn = rows.index.draw(near, dice);
            if self.0.endpoint.cursor().is_none() && dice.happens(self.0.churn) {
                rows.churn(drawn, now, dice);
            } else {
                rows.edit(drawn.as_slice(), now);
            }
        }
    }

    /// One page of a selection; `nonce` orders rows of one second where their order is not stable. Pages count from 0.
    pub(crate) fn page(&self, selection: &Selection, order: PageOrder, pages: (u32, u32), nonce: u64) -> Page {
        let (page_no, page_size) = pages;
        let first = page_no as usize * page_size as usize;
        let mut dice = Dice::new(self.0.seed, &[4, nonce]);
        self.lock().index.page(selection, order, first..first + page_size as usize, &mut dice)
    }

    /// The rows a documented filter on a SKU's code or barcode selects, in one group or in all.
    pub(crate) fn about(&self, param: &str, value: &str, group: Option<usize>) -> Selection {
        let kind = if param == "barcode" { Label::Barcode } else { Label::SpecNo };
        let ids = kind.number(value).map_or_else(Vec::new, |number| self.0.renderer.source.rows_about(number));
        Selection::Rows(ids.into_iter().filter(|&id| group.is_none_or(|group| group == places::group(id))).collect())
    }

    /// The rows of a selection that pass every filter.
    pub(crate) fn filtered(&self, selection: Selection, filters: &[Filter]) -> Selection {
        if filters.is_empty() {
            return selection;
        }
        let rows = self.lock().index.rows(&selection);
        let passes = |row: &Row| filter::all_pass(filters, *row, || self.record(*row));
        Selection::Rows(rows.into_iter().filter(passes).map(|row| row.id).collect())
    }

    /// The rows of these slices.
    pub(crate) fn of_slices(&self, parts: &[usize]) -> Selection {
        let part = |part: usize| Selection::Between { start: i64::MIN, end: i64::MAX, part: Some(part) };
        match parts {
            [only] => part(*only),
            several => {
                let rows = self.lock();
                let ids = several.iter().flat_map(|&own| rows.index.rows(&part(own))).map(|row| row.id);
                Selection::Rows(ids.collect())
            }
        }
    }

    /// The row with that number as its key, unless the platform refuses it; with `force` stopped ones are there too.
    pub(crate) fn by_id(&self, id: i64, force: bool) -> Option<Row> {
        let number = u64::try_from(id).ok()?.checked_sub(FIRST_ID).and_then(|number| u32::try_from(number).ok())?;
        let row = self.lock().index.row(number)?;
        let source = &self.0.renderer.source;
        (source.is_eligible(row.id) && (force || !source.is_stopped(row.id))).then_some(row)
    }

    /// Whether the platform answers with a row.
    fn shows(&self, id: u32) -> bool {
        let source = &self.0.renderer.source;
        !self.0.by_id || source.is_eligible(id) && !source.is_stopped(id)
    }

    /// That many different rows that are shown.
    fn draw_shown(&self, rows: &mut Rows, count: usize) -> Vec<u32> {
        let mut ids: Vec<_> = rows.index.present().into_iter().map(|row| row.id).filter(|&id| self.shows(id)).collect();
        let count = count.min(ids.len());
        for place in 0..count {
            let left = ids.len() - place;
            let other = place + usize::try_from(rows.dice.below(left as u64)).unwrap_or(0);
            ids.swap(place, other);
        }
        ids.truncate(count);
        ids
    }

    fn lock(&self) -> MutexGuard<'_, Rows> {
        let now = (self.0.clock)();
        let mut rows = self.0.rows.lock().unwrap_or_else(PoisonError::into_inner);
        rows.show_due(now);
        rows
    }
}

#[expect(clippy::must_use_candidate, reason = "the change is the point; not every caller wants the rows")]
impl Ledger {
    /// Changes the quantities of that many rows, drawn from all, now; gives them as they are shown afterwards.
    pub fn edit(&self, count: usize) -> Vec<Row> {
        let now = (self.0.clock)();
        let mut rows = self.lock();
        let ids = self.draw_shown(&mut rows, count);
        rows.edit(&ids, now)
    }

    /// Changes the quantities of that many rows, drawn from all, and leaves their cursors, as columns do that a
    /// platform computes. Gives the rows as they are afterwards.
    pub fn drift(&self, count: usize) -> Vec<Row> {
        let now = (self.0.clock)();
        let mut rows = self.lock();
        let ids = self.draw_shown(&mut rows, count);
        ids.into_iter().filter_map(|id| rows.drift(id, now)).collect()
    }

    /// Adds that many new rows, dated now; of a dataset that is asked for by ids not all of them are shown.
    pub fn add(&self, count: usize) -> Vec<Row> {
        let now = (self.0.clock)();
        let mut rows = self.lock();
        (0..count).map_while(|_| rows.add(now)).collect()
    }

    /// Removes that many rows, drawn from all, without a trace; gives them as they were.
    pub fn delete(&self, count: usize) -> Vec<Row> {
        let now = (self.0.clock)();
        let mut rows = self.lock();
        let ids = self.draw_shown(&mut rows, count);
        ids.into_iter().map(|id| rows.remove(id, now)).collect()
    }

    /// Brings back up to that many deleted rows, changed and dated now, lowest numbers first.
    pub fn restore(&self, count: usize) -> Vec<Row> {
        let now = (self.0.clock)();
        let mut rows = self.lock();
        let ids: Vec<_> = rows.index.deleted().filter(|&id| self.shows(id)).take(count).collect();
        rows.touch(&ids, now)
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
    let span = config.span.unwrap_or_else(|| Window::new(Seconds(now - DEFAULT_SPAN_SECONDS), Seconds(now)));
    let seconds = u64::try_from(span.seconds()).unwrap_or(0) + 1;
    let mut dice = Dice::new(seed, &[5]);
    let mut last = span.start.0;
    let count = config.rows.get(endpoint.dataset).copied().unwrap_or(DEFAULT_ROWS);
    let cursor = |id| {
        if id < config.bulk_second {
            return span.start.0 + span.seconds() / 2;
        }
        if !dice.one_in(8) {
            last = span.start.0 + i64::try_from(dice.below(seconds)).unwrap_or(0);
        }
        last
    };
    (0..count).map(cursor).collect()
}
