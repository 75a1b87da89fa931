//! The rows of a list of ids, each accounted for: it comes back as a record or as the platform's refusal.

use std::collections::BTreeSet;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use wdt_models::decode::{Decoded, keys, page_schema};
use wdt_models::error::PlatformError;
use wdt_models::{Certificate, Order, Slice, Verdict, Way};

use crate::client::PageAnswer;
use crate::error::{FetchError, WindowError};
use crate::pages::{PageSource, ReadOptions};
use crate::snapshot::{CertifiedSlice, READINGS};
use crate::tally::Tally;
use crate::wire::Target;

/// The platform's code for an error of the application, by which a call for one id refuses that id.
///
/// Assumption: the vendor's page says that such a call may fail so, and gives no list of the reasons.
const ONE_ID_REFUSED: &str = "100";

/// Reads the rows of a list of ids, several calls in flight; an id given twice is asked for once.
///
/// An empty list is certified without a call: whether rows may go because nobody asks for them is for the caller.
///
/// # Errors
///
/// [`WindowError::Fetch`] when a call failed, [`WindowError::Uncertified`] when a call's answer does not account for
/// its ids three times over.
pub async fn read_ids<S: PageSource>(source: &S, ids: &[i64]) -> Result<CertifiedSlice, WindowError> {
    let asked: Vec<i64> = BTreeSet::from_iter(ids).into_iter().copied().collect();
    let reader = IdReader { source, column: source.endpoint().key.first().copied().unwrap_or_default() };
    let size = usize::try_from(source.page_size().max(1)).unwrap_or(usize::MAX);
    // collected first: a closure over borrowed chunks would keep the whole future from being spawned
    let calls: Vec<_> = asked.chunks(size).map(|ids| reader.read(ids)).collect();
    let mut calls = stream::iter(calls).buffered(ReadOptions::default().concurrency);
    let mut reading = IdTally::default();
    while let Some(call) = calls.try_next().await? {
        reading.add(call);
    }
    let certificate = reader.certificate(&asked, &reading, Verdict::Certified);
    let IdTally { tally: Tally { batches, refused, .. }, upstream, .. } = reading;
    Ok(CertifiedSlice { slice: Slice::default(), batches, refused, upstream, certificate })
}

/// Asks for ids, one call's worth at a time.
struct IdReader<'a, S> {
    source: &'a S,
    /// Column, and member of refusals, that holds the id.
    column: &'static str,
}

/// What calls have answered.
#[derive(Default)]
struct IdTally {
    tally: Tally,
    upstream: Vec<String>,
    /// Ids that came back, as a record or as a refusal.
    ids: BTreeSet<i64>,
    attempts: u32,
}

impl<S: PageSource> IdReader<'_, S> {
    /// Asks until the answer accounts for every id.
    async fn read(&self, ids: &[i64]) -> Result<IdTally, WindowError> {
        let mut attempts = 1;
        loop {
            let answer = self.ask(ids).await?;
            let Answered { found, nameless } = self.answered(&answer);
            let reading = IdTally::of(answer, found, attempts);
            let Some(reason) = unaccounted(ids, &reading.ids, nameless) else { return Ok(reading) };
            if attempts == READINGS {
                let certificate = Box::new(self.certificate(ids, &reading, Verdict::Uncertified));
                return Err(WindowError::Uncertified { what: Target::Ids(ids.to_vec()), reason, certificate });
            }
            attempts += 1;
        }
    }

    /// One call; where a call takes one id, its refusal is the id's.
    async fn ask(&self, ids: &[i64]) -> Result<PageAnswer, FetchError> {
        let answer = self.source.page(Target::Ids(ids.to_vec()), None, self.source.first_page()).await;
        match (answer, ids) {
            (Err(FetchError::Parameter { error, .. }), &[id])
                if self.source.page_size() == 1 && error.code == ONE_ID_REFUSED =>
            {
                Ok(self.refusal(id, &error))
            }
            (answer, _) => answer,
        }
    }

    /// The refusal as a call for many ids would give it.
    fn refusal(&self, id: i64, error: &PlatformError) -> PageAnswer {
        let refused = json!({ self.column: id, "err_msg": error.message }).to_string();
        let batch = RecordBatch::new_empty(page_schema(self.source.endpoint()));
        let decoded = Decoded { batch, fingerprints: Vec::new(), refused: Vec::new() };
        PageAnswer { total: None, decoded, refused: vec![refused], bytes: 0 }
    }

    /// The ids of the records, typed or not, and of the refusals.
    fn answered(&self, answer: &PageAnswer) -> Answered {
        let untyped = answer.decoded.refused.iter().map(|refusal| refusal.record.as_str());
        let records: Vec<&str> = untyped.chain(answer.refused.iter().map(String::as_str)).collect();
        let read = keys(self.source.endpoint(), &Slice::default(), &records);
        let found = [&answer.decoded.batch, &read.batch].into_iter().flat_map(|batch| self.column(batch)).collect();
        Answered { found, nameless: read.unreadable }
    }

    /// The ids in a batch.
    fn column(&self, batch: &RecordBatch) -> Vec<i64> {
        let column = batch.column_by_name(self.column).and_then(|column| column.as_primitive_opt::<Int64Type>());
        column.into_iter().flatten().flatten().collect()
    }

    /// The numbers of a reading of these ids, with the verdict on it.
    fn certificate(&self, ids: &[i64], reading: &IdTally, verdict: Verdict) -> Certificate {
        let tally = &reading.tally;
        Certificate {
            start: None,
            end: None,
            slice: Some(Slice::default()),
            filter: None,
            declared_before: ids.len() as u64,
            declared_after: ids.len() as u64,
            pages: tally.pages,
            rows: tally.rows,
            distinct: reading.ids.len() as u64,
            refused: tally.refused.len() as u64,
            keys_with_two_records: tally.keys_with_two_records(self.source.endpoint()),
            order: Order::Unseen,
            way: Way::Ids,
            attempts: reading.attempts,
            read_at: self.source.platform_now(),
            verdict,
        }
    }
}

/// The ids in an answer.
struct Answered {
    found: BTreeSet<i64>,
    /// Refused records and refusals without a readable id.
    nameless: usize,
}

impl IdTally {
    fn of(answer: PageAnswer, ids: BTreeSet<i64>, attempts: u32) -> Self {
        let mut tally = Tally::default();
        tally.add(answer.decoded);
        Self { tally, upstream: answer.refused, ids, attempts }
    }

    /// Takes in another call's answer, which shares no id with those before.
    fn add(&mut self, call: Self) {
        self.tally.join(call.tally);
        self.upstream.extend(call.upstream);
        self.ids.extend(call.ids);
        self.attempts = self.attempts.max(call.attempts);
    }
}

/// How an answer fails to account for the ids asked for, if it does.
fn unaccounted(asked: &[i64], answered: &BTreeSet<i64>, nameless: usize) -> Option<String> {
    let asked: BTreeSet<i64> = asked.iter().copied().collect();
    let (missing, strange) = (asked.difference(answered), answered.difference(&asked));
    let first = missing.clone().chain(strange.clone()).next();
    let (missing, strange) = (missing.count(), strange.count());
    let first = match first {
        Some(id) => format!("first {id}"),
        None if nameless == 0 => return None,
        None => "none of them asked for".to_owned(),
    };
    Some(format!(
        "of {} ids asked for, {missing} came back neither as a record nor as a refusal; {strange} others came, and \
         {nameless} without a readable id ({first})",
        asked.len()
    ))
}
