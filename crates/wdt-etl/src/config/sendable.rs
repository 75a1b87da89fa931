//! Text that can be sent to a platform: one line of characters that every platform counts alike.

use super::fault::{Faults, Location};
use super::value::Setting;

const WIRE_HINT: &str = "write it as the platform shows it, on one line";

/// Text of one line that the platforms can sign.
pub(super) fn plain_text(value: &Setting<'_>, faults: &mut Faults<'_>) -> Option<String> {
    sendable(value.text(faults)?.to_owned(), &value.place, faults)
}

/// The text, unless it cannot be sent: platforms differ in how they count characters above U+FFFF.
pub(super) fn sendable(text: String, place: &Location, faults: &mut Faults<'_>) -> Option<String> {
    let fault = if text.chars().any(char::is_control) {
        "contains a line break or another control character"
    } else if text.chars().any(|character| character > '\u{ffff}') {
        "contains a character above U+FFFF, which the platforms cannot sign"
    } else {
        return Some(text);
    };
    faults.push(place, fault, Some(WIRE_HINT.to_owned()));
    None
}
