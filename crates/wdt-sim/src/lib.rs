//! A simulator of the three gateways, for the demo, for tests and for benchmarks. It runs on a loopback socket or
//! without one, and is as strict as the documents say the real gateways are.
//!
//! One [`Sim`] answers on one port: enterprise below `/openapi2`, flagship at `/openapi`, top at `/router/rest`. Every
//! endpoint of `wdt_models::endpoints::ALL` is served from its description alone. Signatures are checked with
//! `wdt-sign`, the crate the client signs with. A fault there cannot be found here: only the published vectors find it.
//!
//! Where the documents are silent the simulator has to assume something. The module [`refusal`] names each assumption
//! about what is refused. [`form`] contains what it can play in several ways, such as empty lists, numbers as texts or
//! a warehouse that does not exist. The place of an error code on top is chosen with [`Fault::Platform`]. Nothing here
//! reads a clock or draws from the system's randomness: both are arguments of [`SimConfig`].

mod account;
mod answer;
mod arguments;
mod calls;
pub mod config;
mod dice;
mod enterprise;
mod fault;
mod filter;
mod flagship;
pub mod form;
mod json;
mod label;
mod ledger;
mod limit;
mod params;
mod places;
mod platform;
pub mod refusal;
mod render;
mod request;
mod role;
mod row;
mod server;
mod sim;
mod spelling;
mod spread;
mod top;
mod value;
mod xml;

pub use account::Account;
pub use calls::Call;
pub use config::{Clock, PageOrder, SimConfig, WindowEnd};
pub use dice::Dice;
pub use fault::{Fault, FaultPlan};
pub use ledger::Ledger;
pub use places::STORES;
pub use row::{Change, Row};
pub use sim::{BrokeOff, Exchanged, Sim, SimError};
