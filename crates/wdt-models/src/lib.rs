//! What the platforms send, and how it becomes typed Arrow batches.
//!
//! An [`Endpoint`] is plain data: names, limits, a table of [`Field`]s taken from one vendor page. Everything else in
//! this crate interprets that table. No clock, no network, no files, no async; it does not know how requests are
//! signed or where batches land.

pub mod decode;
pub mod endpoint;
pub mod endpoints;
pub mod envelope;
pub mod error;
pub mod field;
pub mod gateway;
mod json;
pub mod time;
pub mod window;

pub use decode::{Decoded, Refusal, decode};
pub use endpoint::{Cursor, Endpoint, Paging, Param, Split};
pub use envelope::{Answer, AnswerError};
pub use error::{Class, PlatformError};
pub use field::{Field, Kind};
pub use gateway::Gateway;
pub use window::Window;
