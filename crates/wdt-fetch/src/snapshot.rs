//! A slice of a snapshot, read until something proves that nothing is missing.
//!
//! T0, T1 are the totals the platform declares before and after; D counts distinct records. A slice has no window that
//! could be settled: rows come and go while it is read. So its pages are read one after another, and a reading counts
//! only when every total declared on the way is the same and equals D. The direction alternates from reading to
//! reading: a row that leaves makes a walk forward skip one and a walk back meet one twice, a row that comes does the
//! opposite. A key met with two different records may be a row that moved past another, so it needs a second reading
//! that is equal record by record. Records of a reading that proves nothing are dropped.

use arrow::record_batch::RecordBatch;
use wdt_models::decode::Refusal;
use wdt_models::{Certificate, Endpoint, Order, Slice, Verdict, Way};

use crate::client::PageAnswer;
use crate::error::{FetchError, WindowError};
use crate::pages::PageSource;
use crate::tally::Tally;
use crate::wire::Target;

/// A slice, or one call's ids, is read this often before it counts as unprovable.
pub(crate) const READINGS: u32 = 3;

/// A slice that was read whole, with the evidence.
#[derive(Debug)]
pub struct CertifiedSlice {
    /// The slice; the empty one for a list of ids.
    pub slice: Slice,
    /// The accepted records in no promised order, byte-equal ones once.
    pub batches: Vec<RecordBatch>,
    /// The records that could not be typed, byte-equal ones once.
    pub refused: Vec<Refusal>,
    /// The ids that the platform refuses one by one, each as the JSON object that says why.
    pub upstream: Vec<String>,
    /// The evidence.
    pub certificate: Certificate,
}

/// Reads a slice, all of it at once, at most three times.
///
/// `stood` says that rows are known to have been in the slice: an empty answer then needs a second one. An endpoint
/// that declares no total cannot be read so.
///
/// # Errors
///
/// [`WindowError::Fetch`] when a page could not be read, [`WindowError::Uncertified`] when no reading proves itself
/// whole: what was there before must stay.
pub async fn read_slice<S: PageSource>(source: &S, slice: Slice, stood: bool) -> Result<CertifiedSlice, WindowError> {
    let mut reader = SliceReader { source, slice, stood };
    let mut reading = reader.forward().await?;
    let mut reasons = Vec::new();
    for attempt in 1..READINGS {
        let Some(reason) = &reading.fault else { return Ok(reader.whole(reading, attempt)) };
        reasons.push(format!("reading {attempt}: {reason}"));
        reader.stood |= reading.before > 0 || reading.tally.rows > 0 || reading.after > 0;
        let before = reading.after;
        let earlier = std::mem::replace(
            &mut reading,
            if attempt % 2 == 0 { reader.forward().await? } else { reader.backward(before).await? },
        );
        reading.confirmed_by(&earlier);
    }
    let Some(reason) = &reading.fault else { return Ok(reader.whole(reading, READINGS)) };
    reasons.push(format!("reading {READINGS}: {reason}"));
    let certificate = reader.certificate(&reading, READINGS, Verdict::Uncertified);
    let what = Target::Slice(reader.slice);
    Err(WindowError::Uncertified { what, reason: reasons.join("; "), certificate: Box::new(certificate) })
}

/// Reads one slice.
struct SliceReader<'a, S> {
    source: &'a S,
    slice: Slice,
    /// Rows are known to have been here, so an empty answer needs a second one.
    stood: bool,
}

/// One reading of all pages.
struct Pass {
    way: Way,
    tally: Tally,
    upstream: Vec<String>,
    before: u64,
    after: u64,
    /// Why it proves nothing, if so.
    fault: Option<String>,
    /// The only fault is that keys were met with two records.
    doubled: bool,
}

impl<S: PageSource> SliceReader<'_, S> {
    /// Reads from the first page to the last, then asks the first once more for its total alone.
    async fn forward(&self) -> Result<Pass, FetchError> {
        let first = self.page(0).await?;
        let before = declared(&first);
        if self.pages(before) <= 1 {
            return self.single_page(first).await;
        }
        let mut reading = Pass::new(Way::Slice, before);
        reading.add(0, first);
        for page in 1..self.pages(before) {
            if reading.fault.is_some() {
                return Ok(reading);
            }
            reading.add(page, self.page(page).await?);
        }
        if reading.fault.is_none() {
            reading.close(declared(&self.page(0).await?));
            reading.one_record_per_key(self.source.endpoint());
        }
        Ok(reading)
    }

    /// Reads from the last page to the first, whose total closes it; `before` is the total declared last.
    async fn backward(&self, before: u64) -> Result<Pass, FetchError> {
        if self.pages(before) <= 1 {
            return self.forward().await;
        }
        let mut reading = Pass::new(Way::Slice, before);
        for page in (0..self.pages(before)).rev() {
            reading.add(page, self.page(page).await?);
            if reading.fault.is_some() {
                return Ok(reading);
            }
        }
        reading.close(before);
        reading.one_record_per_key(self.source.endpoint());
        Ok(reading)
    }

    /// A total that fits one page is its own certificate, but for an empty one where rows were.
    async fn single_page(&self, answer: PageAnswer) -> Result<Pass, FetchError> {
        let before = declared(&answer);
        let mut reading = Pass::new(Way::SinglePage, before);
        reading.add(0, answer);
        reading.close(before);
        if self.stood && reading.tally.rows == 0 && reading.fault.is_none() {
            let second = self.page(0).await?;
            reading.after = declared(&second);
            if reading.after > 0 || !second.decoded.fingerprints.is_empty() {
                reading.fault = Some("an empty answer that no second one confirmed".to_owned());
            }
        }
        Ok(reading)
    }

    /// A page counted from 0.
    async fn page(&self, page: u64) -> Result<PageAnswer, FetchError> {
        let page = self.source.first_page().saturating_add(u32::try_from(page).unwrap_or(u32::MAX));
        self.source.page(Target::Slice(self.slice.clone()), None, page).await
    }

    fn pages(&self, total: u64) -> u64 {
        total.div_ceil(u64::from(self.source.page_size().max(1)))
    }

    fn whole(self, reading: Pass, attempts: u32) -> CertifiedSlice {
        let certificate = self.certificate(&reading, attempts, Verdict::Certified);
        let Pass { tally: Tally { batches, refused, .. }, upstream, .. } = reading;
        CertifiedSlice { slice: self.slice, batches, refused, upstream, certificate }
    }

    /// The numbers of a reading, with the verdict on it.
    fn certificate(&self, reading: &Pass, attempts: u32, verdict: Verdict) -> Certificate {
        let Pass { way, tally, before, after, .. } = reading;
        Certificate {
            start: None,
            end: None,
            slice: Some(self.slice.clone()),
            filter: None,
            declared_before: *before,
            declared_after: *after,
            pages: tally.pages,
            rows: tally.rows,
            distinct: tally.distinct(),
            refused: tally.refused.len() as u64,
            keys_with_two_records: tally.keys_with_two_records(self.source.endpoint()),
            order: Order::Unseen,
            way: *way,
            attempts,
            read_at: self.source.platform_now(),
            verdict,
        }
    }
}

impl Pass {
    fn new(way: Way, before: u64) -> Self {
        Self { way, tally: Tally::default(), upstream: Vec::new(), before, after: before, fault: None, doubled: false }
    }

    /// Adds a page counted from 0; one that shows the slice in motion ends the reading.
    fn add(&mut self, page: u64, answer: PageAnswer) {
        let PageAnswer { total, decoded, refused, .. } = answer;
        self.after = total.unwrap_or(self.after);
        if self.after != self.before {
            self.fault = Some(format!("{} declared before and {} on page {page}", self.before, self.after));
        } else if self.before > 0 && decoded.fingerprints.is_empty() {
            self.fault = Some(format!("{} declared, but no record on page {page}", self.before));
        }
        self.tally.add(decoded);
        self.upstream.extend(refused);
    }

    /// A key met twice with different content is a row that moved from page to page, past another that was not met: the
    /// counts alone would not show it.
    fn one_record_per_key(&mut self, endpoint: &Endpoint) {
        let twice = self.tally.keys_with_two_records(endpoint);
        if self.fault.is_none() && twice > 0 {
            self.doubled = true;
            self.fault = Some(format!("{twice} keys were met with two different records"));
        }
    }

    /// Keys that have two records in two readings that are equal record by record have them on the platform.
    fn confirmed_by(&mut self, earlier: &Self) {
        if self.doubled && earlier.doubled && self.tally.same_records(&earlier.tally) {
            self.fault = None;
        }
    }

    /// Judges the reading by the total declared last.
    fn close(&mut self, after: u64) {
        self.after = after;
        let (before, distinct) = (self.before, self.tally.distinct());
        if self.fault.is_none() && (before != distinct || distinct != after) {
            self.fault = Some(format!("{distinct} records read, {before} declared before and {after} after"));
        }
    }
}

/// The total of a first page; a client never gives a first page without one.
fn declared(answer: &PageAnswer) -> u64 {
    answer.total.unwrap_or(0)
}
