//! The log of calls.

use std::collections::VecDeque;

use wdt_models::Gateway;

use crate::fault::Fault;

/// Calls kept; older ones are forgotten, so that a simulator left running does not grow.
const KEPT: usize = 50_000;

/// One call as the gateway saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// Position in the order of arrival, from 1.
    pub number: u64,
    /// The platform's clock, in epoch seconds.
    pub at: i64,
    /// The gateway called.
    pub gateway: Gateway,
    /// The method's name, on enterprise that of its file.
    pub method: String,
    /// Every parameter in the order received but `sign` and what is secret. On flagship the members of the one map in
    /// the body follow, or the `body` where it contains something else.
    pub params: Vec<(String, String)>,
    /// The code answered, `0` for a success, before the fault if there was one.
    pub code: String,
    /// Records on the page.
    pub records: usize,
    /// What went wrong on the way.
    pub fault: Option<Fault>,
}

impl Call {
    /// The value of a parameter.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

/// Every call so far, numbered, and the faults that wait for the next ones.
#[derive(Debug, Default)]
pub(crate) struct CallLog {
    pub(crate) injected: VecDeque<Fault>,
    calls: VecDeque<Call>,
    count: u64,
}

impl CallLog {
    /// The number of the call that has just arrived.
    pub(crate) fn arrive(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    pub(crate) fn record(&mut self, call: Call) {
        if self.calls.len() == KEPT {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn to_vec(&self) -> Vec<Call> {
        let mut calls: Vec<_> = self.calls.iter().cloned().collect();
        calls.sort_unstable_by_key(|call| call.number);
        calls
    }
}
