//! `stock_query_detail.php`: stock per SKU and warehouse.
//!
//! Types follow the vendor page, with one change: an amount of stock is a decimal even where the page says int.

use super::codes::{SKU_STATUS, WAREHOUSE_TYPE};
use crate::time::Seconds;
use crate::{
    Arguments, Cursor, Endpoint, Field, FullRead, Gateway, Hours, Method, Paging, Param, Shape, Split, SyncMode,
};

/// Stock per SKU and warehouse.
pub static ENDPOINT: Endpoint = Endpoint {
    dataset: "enterprise_stock",
    gateway: Gateway::Enterprise,
    methods: &[Method {
        name: "stock_query_detail.php",
        arguments: Arguments::Named,
        paging: Paging { first: 0, max_size: 100 },
        shape: Shape::list(&[&["stocks"]], &["total_count"]),
    }],
    doc: "Stock on hand, held back and on its way of one SKU in one warehouse.",
    source: "vendor page stock_query_detail.php (库存详情查询), enterprise edition, client V2.4.6.6 and later",
    notes: &[
        "`stock_num` is what lies in the warehouse; `avaliable_num` is what can still be sold.",
        "The answer has no flag for a deleted SKU: it is found by a full compare only.",
        "`rec_id` is documented as the primary key but missing from the vendor's example, so it is not part of the key.",
        "SKU and warehouse codes can be edited by users; the ids of the key cannot.",
        "An entry of `details` has no id of its own; the list belongs to its row as a whole.",
        "`return_exch_num` and `return_onway_num` mean purchase exchange in other editions of the ERP.",
        "`brand_name` comes from ERP V2.3.8.4 and later only.",
    ],
    params: &[
        Param::optional("warehouse_no", "one warehouse; without it all warehouses are read"),
        Param::optional("spec_no", "one SKU; the platform then ignores the window"),
        Param::optional("barcode", "one barcode; the platform then ignores the window"),
        Param::optional("is_deleted", "1 leaves out deleted rows; anything else gives both"),
        Param::optional("is_all", "1 lifts the limit of 30 days, in hours the platform restricts"),
    ],
    // Both ends are part of the window: 30 days of seconds are one second less from end to end.
    sync: SyncMode::Incremental(Cursor {
        field: "modified",
        start_param: "start_time",
        end_param: "end_time",
        max_seconds: 30 * 86_400 - 1,
    }),
    full_read: Some(FULL_READ),
    key: &["spec_id", "warehouse_id"],
    split: Some(Split { param: "warehouse_no", field: "warehouse_no" }),
    fields: FIELDS,
    report: &[],
};

/// The page says that the flag lifts the 30 days, and that there are times for it, but not which: assumed are those of the
/// platform's other full reads. The window is sent all the same, because no page says that it may be left out. It begins
/// on 2000-01-01 in China, before there was such an ERP.
const FULL_READ: FullRead =
    FullRead { param: "is_all", value: "1", from: Seconds(946_656_000), hours: Some(Hours { from: 0, to: 2 }) };

/// In the vendor page's order. Volatile are the two counters of a day, which fall back to zero at midnight without an
/// edit, and the amount available, which the platform derives from the others when asked.
const FIELDS: &[Field] = &[
    Field::int("spec_id", "单品主键id", "SKU id").required(),
    Field::text("goods_no", "货品编号", "goods number (SPU)"),
    Field::text("brand_no", "品牌编号", "brand number"),
    Field::text("brand_name", "品牌名称", "brand name"),
    Field::text("goods_name", "货品名称", "goods name (SPU)"),
    Field::text("spec_no", "商家编码", "merchant code of the SKU"),
    Field::text("spec_name", "规格名称", "SKU name"),
    Field::text("spec_code", "规格码", "SKU specification code"),
    Field::text("barcode", "条形码", "barcode"),
    Field::int("warehouse_id", "仓库主键id", "warehouse id").required(),
    Field::text("warehouse_no", "仓库编号", "warehouse number"),
    Field::text("warehouse_name", "仓库名称", "warehouse name"),
    Field::int("warehouse_type", "仓库类型", "warehouse type: 0 own, others an external warehouse system")
        .codes(WAREHOUSE_TYPE),
    Field::decimal("stock_num", "库存量", "quantity on hand"),
    Field::decimal("lock_num", "锁定量", "locked quantity"),
    Field::int("rec_id", "主键", "id of the stock row"),
    Field::timestamp("created", "创建时间", "time the row was created"),
    Field::text("spec_wh_no2", "单品仓库编码", "SKU code in the warehouse, normally empty"),
    Field::decimal("wms_reserve_num", "委外出库库存占用量", "held for outsourced outbound orders"),
    Field::int("status", "状态", "status: 0 not enabled, 1 enabled, 2 stopped").codes(SKU_STATUS),
    Field::decimal("stock_today_num", "今日销量", "quantity sold today").volatile(),
    Field::decimal("stock_diff", "成本误差", "cost difference, used up by the next outbound"),
    Field::int("unit", "辅助单位", "id of the auxiliary unit"),
    Field::decimal("safe_stock1", "最大警戒库存", "highest alert stock, computed from the highest alert days"),
    Field::decimal("safe_stock2", "最小警戒库存", "lowest alert stock"),
    Field::decimal("safe_stock3", "最大警戒库存", "highest alert stock"),
    Field::int("alarm_type", "警戒库存类型", "type of alert stock"),
    Field::int("alarm_days", "警戒库存计算天数", "days the alert stock is computed from").unit("days"),
    Field::int("alarm_days1", "最大警戒天数", "highest alert days").unit("days"),
    Field::int("sales_rate_type", "销售增长率类型", "type of sales growth rate"),
    Field::decimal("sales_rate", "销售增长率", "sales growth rate"),
    Field::decimal("sales_rate_cycle", "销售周期", "sales cycle"),
    Field::decimal("sales_fixrate", "固定月销售增长率", "fixed monthly sales growth rate"),
    Field::int("flag_id", "颜色标记", "id of the colour flag"),
    Field::int("default_position_id", "默认入库货位", "id of the default inbound bin"),
    Field::int("last_position_id", "最后一次入库货位", "id of the last inbound bin"),
    Field::timestamp("last_pd_time", "上次盘点时间", "last stocktake"),
    Field::timestamp("last_inout_time", "上次出入库时间", "last stock movement"),
    Field::timestamp("last_sales_time", "最后销售时间", "last sale"),
    Field::text("remark", "备注", "remark"),
    Field::decimal("unpay_num", "未付款量", "ordered, not paid"),
    Field::decimal("subscribe_num", "预订单量", "pre-ordered"),
    Field::decimal("order_num", "待审核量", "waiting for review"),
    Field::decimal("sending_num", "待发货量", "waiting for shipment"),
    // The page drops the second character of the label.
    Field::decimal("purchase_num", "采购在途量", "purchased, on its way"),
    Field::decimal("transfer_num", "调拨在途量", "transferred, on its way"),
    Field::decimal("to_transfer_num", "待调拨量", "waiting for transfer"),
    Field::decimal("to_purchase_num", "待采购量", "waiting for purchase"),
    Field::decimal("purchase_arrive_num", "采购到货量", "purchased, arrived"),
    Field::decimal("return_num", "采购退货量", "returned to suppliers"),
    Field::decimal("return_exch_num", "委外出库占用量", "held for outsourced outbound"),
    Field::decimal("return_onway_num", "委外在途量", "outsourced, on its way"),
    Field::decimal("refund_num", "销售退货量", "returned by customers"),
    Field::decimal("process_onway_num", "生产在途量", "in production, on its way"),
    Field::decimal("refund_onway_num", "销售退货在途量", "returned by customers, on its way"),
    Field::decimal("part_paid_num", "部分付款库存", "ordered, partly paid"),
    Field::decimal("neg_stockout_num", "负库存出库量", "shipped on negative stock"),
    Field::decimal("today_num", "今日销量", "quantity sold today").volatile(),
    Field::decimal("safe_stock", "警戒库存", "alert stock"),
    Field::text("spec_wh_no", "外部WMS中的编码", "SKU code in the external warehouse system"),
    Field::decimal("wms_sync_stock", "外部WMS同步时库存", "stock in the external warehouse system at the last sync"),
    Field::decimal(
        "wms_preempty_stock",
        "外部WMS同步时占用库存",
        "held in the external warehouse system at the last sync",
    ),
    Field::decimal("wms_stock_diff", "外部WMS同步时,与系统库存的差", "difference to the ERP's stock at the last sync"),
    Field::timestamp("wms_sync_time", "与外部WMS同步时间", "last sync with the external warehouse system"),
    Field::decimal("cost_price", "成本价", "cost price"),
    Field::decimal("weight", "重量", "weight"),
    Field::text("img_url", "商品图片url", "address of the picture"),
    Field::timestamp("modified", "最后修改时间", "last modification").required(),
    Field::decimal("avaliable_num", "可发库存", "quantity free to ship").alias("available_num").volatile(),
    Field::list("details", "库存详情", "stock by bin, batch and expiry", DETAILS),
];

const DETAILS: &[Field] = &[
    Field::int("stock_spec_id", "库存主单id", "id of the stock row it belongs to"),
    Field::text("spec_no", "商家编码", "merchant code of the SKU"),
    Field::text("position_no", "货位编码", "bin code"),
    Field::text("batch_no", "批次编码", "batch code"),
    Field::timestamp("expire_date", "有效期", "expiry"),
    // Declared int, yet a part of the row's own quantity, which has four places.
    Field::decimal("stock_num", "库存数量", "quantity of the bin, batch and expiry"),
];
