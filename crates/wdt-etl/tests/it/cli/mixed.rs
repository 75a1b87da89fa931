//! One run over accounts that fail in different ways: each fails alone, and no secret shows anywhere.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;
use wdt_etl::config::Config;
use wdt_etl::environment::Variables;
use wdt_etl::pipeline::{Live, Order, Surroundings, Task};
use wdt_etl::report::Silent;
use wdt_fetch::{SystemClock, Waits};
use wdt_models::Gateway;
use wdt_models::time::{Seconds, parse_wall_time};
use wdt_sim::{Account, Fault, FaultPlan};

use crate::support::{Home, Platform, Ran, START, UNTIL, WRONG_SECRET, account_on, configuration, now, rows, secrets};

const CLEAN: [(&str, &str); 6] = [
    ("flagship", "flagship_stock"),
    ("flagship", "flagship_goods"),
    ("flagship", "flagship_stock_sync"),
    ("flagship", "flagship_warehouses"),
    ("flagship", "flagship_shops"),
    ("cainiao", "cainiao_inventory"),
];

/// A platform that answers well, one that refuses every call because of its limit, and four accounts on them.
fn mixed() -> (Platform, Platform, Home) {
    let platform = Platform::with(|config| {
        config.rows.insert("flagship_warehouses".to_owned(), 12);
        config.rows.insert("flagship_shops".to_owned(), 9);
    });
    let other = Account::new(Gateway::Flagship, "simapi4", "simapi4-test", "sim-secret-abcdef:sim-salt-fedcba");
    let known = other.clone();
    let limited = Platform::with(|config| {
        config.accounts = vec![known];
        let fault = Fault::platform("100", "超过每分钟最大调用频率限制,请稍后重试");
        config.faults = FaultPlan::Script(Arc::new(move |_| Some(fault.clone())));
    });
    let start = format!("start = \"{START}\"");
    let [enterprise, flagship, top] = [Gateway::Enterprise, Gateway::Flagship, Gateway::Top].map(Account::example);
    let windows: [(&str, &str); 2] = [("enterprise_stock", &start), ("enterprise_goods", &start)];
    let snapshots = [("flagship_warehouses", ""), ("flagship_shops", "")];
    let all: [(&str, &str); 5] = [
        ("flagship_stock", &start),
        ("flagship_goods", &start),
        ("flagship_stock_sync", ""),
        ("flagship_warehouses", ""),
        ("flagship_shops", ""),
    ];
    let accounts = [
        account_on(&enterprise, "wrong", &platform.base_url(Gateway::Enterprise), &windows),
        account_on(&other, "limited", &limited.base_url(Gateway::Flagship), &snapshots),
        account_on(&flagship, "flagship", &platform.base_url(Gateway::Flagship), &all),
        account_on(
            &top,
            "cainiao",
            &platform.base_url(Gateway::Top),
            &[("cainiao_inventory", "stores = [\"STORE_1\"]\ninventory_types = [1, 101]")],
        ),
    ];
    let text = configuration(&accounts).replace("[run]\n", "[run]\nconcurrency = 1\n");
    let home = Home::empty().configured(&text).without_waits().variable("WRONG_SECRET", WRONG_SECRET);
    let home = home.secrets_of(&other, "limited").secrets_of(&flagship, "flagship").secrets_of(&top, "cainiao");
    (platform, limited, home)
}

#[test]
fn accounts_fail_alone_and_the_gravest_code_is_returned() {
    let (platform, _limited, home) = mixed();
    let ran = home.load().ends_with(3);
    for (account, dataset) in CLEAN {
        let finished = ran.finished(account, dataset);
        assert_eq!((&finished["verdict"], &finished["exit_code"]), (&"landed".into(), &0.into()), "{finished}");
        assert!(finished["changed"].as_u64() > Some(0), "{finished}");
        assert!(home.rows(dataset).iter().all(|row| row["account"] == account), "{dataset}");
    }
    let goods = home.rows("flagship_goods").len();
    assert_eq!(
        (goods, home.rows("flagship_shops").len()),
        (platform.ledger("flagship_goods").unwrap().rows().len(), 9)
    );
    assert_eq!(home.rows("flagship_stock_sync").len(), platform.ledger("flagship_stock_sync").unwrap().rows().len());
    for dataset in ["enterprise_stock", "enterprise_goods"] {
        assert_eq!(ran.finished("wrong", dataset)["exit_code"], 3);
        assert!(home.rows(dataset).is_empty());
    }
    for dataset in ["flagship_warehouses", "flagship_shops"] {
        let finished = ran.finished("limited", dataset);
        assert_eq!(finished["exit_code"], 4, "{finished}");
        assert!(finished["hint"].as_str().unwrap().starts_with("run again later"), "{finished}");
    }
    let certificates = home.rows("etl_windows");
    let accounts = ["flagship", "cainiao"];
    assert!(certificates.iter().all(|row| accounts.iter().any(|account| row["account"] == *account)));
    assert!(certificates.iter().all(|row| row["verdict"] == "certified"));
    let runs = home.rows("etl_runs");
    assert_eq!(runs.len(), 10, "a row per account and dataset, whatever became of it");
    no_secret_below(&home.path("warehouse"));
}

/// The summary that a terminal shows.
#[test]
fn the_summary_says_which_account_failed_and_why() {
    let (_platform, _limited, home) = mixed();
    let variables: Variables = home.variables().collect();
    let config = Config::load(&home.path("wdt-etl.toml"), &variables, Seconds(now())).unwrap();
    let (_open, stop) = watch::channel(false);
    let around = Surroundings {
        clock: Arc::new(SystemClock),
        limiters: Arc::default(),
        waits: Waits::none(),
        warehouse: None,
        transport: None,
        decisions: Arc::new(Live),
        reporter: Arc::new(Silent),
        stop,
        seed: 1,
        run_id: "0".to_owned(),
    };
    let options = Order { task: Task::Run { until: parse_wall_time(UNTIL), accept: None }, ..Order::default() };
    let mut out = Vec::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let run = wdt_etl::commands::run::run(&config, &options, &around, false, &mut out);
    assert_eq!(runtime.block_on(run).unwrap(), 3);
    let out = String::from_utf8(out).unwrap();
    insta::assert_snapshot!(Ran::new(Some(3), out, String::new()).masked());
}

/// No file of a warehouse holds a secret, neither as it lies there nor in the cells that are packed in it.
#[track_caller]
fn no_secret_below(warehouse: &Path) {
    let mut folders = vec![warehouse.to_owned()];
    let (mut files, mut cells) = (0, 0);
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let bytes = std::fs::read(&path).unwrap();
            for secret in secrets() {
                let found = bytes.windows(secret.len()).any(|piece| piece == secret.as_bytes());
                assert!(!found, "{} holds a secret", path.display());
            }
        }
    }
    for table in std::fs::read_dir(warehouse).unwrap().map(|entry| entry.unwrap().path()) {
        for row in rows(&table) {
            cells += row.len();
            let row = serde_json::to_string(&row).unwrap();
            assert!(!secrets().any(|secret| row.contains(secret)), "{} holds a secret", table.display());
        }
    }
    assert!(files > 40 && cells > 10_000, "{files} files and {cells} cells were looked through");
}
