//! The accounts of a run side by side, the jobs of each one after the other.

use std::sync::Arc;

use tokio::task::{JoinError, JoinSet};
use wdt_fetch::Limiter;
use wdt_warehouse::Sums;

use super::client::{lane_client, reader};
use super::decisions::AccountOrder;
use super::job::Job;
use super::lane::Shared;
use super::outcome::{DatasetOutcome, Problem, Verdict};
use super::places::places;
use crate::error::EtlError;

/// Runs the jobs of every account; the outcomes are in the order of the accounts.
pub(super) async fn run_accounts(shared: &Arc<Shared>, accounts: Vec<Vec<Job>>) -> Vec<DatasetOutcome> {
    let around = &shared.around;
    let (mut tasks, mut outcomes) = (JoinSet::new(), Vec::new());
    for (position, jobs) in accounts.into_iter().enumerate() {
        let Some(first) = jobs.first() else { continue };
        let account = Arc::clone(&first.lane.account);
        let limiter = around.limiters.get(account.gateway, &account.app_key, account.calls_per_minute);
        if let Some(reason) = limiter.alone() {
            first.lane.notice(format!("the call limit is not shared with other runs on this machine: {reason}"));
        }
        let own = Arc::clone(shared);
        tasks.spawn(async move { (position, run_account(&own, jobs, &limiter).await) });
        if around.decisions.account_begins() == AccountOrder::OneByOne {
            outcomes.extend(tasks.join_next().await.map(ended));
        }
    }
    while let Some(result) = tasks.join_next().await {
        outcomes.push(ended(result));
    }
    outcomes.sort_by_key(|(position, _)| *position);
    outcomes.into_iter().flat_map(|(_, outcomes)| outcomes).collect()
}

/// What an account's task came to, with its place.
fn ended(result: Result<(usize, Vec<DatasetOutcome>), JoinError>) -> (usize, Vec<DatasetOutcome>) {
    result.unwrap_or_else(|error| (usize::MAX, vec![panicked(&error.to_string())]))
}

async fn run_account(shared: &Shared, jobs: Vec<Job>, limiter: &Arc<Limiter>) -> Vec<DatasetOutcome> {
    let mut outcomes: Vec<DatasetOutcome> = Vec::new();
    let mut refused: Option<Problem> = None;
    let calls_per_minute = jobs.first().map_or(0, |job| job.lane.account.calls_per_minute);
    let slots = Arc::new(places(&shared.settings, calls_per_minute));
    let skew_noticed = Arc::default();
    for job in jobs {
        let outcome = match (&refused, lane_client(&job.lane, limiter, &skew_noticed)) {
            (Some(problem), _) => {
                let message = format!("not tried, because the platform refused the account: {}", problem.message);
                job.not_tried(Problem { message, ..problem.clone() }).await
            }
            (None, Err(error)) => job.not_tried(Problem::from(&error)).await,
            (None, Ok(client)) => {
                let reader = reader(&job.lane, &client, &slots);
                job.run(client, reader).await
            }
        };
        refused = refused.or_else(|| outcome.problem.clone().filter(|problem| problem.failure.stops_account()));
        outcomes.push(outcome);
    }
    outcomes
}

/// The outcome of a task that panicked, which is a bug.
fn panicked(message: &str) -> DatasetOutcome {
    let problem = Problem::from(&EtlError::Bug(message.to_owned()));
    DatasetOutcome { problem: Some(problem), ..DatasetOutcome::new("", "", Verdict::Failed, Sums::default()) }
}
