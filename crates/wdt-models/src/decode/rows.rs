//! Records into columns, member by member as they come.

use std::borrow::Cow;
use std::fmt;

use arrow::array::ArrayRef;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::columns::Column;
use super::extra::Extra;
use super::names::{Found, Names};
use crate::Field;
use crate::json::{self, Name};

/// Characters of a refused cell that are kept.
const TEXT_CHARACTERS: usize = 200;
const MISSING: &str = "required member is missing";
const TWICE: &str = "member stands twice";

/// The columns of one table of fields, and the rows in them.
pub(super) struct Rows {
    fields: &'static [Field],
    names: Names,
    columns: Vec<Column>,
    len: usize,
    personal: bool,
    /// Where escaped text is written out; kept so that no cell allocates.
    scratch: String,
}

/// Why a record is refused, and the cell that says so.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) column: String,
    pub(super) text: String,
    pub(super) reason: String,
}

impl Rows {
    pub(super) fn new(fields: &'static [Field], rows: usize, personal: bool) -> Self {
        let columns = fields.iter().map(|field| Column::new(field.kind, rows, personal)).collect();
        Self { fields, names: Names::new(fields), columns, len: 0, personal, scratch: String::new() }
    }

    pub(super) fn fields(&self) -> &'static [Field] {
        self.fields
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Appends a record. A refused one leaves a row of which no cell may be used.
    pub(super) fn push(&mut self, record: &RawValue, extra: &mut Extra) -> Result<(), Fault> {
        extra.clear();
        let read = self.read(record, extra);
        read.and(self.end_row())
    }

    pub(super) fn finish(self) -> Vec<ArrayRef> {
        self.columns.into_iter().map(Column::finish).collect()
    }

    fn read(&mut self, record: &RawValue, extra: &mut Extra) -> Result<(), Fault> {
        if !record.get().starts_with('{') {
            return Err(Fault::cell(record, "not an object"));
        }
        let mut reader = serde_json::Deserializer::from_str(record.get());
        let read = reader.deserialize_map(RecordVisitor { rows: self, extra });
        read.unwrap_or_else(|error| Err(Fault::cell(record, format!("not readable: {error}"))))
    }

    /// Fills the columns the record had no member for.
    fn end_row(&mut self) -> Result<(), Fault> {
        self.len += 1;
        let mut missing = None;
        for (field, column) in self.fields.iter().zip(&mut self.columns) {
            if column.len() < self.len {
                column.push_null();
                missing = missing.or(field.required.then_some(field));
            }
        }
        missing.map_or(Ok(()), |field| Err(Fault::new("", MISSING).inside(field.name)))
    }

    fn cell(&mut self, position: usize, cell: &RawValue, extra: &mut Extra) -> Result<(), Fault> {
        let (field, column) = (&self.fields[position], &mut self.columns[position]);
        if column.len() > self.len {
            return Err(Fault::cell(cell, TWICE).inside(field.name));
        }
        if field.personal && !self.personal {
            column.push_null();
            return Ok(());
        }
        let present = column.push(field.name, cell, &mut self.scratch, extra);
        let present = present.map_err(|fault| fault.inside(field.name))?;
        let empty = !present || cell.get() == "\"\"";
        if field.required && empty { Err(Fault::cell(cell, MISSING).inside(field.name)) } else { Ok(()) }
    }
}

impl Fault {
    pub(super) fn new(text: &str, reason: impl Into<String>) -> Self {
        let text = text.chars().take(TEXT_CHARACTERS).collect();
        Self { column: String::new(), text, reason: reason.into() }
    }

    /// A fault of a cell, with the cell's text.
    pub(super) fn cell(cell: &RawValue, reason: impl Into<String>) -> Self {
        Self::new(&json::string(cell).unwrap_or(Cow::Borrowed(cell.get())), reason)
    }

    /// Puts the name of what holds the cell before its address.
    pub(super) fn inside(mut self, name: &str) -> Self {
        let dot = if self.column.is_empty() || self.column.starts_with('[') { "" } else { "." };
        self.column = format!("{name}{dot}{}", self.column);
        self
    }
}

/// Reads one record; a fault is a value here, so that the rest of the record is passed over in order.
struct RecordVisitor<'a> {
    rows: &'a mut Rows,
    extra: &'a mut Extra,
}

/// What a record has brought so far that is not in the columns.
struct Seen<'de> {
    previous: usize,
    unknown: Vec<Cow<'de, str>>,
    /// Members under an alias wait for the record's end: they count where the documented name is absent.
    aliased: Vec<(usize, Cow<'de, str>, &'de RawValue)>,
}

impl<'de> Visitor<'de> for RecordVisitor<'_> {
    type Value = Result<(), Fault>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut seen = Seen { previous: self.rows.names.start(), unknown: Vec::new(), aliased: Vec::new() };
        let mut outcome = Ok(());
        while let Some((Name(name), cell)) = map.next_entry()? {
            if outcome.is_ok() {
                outcome = self.member(&mut seen, name, cell);
            }
        }
        Ok(outcome.and_then(|()| self.aliases(seen)))
    }
}

impl RecordVisitor<'_> {
    fn member<'de>(&mut self, seen: &mut Seen<'de>, name: Cow<'de, str>, cell: &'de RawValue) -> Result<(), Fault> {
        match self.rows.names.find(seen.previous, &name) {
            Found::Field(position) => {
                seen.previous = position;
                self.rows.cell(position, cell, self.extra)
            }
            Found::Alias(position) if seen.aliased.iter().any(|(other, ..)| *other == position) => {
                Err(Fault::cell(cell, TWICE).inside(&name))
            }
            Found::Alias(position) => {
                seen.aliased.push((position, name, cell));
                Ok(())
            }
            Found::Unknown if seen.unknown.contains(&name) => Err(Fault::cell(cell, TWICE).inside(&name)),
            Found::Unknown => {
                self.extra.push(&name, cell.get());
                seen.unknown.push(name);
                Ok(())
            }
        }
    }

    fn aliases(&mut self, seen: Seen<'_>) -> Result<(), Fault> {
        for (position, name, cell) in seen.aliased {
            if self.rows.columns[position].len() > self.rows.len {
                self.extra.push(&name, cell.get());
            } else {
                self.rows.cell(position, cell, self.extra)?;
            }
        }
        Ok(())
    }
}
