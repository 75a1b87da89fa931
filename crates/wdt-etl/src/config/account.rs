//! One `[[accounts]]` section.

use url::Url;
use wdt_models::Gateway;
use wdt_sign::Secret;

use super::context::Context;
use super::fault::{Faults, Location};
use super::sendable::plain_text;
use super::siblings::Siblings;
use super::value::{Keys, Section, Setting};
use super::{Account, Dataset, Stage, credentials, dataset, secret_ref};
use crate::words::{self, quoted};

const FIRST_KEYS: &[&str] = &["name", "merchant", "gateway", "environment", "base_url", "app_key", "app_secret"];
const LAST_KEYS: &[&str] = &["calls_per_minute", "proxy", "datasets"];
const LONGEST_NAME: usize = 64;
const MOST_CALLS_PER_MINUTE: i64 = 1_000_000;
const DATASETS_HINT: &str = "add an [[accounts.datasets]] section with name = \"…\"";

/// An account as far as it could be read: what the comparison of accounts needs, faults or not.
pub(super) struct Draft {
    pub(super) place: Location,
    pub(super) name: Option<(Location, String)>,
    pub(super) gateway: Option<Gateway>,
    pub(super) app_key: Option<String>,
    pub(super) calls_per_minute: Option<u32>,
    /// `None` only beside a fault.
    pub(super) account: Option<Account>,
}

/// Reads one account; `None` when it is not even a table.
pub(super) fn read(value: &Setting<'_>, from: &Context<'_>, faults: &mut Faults<'_>) -> Option<Draft> {
    let section = value.table(faults)?;
    let place = section.place.clone();
    let name = section.required(
        "name",
        "give the account a name, the value of the column `account`, as in name = \"main\"",
        faults,
    );
    let name = name.and_then(|value| Some((value.place.clone(), account_name(&value, faults)?)));
    let owner = name.as_ref().map_or_else(|| place.path().to_owned(), |(_, name)| format!("account {}", quoted(name)));
    let gateway = section.required("gateway", &known_gateways(), faults).and_then(|value| gateway(&value, faults));
    check_keys(&section, gateway, faults);
    let stage = section.get("environment").map_or(Some(Stage::default()), |value| stage(&value, faults));
    let base_url = base_url(&section, gateway, stage, faults);
    let (app_key, credentials) =
        credentials::AccountSection { section: &section, gateway, owner: &owner, from }.read(faults);
    let proxy = section.get("proxy").map_or(Some(None), |value| proxy(&value, &owner, from, faults).map(Some));
    let merchant =
        section.get("merchant").map_or(name.clone().map(|(_, name)| name), |value| plain_text(&value, faults));
    let calls_per_minute = calls_per_minute(&section, gateway, faults);
    let datasets = datasets(&section, Siblings::new(gateway, owner, from.now), faults);
    let account = || {
        Some(Account {
            name: name.clone()?.1,
            merchant: merchant?,
            gateway: gateway?,
            environment: stage?,
            base_url: base_url?,
            app_key: app_key.clone()?,
            credentials: credentials?,
            calls_per_minute: calls_per_minute?,
            proxy: proxy?,
            datasets: datasets?,
        })
    };
    Some(Draft { account: account(), place, name, gateway, app_key, calls_per_minute })
}

/// Which keys an account may have depends on its gateway.
fn check_keys(section: &Section<'_>, gateway: Option<Gateway>, faults: &mut Faults<'_>) {
    let known = [FIRST_KEYS, &credentials::keys(gateway), LAST_KEYS].concat();
    let foreign = credentials::foreign(gateway);
    let refused: Vec<_> = foreign.iter().map(|(key, reason)| (*key, reason.as_str())).collect();
    section.check_keys(&Keys { known: &known, refused: &refused }, faults);
}

/// A name becomes a partition folder and a word on the command line: letters, digits, `_`, `-` and `.`, of any script.
fn account_name(value: &Setting<'_>, faults: &mut Faults<'_>) -> Option<String> {
    let text = value.text(faults)?;
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let begins_well = text.starts_with(char::is_alphanumeric);
    if begins_well && text.chars().all(allowed) && text.chars().count() <= LONGEST_NAME {
        return Some(text.to_owned());
    }
    let hint =
        format!("1 to {LONGEST_NAME} letters (of any script), digits, `_`, `-` or `.`; begin with a letter or digit");
    faults.push(&value.place, "is not a valid name", Some(hint));
    None
}

fn gateway(value: &Setting<'_>, faults: &mut Faults<'_>) -> Option<Gateway> {
    let text = value.text(faults)?;
    let gateway = Gateway::from_name(text);
    if gateway.is_none() {
        let known: Vec<_> = Gateway::ALL.iter().map(|gateway| gateway.name()).collect();
        let message = format!("unknown gateway {}", quoted(text));
        faults.push(&value.place, message, Some(words::hint(text, "gateways of this version", &known)));
    }
    gateway
}

fn known_gateways() -> String {
    let known: Vec<_> = Gateway::ALL.iter().map(|gateway| gateway.name()).collect();
    format!("gateways of this version: {}", words::list(&known))
}

fn stage(value: &Setting<'_>, faults: &mut Faults<'_>) -> Option<Stage> {
    let text = value.text(faults)?;
    let stage = Stage::ALL.iter().copied().find(|stage| stage.name() == text);
    if stage.is_none() {
        let known: Vec<_> = Stage::ALL.iter().map(|stage| stage.name()).collect();
        faults.push(
            &value.place,
            format!("{} is not an environment", quoted(text)),
            Some(words::hint(text, "environments", &known)),
        );
    }
    stage
}

fn base_url(
    section: &Section<'_>,
    gateway: Option<Gateway>,
    stage: Option<Stage>,
    faults: &mut Faults<'_>,
) -> Option<String> {
    let Some(value) = section.get("base_url") else { return Some(stage?.url(gateway?).to_owned()) };
    let text = value.text(faults)?;
    // The address is not repeated: it may contain a password.
    match address_fault(text) {
        None => Some(text.trim_end_matches('/').to_owned()),
        Some(fault) => {
            let hint = "write it as in \"https://host/path\", without a question mark".to_owned();
            faults.push(&value.place, fault, Some(hint));
            None
        }
    }
}

fn address_fault(text: &str) -> Option<&'static str> {
    let Ok(url) = Url::parse(text) else { return Some("is not a valid address") };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        Some("is not an http or https address")
    } else if !url.username().is_empty() || url.password().is_some() {
        Some("contains a user or a password")
    } else if url.query().is_some() || url.fragment().is_some() {
        Some("contains a query or a fragment")
    } else {
        None
    }
}

fn calls_per_minute(section: &Section<'_>, gateway: Option<Gateway>, faults: &mut Faults<'_>) -> Option<u32> {
    match section.get("calls_per_minute") {
        None => gateway.map(Gateway::calls_per_minute),
        Some(value) => value.integer(0..=MOST_CALLS_PER_MINUTE, faults).and_then(|calls| u32::try_from(calls).ok()),
    }
}

fn proxy(value: &Setting<'_>, owner: &str, from: &Context<'_>, faults: &mut Faults<'_>) -> Option<Secret> {
    let secret = secret_ref::read(value, owner, from, faults)?;
    let url = Url::parse(secret.expose()).ok();
    if !from.secrets || url.is_some_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
        return Some(secret);
    }
    let hint = "write it as in http://host:3128".to_owned();
    faults.push(&value.place, format!("does not contain an http or https address, for {owner}"), Some(hint));
    None
}

fn datasets(section: &Section<'_>, mut siblings: Siblings, faults: &mut Faults<'_>) -> Option<Vec<Dataset>> {
    let items = section.required("datasets", DATASETS_HINT, faults)?.items("tables", DATASETS_HINT, faults)?;
    let read: Vec<_> = items.iter().map(|item| dataset::read(item, &mut siblings, faults)).collect();
    siblings.check_sources(faults);
    read.into_iter().collect()
}
