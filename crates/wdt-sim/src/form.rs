//! The forms one and the same answer can take: what the documents leave open and captures show in several ways.

use crate::dice::Dice;

/// How answers are written; the default mixes what captures show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forms {
    /// `total_count` on page 0.
    pub total: TotalForm,
    /// `total_count` on later pages.
    pub later_total: LaterTotal,
    /// The list of records when nothing matches.
    pub empty: EmptyForm,
    /// The list of records when there are some.
    pub list: ListForm,
    /// The member `code`.
    pub code: CodeForm,
    /// How texts are written.
    pub escapes: Escapes,
    /// Whether a byte order mark stands in front of the answer.
    pub bom: bool,
    /// Whether answers are compressed for clients that accept gzip.
    pub gzip: bool,
}

impl Default for Forms {
    fn default() -> Self {
        Self {
            total: TotalForm::Mixed,
            later_total: LaterTotal::Absent,
            empty: EmptyForm::Mixed,
            list: ListForm::Array,
            code: CodeForm::Number,
            escapes: Escapes::Ascii,
            bom: false,
            gzip: false,
        }
    }
}

impl Forms {
    /// The forms of one call: every mixed form decided.
    pub(crate) fn decided(mut self, dice: &mut Dice) -> Self {
        if self.total == TotalForm::Mixed {
            self.total = if dice.one_in(4) { TotalForm::Number } else { TotalForm::Text };
        }
        if self.empty == EmptyForm::Mixed {
            self.empty = if dice.one_in(2) { EmptyForm::Missing } else { EmptyForm::List };
        }
        if self.code == CodeForm::Mixed {
            self.code = if dice.one_in(2) { CodeForm::Text } else { CodeForm::Number };
        }
        self
    }
}

/// How `total_count` is written on page 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TotalForm {
    /// `"210"`, as in both documented examples.
    Text,
    /// `210`, as declared.
    Number,
    /// One or the other, drawn for each call.
    Mixed,
}

/// What stands for `total_count` on later pages, where the documents promise none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaterTotal {
    /// No member.
    Absent,
    /// `null`.
    Null,
    /// `0`, which is not the number of rows.
    Zero,
}

/// How an answer without records writes its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmptyForm {
    /// `[]`.
    List,
    /// No member.
    Missing,
    /// `null`.
    Null,
    /// `[]` or no member, drawn for each call.
    Mixed,
}

/// How the records are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListForm {
    /// `[…]`.
    Array,
    /// `{"0":…,"2":…}`, which PHP writes for an array with gaps.
    Object,
}

/// How `code` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeForm {
    /// `0`, as documented.
    Number,
    /// `"0"`.
    Text,
    /// One or the other, drawn for each call.
    Mixed,
}

/// How texts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escapes {
    /// As PHP does by default: `\uXXXX` for what is not ASCII and `\/` for a slash.
    Ascii,
    /// Plain UTF-8.
    Utf8,
}
