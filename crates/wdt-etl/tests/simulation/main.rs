//! Thousands of simulated weeks: a seed decides the merchant's edits, the faults, the clocks, the kills, the rivals and
//! the nights; an oracle that knows every state of every row compares. `cargo xtask simulate` plays more of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod bytes;
mod oracle;
mod reader;
mod scene;
mod week;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use scene::Format;
use week::Tally;

/// Weeks in memory unless `WDT_ETL_SIMULATE_SEEDS` says otherwise; with the others, a thousand.
const SEEDS: u64 = 935;
/// Weeks on Delta unless `WDT_ETL_SIMULATE_DELTA` says otherwise; their seeds follow those in memory.
const DELTA_SEEDS: u64 = 50;
/// Weeks on plain Parquet unless `WDT_ETL_SIMULATE_PARQUET` says otherwise; their seeds follow those.
const PARQUET_SEEDS: u64 = 15;

/// A sweep tells after so many weeks how far it is.
const TOLD_EVERY: u64 = 1_000;

#[test]
fn no_row_is_lost_doubled_or_wrongly_deleted_in_memory() {
    sweep(Format::Memory, setting("SEEDS", SEEDS), 1);
}

#[test]
fn no_row_is_lost_doubled_or_wrongly_deleted_on_delta() {
    sweep(Format::Delta, setting("DELTA", DELTA_SEEDS), SEEDS + 1);
}

#[test]
fn no_row_is_lost_doubled_or_wrongly_deleted_on_parquet() {
    sweep(Format::Parquet, setting("PARQUET", PARQUET_SEEDS), SEEDS + DELTA_SEEDS + 1);
}

#[test]
fn a_seed_gives_the_same_week_again() {
    for seed in 1..=8 {
        let first = week(seed, Format::Memory, false);
        assert_eq!(week(seed, Format::Memory, false), first, "seed {seed}");
        assert!(first.calls > 0, "{first:?}");
    }
}

#[test]
fn the_same_nights_leave_the_same_bytes() {
    for seed in 1..=4 {
        let play = || virtual_time(bytes::nights(seed));
        let (first, second) = (play(), play());
        let names = |files: &bytes::Files| files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&first), names(&second), "seed {seed}");
        assert!(first.keys().any(|name| name.contains("/dt=")), "seed {seed} lands nothing: {:?}", names(&first));
        let differing: Vec<_> = first.iter().filter(|(name, bytes)| second[*name] != **bytes).collect();
        assert!(differing.is_empty(), "seed {seed}: {:?}", differing.iter().map(|(name, _)| name).collect::<Vec<_>>());
    }
}

#[expect(clippy::disallowed_methods, reason = "how many weeks to play is asked of the test, not of the program")]
fn setting(name: &str, default: u64) -> u64 {
    let text = std::env::var(format!("WDT_ETL_SIMULATE_{name}")).ok();
    text.map_or(default, |text| text.parse().expect("a whole number"))
}

/// Plays that many weeks, from the first seed on or from `WDT_ETL_SIMULATE_FIRST`, on every core; fails with the seeds
/// that failed.
fn sweep(format: Format, seeds: u64, first: u64) {
    if seeds == 0 {
        return println!("no week {format:?} was asked for");
    }
    let first = setting("FIRST", first);
    println!("seeds {first} to {} {format:?}", first + seeds - 1);
    let (next, failed, total) = (AtomicU64::new(first), Mutex::new(Vec::new()), Mutex::new(Tally::default()));
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + seeds || failed.lock().unwrap().len() >= 5 {
                        break;
                    }
                    if let Ok(tally) = catch_unwind(AssertUnwindSafe(|| week(seed, format, seeds == 1))) {
                        let mut total = total.lock().unwrap();
                        total.add(tally);
                        if total.weeks % TOLD_EVERY == 0 {
                            println!("{} weeks", total.weeks);
                        }
                    } else {
                        println!("seed {seed} failed");
                        failed.lock().unwrap().push(seed);
                    }
                }
            });
        }
    });
    let (failed, total) = (failed.into_inner().unwrap(), total.into_inner().unwrap());
    println!("{format:?}: {total:?}");
    let counts = match format {
        Format::Memory => "--seeds 1",
        Format::Delta => "--seeds 0 --delta 1",
        Format::Parquet => "--seeds 0 --parquet 1",
    };
    assert!(failed.is_empty(), "failed: {failed:?}; again: cargo xtask simulate {counts} --first {}", failed[0]);
}

/// One week in a runtime of its own, whose time passes when everybody waits.
fn week(seed: u64, format: Format, tell: bool) -> Tally {
    virtual_time(week::play(seed, format, tell))
}

fn virtual_time<T>(played: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(played)
}
