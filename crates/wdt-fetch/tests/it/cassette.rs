//! Exchanges kept by a recorder and given again by a player.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{BoxFuture, join};
use wdt_fetch::cassette::{Exchange, Keep, Player, Recorder};
use wdt_fetch::{
    Clock, Credentials, NoAnswer, Outgoing, PageRequest, Params, RawAnswer, Target, Transport, VirtualClock, signed,
};
use wdt_models::time::{Millis, Seconds};
use wdt_models::{Gateway, Window};

use crate::calls::credentials;
use crate::moving::{NOW, START, endpoint};

/// Answers after so many milliseconds, as many for each page as the list says.
struct Slow(Vec<u64>);

impl Transport for Slow {
    fn exchange<'a>(
        &'a self,
        outgoing: Outgoing<'a>,
        clock: &'a dyn Clock,
    ) -> BoxFuture<'a, Result<RawAnswer, NoAnswer>> {
        Box::pin(async move {
            let (sent_at, page) = (clock.now(), outgoing.page.page_no);
            tokio::time::sleep(Duration::from_millis(self.0[page as usize])).await;
            let body = format!("page {page}").into_bytes();
            Ok(RawAnswer { status: 200, date: None, location: None, body, sent_at, came_at: clock.now() })
        })
    }
}

fn page(page_no: u32) -> PageRequest {
    let (method, target) = (endpoint().method(), Target::Window(Window::new(Seconds(START), Seconds(START + 60))));
    PageRequest { method, target, page_no, page_size: 100, params: Params::new(), personal: false }
}

const ADDRESS: &str = "http://gateway.invalid";

fn account() -> Credentials {
    credentials(Gateway::Enterprise, |_| {})
}

/// One call through a transport: what came, and a note of it.
async fn call(through: &dyn Transport, page: &PageRequest, clock: &VirtualClock, order: &Mutex<Vec<u32>>) -> RawAnswer {
    let (base_url, credentials) = (ADDRESS, account());
    let signed_at = clock.now().floor_seconds();
    let request = signed(endpoint(), base_url, &credentials, page, signed_at).unwrap();
    let (endpoint, credentials) = (endpoint(), &credentials);
    let outgoing = Outgoing { request, endpoint, base_url, credentials, page, signed_at };
    let answer = through.exchange(outgoing, clock).await.unwrap();
    order.lock().unwrap().push(page.page_no);
    answer
}

type Kept = Arc<Mutex<Vec<(Exchange, Vec<u8>)>>>;

/// A recorder over a transport that takes that long for each page, and what it keeps.
fn recorder(took: [u64; 2]) -> (Recorder, Kept) {
    let kept = Kept::default();
    let own = Arc::clone(&kept);
    let keep: Arc<Keep> = Arc::new(move |exchange, body| {
        let mut kept = own.lock().unwrap();
        let number = kept.len() as u64 + 1;
        kept.push((Exchange { number, ..exchange }, body.to_vec()));
        Ok(())
    });
    (Recorder::new("main", "stock", Arc::new(Slow(took.to_vec())), account(), keep), kept)
}

/// Both pages asked for at once, the first one first; what was kept.
async fn recorded(took: [u64; 2]) -> Vec<(Exchange, Vec<u8>)> {
    let (recorder, kept) = recorder(took);
    let (clock, order) = (VirtualClock::starting_at(Seconds(NOW).millis()), Mutex::default());
    let (first, second) = (page(0), page(1));
    join(call(&recorder, &first, &clock, &order), call(&recorder, &second, &clock, &order)).await;
    std::mem::take(&mut *kept.lock().unwrap())
}

/// A player of what was kept, with bodies by their page.
fn player(mut kept: Vec<(Exchange, Vec<u8>)>) -> Arc<Player> {
    for (exchange, _) in &mut kept {
        if let Some(answer) = &mut exchange.answer {
            answer.body = Some(exchange.number.to_string());
        }
    }
    let bodies: Vec<Vec<u8>> = kept.iter().map(|(_, body)| body.clone()).collect();
    let load = move |name: &str| Ok(bodies[name.parse::<usize>().unwrap() - 1].clone());
    Arc::new(Player::new(kept.into_iter().map(|(exchange, _)| exchange).collect(), Arc::new(load)))
}

#[tokio::test(start_paused = true)]
async fn answers_of_one_millisecond_come_in_the_order_in_which_they_came() {
    let mut kept = recorded([30, 20]).await;
    assert_eq!(kept.iter().map(|(exchange, _)| exchange.page).collect::<Vec<_>>(), [1, 0]);
    for (exchange, _) in &mut kept {
        exchange.came_at = Millis(NOW * 1000 + 30);
    }
    let player = player(kept);
    let transport = player.transport("main", "stock");
    let (clock, order) = (VirtualClock::starting_at(Seconds(NOW).millis()), Mutex::default());
    let (first, second) = (page(0), page(1));
    let calls = join(call(&*transport, &first, &clock, &order), call(&*transport, &second, &clock, &order));
    let (first, second) = calls.await;
    assert_eq!((first.body.as_slice(), second.body.as_slice()), (&b"page 0"[..], &b"page 1"[..]));
    assert_eq!(*order.lock().unwrap(), [1, 0]);
    assert_eq!(clock.now(), Millis(NOW * 1000 + 30));
    assert!(player.left().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_takes_no_exchange_away() {
    let player = player(recorded([30, 20]).await);
    let transport = player.transport("main", "stock");
    let (clock, order) = (VirtualClock::starting_at(Seconds(NOW).millis()), Mutex::default());
    let first = page(0);
    let given_up = call(&*transport, &first, &clock, &order);
    assert!(tokio::time::timeout(Duration::from_millis(5), given_up).await.is_err());
    assert_eq!(player.left().len(), 2);
    // nor does it hold up an answer that came later
    assert_eq!(call(&*transport, &page(0), &clock, &order).await.body, b"page 0");
    assert_eq!(player.left().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_given_up_is_kept_as_such_and_never_answered() {
    let (recorder, kept) = recorder([30, 20]);
    let (clock, order) = (VirtualClock::starting_at(Seconds(NOW).millis()), Mutex::default());
    let page = page(0);
    let given_up = call(&recorder, &page, &clock, &order);
    assert!(tokio::time::timeout(Duration::from_millis(5), given_up).await.is_err());
    let kept = std::mem::take(&mut *kept.lock().unwrap());
    assert!(kept.len() == 1 && kept[0].0.is_given_up() && kept[0].0.came_at == Millis(NOW * 1000 + 5), "{kept:?}");
    let player = player(kept);
    let transport = player.transport("main", "stock");
    let waiting = call(&*transport, &page, &clock, &order);
    assert!(tokio::time::timeout(Duration::from_mins(1), waiting).await.is_err());
    assert!(player.left().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_is_played_to_its_own_account_and_dataset_alone() {
    let player = player(recorded([30, 20]).await);
    let (base_url, credentials) = (ADDRESS, account());
    let page = page(0);
    for (account, dataset) in [("other", "stock"), ("main", "goods")] {
        let request = signed(endpoint(), base_url, &credentials, &page, Seconds(NOW)).unwrap();
        let (endpoint, credentials, page) = (endpoint(), &credentials, &page);
        let outgoing = Outgoing { request, endpoint, base_url, credentials, page, signed_at: Seconds(NOW) };
        let clock = VirtualClock::starting_at(Seconds(NOW).millis());
        let answer = player.transport(account, dataset).exchange(outgoing, &clock).await;
        assert!(matches!(answer, Err(NoAnswer::Cassette { .. })), "{answer:?}");
    }
    assert_eq!(player.left().len(), 2);
}
