//! `wdt-etl status`: watermark and freshness per account and dataset, rows and size per table.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Write;

use serde::Serialize;
use wdt_models::time::{Seconds, format_wall_time};

use super::output;
use crate::cli::Status;
use crate::config::{Account, Config, Dataset};
use crate::error::EtlError;
use crate::json_line::JsonLine;
use crate::warehouse;
use wdt_warehouse::DatasetTables;
use wdt_warehouse::Warehouse;

#[derive(Serialize)]
struct StatusLine {
    account: String,
    dataset: &'static str,
    /// Asia/Shanghai wall time.
    complete_until: Option<String>,
    age_seconds: Option<i64>,
    rows: usize,
    /// Of the current table; 0 where none is kept.
    bytes: u64,
    history_rows: usize,
    history_bytes: u64,
    history_version: Option<u64>,
    /// History versions the current table has not applied yet.
    behind: u64,
}

/// Prints how far every configured dataset is complete.
///
/// # Errors
///
/// [`EtlError::Stale`] when `--max-age` is passed; otherwise faults of the warehouse.
pub async fn status(
    config: &Config,
    args: &Status,
    now: Seconds,
    out: &mut (dyn Write + Send),
) -> Result<(), EtlError> {
    let (mut lines, mut opened) = (Vec::new(), HashMap::new());
    let warehouse = warehouse::standing(config)?;
    for (account, dataset) in config.select(&[], &[])? {
        let tables = match (opened.entry(dataset.endpoint.dataset), &warehouse) {
            (Entry::Occupied(tables), _) => tables.into_mut(),
            (Entry::Vacant(none), None) => none.insert(None),
            (Entry::Vacant(none), Some(warehouse)) => {
                none.insert(DatasetTables::open(warehouse, dataset.endpoint).await?)
            }
        };
        let kept = warehouse.as_ref().is_some_and(Warehouse::keeps_current);
        lines.push(line(tables.as_ref(), kept, (account, dataset), now).await?);
    }
    print(&lines, args.json, out).map_err(output)?;
    let Some(max_age) = args.max_age else { return Ok(()) };
    match lines.iter().find(|line| line.age_seconds.is_none_or(|age| age > max_age)) {
        None => Ok(()),
        Some(line) => Err(EtlError::Stale {
            account: line.account.clone(),
            dataset: line.dataset.to_owned(),
            complete_until: line.complete_until.clone().unwrap_or_else(|| "never".to_owned()),
            max_age_seconds: max_age,
        }),
    }
}

async fn line(
    tables: Option<&DatasetTables>,
    kept: bool,
    (account, dataset): (&Account, &Dataset),
    now: Seconds,
) -> Result<StatusLine, EtlError> {
    let mut line = StatusLine {
        account: account.name.clone(),
        dataset: dataset.endpoint.dataset,
        complete_until: None,
        age_seconds: None,
        rows: 0,
        bytes: 0,
        history_rows: 0,
        history_bytes: 0,
        history_version: None,
        behind: 0,
    };
    let Some(tables) = tables else { return Ok(line) };
    let slices = crate::pipeline::slices(dataset);
    let watermark = tables.complete_until(&account.name, &slices).await?;
    line.complete_until = watermark.map(format_wall_time);
    line.age_seconds = watermark.map(|watermark| now - watermark);
    let (rows, bytes) = tables.current_size(&account.name)?;
    (line.rows, line.bytes) = (rows, if kept { bytes } else { 0 });
    (line.history_rows, line.history_bytes) = tables.history_size()?;
    line.history_version = Some(tables.history.version());
    line.behind = tables.behind().await?;
    Ok(line)
}

fn print(lines: &[StatusLine], json: bool, out: &mut (dyn Write + Send)) -> std::io::Result<()> {
    if json {
        return lines.iter().try_for_each(|line| JsonLine::new("status", line).write(out));
    }
    writeln!(
        out,
        "{:<16} {:<20} {:<19} {:>10} {:>10} {:>10} {:>12} {:>12}",
        "account", "dataset", "complete until", "age", "rows", "size", "history rows", "history size"
    )?;
    for line in lines {
        writeln!(
            out,
            "{:<16} {:<20} {:<19} {:>10} {:>10} {:>10} {:>12} {:>12}{}",
            line.account,
            line.dataset,
            line.complete_until.as_deref().unwrap_or("never"),
            line.age_seconds.map_or_else(|| "-".to_owned(), age),
            line.rows,
            size(line.bytes),
            line.history_rows,
            size(line.history_bytes),
            if line.behind > 0 { "  (current table behind its log; the next run updates it)" } else { "" },
        )?;
    }
    Ok(())
}

fn age(seconds: i64) -> String {
    match seconds {
        ..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        ..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{} MiB", bytes.div_ceil(1_048_576)),
    }
}
