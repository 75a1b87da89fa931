//! A condition's text becomes a [`Predicate`]; what the small language lacks is refused by its name.

use arrow::datatypes::{DataType, Schema};
use sqlparser::ast::{BinaryOperator, Expr, Ident, UnaryOperator, Value};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

use super::literal::{self, Literal};
use super::{Comparison, Predicate};
use crate::commands::export::columns::unknown;
use crate::error::EtlError;
use crate::words::quoted;

const HINT: &str = "a condition consists of columns, numbers, 'texts', TRUE, FALSE, NULL, = <> < <= > >=, AND, OR, NOT, IN, BETWEEN, LIKE, IS NULL and parentheses; docs/export.md has examples";

impl Predicate {
    /// Reads a condition on the columns of a table.
    ///
    /// # Errors
    /// [`EtlError::Usage`] for anything that is not part of the language, unknown columns and values of another type.
    pub(in crate::commands::export) fn parse(text: &str, table: &Schema) -> Result<Self, EtlError> {
        let dialect = GenericDialect {};
        let mut parser = Parser::new(&dialect).try_with_sql(text).map_err(|error| unreadable(&error))?;
        let expression = parser.parse_expr().map_err(|error| unreadable(&error))?;
        match parser.peek_token().token {
            Token::EOF => Reader { table }.condition(&expression),
            token => {
                Err(refuse(format!("--where: the condition cannot be read from {} on", quoted(&token.to_string()))))
            }
        }
    }
}

/// One side of a comparison.
enum Operand<'a> {
    Column(&'a str, &'a DataType),
    Literal(Plain),
}

/// A literal whose type the column decides.
enum Plain {
    Null,
    Boolean(bool),
    Text(String),
    /// Digits, and whether a minus sign precedes them.
    Number(String, bool),
}

struct Reader<'a> {
    table: &'a Schema,
}

impl Reader<'_> {
    fn condition(&self, expression: &Expr) -> Result<Predicate, EtlError> {
        match expression {
            Expr::Nested(inner) => self.condition(inner),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => Ok(not(self.condition(expr)?)),
            Expr::BinaryOp { op: BinaryOperator::And, .. } => self.chain(expression, true),
            Expr::BinaryOp { op: BinaryOperator::Or, .. } => self.chain(expression, false),
            Expr::BinaryOp { left, op, right } => {
                let comparison = comparison(op).ok_or_else(|| no_part(expression))?;
                self.comparison(expression, left, comparison, right)
            }
            Expr::IsNull(inner) => Ok(Predicate::IsNull(self.column(inner)?.0.to_owned())),
            Expr::IsNotNull(inner) => Ok(not(Predicate::IsNull(self.column(inner)?.0.to_owned()))),
            Expr::InList { expr, list, negated } => {
                let any = list.iter().map(|item| self.comparison(item, expr, Comparison::Equal, item));
                Ok(negate(Predicate::Or(any.collect::<Result<_, _>>()?), *negated))
            }
            Expr::Between { expr, negated, low, high } => {
                let low = self.comparison(expression, expr, Comparison::GreaterOrEqual, low)?;
                let high = self.comparison(expression, expr, Comparison::LessOrEqual, high)?;
                Ok(negate(Predicate::And(vec![low, high]), *negated))
            }
            Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
                Ok(negate(self.like(expr, pattern)?, *negated))
            }
            other => self.truth(other),
        }
    }

    /// A long chain of the same connective is as deep as it is long: it is walked, not recursed into.
    fn chain(&self, expression: &Expr, and: bool) -> Result<Predicate, EtlError> {
        let mut parts = Vec::new();
        let mut rest = expression;
        loop {
            match rest {
                Expr::BinaryOp { left, op, right } if (*op == BinaryOperator::And) == and && is_connective(op) => {
                    parts.push(self.condition(right)?);
                    rest = left;
                }
                first => {
                    parts.push(self.condition(first)?);
                    parts.reverse();
                    return Ok(if and { Predicate::And(parts) } else { Predicate::Or(parts) });
                }
            }
        }
    }

    /// A boolean column, TRUE, FALSE or NULL as a condition of its own.
    fn truth(&self, expression: &Expr) -> Result<Predicate, EtlError> {
        match self.operand(expression)? {
            Operand::Literal(Plain::Boolean(value)) => Ok(Predicate::Constant(Some(value))),
            Operand::Literal(Plain::Null) => Ok(Predicate::Constant(None)),
            Operand::Column(name, DataType::Boolean) => Ok(Predicate::Flag(name.to_owned())),
            _ => Err(refuse(format!("--where: {} is neither true nor false", shown(expression)))),
        }
    }

    fn comparison(
        &self,
        whole: &Expr,
        left: &Expr,
        comparison: Comparison,
        right: &Expr,
    ) -> Result<Predicate, EtlError> {
        let (name, kind, comparison, value) = match (self.operand(left)?, self.operand(right)?) {
            (Operand::Column(left, left_kind), Operand::Column(right, right_kind)) => {
                if family(left_kind) != family(right_kind) || family(left_kind) == "list" {
                    return Err(refuse(format!("--where: columns `{left}` and `{right}` cannot be compared")));
                }
                return Ok(Predicate::Columns(left.to_owned(), comparison, right.to_owned()));
            }
            (Operand::Column(name, kind), Operand::Literal(value)) => (name, kind, comparison, value),
            (Operand::Literal(value), Operand::Column(name, kind)) => (name, kind, comparison.turned(), value),
            _ => return Err(refuse(format!("--where: {} does not name a column", shown(whole)))),
        };
        Ok(Predicate::Compare(name.to_owned(), comparison, typed(name, kind, value)?))
    }

    fn like(&self, expression: &Expr, pattern: &Expr) -> Result<Predicate, EtlError> {
        let (name, kind) = self.column(expression)?;
        if family(kind) != "text" {
            return Err(refuse(format!("--where: column `{name}` is a {}, LIKE is for texts", family(kind))));
        }
        match self.operand(pattern)? {
            Operand::Literal(Plain::Text(pattern)) => Ok(Predicate::Like(name.to_owned(), pattern)),
            Operand::Literal(Plain::Null) => Ok(Predicate::Constant(None)),
            _ => Err(refuse(format!("--where: {} is not a pattern in single quotes", shown(pattern)))),
        }
    }

    fn column(&self, expression: &Expr) -> Result<(&str, &DataType), EtlError> {
        match self.operand(expression)? {
            Operand::Column(name, kind) => Ok((name, kind)),
            Operand::Literal(_) => Err(refuse(format!("--where: {} is not a column", shown(expression)))),
        }
    }

    fn operand(&self, expression: &Expr) -> Result<Operand<'_>, EtlError> {
        match expression {
            Expr::Nested(inner) => self.operand(inner),
            Expr::Identifier(name) => self.named(name),
            Expr::Value(value) => plain(&value.value).map(Operand::Literal).ok_or_else(|| no_part(expression)),
            Expr::UnaryOp { op: op @ (UnaryOperator::Minus | UnaryOperator::Plus), expr } => match expr.as_ref() {
                Expr::Value(value) => match &value.value {
                    Value::Number(digits, false) => {
                        Ok(Operand::Literal(Plain::Number(digits.clone(), *op == UnaryOperator::Minus)))
                    }
                    _ => Err(no_part(expression)),
                },
                _ => Err(no_part(expression)),
            },
            _ => Err(no_part(expression)),
        }
    }

    fn named(&self, name: &Ident) -> Result<Operand<'_>, EtlError> {
        let found = self.table.fields().iter().find(|field| field.name().eq_ignore_ascii_case(&name.value));
        if let Some(field) = found {
            return Ok(Operand::Column(field.name(), field.data_type()));
        }
        match unknown(&name.value, self.table) {
            EtlError::Usage { message, hint } => {
                let quotes = name.quote_style.map(|_| "write texts in single quotes; ").unwrap_or_default();
                let hint = hint.map(|hint| format!("{quotes}{hint}"));
                Err(EtlError::Usage { message: format!("--where: {message}"), hint })
            }
            other => Err(other),
        }
    }
}

fn comparison(op: &BinaryOperator) -> Option<Comparison> {
    Some(match op {
        BinaryOperator::Eq => Comparison::Equal,
        BinaryOperator::NotEq => Comparison::NotEqual,
        BinaryOperator::Lt => Comparison::Less,
        BinaryOperator::LtEq => Comparison::LessOrEqual,
        BinaryOperator::Gt => Comparison::Greater,
        BinaryOperator::GtEq => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

const fn is_connective(op: &BinaryOperator) -> bool {
    matches!(op, BinaryOperator::And | BinaryOperator::Or)
}

fn plain(value: &Value) -> Option<Plain> {
    Some(match value {
        Value::Null => Plain::Null,
        Value::Boolean(value) => Plain::Boolean(*value),
        Value::SingleQuotedString(text) => Plain::Text(text.clone()),
        Value::Number(digits, false) => Plain::Number(digits.clone(), false),
        _ => return None,
    })
}

/// The literal as the column's type reads it.
fn typed(name: &str, kind: &DataType, value: Plain) -> Result<Literal, EtlError> {
    let family = family(kind);
    match (value, family) {
        (Plain::Null, _) => Ok(Literal::Null),
        (Plain::Boolean(value), "boolean") => Ok(Literal::Boolean(value)),
        (Plain::Text(text), "text") => Ok(Literal::Text(text)),
        (Plain::Number(digits, negative), "number") => literal::number(&digits, negative)
            .ok_or_else(|| refuse(format!("--where: number {} is not written in plain digits", quoted(&digits)))),
        (Plain::Text(text), "time") => literal::time(&text).map(Literal::Time).ok_or_else(|| {
            refuse(format!("--where: {} is not a time; write 'YYYY-MM-DD HH:MM:SS', Asia/Shanghai", quoted(&text)))
        }),
        (_, family) => {
            let how = match family {
                "text" | "time" => "write the value in single quotes",
                "number" => "write the value in plain digits, without quotes",
                "boolean" => "write TRUE or FALSE",
                _ => "only IS NULL and IS NOT NULL apply to it",
            };
            Err(refuse(format!("--where: column `{name}` is a {family}: {how}")))
        }
    }
}

/// Types that are compared with each other.
fn family(kind: &DataType) -> &'static str {
    match kind {
        DataType::Utf8 => "text",
        DataType::Int64 | DataType::Decimal128(..) => "number",
        DataType::Boolean => "boolean",
        DataType::Timestamp(..) => "time",
        _ => "list",
    }
}

fn not(predicate: Predicate) -> Predicate {
    Predicate::Not(Box::new(predicate))
}

fn negate(predicate: Predicate, negated: bool) -> Predicate {
    if negated { not(predicate) } else { predicate }
}

fn shown(expression: &Expr) -> String {
    quoted(&expression.to_string())
}

fn no_part(expression: &Expr) -> EtlError {
    refuse(format!("--where does not know {}", shown(expression)))
}

fn unreadable(error: &impl std::fmt::Display) -> EtlError {
    let text = error.to_string();
    let text = text.split_once(": ").map_or(text.as_str(), |(_, reason)| reason);
    refuse(format!("--where cannot be read: {text}"))
}

fn refuse(message: String) -> EtlError {
    EtlError::Usage { message, hint: Some(HINT.to_owned()) }
}
