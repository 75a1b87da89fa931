//! Every endpoint, one file each.

mod enterprise_goods;
mod enterprise_stock;

use crate::Endpoint;

pub use enterprise_goods::ENDPOINT as ENTERPRISE_GOODS;
pub use enterprise_stock::ENDPOINT as ENTERPRISE_STOCK;

/// Every endpoint, in the order the documentation lists them.
pub static ALL: &[&Endpoint] = &[&ENTERPRISE_STOCK, &ENTERPRISE_GOODS];

/// The endpoint of a dataset, if there is one.
#[must_use]
pub fn find(dataset: &str) -> Option<&'static Endpoint> {
    ALL.iter().copied().find(|endpoint| endpoint.dataset == dataset)
}
