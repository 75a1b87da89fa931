//! One page: permit, time, sign, send, read, classify; again as the policy says, each attempt signed anew.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use wdt_models::time::format_wall_time;
use wdt_models::{
    Answer, AnswerError, Asked, Class, Decoded, Endpoint, Gateway, Method, Slice, decode, envelope, error,
};

use crate::clock::instant;
use crate::error::{Call, ErrorKind, FetchError};
use crate::http::{Http, Timeouts};
use crate::ledger::{Lengths, Permit};
use crate::limit::Limiter;
use crate::observe::{Counters, Event, Observer, Tallies};
use crate::retry::{Attempts, Fault, LONGEST_TOLD, Next, Random, Waits};
use crate::transport::{NoAnswer, Outgoing, RawAnswer, Skew, Transport};
use crate::wire::{PageRequest, Target, signed};
use crate::{Clock, Credentials};

/// Where and as whom to call.
#[derive(Clone)]
pub struct ClientConfig {
    /// The platform's dialect.
    pub gateway: Gateway,
    /// Address of the gateway.
    pub base_url: String,
    /// What the account proves itself with.
    pub credentials: Credentials,
    /// Address of a proxy, none by default; the environment's proxies are not used.
    pub proxy: Option<String>,
    /// How long a request may take.
    pub timeouts: Timeouts,
}

impl ClientConfig {
    /// Connections to the address, none of them made yet.
    ///
    /// # Errors
    ///
    /// [`FetchError::Setup`] when the address or the proxy is not one, or no TLS certificates can be loaded.
    pub fn connections(&self) -> Result<Arc<dyn Transport>, FetchError> {
        Ok(Arc::new(Http::new(&self.base_url, self.proxy.as_deref(), self.timeouts)?))
    }
}

impl fmt::Debug for ClientConfig {
    /// Masks the proxy, whose address may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfig")
            .field("gateway", &self.gateway)
            .field("base_url", &self.base_url)
            .field("credentials", &self.credentials)
            .field("proxy", &self.proxy.as_ref().map(|_| "***"))
            .field("timeouts", &self.timeouts)
            .finish()
    }
}

/// A page as it was read.
#[derive(Debug)]
pub struct PageAnswer {
    /// Records that match on all pages together; always there on the first page.
    pub total: Option<u64>,
    /// The page's records in typed form.
    pub decoded: Decoded,
    /// The ids that the platform refuses one by one, each as the JSON object that tells why.
    pub refused: Vec<String>,
    /// Bytes of the unpacked answer.
    pub bytes: usize,
}

/// Calls one account's gateway; clones share connections, limiter, clock and counters.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    observer: Option<Observer>,
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
    /// The skew was told.
    skew_told: AtomicBool,
}

/// A skew of more is told, in seconds: a machine that keeps its clock by a time server is within one.
pub const NOTABLE_SKEW_SECONDS: i64 = 30;

/// Stands for a skew that has not been measured yet.
const UNKNOWN: i64 = i64::MIN;

impl Client {
    /// A client with its own connections; `seed` spreads the waits after broken transports.
    ///
    /// # Errors
    ///
    /// [`FetchError::Setup`] when the address or the proxy is not one, or no TLS certificates can be loaded.
    pub fn new(
        config: ClientConfig,
        limiter: Arc<Limiter>,
        clock: Arc<dyn Clock>,
        waits: Waits,
        seed: u64,
    ) -> Result<Self, FetchError> {
        Ok(Self::over(config.connections()?, config, limiter, clock, waits, seed))
    }

    /// A client whose requests something else carries; the configuration's proxy and timeouts are not used.
    #[must_use]
    pub fn over(
        transport: Arc<dyn Transport>,
        config: ClientConfig,
        limiter: Arc<Limiter>,
        clock: Arc<dyn Clock>,
        waits: Waits,
        seed: u64,
    ) -> Self {
        let inner = Inner {
            base_url: config.base_url,
            credentials: config.credentials,
            transport,
            limiter,
            clock,
            waits,
            random: Random::new(seed),
            tallies: Tallies::default(),
            skew_ms: AtomicI64::new(UNKNOWN),
            skew_told: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner), observer: None }
    }

    /// The same client, telling the observer what it does.
    #[must_use]
    pub fn observed(self, observer: Observer) -> Self {
        Self { observer: Some(observer), ..self }
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

    /// The platform's clock in epoch milliseconds: the local one, corrected by the skew last seen.
    #[must_use]
    pub fn platform_now(&self) -> i64 {
        self.inner.clock.now_ms().saturating_add(self.skew_ms().unwrap_or(0))
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
        let now = self.platform_now().div_euclid(1000);
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
            Err(NoAnswer::Cassette(reason)) => return Err(FetchError::Cassette { call, reason }),
        };
        inner.tallies.call(reply.as_ref().map_or(0, |reply| reply.body.len()), start.elapsed());
        let skew = reply.as_ref().ok().and_then(RawAnswer::skew);
        let body = reply.map_err(Fault::from).and_then(|reply| reply.body(&inner.base_url));
        let answer = body.and_then(|body| understand(endpoint, request, &body));
        // Only an answer in the platform's own words tells its time: a broken one may be from a box in between.
        if let Some(skew) = skew.filter(|_| !matches!(answer, Err(Fault::Transport(_)))) {
            inner.skew_ms.store(skew.least_ms, Ordering::Relaxed);
            if matches!(answer, Ok(_) | Err(Fault::Platform(Class::Clock, _))) {
                self.check_clock(call, skew)?;
            }
        }
        if let Ok(PageAnswer { decoded, bytes, .. }) = &answer {
            let Call { method, page } = call;
            self.tell(&Event::Call { method, page, records: decoded.fingerprints.len(), bytes: *bytes });
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
            return Err(FetchError::Clock { call, reason });
        }
        if seconds.abs() > NOTABLE_SKEW_SECONDS && !self.inner.skew_told.swap(true, Ordering::Relaxed) {
            self.tell(&Event::Skew { skew_ms });
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
                let told = fault.told_wait(inner.credentials.gateway());
                if let Some(told) = told.filter(|&told| told > LONGEST_TOLD) {
                    let (attempts, reason) = (attempts.failed(), self.told_later(&fault, told));
                    return Err(FetchError::Limited { call, attempts, reason });
                }
                let lengths = Lengths { told, first: inner.waits.pause, longest: inner.waits.longest_pause };
                let pause = inner.limiter.pause(permit, lengths).await;
                if pause.in_a_row > at_most {
                    return Err(final_error(ErrorKind::Limited, call, attempts.failed(), fault));
                }
                if pause.started {
                    inner.tallies.wait(pause.wait);
                    self.tell(&Event::Pause { reason: fault.reason(), wait: pause.wait });
                }
                Ok(())
            }
            Next::Wait(wait) => {
                let Call { method, page } = call;
                self.tell(&Event::Retry { method, page, reason: fault.reason(), wait });
                if !wait.is_zero() {
                    inner.tallies.wait(wait);
                    tokio::time::sleep(wait).await;
                }
                Ok(())
            }
        }
    }

    /// The platform's words, and the time it tells to wait for.
    fn told_later(&self, fault: &Fault, wait: Duration) -> String {
        let wait = i64::try_from(wait.as_secs()).unwrap_or(i64::MAX);
        let time = self.platform_now().div_euclid(1000).saturating_add(wait);
        format!("{}; run again after {}", fault.reason(), format_wall_time(time))
    }

    fn tell(&self, event: &Event) {
        if let Some(observer) = &self.observer {
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
    // this platform is known to send control characters as they are
    if endpoint.gateway == Gateway::Top
        && matches!(answer, Err(AnswerError::Malformed { .. }))
        && let Some(repaired) = envelope::repaired(body)
    {
        answer = read(endpoint, request, &repaired);
    }
    answer.map_err(|error| match error {
        AnswerError::Platform(error) => Fault::Platform(error::classify(endpoint.gateway, &error), error),
        error => Fault::Transport(error.to_string()),
    })
}

/// Reads an answer; one that promises nothing about the whole on the first page counts as broken.
fn read(endpoint: &Endpoint, request: &PageRequest, body: &[u8]) -> Result<PageAnswer, AnswerError> {
    let answer = envelope::read(endpoint, request.method, body)?;
    if let Some(reason) = half_understood(request, &answer) {
        return Err(AnswerError::Malformed { reason: reason.to_owned() });
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
        (ErrorKind::Clock, fault) => FetchError::Clock { call, reason: fault.reason() },
        (ErrorKind::Permission, Fault::Platform(_, error)) => FetchError::Permission { call, error },
        (ErrorKind::Parameter, Fault::Platform(Class::WindowTooWide, error)) => {
            FetchError::WindowTooWide { call, error }
        }
        (ErrorKind::Parameter, Fault::Platform(_, error)) => FetchError::Parameter { call, error },
        (ErrorKind::Limited, fault) => FetchError::Limited { call, attempts, reason: fault.reason() },
        (_, fault) => FetchError::Unavailable { call, attempts, reason: fault.reason() },
    }
}
