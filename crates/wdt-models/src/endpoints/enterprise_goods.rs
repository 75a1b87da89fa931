//! `vip_api_goods_query.php`: goods as the shops on the sales platforms list them.
//!
//! Types follow the vendor page: ids, masks and counters declared as text stay text. Amounts of stock are decimals even
//! where the page says int or text.

use super::codes::{DELETED, GOODS_STATUS, HOLD_STOCK_TYPE, MATCH_TARGET, YES_NO};
use crate::{Arguments, Code, Cursor, Endpoint, Field, Gateway, Method, Paging, Param, Shape, Split, SyncMode};

/// Goods as the shops on the sales platforms list them.
pub static ENDPOINT: Endpoint = Endpoint {
    dataset: "enterprise_goods",
    gateway: Gateway::Enterprise,
    methods: &[Method {
        name: "vip_api_goods_query.php",
        arguments: Arguments::Named,
        paging: Paging { first: 0, max_size: 100 },
        shape: Shape::list(&[&["goods_list"]], &["total_count"]),
    }],
    doc: "One SKU as a shop on a sales platform lists it, and the ERP goods it is matched to.",
    source: "vendor page vip_api_goods_query.php (查询平台货品), enterprise edition, client V2.4.5.0 and later",
    notes: &[
        "The platform leaves out the rows of Taobao and Tmall shops: for their sellers the table is incomplete.",
        "The call is an add-on that the vendor charges for.",
        "Deleted rows stay, with `is_deleted` 1 (by the sales platform) or 2 (by hand).",
        "`merchant_code` holds the name of the ERP's specification, not a code.",
        "`hold_stock_type` may hold 0, which the vendor page does not list.",
    ],
    params: &[Param::optional("shop_no", "one shop; without it all shops are read")],
    // Both ends are part of the window: 30 days of seconds are one second less from end to end.
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

/// In the vendor page's order. None is volatile: the page has no day counter and no amount derived when asked, and
/// nothing says that the platform keeps its sync counters without moving `modified`.
const FIELDS: &[Field] = &[
    Field::int("rec_id", "表主键", "id of the row").required(),
    Field::text("shop_no", "店铺编号", "shop number"),
    Field::text("shop_name", "店铺名称", "shop name"),
    Field::int("platform_id", "平台id", "sales platform id"),
    Field::text("api_goods_id", "平台货品id", "goods id on the sales platform"),
    Field::text("api_spec_id", "平台规格id", "SKU id on the sales platform"),
    Field::text("api_goods_name", "平台货品名称", "goods name on the sales platform"),
    Field::text("api_spec_name", "平台规格名称", "SKU name on the sales platform"),
    Field::timestamp("modified", "最后修改时间", "last modification").required(),
    // The page gives neither a label nor a type, only this remark.
    Field::text("api_spec_no", "无意义,可忽略", "no meaning, may be ignored"),
    Field::text("outer_id", "平台货品编码", "merchant code of the goods on the sales platform"),
    Field::text("spec_outer_id", "平台规格编码", "merchant code of the SKU on the sales platform"),
    Field::decimal("stock_num", "平台库存", "stock of the SKU on the sales platform"),
    Field::decimal("price", "价格", "retail price on the sales platform"),
    Field::text("cid", "类目", "category on the sales platform"),
    Field::text("pic_url", "图片链接", "address of the picture"),
    Field::int("shop_id", "店铺id", "shop id"),
    Field::text("spec_code", "平台规格码", "specification code on the sales platform"),
    Field::text(
        "spec_sku_properties",
        "平台sku属性串",
        "SKU properties on the sales platform, id:id pairs joined by ;",
    ),
    Field::text("barcode", "条码", "barcodes on the sales platform, joined by commas"),
    Field::text("match_code", "匹配编码", "merchant code of an automatic match"),
    Field::text("brand_id", "品牌id", "brand id"),
    Field::text("outer_code", "外部编码", "code computed from both merchant codes"),
    Field::timestamp("created", "创建时间", "time the row was created"),
    Field::int("is_manual_match", "是否手动匹配", "match: 0 automatic, 1 by hand, 2 bound to Cainiao").codes(&[
        Code::new("0", "自动匹配", "automatic"),
        Code::new("1", "手动匹配", "by hand"),
        Code::new("2", "绑定到菜鸟联盟", "bound to Cainiao"),
    ]),
    Field::text("class_id_path", "分类", "class path"),
    Field::text("stock_syn_rule_id", "同步规则策略id", "stock sync rule id: 0 set by hand, -1 none matches").codes(&[
        Code::new("0", "手工设置的个性化策略", "set by hand"),
        Code::new("-1", "没有任何匹配上任何库存同步规则", "no rule matches"),
    ]),
    Field::text("stock_syn_rule_no", "同步规则策略编号", "stock sync rule number"),
    Field::text("stock_syn_mask", "库存计算方法的掩码", "bit mask of the stock formula"),
    Field::text("stock_syn_percent", "同步百分比", "share of the stock that is synced").unit("%"),
    Field::decimal("stock_syn_plus", "百分比附加值", "quantity added to the share"),
    Field::decimal("stock_syn_min", "最小同步库存量", "lowest quantity synced"),
    Field::int("is_disable_syn", "是否停止库存同步", "stock sync stopped"),
    Field::text("disable_syn_until", "后台信息同步库存", "time until which sync is stopped").unit("unix timestamp"),
    Field::text("disabled_reason", "停止同步原因", "why sync is stopped"),
    Field::decimal("last_syn_num", "最后同步库存量", "quantity of the last sync"),
    Field::timestamp("last_syn_time", "最后同步时间", "last sync"),
    Field::timestamp("list_time", "定时上架时间", "time planned to go on shelf"),
    Field::timestamp("delist_time", "定时下架时间", "time planned to go off shelf"),
    Field::int("is_stock_changed", "库存是否发生变化", "stock changed since the last sync"),
    Field::text("stock_change_count", "库存变化时自增量", "counter of stock changes"),
    Field::int("is_update", "是否更新", "row was just updated"),
    Field::text("modify_flag", "修改标记", "modification flag: 1 merchant code changed").codes(&[Code::new(
        "1",
        "商家编码变化",
        "merchant code changed",
    )]),
    Field::text("flag_id", "标记id", "id of the flag set by hand"),
    Field::text("mask", "掩码", "bit mask: 1 delayed, 2 value computed for suites, 4 sync from several warehouses")
        .codes(&[
            Code::new("1", "临时延时", "delayed for now"),
            Code::new("2", "组合装同步多仓库总库存计算的虚拟值", "value computed for suites over several warehouses"),
            Code::new("4", "多仓库存同步", "sync from several warehouses"),
        ]),
    // Declared as text, yet an amount of stock like its lower sibling.
    Field::decimal("stock_syn_max", "最大同步库存", "highest quantity synced"),
    Field::text("reserve_s", "阿里巴巴区别1688|lst", "tells 1688 from lst on Alibaba"),
    Field::int("is_deleted", "活动状态", "deletion: 0 none, 1 by the sales platform, 2 by hand").codes(DELETED),
    // Declared int, yet the vendor's example shows four places.
    Field::decimal("hold_stock", "占用库存", "quantity held"),
    Field::int("hold_stock_type", "占用方式", "stock is taken: 1 on order, 2 on payment").codes(HOLD_STOCK_TYPE),
    Field::int("is_auto_listing", "自动上架", "goes on shelf by itself: 0 no, 1 yes").codes(YES_NO),
    Field::int("is_auto_delisting", "自动下架", "goes off shelf by itself: 0 no, 1 yes").codes(YES_NO),
    Field::int("status", "状态", "status: 0 deleted, 1 on shelf, 2 off shelf").codes(GOODS_STATUS),
    Field::int("match_target_type", "匹配类型", "matched to: 0 nothing, 1 an SKU, 2 a suite").codes(MATCH_TARGET),
    Field::text("merchant_no", "系统商家编码", "ERP code of the SKU or suite it is matched to"),
    Field::text("match_target_id", "系统商家编码主键", "ERP id of the SKU or suite it is matched to"),
    Field::text("merchant_name", "系统货品名称", "ERP name of the goods or suite it is matched to"),
    Field::text("merchant_code", "系统规格名称", "ERP name of the specification, empty for a suite"),
];
