//! What the datasets of one account have to do with each other: each is named once, and some take their ids from another.

use wdt_models::Gateway;
use wdt_models::time::Seconds;

use super::fault::{Faults, Location};

/// What the datasets of one account have to do with each other.
pub(super) struct Siblings {
    /// The account's gateway; `None` only beside a fault.
    pub(super) gateway: Option<Gateway>,
    /// Whose datasets they are, as in "account `main`".
    pub(super) owner: String,
    /// Epoch seconds.
    pub(super) now: Seconds,
    /// Names that the account has had so far.
    pub(super) names: Vec<&'static str>,
    /// Where a dataset takes its ids from another, and their names.
    sources: Vec<(Location, &'static str, &'static str)>,
}

impl Siblings {
    pub(super) fn new(gateway: Option<Gateway>, owner: String, now: Seconds) -> Self {
        Self { gateway, owner, now, names: Vec::new(), sources: Vec::new() }
    }

    /// Notes that `dataset` takes its ids from `source`.
    pub(super) fn takes_ids(&mut self, place: Location, dataset: &'static str, source: &'static str) {
        self.sources.push((place, dataset, source));
    }

    /// Notes each dataset whose ids no other dataset lands.
    pub(super) fn check_sources(&self, faults: &mut Faults<'_>) {
        for (place, dataset, source) in self.sources.iter().filter(|(.., source)| !self.names.contains(source)) {
            let message = format!("{dataset} takes its ids from {source}, which is not configured for {}", self.owner);
            let hint = format!("add an [[accounts.datasets]] section with name = \"{source}\", or list rec_ids");
            faults.push(place, message, Some(hint));
        }
    }
}
