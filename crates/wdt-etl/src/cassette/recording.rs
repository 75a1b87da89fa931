//! A cassette being written: each exchange and decision as it comes, nothing that holds a secret.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use wdt_fetch::cassette::{Exchange, Keep, Recorder, shown_moment};
use wdt_fetch::{Credentials, Transport};
use wdt_models::endpoints;
use wdt_models::time::format_wall_time;

use super::decision::{Decided, Decision, WallRange};
use super::folder::{FORMAT, Folder, Header, LogLine, RecordedOrder, RecordedOutcome, RecordedPart};
use super::refusal::refused;
use super::scramble::Scramble;
use super::secrets::Secrets;
use super::settings::{self, Hidden};
use crate::config::Config;
use crate::error::EtlError;
use crate::pipeline::{self, Decisions, DueRange, Order, PartName, RunOutcome, Surroundings, Task};

/// A cassette being written.
pub struct Recording {
    tape: Arc<Tape>,
    header: Header,
    /// What signs the requests that are kept, by account.
    stand_ins: HashMap<String, Credentials>,
}

/// The part that every transport writes to.
struct Tape {
    folder: Folder,
    secrets: Secrets,
    scramble: Option<Scramble>,
    /// Exchanges kept so far; held while one is written.
    written: Mutex<u64>,
}

impl Recording {
    /// Begins a recording of a run in a new folder.
    ///
    /// # Errors
    ///
    /// [`EtlError::Usage`] when the folder holds something, a secret is too short to be searched for, or the selection is
    /// not configured; [`EtlError::Cassette`] when the folder cannot be written.
    pub fn begin(
        folder: &Path,
        config: &Config,
        order: &Order,
        around: &Surroundings,
        hidden: Hidden,
    ) -> Result<Self, EtlError> {
        let selected = config.select(&order.select.accounts, &order.select.datasets)?;
        let selected: Vec<(String, String)> = selected
            .iter()
            .map(|(account, dataset)| (account.name.clone(), dataset.endpoint.dataset.to_owned()))
            .collect();
        let secrets = searched(config, &selected)?;
        let started_at = around.clock.now();
        let settings = settings::text(config, &selected, &hidden).map_err(refused)?;
        let read = Config::parse_without_secrets(&config.path, &settings, started_at.floor_seconds())?;
        let stand_ins = read.accounts.into_iter().map(|account| (account.name, account.credentials)).collect();
        let asked = RecordedOrder {
            accounts: order.select.accounts.clone(),
            datasets: order.select.datasets.clone(),
            until: match order.task {
                Task::Run { until, .. } => until.map(format_wall_time),
                Task::Backfill(_) | Task::FullRead | Task::Reconcile(_) => None,
            },
            dry_run: order.dry_run,
        };
        let header = Header {
            format: FORMAT,
            wdt_etl: env!("CARGO_PKG_VERSION").to_owned(),
            run_id: around.run_id.clone(),
            started_at: shown_moment(started_at),
            seed: around.seed.to_string(),
            asked,
            outcome: None,
        };
        if secrets.stand_in(settings.as_bytes()) {
            return Err(refused("the configuration file itself contains a secret: nothing is recorded".to_owned()));
        }
        let folder = Folder::create(folder)?;
        folder.write_settings(&settings).and_then(|()| folder.write_header(&header)).map_err(refused)?;
        let tape = Arc::new(Tape { folder, secrets, scramble: hidden.texts, written: Mutex::new(0) });
        Ok(Self { tape, header, stand_ins })
    }

    /// Notes how the run ended, which makes the cassette whole.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written.
    pub fn finish(&self, outcome: &RunOutcome) -> Result<(), EtlError> {
        let header = Header { outcome: Some(RecordedOutcome::of(outcome)), ..self.header.clone() };
        self.tape.folder.write_header(&header).map_err(refused)
    }

    /// Exchanges kept so far.
    #[must_use]
    pub fn exchanges(&self) -> u64 {
        *self.tape.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps what was decided.
    fn keep(&self, part: PartName<'_>, mut decided: Decided) -> Result<(), EtlError> {
        if let (Decided::LiveSlices(slices), Some(scramble)) = (&mut decided, &self.tape.scramble) {
            scrambled(part.dataset, slices, scramble);
        }
        let decision = Decision { account: part.account.to_owned(), dataset: part.dataset.to_owned(), decided };
        self.tape.append(&LogLine::Decision(decision)).map_err(refused)
    }
}

/// Every decision is the run's own, and is kept.
impl Decisions for Recording {
    fn transport(
        &self,
        part: PartName<'_>,
        own: &dyn Fn() -> Result<Arc<dyn Transport>, EtlError>,
    ) -> Result<Arc<dyn Transport>, EtlError> {
        let through = own()?;
        let Some(stand_in) = self.stand_ins.get(part.account) else {
            return Err(EtlError::Bug(format!("account {} is not part of the recording", part.account)));
        };
        let tape = Arc::clone(&self.tape);
        let keep: Arc<Keep> = Arc::new(move |exchange, body| tape.keep(exchange, body));
        let recorder = Recorder::new(part.account, part.dataset, through, stand_in.clone(), keep);
        Ok(Arc::new(match self.tape.scramble.clone() {
            None => recorder,
            Some(scramble) => recorder.changed_by(Arc::new(move |endpoint, page| scramble.page(endpoint, page))),
        }))
    }

    fn range(
        &self,
        part: PartName<'_>,
        own: &(dyn Fn() -> Result<DueRange, EtlError> + Sync),
    ) -> Result<DueRange, EtlError> {
        let range = own()?;
        let (from, until) = (format_wall_time(range.from), format_wall_time(range.until));
        let watermark = range.watermark.map(format_wall_time);
        self.keep(part, Decided::Range(WallRange { from, until, watermark })).map(|()| range)
    }

    fn ids<'a>(
        &'a self,
        part: PartName<'a>,
        own: pipeline::Deciding<'a, Vec<i64>>,
    ) -> pipeline::Deciding<'a, Vec<i64>> {
        Box::pin(async move {
            let ids = own.await?;
            self.keep(part, Decided::Ids(ids.clone())).map(|()| ids)
        })
    }

    fn live_slices<'a>(
        &'a self,
        part: PartName<'a>,
        own: pipeline::Deciding<'a, HashSet<Vec<String>>>,
    ) -> pipeline::Deciding<'a, HashSet<Vec<String>>> {
        Box::pin(async move {
            let live = own.await?;
            let mut slices: Vec<Vec<String>> = live.iter().cloned().collect();
            slices.sort();
            self.keep(part, Decided::LiveSlices(slices)).map(|()| live)
        })
    }
}

impl Tape {
    /// Keeps an exchange, its body first: a line of the log is whole.
    fn keep(&self, mut exchange: Exchange, body: &[u8]) -> Result<(), String> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        exchange.number = *written + 1;
        let endpoint = self.scramble.as_ref().and(endpoints::find(&exchange.dataset));
        let scrambled =
            self.scramble.as_ref().zip(endpoint).map(|(scramble, endpoint)| scramble.answer(endpoint, body));
        let body = scrambled.as_deref().unwrap_or(body);
        if self.secrets.stand_in(body) {
            return Err("the answer repeats a secret of the account, and a cassette holds none".to_owned());
        }
        if let Some(answer) = exchange.answer.as_mut().filter(|_| !body.is_empty()) {
            answer.body = Some(self.folder.write_body(exchange.number, body)?);
        }
        self.append(&LogLine::Exchange(Box::new(exchange)))?;
        *written += 1;
        Ok(())
    }

    fn append(&self, line: &LogLine) -> Result<(), String> {
        let line = serde_json::to_string(line).map_err(|error| error.to_string())?;
        if self.secrets.stand_in(line.as_bytes()) {
            return Err("a secret would remain in the request or in a header, and a cassette holds none".to_owned());
        }
        self.folder.append(&line)
    }
}

impl RecordedOutcome {
    /// How a run ended.
    pub(super) fn of(outcome: &RunOutcome) -> Self {
        let part = |own: &pipeline::DatasetOutcome| RecordedPart {
            account: own.account.clone(),
            dataset: own.dataset.to_owned(),
            verdict: own.verdict.name().to_owned(),
            exit_code: own.exit_code(),
            calls: own.sums.calls,
            records: own.sums.records,
            refused: own.sums.refused + own.sums.refused_upstream,
        };
        Self { exit_code: outcome.exit_code(), datasets: outcome.datasets.iter().map(part).collect() }
    }
}

/// Values of slices as the requests have them.
fn scrambled(dataset: &str, slices: &mut [Vec<String>], scramble: &Scramble) {
    let Some(endpoint) = endpoints::find(dataset) else { return };
    for slice in slices {
        for (dimension, value) in endpoint.dimensions().iter().zip(slice) {
            *value = scramble.dimension(endpoint, dimension.name, value);
        }
    }
}

/// The secrets of the accounts that are recorded.
fn searched(config: &Config, selected: &[(String, String)]) -> Result<Secrets, EtlError> {
    let accounts = config.accounts.iter().filter(|own| selected.iter().any(|(name, _)| *name == own.name));
    let secrets = accounts.flat_map(|account| account.credentials.secrets().into_iter().chain(&account.proxy));
    Secrets::new(secrets).ok_or_else(|| EtlError::Usage {
        message: "a secret of fewer than 4 characters cannot be searched for: nothing is recorded".to_owned(),
        hint: Some("`wdt-etl check` tries the secrets with one call".to_owned()),
    })
}
