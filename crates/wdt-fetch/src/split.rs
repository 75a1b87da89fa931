//! A window in pieces: cut when it is too large, too wide for the platform or cannot be proved whole, at last by a
//! documented filter.

use std::collections::BTreeMap;

use wdt_models::{Certificate, Filter, Order, Verdict, Way, Window};

use crate::certified::CertifiedPart;
use crate::certify::{Outcome, Scope, Unproven};
use crate::error::{FetchError, WindowError};
use crate::pages::{PageSource, ReadOptions};
use crate::turn::Turn;
use crate::wire::Target;

/// A window that must not be cut is read this often before it counts as unprovable.
const WHOLE_TRIES: u32 = 3;

/// The pieces of one window that are still to be read, in order.
pub(crate) struct Pieces<'a, S> {
    source: &'a S,
    options: &'a ReadOptions,
    turn: Option<Turn>,
    /// The next piece is the last element; with it, whether rows are known to have been there.
    todo: Vec<(Window, bool)>,
}

impl<'a, S: PageSource> Pieces<'a, S> {
    pub(crate) fn new(source: &'a S, window: Window, options: &'a ReadOptions, turn: Option<Turn>) -> Self {
        Self { source, options, turn, todo: vec![(window, false)] }
    }

    /// The next piece that was read whole, or is accepted as it was read; `None` after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<CertifiedPart>, WindowError> {
        while let Some((window, stood)) = self.todo.pop() {
            let (source, options) = (self.source, self.options);
            let scope = Scope { source, window, filter: None, options, stood };
            if options.whole {
                return in_one_piece(&scope).await.map(Some);
            }
            let reading = match (scope.read(self.turn.as_mut()).await, window.halves()) {
                // where there are no halves, the refusal is the end
                (Err(FetchError::WindowTooWide { .. }), Some((first, second))) => {
                    self.todo.extend([(second, stood), (first, stood)]);
                    continue;
                }
                (reading, _) => reading?,
            };
            let pieces = match reading {
                Outcome::Whole(part) => {
                    if self.todo.is_empty() {
                        self.turn.iter_mut().for_each(Turn::waits_no_more);
                    }
                    return Ok(Some(part));
                }
                Outcome::TooLarge { pages } => cut(window, pages.div_ceil(u64::from(options.max_pages.max(1)))),
                Outcome::Unproven(unproven) => match cut(window, 2) {
                    pieces if pieces.len() > 1 => pieces,
                    _ => return proved_or_accepted(&scope, unproven).await.map(Some),
                },
            };
            self.todo.extend(pieces.into_iter().rev().map(|piece| (piece, true)));
        }
        Ok(None)
    }
}

/// A window that must not be cut, read anew while nothing proves it whole.
async fn in_one_piece<S: PageSource>(scope: &Scope<'_, S>) -> Result<CertifiedPart, WindowError> {
    let mut tries = 0;
    let mut attempts = 0;
    loop {
        tries += 1;
        match scope.read(None).await? {
            Outcome::Whole(mut part) => {
                part.certificate.attempts += attempts;
                return Ok(part);
            }
            Outcome::Unproven(Unproven { reason, mut certificate, .. }) => {
                certificate.attempts += attempts;
                attempts = certificate.attempts;
                if tries == WHOLE_TRIES {
                    return Err(uncertified(scope.window, reason, certificate));
                }
            }
            // nothing is too large that is not cut
            Outcome::TooLarge { .. } => {}
        }
    }
}

/// Halves of halves until there are enough pieces or they are as short as they may be.
fn cut(window: Window, wanted: u64) -> Vec<Window> {
    let mut pieces = vec![window];
    while (pieces.len() as u64) < wanted {
        let halves = pieces.iter().flat_map(|&piece| match piece.halves() {
            Some((first, second)) => vec![first, second],
            None => vec![piece],
        });
        let halves: Vec<Window> = halves.collect();
        if halves.len() == pieces.len() {
            break;
        }
        pieces = halves;
    }
    pieces
}

/// The shortest window by its last way, or as it was read where the options accept that.
async fn proved_or_accepted<S: PageSource>(
    scope: &Scope<'_, S>,
    mut unproven: Unproven,
) -> Result<CertifiedPart, WindowError> {
    let accepted = unproven.accepted.take();
    match (filtered(scope, unproven).await, accepted) {
        (Err(WindowError::Uncertified { .. }), Some(part)) => Ok(*part),
        (result, _) => result,
    }
}

/// The shortest window, read once for each value of the splitting column that was seen in it.
///
/// A value that was not seen would be missed, so the values' totals must add up to the unfiltered total, asked for
/// before and after.
async fn filtered<S: PageSource>(scope: &Scope<'_, S>, unproven: Unproven) -> Result<CertifiedPart, WindowError> {
    let Some(split) = scope.source.endpoint().split.filter(|_| !unproven.values.is_empty()) else {
        return Err(uncertified(scope.window, unproven.reason, unproven.certificate));
    };
    let before = scope.total().await?;
    let mut parts = BTreeMap::new();
    for value in unproven.values {
        let filter = Some((split.param, value.as_str()));
        match (Scope { filter, stood: true, ..*scope }).read(None).await? {
            Outcome::Whole(part) => parts.insert(value, part),
            Outcome::Unproven(Unproven { reason: part, certificate, .. }) => {
                let reason = format!("{}; {} {value}: {part}", unproven.reason, split.param);
                return Err(uncertified(scope.window, reason, certificate));
            }
            Outcome::TooLarge { pages } => {
                let reason = format!("{}; {} {value}: {pages} pages", unproven.reason, split.param);
                return Err(uncertified(scope.window, reason, unproven.certificate));
            }
        };
    }
    let after = scope.total().await?;
    let attempts = unproven.certificate.attempts + 1;
    let part = merged(scope.window, split.param, parts, (before, after), attempts);
    if part.certificate.verdict == Verdict::Certified {
        return Ok(part);
    }
    let reason = format!(
        "{}; split by {}: the parts' totals do not add up to the {before} declared before and {after} after",
        unproven.reason, split.param
    );
    Err(uncertified(scope.window, reason, part.certificate))
}

fn merged(
    window: Window,
    param: &str,
    parts: BTreeMap<String, CertifiedPart>,
    (before, after): (u64, u64),
    attempts: u32,
) -> CertifiedPart {
    let totals = parts.iter().map(|(value, part)| (value.clone(), part.certificate.declared_after)).collect();
    let certificates: Vec<Certificate> = parts.values().map(|part| part.certificate.clone()).collect();
    let sum = |count: fn(&Certificate) -> u64| certificates.iter().map(count).sum::<u64>();
    // T0 = T1 alone would not do: a row with a value that was not seen is in both totals, and in no part.
    let adds_up = sum(|part| part.declared_after) == before && before == after;
    let certificate = Certificate {
        start: Some(window.start),
        end: Some(window.end),
        slice: None,
        filter: Some(Filter { param: param.to_owned(), totals }),
        declared_before: before,
        declared_after: after,
        pages: certificates.iter().map(|part| part.pages).sum(),
        rows: sum(|part| part.rows),
        distinct: sum(|part| part.distinct),
        refused: sum(|part| part.refused),
        keys_with_two_records: sum(|part| part.keys_with_two_records),
        order: Order::Unseen,
        way: Way::Filtered,
        attempts,
        read_at: certificates.iter().map(|part| part.read_at).max().unwrap_or_default(),
        verdict: if adds_up { Verdict::Certified } else { Verdict::Uncertified },
    };
    let (batches, refused): (Vec<_>, Vec<_>) = parts.into_values().map(|part| (part.batches, part.refused)).unzip();
    CertifiedPart { window, batches: batches.concat(), refused: refused.concat(), certificate }
}

fn uncertified(window: Window, reason: String, certificate: Certificate) -> WindowError {
    WindowError::Uncertified { what: Target::Window(window), reason, certificate: Box::new(certificate) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wdt_models::time::Seconds;

    /// Trips on a second that is in no piece, an overlap of more than one second, or more cuts than are of use.
    #[test]
    fn pieces_cover_their_window_however_many_are_wanted() {
        for seconds in 2..150 {
            for wanted in 0..70 {
                let window = Window::new(Seconds(1_000), Seconds(1_000 + seconds));
                let pieces = cut(window, wanted);
                assert_eq!((pieces[0].start, pieces[pieces.len() - 1].end), (window.start, window.end), "{window:?}");
                let seamless = |pair: &[Window]| pair[1].start == pair[0].end - 1 && pair[1].end > pair[0].end;
                assert!(pieces.windows(2).all(seamless), "{seconds} s in {wanted}: {pieces:?}");
                let shortest = pieces.iter().all(|piece| piece.halves().is_none());
                assert!(pieces.len() as u64 >= wanted || shortest, "{seconds} s in {wanted}: {pieces:?}");
                assert!((pieces.len() as u64) < wanted.max(1) * 2, "{seconds} s in {wanted}: {pieces:?}");
            }
        }
    }
}
