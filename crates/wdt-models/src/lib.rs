//! What the platforms send, and how it becomes typed Arrow batches.
//!
//! An [`Endpoint`] is plain data: names, limits, a table of [`Field`]s taken from one vendor page. Everything else in
//! this crate interprets that table. No clock, no network, no files, no async; it does not know how requests are
//! signed or where batches land.

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
