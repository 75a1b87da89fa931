//! What the gateways know and do; everything but HTTP.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use wdt_models::{Gateway, Method, SyncMode, endpoints};

use crate::{
    account::Account,
    answer::{Found, HTML},
    arguments,
    calls::{Call, CallLog},
    config::SimConfig,
    dice::Dice,
    enterprise,
    fault::{Fault, FaultPlan},
    flagship,
    form::Forms,
    ledger::Ledger,
    limit::Limit,
    refusal::Refusal,
    request::{Query, Request, What},
    row::Selection,
    top, xml,
};

/// What the gateways know.
#[derive(Debug)]
pub(crate) struct Platform {
    pub(crate) config: SimConfig,
    /// Each merchant's rows, by the position of the merchant's first account.
    ledgers: Vec<(usize, Ledger)>,
    log: Mutex<CallLog>,
    limit: Mutex<Limit>,
    /// Nothing moves by itself and nothing goes wrong by plan any more.
    resting: AtomicBool,
}

/// An answer, and what goes wrong with it on the way.
pub(crate) struct Reply {
    pub(crate) text: String,
    pub(crate) media_type: &'static str,
    pub(crate) fault: Option<Fault>,
}

/// One call under way.
struct Turn<'a> {
    request: &'a Request,
    number: u64,
    at: i64,
    forms: Forms,
    dice: Dice,
    fault: Option<&'a Fault>,
}

/// What a call got: its text, its code and its records.
struct Outcome {
    text: String,
    code: String,
    records: usize,
}

impl Platform {
    pub(crate) fn new(config: SimConfig) -> Self {
        let limit = Mutex::new(Limit::new(config.calls_per_minute, config.minute_seconds, config.cool_down_seconds));
        let mut platform =
            Self { config, ledgers: Vec::new(), log: Mutex::default(), limit, resting: AtomicBool::new(false) };
        for place in 0..platform.config.accounts.len() {
            if platform.merchant(place) == place {
                platform.add_merchant(place);
            }
        }
        platform
    }

    /// Answers a call and says what goes wrong on the way.
    pub(crate) fn call(&self, request: &Request) -> Reply {
        let at = (self.config.clock)();
        let (number, fault) = self.arrive();
        let mut dice = Dice::new(self.config.seed, &[6, number]);
        let forms = self.config.forms.decided(&mut dice);
        let outcome = self.outcome(Turn { request, number, at, forms, dice, fault: fault.as_ref() });
        let mut params = request.params.shown();
        if request.gateway == Gateway::Flagship {
            params.extend(arguments::shown(&request.body));
        }
        let Outcome { text, code, records } = outcome;
        let (gateway, method) = (request.gateway, request.method.clone());
        self.log().record(Call { number, at, gateway, method, params, code, records, fault: fault.clone() });
        let xml = gateway == Gateway::Top && top::wants_xml(&request.params);
        let media_type = match gateway {
            Gateway::Enterprise => HTML,
            Gateway::Flagship => "application/json;charset=UTF-8",
            Gateway::Top if xml => "text/xml;charset=UTF-8",
            Gateway::Top => "text/javascript;charset=UTF-8",
        };
        let text = if xml { xml::of_json(&text) } else { text };
        Reply { text: if forms.bom { format!("\u{FEFF}{text}") } else { text }, media_type, fault }
    }

    /// The rows of a dataset that the first account of its gateway sees for which the condition holds.
    pub(crate) fn ledger(&self, dataset: &str, wanted: impl Fn(&Account) -> bool) -> Option<Ledger> {
        let gateway = endpoints::find(dataset)?.gateway;
        let is_wanted = |account: &Account| account.gateway == gateway && wanted(account);
        let place = self.config.accounts.iter().position(is_wanted)?;
        self.ledger_at(place, dataset).cloned()
    }

    /// From now on no row moves by itself and no planned fault happens.
    pub(crate) fn rest(&self) {
        self.resting.store(true, Ordering::Relaxed);
    }

    /// Every call so far.
    pub(crate) fn log(&self) -> MutexGuard<'_, CallLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who has called when.
    pub(crate) fn limit(&self) -> MutexGuard<'_, Limit> {
        self.limit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arrive(&self) -> (u64, Option<Fault>) {
        let mut log = self.log();
        let number = log.arrive();
        let planned = if self.resting.load(Ordering::Relaxed) { &FaultPlan::None } else { &self.config.faults };
        let fault = planned.take(&mut log.injected, number, self.config.seed);
        (number, fault)
    }

    fn outcome(&self, mut turn: Turn<'_>) -> Outcome {
        let answered = self.admit(&turn).and_then(|admitted| match turn.fault {
            Some(Fault::Platform { code, sub_code, message }) => {
                Err(Refusal { code: code.clone(), sub_code: sub_code.clone(), message: message.clone() })
            }
            _ => Ok(admitted),
        });
        let answered = answered.and_then(|(ledger, method, query)| self.answer(&mut turn, ledger, method, &query));
        answered.unwrap_or_else(|refusal| Outcome { text: turn.refused(&refusal), code: refusal.code, records: 0 })
    }

    /// Checks a call: credentials, then the limit, then what it asks for.
    fn admit(&self, turn: &Turn<'_>) -> Result<(&Ledger, &'static Method, Query), Refusal> {
        let Turn { request, forms, at, .. } = turn;
        let (accounts, windows) = (&self.config.accounts, self.config.windows());
        let caller = match request.gateway {
            Gateway::Enterprise => enterprise::caller(request, accounts, *at),
            Gateway::Flagship => flagship::caller(request, accounts, *at),
            Gateway::Top => top::caller(request, accounts, *at),
        }?;
        let admitted = self.limit().admit(request.gateway, &accounts[caller].app_key, *at);
        admitted.map_err(|seconds| match request.gateway {
            Gateway::Enterprise => enterprise::limited(self.config.calls_per_minute),
            Gateway::Flagship => flagship::limited(*forms),
            Gateway::Top => top::limited(seconds),
        })?;
        let found =
            request.found.and_then(|(endpoint, method)| Some((self.ledger_at(caller, endpoint.dataset)?, method)));
        // only flagship comes here without a method: the others have no such file, or say so first
        let (ledger, method) = found.ok_or_else(|| Refusal::new(flagship::APPLICATION, "接口不存在"))?;
        let query = match request.gateway {
            Gateway::Enterprise => enterprise::query(request, ledger, windows, *forms, *at),
            Gateway::Flagship => arguments::query(request, ledger, method, windows, *forms),
            Gateway::Top => top::query(request, ledger, method, *forms),
        }?;
        Ok((ledger, method, query))
    }

    fn answer(
        &self,
        turn: &mut Turn<'_>,
        ledger: &Ledger,
        method: &'static Method,
        query: &Query,
    ) -> Result<Outcome, Refusal> {
        let (forms, fault, spelling) = (turn.forms, turn.fault, &query.spelling);
        let mut refused = Vec::new();
        let (rows, total, counted) = match &query.what {
            What::Page { selection, page_no, page_size, counted } => {
                let page_no = if fault == Some(&Fault::RepeatedPage) { page_no.saturating_sub(1) } else { *page_no };
                let mut page = ledger.page(selection, self.config.order, (page_no, *page_size), turn.number);
                if fault == Some(&Fault::DuplicateKey)
                    && let [first, .., last] = page.rows.as_mut_slice()
                {
                    *last = *first;
                }
                (page.rows, page.total + self.phantoms(ledger, selection), *counted)
            }
            What::Ids(ids) => {
                let row = |&(id, force): &(i64, bool)| {
                    let row = ledger.by_id(id, force);
                    refused.extend(row.is_none().then_some(id));
                    row
                };
                let rows: Vec<_> = ids.iter().filter_map(row).collect();
                let total = rows.len();
                (rows, total, false)
            }
        };
        let found = Found { ledger, method, spelling, forms, rows: &rows, total, counted, fault };
        let text = match (&query.what, turn.request.gateway) {
            (What::Ids(_), _) => flagship::ids(&found, &refused)?,
            (_, Gateway::Enterprise) => enterprise::page(&found),
            (_, Gateway::Flagship) => flagship::page(&found),
            (_, Gateway::Top) => top::page(&found, query.simplify, &turn.request_id()),
        };
        if let What::Page { selection, .. } = &query.what
            && !self.resting.load(Ordering::Relaxed)
            && turn.dice.happens(self.config.edits_per_page)
        {
            ledger.edit_near(selection, &mut turn.dice);
        }
        Ok(Outcome { text, code: "0".to_owned(), records: rows.len() })
    }

    /// Records that are counted and on no page.
    fn phantoms(&self, ledger: &Ledger, selection: &Selection) -> usize {
        let Selection::Between { start, end, part: None } = selection else { return 0 };
        let inside =
            |&(dataset, at): &(&str, i64)| ledger.endpoint().dataset == dataset && (*start..=*end).contains(&at);
        usize::from(self.config.phantom.as_ref().is_some_and(inside))
    }

    /// Makes a merchant's rows; those of datasets that others are computed from come first.
    fn add_merchant(&mut self, place: usize) {
        let account = &self.config.accounts[place];
        let mut served: Vec<_> = endpoints::ALL.iter().filter(|own| own.gateway == account.gateway).collect();
        served.sort_by_key(|endpoint| matches!(endpoint.sync, SyncMode::Ids(_)));
        for endpoint in served {
            let source = match endpoint.sync {
                SyncMode::Ids(ids) => self.ledger_at(place, ids.dataset),
                SyncMode::Incremental(_) | SyncMode::Slices(_) => None,
            };
            let merchant = self.config.accounts[place].merchant();
            let ledger = Ledger::new(endpoint, merchant, &self.config, source);
            self.ledgers.push((place, ledger));
        }
    }

    fn ledger_at(&self, account: usize, dataset: &str) -> Option<&Ledger> {
        let merchant = self.merchant(account);
        let is_wanted = |(own, ledger): &&(usize, Ledger)| *own == merchant && ledger.endpoint().dataset == dataset;
        self.ledgers.iter().find(is_wanted).map(|(_, ledger)| ledger)
    }

    /// The position of the first account of the same merchant.
    fn merchant(&self, account: usize) -> usize {
        let accounts = &self.config.accounts;
        let merchant = |account: &Account| (account.gateway, account.merchant().to_owned());
        let same = accounts.iter().position(|other| merchant(other) == merchant(&accounts[account]));
        same.unwrap_or(account)
    }
}

impl Turn<'_> {
    fn refused(&self, refusal: &Refusal) -> String {
        let simplify = self.request.params.get("simplify") == Some("true");
        match self.request.gateway {
            Gateway::Enterprise => enterprise::refusal(refusal, self.forms),
            Gateway::Flagship => flagship::refusal(refusal, self.forms),
            Gateway::Top => top::refusal(refusal, &self.request.method, simplify, self.forms, &self.request_id()),
        }
    }

    /// The platform's name for the call.
    fn request_id(&self) -> String {
        format!("sim{:013x}", self.number)
    }
}
