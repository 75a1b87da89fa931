//! Answers calls from a recording: each request must be the recorded one, signed for the recorded second.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::watch;

use super::{Exchange, RecordedRequest, difference};
use crate::Clock;
use crate::error::Cause;
use crate::transport::{Broken, NoAnswer, Outgoing, RawAnswer, Transport};
use crate::wire::WireError;

/// Gives the body of an answer by the name under which it is kept.
pub type Load = dyn Fn(&str) -> Result<Vec<u8>, String> + Send + Sync;

/// An answer waits for its turn this long at most; the time is the replay's own.
const LONGEST_TURN: Duration = Duration::from_secs(1);

/// A call that was given up is never answered; a replay that still waits for it after this time fails.
const LONGEST_GIVEN_UP: Duration = Duration::from_hours(1);

/// The exchanges of a recording that have not been played yet.
pub struct Player {
    left: Mutex<HashMap<String, VecDeque<Exchange>>>,
    /// Numbers of those that were asked for and have not been answered: answers come in the order in which they came, also
    /// within a millisecond, because one that proves a window torn gives the other calls for it up.
    under_way: watch::Sender<BTreeSet<u64>>,
    load: Arc<Load>,
}

/// Plays what one account called for one dataset.
struct Part {
    player: Arc<Player>,
    account: String,
    dataset: String,
}

impl Player {
    /// Plays these exchanges.
    #[must_use]
    pub fn new(mut exchanges: Vec<Exchange>, load: Arc<Load>) -> Self {
        // the order in which they were sent: an answer that came late belongs to the attempt that was sent first
        exchanges.sort_by_key(|exchange| (exchange.sent_at, exchange.number));
        let mut left: HashMap<String, VecDeque<Exchange>> = HashMap::new();
        for exchange in exchanges {
            let key = key(&exchange.account, &exchange.dataset, &exchange.request);
            left.entry(key).or_default().push_back(exchange);
        }
        Self { left: Mutex::new(left), under_way: watch::Sender::default(), load }
    }

    /// What carries the calls that an account makes for a dataset.
    #[must_use]
    pub fn transport(self: &Arc<Self>, account: &str, dataset: &str) -> Arc<dyn Transport> {
        let (account, dataset) = (account.to_owned(), dataset.to_owned());
        Arc::new(Part { player: Arc::clone(self), account, dataset })
    }

    /// The answers that nobody has asked for, in the order in which their calls were sent.
    #[must_use]
    pub fn left(&self) -> Vec<Exchange> {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let answered = left.values().flatten().filter(|exchange| !exchange.is_given_up());
        let mut left: Vec<Exchange> = answered.cloned().collect();
        left.sort_by_key(|exchange| (exchange.sent_at, exchange.number));
        left
    }
}

impl Part {
    /// Takes the next exchange of a request, and compares the two as they were signed for the recorded second.
    fn take(&self, outgoing: &Outgoing<'_>) -> Result<Exchange, NoAnswer> {
        let asked = RecordedRequest::of(&outgoing.request);
        let mut left = self.player.left.lock().unwrap_or_else(PoisonError::into_inner);
        let recorded = left.get_mut(&key(&self.account, &self.dataset, &asked));
        let Some(exchange) = recorded.and_then(VecDeque::pop_front) else {
            let others = left.values().flatten().filter(|other| self.is_like(other, outgoing));
            let nearest = others.min_by_key(|other| (difference::count(&other.request, &asked), other.number));
            return Err(nearest.map_or_else(
                || NoAnswer::refused("the recording has no such call left: it ended before, or asked for less"),
                |nearest| not_recorded(nearest, outgoing),
            ));
        };
        let unsigned =
            |error: WireError| NoAnswer::Cassette { reason: error.to_string(), source: Some(Arc::new(error)) };
        match again(&exchange, outgoing).map_err(unsigned)? {
            None => Ok(exchange),
            Some(difference) => {
                let number = exchange.number;
                Err(NoAnswer::refused(format!("it is not the recorded call (exchange {number}): {difference}")))
            }
        }
    }

    fn is_like(&self, other: &Exchange, outgoing: &Outgoing<'_>) -> bool {
        other.account == self.account && other.dataset == self.dataset && other.method == outgoing.page.method.name
    }

    fn answer(&self, exchange: Exchange) -> Result<RawAnswer, NoAnswer> {
        let Exchange { answer, broken, sent_at, came_at, number, .. } = exchange;
        let Some(answer) = answer else {
            return Err(Broken::new(broken.unwrap_or_else(|| "no answer came".to_owned())).into());
        };
        let lost = |reason: String| NoAnswer::refused(format!("the body of exchange {number} is lost: {reason}"));
        let body = answer.body.map_or_else(|| Ok(Vec::new()), |name| (self.player.load)(&name).map_err(lost))?;
        Ok(RawAnswer { status: answer.status, date: answer.date, location: answer.location, body, sent_at, came_at })
    }
}

impl Transport for Part {
    fn exchange<'a>(
        &'a self,
        outgoing: Outgoing<'a>,
        clock: &'a dyn Clock,
    ) -> BoxFuture<'a, Result<RawAnswer, NoAnswer>> {
        Box::pin(async move {
            let exchange = self.take(&outgoing)?;
            if exchange.is_given_up() {
                tokio::time::sleep(LONGEST_GIVEN_UP).await;
                let reason =
                    format!("the recorded run gave this call up (exchange {}), and this one waits", exchange.number);
                return Err(NoAnswer::refused(reason));
            }
            let (number, came_at) = (exchange.number, exchange.came_at);
            let mut taken = Taken::new(&self.player, exchange);
            let wait = u64::try_from(came_at.0.saturating_sub(clock.now().0)).unwrap_or(0);
            tokio::time::sleep(Duration::from_millis(wait)).await;
            let mut under_way = self.player.under_way.subscribe();
            let turn = under_way.wait_for(|numbers| numbers.first().is_none_or(|first| *first >= number));
            // one that is under way and that nobody waits for must not hold up the others
            let _late = tokio::time::timeout(LONGEST_TURN, turn).await;
            match taken.exchange.take() {
                Some(exchange) => self.answer(exchange),
                None => Err(NoAnswer::refused("it was answered before")),
            }
        })
    }
}

/// An exchange on its way. A call that is given up before its answer came was not recorded, so it takes none away.
struct Taken<'a> {
    player: &'a Player,
    number: u64,
    exchange: Option<Exchange>,
}

impl<'a> Taken<'a> {
    fn new(player: &'a Player, exchange: Exchange) -> Self {
        let number = exchange.number;
        player.under_way.send_if_modified(|numbers| numbers.insert(number));
        Self { player, number, exchange: Some(exchange) }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if let Some(exchange) = self.exchange.take() {
            let mut left = self.player.left.lock().unwrap_or_else(PoisonError::into_inner);
            let key = key(&exchange.account, &exchange.dataset, &exchange.request);
            left.entry(key).or_default().push_front(exchange);
        }
        self.player.under_way.send_if_modified(|numbers| numbers.remove(&self.number));
    }
}

/// The first difference of a call from that exchange, both signed for the recorded second.
fn again(exchange: &Exchange, outgoing: &Outgoing<'_>) -> Result<Option<String>, WireError> {
    let signed = outgoing.again(outgoing.credentials, exchange.signed_at)?;
    Ok(difference::first(&exchange.request, &RecordedRequest::of(&signed)))
}

fn not_recorded(nearest: &Exchange, outgoing: &Outgoing<'_>) -> NoAnswer {
    let (difference, source): (_, Option<Cause>) = match again(nearest, outgoing) {
        Ok(Some(difference)) => (difference, None),
        Ok(None) => ("nothing but its turn".to_owned(), None),
        Err(error) => (error.to_string(), Some(Arc::new(error))),
    };
    let number = nearest.number;
    let reason = format!("the recording has no such call; the nearest one left is exchange {number}: {difference}");
    NoAnswer::Cassette { reason, source }
}

fn key(account: &str, dataset: &str, request: &RecordedRequest) -> String {
    format!("{account}\n{dataset}\n{:?}", request.identity())
}
