//! The evidence that a window was read whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::time::{Millis, Seconds};
use crate::{Slice, Window};

/// The evidence that a window was read whole, or the numbers of the reading that was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// First second asked for; of a slice there is none.
    pub start: Option<Seconds>,
    /// Last second asked for; of a slice there is none.
    pub end: Option<Seconds>,
    /// The slice, of a snapshot.
    #[serde(default)]
    pub slice: Option<Slice>,
    /// The documented filter that the window was split by, if it was.
    pub filter: Option<Filter>,
    /// Total the platform declared before the pages were read (T0).
    pub declared_before: u64,
    /// Total the platform declared after the pages were read (T1).
    pub declared_after: u64,
    /// Pages read; calls that ask for a total alone are not counted.
    pub pages: u32,
    /// Records on those pages.
    pub rows: u64,
    /// Distinct records among them (D): byte-equal ones once, refused ones included.
    pub distinct: u64,
    /// Distinct records that could not be typed.
    pub refused: u64,
    /// Keys that more than one distinct record has.
    pub keys_with_two_records: u64,
    /// The strict order that was seen, where the evidence rests on one.
    pub order: Order,
    /// How the pages were read.
    pub way: Way,
    /// Readings of this window that were tried, this one included.
    pub attempts: u32,
    /// The platform's clock when the last page was read.
    pub read_at: Millis,
    /// Whether the evidence holds.
    pub verdict: Verdict,
}

impl Certificate {
    /// The evidence of a window whose records, each once and all typed, fit one page: the total is what was read.
    #[must_use]
    pub const fn single_page(window: Window, records: u64, read_at: Millis) -> Self {
        Self {
            start: Some(window.start),
            end: Some(window.end),
            slice: None,
            filter: None,
            declared_before: records,
            declared_after: records,
            pages: 1,
            rows: records,
            distinct: records,
            refused: 0,
            keys_with_two_records: 0,
            order: Order::Unseen,
            way: Way::SinglePage,
            attempts: 1,
            read_at,
            verdict: Verdict::Certified,
        }
    }
}

/// A split by a documented filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    /// The filtering parameter.
    pub param: String,
    /// Total of each value's certified reading; they add up to the unfiltered total.
    pub totals: BTreeMap<String, u64>,
}

/// How the pages of a window were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Way {
    /// The total fits one page: T0 = D.
    SinglePage,
    /// Several pages in flight: T0 = D = T1.
    AnyOrder,
    /// From the last page to the first, one at a time, in a strict order: T1 ≤ D ≤ T0.
    Backward,
    /// Split by a documented filter, each value certified, and their totals add up to T0 = T1.
    Filtered,
    /// A slice of several pages, one page at a time: T0 = D = T1, and no page on the way declares another total.
    Slice,
    /// A list of ids, each of which came back as a record or as the platform's refusal.
    Ids,
}

/// A strict order that a backward walk has seen throughout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Order {
    /// Not looked for.
    Unseen,
    /// Looked for, and the records were in none.
    NotStrict,
    /// Oldest cursor first, then by key.
    CursorUpKeyUp,
    /// Newest cursor first, then by key, largest first.
    CursorDownKeyDown,
    /// Newest cursor first, then by key.
    CursorDownKeyUp,
    /// Oldest cursor first, then by key, largest first.
    CursorUpKeyDown,
    /// By key.
    KeyUp,
    /// By key, largest first.
    KeyDown,
}

/// Whether the evidence holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// Nothing is missing.
    Certified,
    /// Something may be missing.
    Uncertified,
    /// Something may be missing, and an operator has taken it as it was read.
    Accepted,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_certificate_survives_its_json() {
        let filter = Filter { param: "warehouse_no".into(), totals: [("WH-1".to_owned(), 3)].into() };
        let certificate = Certificate {
            start: Some(Seconds(1)),
            end: Some(Seconds(3)),
            slice: None,
            filter: Some(filter),
            declared_before: 3,
            declared_after: 3,
            pages: 4,
            rows: 5,
            distinct: 3,
            refused: 1,
            keys_with_two_records: 1,
            order: Order::CursorUpKeyUp,
            way: Way::AnyOrder,
            attempts: 2,
            read_at: Millis(1_700_000_000_000),
            verdict: Verdict::Certified,
        };
        let text = serde_json::to_string(&certificate).unwrap();
        assert!(text.contains(r#""way":"any_order""#) && text.contains(r#""order":"cursor_up_key_up""#), "{text}");
        assert_eq!(serde_json::from_str::<Certificate>(&text).unwrap(), certificate);
    }
}
