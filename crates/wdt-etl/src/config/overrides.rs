//! Variables that override the file: `WDT_ETL_RUN__SETTLE=10m` over `settle` of `[run]`.
//!
//! Only `[warehouse]` and `[run]` can be overridden: accounts are a list, which a variable cannot name.

use super::fault::{Faults, Location};
use super::settings::{RUN, WAREHOUSE};
use super::value::{Keys, Override};
use crate::environment::Variables;
use crate::words;

const PREFIX: &str = "WDT_ETL_";
const SECTIONS: [(&str, &Keys<'static>); 2] = [("warehouse", &WAREHOUSE), ("run", &RUN)];

/// The variables over a section's keys.
pub(super) fn of<'a>(section: &str, keys: &Keys<'_>, variables: &'a Variables) -> Vec<Override<'a>> {
    let over = |key: &'static str| {
        let variable = variable(section, key);
        let value = variables.get(&variable)?;
        Some(Override { key, variable, value })
    };
    keys.known.iter().filter_map(|key| over(key)).collect()
}

/// Notes each variable that was meant for the configuration and names no key of it.
pub(super) fn check(variables: &Variables, faults: &mut Faults<'_>) {
    let known: Vec<String> =
        SECTIONS.iter().flat_map(|(section, keys)| keys.known.iter().map(|key| variable(section, key))).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    for name in variables.names().filter(|name| is_meant(name) && !known.contains(name)) {
        let hint = words::hint(name, "variables that are read", &known);
        faults.push(&Location::variable(name), "does not override any key of the configuration", Some(hint));
    }
}

/// `WDT_ETL_X__Y` is ours, and so is the same with one underscore too few; `WDT_ETL_SECRET` may be anybody's.
fn is_meant(name: &str) -> bool {
    name.strip_prefix(PREFIX).is_some_and(|rest| {
        rest.contains("__")
            || SECTIONS.iter().any(|(section, _)| rest.starts_with(&format!("{}_", section.to_uppercase())))
    })
}

fn variable(section: &str, key: &str) -> String {
    format!("{PREFIX}{}__{}", section.to_uppercase(), key.to_uppercase())
}
