//! `wdt-etl check`: configuration, signature, warehouse, and one live call per account; a line each, with a hint where
//! something can be done.

use std::io::Write;
use std::path::Path;

use serde::Serialize;
use url::{Host, Url};
use wdt_fetch::{Client, NOTABLE_SKEW_SECONDS, PageRequest, Target, self_test};
use wdt_models::time::Seconds;
use wdt_models::{Gateway, SyncMode, Window};

use super::output;
use crate::cli::Check;
use crate::config::{Account, Config, Dataset, Ids};
use crate::error::{EtlError, Failure, gravest};
use crate::json_line::JsonLine;
use crate::pipeline::{Surroundings, account_client};
use crate::warehouse::configured;

#[derive(Serialize)]
struct CheckLine {
    check: String,
    ok: bool,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    exit_code: u8,
}

impl CheckLine {
    fn ok(check: impl Into<String>, detail: impl Into<String>) -> Self {
        let (check, detail) = (check.into(), detail.into());
        Self { check, ok: true, detail, hint: None, exit_code: 0 }
    }

    /// Nothing is wrong, but there is something to know.
    fn note(check: impl Into<String>, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..Self::ok(check, detail) }
    }

    fn failed(check: impl Into<String>, error: &EtlError) -> Self {
        let (check, detail) = (check.into(), error.to_string());
        Self { check, ok: false, detail, hint: error.hint(), exit_code: error.exit_code() }
    }
}

/// Checks everything that a run needs and returns the gravest exit code.
///
/// `config` has been loaded: its own faults, secrets among them, ended the command before.
///
/// # Errors
///
/// When `out` cannot be written.
pub async fn check(
    config: &Config,
    args: &Check,
    around: &Surroundings,
    out: &mut (dyn Write + Send),
) -> Result<u8, EtlError> {
    let datasets: usize = config.accounts.iter().map(|account| account.datasets.len()).sum();
    let accounts = config.accounts.len();
    let mut lines = vec![CheckLine::ok(
        "configuration",
        format!("{}: accounts {accounts}, datasets {datasets}, every secret found", config.path.display()),
    )];
    lines.extend(signatures(config));
    lines.push(warehouse(config));
    lines.extend(late_starts(config));
    lines.extend(config.accounts.iter().filter_map(readable));
    if !args.offline {
        for account in &config.accounts {
            lines.extend(live(account, config.run.settle_seconds, around).await);
        }
    }
    print(&lines, args.json, out).map_err(output)?;
    Ok(gravest(lines.iter().map(|line| line.exit_code)))
}

/// The worked example of each platform that is configured.
fn signatures(config: &Config) -> impl Iterator<Item = CheckLine> {
    let configured = |gateway: &&Gateway| config.accounts.iter().any(|account| account.gateway == **gateway);
    Gateway::ALL.iter().filter(configured).map(|&gateway| {
        let name = format!("signature {gateway}");
        if self_test(gateway) {
            return CheckLine::ok(name, "the platform's worked example gives the published value");
        }
        CheckLine::failed(name, &EtlError::Bug("the platform's worked example gives another signature".to_owned()))
    })
}

/// Writes a file into the warehouse and removes it, and checks that its tables have the configured format.
fn warehouse(config: &Config) -> CheckLine {
    let folder = Path::new(&config.warehouse.url);
    let probe = folder.join(".wdt-etl-check");
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&probe, b"written by wdt-etl check"))
        .and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => match configured(config) {
            Ok(_) => CheckLine::ok("warehouse", format!("{} can be written", folder.display())),
            Err(error) => CheckLine::failed("warehouse", &error.into()),
        },
        Err(error) => {
            let hint = "make the folder writable for this user, or set another in warehouse.url".to_owned();
            CheckLine {
                check: "warehouse".to_owned(),
                ok: false,
                detail: format!("{} cannot be written: {error}", folder.display()),
                hint: Some(hint),
                exit_code: Failure::Warehouse.policy().exit_code,
            }
        }
    }
}

/// Notes each `start` that leaves older rows out.
fn late_starts(config: &Config) -> Vec<CheckLine> {
    let earliest = crate::config::DEFAULT_START;
    let mut lines = Vec::new();
    for account in &config.accounts {
        for dataset in account.datasets.iter().filter(|dataset| dataset.start > earliest) {
            lines.push(CheckLine::note(
                format!("start {}/{}", account.name, dataset.endpoint.dataset),
                format!(
                    "rows last modified before {} are never landed",
                    wdt_models::time::format_wall_time(dataset.start)
                ),
                "remove `start` to read from 2012 on; years with few rows cost few calls",
            ));
        }
    }
    lines
}

/// Notes an address of plain http on another machine.
fn readable(account: &Account) -> Option<CheckLine> {
    let url = Url::parse(&account.base_url).ok()?;
    let stays_here = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    if url.scheme() != "http" || stays_here {
        return None;
    }
    Some(CheckLine::note(
        format!("address {}", account.name),
        format!("{} is plain http: the salt or session of each call is sent unencrypted", account.base_url),
        format!("base_url = \"{}\", if the platform answers there", account.base_url.replacen("http", "https", 1)),
    ))
}

/// One call for one record: address, account, key, signature, clock.
async fn live(account: &Account, settle_seconds: i64, around: &Surroundings) -> Vec<CheckLine> {
    let name = format!("gateway {}", account.name);
    let limiter = around.limiters.get(account.gateway, &account.app_key, account.calls_per_minute);
    let client = match account_client(account, &limiter, around) {
        Ok(client) => client,
        Err(error) => return vec![CheckLine::failed(name, &error)],
    };
    let Some((dataset, target)) = question(account, client.platform_now().floor_seconds() - settle_seconds) else {
        return vec![CheckLine::ok(name, "no live call: every dataset needs ids that another one has to land first")];
    };
    let request = PageRequest {
        method: dataset.method,
        target,
        page_no: dataset.method.paging.first,
        page_size: 1,
        params: dataset.params.clone(),
        personal: false,
    };
    let answered = client.page(dataset.endpoint, &request).await;
    let mut lines = vec![match answered {
        Ok(_) => CheckLine::ok(
            name,
            format!("{} answers {} for app_key {}", account.base_url, dataset.method.name, account.app_key),
        ),
        Err(error) => CheckLine::failed(name, &EtlError::of_call(account.gateway, error)),
    }];
    lines.extend(clock(account, &client));
    lines
}

/// What to ask for: of a dataset that is asked by ids only where there is no other, since the platform may refuse an id.
fn question(account: &Account, end: Seconds) -> Option<(&Dataset, Target)> {
    let asked = account.datasets.iter().filter_map(|dataset| Some((dataset, target(dataset, end)?)));
    asked.min_by_key(|(_, target)| matches!(target, Target::Ids(_)))
}

/// The shortest thing to ask a dataset for; `None` where its ids are still to be landed.
fn target(dataset: &Dataset, end: Seconds) -> Option<Target> {
    match dataset.endpoint.sync {
        SyncMode::Incremental(_) => Some(Target::Window(Window::new(end - 60, end))),
        SyncMode::Slices(_) => dataset.slices.first().cloned().map(Target::Slice),
        SyncMode::Ids(_) => match &dataset.ids {
            Ids::Landed => None,
            Ids::Listed(ids) => ids.first().map(|id| Target::Ids(vec![*id])),
        },
    }
}

fn clock(account: &Account, client: &Client) -> Option<CheckLine> {
    // the header has whole seconds: less than one is no difference
    let skew = client.skew_ms()? / 1000;
    let accepted = Gateway::clock_tolerance_seconds(account.gateway);
    if skew.abs() > accepted {
        // the call was refused for it, and its line says so
        return None;
    }
    let mut line =
        CheckLine::ok(format!("clock {}", account.name), format!("the platform's clock differs by {skew} s"));
    if skew.abs() > NOTABLE_SKEW_SECONDS {
        line.hint = Some(format!("set this machine's clock (NTP); the platform accepts at most {accepted} s"));
    }
    Some(line)
}

fn print(lines: &[CheckLine], json: bool, out: &mut (dyn Write + Send)) -> std::io::Result<()> {
    for line in lines {
        if json {
            JsonLine::new("check", line).write(out)?;
            continue;
        }
        writeln!(out, "{:<4} {}: {}", if line.ok { "ok" } else { "FAIL" }, line.check, line.detail)?;
        if let Some(hint) = &line.hint {
            writeln!(out, "     hint: {hint}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::environment::Variables;

    /// An account of the gateway with these lines and datasets.
    fn account(gateway: &str, lines: &str, datasets: &str) -> Account {
        let text = format!(
            "[warehouse]\nurl = \"w\"\n[[accounts]]\nname = \"main\"\ngateway = \"{gateway}\"\napp_key = \"k\"\n\
             app_secret = {{ env = \"SECRET\" }}\n{lines}\n{datasets}"
        );
        let variables: Variables = [("SECRET", "a:b")].into_iter().collect();
        let mut config = Config::parse(Path::new("/w/wdt-etl.toml"), &text, &variables, Seconds::MAX).unwrap();
        config.accounts.remove(0)
    }

    fn dataset(name: &str, more: &str) -> String {
        format!("[[accounts.datasets]]\nname = \"{name}\"\n{more}\n")
    }

    fn asked(account: &Account) -> String {
        question(account, Seconds(1_700_000_000))
            .map(|(dataset, target)| format!("{} {target}", dataset.endpoint.dataset))
            .unwrap_or_default()
    }

    #[test]
    fn what_is_asked_for_depends_on_how_a_dataset_is_read() {
        let sync = dataset("flagship_stock_sync", "rec_ids = [7, 8]");
        let goods = dataset("flagship_goods", "");
        let of = |gateway, lines, datasets: &str| asked(&account(gateway, lines, datasets));
        assert_eq!(of("flagship", "sid = \"s\"", &sync), "flagship_stock_sync id 7");
        assert_eq!(
            of("flagship", "sid = \"s\"", &format!("{sync}{goods}")),
            "flagship_goods window 2023-11-15 06:12:20 .. 2023-11-15 06:13:20"
        );
        let landed = dataset("flagship_stock_sync", "") + &goods;
        assert!(of("flagship", "sid = \"s\"", &landed).starts_with("flagship_goods window"));
        assert_eq!(of("flagship", "sid = \"s\"", &dataset("flagship_shops", "")), "flagship_shops slice all");
        let stores = dataset("cainiao_inventory", "stores = [\"S1\", \"S2\"]");
        assert_eq!(
            of("top", "session = { env = \"SECRET\" }", &stores),
            "cainiao_inventory slice store_code=S1 type=1 inventory_type=1"
        );
    }

    #[test]
    fn an_address_of_plain_http_is_told_unless_it_is_this_machine() {
        let with = |lines: &str| {
            let line =
                readable(&account("flagship", &format!("sid = \"s\"\n{lines}"), &dataset("flagship_stock", "")))?;
            Some(format!("{} {}: {} | {}", line.ok, line.check, line.detail, line.hint.unwrap_or_default()))
        };
        assert_eq!(
            with("").unwrap(),
            "true address main: http://wdt.wangdian.cn/openapi is plain http: the salt or session of each call is sent unencrypted \
             | base_url = \"https://wdt.wangdian.cn/openapi\", if the platform answers there"
        );
        for address in [
            "https://wdt.wangdian.cn/openapi",
            "http://127.0.0.1:1/openapi",
            "http://[::1]:1/openapi",
            "http://localhost/x",
        ] {
            assert_eq!(with(&format!("base_url = \"{address}\"")), None, "{address}");
        }
    }
}
