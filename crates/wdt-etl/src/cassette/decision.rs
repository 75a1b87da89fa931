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
    /// The range that is due.
    Range(Due),
    /// The ids that are asked for.
    Ids(Vec<i64>),
    /// Values of the slices in which rows stand, sorted.
    Standing(Vec<Vec<String>>),
}

/// A range that is due, in Asia/Shanghai wall time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Due {
    /// First second, lookback included.
    pub(crate) from: String,
    /// Last second.
    pub(crate) until: String,
    /// How far the dataset was complete, which decides where its first window ends; absent of a first load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) watermark: Option<String>,
}
