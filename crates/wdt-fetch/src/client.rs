//! One page: permit, time, sign, send, read, classify; again as the policy says, each attempt signed anew.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use wdt_models::decode::{Asked, Decoded, decode};
use wdt_models::envelope::{Answer, AnswerError};
use wdt_models::error::Class;
use wdt_models::time::{Millis, format_wall_time};
use wdt_models::{Endpoint, Method, Slice, envelope, error};

use crate::clock::instant;
use crate::error::{Call, ErrorKind, FetchError};
use crate::limit::Limiter;
use crate::observe::{Counters, Event, Observer, Tallies};
use crate::retry::{Attempts, Fault, LONGEST_NAMED, Next, Random, Waits, body};
use crate::schedule::{Lengths, Permit};
use crate::transport::{Broken, NoAnswer, Outgoing, RawAnswer, Skew, Transport};
use crate::wire::{PageRequest, Target, signed};
use crate::{Clock, Credentials};

/// What a client is built from.
pub(crate) struct ClientParts {
    pub(crate) base_url: String,
    pub(crate) credentials: Credentials,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) waits: Waits,
    pub(crate) seed: u64,
    pub(crate) observer: Option<Observer>,
}

/// A page as it was read.
#[derive(Debug)]
pub struct PageAnswer {
    /// Records that match on all pages together; always there on the first page.
    pub total: Option<u64>,
    /// The page's records in typed form.
    pub decoded: Decoded,
    /// The ids that the platform refuses one by one, each as the JSON object that says why.
    pub refused: Vec<String>,
    /// Bytes of the unpacked answer.
    pub bytes: usize,
}

/// Calls one account's gateway; built by [`Client::builder`]. Clones share connections, limiter, clock and counters.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    base_url: String,
    credentials: Credentials,
    transport: Arc<dyn Transport>,
    limiter: Arc<Limiter>,
    clock: Arc<dyn Clock>,
    waits: Waits,
    random: Random,
    tallies: Tallies,
    skew_ms: AtomicI64,
    /// The skew was reported.
    skew_reported: AtomicBool,
    observer: Option<Observer>,
}

/// A larger skew is reported, in seconds: a machine that keeps its clock by a time server is within one.
pub const NOTABLE_SKEW_SECONDS: i64 = 30;

/// Marks a skew that has not been measured yet.
const UNKNOWN: i64 = i64::MIN;

impl Client {
    /// A client of these parts, which has called nobody yet.
    pub(crate) fn of(parts: ClientParts) -> Self {
        let ClientParts { base_url, credentials, transport, limiter, clock, waits, seed, observer } = parts;
        let inner = Inner {
            base_url,
            credentials,
            transport,
            limiter,
            clock,
            waits,
            random: Random::new(seed),
            tallies: Tallies::default(),
            skew_ms: AtomicI64::new(UNKNOWN),
            skew_reported: AtomicBool::new(false),
            observer,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Reads one page, trying again as the policy says. Dropping the future ends every wait at once.
    ///
    /// # Errors
    ///
    /// A [`FetchError`] when the platform refuses the call, or when no whole answer came after all retries. No record
    /// of a failed, cut or half-understood answer is ever given.
    pub async fn page(&self, endpoint: &Endpoint, request: &PageRequest) -> Result<PageAnswer, FetchError> {
        let call = Call { method: request.method.name, page: request.page_no };
        let mut attempts = Attempts::new(&self.inner.waits, &self.inner.random);
        loop {
            let permit = self.inner.limiter.permit().await;
            let start = instant();
            match self.attempt(call, endpoint, request).await? {
                Ok(answer) => {
                    self.inner.limiter.succeeded(permit).await;
                    return Ok(answer);
                }
                Err(fault) => self.recover(call, permit, &mut attempts, fault, start.elapsed()).await?,
            }
            self.inner.tallies.retry();
        }
    }

    /// The platform's clock: the local one, corrected by the skew last seen.
    #[must_use]
    pub fn platform_now(&self) -> Millis {
        self.inner.clock.now().saturating_add(self.skew_ms().unwrap_or(0))
    }

    /// Milliseconds that the platform's clock is ahead of the local one; `None` before its first answer.
    ///
    /// Taken from the `Date` header, which has whole seconds and has travelled: [`Client::platform_now`] may be a
    /// second behind the platform, never ahead of it.
    #[must_use]
    pub fn skew_ms(&self) -> Option<i64> {
        Some(self.inner.skew_ms.load(Ordering::Relaxed)).filter(|&skew| skew != UNKNOWN)
    }

    /// What this client and its clones have done so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.inner.tallies.snapshot()
    }

    /// One request, signed for this moment; the outer error is one that no request can be made of.
    async fn attempt(
        &self,
        call: Call,
        endpoint: &Endpoint,
        request: &PageRequest,
    ) -> Result<Result<PageAnswer, Fault>, FetchError> {
        let inner = &*self.inner;
        let now = self.platform_now().floor_seconds();
        let signed = signed(endpoint, &inner.base_url, &inner.credentials, request, now)
            .map_err(|error| FetchError::Request { call, error })?;
        let outgoing = Outgoing {
            request: signed,
            endpoint,
            base_url: &inner.base_url,
            credentials: &inner.credentials,
            page: request,
            signed_at: now,
        };
        let start = instant();
        let reply = match inner.transport.exchange(outgoing, &*inner.clock).await {
            Ok(answer) => Ok(answer),
            Err(NoAnswer::Broken(broken)) => Err(broken),
            Err(NoAnswer::Cassette { reason, source }) => return Err(FetchError::Cassette { call, reason, source }),
        };
        inner.tallies.call(reply.as_ref().map_or(0, |reply| reply.body.len()), start.elapsed());
        let skew = reply.as_ref().ok().and_then(RawAnswer::skew);
        let body = reply.map_err(Fault::Transport).and_then(|reply| body(reply, &inner.base_url));
        let answer = body.and_then(|body| understand(endpoint, request, &body));
        // Only an answer in the platform's own words gives its time: a broken one may be from a box in between.
        if let Some(skew) = skew.filter(|_| !matches!(answer, Err(Fault::Transport(_)))) {
            inner.skew_ms.store(skew.least_ms, Ordering::Relaxed);
            if matches!(answer, Ok(_) | Err(Fault::Platform(Class::Clock, _))) {
                self.check_clock(call, skew)?;
            }
        }
        if let Ok(PageAnswer { decoded, bytes, .. }) = &answer {
            let Call { method, page } = call;
            self.report(&Event::Call { method, page, records: decoded.fingerprints.len(), bytes: *bytes });
        }
        Ok(answer)
    }

    /// Refuses a skew that the platform refuses, though the times sent could be corrected by it: a clock so wrong is no
    /// clock to date readings by, and may be set right, and the correction become wrong, at any moment.
    fn check_clock(&self, call: Call, skew: Skew) -> Result<(), FetchError> {
        let skew_ms = skew.certain_ms;
        // the header has whole seconds: less than one is no difference
        let seconds = skew_ms / 1000;
        let accepted = self.inner.credentials.gateway().clock_tolerance_seconds();
        if seconds.abs() > accepted {
            let way = if seconds > 0 { "ahead of" } else { "behind" };
            let seconds = seconds.abs();
            let reason = format!(
                "the platform's clock is {seconds} s {way} this machine's, and it accepts {accepted} s at most"
            );
            return Err(FetchError::Clock { call, reason, source: None });
        }
        if seconds.abs() > NOTABLE_SKEW_SECONDS && !self.inner.skew_reported.swap(true, Ordering::Relaxed) {
            self.report(&Event::Skew { skew_ms });
        }
        Ok(())
    }

    /// Waits as the policy says, or turns the fault into the error it ends with.
    async fn recover(
        &self,
        call: Call,
        permit: Permit,
        attempts: &mut Attempts<'_>,
        fault: Fault,
        took: Duration,
    ) -> Result<(), FetchError> {
        let inner = &*self.inner;
        match attempts.next(&fault, took) {
            Next::GiveUp(kind) => Err(final_error(kind, call, attempts.failed(), fault)),
            Next::Pause { at_most } => {
                let named = fault.named_wait(inner.credentials.gateway().facts());
                if let Some(named) = named.filter(|&named| named > LONGEST_NAMED) {
                    let (attempts, reason) = (attempts.failed(), self.named_later(&fault, named));
                    return Err(FetchError::Limited { call, attempts, reason, source: fault.into_source() });
                }
                let lengths = Lengths { named, first: inner.waits.pause, longest: inner.waits.longest_pause };
                let pause = inner.limiter.pause(permit, lengths).await;
                if pause.in_a_row > at_most {
                    return Err(final_error(ErrorKind::Limited, call, attempts.failed(), fault));
                }
                if pause.started {
                    inner.tallies.wait(pause.wait);
                    self.report(&Event::Pause { reason: fault.reason(), wait: pause.wait });
                }
                Ok(())
            }
            Next::Wait(wait) => {
                let Call { method, page } = call;
                self.report(&Event::Retry { method, page, reason: fault.reason(), wait });
                if !wait.is_zero() {
                    inner.tallies.wait(wait);
                    tokio::time::sleep(wait).await;
                }
                Ok(())
            }
        }
    }

    /// The platform's words, and the time it says to wait for.
    fn named_later(&self, fault: &Fault, wait: Duration) -> String {
        let wait = i64::try_from(wait.as_secs()).unwrap_or(i64::MAX);
        let time = self.platform_now().floor_seconds().saturating_add(wait);
        format!("{}; run again after {}", fault.reason(), format_wall_time(time))
    }

    fn report(&self, event: &Event) {
        if let Some(observer) = &self.inner.observer {
            observer(event);
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { base_url, credentials, .. } = &*self.inner;
        f.debug_struct("Client").field("base_url", base_url).field("credentials", credentials).finish_non_exhaustive()
    }
}

/// Reads an answer, repaired if need be.
fn understand(endpoint: &Endpoint, request: &PageRequest, body: &[u8]) -> Result<PageAnswer, Fault> {
    let mut answer = read(endpoint, request, body);
    if endpoint.gateway.facts().sends_raw_controls
        && matches!(answer, Err(AnswerError::Malformed { .. }))
        && let Some(repaired) = envelope::repaired(body)
    {
        answer = read(endpoint, request, &repaired);
    }
    answer.map_err(|error| match error {
        AnswerError::Platform(error) => Fault::Platform(error::classify(endpoint.gateway, &error), error),
        error => Fault::Transport(Broken::by(error.to_string(), error)),
    })
}

/// Reads an answer; one that promises nothing about the whole on the first page counts as broken.
fn read(endpoint: &Endpoint, request: &PageRequest, body: &[u8]) -> Result<PageAnswer, AnswerError> {
    let answer = envelope::read(endpoint, request.method, body)?;
    if let Some(reason) = half_understood(request, &answer) {
        return Err(AnswerError::Malformed { reason: reason.to_owned(), source: None });
    }
    let none = Slice::default();
    let slice = if let Target::Slice(slice) = &request.target { slice } else { &none };
    let asked = Asked { page: request.page_no, personal: request.personal, slice };
    let decoded = decode(endpoint, &answer.records, &asked);
    let refused = answer.refused.iter().map(|refused| refused.get().to_owned()).collect();
    Ok(PageAnswer { total: answer.total, decoded, refused, bytes: body.len() })
}

/// What a first page of a total must not be.
fn half_understood(request: &PageRequest, answer: &Answer<'_>) -> Option<&'static str> {
    let Method { paging, shape, .. } = request.method;
    if request.page_no != paging.first || shape.total.is_empty() {
        return None;
    }
    match (answer.total, answer.records.len()) {
        (None, _) => Some("no total on the first page"),
        (Some(1..), 0) => Some("a total, but no record on the first page"),
        (Some(0), 1..) => Some("records, but a total of 0"),
        _ => None,
    }
}

fn final_error(kind: ErrorKind, call: Call, attempts: u32, fault: Fault) -> FetchError {
    match (kind, fault) {
        (ErrorKind::Credential, Fault::Platform(_, error)) => FetchError::Credential { call, error },
        (ErrorKind::Clock, fault) => FetchError::Clock { call, reason: fault.reason(), source: fault.into_source() },
        (ErrorKind::Permission, Fault::Platform(_, error)) => FetchError::Permission { call, error },
        (ErrorKind::Parameter, Fault::Platform(Class::WindowTooWide, error)) => {
            FetchError::WindowTooWide { call, error }
        }
        (ErrorKind::Parameter, Fault::Platform(_, error)) => FetchError::Parameter { call, error },
        (ErrorKind::Limited, fault) => {
            FetchError::Limited { call, attempts, reason: fault.reason(), source: fault.into_source() }
        }
        (_, fault) => FetchError::Unavailable { call, attempts, reason: fault.reason(), source: fault.into_source() },
    }
}
