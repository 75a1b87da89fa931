//! `setting.Shop.queryShop`: the ERP's list of shops.

use super::codes::DISABLED;
use crate::{Arguments, Code, Endpoint, Field, Gateway, Method, Paging, Param, ParamKind, Shape, SyncMode};

/// The ERP's list of shops.
pub static ENDPOINT: Endpoint = Endpoint {
    dataset: "flagship_shops",
    gateway: Gateway::Flagship,
    methods: &[Method {
        name: "setting.Shop.queryShop",
        arguments: Arguments::Named,
        // Assumption: the page states no largest page.
        paging: Paging { first: 0, max_size: 100 },
        shape: Shape::list(&[&["data", "details"]], &["data", "total_count"]),
    }],
    doc: "One shop on a sales platform as the ERP keeps it on file.",
    source: "vendor page setting.Shop.queryShop (店铺查询), flagship edition, client V1.4.4.7 and later",
    notes: &[
        "The account needs the right to the shops: without it the list is empty.",
        "`auth_state`, `expire_time` and `re_expire_time` tell when a shop's authorisation has to be renewed.",
    ],
    params: &[
        Param::optional("shop_no", "one shop number"),
        Param::of(ParamKind::Int, "platform_id", "one sales platform"),
    ],
    sync: SyncMode::Slices(&[]),
    full_read: None,
    key: &["shop_id"],
    split: None,
    fields: FIELDS,
    report: &[],
};

/// In the vendor page's order.
const FIELDS: &[Field] = &[
    Field::int("shop_id", "店铺id", "shop id").required(),
    Field::text("shop_name", "店铺名称", "shop name"),
    Field::text("shop_no", "店铺编号", "shop number"),
    Field::int("platform_id", "平台id", "sales platform id"),
    Field::int("sub_platform_id", "子平台id", "id of the part of the sales platform"),
    Field::text("contact", "联系人", "contact person").personal(),
    Field::text("province", "省份", "province"),
    Field::text("city", "城市", "city"),
    Field::text("district", "区县", "district"),
    Field::text("address", "地址", "address").personal(),
    Field::text("telno", "电话", "telephone number").personal(),
    Field::text("mobile", "手机", "mobile number").personal(),
    Field::text("zip", "邮编", "post code").personal(),
    Field::text("email", "Email", "mail address").personal(),
    Field::text("remark", "备注", "remark"),
    Field::text("website", "网址", "web address"),
    Field::text("group_id", "分组", "group"),
    Field::text("account_id", "平台的主键", "shop id on the sales platform, empty where it sends none"),
    Field::boolean("is_disabled", "停用", "out of use").codes(DISABLED),
    Field::int("auth_state", "授权状态", "authorisation").codes(&[
        Code::new("0", "未授权", "not authorised"),
        Code::new("1", "已授权", "authorised"),
        Code::new("2", "授权失效", "run out"),
        Code::new("3", "授权停用", "stopped"),
    ]),
    Field::timestamp("auth_time", "授权时间", "time of the authorisation"),
    Field::timestamp("re_expire_time", "refresh_token过期时间", "time the refresh token runs out"),
    Field::timestamp("modified", "修改时间", "last modification"),
    Field::timestamp("expire_time", "session过期时间", "time the session runs out"),
    Field::timestamp("created", "创建时间", "time the row was created"),
];
