//! The clients and readers of a run: what carries their calls, what they observe, and how many pages are in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wdt_fetch::{Client, ClientBuilder, Limiter, Observer, Slots, Transport, WindowReader};

use super::lane::Lane;
use super::order::Task;
use super::surroundings::Surroundings;
use crate::config::Account;
use crate::error::EtlError;
use crate::report::Event;

/// A client that calls as the lane's account.
pub(super) fn lane_client(
    lane: &Lane,
    limiter: &Arc<Limiter>,
    skew_noticed: &Arc<AtomicBool>,
) -> Result<Client, EtlError> {
    let around = &lane.shared.around;
    let transport = around.decisions.transport(lane.part(), &|| transport(&lane.account, around))?;
    let observer = observer(lane, skew_noticed);
    Ok(client_over(transport, &lane.account, limiter, around).observer(observer).build()?)
}

/// A client that calls as the account.
///
/// # Errors
///
/// When the account's address or proxy is not one.
pub(crate) fn account_client(
    account: &Account,
    limiter: &Arc<Limiter>,
    around: &Surroundings,
) -> Result<Client, EtlError> {
    Ok(client_over(transport(account, around)?, account, limiter, around).build()?)
}

/// What carries an account's calls: connections to its address, unless something takes their place.
fn transport(account: &Account, around: &Surroundings) -> Result<Arc<dyn Transport>, EtlError> {
    match &around.transport {
        Some(transport) => Ok(Arc::clone(transport)),
        None => Ok(client_builder(account).carrier()?),
    }
}

fn client_over(
    transport: Arc<dyn Transport>,
    account: &Account,
    limiter: &Arc<Limiter>,
    around: &Surroundings,
) -> ClientBuilder {
    let (limiter, clock) = (Arc::clone(limiter), Arc::clone(&around.clock));
    let client = client_builder(account).transport(transport).limiter(limiter).clock(clock);
    client.waits(around.waits).seed(around.seed)
}

fn client_builder(account: &Account) -> ClientBuilder {
    let proxy = account.proxy.as_ref().map(|proxy| proxy.expose().to_owned());
    Client::builder(account.base_url.clone(), account.credentials.clone()).proxy(proxy)
}

/// Reports what a client observes; of an account's clients, one reports the clock.
fn observer(lane: &Lane, skew_noticed: &Arc<AtomicBool>) -> Observer {
    let (reporter, account) = (Arc::clone(&lane.shared.around.reporter), lane.account.name.clone());
    let dataset = lane.dataset.endpoint.dataset;
    let skew_noticed = Arc::clone(skew_noticed);
    Arc::new(move |event| {
        let account = account.clone();
        match event {
            wdt_fetch::Event::Call { records, bytes, .. } => {
                reporter.event(&Event::Page { account, dataset, records: *records, bytes: *bytes });
            }
            wdt_fetch::Event::Retry { reason, wait, .. } | wdt_fetch::Event::Pause { reason, wait } => {
                let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                reporter.event(&Event::Waiting { account, dataset, reason: reason.clone(), wait_ms });
            }
            wdt_fetch::Event::Skew { skew_ms } if !skew_noticed.swap(true, Ordering::Relaxed) => {
                reporter.event(&Event::Notice { account, dataset, message: skew_notice(*skew_ms) });
            }
            _ => {}
        }
    })
}

fn skew_notice(skew_ms: i64) -> String {
    let seconds = skew_ms / 1000;
    let way = if seconds > 0 { "ahead of" } else { "behind" };
    let seconds = seconds.abs();
    format!(
        "the platform's clock is {seconds} s {way} this machine's; times are taken from the platform's, but set this \
         machine's clock by a time server (NTP): calls are refused when it drifts further"
    )
}

/// What reads the pages of a lane.
pub(super) fn reader(lane: &Lane, client: &Client, slots: &Arc<Slots>) -> WindowReader {
    let mut params = lane.dataset.params.clone();
    let full_read = lane.dataset.endpoint.full_read.filter(|_| matches!(lane.shared.order.task, Task::FullRead));
    params.extend(full_read.map(|full_read| (full_read.param.to_owned(), full_read.value.into())));
    WindowReader {
        client: client.clone(),
        endpoint: lane.dataset.endpoint,
        method: lane.dataset.method,
        params,
        personal: lane.dataset.personal,
        page_size: lane.dataset.page_size,
        slots: Arc::clone(slots),
    }
}
