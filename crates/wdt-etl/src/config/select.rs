//! The accounts and datasets a command line asks for.

use super::names::{hint, quoted};
use super::{Account, Config, Dataset};
use crate::error::EtlError;

impl Config {
    /// Every dataset with its account, in the file's order, narrowed to the names given; no name means all.
    ///
    /// # Errors
    ///
    /// [`EtlError::Usage`] when a name is not configured.
    pub fn select(&self, accounts: &[String], datasets: &[String]) -> Result<Vec<(&Account, &Dataset)>, EtlError> {
        let known: Vec<&str> = self.accounts.iter().map(|account| account.name.as_str()).collect();
        check(accounts, &known, "account", "accounts of the configuration")?;
        let chosen = self.accounts.iter().filter(|account| accounts.is_empty() || accounts.contains(&account.name));
        let pairs: Vec<_> =
            chosen.flat_map(|account| account.datasets.iter().map(move |dataset| (account, dataset))).collect();
        let known: Vec<&str> = pairs.iter().map(|(_, dataset)| dataset.endpoint.dataset).collect();
        check(datasets, &known, "dataset", "datasets of the chosen accounts")?;
        let wanted = |name: &str| datasets.is_empty() || datasets.iter().any(|dataset| dataset == name);
        Ok(pairs.into_iter().filter(|(_, dataset)| wanted(dataset.endpoint.dataset)).collect())
    }
}

fn check(names: &[String], known: &[&str], what: &str, where_known: &str) -> Result<(), EtlError> {
    let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) else { return Ok(()) };
    let mut distinct: Vec<&str> = Vec::new();
    for name in known {
        if !distinct.contains(name) {
            distinct.push(name);
        }
    }
    let message = format!("no {what} {} is configured", quoted(name));
    Err(EtlError::Usage { message, hint: Some(hint(name, where_known, &distinct)) })
}
