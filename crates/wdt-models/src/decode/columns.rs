//! Typed columns that grow cell by cell.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Decimal128Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use serde_json::value::RawValue;

use super::extra::Extra;
use super::list::ListColumn;
use super::rows::Fault;
use super::scalar::{Reason, Wire};
use crate::Kind;

/// Bytes set aside for the text of a cell.
const TEXT_BYTES: usize = 16;

/// A column under construction.
pub(super) enum Column {
    Int(Int64Builder),
    Decimal(Decimal128Builder),
    Timestamp(TimestampMicrosecondBuilder),
    Boolean(BooleanBuilder),
    Text(StringBuilder),
    List(Box<ListColumn>),
}

impl Column {
    pub(super) fn new(kind: Kind, rows: usize, personal: bool) -> Self {
        match kind {
            Kind::Int => Self::Int(Int64Builder::with_capacity(rows)),
            Kind::Decimal => Self::Decimal(Decimal128Builder::with_capacity(rows).with_data_type(kind.data_type())),
            Kind::Timestamp => {
                Self::Timestamp(TimestampMicrosecondBuilder::with_capacity(rows).with_data_type(kind.data_type()))
            }
            Kind::Boolean => Self::Boolean(BooleanBuilder::with_capacity(rows)),
            Kind::Text => Self::Text(StringBuilder::with_capacity(rows, rows * TEXT_BYTES)),
            Kind::List(fields) => Self::List(Box::new(ListColumn::new(fields, rows, personal))),
        }
    }

    /// Appends a cell; returns whether it contains a value. A refused cell is not appended.
    pub(super) fn push(
        &mut self,
        name: &str,
        cell: &RawValue,
        scratch: &mut String,
        extra: &mut Extra,
    ) -> Result<bool, Fault> {
        if let Self::List(column) = self {
            return column.push(name, cell, extra);
        }
        let pushed = Wire::read(cell.get(), scratch).and_then(|wire| self.push_scalar(wire));
        pushed.map_err(|reason| Fault::cell(cell, reason))
    }

    /// Appends a value given as text.
    pub(super) fn push_value(&mut self, value: &str) -> Result<bool, Reason> {
        self.push_scalar(Wire::Text(value))
    }

    pub(super) fn push_null(&mut self) {
        match self {
            Self::Int(column) => column.append_null(),
            Self::Decimal(column) => column.append_null(),
            Self::Timestamp(column) => column.append_null(),
            Self::Boolean(column) => column.append_null(),
            Self::Text(column) => column.append_null(),
            Self::List(column) => column.push_null(),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Int(column) => column.len(),
            Self::Decimal(column) => column.len(),
            Self::Timestamp(column) => column.len(),
            Self::Boolean(column) => column.len(),
            Self::Text(column) => column.len(),
            Self::List(column) => column.len(),
        }
    }

    pub(super) fn finish(self) -> ArrayRef {
        match self {
            Self::Int(mut column) => Arc::new(column.finish()),
            Self::Decimal(mut column) => Arc::new(column.finish()),
            Self::Timestamp(mut column) => Arc::new(column.finish()),
            Self::Boolean(mut column) => Arc::new(column.finish()),
            Self::Text(mut column) => Arc::new(column.finish()),
            Self::List(column) => Arc::new(column.finish()),
        }
    }

    fn push_scalar(&mut self, wire: Wire<'_>) -> Result<bool, Reason> {
        Ok(match self {
            Self::Int(column) => append(wire.int()?, |value| column.append_option(value)),
            Self::Decimal(column) => append(wire.decimal()?, |value| column.append_option(value)),
            Self::Timestamp(column) => append(wire.timestamp()?, |value| column.append_option(value)),
            Self::Boolean(column) => append(wire.boolean()?, |value| column.append_option(value)),
            Self::Text(column) => append(wire.text()?, |value| column.append_option(value)),
            Self::List(_) => return Err("not a list"),
        })
    }
}

/// Appends a value or a null and returns which.
fn append<T>(value: Option<T>, append: impl FnOnce(Option<T>)) -> bool {
    let present = value.is_some();
    append(value);
    present
}
