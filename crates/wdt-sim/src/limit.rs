//! The call limit: so many calls in any minute to one app key of a gateway, over all methods.

use std::collections::{HashMap, VecDeque};

use wdt_models::Gateway;

/// Who has called when.
#[derive(Debug, Default)]
pub(crate) struct Limit {
    per_minute: u32,
    minute: i64,
    cool_down: i64,
    callers: HashMap<(Gateway, String), Caller>,
    breaches: u64,
}

#[derive(Debug, Default)]
struct Caller {
    granted: VecDeque<i64>,
    refused_until: i64,
}

impl Limit {
    /// A limit of calls in any minute (0 means without a limit), the seconds of such a minute, and the seconds every
    /// call is refused after a breach.
    pub(crate) fn new(per_minute: u32, minute: i64, cool_down: i64) -> Self {
        Self { per_minute, minute, cool_down, ..Self::default() }
    }

    /// Lets the application call at this second, or says how many seconds it has to wait. Refused calls are not counted
    /// against the minute.
    pub(crate) fn admit(&mut self, gateway: Gateway, app_key: &str, now: i64) -> Result<(), i64> {
        if self.per_minute == 0 {
            return Ok(());
        }
        let caller = self.callers.entry((gateway, app_key.to_owned())).or_default();
        while caller.granted.front().is_some_and(|&at| at <= now - self.minute) {
            caller.granted.pop_front();
        }
        let full = caller.granted.len() >= self.per_minute as usize;
        let cooling = now < caller.refused_until;
        if full && !cooling {
            caller.refused_until = now + self.cool_down;
        }
        if full || cooling {
            self.breaches += 1;
            let free = if full { caller.granted.front().map_or(now, |at| at + self.minute) } else { now };
            return Err(free.max(caller.refused_until) - now);
        }
        caller.granted.push_back(now);
        Ok(())
    }

    /// Calls refused so far.
    pub(crate) fn breaches(&self) -> u64 {
        self.breaches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(limit: &mut Limit, app_key: &str, now: i64) -> Result<(), i64> {
        limit.admit(Gateway::Enterprise, app_key, now)
    }

    #[test]
    fn a_minute_slides_and_callers_do_not_share_it() {
        let mut limit = Limit::new(2, 60, 0);
        let seen: Vec<_> = [0, 30, 59, 60, 61, 90].into_iter().map(|at| admit(&mut limit, "a", at)).collect();
        assert_eq!(seen, [Ok(()), Ok(()), Err(1), Ok(()), Err(29), Ok(())]);
        assert_eq!(admit(&mut limit, "b", 61), Ok(()));
        assert_eq!(limit.admit(Gateway::Top, "a", 61), Ok(()));
        assert_eq!(limit.breaches(), 2);
    }

    #[test]
    fn a_breach_closes_the_gate_for_the_cool_down() {
        let mut limit = Limit::new(1, 60, 300);
        let seen: Vec<_> = [0, 10, 70, 309, 310].into_iter().map(|at| admit(&mut limit, "a", at)).collect();
        assert_eq!(seen, [Ok(()), Err(300), Err(240), Err(1), Ok(())]);
    }
}
