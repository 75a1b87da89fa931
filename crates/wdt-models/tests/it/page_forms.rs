//! Answers around records, in every form that the documents and captures leave open, written without the product.

use wdt_models::{Endpoint, Gateway, Method, Shape};

use crate::random::Random;
use crate::rows::{as_list, pick, shuffle};

/// An answer, and what must be read from it beside the records.
pub(crate) struct Page {
    pub(crate) body: Vec<u8>,
    pub(crate) total: Option<u64>,
    /// Ids that the platform refuses.
    pub(crate) refused: usize,
}

/// Members below each other: a path and the JSON at its end.
type Members = Vec<(Vec<String>, String)>;

impl Page {
    /// An answer to a call by this method, with these records.
    pub(crate) fn new(endpoint: &Endpoint, method: &Method, records: &[String], random: &mut Random) -> Self {
        let (root, total, refused) = match endpoint.gateway {
            Gateway::Enterprise => enterprise(&method.shape, records, random),
            Gateway::Flagship => flagship(&method.shape, records, random),
            Gateway::Top => top(&method.shape, records, random),
        };
        let before = pick(random, &["", "", "\u{feff}", " \r\n"]);
        Self { body: (before + &root).into_bytes(), total, refused }
    }
}

fn enterprise(shape: &Shape, records: &[String], random: &mut Random) -> (String, Option<u64>, usize) {
    let mut members = vec![(vec!["code".to_owned()], pick(random, &["0", r#""0""#]))];
    if random.below(2) == 0 {
        members.push((vec!["message".to_owned()], r#""ok""#.to_owned()));
    }
    members.extend(list(Gateway::Enterprise, shape.records[0], records, random));
    let (total, json) = total(records.len(), random);
    members.extend(json.map(|json| (path(shape.total), json)));
    (object(members, random), total, 0)
}

fn flagship(shape: &Shape, records: &[String], random: &mut Random) -> (String, Option<u64>, usize) {
    let form = usize::try_from(random.below(shape.records.len() as u64)).unwrap();
    let mut members = Members::new();
    let mut refused = 0;
    if let Some(path_of_refused) = shape.refused.get(form) {
        refused = usize::try_from(random.below(3)).unwrap();
        let why: Vec<_> = (0..refused).map(|id| format!(r#"{{"rec_id":{id},"message":"已停止同步"}}"#)).collect();
        members.push((path(path_of_refused), format!("[{}]", why.join(","))));
    }
    if form == 0 || random.below(2) == 0 {
        members.push((vec!["status".to_owned()], pick(random, &["0", r#""0""#])));
    }
    let at = shape.records[form];
    match records {
        [] if shape.single => members.extend(absent(random).map(|json| (path(at), json))),
        [record] if shape.single => members.push((path(at), record.clone())),
        // the vendor's example shows an empty object where no record is
        [] if refused > 0 && random.below(2) == 0 => members.push((path(at), "[ {} ]".to_owned())),
        _ => members.extend(list(Gateway::Flagship, at, records, random)),
    }
    let mut told = None;
    if !shape.total.is_empty() {
        let (total, json) = total(records.len(), random);
        members.extend(json.map(|json| (path(shape.total), json)));
        told = total;
    }
    (object(members, random), told, refused)
}

fn top(shape: &Shape, records: &[String], random: &mut Random) -> (String, Option<u64>, usize) {
    let simple = random.below(2) == 0;
    let at = if simple { &shape.records[0][..1] } else { shape.records[0] };
    let success = random.below(3) > 0;
    let mut members = Members::new();
    if success {
        members.push((vec!["wl_success".to_owned()], pick(random, &["true", r#""true""#, "1"])));
    }
    let wrapped = |record: &String| format!(r#"{{"{}":{record}}}"#, shape.wrapped_in.unwrap());
    match records {
        // as XML becomes JSON
        [record] if !simple && random.below(4) == 0 => members.push((path(at), wrapped(record))),
        _ if random.below(4) == 0 => members.extend(list(Gateway::Top, at, records, random)),
        _ => members.extend(list(Gateway::Top, at, &records.iter().map(wrapped).collect::<Vec<_>>(), random)),
    }
    let (mut told, json) = total(records.len(), random);
    // without a flag something else must tell that it is an answer
    let json = json.or_else(|| (!success).then(|| r#""""#.to_owned()));
    members.extend(json.map(|json| (path(shape.total), json)));
    if success && records.is_empty() {
        told = told.or(Some(0));
    }
    members.push((vec!["request_id".to_owned()], r#""6uypdzbcn4l6""#.to_owned()));
    let payload = object(members, random);
    let root = if simple { payload } else { format!(r#"{{"wlb_wms_inventory_query_response":{payload}}}"#) };
    (root, told, 0)
}

/// The total as text or number; nothing where it is not told.
fn total(rows: usize, random: &mut Random) -> (Option<u64>, Option<String>) {
    let number = rows as u64 + random.below(3) * 100;
    match random.below(6) {
        0 => (None, absent(random)),
        1 => (None, Some(r#""""#.to_owned())),
        2 | 3 => (Some(number), Some(format!("\"{number}\""))),
        _ => (Some(number), Some(number.to_string())),
    }
}

/// No member, or null.
fn absent(random: &mut Random) -> Option<String> {
    (random.below(2) == 0).then(|| "null".to_owned())
}

/// The list of records; an empty one in all its forms. Only PHP writes an object for a list that is not empty.
fn list(gateway: Gateway, at: &[&str], records: &[String], random: &mut Random) -> Option<(Vec<String>, String)> {
    if !records.is_empty() {
        let php = gateway == Gateway::Enterprise;
        let json = if php { as_list(records, random) } else { format!("[{}]", records.join(",")) };
        return Some((path(at), json));
    }
    match (gateway, random.below(4)) {
        (_, 0) => None,
        (_, 1) => Some((path(at), "null".to_owned())),
        // in place of the list, and around it
        (Gateway::Enterprise, 2) => Some((path(at), "{}".to_owned())),
        (Gateway::Top, 2) => Some((path(&at[..1]), "{}".to_owned())),
        _ => Some((path(at), "[]".to_owned())),
    }
}

fn path(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The object with these members, those with a common beginning below one; in any order.
fn object(members: Members, random: &mut Random) -> String {
    let mut below: Vec<(String, Members)> = Vec::new();
    let mut own = Vec::new();
    for (mut path, json) in members {
        let name = path.remove(0);
        if path.is_empty() {
            own.push(format!("{name:?}:{json}"));
        } else if let Some((_, known)) = below.iter_mut().find(|(known, _)| *known == name) {
            known.push((path, json));
        } else {
            below.push((name, vec![(path, json)]));
        }
    }
    own.extend(below.into_iter().map(|(name, members)| format!("{name:?} : {}", object(members, random))));
    shuffle(&mut own, random);
    format!("{{{}}}", own.join(" , "))
}
