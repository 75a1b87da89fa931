//! One line of JSON, as every command with `--json` prints it: `schema_version` and `event` first, then the members of
//! that event.

use std::io::{self, Write};

use serde::Serialize;

/// Version of the layout of every line; it grows when a member changes its meaning or is removed.
pub(crate) const SCHEMA_VERSION: u32 = 1;

/// The line of an event.
#[derive(Debug, Serialize)]
pub(crate) struct JsonLine<T> {
    schema_version: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    #[serde(flatten)]
    members: T,
}

impl<T: Serialize> JsonLine<T> {
    /// The line of the event with that name.
    pub(crate) const fn new(event: &'static str, members: T) -> Self {
        Self { schema_version: SCHEMA_VERSION, event: Some(event), members }
    }

    /// The line of an event whose first member is `event`.
    pub(crate) const fn tagged(event: T) -> Self {
        Self { schema_version: SCHEMA_VERSION, event: None, members: event }
    }

    /// Writes the line and its newline.
    ///
    /// # Errors
    ///
    /// When `out` cannot be written.
    pub(crate) fn write<W: Write + ?Sized>(&self, out: &mut W) -> io::Result<()> {
        writeln!(out, "{}", serde_json::to_string(self)?)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[derive(Serialize)]
    struct Members {
        rows: u8,
    }

    #[derive(Serialize)]
    #[serde(tag = "event", rename_all = "snake_case")]
    enum Happened {
        Landed { rows: u8 },
    }

    #[test]
    fn version_and_event_come_first() {
        let line = |line: &dyn Fn(&mut Vec<u8>) -> io::Result<()>| {
            let mut out = Vec::new();
            line(&mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let expected = "{\"schema_version\":1,\"event\":\"landed\",\"rows\":7}\n";
        assert_eq!(line(&|out| JsonLine::new("landed", Members { rows: 7 }).write(out)), expected);
        assert_eq!(line(&|out| JsonLine::tagged(Happened::Landed { rows: 7 }).write(out)), expected);
    }
}
