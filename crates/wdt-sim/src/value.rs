//! What a cell holds, made anew each time from the seed, the row's number and its version: nothing of it is stored.

use std::{borrow::Cow, sync::Arc};

use wdt_models::time::{Seconds, format_wall_time};

use crate::{
    dice::Dice,
    places::{self, FIRST_ID, GROUPS, Place},
    role::{Member, Role},
    row::Row,
    spread::Spread,
};

/// The value of a cell, before a gateway spells it.
#[derive(Debug)]
pub(crate) enum CellValue {
    Text(Cow<'static, str>),
    Int(i64),
    /// Ten-thousandths.
    Decimal(i64),
    Flag(bool),
    Time(Moment),
}

/// A time.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment {
    /// Not set; the draw says how that is written.
    Unset(u64),
    /// One that the draw's digits make.
    Drawn(u64),
    /// Epoch seconds.
    At(i64),
}

/// What cells are made from beside the column.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) seed: u64,
    pub(crate) spread: Arc<Spread>,
    /// Several rows are about one thing, one in each group.
    pub(crate) grouped: bool,
    /// The rows are the warehouses or shops themselves.
    pub(crate) lists_places: bool,
    /// The seed that decides which rows may be asked for by id, and which are stopped.
    pub(crate) marks: u64,
    /// One in so many of those is stopped; 0 stops none.
    pub(crate) stopped_in: u32,
}

impl CellValue {
    /// The value as text, times as `YYYY-MM-DD HH:MM:SS`; `None` for decimals and for a time that is not set.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone().into_owned()),
            Self::Int(number) => Some(number.to_string()),
            Self::Decimal(_) => None,
            Self::Flag(flag) => Some(flag.to_string()),
            Self::Time(moment) => moment.text(),
        }
    }
}

impl Moment {
    /// Asia/Shanghai wall time; `None` where it is not set. Every month has its first 28 days.
    pub(crate) fn text(self) -> Option<String> {
        match self {
            Self::Unset(_) => None,
            Self::At(seconds) => Some(format_wall_time(Seconds(seconds))),
            Self::Drawn(draw) => {
                let (year, month, day) = (2015 + draw % 10, 1 + (draw >> 8) % 12, 1 + (draw >> 16) % 28);
                let (hour, minute, second) = ((draw >> 24) % 24, (draw >> 32) % 60, (draw >> 40) % 60);
                Some(format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"))
            }
        }
    }
}

impl Source {
    /// The value of a cell; `None` where the row does not have one. What an edit changes is drawn from `moving`.
    pub(crate) fn value(&self, member: &Member, row: Row, still: &mut Dice, moving: &mut Dice) -> Option<CellValue> {
        if member.only_for.is_some() && member.only_for != self.slice_value(row.id, "type") {
            return None;
        }
        let value = match &member.role {
            Role::SubjectId => id(self.subject(row.id)),
            Role::RowId => id(FIRST_ID + u64::from(row.id)),
            Role::RowNumber => CellValue::Int(i64::from(row.id) + 1),
            Role::GroupId => CellValue::Int(self.place(member.name, row.id).id),
            Role::GroupNo => CellValue::Text(self.place(member.name, row.id).no),
            Role::GroupName => CellValue::Text(self.place(member.name, row.id).name),
            Role::Modified => CellValue::Time(Moment::At(row.modified)),
            Role::Quantity => CellValue::Decimal(quantity(moving)),
            Role::Code(bound) => CellValue::Int(i64::try_from(still.below(*bound)).unwrap_or(0)),
            Role::Coded(codes) => CellValue::Text(still.pick(codes).map_or("", |code| code.value).into()),
            Role::Flag => CellValue::Flag(still.one_in(2)),
            Role::Off => CellValue::Flag(false),
            Role::Stopped => CellValue::Flag(self.is_stopped(row.id)),
            Role::Only(value) => CellValue::Int(self.only(*value, row.id)),
            Role::Dimension(place) => CellValue::Text(self.spread.slice(row.id)?.0.get(*place)?.1.clone().into()),
            Role::Batch => CellValue::Text(self.batch(row.id)?.into()),
            Role::Produced => CellValue::Time(self.date(row.id, 10)?),
            Role::Due => CellValue::Time(self.date(row.id, 11)?),
            Role::Channel => CellValue::Text(["TB", "OTHERS"][usize::from(self.spread.subject(row.id).1 > 0)].into()),
            Role::Time => CellValue::Time(time(still.draw())),
            Role::Label(label) => CellValue::Text(label.text(self.subject(row.id)).into()),
            Role::List(_) => return None,
        };
        Some(if member.text { value } else { as_declared(value) })
    }

    /// The number of what a row is about.
    pub(crate) fn subject(&self, id: u32) -> u64 {
        FIRST_ID + if self.grouped { u64::from(id) / GROUPS as u64 } else { self.spread.subject(id).0 }
    }

    /// The rows about that number, whether they exist or not, of rows that are not in slices.
    pub(crate) fn rows_about(&self, subject: u64) -> Vec<u32> {
        let Some(first) = subject.checked_sub(FIRST_ID).filter(|&first| u32::try_from(first).is_ok()) else {
            return Vec::new();
        };
        let each = if self.grouped { GROUPS as u64 } else { 1 };
        (first * each..(first + 1) * each).filter_map(|id| u32::try_from(id).ok()).collect()
    }

    /// Whether a row may be asked for by id: two in three.
    pub(crate) fn is_eligible(&self, id: u32) -> bool {
        !Dice::new(self.marks, &[7, u64::from(id)]).one_in(3)
    }

    /// Whether a row is refused when it is asked for by id.
    pub(crate) fn is_stopped(&self, id: u32) -> bool {
        self.stopped_in > 0 && Dice::new(self.marks, &[9, u64::from(id)]).one_in(u64::from(self.stopped_in))
    }

    fn slice_value(&self, id: u32, dimension: &str) -> Option<&str> {
        self.spread.slice(id).and_then(|slice| slice.value(dimension))
    }

    fn place(&self, column: &str, id: u32) -> Place {
        if self.lists_places { places::listed(column, id) } else { places::spread(column, id) }
    }

    fn only(&self, value: i64, id: u32) -> i64 {
        let mut others = [1, 13, 39, 90].into_iter().filter(|other| *other != value);
        if self.is_eligible(id) { value } else { others.nth(id as usize % 3).unwrap_or(value) }
    }

    /// Some items of a batch view have no batch; of one item at most one row.
    fn batch(&self, id: u32) -> Option<String> {
        let (item, part) = self.spread.subject(id);
        let none = part == 0 && Dice::new(self.seed, &[12, u64::from(id)]).one_in(2);
        (!none).then(|| format!("0批{item:05}-{part}"))
    }

    fn date(&self, id: u32, kind: u64) -> Option<Moment> {
        self.batch(id)?;
        let draw = Dice::new(self.seed, &[kind, u64::from(id)]).draw();
        (!draw.is_multiple_of(8)).then_some(Moment::Drawn(draw))
    }
}

fn id(number: u64) -> CellValue {
    CellValue::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// A value of a column that is not declared as text: numbers are made of digits alone.
fn as_declared(value: CellValue) -> CellValue {
    match value {
        CellValue::Text(text) => text.parse().map_or(CellValue::Text(text), CellValue::Int),
        other => other,
    }
}

/// Ten-thousandths: whole pieces mostly, now and then nothing, fractions, less than nothing, or as much as fits.
fn quantity(dice: &mut Dice) -> i64 {
    let size = i64::try_from(dice.below(5_000_000)).unwrap_or(0);
    match dice.below(256) {
        0 => 1_234_567_890_123_456_789,
        1 => -1_234_567_890_123_456_789,
        2..=15 => -(size / 10_000) * 10_000,
        16..=63 => size,
        64..=95 => 0,
        _ => size / 10_000 * 10_000,
    }
}

fn time(draw: u64) -> Moment {
    match draw % 16 {
        unset @ 0..=3 => Moment::Unset(unset),
        _ => Moment::Drawn(draw >> 4),
    }
}
