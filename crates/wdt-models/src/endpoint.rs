//! The description of one API call type: plain data, read by every stage.

use crate::{Field, Gateway};

/// One API call type and the dataset it becomes.
#[derive(Debug)]
pub struct Endpoint {
    /// Name of the dataset and of its tables.
    pub dataset: &'static str,
    /// The platform's dialect.
    pub gateway: Gateway,
    /// Method or file name on the platform.
    pub method: &'static str,
    /// One sentence: what a row is.
    pub doc: &'static str,
    /// The vendor page the facts come from.
    pub source: &'static str,
    /// What a reader of the table must know that the columns do not say.
    pub notes: &'static [&'static str],
    /// Documented business parameters except paging and window.
    pub params: &'static [Param],
    /// How pages are counted.
    pub paging: Paging,
    /// The column that orders change, and the window that filters on it.
    pub cursor: Cursor,
    /// Member of the answer that holds the records.
    pub records: &'static str,
    /// Columns that identify a row within an account.
    pub key: &'static [&'static str],
    /// The documented filter that splits a window too short to halve.
    pub split: Option<Split>,
    /// Every documented member of a record, in the vendor page's order.
    pub fields: &'static [Field],
}

/// How pages are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// Number of the first page.
    pub first: u32,
    /// Largest page the platform gives, and the size asked for by default.
    pub max_size: u32,
}

/// The column that orders change, and the window that filters on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The column.
    pub field: &'static str,
    /// Parameter of the window's first second.
    pub start_param: &'static str,
    /// Parameter of the window's last second.
    pub end_param: &'static str,
    /// Longest window in seconds.
    pub max_seconds: i64,
}

/// A documented business parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param {
    /// Name on the wire.
    pub name: &'static str,
    /// English meaning, for the reference page.
    pub en: &'static str,
}

impl Param {
    /// A parameter that may be left out.
    #[must_use]
    pub const fn optional(name: &'static str, en: &'static str) -> Self {
        Self { name, en }
    }
}

/// A documented filter and the column that holds its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// Name of the filtering parameter.
    pub param: &'static str,
    /// Column whose values it takes.
    pub field: &'static str,
}

impl Endpoint {
    /// Position of a column in [`Endpoint::fields`].
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// Position of the cursor column.
    ///
    /// The registry test makes sure that it exists for every endpoint; 0 stands for a description that breaks it.
    #[must_use]
    pub fn cursor_position(&self) -> usize {
        self.position(self.cursor.field).unwrap_or_default()
    }

    /// Positions of the key columns, in key order.
    #[must_use]
    pub fn key_positions(&self) -> Vec<usize> {
        self.key.iter().filter_map(|name| self.position(name)).collect()
    }
}
