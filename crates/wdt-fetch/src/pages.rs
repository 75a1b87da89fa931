//! Where pages come from.

use std::future::Future;
use std::sync::Arc;

use wdt_models::time::Millis;
use wdt_models::{Endpoint, Method, Window};

use crate::client::{Client, PageAnswer};
use crate::error::FetchError;
use crate::slots::Slots;
use crate::wire::{PageRequest, Params, Target};

/// Gives the pages of one endpoint's windows, slices or ids.
pub trait PageSource: Send + Sync + 'static {
    /// A page of what is asked for, narrowed by a filtering parameter and its value if one is given.
    fn page(
        &self,
        target: Target,
        filter: Option<(&str, &str)>,
        page_no: u32,
    ) -> impl Future<Output = Result<PageAnswer, FetchError>> + Send;

    /// What the pages are of.
    fn endpoint(&self) -> &'static Endpoint;

    /// Records per page; of ids, how many one call takes.
    fn page_size(&self) -> u32;

    /// Number of the first page.
    fn first_page(&self) -> u32;

    /// The platform's clock.
    fn platform_now(&self) -> Millis;
}

/// How windows are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadOptions {
    /// Windows read ahead, and pages of one window in flight.
    pub concurrency: usize,
    /// Time before the platform's clock in which rows may still change, in seconds.
    pub settle_seconds: i64,
    /// A window of more pages is cut before they are read, so that memory stays bounded.
    pub max_pages: u32,
    /// A piece inside this window that cannot be proved whole is given as it was read, [`Verdict::Accepted`].
    ///
    /// [`Verdict::Accepted`]: wdt_models::Verdict::Accepted
    pub accept: Option<Window>,
    /// A window is read in one piece, however many pages it has: nothing cuts it, and it is read anew where nothing
    /// proves it whole.
    pub whole: bool,
}

impl Default for ReadOptions {
    /// 8 in flight, 5 minutes to settle, windows of at most 50 pages, nothing accepted unproved.
    fn default() -> Self {
        Self { concurrency: 8, settle_seconds: 300, max_pages: 50, accept: None, whole: false }
    }
}

/// Reads one endpoint's pages through a client.
#[derive(Debug, Clone)]
pub struct WindowReader {
    /// Calls the account's gateway.
    pub client: Client,
    /// What is read.
    pub endpoint: &'static Endpoint,
    /// The call that gives it.
    pub method: &'static Method,
    /// Business parameters besides paging, window and slice; a filter overrides its namesake.
    pub params: Params,
    /// Whether columns about persons are read.
    pub personal: bool,
    /// Records per page.
    pub page_size: u32,
    /// Pages in flight; shared by all that should count together, such as an account's datasets.
    pub slots: Arc<Slots>,
}

impl WindowReader {
    /// Reads the endpoint's first method without parameters: the largest pages, eight in flight, no columns about persons.
    #[must_use]
    pub fn new(client: Client, endpoint: &'static Endpoint) -> Self {
        let method = endpoint.method();
        let slots = Arc::new(Slots::new(ReadOptions::default().concurrency));
        let page_size = method.paging.max_size;
        Self { client, endpoint, method, params: Params::new(), personal: false, page_size, slots }
    }
}

impl PageSource for WindowReader {
    async fn page(&self, target: Target, filter: Option<(&str, &str)>, page_no: u32) -> Result<PageAnswer, FetchError> {
        let mut params = self.params.clone();
        params.extend(filter.map(|(name, value)| (name.to_owned(), value.into())));
        let Self { method, page_size, personal, .. } = *self;
        let request = PageRequest { method, target, page_no, page_size, params, personal };
        let slot = self.slots.acquire().await?;
        let answer = self.client.page(self.endpoint, &request).await;
        self.slots.ended(&answer, self.client.counters().latency());
        drop(slot);
        answer
    }

    fn endpoint(&self) -> &'static Endpoint {
        self.endpoint
    }

    fn page_size(&self) -> u32 {
        self.page_size
    }

    fn first_page(&self) -> u32 {
        self.method.paging.first
    }

    fn platform_now(&self) -> Millis {
        self.client.platform_now()
    }
}
