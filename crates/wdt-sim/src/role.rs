//! What a column holds: plausible content by the name and type its endpoint declares.

use wdt_models::{Code, Endpoint, Field, Kind, SyncMode, endpoints};

use crate::label::Label;

/// What a column holds.
#[derive(Debug, Clone)]
pub(crate) enum Role {
    /// The number of what the row is about: a SKU, or the row itself.
    SubjectId,
    /// The row's own number where several rows are about one thing.
    RowId,
    /// The row's own number, as the documents show it beside a key of other columns.
    RowNumber,
    GroupId,
    GroupNo,
    GroupName,
    /// The time of the last change.
    Modified,
    Quantity,
    /// A small number below the bound.
    Code(u64),
    /// One of the documented values.
    Coded(&'static [Code]),
    Flag,
    /// False: what is out of use would be hidden, and a reader could not distinguish it from what is gone.
    Off,
    /// Whether the row is refused when it is asked for by id.
    Stopped,
    /// This number in rows that can be asked for by id, and others elsewhere.
    Only(i64),
    /// The slice's value of the dimension at that position.
    Dimension(usize),
    Batch,
    Produced,
    Due,
    Channel,
    Time,
    Label(Label),
    List(Vec<Member>),
}

/// One column and what it holds.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    /// The spelling the enterprise stock page prints, where it has a capital.
    pub(crate) capital: Option<&'static str>,
    /// Another name the wire may use.
    pub(crate) alias: Option<&'static str>,
    /// Whether it may be missing, null or empty.
    pub(crate) loose: bool,
    /// Whether answers have it at all.
    pub(crate) answered: bool,
    /// Declared as text, whatever it holds.
    pub(crate) text: bool,
    /// The one value of the dimension `type` whose rows have it.
    pub(crate) only_for: Option<&'static str>,
    /// Position among its siblings: what is drawn for one column never depends on another.
    pub(crate) place: u64,
    pub(crate) role: Role,
}

/// The columns of an endpoint's records.
pub(crate) fn members(endpoint: &'static Endpoint) -> Vec<Member> {
    (0..).zip(endpoint.fields).map(|(place, field)| column(place, field, endpoint)).collect()
}

/// Whether rows come once per group: the group's id is part of the key, or one SKU exists in each.
pub(crate) fn is_grouped(endpoint: &Endpoint) -> bool {
    let in_key = endpoint.key.len() > 1 && endpoint.key.iter().any(|name| is_group_id(name));
    in_key || ["warehouse_id", "spec_id", "spec_no"].iter().all(|name| endpoint.position(name).is_some())
}

/// Whether the records are the warehouses or the shops themselves.
pub(crate) fn lists_places(endpoint: &Endpoint) -> bool {
    matches!(endpoint.key, [only] if is_group_id(only))
}

/// Whether a parameter filters on a warehouse or shop.
pub(crate) fn is_group_filter(endpoint: &Endpoint, param: &str) -> bool {
    matches!(group_role(param), Some(Role::GroupNo)) && !lists_places(endpoint)
}

/// The column and value that make rows of this endpoint eligible for a list of ids, its own or another dataset's.
pub(crate) fn eligible(endpoint: &Endpoint) -> Option<(&'static str, i64)> {
    endpoints::ALL.iter().find_map(|asking| match asking.sync {
        SyncMode::Ids(ids) if ids.dataset == endpoint.dataset || asking.dataset == endpoint.dataset => Some(ids.only),
        _ => None,
    })
}

/// The value of the dimension `type` whose rows have a column; the only columns that depend on a slice.
pub(crate) fn only_for(endpoint: &Endpoint, column: &str) -> Option<&'static str> {
    let by_type = endpoint.dimensions().iter().any(|dimension| dimension.name == "type");
    match column {
        "batch_code" | "produce_date" | "due_date" if by_type => Some("2"),
        "channel_code" if by_type => Some("3"),
        _ => None,
    }
}

fn column(place: u64, field: &'static Field, endpoint: &'static Endpoint) -> Member {
    let only_for = only_for(endpoint, field.name);
    let named = special(field, endpoint, only_for.is_some());
    let fixed =
        field.required || only_for.is_some() || named.as_ref().is_some_and(|role| !matches!(role, Role::Stopped));
    let role = named.unwrap_or_else(|| role(field));
    // a dimension called `type` is a way of asking: answers do not repeat it
    let answered = !(matches!(role, Role::Dimension(_)) && field.name == "type");
    Member { loose: !fixed, answered, only_for, ..member(place, field, role) }
}

/// What an endpoint's description makes of a column beyond its name and type.
fn special(field: &Field, endpoint: &Endpoint, by_slice: bool) -> Option<Role> {
    let name = field.name;
    let dimension = endpoint.dimensions().iter().position(|dimension| dimension.name == name);
    let in_key = endpoint.key.contains(&name);
    match group_role(name).or_else(|| (lists_places(endpoint) && name == "name").then_some(Role::GroupName)) {
        Some(role) => return Some(role),
        None if endpoint.cursor().is_some_and(|cursor| cursor.field == name) => return Some(Role::Modified),
        None => {}
    }
    match (dimension, eligible(endpoint)) {
        (Some(position), _) => Some(Role::Dimension(position)),
        (None, Some((only, value))) if only == name => Some(Role::Only(value)),
        (None, Some(_)) if name == "is_disable_syn" => Some(Role::Stopped),
        _ if by_slice => slice_role(name),
        _ if in_key && is_grouped(endpoint) && endpoint.key.len() == 1 => Some(Role::RowId),
        _ if in_key => Some(Role::SubjectId),
        _ => None,
    }
}

fn slice_role(name: &str) -> Option<Role> {
    match name {
        "batch_code" => Some(Role::Batch),
        "produce_date" => Some(Role::Produced),
        "due_date" => Some(Role::Due),
        "channel_code" => Some(Role::Channel),
        _ => None,
    }
}

fn member(place: u64, field: &'static Field, role: Role) -> Member {
    Member {
        name: field.name,
        capital: capital(field.name),
        alias: field.alias,
        loose: true,
        answered: true,
        text: field.kind == Kind::Text,
        only_for: None,
        place,
        role,
    }
}

fn role(field: &'static Field) -> Role {
    match field.kind {
        Kind::Decimal => Role::Quantity,
        Kind::Timestamp if field.name == "modified" => Role::Modified,
        Kind::Timestamp => Role::Time,
        Kind::Boolean if field.name == "is_disabled" => Role::Off,
        Kind::Boolean => Role::Flag,
        Kind::Int | Kind::Text if field.codes.len() > 1 => Role::Coded(field.codes),
        Kind::Int => int_role(field.name),
        Kind::Text if field.personal => Role::Label(Label::of_person(field.name)),
        Kind::Text => Role::Label(Label::of(field.name)),
        Kind::List(fields) => {
            Role::List((0..).zip(fields).map(|(place, field)| member(place, field, role(field))).collect())
        }
    }
}

fn group_role(name: &str) -> Option<Role> {
    match name {
        "warehouse_id" | "shop_id" => Some(Role::GroupId),
        "warehouse_no" | "shop_no" => Some(Role::GroupNo),
        "warehouse_name" | "shop_name" => Some(Role::GroupName),
        _ => None,
    }
}

fn is_group_id(name: &str) -> bool {
    matches!(group_role(name), Some(Role::GroupId))
}

fn int_role(name: &str) -> Role {
    match name {
        "rec_id" | "stock_spec_id" => Role::RowNumber,
        "spec_id" => Role::SubjectId,
        "status" => Role::Code(3),
        "disable_syn_until" => Role::Code(1_700_000_000),
        _ if name.starts_with("is_") || name.ends_with("_type") => Role::Code(3),
        _ => Role::Code(1_000),
    }
}

/// The four names the stock page prints with a capital; readers match names without case.
fn capital(name: &str) -> Option<&'static str> {
    ["Created", "Status", "Unit", "Remark"].into_iter().find(|capital| capital.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_filters_of_rows_that_are_spread_name_a_group() {
        let stock = &endpoints::ENTERPRISE_STOCK;
        assert!(is_group_filter(stock, "warehouse_no") && is_group_filter(stock, "shop_no"));
        assert!(!is_group_filter(stock, "spec_no"));
        let warehouses = endpoints::find("flagship_warehouses");
        assert!(warehouses.is_some_and(|endpoint| !is_group_filter(endpoint, "warehouse_no")));
    }
}
