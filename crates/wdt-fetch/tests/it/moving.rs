//! A source in memory whose rows are edited while it is read, and what must be found in a reading of it.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Mutex;

use arrow::array::AsArray;
use arrow::datatypes::{Decimal128Type, Int64Type};
use arrow::record_batch::RecordBatch;
use serde_json::value::RawValue;
use wdt_fetch::{CertifiedPart, FetchError, PageAnswer, PageSource, Target};
use wdt_models::decode::decode;
use wdt_models::time::{Millis, Seconds, format_wall_time};
use wdt_models::{Endpoint, Window};

/// The endpoint all sources here speak.
pub(crate) fn endpoint() -> &'static Endpoint {
    wdt_models::endpoints::find("enterprise_stock").unwrap()
}

/// First second of the rows' cursors.
pub(crate) const START: i64 = 1_700_000_000;
/// The platform's clock, in epoch seconds: long after the rows.
pub(crate) const NOW: i64 = START + 1_000_000;

/// A row of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) spec: i64,
    pub(crate) modified: i64,
    pub(crate) version: i64,
    pub(crate) warehouse: i64,
}

impl Row {
    pub(crate) fn new(spec: i64, modified: i64) -> Self {
        Self { spec, modified, version: 0, warehouse: 1 }
    }

    fn json(self) -> String {
        let Self { spec, modified, version, warehouse } = self;
        let modified = format_wall_time(Seconds(modified));
        format!(
            r#"{{"spec_id":"{spec}","warehouse_id":"{warehouse}","warehouse_no":"WH-{warehouse}","stock_num":"{version}","modified":"{modified}"}}"#
        )
    }
}

/// How the platform sorts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    CursorUpKeyUp,
    CursorDownKeyDown,
    CursorDownKeyUp,
    CursorUpKeyDown,
    KeyUp,
    KeyDown,
    /// By cursor; rows of one second in another order on each call.
    CursorAlone,
}

/// A small seeded generator.
#[derive(Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// A page as the platform would answer it, for a test to meddle with.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) total: u64,
    pub(crate) records: Vec<String>,
}

/// A call as the source saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) window: Window,
    pub(crate) filter: Option<String>,
    pub(crate) page: u32,
}

/// Something a test does to the answer of a call (counted from 0) and to the rows.
pub(crate) type Twist = Box<dyn Fn(usize, &Asked, &mut Vec<Row>, &mut Page) + Send + Sync>;

/// A source whose rows are edited while it is read.
pub(crate) struct Moving {
    pub(crate) world: Mutex<World>,
    pub(crate) sort: Sort,
    pub(crate) page_size: u32,
    /// Times in 100 that rows are edited before a call is answered.
    pub(crate) edits: u64,
    pub(crate) now: i64,
    /// Calls after which no answer comes any more.
    pub(crate) answers: usize,
    pub(crate) twist: Twist,
}

/// The rows, and who asked for them.
pub(crate) struct World {
    rows: Vec<Row>,
    dice: Dice,
    asked: Vec<Asked>,
}

impl Moving {
    /// Rows that nobody edits, in pages of 10.
    pub(crate) fn new(rows: Vec<Row>, seed: u64) -> Self {
        let world = World { rows, dice: Dice(seed), asked: Vec::new() };
        let twist: Twist = Box::new(|_, _, _, _| {});
        Self {
            world: Mutex::new(world),
            sort: Sort::CursorUpKeyUp,
            page_size: 10,
            edits: 0,
            now: NOW,
            answers: usize::MAX,
            twist,
        }
    }

    /// Rows spread over a window, several in one second.
    pub(crate) fn spread(count: i64, window: Window, seed: u64) -> Self {
        let mut dice = Dice(seed);
        let seconds = u64::try_from(window.seconds()).unwrap() + 1;
        let rows =
            (0..count).map(|spec| Row::new(spec, (window.start + i64::try_from(dice.below(seconds)).unwrap()).0));
        Self::new(rows.collect(), seed)
    }

    pub(crate) fn twisted(
        mut self,
        twist: impl Fn(usize, &Asked, &mut Vec<Row>, &mut Page) + Send + Sync + 'static,
    ) -> Self {
        self.twist = Box::new(twist);
        self
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.world.lock().unwrap().asked.clone()
    }

    /// (spec, version) of the rows that are in the window now.
    pub(crate) fn standing(&self, window: Window) -> BTreeSet<(i64, i64)> {
        let world = self.world.lock().unwrap();
        let inside = world.rows.iter().filter(|row| (window.start..=window.end).contains(&Seconds(row.modified)));
        inside.map(|row| (row.spec, row.version)).collect()
    }

    fn answer(&self, asked: &Asked) -> Page {
        let mut world = self.world.lock().unwrap();
        let World { rows, dice, asked: calls } = &mut *world;
        let call = calls.len();
        calls.push(asked.clone());
        if call > 0 && dice.below(100) < self.edits {
            self.edit(rows, dice, asked.window);
        }
        let mut matching: Vec<Row> = rows.iter().copied().filter(|row| matches(asked, row)).collect();
        self.sort(&mut matching, dice);
        let from = asked.page as usize * self.page_size as usize;
        let records = matching.iter().skip(from).take(self.page_size as usize).map(|row| row.json()).collect();
        let mut page = Page { total: matching.len() as u64, records };
        (self.twist)(call, asked, rows, &mut page);
        page
    }

    /// One to three rows of the window are changed and leave it.
    fn edit(&self, rows: &mut [Row], dice: &mut Dice, window: Window) {
        for _ in 0..=dice.below(3) {
            let inside: Vec<usize> = (0..rows.len()).filter(|&at| rows[at].modified <= window.end.0).collect();
            if !inside.is_empty() {
                let row = &mut rows[inside[usize::try_from(dice.below(inside.len() as u64)).unwrap()]];
                (row.modified, row.version) = (self.now, row.version + 1);
            }
        }
    }

    fn sort(&self, rows: &mut [Row], dice: &mut Dice) {
        let nonce = i64::try_from(dice.below(1 << 30)).unwrap() | 1;
        rows.sort_by_key(|row| match self.sort {
            Sort::CursorUpKeyUp => (row.modified, row.spec),
            Sort::CursorDownKeyDown => (-row.modified, -row.spec),
            Sort::CursorDownKeyUp => (-row.modified, row.spec),
            Sort::CursorUpKeyDown => (row.modified, -row.spec),
            Sort::KeyUp => (row.spec, row.warehouse),
            Sort::KeyDown => (-row.spec, -row.warehouse),
            Sort::CursorAlone => (row.modified, row.spec.wrapping_mul(nonce) % 10_007),
        });
    }
}

fn matches(asked: &Asked, row: &Row) -> bool {
    let warehouse = asked.filter.as_ref().is_none_or(|value| *value == format!("WH-{}", row.warehouse));
    warehouse && (asked.window.start..=asked.window.end).contains(&Seconds(row.modified))
}

impl PageSource for Moving {
    fn endpoint(&self) -> &'static Endpoint {
        endpoint()
    }

    fn page(
        &self,
        target: Target,
        filter: Option<(&str, &str)>,
        page: u32,
    ) -> impl Future<Output = Result<PageAnswer, FetchError>> + Send {
        let Target::Window(window) = target else { panic!("{target}") };
        let filter = filter.map(|(param, value)| {
            assert_eq!(param, "warehouse_no");
            value.to_owned()
        });
        let Page { total, records } = self.answer(&Asked { window, filter, page });
        let mut world = self.world.lock().unwrap();
        let (naps, silent) = (world.dice.below(4), world.asked.len() > self.answers);
        drop(world);
        async move {
            if silent {
                std::future::pending::<()>().await;
            }
            for _ in 0..naps {
                tokio::task::yield_now().await;
            }
            Ok(answer(page, total, records))
        }
    }

    fn page_size(&self) -> u32 {
        self.page_size
    }

    fn first_page(&self) -> u32 {
        0
    }

    fn platform_now(&self) -> Millis {
        Seconds(self.now).millis()
    }
}

fn answer(page: u32, total: u64, records: Vec<String>) -> PageAnswer {
    let records: Vec<Box<RawValue>> = records.into_iter().map(|text| RawValue::from_string(text).unwrap()).collect();
    let records: Vec<&RawValue> = records.iter().map(AsRef::as_ref).collect();
    let decoded = decode(endpoint(), &records, &wdt_models::decode::Asked::page(page, false));
    PageAnswer { total: (page == 0).then_some(total), decoded, refused: Vec::new(), bytes: 0 }
}

/// (spec, version) of every record in the parts, as often as it is there.
pub(crate) fn found(parts: &[CertifiedPart]) -> Vec<(i64, i64)> {
    parts.iter().flat_map(|part| &part.batches).flat_map(records).collect()
}

/// (spec, version) of every record in a batch.
pub(crate) fn records(batch: &RecordBatch) -> Vec<(i64, i64)> {
    let column = |name: &str| batch.column(endpoint().position(name).unwrap());
    let specs = column("spec_id").as_primitive::<Int64Type>().values();
    let versions = column("stock_num").as_primitive::<Decimal128Type>().values();
    specs.iter().zip(versions).map(|(&spec, &version)| (spec, i64::try_from(version / 10_000).unwrap())).collect()
}

/// Fails unless every row that stands in the window was read, in its present version.
pub(crate) fn assert_nothing_missing(source: &Moving, window: Window, parts: &[CertifiedPart]) {
    let found: BTreeSet<_> = found(parts).into_iter().collect();
    let missing: Vec<_> = source.standing(window).difference(&found).copied().collect();
    assert!(missing.is_empty(), "missing {missing:?}");
}
