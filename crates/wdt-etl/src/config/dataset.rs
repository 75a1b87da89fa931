//! One `[[accounts.datasets]]` section.

use std::collections::BTreeMap;

use wdt_models::time::{format_wall_time, parse_wall_time};
use wdt_models::{Endpoint, Gateway, endpoints};

use super::Dataset;
use super::fault::Faults;
use super::names::{self, Keys, quoted};
use super::value::{Section, Value};

const KEYS: Keys = Keys {
    known: &["name", "start", "page_size", "params", "personal"],
    reserved: &[
        ("method", OTHER_DATASETS),
        ("stores", OTHER_DATASETS),
        ("types", OTHER_DATASETS),
        ("inventory_types", OTHER_DATASETS),
        ("ids_from", OTHER_DATASETS),
        ("rec_ids", OTHER_DATASETS),
        ("force_sync", OTHER_DATASETS),
    ],
};
const OTHER_DATASETS: &str = "belongs to a dataset that this version does not know";
/// 2012-01-01 00:00:00 in Asia/Shanghai: before the platforms' first row.
pub(crate) const DEFAULT_START: i64 = 1_325_347_200;
/// The mend of a [`wire_fault`].
pub(super) const WIRE_MEND: &str = "write it as the platform shows it, in letters, digits and signs of one line";
/// Parameters that no configuration sets: the run pages and signs by itself.
const OWN_PARAMS: &[&str] = &["page_no", "page_size", "sid", "appkey", "timestamp", "sign"];

/// Reads one dataset; `seen` holds the names that the account has had so far.
pub(super) fn read(
    value: &Value<'_>,
    gateway: Option<Gateway>,
    seen: &mut Vec<&'static str>,
    now: i64,
    faults: &mut Faults<'_>,
) -> Option<Dataset> {
    let section = value.section(&KEYS, faults)?;
    let name = section.required("name", &known_datasets(gateway), faults);
    let endpoint = name.and_then(|value| endpoint(&value, gateway, seen, faults));
    let start = section.get("start").map_or(Some(DEFAULT_START), |value| start(&value, now, faults));
    let personal = section.get("personal").map_or(Some(false), |value| value.boolean(faults));
    // What a page or a parameter may be depends on the endpoint.
    let endpoint = endpoint?;
    let page_size = page_size(&section, endpoint, faults);
    let params = section.get("params").map_or(Some(BTreeMap::new()), |value| params(&value, endpoint, faults));
    Some(Dataset { endpoint, start: start?, page_size: page_size?, params: params?, personal: personal? })
}

/// Why a text cannot be sent, if it cannot: platforms differ in how they count characters above U+FFFF.
pub(super) fn wire_fault(text: &str) -> Option<&'static str> {
    if text.chars().any(char::is_control) {
        Some("holds a line break or another control character")
    } else if text.chars().any(|character| character > '\u{ffff}') {
        Some("holds a character above U+FFFF, which the platforms cannot sign")
    } else {
        None
    }
}

fn endpoint(
    value: &Value<'_>,
    gateway: Option<Gateway>,
    seen: &mut Vec<&'static str>,
    faults: &mut Faults<'_>,
) -> Option<&'static Endpoint> {
    let text = value.text(faults)?;
    let Some(endpoint) = endpoints::find(text) else {
        let message = format!("this version knows no dataset {}", quoted(text));
        faults.push(&value.place, message, Some(names::mend(text, "datasets of this version", &names_of(gateway))));
        return None;
    };
    if gateway.is_some_and(|gateway| endpoint.gateway != gateway) {
        let message = format!("{} belongs to gateway {}", quoted(text), endpoint.gateway);
        faults.push(&value.place, message, Some(known_datasets(gateway)));
    }
    if seen.contains(&endpoint.dataset) {
        let mend = "a dataset stands once per account".to_owned();
        faults.push(&value.place, format!("{} stands twice in this account", quoted(text)), Some(mend));
    }
    seen.push(endpoint.dataset);
    Some(endpoint)
}

fn start(value: &Value<'_>, now: i64, faults: &mut Faults<'_>) -> Option<i64> {
    let text = value.text(faults)?;
    let start = parse_wall_time(text);
    match start {
        None => {
            let mend =
                format!("write YYYY-MM-DD HH:MM:SS (Asia/Shanghai), as in \"{}\"", format_wall_time(DEFAULT_START));
            faults.push(&value.place, format!("{} is not a time", quoted(text)), Some(mend));
        }
        Some(start) if start > now => {
            let mend = format!("it is {} now in Asia/Shanghai", format_wall_time(now));
            faults.push(&value.place, format!("{} lies in the future", quoted(text)), Some(mend));
        }
        Some(_) => {}
    }
    start
}

fn page_size(section: &Section<'_>, endpoint: &Endpoint, faults: &mut Faults<'_>) -> Option<u32> {
    let largest = endpoint.paging.max_size;
    match section.get("page_size") {
        None => Some(largest),
        Some(value) => value.integer(1..=i64::from(largest), faults).and_then(|size| u32::try_from(size).ok()),
    }
}

fn params(value: &Value<'_>, endpoint: &Endpoint, faults: &mut Faults<'_>) -> Option<BTreeMap<String, String>> {
    let section = value.table(faults)?;
    let entries = section.entries();
    let read: Vec<_> =
        entries.iter().map(|(name, value)| Some(((*name).to_owned(), param(name, value, endpoint, faults)?))).collect();
    read.into_iter().collect()
}

fn param(name: &str, value: &Value<'_>, endpoint: &Endpoint, faults: &mut Faults<'_>) -> Option<String> {
    if let Some((message, mend)) = name_fault(name, endpoint) {
        faults.push(&value.place, message, Some(mend));
        return None;
    }
    let text = value.wire_text(faults)?;
    if let Some(fault) = wire_fault(&text) {
        faults.push(&value.place, fault, Some(WIRE_MEND.to_owned()));
        return None;
    }
    Some(text)
}

/// Why a parameter of that name is not taken, and what to write instead.
fn name_fault(name: &str, endpoint: &Endpoint) -> Option<(&'static str, String)> {
    let known: Vec<_> = endpoint.params.iter().map(|param| param.name).collect();
    if known.contains(&name) {
        None
    } else if [endpoint.cursor.start_param, endpoint.cursor.end_param].contains(&name) {
        Some(("is set by the run itself", "say where to begin with the dataset's key `start`".to_owned()))
    } else if name == "page_size" {
        Some(("is set by the run itself", "use the dataset's key `page_size`".to_owned()))
    } else if OWN_PARAMS.contains(&name) {
        Some(("is set by the run itself", "leave it out".to_owned()))
    } else {
        let what = format!("parameters of {}", endpoint.dataset);
        Some(("unknown parameter", names::mend(name, &what, &known)))
    }
}

fn known_datasets(gateway: Option<Gateway>) -> String {
    format!("datasets of this version: {}", names::list(&names_of(gateway)))
}

fn names_of(gateway: Option<Gateway>) -> Vec<&'static str> {
    let fits = |endpoint: &&&'static Endpoint| gateway.is_none_or(|gateway| endpoint.gateway == gateway);
    endpoints::ALL.iter().filter(fits).map(|endpoint| endpoint.dataset).collect()
}
