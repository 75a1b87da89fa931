//! The settings of a recorded run as a file that a replay reads: what was asked of the platform, none of the secrets.

use toml::{Table, Value};

use super::scramble::Scramble;
use crate::config::{Config, RunSettings};

/// What a cassette does not show, beside the secrets, which it never does.
#[derive(Clone, Default)]
pub struct Hidden {
    /// Stand-ins in the place of `sid` and `app_key`.
    pub accounts: bool,
    /// The merchant's texts are scrambled.
    pub texts: Option<Scramble>,
}

/// The settings of these accounts and datasets, with what the environment replaced; comments and proxies are left out.
///
/// The file refers to secrets and contains none, and a replay follows no reference.
pub(super) fn text(config: &Config, selected: &[(String, String)], hidden: &Hidden) -> Result<String, String> {
    let mut root: Table = config.text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    let accounts = root.remove("accounts").and_then(|accounts| accounts.as_array().cloned()).unwrap_or_default();
    let accounts = accounts.into_iter().filter_map(|account| match account {
        Value::Table(account) => kept(account, config, selected, hidden),
        _ => None,
    });
    let accounts: Vec<Value> = accounts.map(Value::Table).collect();
    let mut settings = Table::new();
    settings.insert("warehouse".to_owned(), Value::Table(one("url", "warehouse")));
    settings.insert("run".to_owned(), Value::Table(run(&config.run)));
    settings.insert("accounts".to_owned(), Value::Array(accounts));
    toml::to_string(&settings).map_err(|error| error.to_string())
}

/// An account of which something is recorded, with its own address spelt out.
fn kept(mut account: Table, config: &Config, selected: &[(String, String)], hidden: &Hidden) -> Option<Table> {
    let name = account.get("name")?.as_str()?.to_owned();
    let place = config.accounts.iter().position(|own| own.name == name)?;
    let own = &config.accounts[place];
    let is_selected = |dataset: &Value| {
        let dataset = dataset.get("name").and_then(Value::as_str);
        selected.iter().any(|(account, own)| *account == name && Some(own.as_str()) == dataset)
    };
    let datasets = account.get("datasets")?.as_array()?;
    let mut datasets: Vec<Value> = datasets.iter().filter(|dataset| is_selected(dataset)).cloned().collect();
    if datasets.is_empty() {
        return None;
    }
    if let Some(scramble) = &hidden.texts {
        datasets.iter_mut().filter_map(Value::as_table_mut).for_each(|dataset| scrambled(dataset, scramble));
    }
    account.insert("datasets".to_owned(), Value::Array(datasets));
    account.insert("base_url".to_owned(), own.base_url.clone().into());
    account.remove("proxy");
    if hidden.accounts {
        // accounts that share an application still do
        let shared = config.accounts.iter().position(|other| other.app_key == own.app_key).unwrap_or(place);
        account.insert("app_key".to_owned(), format!("app-key-{}", shared + 1).into());
        if account.contains_key("sid") {
            account.insert("sid".to_owned(), format!("sid-{}", place + 1).into());
        }
    }
    Some(account)
}

/// Parameters and slices of a dataset, as the requests have them.
fn scrambled(dataset: &mut Table, scramble: &Scramble) {
    let Some(endpoint) = dataset.get("name").and_then(Value::as_str).and_then(wdt_models::endpoints::find) else {
        return;
    };
    if let Some(params) = dataset.get_mut("params").and_then(Value::as_table_mut) {
        for (name, value) in params.iter_mut() {
            let Ok(mut json) = serde_json::to_value(&*value) else { continue };
            scramble.param(endpoint, name, &mut json);
            if let Ok(scrambled) = serde_json::from_value(json) {
                *value = scrambled;
            }
        }
    }
    for dimension in endpoint.dimensions() {
        let values = dataset.get_mut(dimension.setting).and_then(Value::as_array_mut);
        for value in values.into_iter().flatten() {
            if let Value::String(text) = value {
                *text = scramble.dimension(endpoint, dimension.name, text);
            }
        }
    }
}

fn run(settings: &RunSettings) -> Table {
    let mut run = Table::new();
    for (key, seconds) in [
        ("settle", settings.settle_seconds),
        ("lookback", settings.lookback_seconds),
        ("window", settings.window_seconds),
    ] {
        run.insert(key.to_owned(), format!("{seconds}s").into());
    }
    run.extend(
        settings
            .concurrency
            .and_then(|pages| i64::try_from(pages).ok())
            .map(|pages| ("concurrency".to_owned(), pages.into())),
    );
    run.insert("quarantine_limit".to_owned(), format!("{}%", settings.quarantine_limit * 100.0).into());
    run
}

fn one(key: &str, value: &str) -> Table {
    Table::from_iter([(key.to_owned(), value.into())])
}
