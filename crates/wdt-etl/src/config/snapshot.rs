//! What a snapshot asks for: the values of its slices, or its list of ids.

use wdt_models::{Dimension, Endpoint, Slice, SyncMode};

use super::Ids;
use super::fault::Faults;
use super::sendable::sendable;
use super::siblings::Siblings;
use super::value::{Section, Setting, distinct};
use crate::words::{hint, list, quoted};

const IDS_HINT: &str = "write whole numbers from 1, without quotes, as in rec_ids = [2447]";

/// Every slice of a snapshot; none for a dataset that has no slices.
pub(super) fn slices(
    section: &Section<'_>,
    endpoint: &Endpoint,
    owner: &str,
    faults: &mut Faults<'_>,
) -> Option<Vec<Slice>> {
    let SyncMode::Slices(dimensions) = endpoint.sync else { return Some(Vec::new()) };
    let read: Vec<_> = dimensions.iter().map(|dimension| values(section, dimension, owner, faults)).collect();
    Some(Slice::all(dimensions, &read.into_iter().collect::<Option<Vec<_>>>()?))
}

/// The ids that are asked for; those landed where none are listed.
pub(super) fn ids(
    section: &Section<'_>,
    endpoint: &'static Endpoint,
    siblings: &mut Siblings,
    faults: &mut Faults<'_>,
) -> Option<Ids> {
    let SyncMode::Ids(source) = endpoint.sync else { return Some(Ids::default()) };
    let (from, listed) = (section.get("ids_from"), section.get("rec_ids"));
    if let (Some(from), Some(_)) = (&from, &listed) {
        faults.push(&from.place, "cannot be combined with rec_ids", Some("keep one of the two".to_owned()));
        return None;
    }
    if let Some(listed) = listed {
        return listed_ids(&listed, &siblings.owner, faults);
    }
    let place = from.as_ref().map_or(&section.place, |from| &from.place);
    siblings.takes_ids(place.clone(), endpoint.dataset, source.dataset);
    let text = from.as_ref().map_or(Some(source.dataset), |from| from.text(faults))?;
    if text != source.dataset {
        let message = format!("{} has no ids for {}", quoted(text), endpoint.dataset);
        faults.push(place, message, Some(format!("write \"{}\", or list rec_ids instead", source.dataset)));
        return None;
    }
    Some(Ids::Landed)
}

/// The values of a dimension: those listed, those read by default, or a fault.
fn values(section: &Section<'_>, dimension: &Dimension, owner: &str, faults: &mut Faults<'_>) -> Option<Vec<String>> {
    let setting = dimension.setting;
    let as_in = format!("list {}, as in {setting} = {}", dimension.en, example(dimension));
    let Some(value) = section.get(setting) else {
        if dimension.default.is_empty() {
            faults.push(&section.place.key(setting, None), format!("is missing, for {owner}"), Some(as_in));
            return None;
        }
        return Some(dimension.default.iter().map(|&value| value.to_owned()).collect());
    };
    let items = value.items("texts or whole numbers", &as_in, faults)?;
    distinct(&items, |item, faults| dimension_value(item, dimension, owner, faults), faults)
}

fn dimension_value(value: &Setting<'_>, dimension: &Dimension, owner: &str, faults: &mut Faults<'_>) -> Option<String> {
    let text = value.code(faults)?;
    if dimension.values.is_empty() || dimension.values.contains(&text.as_str()) {
        return sendable(text, &value.place, faults);
    }
    let what = format!("values of {}", dimension.setting);
    let message = format!("unknown {} {}, for {owner}", dimension.name, quoted(&text));
    faults.push(&value.place, message, Some(hint(&text, &what, dimension.values)));
    None
}

fn example(dimension: &Dimension) -> String {
    match dimension.values {
        [] => "[\"…\"]".to_owned(),
        values => format!("[{}]", list(values)),
    }
}

fn listed_ids(value: &Setting<'_>, owner: &str, faults: &mut Faults<'_>) -> Option<Ids> {
    let id = |item: &Setting<'_>, faults: &mut Faults<'_>| {
        let id = item.whole_number().filter(|id| *id >= 1);
        if id.is_none() {
            faults.push(&item.place, format!("is not an id, for {owner}"), Some(IDS_HINT.to_owned()));
        }
        id
    };
    distinct(&value.items("ids", IDS_HINT, faults)?, id, faults).map(Ids::Listed)
}
