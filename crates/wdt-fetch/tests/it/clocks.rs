//! A machine whose clock is not the platform's: reported, corrected for, and refused when it is too far off.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use wdt_fetch::{
    ClientBuilder, Clock, ErrorKind, Event, FetchError, Params, ReadOptions, Slots, WindowError, WindowReader,
    read_windows,
};
use wdt_models::time::{Millis, Seconds};
use wdt_models::{Gateway, Window};
use wdt_sim::{Fault, Sim};

use crate::calls::{client_with, config};
use crate::gateways::{client, first_page, simulator};
use crate::moving::{NOW, endpoint};
use crate::sockets::{SharedClock, WINDOW};

/// The skews that a client reports, in seconds.
fn watched(client: ClientBuilder) -> (ClientBuilder, Arc<Mutex<Vec<i64>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&told);
    let client = client.observer(Arc::new(move |event| {
        if let Event::Skew { skew_ms } = event {
            seen.lock().unwrap().push(skew_ms / 1000);
        }
    }));
    (client, told)
}

#[tokio::test]
async fn a_skew_within_what_the_platform_accepts_is_corrected_for_and_told_once_above_30_seconds() {
    for &gateway in Gateway::ALL {
        let most = gateway.clock_tolerance_seconds();
        for offset in [0, 30, 31, most, -30, -31, -most] {
            let clock = SharedClock::new(0);
            let sim = Sim::start(simulator(&clock)).unwrap();
            let (config, told) = watched(config(gateway, &sim.base_url(gateway), |_| {}));
            let client = client_with(config, &clock.set_wrong(offset));
            let (endpoint, request) = first_page(gateway);
            assert_eq!(client.skew_ms(), None);
            for _ in 0..2 {
                client.page(endpoint, &request).await.unwrap();
                assert_eq!(client.platform_now(), Seconds(NOW).millis(), "{gateway} {offset}");
            }
            assert_eq!((sim.call_count(), client.skew_ms()), (2, Some(-offset * 1000)), "{gateway} {offset}");
            let notable = if offset.abs() > 30 { vec![-offset] } else { vec![] };
            assert_eq!(*told.lock().unwrap(), notable, "{gateway}");
        }
    }
}

#[tokio::test]
async fn a_skew_beyond_what_the_platform_accepts_is_refused_after_one_call() {
    for &gateway in Gateway::ALL {
        let most = gateway.clock_tolerance_seconds();
        for (offset, way) in [(most + 1, "behind"), (-most - 1, "ahead of"), (86_400, "behind"), (-3600, "ahead of")] {
            let clock = SharedClock::new(0);
            let sim = Sim::start(simulator(&clock)).unwrap();
            let client = client(&sim, gateway, &clock.set_wrong(offset));
            let (endpoint, request) = first_page(gateway);
            let error = client.page(endpoint, &request).await.unwrap_err();
            assert_eq!((error.kind(), sim.call_count()), (ErrorKind::Clock, 1), "{gateway} {offset}");
            let words =
                format!("the platform's clock is {} s {way} this machine's, and it accepts {most} s", offset.abs());
            assert!(error.to_string().contains(&words), "{error}");
        }
    }
}

#[tokio::test]
async fn windows_that_wait_are_not_asked_for_with_a_clock_that_is_refused() {
    let clock = SharedClock::new(0);
    let sim = Sim::start(simulator(&clock)).unwrap();
    let reader = WindowReader {
        client: client(&sim, Gateway::Enterprise, &clock.set_wrong(3600)),
        endpoint: endpoint(),
        method: endpoint().method(),
        params: Params::new(),
        personal: false,
        page_size: 100,
        slots: Arc::new(Slots::new(8)),
    };
    let windows = (0..20).map(|hour| Window::new(WINDOW.start + hour * 3600, WINDOW.start + (hour + 1) * 3600));
    let mut parts = read_windows(Arc::new(reader), windows, ReadOptions::default());
    let error = parts.next().await.unwrap().unwrap_err();
    assert!(matches!(error, WindowError::Fetch(FetchError::Clock { .. })), "{error}");
    assert_eq!(sim.call_count(), 1);
}

/// A platform may be stricter than its documents: the first refusal sets the time, the second one is believed.
#[tokio::test]
async fn a_time_refused_within_the_documented_difference_is_corrected_once() {
    for (gateway, refusal) in [
        (Gateway::Enterprise, Fault::platform("100", "时间戳超出允许误差")),
        (Gateway::Flagship, Fault::platform("7", "时间戳错误")),
        (Gateway::Top, Fault::platform("31", "")),
    ] {
        let clock = SharedClock::new(0);
        let sim = Sim::start(simulator(&clock)).unwrap();
        let client = client(&sim, gateway, &clock.set_wrong(60));
        let (endpoint, request) = first_page(gateway);
        sim.inject(refusal.clone());
        client.page(endpoint, &request).await.unwrap();
        assert_eq!((sim.call_count(), client.skew_ms()), (2, Some(-60_000)), "{gateway}");
        sim.inject(refusal.clone());
        sim.inject(refusal);
        let error = client.page(endpoint, &request).await.unwrap_err();
        assert_eq!((error.kind(), sim.call_count()), (ErrorKind::Clock, 4), "{gateway}");
        assert!(error.to_string().contains("clock refused: code "), "{error}");
    }
}

/// A local clock that is moved while it runs.
struct Moved(AtomicI64);

impl Clock for Moved {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::Relaxed) * 1000)
    }
}

#[tokio::test]
async fn a_clock_that_runs_away_is_refused_though_the_platform_takes_the_corrected_time() {
    let sim = Sim::start(simulator(&SharedClock::new(0))).unwrap();
    let clock = Arc::new(Moved(AtomicI64::new(NOW - 200)));
    let config = config(Gateway::Enterprise, &sim.base_url(Gateway::Enterprise), |_| {});
    let client = config.clock(Arc::clone(&clock) as Arc<dyn Clock>).build().unwrap();
    let (endpoint, request) = first_page(Gateway::Enterprise);
    client.page(endpoint, &request).await.unwrap();
    clock.0.store(NOW - 400, Ordering::Relaxed);
    let error = client.page(endpoint, &request).await.unwrap_err();
    assert_eq!((error.kind(), sim.calls()[1].code.as_str()), (ErrorKind::Clock, "0"), "{error}");
}

#[tokio::test]
async fn a_clock_that_is_set_while_a_call_is_under_way_is_judged_by_the_next_one() {
    let clock = Arc::new(Moved(AtomicI64::new(NOW)));
    let local = Arc::clone(&clock);
    // the local clock jumps when the platform looks at its own
    let mut settings = simulator(&SharedClock::new(0));
    settings.clock = Arc::new(move || {
        local.0.store(NOW + 400, Ordering::Relaxed);
        NOW
    });
    let sim = Sim::start(settings).unwrap();
    clock.0.store(NOW, Ordering::Relaxed);
    let config = config(Gateway::Enterprise, &sim.base_url(Gateway::Enterprise), |_| {});
    let (config, told) = watched(config);
    let client = config.clock(Arc::clone(&clock) as Arc<dyn Clock>).build().unwrap();
    let (endpoint, request) = first_page(Gateway::Enterprise);
    client.page(endpoint, &request).await.unwrap();
    assert_eq!((client.skew_ms(), told.lock().unwrap().len()), (Some(-400_000), 0));
    let error = client.page(endpoint, &request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Clock, "{error}");
}
