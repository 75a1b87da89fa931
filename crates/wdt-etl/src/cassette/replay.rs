//! A cassette being replayed: it gives the settings, the time, the answers, and what the run decided.

use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use wdt_fetch::cassette::{Exchange, Player, parse_moment};
use wdt_fetch::{Transport, VirtualClock};
use wdt_models::time::parse_wall_time;

use super::decision::{Decision, Due, What};
use super::folder::{Folder, Header, Line, Outcome, Part};
use super::refused;
use crate::config::Config;
use crate::error::EtlError;
use crate::pipeline::{Order, RunOutcome, Select, Task};

/// A cassette being replayed.
pub struct Replay {
    header: Header,
    config: Config,
    clock: Arc<VirtualClock>,
    player: Arc<Player>,
    exchanges: usize,
    decisions: Mutex<HashMap<(String, String), VecDeque<What>>>,
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
        let config = Config::parse_without_secrets(&path, &text, started_at.div_euclid(1000))?;
        let mut exchanges: Vec<Exchange> = Vec::new();
        let mut decisions: HashMap<(String, String), VecDeque<What>> = HashMap::new();
        for line in folder.read_log()? {
            match line {
                Line::Exchange(exchange) => exchanges.push(*exchange),
                Line::Decision(Decision { account, dataset, what }) => {
                    decisions.entry((account, dataset)).or_default().push_back(what);
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
        let replayed = Outcome::of(outcome);
        for part in &recorded.datasets {
            let own = replayed.datasets.iter().find(|own| own.account == part.account && own.dataset == part.dataset);
            if own != Some(part) {
                let own = own.map_or_else(|| "nothing".to_owned(), Part::told);
                return Some(format!("{}/{}: recorded {}, replayed {own}", part.account, part.dataset, part.told()));
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

    pub(super) fn transport(&self, account: &str, dataset: &str) -> Arc<dyn Transport> {
        self.player.transport(account, dataset)
    }

    /// The next range that the recorded run decided on, epoch seconds: from, until and the watermark it had; `None` when
    /// it decided on none.
    pub(crate) fn range(&self, account: &str, dataset: &str) -> Result<Option<(i64, i64, Option<i64>)>, EtlError> {
        let Some(What::Range(Due { from, until, watermark })) = self.next(account, dataset) else { return Ok(None) };
        let watermark = watermark.map(|watermark| wall_time("a watermark", &watermark)).transpose()?;
        Ok(Some((wall_time("a range", &from)?, wall_time("a range", &until)?, watermark)))
    }

    /// The begin of the range that comes next, which stays where it is.
    pub(crate) fn first_second(&self, account: &str, dataset: &str) -> Result<Option<i64>, EtlError> {
        let decisions = self.decisions.lock().unwrap_or_else(PoisonError::into_inner);
        match decisions.get(&(account.to_owned(), dataset.to_owned())).and_then(VecDeque::front) {
            Some(What::Range(Due { from, .. })) => wall_time("a range", from).map(Some),
            _ => Ok(None),
        }
    }

    /// The ids that the recorded run asked for.
    pub(crate) fn ids(&self, account: &str, dataset: &str) -> Option<Vec<i64>> {
        match self.next(account, dataset) {
            Some(What::Ids(ids)) => Some(ids),
            _ => None,
        }
    }

    /// The slices in which rows stood.
    pub(crate) fn standing(&self, account: &str, dataset: &str) -> Option<Vec<Vec<String>>> {
        match self.next(account, dataset) {
            Some(What::Standing(slices)) => Some(slices),
            _ => None,
        }
    }

    fn next(&self, account: &str, dataset: &str) -> Option<What> {
        let mut decisions = self.decisions.lock().unwrap_or_else(PoisonError::into_inner);
        decisions.get_mut(&(account.to_owned(), dataset.to_owned()))?.pop_front()
    }
}

fn begin(header: &Header) -> Result<i64, EtlError> {
    let text = &header.started_at;
    parse_moment(text).ok_or_else(|| refused(format!("started_at is not a time: `{text}`")))
}

fn wall_time(what: &str, text: &str) -> Result<i64, EtlError> {
    parse_wall_time(text).ok_or_else(|| refused(format!("{what} of the cassette is not a time: `{text}`")))
}
