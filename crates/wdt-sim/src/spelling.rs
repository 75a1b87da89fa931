//! How each method of a gateway spells the values of its records: quotes, flags, decimals, times, names and the columns
//! it leaves out. The text itself is written in `render`.

use wdt_models::{Endpoint, Gateway, Method, SyncMode};

use crate::form::{Escapes, Forms, NumberForm};

/// The members that come only with a value of a parameter.
const SALES: [&str; 8] =
    ["today_num", "num_yesterday", "num_7days", "num_14days", "num_month", "num_all", "num_60days", "num_90days"];
const COST: [&str; 1] = ["cost_price"];
const ALARM: [&str; 6] =
    ["safe_stock", "safe_stock_upper", "alarm_type", "alarm_days", "alarm_days_upper", "cycle_days"];
/// What only the example of the list form contains.
const LIST_FORM: [&str; 2] = ["stock_syn_high_frequency", "area_stock"];

/// How a method spells values.
#[derive(Debug, Clone)]
pub(crate) struct Spelling {
    pub(crate) gateway: Gateway,
    pub(crate) escapes: Escapes,
    /// Numbers are in quotes.
    pub(crate) quoted: bool,
    /// Flags are `true` and `false`, not 1 and 0.
    pub(crate) words: bool,
    pub(crate) decimals: Decimals,
    pub(crate) millis: EpochNumbers,
    /// Columns that have another name on the wire bear it.
    pub(crate) aliases: bool,
    /// Columns that were not asked for.
    pub(crate) hidden: Vec<&'static str>,
}

/// The places of a decimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decimals {
    Four,
    /// Four, or as many as it needs.
    Mixed,
    /// What is behind the point is dropped.
    None,
}

/// The times that are epoch milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EpochNumbers {
    Named(&'static [&'static str]),
    /// The time of the last change, in some rows.
    SomeModified,
}

impl Spelling {
    /// How a method spells its records when nothing is asked for beside them.
    pub(crate) fn of(endpoint: &Endpoint, method: &Method, forms: Forms) -> Self {
        match endpoint.gateway {
            Gateway::Enterprise => Self::enterprise(forms.escapes),
            Gateway::Flagship => Self::flagship(endpoint, method, forms.escapes, |_| None),
            Gateway::Top => Self::top(forms.escapes, NumberForm::Number),
        }
    }

    /// Everything is text but where the documents show it otherwise.
    pub(crate) fn enterprise(escapes: Escapes) -> Self {
        Self {
            gateway: Gateway::Enterprise,
            escapes,
            quoted: true,
            words: false,
            decimals: Decimals::Four,
            millis: EpochNumbers::Named(&[]),
            aliases: false,
            hidden: Vec::new(),
        }
    }

    /// Each method has ways of its own; `asked` gives the number that a parameter was sent with.
    pub(crate) fn flagship(
        endpoint: &Endpoint,
        method: &Method,
        escapes: Escapes,
        asked: impl Fn(&str) -> Option<i64>,
    ) -> Self {
        let one_by_one = method.shape.single;
        let older = method.name == "wms.StockSpec.search";
        let millis = match (method.name, endpoint.sync) {
            ("wms.StockSpec.search2", _) => EpochNumbers::Named(&["created", "modified"]),
            // of the documented lists one has milliseconds here and one has text
            (_, SyncMode::Slices(_)) => EpochNumbers::SomeModified,
            _ => EpochNumbers::Named(&[]),
        };
        Self {
            gateway: Gateway::Flagship,
            escapes,
            quoted: false,
            words: !(one_by_one || older),
            decimals: if one_by_one { Decimals::Four } else { Decimals::Mixed },
            millis,
            aliases: older,
            hidden: hidden(endpoint, one_by_one, asked),
        }
    }

    /// Numbers are numbers or texts, decimals whole.
    pub(crate) fn top(escapes: Escapes, numbers: NumberForm) -> Self {
        Self {
            gateway: Gateway::Top,
            escapes,
            quoted: numbers == NumberForm::Text,
            words: true,
            decimals: Decimals::None,
            millis: EpochNumbers::Named(&[]),
            aliases: false,
            hidden: Vec::new(),
        }
    }
}

fn hidden(endpoint: &Endpoint, one_by_one: bool, asked: impl Fn(&str) -> Option<i64>) -> Vec<&'static str> {
    let knows = |name: &str| endpoint.params.iter().any(|param| param.name == name);
    let mask = asked("mask").unwrap_or(0);
    let mut hidden = Vec::new();
    if knows("mask") && mask & 1 == 0 {
        hidden.extend(SALES);
    }
    if knows("mask") && mask & 2 == 0 {
        hidden.extend(COST);
    }
    if knows("need_alarm_info") && asked("need_alarm_info") != Some(1) {
        hidden.extend(ALARM);
    }
    if one_by_one {
        hidden.extend(LIST_FORM);
    }
    hidden
}
