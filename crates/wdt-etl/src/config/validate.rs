//! What only shows when accounts are compared.

use super::account::Draft;
use super::fault::Faults;
use crate::words::quoted;

/// Notes accounts of one name, and accounts that share a limiter and disagree about its rate.
pub(super) fn accounts(drafts: &[Draft], faults: &mut Faults<'_>) {
    for (index, draft) in drafts.iter().enumerate() {
        let before = &drafts[..index];
        check_name(draft, before, faults);
        check_rate(draft, before, faults);
    }
}

fn check_name(draft: &Draft, before: &[Draft], faults: &mut Faults<'_>) {
    let Some((place, name)) = &draft.name else { return };
    let same = |other: &&Draft| other.name.as_ref().is_some_and(|(_, other)| other == name);
    if let Some(other) = before.iter().find(same) {
        let message = format!("{} is also the name of {}", quoted(name), other.place.path());
        faults.push(place, message, Some("give each account a name of its own".to_owned()));
    }
}

fn check_rate(draft: &Draft, before: &[Draft], faults: &mut Faults<'_>) {
    let (Some(_), Some(_), Some(calls)) = (draft.gateway, &draft.app_key, draft.calls_per_minute) else { return };
    let shares = |other: &&Draft| other.gateway == draft.gateway && other.app_key == draft.app_key;
    let rate = before.iter().filter(shares).find_map(|other| Some((other, other.calls_per_minute?)));
    if let Some((other, rate)) = rate.filter(|(_, rate)| *rate != calls) {
        let message = format!("is {calls}, but {} with the same gateway and app_key has {rate}", other.place.path());
        let hint =
            "accounts with the same gateway and app_key share one call limit: set the same number for both".to_owned();
        faults.push(&draft.place.key("calls_per_minute", None), message, Some(hint));
    }
}
