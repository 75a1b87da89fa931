//! Why a request cannot be signed.

/// Why a request cannot be signed. None holds a secret, and of a value at most one character.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The value is empty (on top: or blank). Clients differ in whether they sign it, so it is never sent.
    #[error("parameter `{name}` has no value; leave it out")]
    NoValue {
        /// Name of the parameter.
        name: String,
    },
    /// The name or the value holds a character above U+FFFF, whose length clients count in different ways.
    #[error("parameter `{name}` holds U+{code:X}; characters above U+FFFF are refused", code = u32::from(*.character))]
    AboveBmp {
        /// Name of the parameter.
        name: String,
        /// The first such character.
        character: char,
    },
    /// The name is given twice. Platforms differ in which value they keep.
    #[error("parameter `{name}` is given twice")]
    Duplicate {
        /// Name of the parameter.
        name: String,
    },
    /// The name is one that the scheme itself gives to the body.
    #[error("parameter `{name}` is reserved for the body of the request")]
    Reserved {
        /// Name of the parameter.
        name: String,
    },
    /// The app secret is not two non-empty halves with a colon between them.
    #[error("the app secret is not of the form `secret:salt`")]
    NoSalt,
}
