//! What the gateway refuses, with which code and in which order.
//!
//! The vendor's own error page is not public. Certain are only [`WINDOW_TOO_WIDE`] and its message (both vendor pages)
//! and, from several clients, [`TOO_OFTEN`]. Assumed are:
//!
//! - The order: the system parameters are there, none is empty or given twice, account, signature, time, call limit,
//!   then the business parameters. Calls refused before the limit are not counted against it, nor are those it refuses.
//! - The other codes: 1 ("parameter fault") where its message can tell, 2060 for an unknown app key, 2310 for an
//!   unknown shop (documented for other methods), 100 for the clock and for `is_all` outside its hours.
//! - Parameters nobody knows are ignored but signed, as one client's `format=json` suggests. Parameters in the query
//!   string are not read. Empty parameters are refused.
//! - A window may span 30 days from end to end, though with both ends in it that is one second more than the documented
//!   example. `spec_no` and `barcode` switch the window off; `warehouse_no` alone means the last hour; nothing at all
//!   is refused; `is_all=1` needs no window and works from 00:00 to 02:00 in China.
//! - `is_deleted` changes nothing: deleted rows are gone.
//! - HTTP: a business error has status 200; answers are `text/html`, as PHP sends when told nothing; another path is
//!   404, another verb 405.

use wdt_models::time::format_wall_time;

/// Code of parameters that are missing, malformed or out of range, of an unknown sid and of a wrong signature.
pub const BAD_PARAMETER: i64 = 1;
/// Code of a timestamp too far from the platform's clock, and of a full read outside its hours.
pub const APPLICATION_ERROR: i64 = 100;
/// Code of a call beyond the limit.
pub const TOO_OFTEN: i64 = 1012;
/// Code of an app key the sid does not have.
pub const UNKNOWN_APP_KEY: i64 = 2060;
/// Code of a window longer than 30 days.
pub const WINDOW_TOO_WIDE: i64 = 2104;
/// Code of a shop that does not exist.
pub const UNKNOWN_SHOP: i64 = 2310;

/// A platform error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: i64,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn parameter(message: impl Into<String>) -> Self {
        Self::new(BAD_PARAMETER, message)
    }

    pub(crate) fn missing(name: &str) -> Self {
        Self::parameter(format!("缺少参数{name}"))
    }

    pub(crate) fn clock(now: i64) -> Self {
        Self::new(APPLICATION_ERROR, format!("时间戳超出允许误差5分钟,服务器时间{}", format_wall_time(now)))
    }

    pub(crate) fn too_often(per_minute: u32) -> Self {
        Self::new(TOO_OFTEN, format!("超过每分钟最大调用频率限制,请保持1分钟内{per_minute}次的频率"))
    }

    pub(crate) fn window_too_wide() -> Self {
        Self::new(WINDOW_TOO_WIDE, "start_time与end_time时间跨度不能超过最大范围 30天")
    }
}
