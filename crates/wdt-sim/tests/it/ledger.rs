//! Rows that move: edits between pages and by hand, deletes, seeds, merchants; and how a simulator starts and stops.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::Ordering,
};

use serde_json::Value;
use wdt_models::Gateway;
use wdt_sim::{Account, BrokeOff, Fault, Ledger, Row, Sim, SimError};

use crate::{
    GOODS, NOW, STOCK,
    client::{Client, config, everything, key, page, records, start, total, window},
};

fn stock(client: &Client) -> Ledger {
    client.sim.ledger("enterprise_stock").unwrap()
}

fn texts(ledger: &Ledger) -> Vec<String> {
    ledger.rows().into_iter().map(|row| ledger.record(row)).collect()
}

#[tokio::test]
async fn an_answer_holds_the_ledgers_records_byte_for_byte() {
    let client = start(|config| config.rows = [("enterprise_stock".to_owned(), 60)].into());
    stock(&client).edit(20);
    let body = String::from_utf8(client.bytes(STOCK, page(everything(), 0, 100)).await).unwrap();
    let missing = texts(&stock(&client)).into_iter().filter(|text| !body.contains(text.as_str())).count();
    assert_eq!(missing, 0);
}

#[tokio::test]
async fn an_edit_changes_quantities_and_the_cursor_and_nothing_else() {
    let client = start(|_| {});
    let ledger = stock(&client);
    let before = ledger.rows();
    client.clock.store(NOW + 77, Ordering::SeqCst);
    let edited = ledger.edit(30);
    assert_eq!(edited.iter().map(|row| row.id).collect::<BTreeSet<_>>().len(), 30);
    for row in edited {
        assert_eq!((row.modified, row.version), (NOW + 77, 1));
        let old: Value = serde_json::from_str(&ledger.record(before[row.id as usize])).unwrap();
        let new: Value = serde_json::from_str(&ledger.record(row)).unwrap();
        let changed = |name: &&String| old[*name] != new[*name];
        let names: Vec<_> = new.as_object().unwrap().keys().filter(changed).collect();
        assert!(names.len() > 10, "{names:?}");
        let quantity = |name: &str| name.ends_with("_num") || old[name].to_string().contains('.');
        assert!(names.iter().all(|name| *name == "modified" || *name == "details" || quantity(name)), "{names:?}");
        assert_eq!(key(STOCK, &old), key(STOCK, &new));
    }
    let answer = client.json(STOCK, page(window(NOW + 77, NOW + 77), 0, 100)).await;
    assert_eq!(total(&answer), 30);
}

#[tokio::test]
async fn a_drift_changes_quantities_and_leaves_the_cursor() {
    let client = start(|_| {});
    let ledger = stock(&client);
    let before = ledger.rows();
    client.clock.store(NOW + 77, Ordering::SeqCst);
    let drifted = ledger.drift(30);
    assert_eq!(drifted.len(), 30);
    for row in drifted {
        let old = before[row.id as usize];
        assert_eq!((row.modified, row.version), (old.modified, 1));
        assert_ne!(ledger.record(row), ledger.record(old));
    }
    let answer = client.json(STOCK, page(window(NOW + 77, NOW + 77), 0, 100)).await;
    assert_eq!(total(&answer), 0);
}

#[tokio::test]
async fn pages_shift_when_rows_are_edited_between_them() {
    let client = start(|config| config.edits_per_page = 1.0);
    client.clock.store(NOW + 1000, Ordering::SeqCst);
    let mut totals = Vec::new();
    for _ in 0..5 {
        totals.push(total(&client.json(STOCK, page(everything(), 0, 1)).await));
    }
    assert!(totals[0] == 1000 && totals[4] < totals[0] && totals.is_sorted_by(|first, second| first >= second));
    let rows = stock(&client).rows();
    let edited: Vec<_> = rows.iter().filter(|row| row.version > 0).collect();
    assert!(rows.len() == 1000 && (5..=15).contains(&edited.len()), "one to three rows a page: {edited:?}");
    assert!(edited.iter().all(|row| row.modified == NOW + 1000));
}

#[tokio::test]
async fn deleted_rows_vanish_and_restored_ones_are_new() {
    let client = start(|_| {});
    let ledger = stock(&client);
    let gone: BTreeSet<_> = ledger.delete(100).into_iter().map(|row| row.id).collect();
    assert_eq!((gone.len(), ledger.rows().len()), (100, 900));
    assert!(ledger.rows().iter().all(|row| !gone.contains(&row.id)));
    assert_eq!(total(&client.json(STOCK, everything()).await), 900);
    client.clock.store(NOW + 9, Ordering::SeqCst);
    let back = ledger.restore(40);
    assert!(back.iter().all(|row| gone.contains(&row.id) && (row.modified, row.version) == (NOW + 9, 1)));
    assert_eq!((back.len(), ledger.rows().len()), (40, 940));
    assert_eq!(total(&client.json(STOCK, page(window(NOW + 9, NOW + 9), 0, 1)).await), 40);
    assert_eq!(ledger.restore(1000).len(), 60, "no more than were deleted");
    assert_eq!(ledger.edit(5000).len(), 1000, "no more than there are");
}

#[tokio::test]
async fn edits_may_be_shown_later_than_they_are_dated() {
    let client = start(|config| config.shown_after_seconds = 60);
    let ledger = stock(&client);
    client.clock.store(NOW + 100, Ordering::SeqCst);
    assert_eq!(ledger.edit(200).len(), 200);
    let dated = || ledger.rows().iter().filter(|row| row.modified == NOW + 100).count();
    let first = dated();
    assert!(first < 20, "one in 61 at once: {first}");
    let mut before = first;
    for second in 1..=60 {
        client.clock.store(NOW + 100 + second, Ordering::SeqCst);
        let now = dated();
        assert!(now >= before, "what is shown stays");
        before = now;
    }
    assert_eq!(before, 200);
    assert_eq!(total(&client.json(STOCK, page(window(NOW + 100, NOW + 100), 0, 1)).await), 200);
}

#[test]
fn a_journal_holds_every_state_once_in_order() {
    let (mut config, clock) = config();
    (config.journal, config.shown_after_seconds) = (true, 30);
    let sim = Sim::without_socket(config.with_rows("enterprise_stock", 50)).unwrap();
    let ledger = sim.ledger("enterprise_stock").unwrap();
    for step in 1..=40 {
        clock.store(NOW + step * 10, Ordering::SeqCst);
        drop((ledger.edit(4), ledger.drift(2), ledger.add(1), ledger.delete(2), ledger.restore(1)));
    }
    clock.store(NOW + 1000, Ordering::SeqCst);
    let shown: BTreeMap<_, _> = ledger.rows().into_iter().map(|row| (row.id, row)).collect();
    let journal = ledger.journal();
    assert!(journal.is_sorted_by_key(|change| change.at) && journal[..50].iter().all(|change| change.at == NOW));
    let mut folded = BTreeMap::new();
    for change in &journal {
        let last =
            if change.present { folded.insert(change.row.id, change.row) } else { folded.remove(&change.row.id) };
        assert!(last.is_none_or(|last| last != change.row || !change.present), "{change:?}");
    }
    assert_eq!(folded, shown);
}

#[tokio::test]
async fn a_call_without_a_socket_gets_the_same_answer() {
    let client = start(|_| {});
    let params = client.sign(client.unsigned(page(everything(), 0, 3)));
    let over_the_socket = client.post(STOCK, &params).await.unwrap();
    let date = over_the_socket.headers()["date"].to_str().unwrap().to_owned();
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&params).finish();
    let url = format!("{}/{STOCK}", client.sim.base_url(Gateway::Enterprise));
    let form = "application/x-www-form-urlencoded";
    let direct = client.sim.exchange(&url, form, body.clone()).await.unwrap();
    assert_eq!((direct.status, direct.date), (200, Some(date)));
    assert_eq!(direct.body, over_the_socket.bytes().await.unwrap());
    for fault in [Fault::BrokenTransfer, Fault::LostAnswer, Fault::WrongLength(5)] {
        client.sim.inject(fault.clone());
        assert_eq!(client.sim.exchange(&url, form, body.clone()).await, Err(BrokeOff), "{fault:?}");
    }
    client.sim.inject(Fault::Status(502));
    assert_eq!(client.sim.exchange(&url, form, body).await.unwrap().status, 502);
}

#[tokio::test]
async fn added_rows_are_found_and_have_keys_of_their_own() {
    let client = start(|_| {});
    let ledger = client.sim.ledger("enterprise_goods").unwrap();
    client.clock.store(NOW + 5, Ordering::SeqCst);
    let added = ledger.add(3);
    assert_eq!(
        added.iter().map(|row| (row.id, row.modified)).collect::<Vec<_>>(),
        [1000, 1001, 1002].map(|id| (id, NOW + 5))
    );
    let answer = client.json(GOODS, window(NOW + 5, NOW + 5)).await;
    let keys: Vec<_> = records(GOODS, &answer).iter().map(|record| key(GOODS, record)).collect();
    assert_eq!(keys, [[10_950], [10_951], [10_952]]);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_answers() {
    let read = async |seed| {
        let client = start(|config| (config.seed, config.edits_per_page) = (seed, 0.5));
        let mut bodies = Vec::new();
        for page_no in 0..8 {
            bodies.push(client.bytes(GOODS, page(everything(), page_no % 4, 50)).await);
        }
        (texts(&stock(&client)), bodies)
    };
    let (first, second, other) = (read(1).await, read(1).await, read(2).await);
    assert!(first == second);
    assert!(first.0 != other.0 && first.1 != other.1);
}

#[tokio::test]
async fn merchants_have_rows_of_their_own_and_share_them_among_applications() {
    let mut client = start(|config| {
        config.accounts.push(Account::new(Gateway::Enterprise, &config.accounts[0].sid, "second-key", "second-secret"));
        config.accounts.push(Account::new(Gateway::Enterprise, "other", "other-key", "other-secret"));
    });
    let bodies = [
        client.account.clone(),
        Account::new(Gateway::Enterprise, "apidevnew2", "second-key", "second-secret"),
        Account::new(Gateway::Enterprise, "other", "other-key", "other-secret"),
    ];
    let mut seen = Vec::new();
    for account in bodies {
        client.account = account;
        seen.push(records(STOCK, &client.json(STOCK, everything()).await));
    }
    assert!(seen[0] == seen[1] && seen[0] != seen[2]);
    let (own, other) = (stock(&client), client.sim.ledger_of("other", "enterprise_stock").unwrap());
    own.edit(1);
    assert!(other.rows().iter().all(|row: &Row| row.version == 0));
    assert!(
        client.sim.ledger("flagship_nothing").is_none() && client.sim.ledger_of("nobody", "enterprise_stock").is_none()
    );
}

#[tokio::test]
async fn a_simulator_stops_and_frees_its_port() {
    let client = start(|_| {});
    client.code(STOCK, everything()).await;
    let base = client.sim.base_url(Gateway::Enterprise);
    let port: u16 = base.trim_start_matches("http://127.0.0.1:").trim_end_matches("/openapi2").parse().unwrap();
    let on_that_port = || {
        let (mut config, _) = config();
        config.port = port;
        Sim::start(config)
    };
    assert!(matches!(on_that_port(), Err(SimError::Listen { port: taken, .. }) if taken == port));
    client.sim.stop().await;
    let again = on_that_port().unwrap();
    assert_eq!(again.base_url(Gateway::Enterprise), base);
    drop(again);
    for _ in 0..10_000 {
        if on_that_port().is_ok() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("a dropped simulator keeps its port");
}

#[test]
fn bad_starts_are_distinguished() {
    let (config, _) = config();
    assert!(matches!(Sim::start(config.clone()), Err(SimError::NoRuntime)));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let unknown = Sim::start(config.with_rows("enterprise_sock", 1));
    assert!(matches!(unknown, Err(SimError::UnknownDataset { dataset }) if dataset == "enterprise_sock"));
}
