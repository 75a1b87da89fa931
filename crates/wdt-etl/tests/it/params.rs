//! Every documented business parameter can be set, and reaches the platform as its gateway wants it.

use std::sync::Arc;

use tempfile::TempDir;
use tokio::sync::watch;
use wdt_etl::config::Config;
use wdt_etl::environment::Variables;
use wdt_etl::pipeline::{Live, Order, Surroundings, run};
use wdt_etl::report::Silent;
use wdt_fetch::{Clock as _, SystemClock, Waits};
use wdt_models::time::format_wall_time;
use wdt_models::{Arguments, Endpoint, Param, ParamKind, SyncMode, endpoints};
use wdt_sim::{Account, Sim, SimConfig};

/// The value as the configuration writes it, and as the call shows it.
fn value(param: &Param) -> (&'static str, &'static str) {
    match param.kind {
        ParamKind::Text => ("\"7\"", "7"),
        ParamKind::Int => ("1", "1"),
        ParamKind::Boolean => ("true", "true"),
        ParamKind::Texts => ("[\"007\", \"A/b\"]", "[\"007\",\"A/b\"]"),
        ParamKind::Time => ("\"2026-01-02 03:04:05\"", "2026-01-02 03:04:05"),
    }
}

/// A configuration of the one dataset with the one parameter.
fn config(folder: &TempDir, sim: &Sim, endpoint: &Endpoint, param: &Param) -> Config {
    let account = Account::example(endpoint.gateway);
    let (secrets, needs) = ("{ env = \"SECRET\" }", endpoint.gateway.facts().required_keys);
    let sid = if needs.contains(&"sid") { format!("sid = \"{}\"\n", account.sid) } else { String::new() };
    let session = if needs.contains(&"session") { "session = { env = \"SESSION\" }\n" } else { "" };
    let stores = if endpoint.dimensions().is_empty() { "" } else { "stores = [\"STORE_1\"]\ninventory_types = [1]\n" };
    let ids = if matches!(endpoint.sync, SyncMode::Ids(_)) { "rec_ids = [9951]\n" } else { "" };
    let now = SystemClock.now().floor_seconds();
    let start = match endpoint.sync {
        SyncMode::Incremental(_) => format!("start = \"{}\"\n", format_wall_time(now - 7200)),
        SyncMode::Slices(_) | SyncMode::Ids(_) => String::new(),
    };
    let text = format!(
        "[warehouse]\nurl = \"warehouse\"\n[[accounts]]\nname = \"main\"\ngateway = \"{}\"\nbase_url = \"{}\"\n{sid}{session}\
         app_key = \"{}\"\napp_secret = {secrets}\ncalls_per_minute = 0\n[[accounts.datasets]]\nname = \"{}\"\n{stores}{ids}{start}\
         params = {{ {} = {} }}\n",
        endpoint.gateway,
        sim.base_url(endpoint.gateway),
        account.app_key,
        endpoint.dataset,
        param.name,
        value(param).0,
    );
    let session = account.session.map(|session| ("SESSION".to_owned(), session.expose().to_owned()));
    let variables: Variables =
        [("SECRET".to_owned(), account.secret.expose().to_owned())].into_iter().chain(session).collect();
    Config::parse(&folder.path().join("wdt-etl.toml"), &text, &variables, now).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_parameter_of_every_endpoint_reaches_the_platform() {
    let mut sent = 0;
    for endpoint in endpoints::ALL {
        let sim = Sim::start(SimConfig::new(Arc::new(|| SystemClock.now().floor_seconds().0))).unwrap();
        for param in endpoint.params {
            let folder = tempfile::tempdir().unwrap();
            let (_open, stop) = watch::channel(false);
            let around = Surroundings {
                clock: Arc::new(SystemClock),
                limiters: Arc::default(),
                waits: Waits::none(),
                warehouse: None,
                transport: None,
                decisions: Arc::new(Live),
                reporter: Arc::new(Silent),
                stop,
                seed: 1,
                run_id: "params".to_owned(),
            };
            let before = sim.calls().len();
            let config = config(&folder, &sim, endpoint, param);
            let options = Order { dry_run: true, ..Order::default() };
            // the platform may know no such warehouse or shop: what counts is what it was asked
            run(&config, &options, &around).await.unwrap();
            let calls = sim.calls();
            let call = calls.get(before).unwrap_or_else(|| panic!("{} {}: no call", endpoint.dataset, param.name));
            let shown = value(param).1;
            let found = match endpoint.method().arguments {
                Arguments::Named => call.param(param.name) == Some(shown),
                Arguments::Items { .. } | Arguments::Positional => {
                    call.param("body").is_some_and(|body| body.contains(&format!("\"{}\":{shown}", param.name)))
                }
            };
            assert!(found, "{} {}: {:?}", endpoint.dataset, param.name, call.params);
            sent += 1;
        }
    }
    assert!(sent > 25, "{sent}");
}
