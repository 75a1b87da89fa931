//! What a run decides by its clock and its warehouse, and a replay has to decide again without either.

use serde::{Deserialize, Serialize};

/// One decision of one account's dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Decision {
    /// Name of the account.
    pub(super) account: String,
    /// The dataset.
    pub(super) dataset: String,
    /// What was decided.
    #[serde(flatten)]
    pub(super) decided: Decided,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Decided {
    /// The range that is due.
    Range(WallRange),
    /// The ids that are asked for.
    Ids(Vec<i64>),
    /// Values of the slices that hold rows, sorted.
    #[serde(rename = "standing")]
    LiveSlices(Vec<Vec<String>>),
}

/// A range that is due, in Asia/Shanghai wall time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WallRange {
    /// First second, lookback included.
    pub(super) from: String,
    /// Last second.
    pub(super) until: String,
    /// How far the dataset was complete, which decides where its first window ends; absent of a first load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) watermark: Option<String>,
}
