//! One `[[accounts.datasets]]` section.

use wdt_models::time::{Seconds, format_wall_time, parse_wall_time};
use wdt_models::{Endpoint, Gateway, Method, SyncMode, endpoints};

use super::fault::Faults;
use super::siblings::Siblings;
use super::value::{Keys, Section, Setting};
use super::{Dataset, params, snapshot};
use crate::words::{self, quoted};

/// 2012-01-01 00:00:00 in Asia/Shanghai: before the platforms' first row.
pub(crate) const DEFAULT_START: Seconds = Seconds(1_325_347_200);

/// Reads one dataset of an account.
pub(super) fn read(value: &Setting<'_>, siblings: &mut Siblings, faults: &mut Faults<'_>) -> Option<Dataset> {
    let section = value.table(faults)?;
    let name = section.required("name", &known_datasets(siblings.gateway), faults);
    let endpoint = name.and_then(|value| endpoint(&value, siblings, faults));
    check_keys(&section, endpoint, faults);
    let start = section.get("start").filter(|_| endpoint.is_none_or(|endpoint| endpoint.cursor().is_some()));
    let start = start.map_or(Some(DEFAULT_START), |value| start_time(&value, siblings.now, faults));
    let personal = section.get("personal").map_or(Some(false), |value| value.boolean(faults));
    // Everything else depends on the endpoint.
    let endpoint = endpoint?;
    let method = method(&section, endpoint, faults);
    let page_size = method.and_then(|method| page_size(&section, method, faults));
    let params = params::read(&section, endpoint, faults);
    let slices = snapshot::slices(&section, endpoint, &siblings.owner, faults);
    let ids = snapshot::ids(&section, endpoint, siblings, faults);
    Some(Dataset {
        endpoint,
        method: method?,
        start: start?,
        page_size: page_size?,
        params: params?,
        personal: personal?,
        slices: slices?,
        ids: ids?,
    })
}

/// Which keys a dataset may have depends on how it is read.
fn check_keys(section: &Section<'_>, endpoint: Option<&'static Endpoint>, faults: &mut Faults<'_>) {
    let mut known = endpoint.map_or_else(Vec::new, keys);
    let mut foreign = Vec::new();
    for key in endpoints::ALL.iter().flat_map(|endpoint| keys(endpoint)) {
        if known.contains(&key) || foreign.iter().any(|(other, _)| *other == key) {
            continue;
        }
        match endpoint {
            None => known.push(key),
            Some(endpoint) => foreign.push((key, foreign_reason(key, endpoint))),
        }
    }
    let refused: Vec<_> = foreign.iter().map(|(key, reason)| (*key, reason.as_str())).collect();
    section.check_keys(&Keys { known: &known, refused: &refused }, faults);
}

fn keys(endpoint: &'static Endpoint) -> Vec<&'static str> {
    let mut keys = vec!["name", "method"];
    match endpoint.sync {
        SyncMode::Incremental(_) => keys.push("start"),
        SyncMode::Slices(dimensions) => keys.extend(dimensions.iter().map(|dimension| dimension.setting)),
        SyncMode::Ids(_) => {
            keys.extend(["ids_from", "rec_ids"]);
            keys.extend(params::switches(endpoint));
        }
    }
    keys.extend(["page_size", "params", "personal"]);
    keys
}

/// Why a key of other datasets is refused here.
fn foreign_reason(key: &str, endpoint: &Endpoint) -> String {
    if key == "start" {
        return format!("{} is read whole each run", endpoint.dataset);
    }
    let owners = endpoints::ALL.iter().filter(|other| keys(other).contains(&key));
    let owners: Vec<_> = owners.map(|owner| owner.dataset).collect();
    format!("belongs to {}", owners.join(", "))
}

fn endpoint(value: &Setting<'_>, siblings: &mut Siblings, faults: &mut Faults<'_>) -> Option<&'static Endpoint> {
    let (gateway, text) = (siblings.gateway, value.text(faults)?);
    let Some(endpoint) = endpoints::find(text) else {
        let message = format!("unknown dataset {}", quoted(text));
        faults.push(&value.place, message, Some(words::hint(text, "datasets of this version", &names_of(gateway))));
        return None;
    };
    if siblings.names.contains(&endpoint.dataset) {
        let hint = "name each dataset once per account".to_owned();
        faults.push(&value.place, format!("{} is named twice in this account", quoted(text)), Some(hint));
    }
    siblings.names.push(endpoint.dataset);
    if gateway.is_some_and(|gateway| endpoint.gateway != gateway) {
        let message = format!("{} belongs to gateway {}", quoted(text), endpoint.gateway);
        faults.push(&value.place, message, Some(known_datasets(gateway)));
        return None;
    }
    Some(endpoint)
}

fn start_time(value: &Setting<'_>, now: Seconds, faults: &mut Faults<'_>) -> Option<Seconds> {
    let text = value.text(faults)?;
    let start = parse_wall_time(text);
    match start {
        None => {
            let hint =
                format!("write YYYY-MM-DD HH:MM:SS (Asia/Shanghai), as in \"{}\"", format_wall_time(DEFAULT_START));
            faults.push(&value.place, format!("{} is not a time", quoted(text)), Some(hint));
        }
        Some(start) if start > now => {
            let hint = format!("it is {} now in Asia/Shanghai", format_wall_time(now));
            faults.push(&value.place, format!("{} is in the future", quoted(text)), Some(hint));
        }
        Some(_) => {}
    }
    start
}

fn method(section: &Section<'_>, endpoint: &'static Endpoint, faults: &mut Faults<'_>) -> Option<&'static Method> {
    let Some(value) = section.get("method") else { return Some(endpoint.method()) };
    let text = value.text(faults)?;
    let method = endpoint.method_named(text);
    if method.is_none() {
        let known: Vec<_> = endpoint.methods.iter().map(|method| method.name).collect();
        let message = format!("{} has no method {}", endpoint.dataset, quoted(text));
        faults.push(&value.place, message, Some(words::hint(text, "methods of this dataset", &known)));
    }
    method
}

fn page_size(section: &Section<'_>, method: &Method, faults: &mut Faults<'_>) -> Option<u32> {
    let largest = method.paging.max_size;
    match section.get("page_size") {
        None => Some(largest),
        Some(value) => value.integer(1..=i64::from(largest), faults).and_then(|size| u32::try_from(size).ok()),
    }
}

fn known_datasets(gateway: Option<Gateway>) -> String {
    format!("datasets of this version: {}", words::list(&names_of(gateway)))
}

fn names_of(gateway: Option<Gateway>) -> Vec<&'static str> {
    let fits = |endpoint: &&&'static Endpoint| gateway.is_none_or(|gateway| endpoint.gateway == gateway);
    endpoints::ALL.iter().filter(fits).map(|endpoint| endpoint.dataset).collect()
}
