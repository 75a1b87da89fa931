//! What the platforms send, and how it becomes typed Arrow batches.
//!
//! An [`Endpoint`] is plain data: names, limits, a table of [`Field`]s taken from one vendor page. Everything else in
//! this crate interprets that table. No clock, no network, no files, no async; it does not know how requests are
//! signed or where batches land.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use arrow::array::AsArray as _;
//! use arrow::datatypes::{Decimal128Type, TimestampMicrosecondType};
//! use wdt_models::decode::{Asked, decode};
//! use wdt_models::{endpoints, envelope};
//!
//! let endpoint = &endpoints::ENTERPRISE_STOCK;
//! let body = r#"{"code": 0, "total_count": "1", "stocks": [{"spec_id": "21453", "warehouse_id": "67",
//!     "stock_num": "55.0000", "goods_name": "旺店通手持终端", "modified": "2019-05-18 18:02:43"}]}"#;
//! let answer = envelope::read(endpoint, endpoint.method(), body.as_bytes())?;
//! let batch = decode(endpoint, &answer.records, &Asked::page(0, false)).batch;
//! assert_eq!(batch["stock_num"].as_primitive::<Decimal128Type>().value_as_string(0), "55.0000");
//! // 18:02:43 in Shanghai is 10:02:43 UTC
//! assert_eq!(batch["modified"].as_primitive::<TimestampMicrosecondType>().value(0), 1_558_173_763_000_000);
//! # Ok(())
//! # }
//! ```

pub mod decode;
pub mod endpoints;
pub mod envelope;
pub mod error;
pub mod time;

mod certificate;
mod endpoint;
mod field;
mod full_read;
mod gateway;
mod json;
mod slice;
mod window;

pub use certificate::{Certificate, Filter, Order, Verdict, Way};
pub use endpoint::{
    Arguments, Cursor, Dimension, Endpoint, IdSource, Method, Paging, Param, ParamKind, Shape, Split, SyncMode,
};
pub use field::{COMMENT, Code, DECIMAL_PRECISION, DECIMAL_SCALE, Field, Kind};
pub use full_read::{FullRead, Hours};
pub use gateway::{Gateway, GatewayFacts};
pub use slice::Slice;
pub use window::Window;
