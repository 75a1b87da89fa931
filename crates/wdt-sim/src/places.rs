//! Warehouses, shops and stores that rows are spread over.

use std::borrow::Cow;

use wdt_models::Dimension;

/// Warehouses, shops or stores that rows are spread over.
pub(crate) const GROUPS: usize = 4;
/// Smallest generated id: ids soon gain a digit, so that their order as numbers is not their order as text.
pub(crate) const FIRST_ID: u64 = 9_950;

/// One warehouse or shop.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) id: i64,
    pub(crate) no: Cow<'static, str>,
    pub(crate) name: Cow<'static, str>,
}

const fn place(id: i64, no: &'static str, name: &'static str) -> Place {
    Place { id, no: Cow::Borrowed(no), name: Cow::Borrowed(name) }
}

static WAREHOUSES: [Place; GROUPS] = [
    place(7, "WH-1", "华东主仓"),
    place(12, "xyp2test", "小鹏测试仓库"),
    place(67, "0042", "华南/退货仓"),
    place(101, "北京仓", "北京仓"),
];
static SHOPS: [Place; GROUPS] = [
    place(3, "manmao2test", "猫猫旗舰店"),
    place(15, "0008", "数码自营店"),
    place(21, "抖音-01", "抖音小店"),
    place(104, "shop/4", "拼单专营店"),
];
/// The warehouses that exist on top; the documents do not name any.
pub static STORES: [&str; 4] = ["STORE_1", "STORE_2", "STORE_3", "KJ-0003"];

/// The group of a row: one of the warehouses or shops.
pub(crate) fn group(id: u32) -> usize {
    id as usize % GROUPS
}

/// The warehouses or the shops, by the column's name.
pub(crate) fn places(column: &str) -> &'static [Place; GROUPS] {
    if column.starts_with("shop") { &SHOPS } else { &WAREHOUSES }
}

/// The group a filter's value names.
pub(crate) fn group_named(param: &str, value: &str) -> Option<usize> {
    places(param).iter().position(|place| place.no == value)
}

/// The warehouse or shop of a row.
pub(crate) fn spread(column: &str, id: u32) -> Place {
    places(column)[group(id)].clone()
}

/// An entry of a list of warehouses or shops: first those that rows are spread over, then made ones.
pub(crate) fn listed(column: &str, id: u32) -> Place {
    let shops = column.starts_with("shop");
    match places(column).get(id as usize) {
        Some(place) => place.clone(),
        None => Place {
            id: i64::try_from(FIRST_ID).unwrap_or(0) + i64::from(id),
            no: format!("{}-{id:04}", if shops { "SHOP" } else { "WH" }).into(),
            name: format!("{id}号{}", if shops { "店" } else { "仓" }).into(),
        },
    }
}

/// The values a dimension has: the documented ones, else invented stores.
pub(crate) fn values(dimension: &Dimension) -> Vec<String> {
    let values = if dimension.values.is_empty() { &STORES } else { dimension.values };
    values.iter().map(|value| (*value).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_know_their_groups() {
        assert_eq!(group_named("warehouse_no", "北京仓"), Some(3));
        assert_eq!(group_named("warehouse_no", "shop/4"), None);
    }

    #[test]
    fn a_list_begins_with_the_places_rows_refer_to() {
        assert_eq!((listed("warehouse_no", 3).no.as_ref(), listed("shop_id", 0).id), ("北京仓", 3));
        assert_eq!((listed("name", 4).id, listed("shop_no", 4).no.as_ref()), (9_954, "SHOP-0004"));
    }
}
