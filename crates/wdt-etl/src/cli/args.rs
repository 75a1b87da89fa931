//! Options that several commands share.

use clap::Args;
use wdt_models::time::{Seconds, parse_wall_time};

use crate::pipeline::Select;

/// The accounts and datasets that a command is about.
#[derive(Debug, Clone, Default, Args)]
pub struct SelectArgs {
    /// Only this account; may be given several times.
    #[arg(long = "account", value_name = "NAME")]
    pub accounts: Vec<String>,
    /// Only this dataset; may be given several times.
    #[arg(long = "dataset", value_name = "NAME")]
    pub datasets: Vec<String>,
}

impl SelectArgs {
    /// The names.
    #[must_use]
    pub fn names(&self) -> Select {
        Select { accounts: self.accounts.clone(), datasets: self.datasets.clone() }
    }
}

/// How a command prints.
#[derive(Debug, Clone, Default, Args)]
pub struct OutputArgs {
    /// Print one JSON object a line instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Epoch seconds of an Asia/Shanghai wall time.
pub(super) fn wall_time(text: &str) -> Result<Seconds, String> {
    parse_wall_time(text).ok_or_else(|| "write YYYY-MM-DD HH:MM:SS, Asia/Shanghai, in quotes".to_owned())
}
