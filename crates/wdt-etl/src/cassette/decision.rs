//! What a run decides by its clock and its warehouse, and a replay has to decide again without either.

use serde::{Deserialize, Serialize};

/// One decision of one account's dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Decision {
    /// Name of the account.
    pub(crate) account: String,
    /// The dataset.
    pub(crate) dataset: String,
    /// What was decided.
    #[serde(flatten)]
    pub(crate) what: What,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// The range that is due: first and last second, Asia/Shanghai wall time.
    Range(String, String),
    /// The ids that are asked for.
    Ids(Vec<i64>),
    /// Values of the slices in which rows stand, sorted.
    Standing(Vec<Vec<String>>),
}
