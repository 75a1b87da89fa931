//! The integration tests of wdt-etl, one binary.

mod config;
mod crash;
mod readers;
mod tables;
mod world;
