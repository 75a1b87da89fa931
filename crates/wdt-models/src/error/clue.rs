//! An entry of a gateway's error table: the clue that an error gives, what it means, and what to do about it.

/// What a caller does about a platform error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Called too often: wait long, and let everyone who shares the limit wait.
    RateLimit,
    /// The platform is busy or its code is said to pass: try again after a while, a few times.
    Busy,
    /// A passing fault inside the platform: try again soon, a few times.
    Transient,
    /// Account, key or signature refused: stop the account.
    Credential,
    /// Address or right refused, or the subscription has run out: stop the dataset; others may be allowed.
    Permission,
    /// A parameter refused: stop the dataset.
    Parameter,
    /// The window is longer than the platform takes: a shorter one must be asked for.
    WindowTooWide,
    /// The request's time is too far from the platform's: measure the skew and try again once.
    Clock,
    /// Nothing is known about it: try again a few times, then give up as unavailable.
    Unknown,
}

/// One entry of a gateway's error table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorEntry {
    /// What an error of this kind gives away.
    pub clue: Clue,
    /// What a caller does about it.
    pub class: Class,
    /// Chinese meaning.
    pub zh: &'static str,
    /// English meaning.
    pub en: &'static str,
    /// What a user can do about it.
    pub hint: &'static str,
}

/// What marks a kind of error. In a code, a `*` at its beginning or end stands for any characters but blanks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clue {
    /// The platform's code.
    Code(&'static str),
    /// The finer code beside it.
    SubCode(&'static str),
    /// One of these in the message, without ASCII case; ASCII words are matched whole.
    Words(&'static [&'static str]),
    /// Nothing else is known.
    None,
}

pub(super) const fn code(
    code: &'static str,
    class: Class,
    zh: &'static str,
    en: &'static str,
    hint: &'static str,
) -> ErrorEntry {
    ErrorEntry { clue: Clue::Code(code), class, zh, en, hint }
}

pub(super) const fn sub_code(
    code: &'static str,
    class: Class,
    zh: &'static str,
    en: &'static str,
    hint: &'static str,
) -> ErrorEntry {
    ErrorEntry { clue: Clue::SubCode(code), class, zh, en, hint }
}

pub(super) const fn words(
    words: &'static [&'static str],
    class: Class,
    zh: &'static str,
    en: &'static str,
    hint: &'static str,
) -> ErrorEntry {
    ErrorEntry { clue: Clue::Words(words), class, zh, en, hint }
}

/// The last entry of a table.
pub(super) const fn rest(class: Class) -> ErrorEntry {
    let (zh, en) = ("含义未公开", "an error that no document known here names");
    ErrorEntry { clue: Clue::None, class, zh, en, hint: ASK_VENDOR }
}

pub(super) const ASK_VENDOR: &str = "run again later; if it stays, ask the vendor what the code means for this account";
pub(super) const READ_MESSAGE: &str = "read the message; `wdt-etl explain` takes it too";
pub(super) const SHORTER_WINDOW: &str = "set a shorter window";
pub(super) const CHECK_CLOCK: &str = "set the machine's clock by a time server";
