//! Reads the gateways: signed calls within the limit, retried by one policy, and windows that are proved whole.
//!
//! A [`Client`] gives one page: permit, time, sign, send, read, classify. [`read_windows`] turns windows into
//! [`CertifiedPart`]s, [`read_slice`] and [`read_ids`] turn slices and lists of ids into [`CertifiedSlice`]s, each with
//! the [`Certificate`](wdt_models::Certificate) that says why nothing is missing from it. This is the only crate that
//! knows HTTP. It knows no table, no configuration, and no file but the lock files of the call limit, in `host.rs`.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! use wdt_fetch::{AccountKeys, Client, Clock, Credentials, ReadOptions, SystemClock, WindowReader, read_window};
//! use wdt_models::{Gateway, Window, endpoints};
//! use wdt_sim::{Account, Sim, SimConfig};
//!
//! // a platform on this machine, with 50 rows
//! let mut config = SimConfig::new(Arc::new(|| SystemClock.now().floor_seconds().0));
//! config.rows.insert("enterprise_stock".to_owned(), 50);
//! let sim = Sim::start(config)?;
//!
//! let Account { sid, app_key, secret, .. } = Account::example(Gateway::Enterprise);
//! let keys = AccountKeys { sid: Some(sid), app_key, app_secret: Some(secret), ..AccountKeys::default() };
//! let credentials = Credentials::new(Gateway::Enterprise, keys)?;
//! let client = Client::builder(sim.base_url(Gateway::Enterprise), credentials).build()?;
//!
//! let now = client.platform_now().floor_seconds();
//! let window = Window::new(now - 22 * 86_400, now);
//! let reader = WindowReader::new(client, &endpoints::ENTERPRISE_STOCK);
//! let parts = read_window(&reader, window, &ReadOptions::default()).await?.parts;
//! assert_eq!(parts[0].certificate.declared_after, 50); // the platform's own total
//! assert_eq!(parts[0].batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 50);
//! # Ok(())
//! # }
//! ```

pub mod cassette;

mod builder;
mod certified;
mod certify;
mod client;
mod clock;
mod credentials;
mod error;
mod host;
mod http;
mod ids;
mod limit;
mod observe;
mod order;
mod pages;
mod retry;
mod schedule;
mod self_test;
mod slots;
mod snapshot;
mod split;
mod tally;
mod transport;
mod turn;
mod windows;
mod wire;

pub use builder::ClientBuilder;
pub use certified::CertifiedPart;
pub use client::{Client, NOTABLE_SKEW_SECONDS, PageAnswer};
pub use clock::{Clock, SystemClock, VirtualClock};
pub use credentials::{AccountKeys, CredentialFault, Credentials};
pub use error::{Call, Cause, ErrorKind, FetchError, WindowError};
pub use http::Timeouts;
pub use ids::read_ids;
pub use limit::{Limiter, Limiters, Usage};
pub use observe::{Counters, Event, Observer};
pub use pages::{PageSource, ReadOptions, WindowReader};
pub use retry::Waits;
pub use self_test::self_test;
pub use slots::Slots;
pub use snapshot::{CertifiedSlice, read_slice};
pub use transport::{Broken, NoAnswer, Outgoing, RawAnswer, Transport};
pub use windows::{WindowRead, read_window, read_windows};
pub use wire::{PageRequest, Params, SignedRequest, Target, WireError, signed};
