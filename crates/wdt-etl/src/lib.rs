//! The nightly job: configuration, plan, pipeline, Delta tables, commands.
//!
//! [`pipeline::run`] asks for what is due, reads it through `wdt-fetch` window by window, and lands each certified window
//! together with its watermark in one commit of the dataset's log. There is no state file: the table is the state.

pub mod cassette;
pub mod cli;
pub mod commands;
pub mod config;
pub mod environment;
pub mod error;
pub mod failpoint;
mod json_line;
mod memory;
pub mod pipeline;
mod plan;
pub mod report;
pub mod warehouse;
#[cfg(feature = "test-util")]
pub mod wire;
mod words;

pub use error::EtlError;
