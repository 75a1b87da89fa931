//! The integration tests of wdt-etl, one binary.

mod config;
