//! 旺店通旗舰版 (qjb): the sorted pairs with the body among them, between two copies of the secret, MD5, lower case.
//!
//! 1. Split the app secret at the first colon: left the secret, never sent; right the `salt`, a parameter.
//! 2. Take every query parameter (`sid`, `key`, `salt`, `method`, `v`, `timestamp`, of paged methods `page_size`,
//!    `page_no`, `calc_total`), empty ones and zeros too, and the exact text of the HTTP body as `body`; drop `sign`.
//! 3. Sort by name, byte order; join names and values, no separators, no URL encoding. This is the string to sign.
//! 4. Put the secret before and after; MD5 of the UTF-8 bytes; 32 lower-case hex digits.
//!
//! Source: the vendor's sign page; four independent implementations give its worked example. Certain. The split at the
//! *first* colon is what six clients do; two refuse a second colon. The text holds `salt`: redact it before showing.

use crate::{Secret, SignError, check_names, concatenated, md5_hex, sorted};

/// Unix seconds of 2012-01-01 00:00:00 +08:00, where the platform's `timestamp` starts to count.
///
/// Source: the vendor's sign and error pages, and every public client. Certain.
pub const EPOCH: i64 = 1_325_347_200;

/// The name under which the body is signed.
const BODY: &str = "body";

/// The two halves of an app secret.
#[derive(Debug, Clone)]
pub struct SplitSecret {
    /// What [`sign`] needs; never sent.
    pub secret: Secret,
    /// The value of the parameter `salt`.
    pub salt: Secret,
}

/// Splits an app secret `secret:salt` at the first colon.
///
/// # Errors
/// There is no colon, or one half is empty.
pub fn split_secret(app_secret: &Secret) -> Result<SplitSecret, SignError> {
    match app_secret.expose().split_once(':') {
        Some((secret, salt)) if !secret.is_empty() && !salt.is_empty() => {
            Ok(SplitSecret { secret: Secret::new(secret), salt: Secret::new(salt) })
        }
        _ => Err(SignError::NoSalt),
    }
}

/// The parameter `timestamp` of an instant: seconds since [`EPOCH`].
#[must_use]
pub const fn timestamp(unix_seconds: i64) -> i64 {
    unix_seconds.saturating_sub(EPOCH)
}

/// Refuses, on the request side, what would give the same signed text.
///
/// Empty values pass: no implementation leaves them out.
///
/// # Errors
/// A name given twice, or a parameter named `body`; the error names the parameter.
pub fn check<N: AsRef<str>, V: AsRef<str>>(params: &[(N, V)]) -> Result<(), SignError> {
    check_names(params)?;
    if params.iter().any(|(name, _)| name.as_ref() == BODY) {
        return Err(SignError::Reserved { name: BODY.to_owned() });
    }
    Ok(())
}

/// The joined pairs without the secret: parameters (`salt` among them) in any order, `sign` dropped, `body` added.
///
/// `body` is the text that is sent, byte for byte: another spelling of the same JSON has another signature.
#[must_use]
pub fn string_to_sign<N: AsRef<str>, V: AsRef<str>>(params: &[(N, V)], body: &str) -> String {
    let mut pairs = sorted(params);
    pairs.push((BODY, body));
    concatenated(sorted(&pairs))
}

/// MD5 of the text between two copies of the secret, as 32 lower-case hex digits.
///
/// `secret` is the left half of the app secret: see [`split_secret`].
#[must_use]
pub fn sign(string_to_sign: &str, secret: &Secret) -> String {
    md5_hex(&[secret.expose(), string_to_sign, secret.expose()])
}
