//! The forms one and the same answer can take: what the documents leave open and captures show in several ways.

use crate::dice::Dice;

/// How answers are written; the default mixes what captures show. A form that does not name a gateway holds for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forms {
    /// The total where it counts, on enterprise.
    pub total: TotalForm,
    /// The total where nobody asked for it: on later pages of enterprise, with `calc_total` 0 on flagship.
    pub later_total: LaterTotal,
    /// The list of records when nothing matches.
    pub empty: EmptyForm,
    /// The list of records when there are some, on enterprise.
    pub list: ListForm,
    /// The member that says how a call went, on enterprise and flagship.
    pub code: CodeForm,
    /// Numbers on top.
    pub numbers: NumberForm,
    /// The lists of an answer to a list of ids, on flagship.
    pub ids: IdsForm,
    /// The comma of the message about the call limit, on flagship.
    pub comma: Comma,
    /// What a warehouse that does not exist gets on top.
    pub unknown_store: UnknownStore,
    /// Whether a success on top has an error code all the same, as the vendor's example does.
    pub needless_code: bool,
    /// How texts are written.
    pub escapes: Escapes,
    /// Whether the answer begins with a byte order mark.
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
            numbers: NumberForm::Mixed,
            ids: IdsForm::Mixed,
            comma: Comma::Mixed,
            unknown_store: UnknownStore::Error,
            needless_code: false,
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
            let forms = [EmptyForm::List, EmptyForm::Missing, EmptyForm::Object];
            self.empty = dice.pick(&forms).copied().unwrap_or(EmptyForm::List);
        }
        if self.code == CodeForm::Mixed {
            self.code = if dice.one_in(2) { CodeForm::Text } else { CodeForm::Number };
        }
        if self.numbers == NumberForm::Mixed {
            self.numbers = if dice.one_in(4) { NumberForm::Text } else { NumberForm::Number };
        }
        if self.ids == IdsForm::Mixed {
            self.ids = if dice.one_in(2) { IdsForm::UnderData } else { IdsForm::TopLevel };
        }
        if self.comma == Comma::Mixed {
            self.comma = if dice.one_in(2) { Comma::Ascii } else { Comma::FullWidth };
        }
        self
    }
}

/// How the total is written where it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TotalForm {
    /// `"210"`, as in both documented examples.
    Text,
    /// `210`, as declared.
    Number,
    /// One or the other, drawn for each call.
    Mixed,
}

/// What is written for the total where nobody asked for it and the documents do not promise it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaterTotal {
    /// No member.
    Absent,
    /// `null`.
    Null,
    /// `0`, which is not the number of rows.
    Zero,
    /// The number of rows.
    Right,
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
    /// `{}` in place of the list on enterprise, around it on top; `[]` on flagship, which is not written in PHP.
    Object,
    /// `[]`, no member or `{}`, drawn for each call.
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

/// How `code` or `status` is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeForm {
    /// `0`, as documented.
    Number,
    /// `"0"`.
    Text,
    /// One or the other, drawn for each call.
    Mixed,
}

/// How numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberForm {
    /// `122`, as declared.
    Number,
    /// `"122"`, as a sibling of the documented method writes them.
    Text,
    /// One or the other, drawn for each call.
    Mixed,
}

/// Where an answer to a list of ids has its lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdsForm {
    /// In `data`, beside a `status`, as in the vendor page's table.
    UnderData,
    /// At the root, without a `status`, as in the vendor page's example.
    TopLevel,
    /// One or the other, drawn for each call.
    Mixed,
}

/// The comma of the message about the call limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comma {
    /// `,`, as live logs show.
    Ascii,
    /// `，`, as the vendor's error page has it.
    FullWidth,
    /// One or the other, drawn for each call.
    Mixed,
}

/// What a warehouse that does not exist gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownStore {
    /// `error_response` 15 with `isv.invalid-parameter`.
    Error,
    /// A success without records.
    Nothing,
}

/// How texts are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escapes {
    /// As PHP does by default: `\uXXXX` for what is not ASCII and `\/` for a slash.
    Ascii,
    /// Plain UTF-8.
    Utf8,
}
