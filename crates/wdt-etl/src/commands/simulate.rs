//! `wdt-etl simulate`: the gateway simulator on a port, for trying things by hand.

use std::io::Write;
use std::sync::Arc;

use tokio::sync::watch;
use wdt_fetch::Clock;
use wdt_models::{Window, endpoints};
use wdt_sim::{Account, Sim, SimConfig};

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
    let now = clock.now_ms().div_euclid(1000);
    let mut config = SimConfig::new(Arc::new(move || clock.now_ms().div_euclid(1000)));
    config.port = args.port;
    config.seed = args.seed;
    config.calls_per_minute = args.calls_per_minute;
    config.edits_per_page = args.edits_per_page;
    config.span = Some(Window::new(now - i64::from(args.days) * 86_400, now));
    for endpoint in endpoints::ALL {
        config = config.with_rows(endpoint.dataset, args.rows);
    }
    let sim = start(config)?;
    tell(&sim, args, out).map_err(|error| output(&error))?;
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

fn tell(sim: &Sim, args: &Simulate, out: &mut (dyn Write + Send)) -> std::io::Result<()> {
    let account = Account::example();
    let datasets: Vec<String> = endpoints::ALL
        .iter()
        .map(|endpoint| format!("[[accounts.datasets]]\nname = \"{}\"\n", endpoint.dataset))
        .collect();
    writeln!(
        out,
        "# the simulated gateway answers until Ctrl-C; an account for it (the secret is invented: export SIM_SECRET={secret})\n\
         [[accounts]]\n\
         name = \"sim\"\n\
         gateway = \"enterprise\"\n\
         base_url = \"{url}\"\n\
         sid = \"{sid}\"\n\
         app_key = \"{app_key}\"\n\
         app_secret = {{ env = \"SIM_SECRET\" }}\n\
         calls_per_minute = {calls}\n\n{datasets}",
        secret = account.secret.expose(),
        url = sim.base_url(),
        sid = account.sid,
        app_key = account.app_key,
        calls = args.calls_per_minute,
        datasets = datasets.join("\n"),
    )?;
    out.flush()
}
