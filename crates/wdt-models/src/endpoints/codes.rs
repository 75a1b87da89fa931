//! Code lists that several vendor pages share.

use crate::Code;

/// Whether a SKU may be traded.
pub(super) const SKU_STATUS: &[Code] =
    &[Code::new("0", "未启用", "not enabled"), Code::new("1", "启用", "enabled"), Code::new("2", "停用", "stopped")];

/// Whose system runs a warehouse; every other value is an external one.
pub(super) const WAREHOUSE_TYPE: &[Code] = &[Code::new("0", "普通", "ordinary")];

/// Where goods of a sales platform stand.
pub(super) const GOODS_STATUS: &[Code] =
    &[Code::new("0", "删除", "deleted"), Code::new("1", "在架", "on shelf"), Code::new("2", "下架", "off shelf")];

/// Who deleted goods of a sales platform.
pub(super) const DELETED: &[Code] = &[
    Code::new("0", "正常货品", "not deleted"),
    Code::new("1", "平台删除", "deleted by the sales platform"),
    Code::new("2", "手工删除", "deleted by hand"),
];

/// When a sales platform takes stock.
pub(super) const HOLD_STOCK_TYPE: &[Code] =
    &[Code::new("1", "拍下减库存", "taken on order"), Code::new("2", "付款减库存", "taken on payment")];

/// What goods of a sales platform are matched to in the ERP.
pub(super) const MATCH_TARGET: &[Code] =
    &[Code::new("0", "未指定", "nothing"), Code::new("1", "单品", "an SKU"), Code::new("2", "组合装", "a suite")];

/// A yes or no sent as a number.
pub(super) const YES_NO: &[Code] = &[Code::new("0", "否", "no"), Code::new("1", "是", "yes")];

/// A yes or no sent as a boolean.
pub(super) const TRUE_FALSE: &[Code] = &[Code::new("false", "否", "no"), Code::new("true", "是", "yes")];

/// Whether a warehouse or a shop is out of use.
pub(super) const DISABLED: &[Code] =
    &[Code::new("false", "未停用", "in use"), Code::new("true", "已停用", "out of use")];
