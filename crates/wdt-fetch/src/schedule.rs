//! What a call limit remembers: the next instant that nobody has taken, and the cool-downs.
//!
//! Pure. Instants are microseconds of one clock, whichever that is, and cool-downs are numbered from the first.

use std::time::Duration;

/// A taken instant further ahead than this many calls was taken before the clock was set back.
const MOST_TAKEN: i64 = 64;
/// The same for a cool-down.
const LONGEST_PAUSE: i64 = 15 * 60 * 1_000_000;

/// What a call limit remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Schedule {
    /// Nobody has taken an instant from here on.
    next: i64,
    /// End of the last cool-down.
    paused_until: i64,
    /// Cool-downs so far.
    pauses: u64,
    /// The last cool-down that a successful call has followed.
    answered: u64,
}

/// An instant taken for a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Booking {
    /// How long it is until then.
    pub(crate) wait: Duration,
    /// Cool-downs before it.
    pauses: u64,
}

/// Leave to send one request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Permit {
    /// Cool-downs before this permit: a call sent before a cool-down does not start another.
    pauses: u64,
    /// No call has succeeded since the last of them.
    pub(crate) unanswered: bool,
}

/// A shared cool-down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pause {
    /// What is left of it.
    pub(crate) wait: Duration,
    /// Whether this caller started it.
    pub(crate) started: bool,
    /// Cool-downs, this one included, since a call last succeeded.
    pub(crate) in_a_row: u32,
}

/// How long a cool-down lasts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lengths {
    /// As the platform names it.
    pub(crate) named: Option<Duration>,
    /// The first one that is not named; each that follows it without a success is twice as long.
    pub(crate) first: Duration,
    /// None is longer.
    pub(crate) longest: Duration,
}

impl Schedule {
    /// The schedule on a line; an empty one where the line has none.
    pub(crate) fn from_line(line: &str) -> Self {
        let numbers: Result<Vec<i64>, _> = line.split_whitespace().map(str::parse).collect();
        let Ok(&[next, paused_until, pauses, answered]) = numbers.as_deref() else { return Self::default() };
        match (u64::try_from(pauses), u64::try_from(answered)) {
            (Ok(pauses), Ok(answered)) => Self { next, paused_until, pauses, answered },
            _ => Self::default(),
        }
    }

    /// One line of always the same length.
    pub(crate) fn line(&self) -> String {
        let Self { next, paused_until, pauses, answered } = self;
        format!("{next:020} {paused_until:020} {pauses:020} {answered:020}\n")
    }

    /// Cool-downs so far.
    pub(crate) const fn pauses(&self) -> u64 {
        self.pauses
    }

    /// Takes the next instant for a call.
    pub(crate) fn take(&mut self, now: i64, spacing: i64) -> Booking {
        self.forget_another_clock(now, spacing);
        let at = now.max(self.next).max(self.paused_until);
        self.next = at.saturating_add(spacing);
        Booking { wait: micros(at - now), pauses: self.pauses }
    }

    /// The permit, once the instant has come; `None` where a cool-down has begun meanwhile.
    pub(crate) fn confirm(&mut self, taken: Booking, now: i64, spacing: i64) -> Option<Permit> {
        if taken.pauses != self.pauses {
            return None;
        }
        // a timer that fired late moves those that follow
        self.next = self.next.max(now.saturating_add(spacing));
        Some(Permit { pauses: self.pauses, unanswered: self.answered < self.pauses })
    }

    /// Begins a cool-down, unless one has begun since the permit was given; those up to `since` count no more.
    pub(crate) fn pause(&mut self, permit: Permit, now: i64, lengths: Lengths, since: u64) -> Pause {
        let in_a_row =
            |pauses: u64, answered: u64| u32::try_from(pauses.saturating_sub(answered.max(since))).unwrap_or(u32::MAX);
        let started = permit.pauses == self.pauses;
        if started {
            let doubled = in_a_row(self.pauses, self.answered).min(16);
            let Lengths { named, first, longest } = lengths;
            let wait = named.unwrap_or_else(|| first.saturating_mul(1 << doubled)).min(longest);
            self.paused_until = now.saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX));
            self.pauses += 1;
        }
        let wait = micros(self.paused_until - now);
        Pause { wait, started, in_a_row: in_a_row(self.pauses, self.answered) }
    }

    /// Notes that the platform took a call sent with this permit.
    pub(crate) fn answered(&mut self, permit: Permit) {
        self.answered = self.answered.max(permit.pauses);
    }

    /// Drops instants that are so far ahead that they were taken before the clock was set back.
    fn forget_another_clock(&mut self, now: i64, spacing: i64) {
        if self.paused_until - now > LONGEST_PAUSE {
            self.paused_until = 0;
        }
        if self.next - now.max(self.paused_until) > spacing.saturating_mul(MOST_TAKEN) {
            self.next = 0;
        }
    }
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACING: i64 = 1_000_000;

    #[test]
    fn a_line_gives_its_schedule_and_anything_else_an_empty_one() {
        let schedule = Schedule { next: 1_763_996_400_000_000, paused_until: 7, pauses: 3, answered: 2 };
        assert_eq!(Schedule::from_line(&schedule.line()), schedule);
        assert_eq!(schedule.line().len(), Schedule::default().line().len());
        for line in ["", "1 2 3", "1 2 x 4", "1 2 -3 4", "\u{0}\u{0}"] {
            assert_eq!(Schedule::from_line(line), Schedule::default(), "{line}");
        }
    }

    #[test]
    fn a_clock_set_back_by_an_hour_does_not_stop_the_calls_for_an_hour() {
        let mut schedule = Schedule::default();
        let later = 3_600 * SPACING;
        schedule.take(later, SPACING);
        schedule.paused_until = later + 60 * SPACING;
        assert_eq!(schedule.take(0, SPACING).wait, Duration::ZERO);
        assert_eq!(schedule.take(0, SPACING).wait, Duration::from_secs(1));
    }

    #[test]
    fn an_instant_taken_before_a_cool_down_is_void() {
        let mut schedule = Schedule::default();
        let first = schedule.take(0, SPACING);
        let second = schedule.take(0, SPACING);
        let permit = schedule.confirm(first, 0, SPACING).unwrap_or(Permit { pauses: 9, unanswered: true });
        let lengths = Lengths { named: None, first: Duration::from_secs(65), longest: Duration::from_mins(10) };
        assert!(schedule.pause(permit, 0, lengths, 0).started);
        assert!(schedule.confirm(second, SPACING, SPACING).is_none());
        assert_eq!(schedule.take(SPACING, SPACING).wait, Duration::from_secs(64));
    }

    #[test]
    fn cool_downs_of_runs_before_do_not_count() {
        let mut schedule = Schedule { pauses: 8, ..Schedule::default() };
        let lengths = Lengths { named: None, first: Duration::from_secs(65), longest: Duration::from_mins(10) };
        let permit = Permit { pauses: 8, unanswered: true };
        let pause = schedule.pause(permit, 0, lengths, 8);
        assert_eq!((pause.in_a_row, pause.wait), (1, Duration::from_secs(65)));
    }
}
