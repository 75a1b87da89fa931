//! The simulator over real sockets: what it refuses, what it answers, what goes wrong on purpose.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod client;
mod faults;
mod flagship;
mod forms;
mod ids;
mod ledger;
mod paging;
mod records;
mod rules;
mod slices;
mod spelling;
mod top;

/// The platform's clock at the start of every test: 2024-06-01 08:00:00 in Shanghai.
const NOW: i64 = 1_717_200_000;
/// Decides everything that is drawn; printed with every failure, as it is part of the test's text.
const SEED: u64 = 20_240_601;
const STOCK: &str = "stock_query_detail.php";
const GOODS: &str = "vip_api_goods_query.php";
const CAINIAO: &str = "taobao.wlb.wms.inventory.query";
