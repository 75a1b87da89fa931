//! The simulator: started, looked into, meddled with and stopped.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{self, header},
    serve::ListenerExt as _,
};
use tokio::{runtime::Handle, sync::oneshot, task::JoinHandle};
use tower::ServiceExt as _;
use wdt_models::{Gateway, endpoints};

use crate::{calls::Call, config::SimConfig, fault::Fault, ledger::Ledger, platform::Platform, server};

/// An answer of [`Sim::exchange`] that is larger counts as broken off.
const LARGEST_BODY: usize = 64 << 20;

/// The three gateways, running on one port or called directly; they end when this is dropped.
#[derive(Debug)]
pub struct Sim {
    platform: Arc<Platform>,
    router: Router,
    served: Option<Served>,
}

/// The port and its server.
#[derive(Debug)]
struct Served {
    address: SocketAddr,
    /// The server ends when this is sent to or dropped.
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

/// What came back from [`Sim::exchange`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// The HTTP status.
    pub status: u16,
    /// The header `Date`.
    pub date: Option<String>,
    /// The header `Location`, of a redirect.
    pub location: Option<String>,
    /// The body, not compressed.
    pub body: Vec<u8>,
}

/// No whole answer came: the transfer broke, as a fault says it shall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the transfer broke off")]
pub struct BrokeOff;

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
    /// [`SimConfig::rows`] names a dataset that no gateway has.
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
    /// [`SimError`] if the configuration names an unknown dataset, the port cannot be opened, or there is no runtime.
    pub fn start(config: SimConfig) -> Result<Self, SimError> {
        let runtime = Handle::try_current().map_err(|_| SimError::NoRuntime)?;
        let port = config.port;
        let sim = Self::without_socket(config)?;
        let (listener, address) = listen(port).map_err(|source| SimError::Listen { port, source })?;
        let (stop, stopped) = oneshot::channel();
        let server = runtime.spawn(serve(listener, sim.router.clone(), stopped));
        Ok(Self { served: Some(Served { address, stop, server }), ..sim })
    }

    /// Makes the rows without opening a port: [`Sim::exchange`] answers. Nothing then depends on a real clock or
    /// network.
    ///
    /// # Errors
    ///
    /// [`SimError::UnknownDataset`].
    pub fn without_socket(config: SimConfig) -> Result<Self, SimError> {
        let unknown = config.rows.keys().find(|dataset| endpoints::find(dataset).is_none());
        if let Some(dataset) = unknown {
            return Err(SimError::UnknownDataset { dataset: dataset.clone() });
        }
        let platform = Arc::new(Platform::new(config));
        let router = server::router(Arc::clone(&platform));
        Ok(Self { platform, router, served: None })
    }

    /// The address of a gateway, such as `http://127.0.0.1:18080/openapi2`; on enterprise the folder of the methods.
    /// Without a port the host is `simulator.invalid`.
    #[must_use]
    pub fn base_url(&self, gateway: Gateway) -> String {
        let host = self.served.as_ref().map(|served| served.address.to_string());
        format!("http://{}{}", host.as_deref().unwrap_or("simulator.invalid"), server::path(gateway))
    }

    /// Answers a POST to an address as over a socket: the same routes, checks, faults and headers.
    ///
    /// # Errors
    ///
    /// [`BrokeOff`] where a socket would have broken off, also when the address is not one.
    pub async fn exchange(&self, url: &str, content_type: &str, body: String) -> Result<Exchanged, BrokeOff> {
        let request = http::Request::post(url).header(header::CONTENT_TYPE, content_type).body(Body::from(body));
        let Ok(response) = self.router.clone().oneshot(request.map_err(|_| BrokeOff)?).await;
        let (head, body) = response.into_parts();
        let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (status, date, location) = (head.status.as_u16(), text(header::DATE), text(header::LOCATION));
        let body = to_bytes(body, LARGEST_BODY).await.map_err(|_| BrokeOff)?;
        let declared = text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
        if declared.is_some_and(|declared: usize| declared != body.len()) {
            return Err(BrokeOff);
        }
        Ok(Exchanged { status, date, location, body: body.to_vec() })
    }

    /// The rows that the first account of the dataset's gateway sees.
    #[must_use]
    pub fn ledger(&self, dataset: &str) -> Option<Ledger> {
        self.platform.ledger(dataset, |_| true)
    }

    /// A merchant's rows of a dataset: the merchant is a session on top, a sid elsewhere.
    #[must_use]
    pub fn ledger_of(&self, merchant: &str, dataset: &str) -> Option<Ledger> {
        self.platform.ledger(dataset, |account| account.merchant() == merchant)
    }

    /// Makes this go wrong with the next call; faults injected before come first.
    pub fn inject(&self, fault: Fault) {
        self.platform.log().injected.push_back(fault);
    }

    /// From now on pages are answered without an edit and nothing goes wrong by plan; what is injected still does.
    pub fn rest(&self) {
        self.platform.rest();
    }

    /// The latest calls, at most 50,000, in the order they arrived.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.platform.log().to_vec()
    }

    /// Calls so far; on enterprise those to a known method, as others do not reach the platform.
    #[must_use]
    pub fn call_count(&self) -> u64 {
        self.platform.log().count()
    }

    /// Calls refused so far because of the call limit.
    #[must_use]
    pub fn limit_breaches(&self) -> u64 {
        self.platform.limit().breaches()
    }

    /// Stops, once the calls under way are answered.
    pub async fn stop(self) {
        let Some(Served { stop, server, .. }) = self.served else { return };
        drop(stop);
        // an error here means the server is gone, which is what is wanted
        let _ = server.await;
    }
}

fn listen(port: u16) -> io::Result<(tokio::net::TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((tokio::net::TcpListener::from_std(listener)?, address))
}

async fn serve(listener: tokio::net::TcpListener, router: Router, stopped: oneshot::Receiver<()>) {
    // a page is written in several pieces; without this each would wait for the client's acknowledgement
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let stopped = async { drop(stopped.await) };
    // the accept loop retries by itself; it ends only when it is stopped
    let _ = axum::serve(listener, router).with_graceful_shutdown(stopped).await;
}
