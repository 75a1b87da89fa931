//! The first thing in which the request of a run differs from the recorded one, for people.

use super::{Pairs, RecordedRequest};

/// The first difference; `None` when there is none.
pub(super) fn first(recorded: &RecordedRequest, built: &RecordedRequest) -> Option<String> {
    let plain = [
        ("address", &recorded.address, &built.address),
        ("http method", &recorded.http_method, &built.http_method),
        ("content type", &recorded.content_type, &built.content_type),
    ];
    let plain = plain.into_iter().find(|(_, recorded, built)| recorded != built);
    plain
        .map(|(what, recorded, built)| differs(what, Some(recorded), Some(built)))
        .or_else(|| pairs(&recorded.query, &built.query))
        .or_else(|| pairs(&recorded.form, &built.form))
        .or_else(|| (recorded.body != built.body).then(|| differs("body", Some(&recorded.body), Some(&built.body))))
        .or_else(|| {
            let (recorded, built) = (&recorded.string_to_sign, &built.string_to_sign);
            (recorded != built).then(|| differs("string to sign", Some(recorded), Some(built)))
        })
        .map(|difference| {
            format!(
                "{difference}; string to sign: recorded `{}`, built `{}`",
                recorded.string_to_sign, built.string_to_sign
            )
        })
}

/// In how many parameters they differ.
pub(super) fn count(recorded: &RecordedRequest, built: &RecordedRequest) -> usize {
    let missing =
        |one: &Pairs, other: &Pairs| one.iter().filter(|(name, value)| other.get(name) != Some(value)).count();
    missing(&recorded.query, &built.query)
        + missing(&built.query, &recorded.query)
        + missing(&recorded.form, &built.form)
        + missing(&built.form, &recorded.form)
        + usize::from(recorded.body != built.body)
        + usize::from(recorded.address != built.address)
}

/// The signature comes last: it differs whenever anything else does.
fn pairs(recorded: &Pairs, built: &Pairs) -> Option<String> {
    let names = recorded.iter().chain(built.iter()).map(|(name, _)| name);
    let (last, mut names): (Vec<&str>, Vec<&str>) = names.partition(|name| *name == "sign");
    names.extend(last);
    let name = names.into_iter().find(|name| recorded.get(name) != built.get(name));
    if let Some(name) = name {
        return Some(differs(&format!("parameter `{name}`"), recorded.get(name), built.get(name)));
    }
    (recorded != built).then(|| "the order of the parameters differs".to_owned())
}

fn differs(what: &str, recorded: Option<&str>, built: Option<&str>) -> String {
    let shown = |value: Option<&str>| value.map_or_else(|| "nothing".to_owned(), |value| format!("`{value}`"));
    format!("{what} differs: recorded {}, built {}", shown(recorded), shown(built))
}
