//! `wdt-etl check`: configuration, signature, warehouse, and one live call per account; each line with its mend.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use wdt_fetch::{Client, Limiter, PageRequest};
use wdt_models::{Gateway, Window};
use wdt_sign::{Secret, enterprise};

use super::output;
use crate::cli::Check;
use crate::config::{Account, Config};
use crate::error::{EtlError, Failure, gravest};
use crate::pipeline::{Surroundings, account_client};

/// Version of the JSON lines.
const SCHEMA_VERSION: u32 = 1;
/// Skew beyond which a clock is worth a word, seconds.
const NOTABLE_SKEW: i64 = 30;

#[derive(Serialize)]
struct Line {
    schema_version: u32,
    check: String,
    ok: bool,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
    exit_code: u8,
}

impl Line {
    fn ok(check: impl Into<String>, detail: impl Into<String>) -> Self {
        let (check, detail) = (check.into(), detail.into());
        Self { schema_version: SCHEMA_VERSION, check, ok: true, detail, mend: None, exit_code: 0 }
    }

    fn failed(check: impl Into<String>, error: &EtlError) -> Self {
        let (check, detail) = (check.into(), error.to_string());
        Self {
            schema_version: SCHEMA_VERSION,
            check,
            ok: false,
            detail,
            mend: error.hint(),
            exit_code: error.exit_code(),
        }
    }
}

/// Looks through everything a run needs and returns the gravest exit code.
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
    let mut lines = vec![
        Line::ok(
            "configuration",
            format!("{}: accounts {accounts}, datasets {datasets}, every secret found", config.path.display()),
        ),
        signature(),
        warehouse(Path::new(&config.warehouse.url)),
    ];
    lines.extend(late_starts(config));
    if !args.offline {
        for account in &config.accounts {
            lines.extend(live(account, config.run.settle, around).await);
        }
    }
    print(&lines, args.json, out).map_err(|error| output(&error))?;
    Ok(gravest(lines.iter().map(|line| line.exit_code)))
}

/// The vendor's worked example.
fn signature() -> Line {
    let params = [
        ("appkey", "test2-xx"),
        ("sid", "test2"),
        ("timestamp", "1470042310"),
        ("page_no", "0"),
        ("page_size", "40"),
        ("start_time", "2016-08-01 12:00:00"),
        ("end_time", "2016-08-01 13:00:00"),
    ];
    let sign = enterprise::sign(&enterprise::string_to_sign(&params), &Secret::new("12345"));
    if sign == "ad4e6fe037ea6e3ba4768317be9d1309" {
        return Line::ok("signature", "the platform's worked example gives the published value");
    }
    Line::failed("signature", &EtlError::Bug("the platform's worked example gives another signature".to_owned()))
}

/// Writes a file into the warehouse and takes it away again.
fn warehouse(folder: &Path) -> Line {
    let probe = folder.join(".wdt-etl-check");
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&probe, b"written by wdt-etl check"))
        .and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => Line::ok("warehouse", format!("{} can be written", folder.display())),
        Err(error) => {
            let mend = "make the folder writable for this user, or name another in warehouse.url".to_owned();
            Line {
                schema_version: SCHEMA_VERSION,
                check: "warehouse".to_owned(),
                ok: false,
                detail: format!("{} cannot be written: {error}", folder.display()),
                mend: Some(mend),
                exit_code: Failure::Warehouse.row().exit_code,
            }
        }
    }
}

/// Rows that were last modified before `start` never land; say so.
fn late_starts(config: &Config) -> Vec<Line> {
    let earliest = crate::config::DEFAULT_START;
    let mut lines = Vec::new();
    for account in &config.accounts {
        for dataset in account.datasets.iter().filter(|dataset| dataset.start > earliest) {
            let mut line = Line::ok(
                format!("start {}/{}", account.name, dataset.endpoint.dataset),
                format!("rows not modified since {} never land", wdt_models::time::format_wall_time(dataset.start)),
            );
            line.mend = Some("leave start out to read from 2012 on; sparse years cost few calls".to_owned());
            lines.push(line);
        }
    }
    lines
}

/// One call for one record: address, account, key, signature, clock.
async fn live(account: &Account, settle: i64, around: &Surroundings) -> Vec<Line> {
    let name = format!("gateway {}", account.name);
    let Some(dataset) = account.datasets.first() else { return Vec::new() };
    let limiter = Arc::new(Limiter::new(account.calls_per_minute));
    let client = match account_client(account, &limiter, around) {
        Ok(client) => client,
        Err(error) => return vec![Line::failed(name, &error)],
    };
    let end = client.platform_now().div_euclid(1000) - settle;
    let request = PageRequest {
        window: Window::new(end - 60, end),
        page_no: dataset.endpoint.paging.first,
        page_size: 1,
        params: dataset.params.clone(),
        personal: false,
    };
    let answered = client.page(dataset.endpoint, &request).await;
    let mut lines = vec![match answered {
        Ok(_) => Line::ok(name, format!("{} answers as sid {}", account.base_url, account.sid)),
        Err(error) => Line::failed(name, &EtlError::from(error)),
    }];
    lines.extend(clock(account, &client));
    lines
}

fn clock(account: &Account, client: &Client) -> Option<Line> {
    // the header has whole seconds: less than one is no difference
    let skew = client.skew_ms()? / 1000;
    let mut line = Line::ok(format!("clock {}", account.name), format!("the platform's clock differs by {skew} s"));
    if skew.abs() > NOTABLE_SKEW {
        line.mend = Some(format!(
            "set this machine's clock (NTP); the platform refuses more than {} s",
            Gateway::clock_tolerance_seconds(account.gateway)
        ));
    }
    Some(line)
}

fn print(lines: &[Line], json: bool, out: &mut (dyn Write + Send)) -> std::io::Result<()> {
    for line in lines {
        if json {
            writeln!(out, "{}", serde_json::to_string(line)?)?;
            continue;
        }
        writeln!(out, "{:<4} {}: {}", if line.ok { "ok" } else { "FAIL" }, line.check, line.detail)?;
        if let Some(mend) = &line.mend {
            writeln!(out, "     mend: {mend}")?;
        }
    }
    Ok(())
}
