//! `sales.StockSync.batchCalcStock`, and `sales.StockSync.calcStock` one by one: the stock to publish for goods of the
//! merchant's own sales platform.
//!
//! A read despite its name: nothing is synced by asking.

use super::codes::{GOODS_STATUS, MATCH_TARGET};
use crate::{Arguments, Code, Endpoint, Field, Gateway, IdSource, Method, Paging, Param, ParamKind, Shape, SyncMode};

/// Stock to publish for goods of the merchant's own sales platform.
pub static ENDPOINT: Endpoint = Endpoint {
    dataset: "flagship_stock_sync",
    gateway: Gateway::Flagship,
    methods: &[
        Method {
            name: "sales.StockSync.batchCalcStock",
            arguments: Arguments::Items { id: "api_goods_id" },
            // Assumption: no longest list is documented.
            paging: Paging { first: 0, max_size: 100 },
            // The page's table puts both lists into `data`, its example beside a missing `status`.
            shape: Shape {
                records: &[&["data", "success_date"], &["success_date"]],
                total: &[],
                wrapped_in: None,
                refused: &[&["data", "error_date"], &["error_date"]],
                single: false,
            },
        },
        Method {
            name: "sales.StockSync.calcStock",
            arguments: Arguments::Positional,
            paging: Paging { first: 0, max_size: 1 },
            shape: Shape { records: &[&["data"]], total: &[], wrapped_in: None, refused: &[], single: true },
        },
    ],
    doc: "Stock that the ERP computes for one SKU of the merchant's own sales platform, and the rule it computes by.",
    source: "vendor pages sales.StockSync.batchCalcStock (库存同步计算查询(支持批量查询)) and sales.StockSync.calcStock (库存同步计算查询), flagship edition, client V1.5.3.9 and later",
    notes: &[
        "`syn_stock` is the result: the quantity to publish.",
        "The platform has no list of its own: rows are asked for by the `rec_id` of `flagship_goods`.",
        "The platform refuses goods whose sync is stopped; they are kept in `etl_quarantine` and their row stays as it is.",
        "`area_stock` and `stock_syn_high_frequency` stand in the vendor's example of the list form only.",
    ],
    params: &[Param::of(ParamKind::Boolean, "force_sync", "true computes goods whose sync is stopped as well")],
    sync: SyncMode::Ids(IdSource { dataset: "flagship_goods", column: "rec_id", only: ("platform_id", OWN_PLATFORM) }),
    full_read: None,
    key: &["rec_id"],
    split: None,
    fields: FIELDS,
    report: &[],
};

/// The sales platform id of a merchant's own shop system.
const OWN_PLATFORM: i64 = 127;

/// In the vendor page's order, then what only the example shows.
const FIELDS: &[Field] = &[
    Field::text("match_code", "编码", "merchant code of an automatic match"),
    Field::timestamp("list_time", "定时上架时间", "time planned to go on shelf"),
    Field::decimal("stock_syn_min", "最小同步库存量", "lowest quantity synced"),
    Field::decimal("stock_num", "平台库存", "stock on the sales platform"),
    Field::text("stock_syn_warehouses", "库存同步的仓库id", "ids of the warehouses counted, joined by commas"),
    Field::int("sub_platform_id", "子平台ID", "id of the part of the sales platform"),
    Field::text("outer_id", "平台货品编码", "merchant code of the goods on the sales platform"),
    Field::text("spec_outer_id", "平台规格编码", "merchant code of the SKU on the sales platform"),
    Field::int("stock_syn_percent", "同步百分比", "share of the stock that is synced").unit("%"),
    Field::text("spec_id", "平台规格id", "SKU id on the sales platform"),
    Field::boolean("is_auto_delisting", "是否自动下架", "goes off shelf by itself"),
    Field::decimal("stock_syn_plus", "增加值", "quantity added to the share"),
    Field::boolean("is_auto_listing", "是否自动上架", "goes on shelf by itself"),
    Field::int("match_target_id", "系统货品的ID", "ERP id of the SKU or suite it is matched to"),
    Field::int("match_target_type", "target_id的类型", "matched to: 0 nothing, 1 an SKU, 2 a suite")
        .codes(MATCH_TARGET),
    Field::int("mask", "掩码", "bit mask: 1 delayed").codes(&[Code::new("1", "临时延时", "delayed for now")]),
    // Declared int, yet an amount of stock.
    Field::decimal("syn_stock", "需要同步库存的量", "quantity to publish"),
    Field::text("reserve_s", "保留", "reserved"),
    Field::int("stock_syn_rule_id", "同步规则策略id", "stock sync rule id"),
    Field::int("stock_syn_mask", "库存计算方法的掩码", "bit mask of the stock formula"),
    Field::text("goods_id", "平台货品id", "goods id on the sales platform"),
    Field::int("rec_id", "Api_goodsspec表的主键id", "id of the row of flagship_goods").required(),
    Field::decimal("last_syn_num", "最后同步库存量", "quantity of the last sync, -1 for none"),
    Field::int("shop_id", "店铺ID", "shop id"),
    Field::decimal("stock_syn_max", "最大同步", "highest quantity synced"),
    Field::timestamp("last_syn_time", "最后同步时间", "last sync"),
    Field::timestamp("delist_time", "定时下架时间", "time planned to go off shelf"),
    Field::int("platform_id", "平台id", "sales platform id, 127 by the vendor page").codes(&[Code::new(
        "127",
        "自有平台",
        "the merchant's own platform",
    )]),
    Field::text("stock_syn_rule_no", "同步规则策略编号", "stock sync rule number"),
    Field::int("status", "平台货品状态", "status: 0 deleted, 1 on shelf, 2 off shelf").codes(GOODS_STATUS),
    Field::int("stock_change_count", "库存变化量", "counter of stock changes"),
    Field::decimal("stock_syn_high_frequency", "高频同步库存", "not explained by the vendor"),
    Field::list("area_stock", "区域库存", "stock to publish per warehouse of the sales platform", AREA_STOCK),
];

/// From the example alone: labels and types follow the namesakes above.
const AREA_STOCK: &[Field] = &[
    Field::int("api_warehouse_id", "平台仓库id", "warehouse id on the sales platform"),
    Field::text("api_warehouse_no", "平台仓库编号", "warehouse number on the sales platform"),
    Field::text("api_warehouse_name", "平台仓库名称", "warehouse name on the sales platform"),
    Field::text("outer_yc_owner_code", "外部云仓货主编码", "owner code in an external warehouse"),
    Field::int("type", "类型", "type, not explained by the vendor"),
    Field::int("stock_syn_rule_id", "同步规则策略id", "stock sync rule id"),
    Field::text("stock_syn_rule_no", "同步规则策略编号", "stock sync rule number"),
    Field::text("stock_syn_warehouses", "库存同步的仓库id", "ids of the warehouses counted, joined by commas"),
    Field::int("stock_syn_mask", "库存计算方法的掩码", "bit mask of the stock formula"),
    Field::int("stock_syn_percent", "同步百分比", "share of the stock that is synced").unit("%"),
    Field::decimal("stock_syn_plus", "增加值", "quantity added to the share"),
    Field::decimal("stock_syn_min", "最小同步库存量", "lowest quantity synced"),
    Field::decimal("stock_syn_max", "最大同步", "highest quantity synced"),
    Field::int("mask", "掩码", "bit mask"),
    Field::boolean("is_disable_syn", "是否停止库存同步", "stock sync stopped"),
    Field::decimal("last_syn_num", "最后同步库存量", "quantity of the last sync, -1 for none"),
    Field::decimal("syn_stock", "需要同步库存的量", "quantity to publish"),
];
