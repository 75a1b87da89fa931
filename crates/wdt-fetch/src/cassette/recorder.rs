//! Carries calls through another transport and keeps each exchange, the request made anew with stand-ins.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;

use wdt_models::Endpoint;
use wdt_models::time::Millis;

use super::{Exchange, RecordedAnswer, RecordedRequest};
use crate::transport::{Broken, NoAnswer, Outgoing, RawAnswer, Transport};
use crate::wire::WireError;
use crate::{Clock, Credentials, PageRequest};

/// Keeps an exchange and the body of its answer, or says why it cannot.
pub type Keep = dyn Fn(Exchange, &[u8]) -> Result<(), String> + Send + Sync;

/// Gives the page that is kept in the place of the one that was asked for.
pub type Change = dyn Fn(&Endpoint, &PageRequest) -> PageRequest + Send + Sync;

/// Keeps the calls that one account makes for one dataset.
pub struct Recorder {
    account: String,
    dataset: String,
    through: Arc<dyn Transport>,
    stand_in: Credentials,
    change: Option<Arc<Change>>,
    keep: Arc<Keep>,
    /// How often each request was sent.
    sent: Mutex<HashMap<String, u32>>,
}

impl Recorder {
    /// Keeps what goes through that transport; the stand-in signs the requests that are kept.
    pub fn new(
        account: &str,
        dataset: &str,
        through: Arc<dyn Transport>,
        stand_in: Credentials,
        keep: Arc<Keep>,
    ) -> Self {
        let (account, dataset) = (account.to_owned(), dataset.to_owned());
        Self { account, dataset, through, stand_in, change: None, keep, sent: Mutex::default() }
    }

    /// With pages changed before they are kept.
    #[must_use]
    pub fn changed_by(self, change: Arc<Change>) -> Self {
        Self { change: Some(change), ..self }
    }

    /// The exchange of a call, without its answer.
    fn exchange_of(&self, outgoing: &Outgoing<'_>) -> Result<Exchange, NoAnswer> {
        let refused = |error: WireError| {
            let reason = format!("it cannot be recorded: {error}");
            NoAnswer::Cassette { reason, source: Some(Arc::new(error)) }
        };
        let changed = self.change.as_ref().map(|change| change(outgoing.endpoint, outgoing.page));
        let kept = Outgoing { page: changed.as_ref().unwrap_or(outgoing.page), ..outgoing.clone() };
        let request = RecordedRequest::of(&kept.again(&self.stand_in, outgoing.signed_at).map_err(refused)?);
        let identity = format!("{:?}", request.identity());
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let attempt = sent.entry(identity).and_modify(|times| *times += 1).or_insert(1);
        Ok(Exchange {
            number: 0,
            account: self.account.clone(),
            dataset: self.dataset.clone(),
            method: outgoing.page.method.name.to_owned(),
            page: outgoing.page.page_no,
            attempt: *attempt,
            signed_at: outgoing.signed_at,
            sent_at: Millis::default(),
            came_at: Millis::default(),
            request,
            answer: None,
            broken: None,
        })
    }

    fn kept(&self, exchange: Exchange, body: &[u8]) -> Result<(), NoAnswer> {
        (self.keep)(exchange, body).map_err(|reason| NoAnswer::refused(format!("it cannot be recorded: {reason}")))
    }
}

impl Transport for Recorder {
    fn exchange<'a>(
        &'a self,
        outgoing: Outgoing<'a>,
        clock: &'a dyn Clock,
    ) -> BoxFuture<'a, Result<RawAnswer, NoAnswer>> {
        Box::pin(async move {
            let exchange = Exchange { sent_at: clock.now(), ..self.exchange_of(&outgoing)? };
            let mut waiting = Waiting { recorder: self, clock, exchange: Some(exchange) };
            let result = self.through.exchange(outgoing, clock).await;
            let Some(exchange) = waiting.exchange.take() else { return result };
            match &result {
                Ok(RawAnswer { status, date, location, body, sent_at, came_at }) => {
                    let answer =
                        RecordedAnswer { status: *status, date: date.clone(), location: location.clone(), body: None };
                    let (sent_at, came_at, answer) = (*sent_at, *came_at, Some(answer));
                    self.kept(Exchange { sent_at, came_at, answer, ..exchange }, body)?;
                }
                Err(NoAnswer::Broken(Broken { reason, .. })) => {
                    let (came_at, broken) = (clock.now(), Some(reason.clone()));
                    self.kept(Exchange { came_at, broken, ..exchange }, &[])?;
                }
                Err(NoAnswer::Cassette { .. }) => {}
            }
            result
        })
    }
}

/// A call whose answer has not come: given up, it is kept as such, for a replay makes it too.
struct Waiting<'a> {
    recorder: &'a Recorder,
    clock: &'a dyn Clock,
    exchange: Option<Exchange>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(exchange) = self.exchange.take() {
            // nobody waits for the outcome any more
            let _kept = (self.recorder.keep)(Exchange { came_at: self.clock.now(), ..exchange }, &[]);
        }
    }
}
