//! A share of the keys, so that tables of any size are compared in bounded memory: each share reads them once.

/// Those keys whose hash leaves this remainder.
#[derive(Clone, Copy)]
pub(crate) struct Share {
    /// The remainder.
    pub(crate) number: u128,
    /// How many shares there are.
    pub(crate) of: u128,
}

impl Share {
    /// Whether the key with this hash is in it.
    pub(crate) const fn has(self, key: u128) -> bool {
        key % self.of == self.number
    }
}
