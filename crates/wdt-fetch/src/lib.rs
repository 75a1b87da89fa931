//! Reads the gateways: signed calls within the limit, retried by one policy, and windows that are proved whole.
//!
//! A [`Client`] gives one page: permit, time, sign, send, read, classify. [`read_windows`] turns windows into
//! [`CertifiedPart`]s, [`read_slice`] and [`read_ids`] turn slices and lists of ids into [`CertifiedSlice`]s, each with
//! the [`Certificate`](wdt_models::Certificate) that says why nothing is missing from it. This is the only crate that knows HTTP; it knows
//! nothing of tables, files or configuration.

pub mod cassette;
pub mod client;
pub mod clock;
pub mod credentials;
pub mod error;
pub mod limit;
pub mod observe;
pub mod pages;
pub mod retry;
pub mod slots;
pub mod snapshot;
pub mod transport;
pub mod windows;
pub mod wire;

mod certified;
mod certify;
mod host;
mod http;
mod ids;
mod ledger;
mod order;
mod self_test;
mod split;
mod tally;
mod turn;

pub use certified::CertifiedPart;
pub use client::{Client, ClientConfig, NOTABLE_SKEW_SECONDS, PageAnswer};
pub use clock::{Clock, SystemClock, VirtualClock};
pub use credentials::{AccountKeys, CredentialFault, Credentials};
pub use error::{Call, ErrorKind, FetchError, WindowError};
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
pub use wire::{PageRequest, Params, SignedRequest, Target};
