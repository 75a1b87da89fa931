//! How a [`Client`] is built: an address and credentials, and defaults for all the rest.

use std::fmt;
use std::sync::Arc;

use crate::client::{Client, ClientParts};
use crate::clock::{Clock, SystemClock};
use crate::credentials::Credentials;
use crate::error::FetchError;
use crate::http::{Http, Timeouts};
use crate::limit::Limiter;
use crate::observe::Observer;
use crate::retry::Waits;
use crate::transport::Transport;

/// Builds a [`Client`]; what is not set has a default that suits the platform.
#[derive(Clone)]
#[must_use]
pub struct ClientBuilder {
    base_url: String,
    credentials: Credentials,
    proxy: Option<String>,
    timeouts: Timeouts,
    transport: Option<Arc<dyn Transport>>,
    limiter: Option<Arc<Limiter>>,
    clock: Arc<dyn Clock>,
    waits: Waits,
    seed: Option<u64>,
    observer: Option<Observer>,
}

impl Client {
    /// A client of the gateway that the credentials are for, at that address.
    ///
    /// By default it has its own connections without a proxy, the calls per minute that are safe on the gateway,
    /// this machine's clock, and the waits that the platforms advise.
    pub fn builder(base_url: impl Into<String>, credentials: Credentials) -> ClientBuilder {
        ClientBuilder {
            base_url: base_url.into(),
            credentials,
            proxy: None,
            timeouts: Timeouts::default(),
            transport: None,
            limiter: None,
            clock: Arc::new(SystemClock),
            waits: Waits::default(),
            seed: None,
            observer: None,
        }
    }
}

impl ClientBuilder {
    /// Address of a proxy; the environment's proxies are never used.
    pub fn proxy(self, proxy: impl Into<Option<String>>) -> Self {
        Self { proxy: proxy.into(), ..self }
    }

    /// How long a request may take.
    pub fn timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    /// What carries requests in place of connections; proxy and timeouts are not used then.
    pub fn transport(self, transport: Arc<dyn Transport>) -> Self {
        Self { transport: Some(transport), ..self }
    }

    /// The call limit, shared by all clients that are given the same.
    pub fn limiter(self, limiter: Arc<Limiter>) -> Self {
        Self { limiter: Some(limiter), ..self }
    }

    /// The local clock.
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// How long to wait after faults.
    pub fn waits(self, waits: Waits) -> Self {
        Self { waits, ..self }
    }

    /// Spreads the waits after broken transports; by default the time of building.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// Called for each event of the client.
    pub fn observer(self, observer: Observer) -> Self {
        Self { observer: Some(observer), ..self }
    }

    /// What will carry the requests: the transport that was set, or connections, none of them made yet.
    ///
    /// # Errors
    ///
    /// [`FetchError::Setup`] when the address or the proxy is not one, or no TLS certificates can be loaded.
    pub fn carrier(&self) -> Result<Arc<dyn Transport>, FetchError> {
        match &self.transport {
            Some(transport) => Ok(Arc::clone(transport)),
            None => Ok(Arc::new(Http::new(&self.base_url, self.proxy.as_deref(), self.timeouts)?)),
        }
    }

    /// The client, which has called nobody yet.
    ///
    /// # Errors
    ///
    /// [`FetchError::Setup`] when the address or the proxy is not one, or no TLS certificates can be loaded.
    pub fn build(self) -> Result<Client, FetchError> {
        let transport = self.carrier()?;
        let calls_per_minute = self.credentials.gateway().calls_per_minute();
        let limiter = self.limiter.unwrap_or_else(|| Arc::new(Limiter::new(calls_per_minute)));
        let seed = self.seed.unwrap_or_else(|| self.clock.now().0.unsigned_abs());
        let Self { base_url, credentials, clock, waits, observer, .. } = self;
        Ok(Client::of(ClientParts { base_url, credentials, transport, limiter, clock, waits, seed, observer }))
    }
}

impl fmt::Debug for ClientBuilder {
    /// Masks the proxy, whose address may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("base_url", &self.base_url)
            .field("credentials", &self.credentials)
            .field("proxy", &self.proxy.as_ref().map(|_| "***"))
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}
