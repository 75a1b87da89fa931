//! What a run needs of the world around it.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::watch;
use wdt_fetch::{Clock, Limiters, Transport, Waits};
use wdt_warehouse::{Warehouse, WarehouseError};

use super::decisions::Decisions;
use crate::config::Config;
use crate::error::EtlError;
use crate::report::Reporter;
use crate::warehouse;

/// What a run needs of the world: time, waits, an audience, and a way to be stopped.
#[derive(Clone)]
pub struct Surroundings {
    /// The local clock.
    pub clock: Arc<dyn Clock>,
    /// The call limits, shared with other runs or not.
    pub limiters: Arc<Limiters>,
    /// How long the policy waits.
    pub waits: Waits,
    /// Takes the events.
    pub reporter: Arc<dyn Reporter>,
    /// Where the tables are, in place of the configured warehouse.
    pub warehouse: Option<Warehouse>,
    /// What carries the requests, in place of connections to the accounts' addresses.
    pub transport: Option<Arc<dyn Transport>>,
    /// Who decides what depends on clock and warehouse.
    pub decisions: Arc<dyn Decisions>,
    /// Becomes true when the run has to stop.
    pub stop: watch::Receiver<bool>,
    /// Spreads waits after broken transports.
    pub seed: u64,
    /// Name of the run.
    pub run_id: String,
}

impl Surroundings {
    /// Where the tables are.
    ///
    /// # Errors
    ///
    /// When the configured folder cannot be made, or holds tables of another format.
    pub(crate) fn warehouse(&self, config: &Config) -> Result<Warehouse, WarehouseError> {
        self.warehouse.clone().map_or_else(|| warehouse::configured(config), Ok)
    }

    /// Peak memory for the tables; none where the answers come from this process, which would count as the run's.
    pub(super) fn peak_memory(&self) -> Option<i64> {
        self.decisions.peak_memory().filter(|_| self.transport.is_none())
    }

    /// The work's result, unless a stop is asked for first.
    ///
    /// # Errors
    ///
    /// [`EtlError::Interrupted`].
    pub(super) async fn unless_stopped<T>(&self, work: impl Future<Output = T>) -> Result<T, EtlError> {
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            () = stopped(&mut stop) => Err(EtlError::Interrupted),
            done = work => Ok(done),
        }
    }
}

/// Returns when a stop is asked for; never, when nobody can ask any more.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}
