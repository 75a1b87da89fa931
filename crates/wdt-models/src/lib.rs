//! What the platforms send, and how it becomes typed Arrow batches.
//!
//! An [`Endpoint`] is plain data: names, limits, a table of [`Field`]s taken from one vendor page. Everything else in
//! this crate interprets that table. No clock, no network, no files, no async; it does not know how requests are
//! signed or where batches land.

mod certificate;
pub mod decode;
pub mod endpoint;
pub mod endpoints;
pub mod envelope;
pub mod error;
pub mod field;
pub mod full_read;
pub mod gateway;
mod json;
pub mod slice;
pub mod time;
pub mod window;

pub use certificate::{Certificate, Filter, Order, Verdict, Way};
pub use decode::{Asked, Decoded, Refusal, decode};
pub use endpoint::{
    Arguments, Cursor, Dimension, Endpoint, IdSource, Method, Paging, Param, ParamKind, Reading, Shape, Split,
};
pub use envelope::{Answer, AnswerError};
pub use error::{Class, PlatformError};
pub use field::{Code, Field, Kind};
pub use full_read::{FullRead, Hours};
pub use gateway::{Gateway, GatewayFacts};
pub use slice::Slice;
pub use window::Window;
