//! One window, read until something proves that nothing is missing.
//!
//! T0, T1 are the totals the platform declares before and after; D counts distinct records. One page: `T0 = D`. Pages
//! in any order: `T0 = D = T1`, no row came or went. Pages from the last to the first: `T1 ≤ D ≤ T0`, because in a
//! settled window rows only leave, which moves every later row towards the first page, and in a strict order a row's
//! page number never grows: at the start it is at most the last page, so going down page by page the walk meets each
//! row that stays. Every page must also be as full as the totals demand, or an answer that was wrongly short could
//! hide behind rows that left. Records of a reading that proves nothing are dropped, unless the caller accepts them.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};
use wdt_models::{Certificate, Order, Verdict, Way, Window};

use crate::certified::CertifiedPart;
use crate::client::PageAnswer;
use crate::error::FetchError;
use crate::order::Evidence;
use crate::pages::{PageSource, ReadOptions};
use crate::tally::Tally;
use crate::turn::{Asking, Turn};
use crate::wire::Target;

/// A window whose total fits one page is asked for this often before it counts as unprovable.
const SINGLE_PAGE_TRIES: u32 = 3;

/// What is to be read whole.
pub(crate) struct Scope<'a, S> {
    pub(crate) source: &'a S,
    pub(crate) window: Window,
    pub(crate) filter: Option<(&'a str, &'a str)>,
    pub(crate) options: &'a ReadOptions,
    /// Rows are known to have been here, so an empty answer needs a second one.
    pub(crate) stood: bool,
}

/// What became of a window.
pub(crate) enum Outcome {
    /// It was read whole.
    Whole(CertifiedPart),
    /// It has more pages than are read at once.
    TooLarge { pages: u64 },
    /// It was read, and nothing proves it whole.
    Unproven(Unproven),
}

/// A reading that proves nothing.
pub(crate) struct Unproven {
    pub(crate) reason: String,
    pub(crate) certificate: Certificate,
    /// Values of the endpoint's splitting column, for a window that cannot be halved.
    pub(crate) values: BTreeSet<String>,
    /// What was read all the same, where the options accept it; its certificate says so.
    pub(crate) accepted: Option<Box<CertifiedPart>>,
}

/// One reading of all pages.
struct Walk {
    way: Way,
    tally: Tally,
    before: u64,
    after: u64,
    order: Order,
    /// Why it proves nothing, if so.
    fault: Option<String>,
}

impl<S: PageSource> Scope<'_, S> {
    /// Reads the window; where there is a turn, it is waited for before more than the first page is read.
    pub(crate) async fn read(&self, mut turn: Option<&mut Turn>) -> Result<Outcome, FetchError> {
        let mut answer = self.page(0).await?;
        let mut stood = self.stood;
        let mut empty_before = false;
        for attempt in 1.. {
            let total = declared(&answer);
            if total > u64::from(self.source.page_size()) {
                break;
            }
            let walk = single_page(answer, total);
            let confirmed = walk.tally.rows > 0 || !stood || empty_before;
            if walk.fault.is_none() && confirmed {
                return Ok(Outcome::Whole(self.whole(walk, attempt)));
            }
            if attempt == SINGLE_PAGE_TRIES {
                return Ok(Outcome::Unproven(self.unproven(walk, attempt, None)));
            }
            empty_before = total == 0 && walk.tally.rows == 0;
            stood |= !empty_before;
            answer = self.page(0).await?;
        }
        let pages = self.pages(declared(&answer));
        if self.may_be_cut() && pages > u64::from(self.options.max_pages) {
            return Ok(Outcome::TooLarge { pages });
        }
        if let Some(turn) = &mut turn {
            turn.wait().await;
        }
        self.many_pages(answer, turn.as_deref()).await
    }

    /// The total that the platform declares now.
    pub(crate) async fn total(&self) -> Result<u64, FetchError> {
        Ok(declared(&self.page(0).await?))
    }

    /// The numbers of a reading, with the verdict on it.
    fn certificate(&self, walk: &Walk, attempts: u32, verdict: Verdict) -> Certificate {
        Certificate {
            start: Some(self.window.start),
            end: Some(self.window.end),
            slice: None,
            filter: None,
            declared_before: walk.before,
            declared_after: walk.after,
            pages: walk.tally.pages,
            rows: walk.tally.rows,
            distinct: walk.tally.distinct(),
            refused: walk.tally.refused.len() as u64,
            keys_with_two_records: walk.tally.keys_with_two_records(self.source.endpoint()),
            order: walk.order,
            way: walk.way,
            attempts,
            read_at: self.source.platform_now(),
            verdict,
        }
    }

    fn whole(&self, walk: Walk, attempts: u32) -> CertifiedPart {
        self.part(walk, attempts, Verdict::Certified)
    }

    fn part(&self, walk: Walk, attempts: u32, verdict: Verdict) -> CertifiedPart {
        let certificate = self.certificate(&walk, attempts, verdict);
        let Tally { batches, refused, .. } = walk.tally;
        CertifiedPart { window: self.window, batches, refused, certificate }
    }

    fn unproven(&self, walk: Walk, attempts: u32, earlier: Option<Walk>) -> Unproven {
        let certificate = self.certificate(&walk, attempts, Verdict::Uncertified);
        let walks: Vec<Walk> = earlier.into_iter().chain([walk]).collect();
        let unconfirmed = "an empty answer that no second one confirmed";
        let reasons: Vec<&str> = walks.iter().map(|walk| walk.fault.as_deref().unwrap_or(unconfirmed)).collect();
        let split = self.source.endpoint().split.as_ref().filter(|_| self.filter.is_none() && !self.may_be_cut());
        let values =
            split.map(|split| walks.iter().flat_map(|walk| walk.tally.values(self.source.endpoint(), split.field)));
        let values = values.into_iter().flatten().collect();
        let reason = reasons.join("; ");
        Unproven { reason, certificate, values, accepted: self.accepted(walks, attempts) }
    }

    /// The fullest reading of a piece that the options accept and that cannot be cut; of two the later one. A walk back
    /// stops where it sees that it proves nothing, so the last reading may hold less than the one before.
    fn accepted(&self, walks: Vec<Walk>, attempts: u32) -> Option<Box<CertifiedPart>> {
        let inside = |accept: Window| accept.start <= self.window.start && self.window.end <= accept.end;
        let taken = self.filter.is_none() && !self.may_be_cut() && self.options.accept.is_some_and(inside);
        let fullest = walks.into_iter().filter(|_| taken).max_by_key(|walk| walk.tally.distinct())?;
        Some(Box::new(self.part(fullest, attempts, Verdict::Accepted)))
    }

    async fn many_pages(&self, first: PageAnswer, turn: Option<&Turn>) -> Result<Outcome, FetchError> {
        let any_order = self.any_order(first, turn).await?;
        if any_order.fault.is_none() {
            return Ok(Outcome::Whole(self.whole(any_order, 1)));
        }
        if (self.window.end + self.options.settle_seconds).millis() >= self.source.platform_now() {
            return Ok(Outcome::Unproven(self.unproven(any_order, 1, None)));
        }
        let backward = self.backward(any_order.after).await?;
        Ok(match backward.fault {
            None => Outcome::Whole(self.whole(backward, 2)),
            Some(_) => Outcome::Unproven(self.unproven(backward, 2, Some(any_order))),
        })
    }

    /// Reads the other pages side by side, then asks the first once more, for its total alone: a record that shows
    /// another volatile column there is no second row. The request is the same as before, so that both totals mean the
    /// same whatever a platform makes of its parameters.
    async fn any_order(&self, first: PageAnswer, turn: Option<&Turn>) -> Result<Walk, FetchError> {
        let before = declared(&first);
        let mut tally = Tally::default();
        tally.add(first.decoded);
        let pages = self.pages(before);
        let mut asking = turn.map(|turn| turn.asking(pages.saturating_sub(1)));
        let others = stream::iter(1..pages).map(|page| {
            asking.iter_mut().for_each(Asking::asked);
            self.page(page)
        });
        // of windows side by side none takes all the places: the one that is consumed first would wait for the others
        let share = if turn.is_some() { self.options.concurrency.div_ceil(2) } else { self.options.concurrency };
        let mut others = others.buffer_unordered(share.max(1));
        while let Some(page) = others.try_next().await? {
            tally.add(page.decoded);
        }
        if let Some(turn) = turn {
            turn.close().await;
        }
        let after = self.total().await?;
        let distinct = tally.distinct();
        let mut fault = (before != distinct || distinct != after)
            .then(|| format!("in any order: {distinct} records read, {before} declared before and {after} after"));
        if self.options.whole && tally.keys_with_two_records(self.source.endpoint()) > 0 {
            // a platform may take everything for the window: then an edited row does not leave it, but moves to the
            // last page, where it counts for one that was skipped
            fault.get_or_insert_with(|| "in any order: a key was met with two records".to_owned());
        }
        Ok(Walk { way: Way::AnyOrder, tally, before, after, order: Order::Unseen, fault })
    }

    /// Reads from the last page to the first, one at a time; `before` is the total declared last.
    async fn backward(&self, before: u64) -> Result<Walk, FetchError> {
        let mut tally = Tally::default();
        let mut evidence = Evidence::new(self.source.endpoint());
        let mut counts = Vec::new();
        let mut after = 0;
        // From the back, because a row that leaves moves others towards page 0: into pages that are still to be read, never
        // into one that was. A forward walk would skip them.
        for page in (0..self.pages(before).max(1)).rev() {
            let answer = self.page(page).await?;
            after = declared(&answer);
            counts.push((page, answer.decoded.fingerprints.len() as u64));
            evidence.page(&answer.decoded);
            tally.add(answer.decoded);
            if evidence.order() == Order::NotStrict {
                break;
            }
        }
        let order = evidence.order();
        let vanished = order != Order::NotStrict && after == 0 && before > 0 && self.total().await? > 0;
        let fault = if vanished {
            Some("backward: an empty answer that no second one confirmed".to_owned())
        } else {
            self.backward_fault(&tally, order, before, after, &counts)
        };
        Ok(Walk { way: Way::Backward, tally, before, after, order, fault })
    }

    fn backward_fault(
        &self,
        tally: &Tally,
        order: Order,
        before: u64,
        after: u64,
        counts: &[(u64, u64)],
    ) -> Option<String> {
        if order == Order::NotStrict {
            return Some("backward: the records are in no strict order".to_owned());
        }
        // D <= T0: nothing comes into a settled window. D >= T1: the walk meets every row that is there at its end.
        let distinct = tally.distinct();
        if !(after..=before).contains(&distinct) {
            return Some(format!("backward: {distinct} records read, {before} declared before and {after} after"));
        }
        let size = u64::from(self.source.page_size());
        // While page p is read the total is between T1 and T0, and so is what p must contain. Without this, a page that came
        // short would pass as long as as many rows left elsewhere.
        let on_page = |page: u64, total: u64| total.saturating_sub(page * size).min(size);
        let (page, count) =
            counts.iter().find(|&&(page, count)| !(on_page(page, after)..=on_page(page, before)).contains(&count))?;
        Some(format!("backward: page {page} held {count} records, {before} declared before and {after} after"))
    }

    /// A page counted from 0.
    async fn page(&self, page: u64) -> Result<PageAnswer, FetchError> {
        let page = self.source.first_page().saturating_add(u32::try_from(page).unwrap_or(u32::MAX));
        self.source.page(Target::Window(self.window), self.filter, page).await
    }

    fn pages(&self, total: u64) -> u64 {
        total.div_ceil(u64::from(self.source.page_size().max(1)))
    }

    fn may_be_cut(&self) -> bool {
        !self.options.whole && self.window.halves().is_some()
    }
}

fn single_page(answer: PageAnswer, total: u64) -> Walk {
    let mut tally = Tally::default();
    tally.add(answer.decoded);
    let distinct = tally.distinct();
    let fault = (distinct != total).then(|| format!("on one page: {distinct} records read, {total} declared"));
    Walk { way: Way::SinglePage, tally, before: total, after: total, order: Order::Unseen, fault }
}

/// The total of a first page; a client never gives a first page without one.
fn declared(answer: &PageAnswer) -> u64 {
    answer.total.unwrap_or(0)
}
