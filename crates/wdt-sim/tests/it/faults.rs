//! What goes wrong on purpose.

use std::sync::Arc;

use serde_json::Value;
use wdt_sim::{Fault, FaultPlan};

use crate::{
    STOCK,
    client::{Client, everything, page, start, total},
};

async fn send(client: &Client) -> reqwest::Response {
    let params = client.sign(client.unsigned(page(everything(), 0, 20)));
    client.post(STOCK, &params).await.unwrap()
}

#[tokio::test]
async fn faults_of_the_way_come_in_the_order_injected_and_pass() {
    let client = start(|_| {});
    let address = "http://127.0.0.1:9/login";
    for fault in [Fault::Status(502), Fault::Html, Fault::CutJson, Fault::Redirect(address.to_owned())] {
        client.sim.inject(fault);
    }
    let response = send(&client).await;
    assert_eq!(response.status(), 502);
    let response = send(&client).await;
    assert_eq!(response.status(), 200);
    assert!(response.text().await.unwrap().starts_with("<html>"));
    let response = send(&client).await;
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    assert!(text.starts_with("{\"code\":0,") && serde_json::from_str::<Value>(&text).is_err());
    let response = send(&client).await;
    assert_eq!((response.status().as_u16(), response.headers()["location"].to_str().unwrap()), (302, address));
    let answer: Value = send(&client).await.json_value().await;
    assert_eq!(total(&answer), 1000);
}

#[tokio::test]
async fn a_broken_transfer_is_an_error_of_the_transport() {
    let client = start(|_| {});
    client.sim.inject(Fault::BrokenTransfer);
    let response = send(&client).await;
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err());
    assert_eq!(client.sim.calls()[0].fault, Some(Fault::BrokenTransfer));
    assert_eq!(client.sim.calls()[0].code, "0", "the call itself was good");
}

#[tokio::test]
async fn the_platform_can_fail_and_lie() {
    let client = start(|_| {});
    client.sim.inject(Fault::platform("1200", "系统繁忙"));
    client.sim.inject(Fault::NoTotal);
    client.sim.inject(Fault::LyingTotal(-7));
    client.sim.inject(Fault::LyingTotal(-5000));
    let answer = send(&client).await.json_value().await;
    assert_eq!((answer["code"].as_i64(), answer["message"].as_str()), (Some(1200), Some("系统繁忙")));
    assert_eq!(send(&client).await.json_value().await.get("total_count"), None);
    assert_eq!(total(&send(&client).await.json_value().await), 993);
    assert_eq!(total(&send(&client).await.json_value().await), 0);
}

#[tokio::test]
async fn a_refused_call_stays_refused_under_a_fault() {
    let client = start(|_| {});
    client.sim.inject(Fault::platform("1200", "系统繁忙"));
    assert_eq!(client.code(STOCK, page(everything(), 0, 0)).await, 1);
}

#[tokio::test]
async fn rates_follow_the_seed_and_scripts_the_number() {
    let statuses = async |plan: FaultPlan, seed| {
        let client = start(|config| (config.faults, config.seed) = (plan, seed));
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(send(&client).await.status().as_u16());
        }
        statuses
    };
    let rate = || FaultPlan::Rate { rate: 0.3, kinds: vec![Fault::Status(500), Fault::Status(503)] };
    let first = statuses(rate(), 1).await;
    assert!([200, 500, 503].iter().all(|status| first.contains(status)), "{first:?}");
    assert_eq!(first, statuses(rate(), 1).await);
    assert_ne!(first, statuses(rate(), 2).await);
    let script = FaultPlan::Script(Arc::new(|number| (number % 2 == 0).then_some(Fault::Status(503))));
    assert_eq!(statuses(script, 1).await[..4], [200, 503, 200, 503]);
}

trait JsonValue {
    async fn json_value(self) -> Value;
}

impl JsonValue for reqwest::Response {
    async fn json_value(self) -> Value {
        serde_json::from_slice(&self.bytes().await.unwrap()).unwrap()
    }
}
