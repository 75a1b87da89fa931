//! `wdt-etl simulate`: the gateway simulator on a port, for trying things by hand.

use std::io::Write;
use std::sync::Arc;

use tokio::sync::watch;
use wdt_fetch::Clock;
use wdt_models::{Endpoint, Gateway, Window, endpoints};
use wdt_sign::Secret;
use wdt_sim::{Account, STORES, Sim, SimConfig};

use super::output;
use crate::cli::Simulate;
use crate::error::EtlError;

/// Serves until `stop` becomes true.
///
/// # Errors
///
/// [`EtlError::Usage`] when the port is taken.
pub async fn simulate(
    args: &Simulate,
    clock: Arc<dyn Clock>,
    mut stop: watch::Receiver<bool>,
    out: &mut (dyn Write + Send),
) -> Result<(), EtlError> {
    let now = clock.now().floor_seconds();
    let mut config = SimConfig::new(Arc::new(move || clock.now().floor_seconds().0));
    config.port = args.port;
    config.seed = args.seed;
    config.calls_per_minute = args.calls_per_minute;
    config.edits_per_page = args.edits_per_page;
    config.span = Some(Window::new(now - i64::from(args.days) * 86_400, now));
    for endpoint in endpoints::ALL {
        config = config.with_rows(endpoint.dataset, args.rows);
    }
    let sim = start(config)?;
    tell(&sim, args, out).map_err(output)?;
    let _closed = stop.wait_for(|stop| *stop).await;
    sim.stop().await;
    Ok(())
}

/// Starts a simulator.
///
/// # Errors
///
/// [`EtlError::Usage`] when the port is taken.
pub(crate) fn start(config: SimConfig) -> Result<Sim, EtlError> {
    Sim::start(config).map_err(|error| EtlError::Usage {
        message: format!("the simulator cannot start: {error}"),
        hint: Some("--port 0 takes a free port".to_owned()),
    })
}

/// `[[accounts]]` sections of a configuration, one for each simulated gateway, with every dataset.
///
/// `secret` gives the value of a key that contains a secret, by account and key.
#[must_use]
pub fn accounts(sim: &Sim, calls_per_minute: u32, secret: impl Fn(&str, &str) -> String) -> String {
    let sections = Gateway::ALL.iter().map(|&gateway| {
        let (account, name) = (Account::example(gateway), gateway.name());
        let own = |key: &&str| match *key {
            "sid" => format!("sid = \"{}\"\n", account.sid),
            key => format!("{key} = {}\n", secret(name, key)),
        };
        let keys: String = gateway.facts().required_keys.iter().map(own).collect();
        let datasets = endpoints::ALL.iter().filter(|endpoint| endpoint.gateway == gateway);
        let datasets: String = datasets.map(|endpoint| dataset(endpoint)).collect();
        format!(
            "[[accounts]]\nname = \"{name}\"\nmerchant = \"demo\"\ngateway = \"{name}\"\nbase_url = \"{}\"\n{keys}\
             app_key = \"{}\"\napp_secret = {}\ncalls_per_minute = {calls_per_minute}\n{datasets}",
            sim.base_url(gateway),
            account.app_key,
            secret(name, "app_secret"),
        )
    });
    sections.collect::<Vec<_>>().join("\n")
}

/// The secrets of the simulated accounts: account, key and value. All are invented.
#[must_use]
pub fn secrets() -> Vec<(&'static str, &'static str, Secret)> {
    let of = |&gateway: &Gateway| {
        let (account, name) = (Account::example(gateway), gateway.name());
        let session = account.session.map(|session| (name, "session", session));
        std::iter::once((name, "app_secret", account.secret)).chain(session)
    };
    Gateway::ALL.iter().flat_map(of).collect()
}

/// A dataset's section; what has no default is asked for as the simulator has it.
fn dataset(endpoint: &Endpoint) -> String {
    let needed = endpoint.dimensions().iter().filter(|dimension| dimension.default.is_empty());
    let stores = STORES.map(|store| format!("\"{store}\"")).join(", ");
    let settings: Vec<String> = needed.map(|dimension| format!("{} = [{stores}]\n", dimension.setting)).collect();
    format!("\n[[accounts.datasets]]\nname = \"{}\"\n{}", endpoint.dataset, settings.concat())
}

fn tell(sim: &Sim, args: &Simulate, out: &mut (dyn Write + Send)) -> std::io::Result<()> {
    let variable = |account: &str, key: &str| format!("SIM_{account}_{key}").to_uppercase();
    writeln!(out, "# the simulated gateways run until Ctrl-C; accounts for them, with invented secrets:")?;
    for (account, key, secret) in secrets() {
        writeln!(out, "# export {}='{}'", variable(account, key), secret.expose())?;
    }
    let reference = |account: &str, key: &str| format!("{{ env = \"{}\" }}", variable(account, key));
    write!(out, "{}", accounts(sim, args.calls_per_minute, reference))?;
    out.flush()
}
