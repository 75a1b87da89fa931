//! One documented member of a record: its name on the wire, its type, its labels.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field as ArrowField, Fields, TimeUnit};

/// Digits of every `decimal(19,4)` column.
pub const DECIMAL_PRECISION: u8 = 19;
/// Places of every `decimal(19,4)` column.
pub const DECIMAL_SCALE: i8 = 4;
/// Key of the column comment in Arrow and Delta field metadata.
pub const COMMENT: &str = "comment";

/// The declared type of a member, which decides how its wire text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 64-bit integer: counts, codes and ids declared int, bigint, tinyint or smallint.
    Int,
    /// `decimal(19,4)`: any quantity, price or stock amount.
    Decimal,
    /// UTC instant in microseconds; the wire text is Asia/Shanghai wall time.
    Timestamp,
    /// True or false.
    Boolean,
    /// Text, kept byte for byte.
    Text,
    /// Nested list of records, order kept.
    List(&'static [Field]),
}

impl Kind {
    /// The Arrow type of a column of this kind.
    #[must_use]
    pub fn data_type(self) -> DataType {
        match self {
            Self::Int => DataType::Int64,
            Self::Decimal => DataType::Decimal128(DECIMAL_PRECISION, DECIMAL_SCALE),
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Boolean => DataType::Boolean,
            Self::Text => DataType::Utf8,
            Self::List(fields) => {
                let fields: Fields = fields.iter().map(Field::arrow).collect();
                DataType::List(Arc::new(ArrowField::new("element", DataType::Struct(fields), true)))
            }
        }
    }

    /// The name of the type as the documentation and `etl_columns` print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int => "bigint",
            Self::Decimal => "decimal(19,4)",
            Self::Timestamp => "timestamp",
            Self::Boolean => "boolean",
            Self::Text => "text",
            Self::List(_) => "list",
        }
    }
}

/// One documented member of a record, as one line of an endpoint's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Name on the wire in lower case, misspellings kept; matched without ASCII case.
    pub name: &'static str,
    /// Another name the wire may use; read only where a record lacks the documented one.
    pub alias: Option<&'static str>,
    /// Declared type.
    pub kind: Kind,
    /// Chinese label of the vendor page.
    pub zh: &'static str,
    /// English meaning.
    pub en: &'static str,
    /// Unit, where the vendor page states one.
    pub unit: Option<&'static str>,
    /// A record without it is refused (key and cursor).
    pub required: bool,
    /// Changes without moving the cursor (day counters, derived amounts).
    pub volatile: bool,
    /// About a person; null unless the dataset says `personal = true`.
    pub personal: bool,
    /// Values that the vendor documents, with their meaning.
    pub codes: &'static [Code],
}

/// A documented value of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// The value, as text.
    pub value: &'static str,
    /// Chinese meaning.
    pub zh: &'static str,
    /// English meaning.
    pub en: &'static str,
}

impl Code {
    /// A documented value of a column.
    #[must_use]
    pub const fn new(value: &'static str, zh: &'static str, en: &'static str) -> Self {
        Self { value, zh, en }
    }
}

impl Field {
    const fn new(name: &'static str, kind: Kind, zh: &'static str, en: &'static str) -> Self {
        Self {
            name,
            alias: None,
            kind,
            zh,
            en,
            unit: None,
            required: false,
            volatile: false,
            personal: false,
            codes: &[],
        }
    }

    /// A 64-bit integer.
    #[must_use]
    pub const fn int(name: &'static str, zh: &'static str, en: &'static str) -> Self {
        Self::new(name, Kind::Int, zh, en)
    }

    /// A quantity, price or amount.
    #[must_use]
    pub const fn decimal(name: &'static str, zh: &'static str, en: &'static str) -> Self {
        Self::new(name, Kind::Decimal, zh, en)
    }

    /// A point in time.
    #[must_use]
    pub const fn timestamp(name: &'static str, zh: &'static str, en: &'static str) -> Self {
        Self::new(name, Kind::Timestamp, zh, en)
    }

    /// True or false.
    #[must_use]
    pub const fn boolean(name: &'static str, zh: &'static str, en: &'static str) -> Self {
        Self::new(name, Kind::Boolean, zh, en)
    }

    /// Text, ids and codes declared as text among it.
    #[must_use]
    pub const fn text(name: &'static str, zh: &'static str, en: &'static str) -> Self {
        Self::new(name, Kind::Text, zh, en)
    }

    /// A nested list of records.
    #[must_use]
    pub const fn list(name: &'static str, zh: &'static str, en: &'static str, fields: &'static [Self]) -> Self {
        Self::new(name, Kind::List(fields), zh, en)
    }

    /// Marks a member every record must have.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Marks a member that changes without moving the cursor.
    #[must_use]
    pub const fn volatile(mut self) -> Self {
        self.volatile = true;
        self
    }

    /// Marks a member about a person.
    #[must_use]
    pub const fn personal(mut self) -> Self {
        self.personal = true;
        self
    }

    /// States another name the wire may use.
    #[must_use]
    pub const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    /// States the documented values.
    #[must_use]
    pub const fn codes(mut self, codes: &'static [Code]) -> Self {
        self.codes = codes;
        self
    }

    /// States the unit.
    #[must_use]
    pub const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = Some(unit);
        self
    }

    /// The Arrow field: nullable unless required, with the labels as its comment.
    #[must_use]
    pub fn arrow(&self) -> ArrowField {
        let comment = format!("{} | {}", self.zh, self.en);
        ArrowField::new(self.name, self.kind.data_type(), !self.required)
            .with_metadata([(COMMENT.to_owned(), comment)].into())
    }
}
