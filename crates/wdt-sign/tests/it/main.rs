//! Tests of the public interface: vectors, properties, secrets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod case;
mod properties;
mod refusals;
mod secrets;
mod vectors;
