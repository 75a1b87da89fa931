//! Lists of ids: every one is accounted for, or the list is not certified.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use serde_json::value::RawValue;
use wdt_fetch::{Call, CertifiedSlice, FetchError, PageAnswer, PageSource, Target, WindowError, read_ids};
use wdt_models::decode::{Asked, decode};
use wdt_models::error::PlatformError;
use wdt_models::time::Millis;
use wdt_models::{Certificate, Endpoint, Slice, Verdict, Way};

fn endpoint() -> &'static Endpoint {
    wdt_models::endpoints::find("flagship_stock_sync").unwrap()
}

/// An answer for a test to meddle with.
#[derive(Debug, Default)]
struct Answer {
    records: Vec<String>,
    refused: Vec<String>,
    error: Option<PlatformError>,
}

type Twist = Box<dyn Fn(usize, &[i64], &mut Answer) + Send + Sync>;

/// Answers a record for every id.
struct Catalogue {
    size: u32,
    calls: Mutex<Vec<Vec<i64>>>,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
    twist: Twist,
}

fn record(id: i64) -> String {
    format!(r#"{{"rec_id":{id},"syn_stock":{}}}"#, id % 7)
}

impl Catalogue {
    fn new(size: u32, twist: impl Fn(usize, &[i64], &mut Answer) + Send + Sync + 'static) -> Self {
        let (calls, twist) = (Mutex::default(), Box::new(twist));
        Self { size, calls, in_flight: AtomicUsize::new(0), most_in_flight: AtomicUsize::new(0), twist }
    }

    fn calls(&self) -> Vec<Vec<i64>> {
        self.calls.lock().unwrap().clone()
    }

    async fn read(&self, ids: &[i64]) -> Result<CertifiedSlice, WindowError> {
        read_ids(self, ids).await
    }
}

impl PageSource for Catalogue {
    fn endpoint(&self) -> &'static Endpoint {
        endpoint()
    }

    fn page(
        &self,
        target: Target,
        filter: Option<(&str, &str)>,
        page: u32,
    ) -> impl Future<Output = Result<PageAnswer, FetchError>> + Send {
        assert_eq!((filter, page), (None, 0));
        let Target::Ids(ids) = target else { panic!("{target}") };
        let mut answer = Answer { records: ids.iter().map(|&id| record(id)).collect(), ..Answer::default() };
        let call = {
            let mut calls = self.calls.lock().unwrap();
            calls.push(ids.clone());
            calls.len() - 1
        };
        (self.twist)(call, &ids, &mut answer);
        let in_flight = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_in_flight.fetch_max(in_flight, Ordering::Relaxed);
        async move {
            tokio::task::yield_now().await;
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
            if let Some(error) = answer.error {
                let call = Call { method: endpoint().method().name, page };
                return Err(FetchError::Parameter { call, error });
            }
            let records: Vec<_> = answer.records.into_iter().map(|text| RawValue::from_string(text).unwrap()).collect();
            let records: Vec<&RawValue> = records.iter().map(AsRef::as_ref).collect();
            let decoded = decode(endpoint(), &records, &Asked::page(page, false));
            Ok(PageAnswer { total: None, decoded, refused: answer.refused, bytes: 0 })
        }
    }

    fn page_size(&self) -> u32 {
        self.size
    }

    fn first_page(&self) -> u32 {
        0
    }

    fn platform_now(&self) -> Millis {
        Millis(1_764_000_000_000)
    }
}

fn found(read: &CertifiedSlice) -> Vec<i64> {
    let at = endpoint().position("rec_id").unwrap();
    let columns = read.batches.iter().map(|batch| batch.column(at).as_primitive::<Int64Type>());
    columns.flat_map(|column| column.values().to_vec()).collect()
}

fn uncertified(result: Result<CertifiedSlice, WindowError>) -> (Target, String, Certificate) {
    match result {
        Err(WindowError::Uncertified { what, reason, certificate }) => (what, reason, *certificate),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_list_is_asked_for_in_calls_of_a_page_size_side_by_side() {
    let catalogue = Catalogue::new(10, |_, _, _| {});
    let ids: Vec<i64> = (1..=205).rev().chain([7, 7]).collect();
    let read = catalogue.read(&ids).await.unwrap();
    let calls = catalogue.calls();
    assert_eq!((calls.len(), calls[0].len(), calls[20].len()), (21, 10, 5));
    assert_eq!(found(&read), (1..=205).collect::<Vec<_>>(), "each once, in order");
    assert!((2..=8).contains(&catalogue.most_in_flight.into_inner()), "in flight");
    let Certificate { way, verdict, attempts, declared_before, distinct, declared_after, .. } = read.certificate;
    assert_eq!((way, verdict, attempts), (Way::Ids, Verdict::Certified, 1));
    assert_eq!((declared_before, distinct, declared_after, read.certificate.pages), (205, 205, 205, 21));
    assert_eq!((read.slice, read.certificate.slice), (Slice::default(), Some(Slice::default())));
}

#[tokio::test]
async fn a_list_can_be_read_in_a_task_of_its_own() {
    let catalogue = Catalogue::new(10, |_, _, _| {});
    let read = tokio::spawn(async move { catalogue.read(&[1, 2]).await }).await.unwrap();
    assert_eq!(found(&read.unwrap()), [1, 2]);
}

#[tokio::test]
async fn no_ids_are_no_call() {
    let catalogue = Catalogue::new(10, |_, _, _| {});
    let read = catalogue.read(&[]).await.unwrap();
    assert_eq!((catalogue.calls().len(), read.batches.len(), read.certificate.distinct), (0, 0, 0));
}

#[tokio::test]
async fn ids_that_the_platform_refuses_are_accounted_for() {
    let catalogue = Catalogue::new(10, |_, _, answer| {
        answer.records.retain(|record| !record.starts_with(r#"{"rec_id":3,"#));
        if answer.records.len() < 10 {
            answer.refused.push(r#"{"rec_id":3,"err_msg":"库存同步已停止"}"#.to_owned());
        }
    });
    let read = catalogue.read(&(1..=20).collect::<Vec<_>>()).await.unwrap();
    assert_eq!((found(&read).len(), read.upstream.len(), read.certificate.distinct), (19, 1, 20));
    assert!(read.upstream[0].contains("库存同步已停止"));
    assert_eq!(read.certificate.refused, 0, "a refusal of the platform is no record that cannot be typed");
}

#[tokio::test]
async fn an_id_that_is_left_out_is_asked_for_again_with_its_call_alone_three_times_at_most() {
    let leaves_out = |times: usize| {
        let left = AtomicUsize::new(times);
        Catalogue::new(10, move |_, ids, answer| {
            let less = |left: usize| left.checked_sub(1);
            if ids.contains(&13) && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok() {
                answer.records.retain(|text| *text != record(13));
            }
        })
    };
    let ids: Vec<i64> = (1..=30).collect();
    let twice = leaves_out(2);
    let read = twice.read(&ids).await.unwrap();
    assert_eq!((twice.calls().len(), read.certificate.attempts, read.certificate.distinct), (5, 3, 30));
    assert_eq!((found(&read).len(), read.certificate.rows), (30, 30), "records of failed calls are dropped");

    let thrice = leaves_out(3);
    let (what, reason, certificate) = uncertified(thrice.read(&ids).await);
    assert_eq!(what, Target::Ids((11..=20).collect()));
    assert!(reason.contains("of 10 ids asked for, 1 came back neither") && reason.contains("first 13"), "{reason}");
    assert_eq!((certificate.verdict, certificate.declared_before, certificate.distinct), (Verdict::Uncertified, 10, 9));
}

#[tokio::test]
async fn an_answer_with_an_id_that_nobody_asked_for_is_not_believed() {
    let stranger = |refused: bool| {
        Catalogue::new(10, move |_, _, answer| {
            if refused {
                answer.refused.push(r#"{"rec_id":"99","err_msg":""}"#.to_owned());
            } else {
                answer.records.push(record(99));
            }
        })
    };
    for refused in [false, true] {
        let (_, reason, _) = uncertified(stranger(refused).read(&[1, 2]).await);
        assert!(reason.contains("1 others came") && reason.contains("first 99"), "{reason}");
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_typed_still_tells_its_id() {
    let broken = Catalogue::new(10, |_, _, answer| {
        answer.records[0] = r#"{"rec_id":"1","syn_stock":"many"}"#.to_owned();
    });
    let read = broken.read(&[1, 2]).await.unwrap();
    assert_eq!((read.refused.len(), read.certificate.refused, read.certificate.distinct), (1, 1, 2));

    let nameless = Catalogue::new(10, |_, _, answer| answer.records[0] = r#"{"rec_id":"one"}"#.to_owned());
    let (_, reason, _) = uncertified(nameless.read(&[1, 2]).await);
    assert!(reason.contains("1 came back neither") && reason.contains("1 without a readable id"), "{reason}");
    let besides = Catalogue::new(10, |_, _, answer| answer.refused.push(r#"{"err_msg":"?"}"#.to_owned()));
    assert!(uncertified(besides.read(&[1]).await).1.contains("1 without a readable id"));
}

#[tokio::test]
async fn a_call_for_one_id_that_is_refused_refuses_the_id() {
    let refusing = |size: u32, code: &'static str| {
        Catalogue::new(size, move |_, ids, answer| {
            answer.error = (ids == [2]).then(|| PlatformError::new(code, "货品\"2\"不存在"));
        })
    };
    let read = refusing(1, "100").read(&[1, 2, 3]).await.unwrap();
    assert_eq!(found(&read), [1, 3]);
    let refused: serde_json::Value = serde_json::from_str(&read.upstream[0]).unwrap();
    assert_eq!((refused["rec_id"].as_i64(), refused["err_msg"].as_str()), (Some(2), Some("货品\"2\"不存在")));
    assert_eq!((read.certificate.distinct, read.certificate.attempts), (3, 1));

    for (size, code, ids) in [(1, "1", &[1, 2][..]), (10, "100", &[2])] {
        let result = refusing(size, code).read(ids).await;
        assert!(matches!(result, Err(WindowError::Fetch(FetchError::Parameter { .. }))), "{size} {code}: {result:?}");
    }
}

#[tokio::test]
async fn whatever_is_left_out_or_put_in_nothing_wrong_is_certified() {
    for seed in 0..200 {
        let dice = Mutex::new(crate::moving::Dice(seed));
        let catalogue = Catalogue::new(7, move |_, ids, answer| {
            let mut dice = dice.lock().unwrap();
            let at = usize::try_from(dice.below(ids.len() as u64)).unwrap();
            match dice.below(8) {
                0 => drop(answer.records.remove(at)),
                1 => answer.records[at] = record(1000),
                2 => answer.records[at] = answer.records[0].clone(),
                3 => {
                    answer.records.remove(at);
                    answer.refused.push(format!(r#"{{"rec_id":{},"err_msg":"no"}}"#, ids[at]));
                }
                _ => {}
            }
        });
        let ids: BTreeSet<i64> = (1..=40).collect();
        if let Ok(read) = catalogue.read(&ids.iter().copied().collect::<Vec<_>>()).await {
            let refused = read.upstream.iter().map(|json| {
                let refused: serde_json::Value = serde_json::from_str(json).unwrap();
                refused["rec_id"].as_i64().unwrap()
            });
            assert_eq!(found(&read).into_iter().chain(refused).collect::<BTreeSet<_>>(), ids, "seed {seed}");
        }
    }
}
