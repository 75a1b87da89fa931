//! A cassette being replayed: it gives the settings, the time, the answers, and what the run decided.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use wdt_fetch::cassette::{Exchange, Player, parse_moment};
use wdt_fetch::{Transport, VirtualClock};
use wdt_models::time::{Millis, Seconds, format_wall_time, parse_wall_time};

use super::decision::{Decided, Decision, WallRange};
use super::folder::{Folder, Header, LogLine, RecordedOutcome, RecordedPart};
use super::refusal::refused;
use crate::config::Config;
use crate::error::EtlError;
use crate::pipeline::{self, AccountOrder, Decisions, DueRange, Order, PartName, RunOutcome, Select, Task};

/// A cassette being replayed.
pub struct Replay {
    header: Header,
    config: Config,
    clock: Arc<VirtualClock>,
    player: Arc<Player>,
    exchanges: usize,
    decisions: Mutex<HashMap<(String, String), VecDeque<Decided>>>,
}

impl Replay {
    /// Opens a cassette, in the runtime that replays it; its settings are read as of its own time, and no secret is needed.
    ///
    /// # Errors
    ///
    /// [`EtlError::Usage`] when the folder is no cassette, [`EtlError::Cassette`] when it cannot be read or another layout
    /// is in it, [`EtlError::Config`] when its settings cannot be used.
    pub fn open(folder: &Path) -> Result<Self, EtlError> {
        let folder = Folder::open(folder)?;
        let header = folder.read_header()?;
        let started_at = begin(&header)?;
        let (path, text) = folder.read_settings()?;
        let config = Config::parse_without_secrets(&path, &text, started_at.floor_seconds())?;
        let mut exchanges: Vec<Exchange> = Vec::new();
        let mut decisions: HashMap<(String, String), VecDeque<Decided>> = HashMap::new();
        for line in folder.read_log()? {
            match line {
                LogLine::Exchange(exchange) => exchanges.push(*exchange),
                LogLine::Decision(Decision { account, dataset, decided }) => {
                    decisions.entry((account, dataset)).or_default().push_back(decided);
                }
            }
        }
        let count = exchanges.len();
        let player = Arc::new(Player::new(exchanges, Arc::new(move |name| folder.body(name))));
        let clock = Arc::new(VirtualClock::starting_at(started_at));
        Ok(Self { header, config, clock, player, exchanges: count, decisions: Mutex::new(decisions) })
    }

    /// What the cassette says of itself.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The settings of the recorded run.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Exchanges in the cassette.
    #[must_use]
    pub const fn exchanges(&self) -> usize {
        self.exchanges
    }

    /// The time of the recorded run; it began when the cassette was opened.
    #[must_use]
    pub const fn clock(&self) -> &Arc<VirtualClock> {
        &self.clock
    }

    /// What the recorded command line asked for.
    ///
    /// # Errors
    ///
    /// When the header was edited into no time.
    pub fn order(&self) -> Result<Order, EtlError> {
        let asked = &self.header.asked;
        let until = asked.until.as_deref().map(|text| wall_time("until", text)).transpose()?;
        let select = Select { accounts: asked.accounts.clone(), datasets: asked.datasets.clone() };
        Ok(Order { select, task: Task::Run { until, accept: None }, dry_run: asked.dry_run })
    }

    /// In what the replayed run differs from the recorded one.
    #[must_use]
    pub fn difference(&self, outcome: &RunOutcome) -> Option<String> {
        let Some(recorded) = &self.header.outcome else { return None };
        let replayed = RecordedOutcome::of(outcome);
        for part in &recorded.datasets {
            let own = replayed.datasets.iter().find(|own| own.account == part.account && own.dataset == part.dataset);
            if own != Some(part) {
                let own = own.map_or_else(|| "nothing".to_owned(), RecordedPart::in_a_line);
                return Some(format!(
                    "{}/{}: recorded {}, replayed {own}",
                    part.account,
                    part.dataset,
                    part.in_a_line()
                ));
            }
        }
        let left = self.player.left();
        // a run that failed may leave other pages in flight when it ends
        let first = left.first().filter(|_| recorded.exit_code == 0)?;
        let Exchange { number, account, dataset, method, page, .. } = first;
        Some(format!(
            "{} of {} recorded calls were not made, the first is exchange {number}: {account}/{dataset}, {method} page \
             {page}",
            left.len(),
            self.exchanges
        ))
    }

    /// The begin of the range that comes next, which stays where it is.
    fn first_second(&self, part: PartName<'_>) -> Result<Option<Seconds>, EtlError> {
        let decisions = self.decisions.lock().unwrap_or_else(PoisonError::into_inner);
        match decisions.get(&key(part)).and_then(VecDeque::front) {
            Some(Decided::Range(WallRange { from, .. })) => wall_time("a range", from).map(Some),
            _ => Ok(None),
        }
    }

    fn next(&self, part: PartName<'_>) -> Option<Decided> {
        let mut decisions = self.decisions.lock().unwrap_or_else(PoisonError::into_inner);
        decisions.get_mut(&key(part))?.pop_front()
    }
}

/// Every decision is the recorded one; one that was not recorded is the run's own.
impl Decisions for Replay {
    fn transport(
        &self,
        part: PartName<'_>,
        _own: &dyn Fn() -> Result<Arc<dyn Transport>, EtlError>,
    ) -> Result<Arc<dyn Transport>, EtlError> {
        Ok(self.player.transport(part.account, part.dataset))
    }

    /// A replay goes on where the warehouse ends, or begins anew where the recorded run began; anything else would
    /// leave a gap or ask for what is not recorded.
    fn start(&self, part: PartName<'_>, goes_on: Option<Seconds>) -> Result<Option<Seconds>, EtlError> {
        let Some(from) = self.first_second(part)? else { return Ok(None) };
        match goes_on {
            None => Ok(Some(from)),
            Some(due) if due == from => Ok(None),
            Some(due) => Err(goes_on_elsewhere(part, due, from)),
        }
    }

    fn range(
        &self,
        part: PartName<'_>,
        own: &(dyn Fn() -> Result<DueRange, EtlError> + Sync),
    ) -> Result<DueRange, EtlError> {
        let Some(Decided::Range(WallRange { from, until, watermark })) = self.next(part) else { return own() };
        let watermark = watermark.map(|watermark| wall_time("a watermark", &watermark)).transpose()?;
        Ok(DueRange { from: wall_time("a range", &from)?, until: wall_time("a range", &until)?, watermark })
    }

    fn ids<'a>(
        &'a self,
        part: PartName<'a>,
        own: pipeline::Deciding<'a, Vec<i64>>,
    ) -> pipeline::Deciding<'a, Vec<i64>> {
        match self.next(part) {
            Some(Decided::Ids(ids)) => Box::pin(async move { Ok(ids) }),
            _ => own,
        }
    }

    fn live_slices<'a>(
        &'a self,
        part: PartName<'a>,
        own: pipeline::Deciding<'a, HashSet<Vec<String>>>,
    ) -> pipeline::Deciding<'a, HashSet<Vec<String>>> {
        match self.next(part) {
            Some(Decided::LiveSlices(slices)) => Box::pin(async move { Ok(slices.into_iter().collect()) }),
            _ => own,
        }
    }

    /// One after the other, so that commits to the tables that accounts share have one order; each at its own time.
    fn account_begins(&self) -> AccountOrder {
        self.clock.set_back();
        AccountOrder::OneByOne
    }

    /// Nothing of this machine may show in the tables.
    fn peak_memory(&self) -> Option<i64> {
        None
    }
}

fn key(part: PartName<'_>) -> (String, String) {
    (part.account.to_owned(), part.dataset.to_owned())
}

fn goes_on_elsewhere(PartName { account, dataset }: PartName<'_>, due: Seconds, recorded: Seconds) -> EtlError {
    let (due, recorded) = (format_wall_time(due), format_wall_time(recorded));
    EtlError::Usage {
        message: format!(
            "{account}/{dataset} of this warehouse continues at {due}, and the recorded run began at {recorded}"
        ),
        hint: Some(
            "replay into an empty folder, or after the recording of the night before in the same warehouse".to_owned(),
        ),
    }
}

fn begin(header: &Header) -> Result<Millis, EtlError> {
    let text = &header.started_at;
    parse_moment(text).ok_or_else(|| refused(format!("started_at is not a time: `{text}`")))
}

fn wall_time(what: &str, text: &str) -> Result<Seconds, EtlError> {
    parse_wall_time(text).ok_or_else(|| refused(format!("{what} of the cassette is not a time: `{text}`")))
}
