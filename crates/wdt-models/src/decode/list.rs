//! A column of nested lists: the items of all rows one after another, and where each row's begin and end.

use std::sync::Arc;

use arrow::array::{ListArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field as ArrowField, Fields};
use serde_json::value::RawValue;

use super::extra::Extra;
use super::rows::{Fault, Rows};
use crate::Field;
use crate::json::List;

/// A column of nested lists under construction.
pub(super) struct ListColumn {
    items: Rows<'static>,
    /// Number of items of each list.
    lengths: Vec<usize>,
    /// Whether each list is there.
    present: Vec<bool>,
}

impl ListColumn {
    pub(super) fn new(fields: &'static [Field], rows: usize, personal: bool) -> Self {
        Self {
            items: Rows::new(fields, rows, personal),
            lengths: Vec::with_capacity(rows),
            present: Vec::with_capacity(rows),
        }
    }

    /// Appends a list; returns whether it is there. Of a refused list the items before the fault stay as a list, which
    /// goes with its row.
    ///
    /// Members of items that no document names are put into `extra` under `name`: one object per item.
    pub(super) fn push(&mut self, name: &str, cell: &RawValue, extra: &mut Extra) -> Result<bool, Fault> {
        if matches!(cell.get(), "null" | "\"\"") {
            self.push_null();
            return Ok(false);
        }
        let before = self.items.len();
        let outcome = self.push_items(name, cell, extra);
        self.lengths.push(self.items.len() - before);
        self.present.push(true);
        outcome.map(|()| true)
    }

    pub(super) fn push_null(&mut self) {
        self.lengths.push(0);
        self.present.push(false);
    }

    pub(super) fn len(&self) -> usize {
        self.present.len()
    }

    pub(super) fn finish(self) -> ListArray {
        let fields: Fields = self.items.fields().iter().map(Field::arrow).collect();
        let item = ArrowField::new("element", DataType::Struct(fields.clone()), true);
        let items = StructArray::new(fields, self.items.finish(), None);
        let offsets = OffsetBuffer::from_lengths(self.lengths);
        ListArray::new(Arc::new(item), offsets, Arc::new(items), Some(self.present.into()))
    }

    fn push_items(&mut self, name: &str, cell: &RawValue, extra: &mut Extra) -> Result<(), Fault> {
        let Ok(List::Items(items)) = serde_json::from_str(cell.get()) else {
            return Err(Fault::cell(cell, "not a list"));
        };
        let (mut unknown, mut objects) = (Extra::default(), Vec::new());
        for (position, item) in items.into_iter().enumerate() {
            self.items.push(item, &mut unknown).map_err(|fault| fault.inside(&format!("[{position}]")))?;
            objects.push(unknown.object());
        }
        if objects.iter().any(Option::is_some) {
            let objects: Vec<_> = objects.iter().map(|object| object.as_deref().unwrap_or("{}")).collect();
            extra.push(name, &format!("[{}]", objects.join(",")));
        }
        Ok(())
    }
}
