//! What the platform's refusals and faults end a run with, and how many calls they cost.

use std::net::TcpListener;
use std::sync::Arc;

use wdt_models::Gateway;
use wdt_sim::{Account, Fault, FaultPlan};

use crate::support::{Home, Platform, ROWS, Ran, SECRET, UNTIL, VARIABLE, WRONG_SECRET, account, configuration, now};

/// A platform that answers every call with its error.
fn refusing(code: i64, message: &str) -> Platform {
    let fault = Fault::platform(&code.to_string(), message);
    Platform::with(|config| config.faults = FaultPlan::Script(Arc::new(move |_| Some(fault.clone()))))
}

/// What the two datasets ended with: exit code, error and hint.
#[track_caller]
fn ends(ran: &Ran) -> String {
    let line = |dataset| {
        let finished = ran.finished("main", dataset);
        let text = |name: &str| finished[name].as_str().unwrap_or("none").to_owned();
        format!("{dataset}: {}\n  error: {}\n  hint: {}\n", finished["exit_code"], text("error"), text("hint"))
    };
    line("enterprise_stock") + &line("enterprise_goods")
}

/// A home whose run makes its calls one after the other, so that their number is always the same.
fn one_by_one(platform: &Platform) -> Home {
    Home::of(platform).but("[run]\n", "[run]\nconcurrency = 1\n").without_waits()
}

#[test]
fn a_wrong_secret_costs_one_call_whatever_the_account_asks_for() {
    let platform = Platform::start();
    let home = Home::of(&platform).variable(VARIABLE, WRONG_SECRET).but("calls_per_minute = 0\n", "");
    let ran = home.load().ends_with(3);
    assert_eq!(platform.call_count(), 1);
    insta::assert_snapshot!(ends(&ran));
    assert!(home.rows("enterprise_stock").is_empty());
}

#[test]
fn a_wrong_secret_costs_one_call_without_a_limit_too() {
    let platform = Platform::start();
    let home = Home::of(&platform).variable(VARIABLE, WRONG_SECRET);
    home.load().ends_with(3);
    assert_eq!(platform.call_count(), 1);
}

#[test]
fn one_account_fails_alone() {
    let platform = Platform::start();
    let url = platform.url();
    let accounts = [account("good", &url, "GOOD"), account("bad", &url, "BAD")];
    let home = Home::empty().configured(&configuration(&accounts));
    let home = home.variable("GOOD", SECRET).variable("BAD", WRONG_SECRET);
    let ran = home.load().ends_with(3);
    for dataset in ["enterprise_stock", "enterprise_goods"] {
        assert_eq!(ran.finished("good", dataset)["verdict"], "landed");
        assert_eq!(ran.finished("bad", dataset)["exit_code"], 3);
        assert_eq!(home.keys(dataset), platform.keys(dataset));
        assert!(home.rows(dataset).iter().all(|row| row["account"] == "good"));
    }
    let runs = home.rows("etl_runs");
    let codes = |account: &str| {
        runs.iter().filter(|row| row["account"] == account).map(|row| row["exit_code"].as_i64()).collect::<Vec<_>>()
    };
    assert_eq!(codes("good"), [Some(0), Some(0)]);
    assert_eq!(codes("bad"), [Some(3), Some(3)], "each run, account and dataset has its row");
}

#[test]
fn two_merchants_in_one_table() {
    let other = Account::new(Gateway::Enterprise, "another", "another-ot", WRONG_SECRET);
    let platform = Platform::with(|config| config.accounts.push(other.clone()));
    let url = platform.url();
    let second = account("second", &url, "SECOND").replace("\"apidevnew2\"", "\"another\"");
    let second = second.replace("\"apidevnew2-test\"", "\"another-ot\"");
    let home = Home::empty().configured(&configuration(&[account("first", &url, VARIABLE), second]));
    let home = home.variable("SECOND", WRONG_SECRET);
    home.load().ends_with(0);
    for dataset in ["enterprise_stock", "enterprise_goods"] {
        let rows = home.rows(dataset);
        let of = |account: &str| rows.iter().filter(|row| row["account"] == account).count();
        assert_eq!((of("first"), of("second"), rows.len()), (200, 200, 400), "{dataset}");
        assert_ne!(
            platform.ledger_of("apidevnew2", dataset).map(|ledger| ledger.record(ledger.rows()[0])),
            platform.ledger_of("another", dataset).map(|ledger| ledger.record(ledger.rows()[0])),
            "the merchants differ"
        );
    }
}

#[test]
fn a_platform_that_is_down() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = account("main", &format!("http://127.0.0.1:{port}/openapi2"), VARIABLE);
    let home = Home::empty().configured(&configuration(&[nobody])).without_waits();
    let ran = home.load().ends_with(4);
    let text = ends(&ran);
    assert!(text.contains("stock_query_detail.php page 0: unavailable after 6 attempts: no connection: "), "{text}");
    assert!(text.contains("vip_api_goods_query.php page 0: unavailable after 6 attempts: "), "each is tried: {text}");
    assert!(text.contains("hint: run again later"), "{text}");
}

#[test]
fn a_platform_that_always_says_too_often() {
    let platform = refusing(1012, "超过每分钟最大调用频率限制");
    let home = one_by_one(&platform);
    let ran = home.load().ends_with(4);
    insta::assert_snapshot!(format!("{}{} calls", ends(&ran), platform.call_count()));
    assert!(!ran.events_named("waiting").is_empty());
}

#[test]
fn a_platform_that_is_always_busy() {
    let platform = refusing(1200, "");
    let home = one_by_one(&platform);
    insta::assert_snapshot!(format!("{}{} calls", ends(&home.load().ends_with(4)), platform.call_count()));
}

#[test]
fn an_address_that_is_not_allowed() {
    let platform = refusing(1, "ip不在白名单");
    let home = one_by_one(&platform);
    insta::assert_snapshot!(format!("{}{} calls", ends(&home.load().ends_with(3)), platform.call_count()));
}

#[test]
fn a_parameter_that_the_platform_refuses() {
    let platform = Platform::start();
    let home = one_by_one(&platform)
        .but("name = \"enterprise_goods\"\n", "name = \"enterprise_goods\"\nparams = { shop_no = \"nobody\" }\n");
    insta::assert_snapshot!(format!("{}", ends(&home.load().ends_with(2))));
    assert_eq!(home.keys("enterprise_stock"), platform.keys("enterprise_stock"));
}

#[test]
fn faults_on_the_way_are_overcome_by_new_attempts() {
    let kinds = vec![
        Fault::Status(502),
        Fault::Html,
        Fault::CutJson,
        Fault::BrokenTransfer,
        Fault::platform("1012", "频率超限"),
        Fault::NoTotal,
    ];
    let platform = Platform::with(|config| config.faults = FaultPlan::Rate { rate: 0.2, kinds });
    let home = Home::of(&platform).without_waits();
    home.load().ends_with(0);
    for dataset in ["enterprise_stock", "enterprise_goods"] {
        assert_eq!(home.keys(dataset), platform.keys(dataset));
    }
}

#[test]
fn a_platform_whose_clock_differs_by_more_than_it_accepts() {
    for (offset, words) in [(3_600, "ahead of"), (-3_600, "behind")] {
        let platform = Platform::with(|config| config.clock = Arc::new(move || now() + offset));
        let home = Home::of(&platform);
        let ran = home.load().ends_with(3);
        assert_eq!(platform.call_count(), 1, "the account's other dataset is not tried");
        let text = ends(&ran);
        assert!(text.contains(words) && text.contains("it accepts 300 s at most"), "{text}");
        assert!(text.contains("not tried, because the platform refused the account"), "{text}");
        assert!(text.contains("hint: set this machine's clock from a time server (NTP)"), "{text}");
        let check = home.run(&["check"]).ends_with(3);
        assert!(
            check.out.contains("clock refused") && check.out.contains("hint: set this machine's clock"),
            "{}",
            check.out
        );
    }
}

#[test]
fn a_platform_whose_clock_differs_notably_is_told_once_for_the_account() {
    for (offset, notices) in [(-200, 1), (200, 1), (-10, 0)] {
        let platform = Platform::with(|config| config.clock = Arc::new(move || now() + offset));
        let home = Home::of(&platform);
        let ran = home.load().ends_with(0);
        let told = ran.events_named("notice").into_iter().filter(|event| event["message"].to_string().contains("NTP"));
        assert_eq!(told.count(), notices, "{offset}: {}", ran.out);
        assert_eq!(home.keys("enterprise_stock"), platform.keys("enterprise_stock"));
    }
}

#[test]
fn more_refused_records_than_the_limit() {
    let platform = Platform::with(|config| config.refused_rows = 10);
    let home = Home::of(&platform);
    let ran = home.load().ends_with(5);
    insta::assert_snapshot!(ends(&ran));
    for dataset in ["enterprise_stock", "enterprise_goods"] {
        let landed = home.keys(dataset);
        assert_eq!(landed.len(), (ROWS - 10) as usize, "the other rows landed");
        assert!(landed.iter().all(|key| platform.keys(dataset).contains(key)));
        let refused: Vec<_> = home.rows("etl_quarantine");
        let ours: Vec<_> = refused.iter().filter(|row| row["dataset"] == dataset).collect();
        assert_eq!(ours.len(), 10);
        for row in ours {
            assert_eq!((&row["column"], &row["account"]), (&"stock_num".into(), &"main".into()), "{row:?}");
            let record: serde_json::Value = serde_json::from_str(row["record"].as_str().unwrap()).unwrap();
            assert_eq!(record["stock_num"], "abc", "{row:?}");
        }
    }
    let again = home.load().ends_with(0);
    assert_eq!(again.finished("main", "enterprise_stock")["verdict"], "nothing_due");
}

#[test]
fn fewer_refused_records_than_the_limit() {
    let platform = Platform::with(|config| config.refused_rows = 1);
    let home = Home::of(&platform);
    let ran = home.load().ends_with(0);
    assert_eq!(ran.finished("main", "enterprise_stock")["refused"], 1);
    assert_eq!(home.keys("enterprise_stock").len(), (ROWS - 1) as usize);
    assert_eq!(home.rows("etl_quarantine").len(), 2);
}

#[test]
fn two_processes_with_one_application_keep_its_limit_together() {
    // 1200 a minute are 60 in 3 seconds; two that do not know of each other make 120
    let platform = Platform::with(|config| {
        config.rows.insert("enterprise_stock".to_owned(), 600);
        (config.calls_per_minute, config.minute_seconds) = (80, 3);
    });
    let temporary = tempfile::tempdir().unwrap();
    let homes: Vec<Home> = (0..2)
        .map(|_| {
            let home = Home::of(&platform).but("calls_per_minute = 0", "calls_per_minute = 1200");
            let home = home.but("[run]\n", "[run]\nwindow = \"30d\"\n");
            let home = home.but("name = \"enterprise_stock\"\n", "name = \"enterprise_stock\"\npage_size = 10\n");
            home.variable("TMPDIR", temporary.path().to_str().unwrap())
        })
        .collect();
    let run = |home: &Home| home.command(&["run", "--until", UNTIL, "--dataset", "enterprise_stock"]).spawn().unwrap();
    let children: Vec<_> = homes.iter().map(run).collect();
    for (child, home) in children.into_iter().zip(&homes) {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
        assert_eq!(home.keys("enterprise_stock"), platform.keys("enterprise_stock"));
    }
    assert!(platform.call_count() > 120, "{}", platform.call_count());
    assert_eq!(platform.limit_breaches(), 0);
}
