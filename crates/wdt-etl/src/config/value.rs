//! Typed reading of the TOML document: each value knows its place, each mismatch becomes a fault.
//!
//! A value is never repeated in a fault here: the value of a wrong key may be a secret.

use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::fault::{Faults, Location};
use crate::words;

/// The keys that a section of the file may contain.
pub(super) struct Keys<'k> {
    /// Keys that are read.
    pub(super) known: &'k [&'static str],
    /// Keys the documentation knows and this section does not contain, each with the reason.
    pub(super) refused: &'k [(&'static str, &'k str)],
}

/// A variable over one key of a section.
pub(super) struct Override<'a> {
    pub(super) key: &'static str,
    pub(super) variable: String,
    pub(super) value: &'a str,
}

/// A table of the file, its keys checked, and the variables that override it.
pub(super) struct Section<'a> {
    pub(super) place: Location,
    table: Option<&'a DeTable<'a>>,
    overrides: Vec<Override<'a>>,
}

/// One value and where it is written.
pub(super) struct Setting<'a> {
    pub(super) place: Location,
    raw: Raw<'a>,
}

#[derive(Clone, Copy)]
enum Raw<'a> {
    File(&'a DeValue<'a>),
    Variable(&'a str),
}

impl<'a> Section<'a> {
    /// Takes a table and notes each key that it should not have.
    pub(super) fn new(place: Location, table: &'a DeTable<'a>, keys: &Keys<'_>, faults: &mut Faults<'_>) -> Self {
        let section = Self { place, table: Some(table), overrides: Vec::new() };
        section.check_keys(keys, faults);
        section
    }

    /// Notes each key that the table should not have.
    pub(super) fn check_keys(&self, keys: &Keys<'_>, faults: &mut Faults<'_>) {
        for key in self.table.into_iter().flat_map(|table| table.keys()) {
            check_key(&self.place, key, keys, faults);
        }
    }

    /// The table under `key` with the variables over it; empty where the file has none.
    pub(super) fn section(
        &self,
        key: &str,
        keys: &Keys<'_>,
        overrides: Vec<Override<'a>>,
        faults: &mut Faults<'_>,
    ) -> Self {
        let found = self.get(key).and_then(|value| value.section(keys, faults));
        let section =
            found.unwrap_or_else(|| Self { place: self.place.key(key, None), table: None, overrides: vec![] });
        Self { overrides, ..section }
    }

    /// The value under `key`: the variable that overrides it, or the file's.
    pub(super) fn get(&self, key: &str) -> Option<Setting<'a>> {
        if let Some(over) = self.overrides.iter().find(|over| over.key == key) {
            return Some(Setting { place: Location::variable(&over.variable), raw: Raw::Variable(over.value) });
        }
        let (_, value) = self.table?.iter().find(|(name, _)| name.get_ref() == key)?;
        Some(self.value(key, value))
    }

    /// The value under a key that must be there.
    pub(super) fn required(&self, key: &str, hint: &str, faults: &mut Faults<'_>) -> Option<Setting<'a>> {
        let value = self.get(key);
        if value.is_none() {
            faults.push(&self.place.key(key, None), "is missing", Some(hint.to_owned()));
        }
        value
    }

    /// Every key of the file's table with its value.
    pub(super) fn entries(&self) -> Vec<(&'a str, Setting<'a>)> {
        let entries = self.table.into_iter().flat_map(|table| table.iter());
        entries.map(|(key, value)| (key.get_ref().as_ref(), self.value(key.get_ref(), value))).collect()
    }

    fn value(&self, key: &str, value: &'a Spanned<DeValue<'a>>) -> Setting<'a> {
        Setting { place: self.place.key(key, Some(value.span().start)), raw: Raw::File(value.get_ref()) }
    }
}

impl<'a> Setting<'a> {
    /// A text that is not empty.
    pub(super) fn text(&self, faults: &mut Faults<'_>) -> Option<&'a str> {
        let text = match self.raw {
            Raw::File(DeValue::String(text)) => text.as_ref(),
            Raw::Variable(text) => text,
            Raw::File(_) => return self.mismatch("text in quotes", faults),
        };
        if text.is_empty() {
            faults.push(&self.place, "is empty", Some("give it a value, or remove it".to_owned()));
            return None;
        }
        Some(text)
    }

    /// A whole number within `range`.
    pub(super) fn integer(&self, range: RangeInclusive<i64>, faults: &mut Faults<'_>) -> Option<i64> {
        let number = match self.raw {
            Raw::File(DeValue::Integer(number)) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            Raw::Variable(text) => text.parse().ok(),
            Raw::File(_) => return self.mismatch("a whole number", faults),
        };
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let message = format!("must be a whole number from {} to {}", range.start(), range.end());
            faults.push(&self.place, message, None);
        }
        number
    }

    /// True or false.
    pub(super) fn boolean(&self, faults: &mut Faults<'_>) -> Option<bool> {
        match self.raw {
            Raw::File(DeValue::Boolean(value)) => Some(*value),
            _ => self.mismatch("true or false", faults),
        }
    }

    /// True or false, also as 1 and 0.
    pub(super) fn switch(&self, faults: &mut Faults<'_>) -> Option<bool> {
        match self.whole_number() {
            Some(number @ 0..=1) => Some(number == 1),
            _ => self.boolean(faults),
        }
    }

    /// A table with the keys it may have.
    pub(super) fn section(&self, keys: &Keys<'_>, faults: &mut Faults<'_>) -> Option<Section<'a>> {
        match self.raw {
            Raw::File(DeValue::Table(table)) => Some(Section::new(self.place.clone(), table, keys, faults)),
            _ => self.mismatch("a table, as in [section] or { key = … }", faults),
        }
    }

    /// A table with any keys.
    pub(super) fn table(&self, faults: &mut Faults<'_>) -> Option<Section<'a>> {
        match self.raw {
            Raw::File(DeValue::Table(table)) => {
                Some(Section { place: self.place.clone(), table: Some(table), overrides: vec![] })
            }
            _ => self.mismatch("a table, as in [section] or { key = … }", faults),
        }
    }

    /// The elements of a list that must have some; `of` says what they are.
    pub(super) fn items(&self, of: &str, hint: &str, faults: &mut Faults<'_>) -> Option<Vec<Self>> {
        let Raw::File(DeValue::Array(array)) = self.raw else {
            faults.push(&self.place, format!("expected a list of {of}, found {}", self.kind()), Some(hint.to_owned()));
            return None;
        };
        if array.is_empty() {
            faults.push(&self.place, "is empty", Some(hint.to_owned()));
            return None;
        }
        let item = |(index, value): (usize, &'a Spanned<DeValue<'a>>)| Self {
            place: self.place.index(index, value.span().start),
            raw: Raw::File(value.get_ref()),
        };
        Some(array.iter().enumerate().map(item).collect())
    }

    /// Text, number, or true (`1`) and false (`0`), as the platforms write them on the wire; not empty.
    pub(super) fn wire_text(&self, faults: &mut Faults<'_>) -> Option<String> {
        match self.raw {
            Raw::File(DeValue::Integer(number)) if number.radix() == 10 => Some(number.as_str().to_owned()),
            Raw::File(DeValue::Float(number))
                if number.as_str().bytes().all(|byte| b"+-.0123456789".contains(&byte)) =>
            {
                Some(number.as_str().to_owned())
            }
            Raw::File(DeValue::Boolean(value)) => Some(u8::from(*value).to_string()),
            Raw::File(DeValue::String(_)) | Raw::Variable(_) => self.text(faults).map(str::to_owned),
            Raw::File(_) => self.mismatch("text, a decimal number, true or false", faults),
        }
    }

    /// The whole number, if the value is one without quotes.
    pub(super) fn whole_number(&self) -> Option<i64> {
        match self.raw {
            Raw::File(DeValue::Integer(number)) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        }
    }

    /// The whole number, if the value is one, in quotes or not.
    pub(super) fn digits(&self) -> Option<i64> {
        match self.raw {
            Raw::File(DeValue::String(text)) => text.parse().ok(),
            _ => self.whole_number(),
        }
    }

    /// A text that is not empty, or the digits of a whole number.
    pub(super) fn code(&self, faults: &mut Faults<'_>) -> Option<String> {
        match self.raw {
            Raw::File(DeValue::String(_)) => self.text(faults).map(str::to_owned),
            _ => match self.whole_number() {
                Some(number) => Some(number.to_string()),
                None => self.mismatch("text in quotes or a whole number", faults),
            },
        }
    }

    /// True for a table of the file.
    pub(super) fn is_table(&self) -> bool {
        matches!(self.raw, Raw::File(DeValue::Table(_)))
    }

    /// True for a list of the file.
    pub(super) fn is_list(&self) -> bool {
        matches!(self.raw, Raw::File(DeValue::Array(_)))
    }

    /// Notes that something else was expected there.
    pub(super) fn mismatch<T>(&self, expected: &str, faults: &mut Faults<'_>) -> Option<T> {
        let hint = matches!(self.raw, Raw::File(DeValue::Datetime(_))).then(|| "put it in quotes".to_owned());
        faults.push(&self.place, format!("expected {expected}, found {}", self.kind()), hint);
        None
    }

    fn kind(&self) -> &'static str {
        match self.raw {
            Raw::Variable(_) | Raw::File(DeValue::String(_)) => "text",
            Raw::File(DeValue::Integer(_) | DeValue::Float(_)) => "a number",
            Raw::File(DeValue::Boolean(_)) => "true or false",
            Raw::File(DeValue::Datetime(_)) => "a date without quotes",
            Raw::File(DeValue::Array(_)) => "a list",
            Raw::File(DeValue::Table(_)) => "a table",
        }
    }
}

/// What the elements of a list are read as, none twice.
pub(super) fn distinct<'a, T: PartialEq>(
    items: &[Setting<'a>],
    read: impl Fn(&Setting<'a>, &mut Faults<'_>) -> Option<T>,
    faults: &mut Faults<'_>,
) -> Option<Vec<T>> {
    let mut found = Vec::new();
    for item in items {
        let value = read(item, faults);
        if value.is_some() && found.contains(&value) {
            faults.push(&item.place, "is listed twice", Some("remove one".to_owned()));
        }
        found.push(value);
    }
    found.into_iter().collect()
}

fn check_key(place: &Location, key: &Spanned<DeString<'_>>, keys: &Keys<'_>, faults: &mut Faults<'_>) {
    let name = key.get_ref().as_ref();
    if keys.known.contains(&name) {
        return;
    }
    let at = place.key(name, Some(key.span().start));
    match keys.refused.iter().find(|(refused, _)| *refused == name) {
        Some((_, reason)) => faults.push(&at, *reason, Some("remove it".to_owned())),
        None => faults.push(&at, "unknown key", Some(words::hint(name, "known keys here", keys.known))),
    }
}
