//! A week of nights: the merchant edits, jobs run, are killed, overlap; then everything heals and is compared.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use wdt_etl::cli::{SelectArgs, Verify};
use wdt_etl::commands::verify::verify;
use wdt_etl::pipeline::{Live, Order, RunOutcome, Select, Surroundings, Task, run};
use wdt_etl::report::Silent;
use wdt_etl::wire::Wire;
use wdt_fetch::{Clock, Transport, Waits};
use wdt_models::time::Seconds;
use wdt_models::{Endpoint, Window};
use wdt_sim::{Dice, Ledger};
use wdt_warehouse::DeleteLimit;

use crate::oracle;
use crate::reader::Follower;
use crate::recorded::Kept;
use crate::scene::{Format, Scene, number};

/// Exit codes that a job may end with when the world is hostile; 1 is a bug.
const EXPECTED: &[u8] = &[0, 4, 5, 6, 130];

/// Longest time of one way of a call, milliseconds.
const SLOWEST_WAY: u64 = 1500;

/// One week in so many has its runs recorded and replayed, unless `WDT_ETL_SIMULATE_RECORD` says otherwise.
const RECORDED: u64 = 10;

/// One job that ran, or that was killed.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    /// Run id.
    pub(crate) name: String,
    /// Platform time of its begin and of its end, epoch seconds.
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// How it ended; `None` of one that was killed.
    pub(crate) outcome: Option<RunOutcome>,
    /// Whether it was an ordinary run.
    pub(crate) is_run: bool,
}

/// What a week was like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) weeks: u64,
    pub(crate) jobs: u64,
    pub(crate) killed: u64,
    pub(crate) failed: u64,
    pub(crate) overlapped: u64,
    pub(crate) calls: u64,
    pub(crate) versions: u64,
    pub(crate) deletes: u64,
    /// Stands for every call of the week, with its parameters, time and outcome.
    pub(crate) trace: u64,
}

impl Tally {
    /// Adds another week.
    pub(crate) fn add(&mut self, other: Self) {
        self.weeks += other.weeks;
        self.jobs += other.jobs;
        self.killed += other.killed;
        self.failed += other.failed;
        self.overlapped += other.overlapped;
        self.calls += other.calls;
        self.versions += other.versions;
        self.deletes += other.deletes;
        self.trace ^= other.trace;
    }
}

/// A week under way.
struct Week {
    scene: Scene,
    dice: Dice,
    jobs: Mutex<Vec<Job>>,
    followers: Vec<Follower>,
    tally: Tally,
    /// Whether each job is told on the way.
    tell: bool,
}

/// What happens in a night.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Night {
    Skipped,
    Run,
    Killed,
    TwoRuns,
    RunAndBackfill,
    RunAndReconcile,
    Backfill,
    Reconcile,
}

/// Plays the week of a seed.
///
/// # Panics
///
/// When a row is lost, doubled or wrongly marked as deleted.
pub(crate) async fn play(seed: u64, format: Format, tell: bool) -> Tally {
    let scene = Scene::new(seed, format);
    let followers = scene.datasets.iter().map(|endpoint| Follower::new(endpoint)).collect();
    let dice = Dice::new(seed, &[3]);
    let mut week = Week { scene, dice, jobs: Mutex::default(), followers, tally: Tally::default(), tell };
    for day in 0..7 {
        week.day(day).await;
    }
    week.heal().await;
    week.tally
}

impl Week {
    /// A day of trade and its night.
    async fn day(&mut self, day: u32) {
        let trades = self.dice.below(6);
        for _ in 0..trades {
            sleep(Duration::from_secs(self.dice.below(4 * 3600))).await;
            trade(&self.scene, Way::of(&mut self.dice), &mut self.dice);
        }
        sleep(Duration::from_secs(self.dice.below(8 * 3600))).await;
        self.scene.time.set_local(number(self.dice.below(50_000)) - 25_000);
        let night = self.night();
        self.play_night(day, night).await;
        if self.dice.one_in(2) {
            for follower in &mut self.followers {
                follower.follow(&self.scene.warehouse).await;
            }
        }
    }

    fn night(&mut self) -> Night {
        use Night::{Backfill, Killed, Reconcile, Run, RunAndBackfill, RunAndReconcile, Skipped, TwoRuns};
        let nights = [
            Run,
            Run,
            Run,
            Run,
            Killed,
            Killed,
            Killed,
            Killed,
            TwoRuns,
            RunAndBackfill,
            RunAndReconcile,
            Backfill,
            Reconcile,
            Skipped,
        ];
        *self.dice.pick(&nights).unwrap()
    }

    async fn play_night(&mut self, day: u32, night: Night) {
        let reconcile = Order { task: Task::Reconcile(DeleteLimit::All), ..Order::default() };
        let run = Order::default;
        match night {
            Night::Skipped => {}
            Night::Run => self.together(day, vec![(run(), None)]).await,
            Night::Killed => {
                let after = self.moment();
                let options = if self.dice.one_in(4) { reconcile } else { run() };
                self.together(day, vec![(options, Some(after))]).await;
                if self.dice.one_in(2) {
                    self.together(day + 10, vec![(run(), None)]).await;
                }
            }
            Night::TwoRuns => {
                let kill = self.dice.one_in(3).then(|| self.moment());
                self.together(day, vec![(run(), kill), (run(), None)]).await;
            }
            Night::RunAndBackfill => {
                let backfill = self.backfill().await;
                self.together(day, vec![(run(), None), (backfill, None)]).await;
            }
            Night::RunAndReconcile => self.together(day, vec![(reconcile, None), (run(), None)]).await,
            Night::Backfill => {
                let backfill = self.backfill().await;
                let kill = self.dice.one_in(2).then(|| self.moment());
                self.together(day, vec![(backfill, kill)]).await;
            }
            Night::Reconcile => self.together(day, vec![(reconcile, None)]).await,
        }
    }

    /// A moment at which a job dies: any order of magnitude from 10 ms to 20 min.
    fn moment(&mut self) -> Duration {
        let longest = 10 << self.dice.below(18);
        Duration::from_millis(1 + self.dice.below(longest))
    }

    /// A range behind the watermark; of a dataset that has a full read, sometimes that, in the hours for it.
    async fn backfill(&mut self) -> Order {
        let full_read = self.scene.datasets.iter().find_map(|endpoint| endpoint.full_read);
        if let Some(full_read) = full_read.filter(|_| self.dice.one_in(2)) {
            let now = self.scene.time.platform();
            let opens = full_read.hours.and_then(|hours| hours.opens(Seconds(now))).map_or(now, |opens| opens.0);
            sleep(Duration::from_secs(60 + (opens - now).unsigned_abs())).await;
            return Order { task: Task::FullRead, ..Order::default() };
        }
        let now = self.scene.time.platform();
        let from = now - 3600 * (24 + number(self.dice.below(150)));
        let to = from + 3600 * (1 + number(self.dice.below(72)));
        Order { task: Task::Backfill(Window::new(Seconds(from), Seconds(to))), ..Order::default() }
    }

    /// Jobs at once, begun one shortly after the other, while the merchant goes on; each may be killed.
    async fn together(&mut self, day: u32, jobs: Vec<(Order, Option<Duration>)>) {
        let way = Way::of(&mut self.dice);
        let trading = self.dice.below(10) < 7 && self.scene.moves;
        let mut merchant = Dice::new(self.scene.seed, &[4, u64::from(day)]);
        let delays: Vec<u64> = jobs.iter().map(|_| self.dice.below(90_000)).collect();
        self.tally.overlapped += u64::from(jobs.len() > 1);
        let week = &*self;
        let all = jobs.into_iter().zip(delays).enumerate().map(|(place, ((options, kill), delay))| async move {
            let delay = if place == 0 { 0 } else { delay };
            sleep(Duration::from_millis(delay)).await;
            week.job(&format!("night-{day}-{place}"), options, kill).await;
        });
        let trade = async {
            loop {
                sleep(Duration::from_millis(merchant.below(60_000))).await;
                if trading {
                    trade(&week.scene, way, &mut merchant);
                }
            }
        };
        tokio::select! {
            biased;
            _ = futures::future::join_all(all) => {}
            () = trade => {}
        }
    }

    /// One job to its end, or to the moment at which it dies; sometimes it is told to stop instead.
    async fn job(&self, name: &str, options: Order, kill: Option<Duration>) {
        let (tell, stop) = watch::channel(false);
        let around = self.surroundings(name, stop);
        let datasets = self.scene.datasets.iter();
        let is_run = matches!(options.task, Task::Run { .. });
        let takes_part = |endpoint: &&&'static Endpoint| {
            if matches!(options.task, Task::FullRead) {
                endpoint.full_read.is_some()
            } else {
                is_run || endpoint.cursor().is_some()
            }
        };
        let datasets: Vec<_> = datasets.filter(takes_part).map(|endpoint| endpoint.dataset.to_owned()).collect();
        if datasets.is_empty() {
            return;
        }
        let options = Order { select: Select { datasets, ..Select::default() }, ..options };
        let recording = self.recording(name, is_run && kill.is_none(), &options, &around);
        let decisions = recording.as_ref().map_or_else(|| Arc::clone(&around.decisions), Kept::decisions);
        let around = Surroundings { decisions, ..around };
        let start = self.scene.time.platform();
        let gently = Dice::new(self.scene.seed, &[5, number_of(name)]).one_in(4);
        let death = async {
            match kill {
                Some(after) => sleep(after).await,
                None => std::future::pending().await,
            }
            if gently {
                let _ = tell.send(true);
                std::future::pending::<()>().await;
            }
        };
        let outcome = tokio::select! {
            biased;
            () = death => None,
            outcome = run(&self.scene.config, &options, &around) => Some(outcome),
        };
        // what the dead one has begun ends with it
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        if let (Some(kept), Some(Ok(outcome))) = (&recording, &outcome) {
            kept.comes_about_again(outcome).await;
        }
        let outcome = outcome.and_then(|outcome| match outcome {
            Ok(outcome) => Some(outcome),
            // nothing was landed yet, the hours of a full read are over, or the warehouse failed on purpose
            Err(error) if [2, 4, 6].contains(&error.exit_code()) && (!is_run || error.exit_code() == 6) => None,
            Err(error) => panic!("{name}: {error}"),
        });
        let code = outcome.as_ref().map(RunOutcome::exit_code);
        assert!(code.is_none_or(|code| EXPECTED.contains(&code)), "{name}: {outcome:#?}");
        let end = self.scene.time.platform();
        if self.tell {
            print_job(&format!("{start} to {end} {name} {:?}", options.task), outcome.as_ref());
        }
        self.jobs.lock().unwrap().push(Job { name: name.to_owned(), start, end, outcome, is_run });
    }

    /// In one week of ten, runs that nobody kills are recorded.
    fn recording(&self, name: &str, lives: bool, options: &Order, around: &Surroundings) -> Option<Kept> {
        (lives && self.scene.seed.is_multiple_of(crate::setting("RECORD", RECORDED)))
            .then(|| Kept::begin(name, &self.scene.config, options, around))
    }

    fn surroundings(&self, name: &str, stop: watch::Receiver<bool>) -> Surroundings {
        surroundings(&self.scene, name, stop)
    }

    /// Everything is quiet: a run, a reconcile and a run more; then the tables must be the ERP.
    async fn heal(&mut self) {
        self.scene.sim.rest();
        self.scene.calm.store(true, Ordering::Relaxed);
        self.scene.time.set_local(0);
        sleep(Duration::from_hours(1)).await;
        let run = Order::default;
        self.quiet("healed", run()).await;
        self.compare(false).await;
        self.quiet("reconciled", Order { task: Task::Reconcile(DeleteLimit::All), ..run() }).await;
        // what is asked for by id follows what the reconcile has marked
        self.quiet("followed", run()).await;
        self.compare(true).await;
        self.verify().await;
        for follower in &mut self.followers {
            follower.follow(&self.scene.warehouse).await;
            follower.assert_is_current(&self.scene.warehouse).await;
        }
        let jobs = self.jobs.lock().unwrap().clone();
        self.tally.weeks = 1;
        self.tally.jobs = jobs.len() as u64;
        self.tally.killed = jobs.iter().filter(|job| job.outcome.is_none()).count() as u64;
        self.tally.failed =
            jobs.iter().filter_map(|job| job.outcome.as_ref()).filter(|o| o.exit_code() != 0).count() as u64;
        self.tally.calls = self.scene.sim.call_count();
        self.tally.trace = number_of(&format!("{:?}", self.scene.sim.calls()));
        assert_eq!(self.scene.sim.limit_breaches(), 0, "calls above the limit");
    }

    /// A job that nothing disturbs must succeed.
    async fn quiet(&self, name: &str, options: Order) {
        self.job(name, options, None).await;
        let jobs = self.jobs.lock().unwrap();
        let last = jobs.last().and_then(|job| job.outcome.as_ref());
        assert!(last.is_none_or(|outcome| outcome.exit_code() == 0), "{name}: {last:#?}");
    }

    /// The warehouse proves itself, without a call.
    async fn verify(&self) {
        let datasets = self.scene.datasets.iter().map(|endpoint| endpoint.dataset.to_owned()).collect();
        let args =
            Verify { select: SelectArgs { datasets, ..SelectArgs::default() }, probe: false, days: 7, json: false };
        let mut out = Vec::new();
        let around = self.surroundings("verify", watch::channel(false).1);
        let code = verify(&self.scene.config, &args, &around, &mut out).await.unwrap();
        assert_eq!(code, 0, "{}", String::from_utf8_lossy(&out));
    }

    async fn compare(&mut self, reconciled: bool) {
        let jobs = self.jobs.lock().unwrap().clone();
        for &endpoint in &self.scene.datasets {
            let found = oracle::compare(&self.scene, endpoint, &jobs, reconciled).await;
            if reconciled {
                self.tally.versions += found.versions;
                self.tally.deletes += found.deletes;
            }
        }
    }
}

/// Which way the number of rows of a dataset without a cursor goes while it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Up,
    Down,
}

impl Way {
    fn of(dice: &mut Dice) -> Self {
        if dice.one_in(2) { Self::Up } else { Self::Down }
    }
}

/// One thing that the merchant does.
///
/// Rows that come and rows that go between the same two calls of a slice of several pages leave all its numbers as
/// they were: the contract takes that as it is (docs/guarantees.md), so of such slices rows only come, or only go.
fn trade(scene: &Scene, way: Way, dice: &mut Dice) {
    let ledgers = scene.ledgers();
    let ledger: &Ledger = dice.pick(&ledgers).unwrap();
    let any_way = ledger.endpoint().cursor().is_some() || scene.one_page_slices;
    let few = 1 + usize::try_from(dice.below(3)).unwrap();
    let changed = match dice.below(10) {
        0..4 => ledger.edit(few),
        4 => ledger.edit(2 + few * few),
        5 | 6 => ledger.drift(few),
        7 if any_way || way == Way::Up => ledger.add(few),
        8 if any_way || way == Way::Down => ledger.delete(few),
        9 if any_way || way == Way::Up => ledger.restore(few),
        _ => Vec::new(),
    };
    drop(changed);
}

/// What a job of that name needs of the scene.
pub(crate) fn surroundings(scene: &Scene, name: &str, stop: watch::Receiver<bool>) -> Surroundings {
    let dice = Mutex::new(Dice::new(scene.seed, &[6, number_of(name)]));
    let way = move || Duration::from_millis(1 + dice.lock().unwrap().below(SLOWEST_WAY));
    let wire = Wire::new(Arc::clone(&scene.sim), way);
    Surroundings {
        clock: Arc::new(scene.time.clone()) as Arc<dyn Clock>,
        limiters: Arc::clone(&scene.limiters),
        waits: Waits::default(),
        warehouse: Some(scene.warehouse.clone()),
        transport: Some(Arc::new(wire) as Arc<dyn Transport>),
        decisions: Arc::new(Live),
        reporter: Arc::new(Silent),
        stop,
        seed: scene.seed,
        run_id: name.to_owned(),
    }
}

/// A number that stands for a name.
fn number_of(name: &str) -> u64 {
    name.bytes().fold(7, |hash: u64, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)))
}

/// A line of what a job came to.
fn print_job(job: &str, outcome: Option<&RunOutcome>) {
    let outcomes = outcome.into_iter().flat_map(|outcome| &outcome.datasets);
    let outcomes: Vec<_> = outcomes
        .map(|own| format!("{} {:?} {} changed, until {:?}", own.dataset, own.verdict, own.sums.changed, own.watermark))
        .collect();
    println!("{job}: {outcomes:?}");
}
