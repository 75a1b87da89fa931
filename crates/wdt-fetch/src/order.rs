//! Whether a backward walk saw its records in one strict order.
//!
//! The walk's proof rests on the platform sorting by something strict: then a row keeps its place among the others and
//! only moves towards the first page when another one leaves. What was read must show it: inside each page the records
//! go strictly up (or down), and those not seen on later pages come strictly before all that were. Refused records
//! have no readable place and are passed over, their neighbours show the order; a page of nothing else shows nothing.

use std::collections::HashSet;

use arrow::array::ArrayRef;
use arrow::compute::SortOptions;
use arrow::row::{RowConverter, SortField};
use wdt_models::decode::Decoded;
use wdt_models::{Endpoint, Order};

/// What a backward walk has seen so far.
pub(crate) struct Evidence {
    tracks: Vec<Track>,
    broken: bool,
}

/// One way to compare records, in both directions.
struct Track {
    columns: Vec<(usize, SortOptions)>,
    up: Option<Order>,
    down: Option<Order>,
    seen: HashSet<Vec<u8>>,
    least: Option<Vec<u8>>,
    greatest: Option<Vec<u8>>,
}

impl Evidence {
    pub(crate) fn new(endpoint: &Endpoint) -> Self {
        let (up, down) = (SortOptions::default(), SortOptions::default().desc());
        let key = || endpoint.key_positions().into_iter().map(|position| (position, up));
        let with_cursor =
            |options| endpoint.cursor_position().map(|cursor| (cursor, options)).into_iter().chain(key()).collect();
        let tracks = vec![
            Track::new(with_cursor(up), Order::CursorUpKeyUp, Order::CursorDownKeyDown),
            Track::new(with_cursor(down), Order::CursorDownKeyUp, Order::CursorUpKeyDown),
            Track::new(key().collect(), Order::KeyUp, Order::KeyDown),
        ];
        Self { tracks, broken: false }
    }

    /// Takes in the next page of the walk, which comes before all pages taken in so far.
    pub(crate) fn page(&mut self, page: &Decoded) {
        if page.batch.num_rows() == 0 {
            self.broken |= !page.fingerprints.is_empty();
            return;
        }
        self.tracks.iter_mut().for_each(|track| track.page(page));
    }

    /// The strict order that all pages were in, the first that fits.
    pub(crate) fn order(&self) -> Order {
        let order = self.tracks.iter().find_map(|track| track.up.or(track.down));
        order.filter(|_| !self.broken).unwrap_or(Order::NotStrict)
    }
}

impl Track {
    fn new(columns: Vec<(usize, SortOptions)>, up: Order, down: Order) -> Self {
        Self { columns, up: Some(up), down: Some(down), seen: HashSet::new(), least: None, greatest: None }
    }

    fn page(&mut self, page: &Decoded) {
        let Some(rows) = self.comparable(page) else {
            (self.up, self.down) = (None, None);
            return;
        };
        // A row that was met before has moved here from a later page. It cannot come before all that were met: only the
        // others are asked to.
        let new: Vec<&Vec<u8>> = rows.iter().filter(|row| !self.seen.contains(*row)).collect();
        let before_all = new.iter().all(|&row| self.least.as_ref().is_none_or(|least| row < least));
        let after_all = new.iter().all(|&row| self.greatest.as_ref().is_none_or(|greatest| row > greatest));
        self.up = self.up.filter(|_| before_all && rows.is_sorted_by(|a, b| a < b));
        self.down = self.down.filter(|_| after_all && rows.is_sorted_by(|a, b| a > b));
        self.least = rows.iter().chain(&self.least).min().cloned();
        self.greatest = rows.iter().chain(&self.greatest).max().cloned();
        self.seen.extend(rows);
    }

    /// The records as bytes that compare like the columns.
    fn comparable(&self, page: &Decoded) -> Option<Vec<Vec<u8>>> {
        let columns: Vec<ArrayRef> = self.columns.iter().map(|&(at, _)| page.batch.column(at).clone()).collect();
        let sort = columns
            .iter()
            .zip(&self.columns)
            .map(|(column, &(_, options))| SortField::new_with_options(column.data_type().clone(), options));
        let rows = RowConverter::new(sort.collect()).ok()?.convert_columns(&columns).ok()?;
        Some(rows.iter().map(|row| row.as_ref().to_vec()).collect())
    }
}
