//! A slice of a snapshot in memory whose rows come and go while it is read.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::AsArray;
use serde_json::value::RawValue;
use wdt_fetch::{CertifiedSlice, FetchError, PageAnswer, PageSource, Target, WindowError, read_slice};
use wdt_models::decode::{Asked, decode};
use wdt_models::time::Millis;
use wdt_models::{Endpoint, Slice};

use crate::moving::Dice;

pub(crate) fn endpoint() -> &'static Endpoint {
    wdt_models::endpoints::find("cainiao_inventory").unwrap()
}

/// The slice that all tests read.
pub(crate) fn slice() -> Slice {
    let pairs = [("store_code", "STORE_1"), ("type", "1"), ("inventory_type", "1")];
    Slice(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec())
}

/// A row of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) id: i64,
    pub(crate) quantity: i64,
}

impl Item {
    pub(crate) fn json(self) -> String {
        let Self { id, quantity } = self;
        format!(r#"{{"item_id":"{id}","store_code":"STORE_1","inventory_type":1,"quantity":{quantity}}}"#)
    }
}

/// A page as the platform would answer it, for a test to meddle with.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) total: Option<u64>,
    pub(crate) records: Vec<String>,
}

/// Something a test does to the rows before a call (counted from 0) for a page (counted from 1) is answered.
type Before = Box<dyn Fn(usize, u32, &mut Vec<Item>) + Send + Sync>;
/// Something a test does to the answer.
type Twist = Box<dyn Fn(usize, u32, &mut Page) + Send + Sync>;

/// A slice whose rows come and go while it is read, in pages of 10.
pub(crate) struct Shelf {
    rows: Mutex<Vec<Item>>,
    asked: Mutex<Vec<u32>>,
    in_flight: AtomicUsize,
    before: Before,
    twist: Twist,
}

impl Shelf {
    pub(crate) fn new(rows: i64) -> Self {
        Self {
            rows: Mutex::new((0..rows).map(|id| Item { id, quantity: id }).collect()),
            asked: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            before: Box::new(|_, _, _| {}),
            twist: Box::new(|_, _, _| {}),
        }
    }

    pub(crate) fn moved(mut self, before: impl Fn(usize, u32, &mut Vec<Item>) + Send + Sync + 'static) -> Self {
        self.before = Box::new(before);
        self
    }

    pub(crate) fn twisted(mut self, twist: impl Fn(usize, u32, &mut Page) + Send + Sync + 'static) -> Self {
        self.twist = Box::new(twist);
        self
    }

    /// Of 100 calls, before so many a row comes or goes or changes, one row at a time.
    pub(crate) fn drifting(self, of_100: u64, seed: u64) -> Self {
        let dice = Mutex::new(Dice(seed));
        self.moved(move |call, _, rows| {
            let mut dice = dice.lock().unwrap();
            if dice.below(100) >= of_100 || rows.is_empty() {
                return;
            }
            let at = usize::try_from(dice.below(rows.len() as u64)).unwrap();
            match dice.below(3) {
                0 => drop(rows.remove(at)),
                1 => rows.insert(at, Item { id: 1000 + i64::try_from(call).unwrap(), quantity: 0 }),
                _ => rows[at].quantity += 1,
            }
        })
    }

    /// Pages asked for, in order.
    pub(crate) fn asked(&self) -> Vec<u32> {
        self.asked.lock().unwrap().clone()
    }

    /// Ids of the rows that stand now.
    pub(crate) fn standing(&self) -> BTreeSet<i64> {
        self.rows.lock().unwrap().iter().map(|row| row.id).collect()
    }

    pub(crate) async fn read(&self, stood: bool) -> Result<CertifiedSlice, WindowError> {
        read_slice(self, slice(), stood).await
    }

    fn answer(&self, page_no: u32) -> Page {
        let call = {
            let mut asked = self.asked.lock().unwrap();
            asked.push(page_no);
            asked.len() - 1
        };
        let mut rows = self.rows.lock().unwrap();
        (self.before)(call, page_no, &mut rows);
        let records = rows.iter().skip((page_no as usize - 1) * 10).take(10).map(|row| row.json()).collect();
        let mut page = Page { total: Some(rows.len() as u64), records };
        (self.twist)(call, page_no, &mut page);
        page
    }
}

impl PageSource for Shelf {
    fn endpoint(&self) -> &'static Endpoint {
        endpoint()
    }

    fn page(
        &self,
        target: Target,
        filter: Option<(&str, &str)>,
        page_no: u32,
    ) -> impl Future<Output = Result<PageAnswer, FetchError>> + Send {
        assert_eq!((target, filter), (Target::Slice(slice()), None));
        assert_eq!(self.in_flight.fetch_add(1, Ordering::Relaxed), 0, "pages of a slice are read one after another");
        let Page { total, records } = self.answer(page_no);
        async move {
            tokio::task::yield_now().await;
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
            let records: Vec<_> = records.into_iter().map(|text| RawValue::from_string(text).unwrap()).collect();
            let records: Vec<&RawValue> = records.iter().map(AsRef::as_ref).collect();
            let decoded = decode(endpoint(), &records, &Asked { page: page_no, personal: false, slice: &slice() });
            Ok(PageAnswer { total, decoded, refused: Vec::new(), bytes: 0 })
        }
    }

    fn page_size(&self) -> u32 {
        10
    }

    fn first_page(&self) -> u32 {
        1
    }

    fn platform_now(&self) -> Millis {
        Millis(1_764_000_000_000)
    }
}

/// Ids of the rows read, as often as they are there.
pub(crate) fn found(read: &CertifiedSlice) -> Vec<i64> {
    let at = endpoint().position("item_id").unwrap();
    let ids = read.batches.iter().flat_map(|batch| batch.column(at).as_string::<i32>().iter().flatten());
    ids.map(|id| id.parse().unwrap()).collect()
}

/// Fails unless exactly the rows that stand were read.
pub(crate) fn assert_whole(shelf: &Shelf, read: &CertifiedSlice) {
    assert_eq!(found(read).into_iter().collect::<BTreeSet<_>>(), shelf.standing());
}
