//! Knows every state that every row ever had, and compares the tables with it.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use arrow::array::{Array as _, AsArray as _};
use arrow::record_batch::RecordBatch;
use arrow::row::{RowConverter, SortField};
use serde_json::value::RawValue;
use wdt_etl::config::{Account, Dataset};
use wdt_models::decode::{Asked, decode, page_schema};
use wdt_models::time::Seconds;
use wdt_models::{Endpoint, Slice, SyncMode};
use wdt_sim::Change;
use wdt_warehouse::contents;

use crate::scene::Scene;
use crate::week::Job;

/// A key or a row as a hash of its cells; two that are equal by chance would only hide a fault.
pub(crate) type Cells = u64;

/// What a comparison looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) versions: u64,
    pub(crate) deletes: u64,
}

/// A state of a row, and for how long it was shown.
#[derive(Debug)]
struct State {
    from: i64,
    until: i64,
    /// The cursor, epoch seconds.
    modified: i64,
    /// `None` of a row that is not there.
    content: Option<Cells>,
    /// The cursor was the same before: no window brings it.
    unmoved: bool,
}

/// A row of the history.
#[derive(Debug)]
struct Logged {
    run_id: String,
    delete: bool,
    content: Cells,
}

/// Every state of a dataset's rows, by key.
struct Oracle {
    endpoint: &'static Endpoint,
    encoder: Encoder,
    states: BTreeMap<Cells, Vec<State>>,
}

/// Compares the tables of a dataset with the ERP.
///
/// # Panics
///
/// When they differ more than the promise allows.
pub(crate) async fn compare(scene: &Scene, endpoint: &'static Endpoint, jobs: &[Job], reconciled: bool) -> Found {
    let oracle = Oracle::new(scene, endpoint);
    oracle.current(scene, reconciled).await;
    let history = oracle.history(scene).await;
    oracle.is_true_and_once(&history, jobs);
    oracle.is_complete(scene, &history, jobs);
    let rows = history.values().flatten();
    let deletes = rows.clone().filter(|row| row.delete).count() as u64;
    Found { versions: rows.count() as u64 - deletes, deletes }
}

impl Oracle {
    fn new(scene: &Scene, endpoint: &'static Endpoint) -> Self {
        let ledger = scene.sim.ledger(endpoint.dataset).unwrap();
        let slices = &configured(scene, endpoint).1.slices;
        let asked = |change: &Change| slices.is_empty() || slices.contains(&ledger.slice(change.row));
        let journal: Vec<_> = ledger.journal().into_iter().filter(asked).collect();
        let encoder = Encoder::new(endpoint);
        let (keys, contents) = cells(scene, endpoint, &encoder, &journal);
        let mut states: BTreeMap<Cells, Vec<State>> = BTreeMap::new();
        for ((change, key), content) in journal.iter().zip(keys).zip(contents) {
            let of_key = states.entry(key).or_default();
            let modified = change.row.modified;
            let mut unmoved = false;
            if let Some(last) = of_key.last_mut() {
                last.until = change.at;
                unmoved = last.content.is_some() && last.modified == modified;
            }
            let content = change.present.then_some(content);
            of_key.push(State { from: change.at, until: i64::MAX, modified, content, unmoved });
        }
        Self { endpoint, encoder, states }
    }

    /// The current table holds each row that is there, and marks each that is not.
    async fn current(&self, scene: &Scene, reconciled: bool) {
        let dataset = self.endpoint.dataset;
        let rows = contents::rows(&scene.warehouse, dataset).await.unwrap().unwrap();
        let (keys, contents) = self.encoder.encode(&rows);
        let marked = rows.column_by_name("_wdt_deleted_at").unwrap();
        let mut found: HashMap<Cells, (Cells, bool)> = HashMap::new();
        for (row, (key, content)) in keys.into_iter().zip(contents).enumerate() {
            let twice = found.insert(key, (content, marked.is_valid(row)));
            assert!(twice.is_none(), "{dataset}: a key stands twice in the current table");
        }
        let windows = self.endpoint.cursor().is_some();
        for (key, states) in &self.states {
            let last = states.last().unwrap();
            let row = found.remove(key);
            match (&last.content, row) {
                (Some(_), None) => panic!("{dataset}: lost: {last:?} of {}", states.len()),
                (Some(_), Some((_, true))) => panic!("{dataset}: marked as deleted, and there: {last:?}"),
                (Some(content), Some((row, false))) => {
                    // what has no new cursor waits for a reconcile
                    let waits = windows && !reconciled;
                    let same = |state: &State| state.modified == last.modified && state.content.as_ref() == Some(&row);
                    let fits = *content == row || waits && states.iter().any(same);
                    assert!(fits, "{dataset}: wrong: wanted {last:?}");
                }
                (None, Some((_, false))) => {
                    // without any id that is there nothing is asked, and nothing marked
                    let nothing_asked = self.by_id() && !self.states.values().any(|states| there(states));
                    let waits = nothing_asked || !reconciled && !matches!(self.endpoint.sync, SyncMode::Slices(_));
                    assert!(waits, "{dataset}: gone and not marked: {last:?}");
                }
                (None, _) => {}
            }
        }
        assert!(found.is_empty(), "{dataset}: {} rows that never were", found.len());
    }

    /// Whether its rows are asked for by ids that another dataset holds.
    fn by_id(&self) -> bool {
        matches!(self.endpoint.sync, SyncMode::Ids(_))
    }

    async fn history(&self, scene: &Scene) -> BTreeMap<Cells, Vec<Logged>> {
        let name = format!("{}_history", self.endpoint.dataset);
        let mut history: BTreeMap<Cells, Vec<Logged>> = BTreeMap::new();
        let changes = contents::changes(&scene.warehouse, &name, 0).await.unwrap();
        for rows in changes.into_iter().flat_map(|(_, batches)| batches) {
            let (keys, contents) = self.encoder.encode(&rows);
            let column = |name| rows.column_by_name(name).unwrap();
            let (op, run_id) = (column("_wdt_op").as_string::<i32>(), column("_wdt_run_id").as_string::<i32>());
            for (row, (key, content)) in keys.into_iter().zip(contents).enumerate() {
                let (delete, run_id) = (op.value(row) == "delete", run_id.value(row).to_owned());
                history.entry(key).or_default().push(Logged { run_id, delete, content });
            }
        }
        history
    }

    /// Each version of the history was once the row's, and stands there once; each delete was one.
    fn is_true_and_once(&self, history: &BTreeMap<Cells, Vec<Logged>>, jobs: &[Job]) {
        let dataset = self.endpoint.dataset;
        // two readings of a slice within a second are in no known order, so the older one may stand for a while
        let beside = if self.endpoint.cursor().is_some() { Vec::new() } else { overlapping(jobs) };
        for (key, rows) in history {
            let states = self.states.get(key).unwrap_or_else(|| panic!("{dataset}: a key that never was"));
            for row in rows.iter().filter(|row| row.delete) {
                let job = jobs.iter().find(|job| job.name == row.run_id).unwrap();
                let gone = |state: &State| {
                    // an id that is back is asked for again once its source was read again
                    let until = if self.by_id() { i64::MAX } else { state.until };
                    state.content.is_none() && state.from <= job.end + 1 && until >= job.start - 1
                };
                assert!(states.iter().any(gone), "{dataset}: a delete of a row that was there: {row:?}\n{states:?}");
            }
            let versions: Vec<_> = rows.iter().filter(|row| !row.delete).collect();
            for row in &versions {
                let was = states.iter().filter(|state| state.content.as_ref() == Some(&row.content)).count();
                let same = || versions.iter().filter(|other| other.content == row.content);
                let (logged, rivals) = (same().count(), same().filter(|row| beside.contains(&&*row.run_id)).count());
                assert!(was > 0, "{dataset}: a version that never was, of {}", row.run_id);
                assert!(logged <= was + rivals, "{dataset}: a version logged {logged} times that was {was} times");
            }
            for pair in rows.windows(2) {
                let doubled = pair[0].delete == pair[1].delete && pair[0].content == pair[1].content;
                assert!(!doubled, "{dataset}: logged twice in a row: {pair:?}");
            }
        }
    }

    /// What was shown all through a run that succeeded, and is older than its watermark, is in the history. The second of the
    /// watermark itself belongs to the next window where the platform leaves out a window's last one.
    fn is_complete(&self, scene: &Scene, history: &BTreeMap<Cells, Vec<Logged>>, jobs: &[Job]) {
        if self.by_id() {
            // what is asked for is what another table held then
            return;
        }
        let dataset = self.endpoint.dataset;
        let start = configured(scene, self.endpoint).1.start;
        for job in jobs.iter().filter(|job| job.is_run) {
            let Some(outcome) = &job.outcome else { continue };
            let Some(own) = outcome.datasets.iter().find(|own| own.dataset == dataset) else { continue };
            let Some(watermark) = own.watermark.filter(|_| own.exit_code() == 0) else { continue };
            let windows = self.endpoint.cursor().is_some();
            for (key, states) in &self.states {
                let seen = |state: &&State| {
                    let due = !windows || !state.unmoved && (start..watermark).contains(&Seconds(state.modified));
                    due && state.from < job.start - 1 && state.until > job.end + 1
                };
                for state in states.iter().filter(seen) {
                    let Some(content) = &state.content else { continue };
                    let logged = history.get(key).is_some_and(|rows| rows.iter().any(|row| row.content == *content));
                    assert!(logged, "{dataset}: {} has not logged {state:?}, watermark {watermark}", job.name);
                }
            }
        }
    }
}

/// Whether the row is there now.
fn there(states: &[State]) -> bool {
    states.last().is_some_and(|state| state.content.is_some())
}

/// The jobs that ran while another did.
fn overlapping(jobs: &[Job]) -> Vec<&str> {
    let beside = |job: &&Job| {
        jobs.iter().any(|other| other.name != job.name && other.start <= job.end && job.start <= other.end)
    };
    jobs.iter().filter(beside).map(|job| job.name.as_str()).collect()
}

/// The account and the dataset as they are configured.
fn configured<'a>(scene: &'a Scene, endpoint: &Endpoint) -> (&'a Account, &'a Dataset) {
    let of = |account: &'a Account| account.datasets.iter().map(move |dataset| (account, dataset));
    let mut all = scene.config.accounts.iter().flat_map(of);
    all.find(|(_, dataset)| dataset.endpoint.dataset == endpoint.dataset).unwrap()
}

/// Key and content of each state of the journal.
fn cells(
    scene: &Scene,
    endpoint: &'static Endpoint,
    encoder: &Encoder,
    journal: &[Change],
) -> (Vec<Cells>, Vec<Cells>) {
    let ledger = scene.sim.ledger(endpoint.dataset).unwrap();
    let (_, dataset) = configured(scene, endpoint);
    let mut slices: Vec<(Slice, Vec<usize>)> = Vec::new();
    for (place, change) in journal.iter().enumerate() {
        let slice = ledger.slice(change.row);
        match slices.iter_mut().find(|(other, _)| *other == slice) {
            Some((_, places)) => places.push(place),
            None => slices.push((slice, vec![place])),
        }
    }
    let mut cells = vec![(Cells::default(), Cells::default()); journal.len()];
    for (slice, places) in &slices {
        let texts: Vec<_> = places.iter().map(|&place| ledger.record_of(dataset.method, journal[place].row)).collect();
        let records: Vec<&RawValue> = texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
        let decoded = decode(endpoint, &records, &Asked { page: 0, personal: dataset.personal, slice });
        assert!(decoded.refused.is_empty(), "{:?}", decoded.refused);
        let (keys, contents) = encoder.encode(&decoded.batch);
        for ((place, key), content) in places.iter().zip(keys).zip(contents) {
            cells[*place] = (key, content);
        }
    }
    cells.into_iter().unzip()
}

/// Turns rows into bytes.
pub(crate) struct Encoder {
    names: Vec<String>,
    keys: &'static [&'static str],
    contents: RowConverter,
    key: RowConverter,
}

impl Encoder {
    pub(crate) fn new(endpoint: &'static Endpoint) -> Self {
        let schema = page_schema(endpoint);
        let field = |name: &str| SortField::new(schema.field_with_name(name).unwrap().data_type().clone());
        let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let contents = RowConverter::new(names.iter().map(|name| field(name)).collect()).unwrap();
        let key = RowConverter::new(endpoint.key.iter().map(|name| field(name)).collect()).unwrap();
        Self { names, keys: endpoint.key, contents, key }
    }

    /// Key and content of each row.
    pub(crate) fn encode(&self, rows: &RecordBatch) -> (Vec<Cells>, Vec<Cells>) {
        let encoded = |converter: &RowConverter, names: &[&str]| -> Vec<Cells> {
            let columns: Vec<_> = names.iter().map(|name| rows.column_by_name(name).unwrap().clone()).collect();
            converter.convert_columns(&columns).unwrap().iter().map(|row| hash(row.as_ref())).collect()
        };
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        (encoded(&self.key, self.keys), encoded(&self.contents, &names))
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
