//! Records into columns, member by member as they come.

use std::borrow::Cow;
use std::fmt;

use arrow::array::ArrayRef;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::columns::Column;
use super::extra::Extra;
use super::names::{Found, Names};
use crate::json::{self, Name};
use crate::{Field, Slice};

/// Characters of a refused cell that are kept.
const TEXT_CHARACTERS: usize = 200;
const MISSING: &str = "required member is missing";
const OTHER_SLICE: &str = "belongs to another slice than the one asked for";
const TWICE: &str = "member appears twice";

/// The columns of one table of fields, and the rows in them.
pub(super) struct Rows<'f> {
    fields: &'f [Field],
    names: Names<'f>,
    columns: Vec<Column>,
    len: usize,
    personal: bool,
    /// Columns of the slice, with the value asked for.
    slice: Vec<(usize, String)>,
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

impl<'f> Rows<'f> {
    pub(super) fn new(fields: &'f [Field], rows: usize, personal: bool) -> Self {
        let columns = fields.iter().map(|field| Column::new(field.kind, rows, personal)).collect();
        Self { fields, names: Names::new(fields), columns, len: 0, personal, slice: Vec::new(), scratch: String::new() }
    }

    /// Takes the values of a slice for the columns that records may lack.
    pub(super) fn fill(&mut self, slice: &Slice) {
        let position = |name: &str| self.fields.iter().position(|field| field.name == name);
        self.slice = slice.0.iter().filter_map(|(name, value)| Some((position(name)?, value.clone()))).collect();
    }

    pub(super) fn fields(&self) -> &'f [Field] {
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
        for (position, value) in &self.slice {
            let column = &mut self.columns[*position];
            if column.len() < self.len {
                column
                    .push_value(value)
                    .map_err(|reason| Fault::new(value, reason).inside(self.fields[*position].name))?;
            }
        }
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
        if let Some((_, asked)) = self.slice.iter().find(|(own, _)| *own == position) {
            match json::string(cell).unwrap_or(Cow::Borrowed(cell.get())).as_ref() {
                // left for the end of the row, which fills in what was asked for
                "" | "null" => return Ok(()),
                answered if answered == asked => {}
                _ => return Err(Fault::cell(cell, OTHER_SLICE).inside(field.name)),
            }
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
struct RecordVisitor<'a, 'f> {
    rows: &'a mut Rows<'f>,
    extra: &'a mut Extra,
}

/// What a record has brought so far that is not in the columns.
struct Seen<'de> {
    previous: usize,
    unknown: Vec<Cow<'de, str>>,
    /// Members under an alias wait for the record's end: they count where the documented name is absent.
    aliased: Vec<(usize, Cow<'de, str>, &'de RawValue)>,
}

impl<'de> Visitor<'de> for RecordVisitor<'_, '_> {
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

impl RecordVisitor<'_, '_> {
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
