//! A row's JSON, as one method of a gateway spells it.

use wdt_models::{Endpoint, Gateway, time::parse_wall_time};

use crate::{
    dice::Dice,
    json::{push, push_decimal, push_short_decimal, push_text},
    role::{self, Member, Role},
    row::Row,
    spelling::{Decimals, EpochNumbers, Spelling},
    value::{CellValue, Moment, Source},
};

/// Makes the records of one dataset.
#[derive(Debug)]
pub(crate) struct Renderer {
    pub(crate) source: Source,
    members: Vec<Member>,
    refused_rows: u32,
    refused_member: Option<&'static str>,
}

/// One object on its way; what stays over a row's life is drawn apart from what an edit changes.
struct Pen<'a> {
    renderer: &'a Renderer,
    spelling: &'a Spelling,
    row: Row,
    still: u64,
    moving: u64,
    capitals: bool,
    top: bool,
    out: &'a mut String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum MemberForm {
    Plain,
    Absent,
    Null,
    Empty,
    Bare,
}

impl Renderer {
    pub(crate) fn new(endpoint: &'static Endpoint, source: Source, refused_rows: u32) -> Self {
        let members = role::members(endpoint);
        let refused_member =
            members.iter().find(|member| matches!(member.role, Role::Quantity)).map(|member| member.name);
        Self { source, members, refused_rows, refused_member }
    }

    /// Appends a row's record.
    pub(crate) fn push_record(&self, row: Row, spelling: &Spelling, out: &mut String) {
        let (id, version) = (u64::from(row.id), u64::from(row.version));
        let mut still = Dice::new(self.source.seed, &[1, id]);
        let moving = Dice::new(self.source.seed, &[2, id, version]).draw();
        let capitals = still.one_in(8) && spelling.gateway == Gateway::Enterprise;
        let surplus = still.one_in(16);
        out.push('{');
        let still = still.draw();
        let mut pen = Pen { renderer: self, spelling, row, still, moving, capitals, top: true, out };
        pen.members(&self.members);
        if surplus {
            pen.undocumented();
        }
        pen.out.push('}');
    }

    /// The value of a key column.
    pub(crate) fn key_value(&self, name: &str, row: Row) -> Option<CellValue> {
        let member = self.members.iter().find(|member| member.name == name)?;
        let mut none = Dice::new(0, &[]);
        self.source.value(member, row, &mut none.clone(), &mut none)
    }

    fn refuses(&self, row: Row, member: &Member) -> bool {
        row.id < self.refused_rows && self.refused_member == Some(member.name)
    }
}

impl Pen<'_> {
    fn members(&mut self, members: &[Member]) {
        for member in members.iter().filter(|member| member.answered && !self.spelling.hidden.contains(&member.name)) {
            self.member(member);
        }
    }

    fn member(&mut self, member: &Member) {
        let (mut still, mut moving) = (Dice::new(self.still, &[member.place]), Dice::new(self.moving, &[member.place]));
        let mut form = self.form(member, &mut still);
        let refused = self.top && self.renderer.refuses(self.row, member);
        let value = self.renderer.source.value(member, self.row, &mut still, &mut moving);
        if value.is_none() && !matches!(member.role, Role::List(_)) {
            form = if still.one_in(2) { MemberForm::Absent } else { MemberForm::Null };
        }
        if form == MemberForm::Absent && !refused {
            return;
        }
        self.name(self.spelled(member));
        match (form, &member.role) {
            _ if refused => self.out.push_str("\"abc\""),
            (MemberForm::Null, _) => self.out.push_str("null"),
            (MemberForm::Empty, Role::List(_)) => self.out.push_str("[]"),
            (MemberForm::Empty, _) => self.out.push_str("\"\""),
            (_, Role::List(members)) => self.list(member.place, members, &mut still),
            _ => {
                if let Some(value) = value {
                    self.value(member, &value, form == MemberForm::Bare, &mut still);
                }
            }
        }
    }

    /// One in sixteen optional members is something else than a plain value, in the ways its platform knows.
    fn form(&self, member: &Member, still: &mut Dice) -> MemberForm {
        let number = matches!(member.role, Role::Quantity | Role::Code(_) | Role::Flag | Role::Coded(_));
        match (self.spelling.gateway, still.below(64)) {
            (Gateway::Top, 0) if matches!(member.role, Role::Dimension(_)) => MemberForm::Absent,
            _ if !member.loose => MemberForm::Plain,
            (Gateway::Enterprise | Gateway::Top, 0) | (Gateway::Flagship, 0 | 1) => MemberForm::Absent,
            (Gateway::Enterprise | Gateway::Top, 1) => MemberForm::Null,
            (Gateway::Enterprise, 2) => MemberForm::Empty,
            (Gateway::Flagship, 2 | 3) if !number => MemberForm::Empty,
            (Gateway::Enterprise, 3) => MemberForm::Bare,
            _ => MemberForm::Plain,
        }
    }

    fn spelled(&self, member: &Member) -> &'static str {
        match (member.capital, member.alias) {
            (Some(capital), _) if self.capitals => capital,
            (_, Some(alias)) if self.spelling.aliases => alias,
            _ => member.name,
        }
    }

    fn name(&mut self, name: &str) {
        if !self.out.ends_with('{') {
            self.out.push(',');
        }
        push(self.out, format_args!("\"{name}\":"));
    }

    fn value(&mut self, member: &Member, value: &CellValue, bare: bool, still: &mut Dice) {
        // the one id the enterprise documents show as a JSON number is the details' reference to their row
        let quoted = self.spelling.quoted && !bare && member.name != "stock_spec_id";
        let mark = if quoted { "\"" } else { "" };
        match value {
            CellValue::Text(text) => push_text(self.out, text, self.spelling.escapes),
            CellValue::Int(number) if member.text => push(self.out, format_args!("\"{number}\"")),
            CellValue::Int(number) => push(self.out, format_args!("{mark}{number}{mark}")),
            CellValue::Flag(flag) if self.spelling.words => push(self.out, format_args!("{mark}{flag}{mark}")),
            CellValue::Flag(flag) => push(self.out, format_args!("{mark}{}{mark}", u8::from(*flag))),
            CellValue::Time(moment) => self.time(member, *moment, still),
            CellValue::Decimal(number) => {
                self.out.push_str(mark);
                self.decimal(*number, still);
                self.out.push_str(mark);
            }
        }
    }

    fn decimal(&mut self, number: i64, still: &mut Dice) {
        match self.spelling.decimals {
            Decimals::Four => push_decimal(self.out, number),
            Decimals::Mixed if still.one_in(4) => push_decimal(self.out, number),
            Decimals::Mixed => push_short_decimal(self.out, number),
            Decimals::None => push(self.out, format_args!("{}", number / 10_000)),
        }
    }

    fn time(&mut self, member: &Member, moment: Moment, still: &mut Dice) {
        let millis = match self.spelling.millis {
            EpochNumbers::Named(names) => names.contains(&member.name),
            EpochNumbers::SomeModified => matches!(member.role, Role::Modified) && still.one_in(2),
        };
        match (moment.text(), self.spelling.gateway, moment) {
            (Some(text), ..) if millis => {
                push(self.out, format_args!("{}", parse_wall_time(&text).unwrap_or_default().millis()));
            }
            (Some(text), ..) => push(self.out, format_args!("\"{text}\"")),
            (None, Gateway::Enterprise, Moment::Unset(0 | 1)) => self.out.push_str("\"0000-00-00 00:00:00\""),
            (None, Gateway::Enterprise, Moment::Unset(2)) => self.out.push_str("\"0000-00-00\""),
            (None, Gateway::Enterprise | Gateway::Flagship, _) => self.out.push_str("\"\""),
            (None, Gateway::Top, _) => self.out.push_str("null"),
        }
    }

    fn list(&mut self, place: u64, members: &[Member], still: &mut Dice) {
        self.out.push('[');
        for entry in 0..still.below(4) {
            self.out.push_str(if entry == 0 { "{" } else { ",{" });
            let inner = |base| Dice::new(base, &[place, entry]).draw();
            let (still, moving) = (inner(self.still), inner(self.moving));
            let (spelling, renderer, row, capitals) = (self.spelling, self.renderer, self.row, self.capitals);
            let mut pen = Pen { renderer, spelling, row, still, moving, capitals, top: false, out: self.out };
            pen.members(members);
            self.out.push('}');
        }
        self.out.push(']');
    }

    fn undocumented(&mut self) {
        let escapes = self.spelling.escapes;
        self.name("custom_attr1");
        push_text(self.out, "双11/主推", escapes);
        self.name("tag_list");
        self.out.push_str("[{\"id\":7,\"hot\":true}]");
    }
}
