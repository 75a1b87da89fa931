//! Writes that go wrong: a run ends well, or with exit code 6 and the table's name, and the next one makes it good.

use std::process::Output;

use wdt_warehouse::Format;
use wdt_warehouse::faulty::Fault;

use super::scenario::{Disturbance, Scenario};
use super::{SEED, Undisturbed, each_failpoint, mixed};

/// Share of the writes that go wrong where a seed draws them.
const RATE: &str = "0.1";

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_finds_itself_as_its_rival_is_known_again() {
    for format in Format::ALL {
        let one = Undisturbed::new(Scenario::night(format).await).await;
        for ordinal in 1..=one.commits {
            let fault = if ordinal % 4 == 0 { Fault::Conflict } else { Fault::Rival };
            let ended = one.made_good(&[Disturbance::store(format!("{}:{ordinal}", fault.name()))]).await;
            assert!(ended[0].status.success(), "{} {ordinal}: {ended:?}", fault.name());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_goes_wrong_loses_and_doubles_nothing() {
    writes_that_go_wrong(Format::Delta).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_parquet_a_write_that_goes_wrong_loses_and_doubles_nothing() {
    writes_that_go_wrong(Format::Parquet).await;
}

async fn writes_that_go_wrong(format: Format) {
    let one = Undisturbed::new(Scenario::night(format).await).await;
    let writes = one.commits + one.files as u64;
    let mut failed = 0;
    for (position, fault) in (0..).zip([Fault::Refused, Fault::Torn, Fault::Lost]) {
        for ordinal in (1 + position..=writes).step_by(6) {
            failed += failures(&one, &[Disturbance::store(format!("{}:{ordinal}", fault.name()))]).await;
        }
    }
    assert!(failed > 5, "only {failed} runs noticed that a write went wrong");
    // writes that go wrong here and there, night after night
    let seeds = (0..4).map(|run| mixed(SEED + run) % 1_000_000);
    let nights: Vec<_> = seeds.map(|seed| Disturbance::store(format!("{seed}:{RATE}"))).collect();
    assert!(failures(&one, &nights).await > 0, "no night noticed that a write went wrong");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_at_any_failpoint_while_its_store_fails_loses_and_doubles_nothing() {
    for format in Format::ALL {
        let (mut killed, mut ended) = (0, 0);
        let all = Undisturbed::all(format).await;
        for (position, (one, failpoint)) in each_failpoint(&all, SEED + 1000).into_iter().enumerate() {
            let store = Some(format!("{}:{RATE}", mixed(SEED + position as u64) % 1_000_000));
            let disturbance = Disturbance { store, ..Disturbance::at(failpoint) };
            match one.made_good(&[disturbance]).await[0].status.code() {
                None => killed += 1,
                Some(_) => ended += 1,
            }
        }
        assert!(killed > ended, "{killed} were killed, {ended} ended before");
    }
}

/// How many of the disturbed runs failed: each with exit code 6 and the name of a table.
async fn failures(one: &Undisturbed, disturbances: &[Disturbance]) -> usize {
    let ended = one.made_good(disturbances).await;
    let failed = ended.iter().filter(|ended| !ended.status.success());
    failed.inspect(|ended| assert_clear(ended)).count()
}

fn assert_clear(ended: &Output) {
    let told = String::from_utf8_lossy(&ended.stdout) + String::from_utf8_lossy(&ended.stderr);
    let clear = told.contains("table `") && told.contains("failed: ") && told.contains("on purpose");
    assert!(ended.status.code() == Some(6) && clear, "{ended:?}");
}
