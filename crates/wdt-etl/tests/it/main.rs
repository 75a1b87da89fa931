//! The integration tests of wdt-etl, one binary.

mod cli;
mod config;
mod crash;
mod readers;
mod support;
mod tables;
mod world;
