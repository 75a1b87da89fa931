//! A simulator of the enterprise gateway (`openapi2`) on a loopback socket, as strict as the documents say the real one
//! is: for the demo, for tests and for benchmarks.
//!
//! It checks signatures with `wdt-sign`, the crate the client signs with, so it cannot find a fault there: only the
//! published vectors can. Where the documents are silent it has to assume something; the module [`refusal`] names each
//! assumption. Nothing here reads a clock or draws from the system's randomness: both are arguments of [`SimConfig`].

mod answer;
mod calls;
mod check;
pub mod config;
mod dice;
mod fault;
pub mod form;
mod json;
mod ledger;
mod limit;
pub mod refusal;
mod render;
mod role;
mod server;
mod sim;

pub use calls::Call;
pub use config::{Account, Clock, PageOrder, SimConfig, WindowEnd};
pub use fault::{Fault, FaultPlan};
pub use ledger::{Ledger, Row};
pub use sim::{Sim, SimError};
