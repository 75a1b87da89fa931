//! The condition of `--where`: a tree over one row's columns, with SQL's three truth values.
//!
//! Numbers are compared as whole units of their fourth place, so that neither side is ever rounded.

mod literal;
mod parse;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, Decimal128Array, Scalar, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::kernels::{boolean, cmp, comparison};
use arrow::datatypes::{DataType, Decimal128Type, Int64Type};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use self::literal::Literal;
use super::super::cell::DECIMAL_UNIT;

/// Units of the fourth place of a decimal in a whole number.
const UNITS: i128 = DECIMAL_UNIT.cast_signed();

/// A condition on the columns of one table.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Predicate {
    /// The same for every row; `None` is unknown.
    Constant(Option<bool>),
    /// A boolean column itself.
    Flag(String),
    /// A column against a literal.
    Compare(String, Comparison, Literal),
    /// Two columns of like types.
    Columns(String, Comparison, String),
    /// The column is null.
    IsNull(String),
    /// The text matches a pattern of `%` and `_`.
    Like(String, String),
    /// The other way round; unknown stays unknown.
    Not(Box<Predicate>),
    /// All of them.
    And(Vec<Predicate>),
    /// One of them at least.
    Or(Vec<Predicate>),
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Predicate {
    /// Adds the columns that the condition looks at.
    pub(super) fn columns<'a>(&'a self, found: &mut Vec<&'a str>) {
        match self {
            Self::Constant(_) => {}
            Self::Flag(name) | Self::IsNull(name) | Self::Compare(name, ..) | Self::Like(name, _) => found.push(name),
            Self::Columns(left, _, right) => found.extend([left.as_str(), right.as_str()]),
            Self::Not(inner) => inner.columns(found),
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|part| part.columns(found)),
        }
    }

    /// Which rows meet it; null where that is unknown.
    ///
    /// # Errors
    /// When the rows lack a column, which [`Predicate::columns`] names.
    pub(super) fn evaluate(&self, rows: &RecordBatch) -> Result<BooleanArray, ArrowError> {
        match self {
            Self::Constant(value) => Ok(constant(*value, rows.num_rows())),
            Self::Flag(name) => Ok(column(rows, name)?.as_boolean().clone()),
            Self::IsNull(name) => boolean::is_null(column(rows, name)?),
            Self::Like(name, pattern) => {
                comparison::like(column(rows, name)?, &Scalar::new(StringArray::from(vec![pattern.as_str()])))
            }
            Self::Compare(name, comparison, literal) => compare(column(rows, name)?, *comparison, literal),
            Self::Columns(left, comparison, right) => {
                comparison.of(&comparable(column(rows, left)?)?, &comparable(column(rows, right)?)?)
            }
            Self::Not(inner) => boolean::not(&inner.evaluate(rows)?),
            Self::And(parts) => fold(parts, rows, true, boolean::and_kleene),
            Self::Or(parts) => fold(parts, rows, false, boolean::or_kleene),
        }
    }
}

impl Comparison {
    fn of(self, left: &dyn arrow::array::Datum, right: &dyn arrow::array::Datum) -> Result<BooleanArray, ArrowError> {
        match self {
            Self::Equal => cmp::eq(left, right),
            Self::NotEqual => cmp::neq(left, right),
            Self::Less => cmp::lt(left, right),
            Self::LessOrEqual => cmp::lt_eq(left, right),
            Self::Greater => cmp::gt(left, right),
            Self::GreaterOrEqual => cmp::gt_eq(left, right),
        }
    }

    /// The comparison with its sides exchanged.
    const fn turned(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            same => same,
        }
    }
}

type Connective = fn(&BooleanArray, &BooleanArray) -> Result<BooleanArray, ArrowError>;

fn fold(parts: &[Predicate], rows: &RecordBatch, start: bool, join: Connective) -> Result<BooleanArray, ArrowError> {
    let start = constant(Some(start), rows.num_rows());
    parts.iter().try_fold(start, |sofar, part| join(&sofar, &part.evaluate(rows)?))
}

fn compare(column: &ArrayRef, comparison: Comparison, literal: &Literal) -> Result<BooleanArray, ArrowError> {
    let values = comparable(column)?;
    match literal {
        Literal::Null => Ok(constant(None, column.len())),
        Literal::Boolean(value) => comparison.of(&values, &BooleanArray::new_scalar(*value)),
        Literal::Text(text) => comparison.of(&values, &StringArray::new_scalar(text)),
        Literal::Time(micros) => {
            let wanted = TimestampMicrosecondArray::from(vec![micros.0]).with_timezone_opt(timezone(column));
            comparison.of(&values, &Scalar::new(wanted))
        }
        Literal::Number { units, exact } => {
            let wanted = Scalar::new(decimals(Decimal128Array::from(vec![*units]))?);
            match (exact, comparison) {
                (true, comparison) => comparison.of(&values, &wanted),
                // the number is between these units and the next: no value equals it
                (false, Comparison::Equal | Comparison::NotEqual) => {
                    Ok(where_known(comparison == Comparison::NotEqual, &values))
                }
                (false, Comparison::Less | Comparison::LessOrEqual) => cmp::lt_eq(&values, &wanted),
                (false, _) => cmp::gt(&values, &wanted),
            }
        }
    }
}

/// The column in a form that is compared: numbers as units of the fourth place.
fn comparable(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    match column.data_type() {
        DataType::Int64 => {
            let units = column.as_primitive::<Int64Type>().unary(|value| i128::from(value) * UNITS);
            Ok(Arc::new(decimals(units)?))
        }
        DataType::Decimal128(..) => Ok(Arc::new(decimals(column.as_primitive::<Decimal128Type>().clone())?)),
        _ => Ok(Arc::clone(column)),
    }
}

fn decimals(units: Decimal128Array) -> Result<Decimal128Array, ArrowError> {
    units.with_precision_and_scale(arrow::datatypes::DECIMAL128_MAX_PRECISION, wdt_models::DECIMAL_SCALE)
}

fn timezone(column: &ArrayRef) -> Option<Arc<str>> {
    match column.data_type() {
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    }
}

fn constant(value: Option<bool>, rows: usize) -> BooleanArray {
    std::iter::repeat_n(value, rows).collect()
}

/// The value wherever the column is not null.
fn where_known(value: bool, column: &ArrayRef) -> BooleanArray {
    (0..column.len()).map(|row| column.is_valid(row).then_some(value)).collect()
}

fn column<'a>(rows: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, ArrowError> {
    rows.column_by_name(name).ok_or_else(|| ArrowError::SchemaError(format!("no column {name}")))
}

#[cfg(test)]
mod tests;
