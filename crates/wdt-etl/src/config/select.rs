//! The accounts and datasets a command line asks for.

use super::{Account, Config, Dataset};
use crate::words::{self, quoted};

/// The command line names an account or a dataset that is not configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {} is not configured", quoted(name))]
pub struct UnknownName {
    /// `account` or `dataset`.
    pub kind: &'static str,
    /// The name as given.
    pub name: String,
    /// The nearest name, and those that are configured.
    pub hint: String,
}

impl Config {
    /// Every dataset with its account, in the file's order, narrowed to the names given; no name means all.
    ///
    /// # Errors
    ///
    /// When a name is not configured.
    pub fn select(&self, accounts: &[String], datasets: &[String]) -> Result<Vec<(&Account, &Dataset)>, UnknownName> {
        let known: Vec<&str> = self.accounts.iter().map(|account| account.name.as_str()).collect();
        check(accounts, &known, "account", "configured accounts")?;
        let chosen = self.accounts.iter().filter(|account| accounts.is_empty() || accounts.contains(&account.name));
        let pairs: Vec<_> =
            chosen.flat_map(|account| account.datasets.iter().map(move |dataset| (account, dataset))).collect();
        let known: Vec<&str> = pairs.iter().map(|(_, dataset)| dataset.endpoint.dataset).collect();
        check(datasets, &known, "dataset", "datasets of the chosen accounts")?;
        let wanted = |name: &str| datasets.is_empty() || datasets.iter().any(|dataset| dataset == name);
        Ok(pairs.into_iter().filter(|(_, dataset)| wanted(dataset.endpoint.dataset)).collect())
    }
}

fn check(names: &[String], known: &[&str], kind: &'static str, where_known: &str) -> Result<(), UnknownName> {
    let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) else { return Ok(()) };
    let mut distinct: Vec<&str> = Vec::new();
    for name in known {
        if !distinct.contains(name) {
            distinct.push(name);
        }
    }
    Err(UnknownName { kind, name: name.clone(), hint: words::hint(name, where_known, &distinct) })
}
