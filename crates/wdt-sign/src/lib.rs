//! Strings to sign and signatures of the three platforms, by the stages of each written algorithm.
//!
//! Every scheme has the same three steps: `check` refuses on the request side what platforms read in different ways,
//! `string_to_sign` builds the text without the secret, `sign` adds the secret and gives the signature. No clock, no
//! network, no files.
//!
//! wdt-sim checks signatures with this crate, so the simulator cannot find a fault here: only the vectors under
//! `fixtures/sign` can. A text without the secret may still hold a credential that travels with the request (`salt`,
//! `session`): redact those values before it is shown.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use wdt_sign::{Secret, enterprise};
//!
//! let params = [
//!     ("sid", "test2"), ("appkey", "test2-xx"), ("timestamp", "1470042310"), ("page_no", "0"), ("page_size", "40"),
//!     ("start_time", "2016-08-01 12:00:00"), ("end_time", "2016-08-01 13:00:00"),
//! ];
//! enterprise::check(&params)?;
//! let sign = enterprise::sign(&enterprise::string_to_sign(&params), &Secret::new("12345"));
//! assert_eq!(format!("sign={sign}"), "sign=ad4e6fe037ea6e3ba4768317be9d1309");
//! # Ok(())
//! # }
//! ```

pub mod enterprise;
mod error;
pub mod flagship;
mod secret;
pub mod top;

pub use error::SignError;
pub use secret::Secret;

use md5::{Digest, Md5};

/// The one name that no scheme signs.
const SIGN: &str = "sign";

/// The pairs in the order every scheme signs them: by name in byte order, `sign` dropped.
///
/// A name given twice is ordered by value, so that the order of the request never matters; `check` refuses it anyway.
fn sorted<N: AsRef<str>, V: AsRef<str>>(params: &[(N, V)]) -> Vec<(&str, &str)> {
    let mut pairs: Vec<_> = params.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    pairs.retain(|(name, _)| *name != SIGN);
    pairs.sort_unstable();
    pairs
}

/// Refuses a name that is given twice: platforms differ in which value they keep.
fn check_names<N: AsRef<str>, V: AsRef<str>>(params: &[(N, V)]) -> Result<(), SignError> {
    let pairs = sorted(params);
    let twice = pairs.windows(2).find(|pair| pair[0].0 == pair[1].0);
    twice.map_or(Ok(()), |pair| Err(SignError::Duplicate { name: pair[0].0.to_owned() }))
}

/// Names and values in one text, no separators.
fn concatenated<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    pairs.into_iter().flat_map(|(name, value)| [name, value]).collect()
}

/// MD5 of the parts' UTF-8 bytes one after the other, in lower-case hex.
fn md5_hex(parts: &[&str]) -> String {
    let digest = parts.iter().fold(Md5::new(), Digest::chain_update);
    hex::encode(digest.finalize())
}
