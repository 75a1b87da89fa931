//! Every endpoint, one file each.

mod cainiao_inventory;
mod codes;
mod enterprise_goods;
mod enterprise_stock;
mod flagship_goods;
mod flagship_shops;
mod flagship_stock;
mod flagship_stock_sync;
mod flagship_warehouses;

use crate::Endpoint;

pub use cainiao_inventory::ENDPOINT as CAINIAO_INVENTORY;
pub use enterprise_goods::ENDPOINT as ENTERPRISE_GOODS;
pub use enterprise_stock::ENDPOINT as ENTERPRISE_STOCK;
pub use flagship_goods::ENDPOINT as FLAGSHIP_GOODS;
pub use flagship_shops::ENDPOINT as FLAGSHIP_SHOPS;
pub use flagship_stock::ENDPOINT as FLAGSHIP_STOCK;
pub use flagship_stock_sync::ENDPOINT as FLAGSHIP_STOCK_SYNC;
pub use flagship_warehouses::ENDPOINT as FLAGSHIP_WAREHOUSES;

/// Every endpoint, in the order the documentation lists them.
pub static ALL: &[&Endpoint] = &[
    &ENTERPRISE_STOCK,
    &ENTERPRISE_GOODS,
    &FLAGSHIP_STOCK,
    &FLAGSHIP_GOODS,
    &FLAGSHIP_STOCK_SYNC,
    &CAINIAO_INVENTORY,
    &FLAGSHIP_WAREHOUSES,
    &FLAGSHIP_SHOPS,
];

/// The endpoint of a dataset, if there is one.
#[must_use]
pub fn find(dataset: &str) -> Option<&'static Endpoint> {
    ALL.iter().copied().find(|endpoint| endpoint.dataset == dataset)
}
