//! Requests of each kind that a method takes, to a simulator of its own: nothing that was asked before changes an answer.

use std::sync::Arc;

use serde_json::Value;
use wdt_fetch::{AccountKeys, Credentials, PageRequest, Params, Target, signed};
use wdt_models::time::Seconds;
use wdt_models::{Endpoint, Method, Slice, SyncMode, Window, endpoints};
use wdt_sign::Secret;
use wdt_sim::form::{CodeForm, Comma, EmptyForm, Escapes, Forms, IdsForm, NumberForm, TotalForm};
use wdt_sim::{Account, Fault, Sim, SimConfig};

/// 2024-05-02 10:00:00 in Asia/Shanghai.
pub(super) const NOW: i64 = 1_714_615_200;
/// The day before it, in which every row was changed.
const DAY: Window = Window::new(Seconds(NOW - 86_400), Seconds(NOW - 1));
/// Rows of each dataset.
const ROWS: u32 = 24;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// The first page of so many records; of a list of ids, as many that are computed, and one that is refused.
    First(u32),
    /// The second page of so many records.
    Later(u32),
}

/// A simulator and a request to it that is not yet signed.
pub(super) struct Asked {
    endpoint: &'static Endpoint,
    request: PageRequest,
    sim: Sim,
    secret: Secret,
    /// The time of the request, epoch seconds.
    at: i64,
}

/// Twenty-four rows of each dataset, and every form that varies fixed to the one documented.
pub(super) fn config() -> SimConfig {
    let mut config = SimConfig::new(Arc::new(|| NOW));
    for endpoint in endpoints::ALL {
        config = config.with_rows(endpoint.dataset, ROWS);
    }
    (config.seed, config.span, config.forms) = (5, Some(DAY), documented());
    config
}

impl Asked {
    pub(super) fn new(endpoint: &'static Endpoint, method: &'static Method, ask: Ask, config: SimConfig) -> Self {
        let secret = Account::example(endpoint.gateway).secret;
        let sim = Sim::without_socket(config).unwrap();
        let (page_no, page_size) = match ask {
            Ask::First(size) => (method.paging.first, size),
            Ask::Later(size) => (method.paging.first + 1, size),
        };
        let target = match endpoint.sync {
            SyncMode::Incremental(_) => Target::Window(DAY),
            SyncMode::Slices(_) => Target::Slice(slice(endpoint)),
            SyncMode::Ids(_) => Target::Ids(ids(&sim, endpoint, if method.shape.single { 1 } else { page_size })),
        };
        let request = PageRequest { method, target, page_no, page_size, params: Params::new(), personal: false };
        Self { endpoint, request, sim, secret, at: NOW }
    }

    /// The same with a parameter.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.request.params.insert(name.to_owned(), value.into());
        self
    }

    /// The same, signed with another secret.
    pub(super) fn signed_with(self, secret: &str) -> Self {
        Self { secret: Secret::new(secret), ..self }
    }

    /// The same by another clock.
    pub(super) fn sent_at(self, at: i64) -> Self {
        Self { at, ..self }
    }

    /// Makes the next call go wrong.
    pub(super) fn failing(self, fault: Fault) -> Self {
        self.sim.inject(fault);
        self
    }

    /// The answer's bytes.
    pub(super) async fn answer(&self) -> Vec<u8> {
        self.answer_to(|body| body).await
    }

    /// The answer's bytes to the same request with another body.
    pub(super) async fn answer_to(&self, change: impl FnOnce(String) -> String) -> Vec<u8> {
        let gateway = self.endpoint.gateway;
        let Account { sid, app_key, session, .. } = Account::example(gateway);
        let app_secret = Some(self.secret.clone());
        let keys = AccountKeys { sid: Some(sid), app_key, app_secret, session, sign_method: None };
        let credentials = Credentials::new(gateway, keys).unwrap();
        let url = self.sim.base_url(gateway);
        let sent = signed(self.endpoint, &url, &credentials, &self.request, Seconds(self.at)).unwrap();
        let answer = self.sim.exchange(&sent.url, sent.content_type, change(sent.body)).await.unwrap();
        assert_eq!(answer.status, 200, "{} {}", self.endpoint.dataset, self.request.method.name);
        answer.body
    }
}

/// The slice that `fixture.rs` of wdt-models takes for asked: the first value of each dimension.
fn slice(endpoint: &Endpoint) -> Slice {
    let first = |dimension: &wdt_models::Dimension| {
        let value = dimension.default.first().or(dimension.values.first()).copied().unwrap_or("STORE_1");
        (dimension.name.to_owned(), value.to_owned())
    };
    Slice(endpoint.dimensions().iter().map(first).collect())
}

/// So many ids that are computed and, where there may be several, one that the platform refuses.
fn ids(sim: &Sim, endpoint: &Endpoint, count: u32) -> Vec<i64> {
    let ledger = sim.ledger(endpoint.dataset).unwrap();
    let mut ids: Vec<i64> = ledger.rows().into_iter().map(|row| ledger.key(row)[0]).take(count as usize).collect();
    if count > 1 || ids.is_empty() {
        ids.push(404);
    }
    ids
}

fn documented() -> Forms {
    let mut forms = Forms::default();
    (forms.total, forms.empty, forms.code) = (TotalForm::Text, EmptyForm::List, CodeForm::Number);
    (forms.numbers, forms.ids, forms.comma) = (NumberForm::Number, IdsForm::TopLevel, Comma::FullWidth);
    // for those who read the pages; `escaped` shows the other form
    forms.escapes = Escapes::Utf8;
    forms
}
