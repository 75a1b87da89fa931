//! Pages in flight: one until the platform has answered well, none once it has refused the account.

use std::sync::OnceLock;

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::FetchError;

/// Places for pages in flight, shared by all that should count together.
///
/// The first call goes alone: a wrong secret costs one call, however many windows are waiting to be read.
#[derive(Debug)]
pub struct Slots {
    places: Semaphore,
    most: usize,
    first: OnceLock<()>,
    refused: OnceLock<FetchError>,
}

impl Slots {
    /// As many places as that, at least one.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let most = most.max(1);
        Self { places: Semaphore::new(1), most, first: OnceLock::new(), refused: OnceLock::new() }
    }

    /// Waits for a place.
    ///
    /// # Errors
    ///
    /// The refusal, once the platform has refused the account.
    pub(crate) async fn acquire(&self) -> Result<SemaphorePermit<'_>, FetchError> {
        match self.places.acquire().await {
            Ok(place) => Ok(place),
            // only a refusal closes the places
            Err(closed) => Err(self.refused.get().cloned().unwrap_or(FetchError::Setup { reason: closed.to_string() })),
        }
    }

    /// Learns how a call ended, while its place is still held.
    pub(crate) fn ended<T>(&self, result: &Result<T, FetchError>) {
        match result {
            Ok(_) => {
                if self.first.set(()).is_ok() {
                    self.places.add_permits(self.most - 1);
                }
            }
            Err(error) if error.refuses_account() => {
                // a refusal that came before this one says the same
                let _known = self.refused.set(error.clone());
                self.places.close();
            }
            Err(_) => {}
        }
    }
}
