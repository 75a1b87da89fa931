//! The platform's totals of certified windows, asked again.
//!
//! In a settled window rows only leave: an edit moves them to a later one. A total above what was read is a row that
//! came in afterwards, unless a later window landed it, as the lookback does with rows that were late.

use std::sync::Arc;

use wdt_fetch::{Client, Limiter, PageRequest, Target};
use wdt_models::Window;
use wdt_models::time::format_wall_time;

use super::line::{Grave, Line, Subject};
use super::windows::backfill;
use crate::config::{Account, Dataset};
use crate::error::EtlError;
use crate::pipeline::{Surroundings, account_client, stopped};
use wdt_warehouse::proof::{AccountStatement, Certified, Findings, rows_in_window};
use wdt_warehouse::{Table, WarehouseError};

/// What to do about windows that came in too often.
const SETTLE: &str = "raise settle if it happens often: rows appear later than that";

/// Asks for the total of each window that ended in the last `days`.
///
/// # Errors
/// [`EtlError::Interrupted`], or when a call fails for good, or the current table cannot be read.
pub(super) async fn probe(
    subject: Subject<'_>,
    (account, dataset, limiter): (&Account, &Dataset, &Arc<Limiter>),
    (log, current): (&AccountStatement, Option<&Table>),
    days: u32,
    around: &Surroundings,
) -> Result<Line, EtlError> {
    let client = account_client(account, limiter, around)?;
    let since = client.platform_now().floor_seconds() - i64::from(days) * 86_400;
    // a full read is longer than what may be asked for: the windows that it covers are asked for one by one
    let longest = dataset.endpoint.cursor().map_or(i64::MAX, |cursor| cursor.max_seconds);
    let asked = |window: &&Certified| window.end > since && window.end - window.start <= longest;
    let recent: Vec<Certified> = log.windows.iter().filter(asked).copied().collect();
    let mut findings = Findings::default();
    let (mut then, mut now, mut hint) = (0, 0, String::new());
    let mut stop = around.stop.clone();
    for window in &recent {
        let total = tokio::select! {
            biased;
            () = stopped(&mut stop) => return Err(EtlError::Interrupted),
            total = total(&client, dataset, *window) => total?,
        };
        (then, now) = (then + window.distinct, now + total);
        if total > window.distinct && total > landed(current, account, dataset, *window).await? + window.refused {
            if findings.is_empty() {
                hint = format!("{}; {SETTLE}", backfill(subject, window.start, window.end));
            }
            findings.add(|| {
                let (start, end) = (format_wall_time(window.start), format_wall_time(window.end));
                format!(
                    "rows came into a window that was certified: {start} .. {end} had {}, has {total}",
                    window.distinct
                )
            });
        }
    }
    let detail = format!("{} windows of {days} days asked again: {then} records then, {now} now", recent.len());
    Ok(subject.of(&findings, Grave::Doubt, &hint, detail))
}

/// What the platform declares now.
async fn total(client: &Client, dataset: &Dataset, window: Certified) -> Result<u64, EtlError> {
    let request = PageRequest {
        method: dataset.method,
        target: Target::Window(Window::new(window.start, window.end)),
        page_no: dataset.method.paging.first,
        page_size: 1,
        params: dataset.params.clone(),
        personal: false,
    };
    Ok(client.page(dataset.endpoint, &request).await?.total.unwrap_or_default())
}

/// Rows of the account in the current table whose cursor lies in the window.
async fn landed(
    current: Option<&Table>,
    account: &Account,
    dataset: &Dataset,
    window: Certified,
) -> Result<u64, WarehouseError> {
    let (Some(current), Some(cursor)) = (current, dataset.endpoint.cursor()) else { return Ok(0) };
    rows_in_window(current, &account.name, cursor.field, window).await
}
