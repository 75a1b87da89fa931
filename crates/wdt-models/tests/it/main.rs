//! Integration tests of wdt-models: the registry, every fixture page, properties.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod decode;
mod envelope;
mod fixture;
mod page_forms;
mod pages;
mod properties;
mod random;
mod registry;
mod render;
mod rows;
