//! A real process, killed (SIGKILL) at every failpoint, run again, compared with one that nobody disturbed.

mod kept;
mod scenario;

use std::collections::BTreeMap;
use std::sync::Arc;

use kept::{Kept, assert_same, assert_spotless, kept, orphans};
use scenario::{Copy, Scenario};
use wdt_etl::failpoint::Place;

use crate::child;

/// Decides at which time of several a failpoint kills.
const SEED: u64 = 20_261_122;

/// A scenario with what it leaves when nobody disturbs it.
struct Undisturbed {
    scenario: Scenario,
    kept: Kept,
    /// Failpoints that the command passes, with their number.
    passed: BTreeMap<String, u64>,
    /// Data files that the command writes.
    files: usize,
}

impl Undisturbed {
    async fn new(scenario: Scenario) -> Arc<Self> {
        let copy = scenario.copy();
        let before = named_files(&copy);
        let scenario = Arc::new(scenario);
        let ran = Arc::clone(&scenario);
        let (copy, traced) = blocking(move || {
            let traced = ran.child(&copy, Some("trace"));
            (copy, traced)
        })
        .await;
        assert!(traced.status.success(), "{}: {traced:?}", scenario.name);
        let mut passed = BTreeMap::new();
        for name in child::passed(&traced) {
            *passed.entry(name).or_default() += 1;
        }
        assert_spotless(&scenario, &copy, scenario.name).await;
        assert!(orphans(&copy).is_empty(), "{}", scenario.name);
        let (kept, files) = (kept(&copy, &scenario.datasets), named_files(&copy) - before);
        let scenario = Arc::into_inner(scenario).unwrap();
        Arc::new(Self { scenario, kept, passed, files })
    }

    /// Kills at the failpoint so often, runs to the end, and compares.
    async fn killed(self: &Arc<Self>, failpoint: &str, times: usize) {
        let what = format!("{} killed at {failpoint}", self.scenario.name);
        let (this, armed) = (Arc::clone(self), failpoint.to_owned());
        let (copy, left) = blocking(move || {
            let copy = this.scenario.copy();
            let mut left = Vec::new();
            for _ in 0..times {
                let killed = this.scenario.child(&copy, Some(&armed));
                assert!(killed.status.code().is_none(), "{armed} was not reached: {killed:?}");
                left.push(if copy.warehouse().exists() { orphans(&copy).len() } else { 0 });
            }
            let again = this.scenario.child(&copy, None);
            assert!(again.status.success(), "{} killed at {armed}: {again:?}", this.scenario.name);
            (copy, left)
        })
        .await;
        let mut before = 0;
        for left in left {
            assert!(left - before <= self.files, "{what}: {left} files that no commit names, {before} before");
            before = left;
        }
        assert!(orphans(&copy).len() <= before, "{what}: a run to its end leaves a file that no commit names");
        assert_same(&kept(&copy, &self.scenario.datasets), &self.kept, &what);
        assert_spotless(&self.scenario, &copy, &what).await;
    }
}

async fn killed_everywhere(scenario: Scenario) {
    println!("seed {SEED}");
    let undisturbed = Undisturbed::new(scenario).await;
    println!("{}: {:?}", undisturbed.scenario.name, undisturbed.passed);
    for (position, (failpoint, &times)) in undisturbed.passed.iter().enumerate() {
        let ordinal = 1 + mixed(SEED + position as u64) % times;
        undisturbed.killed(&format!("{failpoint}:{ordinal}"), 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_load_killed_anywhere_equals_an_undisturbed_one() {
    killed_everywhere(Scenario::first_load().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_killed_anywhere_equals_an_undisturbed_one() {
    killed_everywhere(Scenario::night().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshots_killed_anywhere_equal_undisturbed_ones() {
    killed_everywhere(Scenario::snapshots().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconcile_killed_anywhere_equals_an_undisturbed_one() {
    killed_everywhere(Scenario::reconcile().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_killed_anywhere_equals_an_undisturbed_one() {
    killed_everywhere(Scenario::backfill().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_failpoint_is_reached() {
    let mut left: Vec<&str> = Place::ALL.iter().map(|place| place.name()).collect();
    for scenario in [
        Scenario::first_load().await,
        Scenario::night().await,
        Scenario::snapshots().await,
        Scenario::reconcile().await,
        Scenario::backfill().await,
    ] {
        let traced = blocking(move || scenario.child(&scenario.copy(), Some("trace"))).await;
        let passed = child::passed(&traced);
        left.retain(|name| !passed.iter().any(|passed| passed == name));
    }
    assert!(left.is_empty(), "no scenario reaches {left:?}, so nothing is killed there");
}

/// Data files that a commit names.
fn named_files(copy: &Copy) -> usize {
    let Ok(tables) = std::fs::read_dir(copy.warehouse()) else { return 0 };
    let commits = tables.flat_map(|table| crate::support::commits(&table.unwrap().path()));
    commits.map(|commit| commit.lines().filter(|line| line.starts_with("{\"add\"")).count()).sum()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// A number that a seed decides (splitmix64).
fn mixed(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
