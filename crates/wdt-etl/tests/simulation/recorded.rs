//! A simulated run that is recorded, and comes about again from its cassette alone.

use std::sync::Arc;

use tempfile::TempDir;
use tokio::sync::watch;
use wdt_etl::cassette::{Hidden, Recording, Replay};
use wdt_etl::commands::replay;
use wdt_etl::config::Config;
use wdt_etl::pipeline::{Decisions, Order, RunOutcome, Surroundings, run};
use wdt_etl::report::Silent;
use wdt_warehouse::Warehouse;

/// A run that is being recorded.
pub(crate) struct Kept {
    name: String,
    folder: TempDir,
    recording: Arc<Recording>,
}

impl Kept {
    /// Begins the recording of a run.
    pub(crate) fn begin(name: &str, config: &Config, options: &Order, around: &Surroundings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let recording = Recording::begin(folder.path(), config, options, around, Hidden::default()).unwrap();
        Self { name: name.to_owned(), folder, recording: Arc::new(recording) }
    }

    /// What decides for the run.
    pub(crate) fn decisions(&self) -> Arc<dyn Decisions> {
        Arc::<Recording>::clone(&self.recording)
    }

    /// The same requests, answers, retries and windows come about again, into an empty warehouse.
    pub(crate) async fn comes_about_again(&self, outcome: &RunOutcome) {
        if outcome.exit_code() == 6 {
            // the storage failed on purpose, which is no part of a cassette
            return;
        }
        self.recording.finish(outcome).unwrap();
        let cassette = Arc::new(Replay::open(self.folder.path()).unwrap());
        let (_open, stop) = watch::channel(false);
        let around = replay::surroundings(&cassette, Warehouse::memory(), stop, Arc::new(Silent));
        let again = run(cassette.config(), &cassette.order().unwrap(), &around).await.unwrap();
        assert_eq!(cassette.difference(&again), None, "{}: {again:#?}", self.name);
    }
}
