//! The simulator: started, looked into, meddled with and stopped.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::serve::ListenerExt as _;
use tokio::{runtime::Handle, sync::oneshot, task::JoinHandle};
use wdt_models::{Endpoint, Gateway, endpoints};

use crate::{
    answer,
    calls::{Call, CallLog},
    check::{Params, Query},
    config::SimConfig,
    dice::Dice,
    fault::Fault,
    ledger::Ledger,
    limit::Limit,
    refusal::Refusal,
    server,
};

/// A running gateway; it ends when this is dropped.
#[derive(Debug)]
pub struct Sim {
    address: SocketAddr,
    platform: Arc<Platform>,
    /// The server ends when this is sent to or dropped.
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimError {
    /// The port is taken or may not be opened.
    #[error("cannot listen on 127.0.0.1:{port}")]
    Listen {
        /// The port asked for.
        port: u16,
        /// What the operating system says.
        source: io::Error,
    },
    /// The caller is not on a tokio runtime.
    #[error("the simulator needs a running tokio runtime")]
    NoRuntime,
    /// [`SimConfig::rows`] names a dataset this gateway does not have.
    #[error("the simulator has no dataset `{dataset}`")]
    UnknownDataset {
        /// The name.
        dataset: String,
    },
}

impl Sim {
    /// Makes the rows and begins to answer on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// [`SimError`] if the configuration names an unknown dataset, the port cannot be opened, or no runtime is there.
    pub fn start(config: SimConfig) -> Result<Self, SimError> {
        let runtime = Handle::try_current().map_err(|_| SimError::NoRuntime)?;
        let unknown = config.rows.keys().find(|dataset| !served().any(|endpoint| endpoint.dataset == **dataset));
        if let Some(dataset) = unknown {
            return Err(SimError::UnknownDataset { dataset: dataset.clone() });
        }
        let port = config.port;
        let (listener, address) = listen(port).map_err(|source| SimError::Listen { port, source })?;
        let platform = Arc::new(Platform::new(config));
        let (stop, stopped) = oneshot::channel();
        let server = runtime.spawn(serve(listener, Arc::clone(&platform), stopped));
        Ok(Self { address, platform, stop, server })
    }

    /// The folder of the methods, such as `http://127.0.0.1:18080/openapi2`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}{}", self.address, server::FOLDER)
    }

    /// The first account's rows of a dataset.
    #[must_use]
    pub fn ledger(&self, dataset: &str) -> Option<Ledger> {
        self.platform.config.accounts.first().and_then(|account| self.ledger_of(&account.sid, dataset))
    }

    /// A merchant's rows of a dataset.
    #[must_use]
    pub fn ledger_of(&self, sid: &str, dataset: &str) -> Option<Ledger> {
        self.platform.ledger(sid, |endpoint| endpoint.dataset == dataset).cloned()
    }

    /// Makes this go wrong with the next call; faults injected before come first.
    pub fn inject(&self, fault: Fault) {
        lock(&self.platform.log).injected.push_back(fault);
    }

    /// The latest calls, at most 50,000, in the order they arrived.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.platform.log).to_vec()
    }

    /// Calls to a known method so far.
    #[must_use]
    pub fn call_count(&self) -> u64 {
        lock(&self.platform.log).count()
    }

    /// Calls refused so far because of the call limit.
    #[must_use]
    pub fn limit_breaches(&self) -> u64 {
        lock(&self.platform.limit).breaches()
    }

    /// Stops, once the calls under way are answered.
    pub async fn stop(self) {
        drop(self.stop);
        // an error here means the server is gone, which is what is wanted
        let _ = self.server.await;
    }
}

/// What the gateway knows; everything but HTTP.
#[derive(Debug)]
pub(crate) struct Platform {
    pub(crate) config: SimConfig,
    ledgers: Vec<(String, Ledger)>,
    log: Mutex<CallLog>,
    limit: Mutex<Limit>,
}

/// What a call got: its text, its code and its records.
struct Outcome {
    text: String,
    code: i64,
    records: usize,
}

impl Platform {
    fn new(config: SimConfig) -> Self {
        let mut sids: Vec<_> = config.accounts.iter().map(|account| account.sid.clone()).collect();
        sids.sort_unstable();
        sids.dedup();
        let of = |sid: String| served().map(move |endpoint| (sid.clone(), endpoint)).collect::<Vec<_>>();
        let ledgers = sids.into_iter().flat_map(of);
        let ledgers = ledgers.map(|(sid, endpoint)| {
            let ledger = Ledger::new(endpoint, &sid, &config);
            (sid, ledger)
        });
        let ledgers = ledgers.collect();
        let limit = Mutex::new(Limit::new(config.calls_per_minute, config.cool_down_seconds));
        Self { config, ledgers, log: Mutex::default(), limit }
    }

    /// Answers a call and says what goes wrong on the way; `None` for an unknown method.
    pub(crate) fn call(
        &self,
        method: &str,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Option<(String, Option<Fault>)> {
        let endpoint = served().find(|endpoint| endpoint.method == method)?;
        let at = (self.config.clock)();
        let params = Params::read(content_type, body);
        let (number, fault) = self.arrive();
        let outcome = self.outcome(endpoint, &params, number, at, fault.as_ref());
        let Outcome { text, code, records } = outcome;
        let params = params.without_sign();
        let call = Call { number, at, method: method.to_owned(), params, code, records, fault: fault.clone() };
        lock(&self.log).record(call);
        Some((text, fault))
    }

    fn arrive(&self) -> (u64, Option<Fault>) {
        let mut log = lock(&self.log);
        let number = log.arrive();
        let fault = self.config.faults.take(&mut log.injected, number, self.config.seed);
        (number, fault)
    }

    fn outcome(&self, endpoint: &Endpoint, params: &Params, number: u64, at: i64, fault: Option<&Fault>) -> Outcome {
        let mut dice = Dice::new(self.config.seed, &[6, number]);
        let forms = self.config.forms.decided(&mut dice);
        let refused = match fault {
            Some(Fault::BusinessCode { code, message }) => Err(Refusal::new(*code, message)),
            _ => Ok(()),
        };
        let query = self.admit(endpoint, params, at).and_then(|admitted| refused.map(|()| admitted));
        let (ledger, query) = match query {
            Ok(admitted) => admitted,
            Err(refusal) => {
                return Outcome { text: answer::refusal(&refusal, forms), code: refusal.code, records: 0 };
            }
        };
        let page = ledger.page(&query.selection, self.config.order, (query.page_no, query.page_size), number);
        let text = answer::page(ledger, &page, query.page_no, forms, fault);
        if dice.happens(self.config.edits_per_page) {
            ledger.edit_near(&query.selection, &mut dice);
        }
        Outcome { text, code: 0, records: page.rows.len() }
    }

    /// Checks a call: credentials, then the limit, then what it asks for.
    fn admit(&self, endpoint: &Endpoint, params: &Params, at: i64) -> Result<(&Ledger, Query), Refusal> {
        let caller = params.caller(&self.config.accounts, at)?;
        if !lock(&self.limit).admit(caller, at) {
            return Err(Refusal::too_often(self.config.calls_per_minute));
        }
        let sid = &self.config.accounts[caller].sid;
        let ledger = self.ledger(sid, |own| own.dataset == endpoint.dataset);
        let ledger = ledger.ok_or_else(|| Refusal::missing("sid"))?;
        Ok((ledger, params.query(ledger, self.config.end, at)?))
    }

    fn ledger(&self, sid: &str, wanted: impl Fn(&Endpoint) -> bool) -> Option<&Ledger> {
        self.ledgers.iter().find(|(own, ledger)| own == sid && wanted(ledger.endpoint())).map(|(_, ledger)| ledger)
    }
}

fn served() -> impl Iterator<Item = &'static Endpoint> {
    endpoints::ALL.iter().copied().filter(|endpoint| endpoint.gateway == Gateway::Enterprise)
}

fn listen(port: u16) -> io::Result<(tokio::net::TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((tokio::net::TcpListener::from_std(listener)?, address))
}

async fn serve(listener: tokio::net::TcpListener, platform: Arc<Platform>, stopped: oneshot::Receiver<()>) {
    // a page is written in several pieces; without this each would wait for the client's acknowledgement
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let stopped = async { drop(stopped.await) };
    // the accept loop retries by itself; it ends only when told to
    let _ = axum::serve(listener, server::router(platform)).with_graceful_shutdown(stopped).await;
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
