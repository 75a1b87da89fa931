//! `setting.Warehouse.queryWarehouse`: the ERP's list of warehouses.

use super::codes::DISABLED;
use crate::{Arguments, Code, Endpoint, Field, Gateway, Method, Paging, Param, ParamKind, Shape, SyncMode};

/// The ERP's list of warehouses.
pub static ENDPOINT: Endpoint = Endpoint {
    dataset: "flagship_warehouses",
    gateway: Gateway::Flagship,
    methods: &[Method {
        name: "setting.Warehouse.queryWarehouse",
        arguments: Arguments::Named,
        // Assumption: the page states no largest page.
        paging: Paging { first: 0, max_size: 100 },
        shape: Shape::list(&[&["data", "details"]], &["data", "total_count"]),
    }],
    doc: "One warehouse as the ERP keeps it on file.",
    source: "vendor page setting.Warehouse.queryWarehouse (仓库查询), flagship edition, client V1.5.8.6 and later",
    notes: &[
        "The platform hides warehouses out of use unless `hide_delete` is 0; a hidden one counts as gone.",
        "The account needs the right to the warehouses: without it the list is empty.",
        "`modified` comes as epoch milliseconds beside `created` as wall time.",
    ],
    params: &[
        Param::optional("warehouse_no", "one warehouse number"),
        Param::optional("warehouse_name", "one warehouse name"),
        Param::of(ParamKind::Int, "type", "one type"),
        Param::of(ParamKind::Int, "sub_type", "one warehouse system"),
        Param::of(ParamKind::Time, "start_time", "earliest last modification"),
        Param::of(ParamKind::Time, "end_time", "latest last modification"),
        Param::of(ParamKind::Int, "hide_delete", "0 gives warehouses out of use as well, 1 (default) hides them"),
    ],
    sync: SyncMode::Slices(&[]),
    full_read: None,
    key: &["warehouse_id"],
    split: None,
    fields: FIELDS,
    report: &[],
};

/// In the vendor page's order, then what only its example shows.
const FIELDS: &[Field] = &[
    Field::int("warehouse_id", "仓库id", "warehouse id").required(),
    Field::text("warehouse_no", "仓库编号", "warehouse number"),
    Field::text("name", "仓库名称", "warehouse name"),
    Field::text("zip", "邮编", "post code").personal(),
    Field::text("address", "地址", "address").personal(),
    Field::text("province", "省份", "province"),
    Field::text("city", "城市", "city"),
    Field::text("district", "区县", "district"),
    Field::text("mobile", "手机", "mobile number").personal(),
    Field::text("remark", "备注", "remark"),
    Field::int("type", "类别", "type").codes(TYPE),
    Field::text("telno", "固话", "telephone number").personal(),
    Field::int("sub_type", "子类别", "warehouse system").codes(SUB_TYPE),
    Field::text("contact", "联系人", "contact person").personal(),
    Field::timestamp("modified", "修改时间", "last modification"),
    Field::boolean("is_disabled", "停用", "out of use").codes(DISABLED),
    Field::timestamp("created", "创建时间", "time the row was created"),
    Field::text("purchase_contact", "采购联系人", "contact person for purchases").personal(),
    Field::text("purchase_telno", "采购联系电话", "telephone number for purchases").personal(),
    Field::text("purchase_address", "采购联系地址", "address for purchases").personal(),
    Field::text("prop1", "自定义属性1", "not explained by the vendor"),
    Field::text("prop2", "自定义属性2", "not explained by the vendor"),
];

const TYPE: &[Code] = &[
    Code::new("1", "普通（内部）", "ordinary"),
    Code::new("2", "自流转", "self-flow"),
    Code::new("3", "平台", "of a sales platform"),
    Code::new("4", "京东沧海", "JD Canghai"),
    Code::new("6", "抖音云仓", "Douyin cloud warehouse"),
    Code::new("125", "代发仓", "drop shipping"),
    Code::new("126", "分销委外", "outsourced to a distributor"),
];

/// Names of warehouse systems; those without an English name of their own in pinyin.
const SUB_TYPE: &[Code] = &[
    Code::new("0", "默认", "default"),
    Code::new("1", "旺店通", "Wangdiantong"),
    Code::new("2", "菜鸟", "Cainiao"),
    Code::new("3", "百世WMS", "Best"),
    Code::new("4", "巨沃", "Juwo"),
    Code::new("5", "心怡WMS", "Xinyi"),
    Code::new("6", "科捷", "Kejie"),
    Code::new("7", "吉客云", "Jikeyun"),
    Code::new("8", "中通WMS", "ZTO"),
    Code::new("9", "通天晓", "Tongtianxiao"),
    Code::new("10", "酷仓宝WMS", "Kucangbao"),
    Code::new("11", "景天WMS", "Jingtian"),
    Code::new("12", "网店管家笛佛WMS", "Wangdian Guanjia Difo"),
    Code::new("13", "九曳WMS", "Jiuye"),
    Code::new("14", "万里牛", "Wanliniu"),
    Code::new("15", "麓客WMS", "Luke"),
    Code::new("16", "青图WMS(ERP)", "Qingtu"),
    Code::new("17", "安鲜达WMS", "Anxianda"),
    Code::new("18", "顺丰WMS", "SF"),
    Code::new("19", "苏宁WMS", "Suning"),
    Code::new("20", "雅澳E", "Ya'ao E"),
    Code::new("21", "EMS", "EMS"),
    Code::new("22", "递四方", "4PX"),
    Code::new("23", "中邮WMS", "China Post"),
    Code::new("24", "云腾WMS", "Yunteng"),
    Code::new("25", "天图WMS", "Tiantu"),
    Code::new("26", "但丁WMS", "Danding"),
    Code::new("27", "e仓宝", "E-Cangbao"),
    Code::new("28", "仓卫士", "Cangweishi"),
    Code::new("29", "山橙WMS", "Shancheng"),
    Code::new("30", "橙蚁WMS", "Chengyi"),
    Code::new("31", "中山邮政WMS", "Zhongshan Post"),
    Code::new("32", "赢路WMS", "Yinglu"),
    Code::new("33", "无忧WMS", "Wuyou"),
    Code::new("34", "筋斗云WMS", "Jindouyun"),
    Code::new("35", "韵达WMS", "Yunda"),
    Code::new("36", "GEEK", "GEEK"),
];
