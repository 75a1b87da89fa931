//! `taobao.wlb.wms.inventory.query`: stock in Cainiao warehouses.
//!
//! The call has no window and no column that orders change: each slice is read as a whole.

use crate::{Arguments, Code, Dimension, Endpoint, Field, Gateway, Method, Paging, Param, ParamKind, Shape, SyncMode};

/// Stock in Cainiao warehouses.
pub static ENDPOINT: Endpoint = Endpoint {
    dataset: "cainiao_inventory",
    gateway: Gateway::Top,
    methods: &[Method {
        name: "taobao.wlb.wms.inventory.query",
        arguments: Arguments::Named,
        paging: Paging { first: 1, max_size: 50 },
        shape: Shape {
            records: &[&["item_list", "wms_inventory_query_itemlist"]],
            total: &["total_count"],
            wrapped_in: Some("item"),
            refused: &[],
            single: false,
        },
    }],
    doc: "Stock of one item in one Cainiao warehouse, as a sum, by batch or by sales channel.",
    source: "vendor page taobao.wlb.wms.inventory.query (菜鸟商品库存查询), Taobao open platform",
    notes: &[
        "Rows of different `type` show the same stock in different cuts: never add them together.",
        "Batches and channels do not stand side by side: rows by batch have no channel, rows by channel no batch.",
        "Whether frozen stock (`inventory_type` 201) is a part of good stock (1) is not documented: do not add them.",
        "`quantity` seems to include `lock_quantity`.",
        "`item_id` is Cainiao's own item id, not the id of a listing in a shop.",
    ],
    params: &[
        Param::optional("item_id", "one item; without it all items are read"),
        Param::optional("batch_code", "one batch, for type 2"),
        Param::of(ParamKind::Time, "produce_date", "one date of production, for type 2"),
        Param::of(ParamKind::Time, "due_date", "one date of expiry, for type 2"),
        Param::optional("channel_code", "one channel, TB or OTHERS, for type 3"),
        Param::of(ParamKind::Boolean, "simplify", "true asks for a flatter answer, which changes its form only"),
    ],
    sync: SyncMode::Slices(&[
        Dimension { name: "store_code", setting: "stores", values: &[], default: &[], en: "warehouse codes" },
        Dimension {
            name: "type",
            setting: "types",
            values: &["1", "2", "3"],
            default: &["1"],
            en: "cuts of the stock: 1 sum, 2 by batch, 3 by channel",
        },
        Dimension {
            name: "inventory_type",
            setting: "inventory_types",
            values: INVENTORY_TYPES,
            default: INVENTORY_TYPES,
            en: "states of the stock: 1 good, 101 defective, 102 and 103 damaged, 201 frozen, 301 on its way",
        },
    ]),
    full_read: None,
    key: &["store_code", "type", "inventory_type", "item_id", "batch_code", "produce_date", "due_date", "channel_code"],
    split: None,
    fields: FIELDS,
    report: &[],
};

const INVENTORY_TYPES: &[&str] = &["1", "101", "102", "103", "201", "301"];

/// First the column that the answer does not repeat, then the response members in the vendor page's order.
const FIELDS: &[Field] = &[
    Field::int("type", "库存查询类型", "cut of the stock: 1 sum, 2 by batch, 3 by channel").required().codes(&[
        Code::new("1", "汇总库存", "sum"),
        Code::new("2", "批次库存", "by batch"),
        Code::new("3", "渠道库存", "by channel"),
    ]),
    Field::decimal("lock_quantity", "锁库存数量", "locked quantity"),
    Field::decimal("quantity", "库存数量", "quantity"),
    Field::timestamp("due_date", "失效日期", "expiry, for type 2"),
    Field::timestamp("produce_date", "生产日期", "production, for type 2"),
    Field::text("batch_code", "库存批次号", "batch, for type 2"),
    Field::text("channel_code", "渠道编码", "sales channel, for type 3")
        .codes(&[Code::new("TB", "淘系", "Taobao and Tmall"), Code::new("OTHERS", "其他", "others")]),
    Field::int("inventory_type", "库存类型", "state of the stock").required().codes(&[
        Code::new("1", "正品", "good"),
        Code::new("101", "残次", "defective"),
        Code::new("102", "机损", "damaged by machine"),
        Code::new("103", "箱损", "damaged carton"),
        Code::new("201", "冻结库存", "frozen"),
        Code::new("301", "在途库存", "on its way"),
    ]),
    Field::text("item_id", "商品ID", "Cainiao item id").required(),
    Field::text("store_code", "仓库编码", "warehouse code").required(),
];
