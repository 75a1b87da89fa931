//! The integration tests of wdt-etl, one binary.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod backfill;
mod child;
mod cli;
mod config;
mod crash;
mod datasets;
mod diff;
mod export;
mod full_read;
mod inputs;
mod kill;
mod memory;
mod params;
mod parquet;
mod readers;
mod reconcile;
mod record;
mod slices;
mod stranger;
mod support;
mod tables;
mod verify;
mod world;
