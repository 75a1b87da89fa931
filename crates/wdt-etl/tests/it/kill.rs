//! A real process that is killed (SIGKILL), or whose store fails, and is run again: the tables equal, cell by cell, those
//! of a run that nobody disturbed.

mod kept;
mod scenario;
mod stores;

use std::collections::BTreeMap;
use std::process::Output;
use std::time::Duration;

use kept::{Kept, assert_same, assert_sound, assert_spotless, commits, kept, named_files, orphans};
use scenario::{Disturbance, Scenario};
use wdt_etl::environment::Variables;
use wdt_etl::failpoint;
use wdt_warehouse::Format;
use wdt_warehouse::failpoint::Place;

use crate::child;

/// Decides where a failpoint that is reached several times kills, and in which scenario.
const SEED: u64 = 20_261_122;
/// Random kills, unless the variable `KILLS` asks for more.
const KILLS: u64 = 25;
/// Microseconds that a run may take; a kill that comes later is none, and is not counted.
const LONGEST_RUN: u64 = 700_000;

/// Places that Delta's own library leaves no room for.
const OF_PARQUET: [Place; 3] = [Place::FileStaged, Place::FilesPublished, Place::SweepDue];

/// A scenario with what it leaves when nobody disturbs it.
struct Undisturbed {
    scenario: Scenario,
    kept: Kept,
    /// Failpoints that the command passes, with their number.
    passed: BTreeMap<String, u64>,
    /// Data files that the command writes.
    files: usize,
    /// Commits that it makes.
    commits: u64,
}

impl Undisturbed {
    async fn new(scenario: Scenario) -> Self {
        let copy = scenario.copy();
        let (before, commits_before) = (named_files(&copy), commits(&copy));
        let traced = scenario.child(&copy, &Disturbance::at("trace")).await;
        assert!(traced.status.success(), "{}: {traced:?}", scenario.name);
        let mut passed = BTreeMap::new();
        for name in child::passed(&traced) {
            *passed.entry(name).or_default() += 1;
        }
        assert_spotless(&scenario, &copy, scenario.name).await;
        assert!(orphans(&copy, scenario.format).is_empty(), "{}", scenario.name);
        let (kept, files) = (kept(&copy, &scenario.datasets), named_files(&copy) - before);
        let commits = commits(&copy) - commits_before;
        Self { scenario, kept, passed, files, commits }
    }

    async fn all(format: Format) -> Vec<Self> {
        println!("seed {SEED}");
        let mut all = Vec::new();
        for scenario in Scenario::all(format).await {
            all.push(Self::new(scenario).await);
        }
        all
    }

    /// How often the command passes a failpoint.
    fn hits(&self) -> u64 {
        self.passed.values().sum()
    }

    /// Runs the command once for each disturbance, then to its end, and compares. Tells how the disturbed ones ended.
    async fn made_good(&self, disturbances: &[Disturbance]) -> Vec<Output> {
        let format = self.scenario.format;
        let what = format!("{} on {} under {disturbances:?}", self.scenario.name, format.name());
        let copy = self.scenario.copy();
        let (mut ended, mut left) = (Vec::new(), 0);
        for disturbance in disturbances {
            ended.push(self.scenario.child(&copy, disturbance).await);
            if disturbances.len() > 1 {
                assert_sound(&self.scenario, &copy, &what).await;
            }
            let before = std::mem::replace(&mut left, orphans(&copy, format).len());
            assert!(left <= before + self.files, "{what}: {left} files that no commit names, {before} before");
        }
        let again = self.scenario.child(&copy, &Disturbance::none()).await;
        assert!(again.status.success(), "{what}: {again:?}");
        // on plain Parquet they would be read, so whoever commits next takes them away
        let left = if format == Format::Parquet { 0 } else { left };
        let orphans = orphans(&copy, format);
        assert!(orphans.len() <= left, "{what}: a run to its end leaves files that no commit names: {orphans:?}");
        assert_same(&kept(&copy, &self.scenario.datasets), &self.kept, &what);
        assert_spotless(&self.scenario, &copy, &what).await;
        ended
    }
}

/// For each failpoint one of the scenarios that reach it, and one of the times.
fn each_failpoint(all: &[Undisturbed], seed: u64) -> Vec<(&Undisturbed, String)> {
    let one = |(position, place): (usize, &'static str)| {
        let reach: Vec<_> = all.iter().filter(|one| one.passed.contains_key(place)).collect();
        assert!(!reach.is_empty(), "no scenario reaches {place}, so nothing is killed there");
        let drawn = mixed(seed + position as u64);
        let one = reach[at(drawn, reach.len())];
        let failpoint = format!("{place}:{}", 1 + (drawn >> 32) % one.passed[place]);
        (one, failpoint)
    };
    let format = all[0].scenario.format;
    let tables = Place::ALL.iter().filter(|place| format == Format::Parquet || !OF_PARQUET.contains(place));
    let pipeline = failpoint::Place::ALL.iter().map(|place| place.name());
    pipeline.chain(tables.map(|place| place.name())).enumerate().map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_at_any_failpoint_leaves_what_an_undisturbed_one_leaves() {
    killed_at_any_failpoint(Format::Delta).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_parquet_a_process_killed_at_any_failpoint_leaves_what_an_undisturbed_one_leaves() {
    killed_at_any_failpoint(Format::Parquet).await;
}

async fn killed_at_any_failpoint(format: Format) {
    let all = Undisturbed::all(format).await;
    for (one, failpoint) in each_failpoint(&all, variable("KILLS_SEED").unwrap_or(SEED)) {
        let ended = one.made_good(&[Disturbance::at(&failpoint)]).await;
        assert!(ended[0].status.code().is_none(), "{failpoint} was not reached: {ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_the_same_place_again_and_again_leave_no_more_than_their_own_files() {
    let places = [Place::LogWritten, Place::FoldWritten, Place::MirrorWritten, Place::Committed];
    let delta = Undisturbed::new(Scenario::night(Format::Delta).await).await;
    let parquet = Undisturbed::new(Scenario::night(Format::Parquet).await).await;
    let places = places.map(|place| (&delta, place)).into_iter().chain(OF_PARQUET.map(|place| (&parquet, place)));
    for (night, place) in places {
        let ended = night.made_good(&vec![Disturbance::at(place.name()); 3]).await;
        assert!(ended[0].status.code().is_none(), "{} was not reached: {ended:?}", place.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_parquet_what_is_half_written_stands_aside_and_a_manifest_comes_last() {
    let night = Undisturbed::new(Scenario::night(Format::Parquet).await).await;
    let left = async |failpoint: String| {
        let copy = night.scenario.copy();
        let before = commits(&copy);
        let ended = night.scenario.child(&copy, &Disturbance::at(&failpoint)).await;
        assert!(ended.status.code().is_none(), "{failpoint} was not reached: {ended:?}");
        let orphans = orphans(&copy, Format::Parquet);
        let (aside, named): (Vec<_>, Vec<_>) =
            orphans.into_iter().partition(|path| path.components().any(|part| part.as_os_str() == "_staged"));
        (aside.len(), named.len(), commits(&copy) - before)
    };
    // aside, under their names, commits: the first commit of the second night changes `etl_accounts`: a data file, then its manifest
    assert_eq!(left("file-staged:1".to_owned()).await, (1, 0, 0));
    assert_eq!(left("file-staged:2".to_owned()).await, (1, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_random_moments_lose_and_double_nothing() {
    match variable("KILLS") {
        None => {
            let all = [
                Undisturbed::new(Scenario::night(Format::Delta).await).await,
                Undisturbed::new(Scenario::snapshots(Format::Delta).await).await,
                Undisturbed::new(Scenario::night(Format::Parquet).await).await,
            ];
            random_kills(&all, KILLS, |_, _| None).await;
        }
        // the long game: every scenario, and half of the kills by the clock, at any instruction
        Some(kills) => {
            let by_clock = |kill, drawn| (kill % 2 == 0).then(|| Duration::from_micros(drawn % LONGEST_RUN));
            let mut all = Undisturbed::all(Format::Delta).await;
            all.extend(Undisturbed::all(Format::Parquet).await);
            random_kills(&all, kills, by_clock).await;
        }
    }
}

/// So many kills, up to three in a row before a run to the end.
async fn random_kills(all: &[Undisturbed], count: u64, after: impl Fn(u64, u64) -> Option<Duration>) {
    let seed = variable("KILLS_SEED").unwrap_or(SEED);
    println!("KILLS_SEED={seed}");
    let (mut kills, mut checks, mut drawn) = (0, 0, seed);
    while kills < count {
        drawn = mixed(drawn);
        let one = &all[at(drawn, all.len())];
        let kill = |position: u64| {
            let drawn = mixed(drawn ^ position);
            match after(drawn >> 32, drawn) {
                after @ Some(_) => Disturbance { after, ..Disturbance::none() },
                None => Disturbance::at(format!("any:{}", 1 + drawn % one.hits())),
            }
        };
        let disturbances: Vec<Disturbance> = (0..=(drawn >> 8) % 3).map(kill).collect();
        let ended = one.made_good(&disturbances).await;
        kills += ended.iter().filter(|ended| ended.status.code().is_none()).count() as u64;
        checks += 1;
        if checks % 50 == 0 {
            println!("{kills} kills, {checks} runs to the end, each equal to the undisturbed one");
        }
    }
    println!("{kills} kills, {checks} runs to the end, each equal to the undisturbed one");
}

/// A number that whoever runs the tests has set.
fn variable(name: &str) -> Option<u64> {
    Variables::of_process().get(name).map(|text| text.parse().unwrap())
}

/// A position among so many that a number decides.
fn at(drawn: u64, length: usize) -> usize {
    usize::try_from(drawn % length as u64).unwrap()
}

/// A number that a seed decides (splitmix64).
fn mixed(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
