//! Calls over real sockets to the simulator: what differs by gateway.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use arrow::util::display::array_value_to_string;
use wdt_fetch::{
    AccountKeys, Client, ErrorKind, Event, PageRequest, Params, ReadOptions, Slots, Target, WindowError, WindowReader,
    read_ids, read_slice, read_window,
};
use wdt_models::time::parse_wall_time;
use wdt_models::{Endpoint, Gateway, Method, Slice, SyncMode, Way};
use wdt_sign::Secret;
use wdt_sim::{Fault, Sim, SimConfig};

use crate::calls::{client_with, config, platform};
use crate::sockets::{SharedClock, WINDOW};

fn endpoint(dataset: &str) -> &'static Endpoint {
    wdt_models::endpoints::find(dataset).unwrap()
}

pub(crate) fn simulator(clock: &SharedClock) -> SimConfig {
    let mut config = SimConfig::new(platform(clock));
    for endpoint in wdt_models::endpoints::ALL {
        config = config.with_rows(endpoint.dataset, 260);
    }
    config.seed = 11;
    config.span = Some(WINDOW);
    config
}

pub(crate) fn client(sim: &Sim, gateway: Gateway, clock: &SharedClock) -> Client {
    client_with(config(gateway, &sim.base_url(gateway), |_| {}), clock)
}

fn reader(client: &Client, endpoint: &'static Endpoint, method: &'static Method) -> WindowReader {
    WindowReader {
        client: client.clone(),
        endpoint,
        method,
        params: Params::new(),
        personal: true,
        page_size: method.paging.max_size.min(100),
        slots: Arc::new(Slots::new(8)),
    }
}

/// A dataset of the gateway, and its first page.
pub(crate) fn first_page(gateway: Gateway) -> (&'static Endpoint, PageRequest) {
    let (dataset, target) = match gateway {
        Gateway::Enterprise => ("enterprise_stock", Target::Window(WINDOW)),
        Gateway::Flagship => ("flagship_stock", Target::Window(WINDOW)),
        Gateway::Top => {
            let pairs = [("store_code", "STORE_1"), ("type", "1"), ("inventory_type", "1")];
            let slice = Slice(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec());
            ("cainiao_inventory", Target::Slice(slice))
        }
    };
    let method = endpoint(dataset).method();
    let (page_no, page_size) = (method.paging.first, 50);
    (endpoint(dataset), PageRequest { method, target, page_no, page_size, params: Params::new(), personal: false })
}

/// Keys in the batches as text, as often as they are there; times in epoch seconds.
fn keys(endpoint: &Endpoint, batches: &[RecordBatch]) -> Vec<Vec<Option<String>>> {
    let cell = |batch: &RecordBatch, at: usize, row: usize| {
        let column = batch.column(at);
        let text = || match column.data_type() {
            DataType::Timestamp(..) => {
                (column.as_primitive::<TimestampMicrosecondType>().value(row) / 1_000_000).to_string()
            }
            _ => array_value_to_string(column, row).unwrap(),
        };
        (!column.is_null(row)).then(text)
    };
    let rows = batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row)));
    rows.map(|(batch, row)| endpoint.key_positions().into_iter().map(|at| cell(batch, at, row)).collect()).collect()
}

/// Fails unless exactly those rows were read, each once.
fn assert_rows(sim: &Sim, endpoint: &Endpoint, slice: Option<&Slice>, batches: &[RecordBatch]) {
    let ledger = sim.ledger(endpoint.dataset).unwrap();
    let rows = ledger.rows().into_iter().filter(|&row| slice.is_none_or(|slice| ledger.slice(row) == *slice));
    let epoch = |text: String| parse_wall_time(&text).map_or(text, |seconds| seconds.to_string());
    let key = |row| ledger.key_text(row).into_iter().map(|cell| cell.map(epoch)).collect::<Vec<_>>();
    let wanted: BTreeSet<_> = rows.map(key).collect();
    let found = keys(endpoint, batches);
    assert_eq!(found.len(), wanted.len(), "{}: no row twice", endpoint.dataset);
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), wanted, "{}", endpoint.dataset);
}

#[tokio::test]
async fn every_dataset_is_read_whole_by_each_of_its_methods() {
    let clock = SharedClock::new(0);
    let mut config = simulator(&clock);
    config.stopped_goods = 0;
    let sim = Sim::start(config).unwrap();
    for &endpoint in wdt_models::endpoints::ALL {
        let client = client(&sim, endpoint.gateway, &clock);
        for method in endpoint.methods {
            let reader = reader(&client, endpoint, method);
            match endpoint.sync {
                SyncMode::Incremental(_) => {
                    let read = read_window(&reader, WINDOW, &ReadOptions::default()).await.unwrap();
                    let batches: Vec<_> = read.parts.into_iter().flat_map(|part| part.batches).collect();
                    assert_rows(&sim, endpoint, None, &batches);
                }
                SyncMode::Slices(_) => {
                    let ledger = sim.ledger(endpoint.dataset).unwrap();
                    let slices: BTreeSet<Slice> = ledger.rows().into_iter().map(|row| ledger.slice(row)).collect();
                    for slice in slices {
                        let read = read_slice(&reader, slice.clone(), true).await.unwrap();
                        assert_rows(&sim, endpoint, Some(&slice), &read.batches);
                    }
                }
                SyncMode::Ids(_) => {
                    let ledger = sim.ledger(endpoint.dataset).unwrap();
                    let ids: Vec<i64> = ledger.rows().into_iter().map(|row| ledger.key(row)[0]).collect();
                    let read = read_ids(&reader, &ids).await.unwrap();
                    assert_rows(&sim, endpoint, None, &read.batches);
                    assert_eq!(read.certificate.way, Way::Ids);
                }
            }
        }
    }
}

#[tokio::test]
async fn ids_that_are_refused_come_back_as_refusals_by_either_method() {
    let clock = SharedClock::new(0);
    let mut config = simulator(&clock);
    config.stopped_goods = 3;
    let sim = Sim::start(config).unwrap();
    let client = client(&sim, Gateway::Flagship, &clock);
    let sync = endpoint("flagship_stock_sync");
    // all goods are asked for, those of other platforms as well
    let goods = sim.ledger("flagship_goods").unwrap();
    let ids: Vec<i64> = goods.rows().into_iter().map(|row| goods.key(row)[0]).collect();
    let mut refused = Vec::new();
    for method in sync.methods {
        let read = read_ids(&reader(&client, sync, method), &ids).await.unwrap();
        assert_eq!(keys(sync, &read.batches).len() + read.upstream.len(), ids.len(), "{}", method.name);
        let named = read.upstream.iter().map(|json| {
            let refused: serde_json::Value = serde_json::from_str(json).unwrap();
            assert!(!refused["err_msg"].as_str().unwrap().is_empty(), "{json}");
            refused["rec_id"].as_i64().unwrap()
        });
        refused.push(named.collect::<BTreeSet<_>>());
    }
    assert!(!refused[0].is_empty() && refused[0] == refused[1], "{refused:?}");
}

#[tokio::test]
async fn a_slice_whose_rows_come_and_go_is_whole_or_not_certified() {
    let (mut whole, mut failed) = (0, 0);
    for seed in 0..12 {
        let clock = SharedClock::new(0);
        let mut config = simulator(&clock).with_rows("flagship_shops", 450);
        (config.seed, config.edits_per_page, config.slice_churn) = (seed, 0.3, 1.0);
        let sim = Sim::start(config).unwrap();
        let shops = endpoint("flagship_shops");
        let reader = reader(&client(&sim, Gateway::Flagship, &clock), shops, shops.method());
        match read_slice(&reader, Slice::default(), true).await {
            // The ledger may have moved on after the last page: what the platform declared then is all there is to ask.
            Ok(read) => {
                let keys = keys(shops, &read.batches);
                let distinct = keys.iter().collect::<BTreeSet<_>>().len() as u64;
                assert_eq!((keys.len() as u64, distinct), (distinct, read.certificate.declared_after), "seed {seed}");
                whole += 1;
            }
            Err(error) => {
                assert!(matches!(error, WindowError::Uncertified { .. }), "seed {seed}: {error}");
                failed += 1;
            }
        }
    }
    assert!(whole > 0 && failed > 0, "{whole} whole, {failed} failed");
}

#[tokio::test]
async fn wrong_credentials_are_one_call_and_never_shown() {
    type Change = fn(&mut AccountKeys);
    let cases: [(Gateway, Change); 5] = [
        (Gateway::Flagship, |keys| keys.app_secret = Some(Secret::new("hush-wrong:sim-salt-fedcba"))),
        (Gateway::Flagship, |keys| keys.app_secret = Some(Secret::new("sim-secret-abcdef:hush-wrong"))),
        (Gateway::Flagship, |keys| keys.sid = Some("nobody".to_owned())),
        (Gateway::Top, |keys| keys.app_secret = Some(Secret::new("hush-wrong"))),
        (Gateway::Top, |keys| keys.session = Some(Secret::new("hush-wrong"))),
    ];
    let mut others = Vec::new();
    for (number, (gateway, change)) in cases.into_iter().enumerate() {
        let clock = SharedClock::new(0);
        let sim = Sim::start(simulator(&clock)).unwrap();
        let client = client_with(config(gateway, &sim.base_url(gateway), change), &clock);
        let (endpoint, request) = first_page(gateway);
        let error = client.page(endpoint, &request).await.unwrap_err();
        if (error.kind(), sim.call_count()) != (ErrorKind::Credential, 1) {
            others.push(format!("case {number}: {error}"));
        }
        let shown = format!("{error} {error:?} {client:?}");
        assert!(!shown.contains("hush") && !shown.contains("sim-se"), "case {number}: {shown}");
    }
    assert_eq!(others, Vec::<String>::new());
}

#[tokio::test]
async fn every_way_to_sign_is_taken() {
    let clock = SharedClock::new(0);
    let sim = Sim::start(simulator(&clock)).unwrap();
    let (endpoint, request) = first_page(Gateway::Top);
    for name in ["md5", "hmac", "hmac-sha256"] {
        let config = config(Gateway::Top, &sim.base_url(Gateway::Top), |keys| keys.sign_method = Some(name.to_owned()));
        client_with(config, &clock).page(endpoint, &request).await.unwrap();
    }
}

#[tokio::test]
async fn limits_and_passing_faults_cost_a_call_each_and_no_row() {
    let limit = |sub_code: &str, message: &str| Fault::Platform {
        code: "7".to_owned(),
        sub_code: sub_code.to_owned(),
        message: message.to_owned(),
    };
    let cases = [
        (Gateway::Top, limit("accesscontrol.limited-by-api-access-count", "This ban will last for 1 more seconds"), 1),
        (Gateway::Top, limit("accesscontrol.limited-by-app-api-access-count", "App Call Limited"), 1),
        (Gateway::Top, Fault::platform("MAC999", "WHC服务过载限流"), 0),
        (Gateway::Top, Fault::CutJson, 0),
        (Gateway::Top, Fault::NoTotal, 0),
        (Gateway::Flagship, Fault::platform("100", "超过每分钟最大调用频率限制，请稍后重试"), 1),
        (Gateway::Flagship, Fault::platform("4", "数据库错误"), 0),
        (Gateway::Flagship, Fault::Html, 0),
        (Gateway::Flagship, Fault::NoTotal, 0),
    ];
    for (gateway, fault, pauses) in cases {
        let clock = SharedClock::new(0);
        let sim = Sim::start(simulator(&clock)).unwrap();
        let events = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&events);
        let config = config(gateway, &sim.base_url(gateway), |_| {});
        let config = config.observer(Arc::new(move |event| seen.lock().unwrap().push(event.clone())));
        let client = client_with(config, &clock);
        sim.inject(fault.clone());
        let (endpoint, request) = first_page(gateway);
        let answer = client.page(endpoint, &request).await.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        assert!(answer.total.is_some() && answer.decoded.refused.is_empty(), "{fault:?}");
        assert_eq!((sim.call_count(), client.counters().retries), (2, 1), "{fault:?}");
        let paused = events.lock().unwrap().iter().filter(|event| matches!(event, Event::Pause { .. })).count();
        assert_eq!(paused, pauses, "{fault:?}");
    }
}
