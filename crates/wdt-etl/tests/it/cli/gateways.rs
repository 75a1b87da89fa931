//! What is wrong in an account or dataset of the other gateways: named with the account and a hint, at one call at most.

use wdt_models::Gateway;
use wdt_sim::Account;

use crate::support::{Home, Platform, Ran, START, account_on, configuration};

/// A home of one account with one dataset and its lines.
fn home(platform: &Platform, gateway: Gateway, dataset: &str, lines: &str) -> Home {
    let known = Account::example(gateway);
    let account = account_on(&known, "main", &platform.base_url(gateway), &[(dataset, lines)]);
    Home::empty().configured(&configuration(&[account])).secrets_of(&known, "main").without_waits()
}

/// A run that ends with exit code 2 before any call and leaves nothing.
#[track_caller]
fn refused(platform: &Platform, home: &Home) -> String {
    let ran = home.run(&["run"]).ends_with(2);
    assert_eq!(platform.call_count(), 0, "a call was made");
    assert!(!home.path("warehouse").exists(), "nothing is made");
    assert_eq!(ran.out, "");
    assert!(ran.err.contains("account `main`"), "the account is named: {}", ran.err);
    assert!(ran.err.contains("  hint: ") || ran.err.contains("\nhint: "), "a hint is printed: {}", ran.err);
    ran.masked()
}

/// How a dataset ended that the platform refused at the first call: nothing is landed.
#[track_caller]
fn refused_at_one_call(platform: &Platform, home: &Home, dataset: &str, code: i32) -> Ran {
    let ran = home.run(&["run"]).ends_with(code);
    assert_eq!(platform.call_count(), 1);
    let finished = ran.finished("main", dataset);
    assert_eq!((&finished["exit_code"], &finished["changed"]), (&code.into(), &0.into()));
    assert!(finished["hint"].is_string(), "a hint is printed: {finished}");
    for table in [dataset.to_owned(), format!("{dataset}_history")] {
        assert!(home.rows(&table).is_empty(), "{table}");
    }
    ran
}

const INVENTORY: &str = "stores = [\"STORE_1\"]";

#[test]
fn a_flagship_secret_without_its_salt() {
    let platform = Platform::start();
    let home = home(&platform, Gateway::Flagship, "flagship_shops", "").variable("MAIN_SECRET", "sim-secret-abcdef");
    insta::assert_snapshot!(refused(&platform, &home));
}

#[test]
fn a_top_account_without_a_session() {
    let platform = Platform::start();
    let home = home(&platform, Gateway::Top, "cainiao_inventory", INVENTORY);
    let missing = home.but("session = { env = \"MAIN_SESSION\" }\n", "");
    insta::assert_snapshot!("no_session", refused(&platform, &missing));
    let home = missing.but("app_key = ", "session = { env = \"NOT_SET\" }\napp_key = ");
    insta::assert_snapshot!("a_session_that_is_not_set", refused(&platform, &home));
}

#[test]
fn a_type_that_the_platform_does_not_know() {
    let platform = Platform::start();
    let home = home(&platform, Gateway::Top, "cainiao_inventory", &format!("{INVENTORY}\ntypes = [4]"));
    insta::assert_snapshot!(refused(&platform, &home));
}

#[test]
fn stores_that_are_not_named() {
    let platform = Platform::start();
    let home = home(&platform, Gateway::Top, "cainiao_inventory", "");
    insta::assert_snapshot!(refused(&platform, &home));
}

#[test]
fn ids_that_are_no_numbers() {
    let platform = Platform::start();
    let home = home(&platform, Gateway::Flagship, "flagship_stock_sync", "rec_ids = [2447, \"2448a\"]");
    insta::assert_snapshot!(refused(&platform, &home));
}

#[test]
fn ids_of_goods_that_nobody_lands() {
    let platform = Platform::start();
    let home = home(&platform, Gateway::Flagship, "flagship_stock_sync", "");
    insta::assert_snapshot!(refused(&platform, &home));
}

#[test]
fn a_method_that_the_dataset_does_not_have() {
    let platform = Platform::start();
    let home = home(&platform, Gateway::Flagship, "flagship_stock", "method = \"wms.StockSpec.search3\"");
    let ran = home.run(&["run"]).ends_with(2);
    assert_eq!((platform.call_count(), home.path("warehouse").exists()), (0, false));
    insta::assert_snapshot!(ran.masked());
}

#[test]
fn a_store_that_does_not_exist_costs_one_call() {
    let platform = Platform::start();
    let home = home(&platform, Gateway::Top, "cainiao_inventory", "stores = [\"STORE_9\"]");
    let ran = refused_at_one_call(&platform, &home, "cainiao_inventory", 2);
    let finished = ran.finished("main", "cainiao_inventory");
    insta::assert_snapshot!(format!("{}\n{}", finished["error"], finished["hint"]));
}

#[test]
fn a_wrong_session_costs_one_call() {
    let platform = Platform::start();
    let home = home(&platform, Gateway::Top, "cainiao_inventory", INVENTORY)
        .variable("MAIN_SESSION", "other-secret-9876543210");
    let ran = refused_at_one_call(&platform, &home, "cainiao_inventory", 3);
    let finished = ran.finished("main", "cainiao_inventory");
    insta::assert_snapshot!(format!("{}\n{}", finished["error"], finished["hint"]));
}

#[test]
fn a_wrong_salt_costs_one_call_whatever_the_account_asks_for() {
    let platform = Platform::start();
    let known = Account::example(Gateway::Flagship);
    let start = format!("start = \"{START}\"");
    let datasets = [("flagship_shops", ""), ("flagship_stock", start.as_str()), ("flagship_warehouses", "")];
    let account = account_on(&known, "main", &platform.base_url(Gateway::Flagship), &datasets);
    let home = Home::empty().configured(&configuration(&[account])).without_waits();
    let home = home.variable("MAIN_SECRET", "sim-secret-abcdef:other-secret-9876543210");
    let ran = refused_at_one_call(&platform, &home, "flagship_shops", 3);
    for dataset in ["flagship_stock", "flagship_warehouses"] {
        let error = ran.finished("main", dataset)["error"].as_str().unwrap().to_owned();
        assert!(error.starts_with("not tried, because the platform refused the account: "), "{error}");
    }
}
