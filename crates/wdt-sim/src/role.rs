//! What a column holds: plausible content by the name and type its endpoint declares.

use wdt_models::{Endpoint, Field, Kind};

/// Warehouses, or shops, that rows are spread over.
pub(crate) const GROUPS: usize = 4;
/// Smallest generated id: ids soon gain a digit, so that their order as numbers is not their order as text.
pub(crate) const FIRST_ID: u64 = 9_950;

/// One warehouse or shop.
pub(crate) struct Place {
    pub(crate) id: &'static str,
    pub(crate) no: &'static str,
    pub(crate) name: &'static str,
}

const fn place(id: &'static str, no: &'static str, name: &'static str) -> Place {
    Place { id, no, name }
}

static WAREHOUSES: [Place; GROUPS] = [
    place("7", "WH-1", "华东主仓"),
    place("12", "xyp2test", "小鹏测试仓库"),
    place("67", "0042", "华南/退货仓"),
    place("101", "北京仓", "北京仓"),
];
static SHOPS: [Place; GROUPS] = [
    place("3", "manmao2test", "猫猫旗舰店"),
    place("15", "0008", "数码自营店"),
    place("21", "抖音-01", "抖音小店"),
    place("104", "shop/4", "拼单专营店"),
];

/// What a column holds.
#[derive(Debug, Clone)]
pub(crate) enum Role {
    /// The number of what the row is about: a SKU, or the row itself.
    SubjectId,
    /// The row's own number.
    RowId,
    GroupId,
    GroupNo,
    GroupName,
    /// The cursor.
    Modified,
    Quantity,
    /// A small number below the bound.
    Code(u64),
    Flag,
    Time,
    Label(Label),
    List(Vec<Member>),
}

/// A text made from the number of what the row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    GoodsName,
    SpecName,
    BrandNo,
    BrandName,
    GoodsNo,
    SpecNo,
    Barcode,
    PlatformId,
    Picture,
    Remark,
    Other,
}

/// One column and what it holds.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    /// The spelling the vendor page prints, where it has a capital.
    pub(crate) capital: Option<&'static str>,
    /// Whether it may be missing, null or empty.
    pub(crate) loose: bool,
    pub(crate) role: Role,
}

/// The columns of an endpoint's records.
pub(crate) fn members(endpoint: &Endpoint) -> Vec<Member> {
    endpoint.fields.iter().map(|field| member(field, Some(endpoint))).collect()
}

/// Whether rows come once per group: the group's id is part of the key.
pub(crate) fn key_has_group(endpoint: &Endpoint) -> bool {
    endpoint.key.iter().any(|name| matches!(group_role(name), Some(Role::GroupId)))
}

/// The warehouse or shop a row belongs to.
pub(crate) fn group(id: u32) -> usize {
    id as usize % GROUPS
}

/// Whether a parameter filters on a warehouse or shop.
pub(crate) fn is_group_filter(param: &str) -> bool {
    matches!(group_role(param), Some(Role::GroupNo))
}

/// The warehouse or shop a filter's value names.
pub(crate) fn group_named(param: &str, value: &str) -> Option<usize> {
    places(param).iter().position(|place| place.no == value)
}

/// The warehouses or the shops, by the column's name.
pub(crate) fn places(column: &str) -> &'static [Place; GROUPS] {
    if column.starts_with("shop") { &SHOPS } else { &WAREHOUSES }
}

/// The text of a label.
pub(crate) fn label(label: Label, number: u64) -> String {
    match label {
        Label::GoodsName => goods_name(number),
        Label::SpecName => format!("{}色/{}码", ["黑", "白", "青", "棕"][index(number, 4)], 34 + number % 12),
        Label::BrandNo => format!("BD{:012}", number % 40),
        Label::BrandName => ["旺店通", "森屿", "O'Neill & Söhne", "初雪❄"][index(number, 4)].to_owned(),
        Label::GoodsNo => format!("00{number}"),
        Label::SpecNo => format!("SKU{number:07}"),
        Label::Barcode => format!("0{}", 690_000_000_000 + number),
        Label::PlatformId => format!("{number:019}"),
        Label::Picture => format!("http://img.example.com/sku/{number}.jpg"),
        Label::Remark => ["", "易碎品\t轻放", "第1行\n第2行", "尺寸 10\"×4\" \\ 已质检"][index(number, 4)].to_owned(),
        Label::Other => {
            if number.is_multiple_of(3) {
                format!("0{number}")
            } else {
                String::new()
            }
        }
    }
}

/// The number a SKU code or barcode was made from.
pub(crate) fn number_of_label(kind: Label, text: &str) -> Option<u64> {
    let number = match kind {
        Label::SpecNo => text.strip_prefix("SKU")?.parse().ok()?,
        Label::Barcode => text.parse::<u64>().ok()?.checked_sub(690_000_000_000)?,
        _ => return None,
    };
    (label(kind, number) == text).then_some(number)
}

fn goods_name(number: u64) -> String {
    let what = ["手持终端", "纯棉T恤", "保温杯", "蓝牙耳机", "儿童雨衣"][index(number, 5)];
    let mark = if number.is_multiple_of(8) { "🔥" } else { "" };
    format!("{what}{mark}{}号", number / 8)
}

fn index(number: u64, len: u64) -> usize {
    usize::try_from(number % len).unwrap_or(0)
}

fn member(field: &Field, endpoint: Option<&Endpoint>) -> Member {
    let is_key = endpoint.is_some_and(|endpoint| endpoint.key.contains(&field.name));
    let is_cursor = endpoint.is_some_and(|endpoint| endpoint.cursor.field == field.name);
    let group = endpoint.and_then(|_| group_role(field.name));
    let loose = !(is_key || is_cursor || group.is_some() || field.required);
    let role = match group {
        Some(role) => role,
        None if is_cursor => Role::Modified,
        None if is_key => Role::SubjectId,
        None => role(field),
    };
    Member { name: field.name, capital: capital(field.name), loose, role }
}

fn role(field: &Field) -> Role {
    match field.kind {
        Kind::Decimal => Role::Quantity,
        Kind::Timestamp => Role::Time,
        Kind::Boolean => Role::Flag,
        Kind::Int => int_role(field.name),
        Kind::Text => Role::Label(text_label(field.name)),
        Kind::List(fields) => Role::List(fields.iter().map(|field| member(field, None)).collect()),
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

fn int_role(name: &str) -> Role {
    match name {
        "rec_id" | "stock_spec_id" => Role::RowId,
        "status" => Role::Code(3),
        "disable_syn_until" => Role::Code(1_700_000_000),
        _ if name.starts_with("is_") || name.ends_with("_type") => Role::Code(3),
        _ => Role::Code(1_000),
    }
}

fn text_label(name: &str) -> Label {
    match name {
        "goods_name" | "api_goods_name" | "merchant_name" => Label::GoodsName,
        "spec_name" | "api_spec_name" | "merchant_code" => Label::SpecName,
        "brand_no" => Label::BrandNo,
        "brand_name" => Label::BrandName,
        "goods_no" | "outer_id" => Label::GoodsNo,
        "spec_no" | "spec_outer_id" | "merchant_no" => Label::SpecNo,
        "barcode" => Label::Barcode,
        "api_goods_id" | "api_spec_id" => Label::PlatformId,
        "img_url" | "pic_url" => Label::Picture,
        "remark" | "disabled_reason" => Label::Remark,
        _ => Label::Other,
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
    fn codes_lead_back_to_their_number() {
        for kind in [Label::SpecNo, Label::Barcode] {
            assert_eq!(number_of_label(kind, &label(kind, 12_345)), Some(12_345));
        }
        assert_eq!(number_of_label(Label::SpecNo, "SKU12345"), None, "the padding is part of the code");
    }

    #[test]
    fn filters_know_their_groups() {
        assert!(is_group_filter("warehouse_no") && is_group_filter("shop_no") && !is_group_filter("spec_no"));
        assert_eq!(group_named("warehouse_no", "北京仓"), Some(3));
        assert_eq!(group_named("warehouse_no", "shop/4"), None);
    }
}
