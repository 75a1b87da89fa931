//! One line per check, as text or JSON, and the findings it sums up.

use std::io::Write;

use serde::Serialize;

use wdt_warehouse::proof::Findings;

use crate::error::{EtlError, Failure};
use crate::json_line::JsonLine;

/// What a check found, with a hint where there is one.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    check: &'static str,
    account: Option<String>,
    dataset: &'static str,
    ok: bool,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    pub(super) exit_code: u8,
}

/// What a check is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    check: &'static str,
    pub(super) account: Option<&'a str>,
    pub(super) dataset: &'static str,
}

/// How grave a finding is: each becomes an exit code.
#[derive(Debug, Clone, Copy)]
pub(super) enum Grave {
    /// Rows may be missing or doubled.
    Doubt,
    /// The warehouse is not what runs left there.
    Damage,
}

impl Line {
    /// `ok   windows main/enterprise_stock: …` and its hint, or one JSON object.
    pub(super) fn print(&self, json: bool, out: &mut (dyn Write + Send)) -> std::io::Result<()> {
        if json {
            return JsonLine::new("verify", self).write(out);
        }
        let word = if self.ok { "ok" } else { "FAIL" };
        let account = self.account.as_ref().map(|account| format!("{account}/")).unwrap_or_default();
        writeln!(out, "{word:<4} {} {account}{}: {}", self.check, self.dataset, self.detail)?;
        self.hint.as_ref().map_or(Ok(()), |hint| writeln!(out, "     hint: {hint}"))
    }
}

impl<'a> Subject<'a> {
    /// A check of a dataset's tables, whatever the account.
    pub(super) const fn table(check: &'static str, dataset: &'static str) -> Self {
        Self { check, account: None, dataset }
    }

    /// A check of what an account landed.
    pub(super) const fn account(check: &'static str, account: &'a str, dataset: &'static str) -> Self {
        Self { check, account: Some(account), dataset }
    }

    /// It holds.
    pub(super) fn ok(self, detail: impl Into<String>) -> Line {
        self.line(detail.into(), None, 0)
    }

    /// It holds, and there is something to know.
    pub(super) fn note(self, detail: impl Into<String>, hint: impl Into<String>) -> Line {
        self.line(detail.into(), Some(hint.into()), 0)
    }

    /// It does not hold.
    pub(super) fn failed(self, grave: Grave, detail: impl Into<String>, hint: impl Into<String>) -> Line {
        let failure = match grave {
            Grave::Doubt => Failure::Uncertified,
            Grave::Damage => Failure::Warehouse,
        };
        self.line(detail.into(), Some(hint.into()), failure.policy().exit_code)
    }

    /// It could not be looked at.
    pub(super) fn error(self, error: &EtlError) -> Line {
        self.line(error.to_string(), error.hint(), error.exit_code())
    }

    /// The findings, or the detail where there are none.
    pub(super) fn of(self, findings: &Findings, grave: Grave, hint: &str, detail: impl Into<String>) -> Line {
        if findings.is_empty() { self.ok(detail) } else { self.failed(grave, findings.to_string(), hint) }
    }

    fn line(self, detail: String, hint: Option<String>, exit_code: u8) -> Line {
        Line {
            check: self.check,
            account: self.account.map(str::to_owned),
            dataset: self.dataset,
            ok: exit_code == 0,
            detail,
            hint,
            exit_code,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_findings_are_told_and_all_are_counted() {
        let mut findings = Findings::default();
        assert!(Subject::table("log", "d").of(&findings, Grave::Doubt, "hint", "fine").ok);
        for number in 1..=5 {
            findings.add(|| format!("finding {number}"));
        }
        let line = Subject::table("log", "d").of(&findings, Grave::Damage, "hint", "fine");
        assert_eq!((line.ok, line.exit_code), (false, 6));
        assert_eq!(line.detail, "finding 1; finding 2; finding 3; and 2 more");
    }
}
