//! `goods.ApiGoods.search`: goods as the shops on the sales platforms list them.

use super::codes::{DELETED, GOODS_STATUS, HOLD_STOCK_TYPE, MATCH_TARGET, TRUE_FALSE};
use crate::{Arguments, Code, Cursor, Endpoint, Field, Gateway, Method, Paging, Param, Shape, Split, SyncMode};

/// Goods as the shops on the sales platforms list them.
pub static ENDPOINT: Endpoint = Endpoint {
    dataset: "flagship_goods",
    gateway: Gateway::Flagship,
    methods: &[Method {
        name: "goods.ApiGoods.search",
        arguments: Arguments::Named,
        // The page states no largest page; 100 is what clients ask for.
        paging: Paging { first: 0, max_size: 100 },
        shape: Shape::list(&[&["data", "goods_list"]], &["data", "total_count"]),
    }],
    doc: "One SKU as a shop on a sales platform lists it, and the ERP goods it is matched to.",
    source: "vendor page goods.ApiGoods.search (平台货品查询), flagship edition, client V1.4.4.7 and later",
    notes: &[
        "The platform leaves out the goods of Taobao and Tmall (淘系), Pinduoduo (拼多多) and the ERP's own supply network (系统供销): for their sellers the table is incomplete.",
        "The account needs the right to the shops.",
        "Deleted rows stay, with `is_deleted` 1 (by the sales platform) or 2 (by hand).",
        "`rec_id` is what the dataset `flagship_stock_sync` asks for, of rows with `platform_id` 127.",
        "`hold_stock_type` may hold 0, which the vendor page does not list.",
    ],
    params: &[
        Param::optional("shop_no", "one shop; without it all shops are read"),
        Param::optional("goods_id", "one goods id on the sales platform"),
        Param::optional("spec_id", "one SKU id on the sales platform"),
    ],
    // Both ends may be part of the window: 30 days of seconds are one second less from end to end.
    sync: SyncMode::Incremental(Cursor {
        field: "modified",
        start_param: "start_time",
        end_param: "end_time",
        max_seconds: 30 * 86_400 - 1,
    }),
    full_read: None,
    key: &["rec_id"],
    split: Some(Split { param: "shop_no", field: "shop_no" }),
    fields: FIELDS,
    report: &[],
};

/// In the vendor page's order, then what newer editions of the page add, then what only its example shows. None is
/// volatile: nothing says that the platform keeps its sync counters without moving `modified`.
const FIELDS: &[Field] = &[
    Field::int("rec_id", "平台货品唯一键", "id of the row").required(),
    Field::int("shop_id", "店铺id", "shop id"),
    Field::text("shop_no", "店铺编号", "shop number"),
    Field::text("shop_name", "店铺名称", "shop name"),
    Field::text("goods_name", "货品名称", "goods name on the sales platform"),
    Field::text("spec_name", "规格名称", "SKU name on the sales platform"),
    Field::text("spec_outer_id", "平台规格编码", "merchant code of the SKU on the sales platform"),
    Field::text("outer_id", "平台货品编号", "merchant code of the goods on the sales platform"),
    Field::text("goods_id", "货品ID", "goods id on the sales platform"),
    Field::text("spec_id", "规格ID", "SKU id on the sales platform"),
    Field::int("is_deleted", "活动状态", "deletion: 0 none, 1 by the sales platform, 2 by hand").codes(DELETED),
    Field::decimal("price", "价格", "price on the sales platform"),
    Field::decimal("stock_num", "平台库存", "stock of the SKU on the sales platform"),
    Field::int("status", "状态", "status: 0 deleted, 1 on shelf, 2 off shelf").codes(GOODS_STATUS),
    Field::int("is_auto_match", "自动匹配", "match: 1 automatic, 0 by hand")
        .codes(&[Code::new("0", "手动匹配", "by hand"), Code::new("1", "自动匹配", "automatic")]),
    Field::int("match_target_type", "系统货品", "matched to: 0 nothing, 1 an SKU, 2 a suite").codes(MATCH_TARGET),
    Field::int("platform_id", "平台id", "sales platform id"),
    Field::decimal("hold_stock", "占用库存", "quantity held"),
    Field::int("hold_stock_type", "占用方式", "stock is taken: 1 on order, 2 on payment").codes(HOLD_STOCK_TYPE),
    Field::boolean("is_auto_listing", "自动上架", "goes on shelf by itself").codes(TRUE_FALSE),
    Field::boolean("is_auto_delisting", "自动下架", "goes off shelf by itself").codes(TRUE_FALSE),
    Field::timestamp("modified", "最后修改时间", "last modification in the ERP").required(),
    Field::text("merchant_no", "系统商家编码", "ERP code of the SKU or suite it is matched to"),
    Field::text("merchant_name", "系统货品名称", "ERP name of the SKU or suite it is matched to"),
    Field::text("merchant_code", "系统规格码", "ERP specification code, empty for a suite"),
    Field::text("cid", "平台类目id", "category on the sales platform"),
    Field::text("match_code", "自动匹配的商家编码", "merchant code of an automatic match"),
    Field::int("match_target_id", "系统货品id", "ERP id of the SKU or suite it is matched to"),
    Field::text("barcode", "平台条码信息", "barcodes on the sales platform, joined by commas"),
    Field::text("spec_code", "平台规格码", "specification code on the sales platform"),
    Field::text("spec_sku_properties", "平台sku属性串", "SKU properties on the sales platform"),
    Field::timestamp("created", "创建时间", "time the row was created"),
    // Declared int, unlike its namesake on the enterprise gateway, where it is a unix timestamp: kept as it comes.
    Field::int("disable_syn_until", "后台信息同步库存", "mark of the stock sync in the background"),
    Field::text("disabled_reason", "停止同步原因", "why sync is stopped"),
    Field::decimal("last_syn_num", "最后同步库存量", "quantity of the last sync, -1 for none"),
    Field::int("brand_id", "品牌id", "brand id"),
    Field::boolean("is_disable_syn", "是否停止库存同步", "stock sync stopped"),
    Field::text("pic_url", "图片url", "address of the picture"),
    Field::int("stock_change_count", "库存变化时自增量", "counter of stock changes"),
    Field::int("flag_id", "标记id", "id of the flag"),
    Field::text("flag_name", "标记名称", "name of the flag"),
    Field::text("goods_no", "货品编号", "ERP goods number"),
    Field::text("stock_syn_rule_no", "同步规则策略编号", "stock sync rule number"),
    Field::int("stock_syn_mask", "库存计算方法的掩码", "bit mask of the stock formula"),
    Field::int("stock_syn_percent", "同步百分比", "share of the stock that is synced").unit("%"),
    Field::decimal("stock_syn_plus", "增加值", "quantity added to the share"),
    Field::decimal("stock_syn_min", "最小同步库存量", "lowest quantity synced"),
    Field::timestamp("list_time", "定时上架时间", "time planned to go on shelf"),
    Field::timestamp("delist_time", "定时下架时间", "time planned to go off shelf"),
    Field::timestamp("last_syn_time", "最后同步时间", "last sync"),
];
