//! The description of one API call type: plain data, read by every stage.

use crate::{Field, FullRead, Gateway};

/// One API call type and the dataset it becomes.
#[derive(Debug)]
pub struct Endpoint {
    /// Name of the dataset and of its tables.
    pub dataset: &'static str,
    /// The platform's dialect.
    pub gateway: Gateway,
    /// The calls that give these records; the first is made unless the configuration names another.
    pub methods: &'static [Method],
    /// One sentence: what a row is.
    pub doc: &'static str,
    /// The vendor page the facts come from.
    pub source: &'static str,
    /// What a reader of the table must know that the columns do not say.
    pub notes: &'static [&'static str],
    /// Documented business parameters except paging, window and slice.
    pub params: &'static [Param],
    /// How the dataset is kept in step with the platform.
    pub sync: SyncMode,
    /// The call that gives everything at once, where a dataset that is read in windows has one.
    pub full_read: Option<FullRead>,
    /// Columns that identify a row within an account.
    pub key: &'static [&'static str],
    /// The documented filter that splits a window too short to halve.
    pub split: Option<Split>,
    /// Every documented member of a record, in the vendor page's order.
    pub fields: &'static [Field],
    /// Columns of a report that people know this dataset by, with the labels they know, in their order; mostly none.
    pub report: &'static [(&'static str, &'static str)],
}

/// One call of the platform.
#[derive(Debug, PartialEq, Eq)]
pub struct Method {
    /// Name on the platform: a method or a file.
    pub name: &'static str,
    /// How the business parameters are laid out.
    pub arguments: Arguments,
    /// How pages are counted.
    pub paging: Paging,
    /// Where the answer holds what.
    pub shape: Shape,
}

/// How the business parameters of a call are laid out; how they travel is the gateway's matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arguments {
    /// By name: a form's fields, or the members of one JSON object.
    Named,
    /// A list of objects, one per id, each with the id and every other parameter.
    Items {
        /// Member of the id.
        id: &'static str,
    },
    /// One id, then the parameters' values in the order of [`Endpoint::params`], none by name.
    Positional,
}

/// How pages are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paging {
    /// Number of the first page.
    pub first: u32,
    /// Largest page the platform gives, and the size asked for by default. For a list of ids, ids in one call.
    pub max_size: u32,
}

/// Where an answer holds what: paths of members from its root, after the wrapping that a gateway puts around all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Paths to the list of records; the first that is there counts. A list may be at any step of a path.
    pub records: &'static [&'static [&'static str]],
    /// Path to the number of records on all pages; empty where the platform declares none.
    pub total: &'static [&'static str],
    /// Member that each record is wrapped in.
    pub wrapped_in: Option<&'static str>,
    /// Paths to the list of ids that the platform refuses one by one; the first that is there counts.
    pub refused: &'static [&'static [&'static str]],
    /// The path leads to one record and not to a list.
    pub single: bool,
}

/// How a dataset is kept in step with the platform: what one sync reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncMode {
    /// What changed in a window of time.
    Incremental(Cursor),
    /// A full picture of each slice; without a dimension the whole list is the one slice.
    Slices(&'static [Dimension]),
    /// The rows of a list of ids, which is the one slice.
    Ids(IdSource),
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

/// One thing by which slices differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dimension {
    /// Parameter on the wire and column of the table.
    pub name: &'static str,
    /// Key of the configuration that lists its values.
    pub setting: &'static str,
    /// Values that the platform documents; any text where there are none.
    pub values: &'static [&'static str],
    /// Values read by default; the configuration must list some where there are none.
    pub default: &'static [&'static str],
    /// English meaning, for the reference page.
    pub en: &'static str,
}

/// Where the ids of a list come from when the configuration does not name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdSource {
    /// Dataset whose current table holds them.
    pub dataset: &'static str,
    /// Its column of ids, of which this endpoint's key has the namesake.
    pub column: &'static str,
    /// Only its rows with this integer in this column.
    pub only: (&'static str, i64),
}

/// A documented business parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param {
    /// Name on the wire.
    pub name: &'static str,
    /// What its values are.
    pub kind: ParamKind,
    /// English meaning, for the reference page.
    pub en: &'static str,
}

/// What the values of a parameter are: in a JSON body a number and a text differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    /// Text; a number in the configuration is sent as its digits.
    Text,
    /// A whole number.
    Int,
    /// True or false.
    Boolean,
    /// A list of texts.
    Texts,
    /// `YYYY-MM-DD HH:MM:SS` in Asia/Shanghai.
    Time,
}

impl Shape {
    /// A list of records and their total.
    #[must_use]
    pub const fn list(records: &'static [&'static [&'static str]], total: &'static [&'static str]) -> Self {
        Self { records, total, wrapped_in: None, refused: &[], single: false }
    }
}

impl Param {
    /// A text that may be left out.
    #[must_use]
    pub const fn optional(name: &'static str, en: &'static str) -> Self {
        Self { name, kind: ParamKind::Text, en }
    }

    /// A value of another kind that may be left out.
    #[must_use]
    pub const fn of(kind: ParamKind, name: &'static str, en: &'static str) -> Self {
        Self { name, kind, en }
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

    /// The call made by default.
    ///
    /// The registry test makes sure that there is one; the empty method takes the place of a description that breaks it.
    #[must_use]
    pub fn method(&self) -> &'static Method {
        const NONE: &Method = &Method {
            name: "",
            arguments: Arguments::Named,
            paging: Paging { first: 0, max_size: 1 },
            shape: Shape::list(&[], &[]),
        };
        self.methods.first().unwrap_or(NONE)
    }

    /// The call of that name.
    #[must_use]
    pub fn method_named(&self, name: &str) -> Option<&'static Method> {
        self.methods.iter().find(|method| method.name == name)
    }

    /// The window and the column that orders change, where the dataset has them.
    #[must_use]
    pub const fn cursor(&self) -> Option<Cursor> {
        match self.sync {
            SyncMode::Incremental(cursor) => Some(cursor),
            SyncMode::Slices(_) | SyncMode::Ids(_) => None,
        }
    }

    /// By what slices differ; nothing for a dataset without slices.
    #[must_use]
    pub const fn dimensions(&self) -> &'static [Dimension] {
        match self.sync {
            SyncMode::Slices(dimensions) => dimensions,
            SyncMode::Incremental(_) | SyncMode::Ids(_) => &[],
        }
    }

    /// Position of the cursor column, where there is a cursor.
    #[must_use]
    pub fn cursor_position(&self) -> Option<usize> {
        self.cursor().and_then(|cursor| self.position(cursor.field))
    }

    /// Positions of the key columns, in key order.
    #[must_use]
    pub fn key_positions(&self) -> Vec<usize> {
        self.key.iter().filter_map(|name| self.position(name)).collect()
    }
}
