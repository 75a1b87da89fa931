//! A platform that takes shorter windows than its documents say.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::AsArray as _;
use arrow::datatypes::Int64Type;
use futures::TryStreamExt as _;
use wdt_fetch::{
    CertifiedPart, ErrorKind, FetchError, Params, ReadOptions, Slots, WindowError, WindowReader, read_window,
    read_windows,
};
use wdt_models::{Endpoint, Gateway, Window, endpoints};
use wdt_sim::{Sim, SimConfig};

use crate::calls::{client_with, config, platform};
use crate::sockets::{SharedClock, WINDOW};

const SEED: u64 = 7;
const DATASETS: [&str; 3] = ["enterprise_stock", "enterprise_goods", "flagship_stock"];

fn simulator(longest: i64) -> Sim {
    let mut config = SimConfig::new(platform(&SharedClock::new(0)));
    for dataset in DATASETS {
        config = config.with_rows(dataset, 300);
    }
    config.seed = SEED;
    config.span = Some(WINDOW);
    config.longest_window_seconds = longest;
    Sim::start(config).unwrap()
}

fn reader(sim: &Sim, endpoint: &'static Endpoint) -> WindowReader {
    let gateway: Gateway = endpoint.gateway;
    WindowReader {
        client: client_with(config(gateway, &sim.base_url(gateway), |_| {}), &SharedClock::new(0)),
        endpoint,
        method: endpoint.method(),
        params: Params::new(),
        personal: false,
        page_size: 100,
        slots: Arc::new(Slots::new(8)),
    }
}

fn keys(endpoint: &Endpoint, parts: &[CertifiedPart]) -> BTreeSet<Vec<i64>> {
    let positions = endpoint.key_positions();
    let batches = parts.iter().flat_map(|part| &part.batches);
    let key = |batch: &arrow::record_batch::RecordBatch, row: usize| {
        positions.iter().map(|&at| batch.column(at).as_primitive::<Int64Type>().value(row)).collect()
    };
    batches.flat_map(|batch| (0..batch.num_rows()).map(move |row| key(batch, row))).collect()
}

#[tokio::test]
async fn a_window_that_the_platform_finds_too_wide_is_halved_until_it_is_taken() {
    const LONGEST: i64 = 86_400;
    for dataset in DATASETS {
        let (sim, endpoint) = (simulator(LONGEST), endpoints::find(dataset).unwrap());
        let windows = [
            Window::new(WINDOW.start, WINDOW.start + 10 * 86_400),
            Window::new(WINDOW.start + 10 * 86_400 - 1, WINDOW.end),
        ];
        let parts: Vec<CertifiedPart> =
            read_windows(Arc::new(reader(&sim, endpoint)), windows.into_iter(), ReadOptions::default())
                .try_collect()
                .await
                .unwrap_or_else(|error| panic!("{dataset}: {error}"));
        let ledger = sim.ledger(dataset).unwrap();
        assert_eq!(keys(endpoint, &parts), ledger.rows().into_iter().map(|row| ledger.key(row)).collect(), "{dataset}");
        assert!(parts.iter().all(|part| part.window.seconds() <= LONGEST), "{dataset}");
        assert_eq!((parts[0].window.start, parts.last().unwrap().window.end), (WINDOW.start, WINDOW.end));
        assert!(parts.windows(2).all(|pair| pair[1].window.start == pair[0].window.end - 1), "{dataset}: seamless");
    }
}

#[tokio::test]
async fn a_window_that_is_refused_at_every_width_is_the_platform_s_refusal_after_few_calls() {
    for dataset in DATASETS {
        let (sim, endpoint) = (simulator(0), endpoints::find(dataset).unwrap());
        let error = read_window(&reader(&sim, endpoint), WINDOW, &ReadOptions::default()).await.unwrap_err();
        let WindowError::Fetch(error) = error else { panic!("{dataset}: {error}") };
        assert!(matches!(error, FetchError::WindowTooWide { .. }), "{dataset}: {error}");
        assert_eq!(error.kind(), ErrorKind::Parameter);
        assert!(error.to_string().contains("window refused: code ") && error.platform_error().is_some(), "{error}");
        // 20 days down to two seconds
        assert!(sim.call_count() <= 22, "{dataset}: {}", sim.call_count());
    }
}
