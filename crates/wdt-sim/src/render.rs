//! A row's JSON, made anew each time from the seed, the row's number and its version: nothing of it is stored.

use wdt_models::{Endpoint, time::format_wall_time};

use crate::{
    dice::Dice,
    form::Escapes,
    json::{push, push_decimal, push_text},
    ledger::Row,
    role::{self, FIRST_ID, GROUPS, Label, Member, Role},
};

/// Makes the records of one dataset.
#[derive(Debug)]
pub(crate) struct Renderer {
    members: Vec<Member>,
    grouped_key: bool,
    seed: u64,
    escapes: Escapes,
    refused_rows: u32,
    refused_member: Option<&'static str>,
}

/// One record on its way; what stays over a row's life is drawn apart from what an edit changes.
struct Pen<'a> {
    renderer: &'a Renderer,
    row: Row,
    still: Dice,
    moving: Dice,
    capitals: bool,
    out: &'a mut String,
}

enum Shape {
    Plain,
    Absent,
    Null,
    Empty,
    Bare,
}

impl Renderer {
    pub(crate) fn new(endpoint: &Endpoint, seed: u64, escapes: Escapes, refused_rows: u32) -> Self {
        let members = role::members(endpoint);
        let refused_member =
            members.iter().find(|member| matches!(member.role, Role::Quantity)).map(|member| member.name);
        Self { members, grouped_key: role::key_has_group(endpoint), seed, escapes, refused_rows, refused_member }
    }

    /// Appends a row's record.
    pub(crate) fn push_record(&self, row: Row, out: &mut String) {
        let (id, version) = (u64::from(row.id), u64::from(row.version));
        let mut still = Dice::new(self.seed, &[1, id]);
        let moving = Dice::new(self.seed, &[2, id, version]);
        let (capitals, surplus) = (still.one_in(8), still.one_in(16));
        out.push('{');
        let mut pen = Pen { renderer: self, row, still, moving, capitals, out };
        for member in &self.members {
            pen.member(member, true);
        }
        if surplus {
            pen.undocumented();
        }
        pen.out.push('}');
    }

    /// The row's key, in the order of the endpoint's key columns.
    pub(crate) fn key(&self, endpoint: &Endpoint, id: u32) -> Vec<i64> {
        let number = |name: &&str| match self.members.iter().find(|member| member.name == *name)?.role {
            Role::GroupId => role::places(name)[role::group(id)].id.parse().ok(),
            _ => i64::try_from(self.subject(id)).ok(),
        };
        endpoint.key.iter().filter_map(number).collect()
    }

    /// The number of what a row is about.
    pub(crate) fn subject(&self, id: u32) -> u64 {
        let id = u64::from(id);
        FIRST_ID + if self.grouped_key { id / GROUPS as u64 } else { id }
    }

    /// The rows about that number, whether they exist or not.
    pub(crate) fn rows_about(&self, subject: u64) -> Vec<u32> {
        let Some(first) = subject.checked_sub(FIRST_ID).and_then(|first| u32::try_from(first).ok()) else {
            return Vec::new();
        };
        let (first, each) = (u64::from(first), if self.grouped_key { GROUPS as u64 } else { 1 });
        (first * each..(first + 1) * each).filter_map(|id| u32::try_from(id).ok()).collect()
    }

    fn refuses(&self, row: Row, member: &Member, top: bool) -> bool {
        top && row.id < self.refused_rows && self.refused_member == Some(member.name)
    }
}

impl Pen<'_> {
    fn member(&mut self, member: &Member, top: bool) {
        let shape = if member.loose { self.shape() } else { Shape::Plain };
        let refused = self.renderer.refuses(self.row, member, top);
        if matches!(shape, Shape::Absent) && !refused {
            return;
        }
        self.name(if self.capitals { member.capital.unwrap_or(member.name) } else { member.name });
        match shape {
            _ if refused => self.out.push_str("\"abc\""),
            Shape::Null => self.out.push_str("null"),
            Shape::Empty => self.out.push_str(if matches!(member.role, Role::List(_)) { "[]" } else { "\"\"" }),
            Shape::Bare => self.value(member, false),
            Shape::Plain | Shape::Absent => self.value(member, true),
        }
    }

    /// One in sixteen optional members is something else than a plain text.
    fn shape(&mut self) -> Shape {
        match self.still.below(64) {
            0 => Shape::Absent,
            1 => Shape::Null,
            2 => Shape::Empty,
            3 => Shape::Bare,
            _ => Shape::Plain,
        }
    }

    fn name(&mut self, name: &str) {
        if !self.out.ends_with('{') {
            self.out.push(',');
        }
        push(self.out, format_args!("\"{name}\":"));
    }

    fn value(&mut self, member: &Member, quoted: bool) {
        let number = self.renderer.subject(self.row.id);
        let place = &role::places(member.name)[role::group(self.row.id)];
        match &member.role {
            Role::SubjectId => push(self.out, format_args!("\"{number}\"")),
            Role::RowId => self.row_id(member),
            Role::GroupId => push_text(self.out, place.id, self.renderer.escapes),
            Role::GroupNo => push_text(self.out, place.no, self.renderer.escapes),
            Role::GroupName => push_text(self.out, place.name, self.renderer.escapes),
            Role::Modified => push(self.out, format_args!("\"{}\"", format_wall_time(self.row.modified))),
            Role::Quantity => self.quantity(quoted),
            Role::Code(bound) => self.code(*bound, quoted),
            Role::Flag => self.code(2, quoted),
            Role::Time => self.time(),
            Role::Label(label) => self.label(*label, number),
            Role::List(members) => self.list(members),
        }
    }

    /// The one id the documents show as a JSON number is the details' reference to their row.
    fn row_id(&mut self, member: &Member) {
        let id = u64::from(self.row.id) + 1;
        match member.name {
            "stock_spec_id" => push(self.out, format_args!("{id}")),
            _ => push(self.out, format_args!("\"{id}\"")),
        }
    }

    fn quantity(&mut self, quoted: bool) {
        let mark = if quoted { "\"" } else { "" };
        self.out.push_str(mark);
        push_decimal(self.out, quantity(&mut self.moving));
        self.out.push_str(mark);
    }

    fn code(&mut self, bound: u64, quoted: bool) {
        let code = self.still.below(bound);
        let mark = if quoted { "\"" } else { "" };
        push(self.out, format_args!("{mark}{code}{mark}"));
    }

    fn time(&mut self) {
        let draw = self.still.draw();
        match draw % 16 {
            0 | 1 => self.out.push_str("\"0000-00-00 00:00:00\""),
            2 => self.out.push_str("\"0000-00-00\""),
            3 => self.out.push_str("\"\""),
            _ => push_time(self.out, draw >> 4),
        }
    }

    fn label(&mut self, label: Label, number: u64) {
        push_text(self.out, &role::label(label, number), self.renderer.escapes);
    }

    fn list(&mut self, members: &[Member]) {
        self.out.push('[');
        for entry in 0..self.still.below(4) {
            self.out.push_str(if entry == 0 { "{" } else { ",{" });
            for member in members {
                self.member(member, false);
            }
            self.out.push('}');
        }
        self.out.push(']');
    }

    fn undocumented(&mut self) {
        let escapes = self.renderer.escapes;
        self.name("custom_attr1");
        push_text(self.out, "双11/主推", escapes);
        self.name("tag_list");
        self.out.push_str("[{\"id\":7,\"hot\":true}]");
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

/// A time made of digits alone; every month has its first 28 days.
fn push_time(out: &mut String, draw: u64) {
    let (year, month, day) = (2015 + draw % 10, 1 + (draw >> 8) % 12, 1 + (draw >> 16) % 28);
    let (hour, minute, second) = ((draw >> 24) % 24, (draw >> 32) % 60, (draw >> 40) % 60);
    push(out, format_args!("\"{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}\""));
}
