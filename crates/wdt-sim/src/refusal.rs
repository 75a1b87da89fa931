//! What the gateways refuse, with which code and in which order, and what of that is assumed.
//!
//! On all of them a business error has status 200, another path is 404 and another verb 405. Calls refused before the
//! call limit are not counted against it, nor are those it refuses.
//!
//! # Enterprise
//!
//! The vendor's own error page is not public. Certain are only [`WINDOW_TOO_WIDE`] and its message (both vendor pages)
//! and, from several clients, [`TOO_OFTEN`]. Assumed are:
//!
//! - The order: the system parameters are there, none is empty or given twice, account, signature, time, call limit,
//!   then the business parameters.
//! - The other codes: 1 ("parameter fault") where its message can say which, 2060 for an unknown app key, 100 for the
//!   clock and for `is_all` outside its hours. For an unknown shop it is 2310, documented for other methods.
//! - Parameters nobody knows are ignored but signed, as one client's `format=json` suggests. Parameters in the query
//!   string are not read. Empty parameters are refused.
//! - A window may span 30 days from end to end, though with both ends in it that is one second more than the documented
//!   example. `spec_no` and `barcode` switch the window off; `warehouse_no` alone means the last hour; nothing at all
//!   is refused. `is_all=1` works from 00:00 to 02:00 in China and does not need a window. It heeds one that is sent,
//!   unless `full_read_has_no_window` is set.
//! - `is_deleted` changes nothing: deleted rows are gone. Answers are `text/html`, as PHP sends by default.
//!
//! # Flagship
//!
//! Documented are the statuses and, of status 100, the words of most messages. Assumed are:
//!
//! - The order: the query's parameters are there, none twice, `v`, account, signature, time, call limit, method,
//!   arguments, pager, window. An unknown method, too large a page and too long a list of ids are status 100.
//! - A number and its text pass for each other as a parameter's value, as the vendor's examples do; a flag must be one.
//! - Codes switch a missing window on to all times; a window that is sent counts beside them. Parameters nobody knows
//!   are ignored. Nothing is out of use, so `hide_delete` changes nothing.
//! - Two goods in three belong to the merchant's own platform; of the others, of stopped and of unknown ones each id is
//!   refused in the documented words. `force_sync` computes stopped ones too. An id may be asked for twice.
//!
//! # Top
//!
//! Documented are the codes and their titles. Assumed are:
//!
//! - The order: method, app key, format and version, signature, time, session, call limit, then the business
//!   parameters. What is blank counts as not sent; what is sent twice cannot be signed.
//! - A value that is not documented, a page larger than 50 and a page before the first are code 41 with
//!   `isv.invalid-parameter:NAME`. For a warehouse that does not exist see [`UnknownStore`](crate::form::UnknownStore).
//! - A page has 20 records where a size is not asked for; a dimension that is left out means all its values, `type` 1.
//! - The filters for batches and channels mean nothing to another `type`. Rows of one slice know nothing of the others.

/// Enterprise: code of parameters that are missing, malformed or out of range, of an unknown sid and of a wrong
/// signature.
pub const BAD_PARAMETER: i64 = 1;
/// Enterprise: code of a timestamp too far from the platform's clock, and of a full read outside its hours.
pub const APPLICATION_ERROR: i64 = 100;
/// Enterprise: code of a call beyond the limit.
pub const TOO_OFTEN: i64 = 1012;
/// Enterprise: code of an app key the sid does not have.
pub const UNKNOWN_APP_KEY: i64 = 2060;
/// Enterprise: code of a window longer than 30 days.
pub const WINDOW_TOO_WIDE: i64 = 2104;
/// Enterprise: code of a shop that does not exist.
pub const UNKNOWN_SHOP: i64 = 2310;

/// A platform error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) sub_code: String,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code: code.to_string(), sub_code: String::new(), message: message.into() }
    }

    /// The same with a finer code.
    pub(crate) fn sub(mut self, sub_code: impl Into<String>) -> Self {
        self.sub_code = sub_code.into();
        self
    }
}
