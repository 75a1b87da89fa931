//! The configuration: what is read, and what each fault is told as.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod accounts;
mod datasets;
mod refuses;

use std::path::Path;

use wdt_etl::config::{Account, Config, ConfigError, Dataset, Stage};
use wdt_etl::environment::Variables;
use wdt_etl::error::EtlError;
use wdt_fetch::{AccountKeys, Credentials, PageRequest, Params, Target, signed};
use wdt_models::Slice;
use wdt_models::time::{Seconds, parse_wall_time};
use wdt_sign::Secret;

/// Invented; shaped like a platform's secret.
const SECRET: &str = "8a7f0c2e5d1b4963a0c1";
const ACCOUNT: &str = r#"
[[accounts]]
name = "main"
gateway = "enterprise"
sid = "apidevnew2"
app_key = "apidevnew2-ot"
app_secret = { env = "MAIN_APP_SECRET" }
[[accounts.datasets]]
name = "enterprise_stock"
"#;

fn now() -> i64 {
    parse_wall_time("2024-05-01 02:00:00").unwrap().0
}

fn variables() -> Variables {
    [("MAIN_APP_SECRET", SECRET), ("EMPTY", ""), ("SPACED", "abc def")].into_iter().collect()
}

fn base() -> String {
    format!("[warehouse]\nurl = \"./warehouse\"\n{ACCOUNT}")
}

/// The base with one piece of text replaced; the piece must be there.
fn with(from: &str, to: &str) -> String {
    let base = base();
    assert!(base.contains(from), "{from}");
    base.replacen(from, to, 1)
}

fn parse_with(text: &str, variables: &Variables) -> Result<Config, ConfigError> {
    Config::parse(Path::new("/etc/wdt/wdt-etl.toml"), text, variables, Seconds(now()))
}

/// Whether the account signs as one with these keys would: secrets are never shown, so this is how they are seen.
fn signs_as(account: &Account, keys: AccountKeys) -> bool {
    let endpoint = account.datasets[0].endpoint;
    let request = PageRequest {
        method: endpoint.method(),
        target: Target::Slice(Slice::default()),
        page_no: 0,
        page_size: 1,
        params: Params::new(),
        personal: false,
    };
    let sign =
        |credentials: &Credentials| signed(endpoint, "http://gateway", credentials, &request, Seconds(now())).unwrap();
    sign(&account.credentials) == sign(&Credentials::new(account.gateway, keys).unwrap())
}

/// The keys of an account with a `sid`.
fn keys(sid: &str, app_key: &str, secret: &str) -> AccountKeys {
    let app_secret = Some(Secret::new(secret));
    AccountKeys { sid: Some(sid.into()), app_key: app_key.into(), app_secret, ..AccountKeys::default() }
}

/// The parameters of a dataset as JSON.
fn params(dataset: &Dataset) -> String {
    serde_json::to_string(&dataset.params).unwrap()
}

fn read(text: &str) -> Config {
    parse_with(text, &variables()).unwrap()
}

/// The faults as printed, without the head line and the folder; never with the secret.
fn faults(text: &str) -> String {
    faults_with(text, &variables())
}

fn faults_with(text: &str, variables: &Variables) -> String {
    let error = parse_with(text, variables).expect_err("no fault was found");
    for shown in [error.to_string(), format!("{error:?}"), format!("{error:#?}")] {
        assert!(!shown.contains(SECRET), "{shown}");
    }
    let lines: Vec<_> = error.to_string().lines().skip(1).map(|line| line.replace("/etc/wdt/", "")).collect();
    lines.iter().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

mod reads {
    use super::*;

    #[test]
    fn the_smallest_file_with_its_defaults() {
        let config = read(&base());
        let account = &config.accounts[0];
        let dataset = &account.datasets[0];
        assert_eq!(config.warehouse.url, "/etc/wdt/warehouse");
        let run = &config.run;
        assert_eq!(
            (run.settle_seconds, run.lookback_seconds, run.window_seconds, run.concurrency),
            (300, 600, 86_400, None)
        );
        assert!((run.quarantine_limit - 0.01).abs() < f64::EPSILON);
        assert_eq!(
            (account.merchant.as_str(), account.environment, account.calls_per_minute),
            ("main", Stage::Production, 50)
        );
        assert_eq!(account.base_url, "https://api.wangdian.cn/openapi2");
        assert!(signs_as(account, keys("apidevnew2", "apidevnew2-ot", SECRET)));
        assert!(account.proxy.is_none());
        assert_eq!((dataset.endpoint.dataset, dataset.page_size, dataset.personal), ("enterprise_stock", 100, false));
        assert_eq!(Some(dataset.start), parse_wall_time("2012-01-01 00:00:00"));
        assert!(dataset.params.is_empty() && dataset.slices.is_empty());
        assert_eq!(dataset.method.name, "stock_query_detail.php");
    }

    #[test]
    fn every_key() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret.txt"), format!("{SECRET}\r\n")).unwrap();
        let text = r#"
[warehouse]
url = "../lake"
format = "delta"
[run]
settle = "90s"
lookback = "2h"
window = "7d"
concurrency = 4
quarantine_limit = "0.5%"
[[accounts]]
name = "品牌-a.1"
merchant = "brand a"
gateway = "enterprise"
environment = "sandbox"
sid = "s"
app_key = "k"
app_secret = { file = "secret.txt" }
calls_per_minute = 0
proxy = { env = "PROXY" }
[[accounts.datasets]]
name = "enterprise_goods"
start = "2024-04-01 00:00:00"
page_size = 40
personal = true
params = { shop_no = "店铺1" }
[[accounts.datasets]]
name = "enterprise_stock"
params = { warehouse_no = 7, spec_no = 1.50, is_deleted = true }
"#;
        let path = folder.path().join("wdt-etl.toml");
        std::fs::write(&path, text).unwrap();
        let variables: Variables = [("PROXY", "http://user:pass@proxy:3128")].into_iter().collect();
        let config = Config::load(&path, &variables, Seconds(now())).unwrap();
        let account = &config.accounts[0];
        assert_eq!(Path::new(&config.warehouse.url), folder.path().join("../lake"));
        let run = &config.run;
        assert_eq!(
            (run.settle_seconds, run.lookback_seconds, run.window_seconds, run.concurrency),
            (90, 7_200, 604_800, Some(4))
        );
        assert_eq!(
            (account.name.as_str(), account.merchant.as_str(), account.calls_per_minute),
            ("品牌-a.1", "brand a", 0)
        );
        assert_eq!(account.base_url, "https://sandbox.wangdian.cn/openapi2");
        assert!(signs_as(account, keys("s", "k", SECRET)), "one newline at the end of the file is dropped");
        assert_eq!(account.proxy.as_ref().unwrap().expose(), "http://user:pass@proxy:3128");
        let (goods, stock) = (&account.datasets[0], &account.datasets[1]);
        assert_eq!(
            (goods.page_size, goods.personal, Some(goods.start)),
            (40, true, parse_wall_time("2024-04-01 00:00:00"))
        );
        assert_eq!(params(stock), r#"{"is_deleted":"1","spec_no":"1.50","warehouse_no":"7"}"#);
        let shown = format!("{config:?} {config:#?}");
        assert!(!shown.contains(SECRET) && !shown.contains("pass"), "{shown}");
    }

    #[test]
    fn base_url_over_the_environment_without_its_last_slash() {
        let text = with("sid =", "environment = \"sandbox\"\nbase_url = \"http://10.0.0.5:18080/openapi2/\"\nsid =");
        assert_eq!(read(&text).accounts[0].base_url, "http://10.0.0.5:18080/openapi2");
    }

    #[test]
    fn variables_over_the_file_and_their_paths_from_its_folder() {
        let variables: Variables = [
            ("MAIN_APP_SECRET", SECRET),
            ("WDT_ETL_RUN__SETTLE", "10m"),
            ("WDT_ETL_RUN__CONCURRENCY", "3"),
            ("WDT_ETL_WAREHOUSE__URL", "elsewhere"),
            ("WDT_ETL_TOKEN", "not ours"),
        ]
        .into_iter()
        .collect();
        let text = with("[warehouse]", "[run]\nsettle = \"1m\"\nlookback = \"1m\"\n[warehouse]");
        let config = parse_with(&text, &variables).unwrap();
        assert_eq!(
            (config.run.settle_seconds, config.run.lookback_seconds, config.run.concurrency),
            (600, 60, Some(3))
        );
        assert_eq!(config.warehouse.url, "/etc/wdt/elsewhere");
        let without = parse_with(ACCOUNT, &variables).unwrap();
        assert_eq!(without.warehouse.url, "/etc/wdt/elsewhere", "a variable can stand for a missing section");
    }

    #[test]
    fn file_addresses_and_absolute_paths() {
        assert_eq!(read(&with("./warehouse", "file:///data/lake")).warehouse.url, "/data/lake");
        assert_eq!(read(&with("./warehouse", "/data/lake")).warehouse.url, "/data/lake");
    }
}

mod selects {
    use super::*;

    fn config() -> Config {
        let other = ACCOUNT.replace("\"main\"", "\"other\"").replace("enterprise_stock", "enterprise_goods");
        read(&format!("{}[[accounts.datasets]]\nname = \"enterprise_goods\"\n{other}", base()))
    }

    fn selected(accounts: &[&str], datasets: &[&str]) -> Result<String, EtlError> {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let config = config();
        let pairs = config.select(&owned(accounts), &owned(datasets))?;
        let words = pairs.iter().map(|(account, dataset)| format!("{}/{}", account.name, dataset.endpoint.dataset));
        Ok(words.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn what_is_named_or_everything() {
        assert_eq!(selected(&[], &[]).unwrap(), "main/enterprise_stock main/enterprise_goods other/enterprise_goods");
        assert_eq!(selected(&["other"], &[]).unwrap(), "other/enterprise_goods");
        assert_eq!(selected(&[], &["enterprise_goods"]).unwrap(), "main/enterprise_goods other/enterprise_goods");
    }

    #[test]
    fn a_name_that_is_not_configured_is_told_with_the_nearest() {
        insta::assert_snapshot!(selected(&["mian"], &[]).unwrap_err().report(), @r#"
        error: account `mian` is not configured
        hint: did you mean `main`? configured accounts: main, other
        "#);
        insta::assert_snapshot!(selected(&["other"], &["enterprise_stock"]).unwrap_err().report(), @r#"
        error: dataset `enterprise_stock` is not configured
        hint: did you mean `enterprise_goods`? datasets of the chosen accounts: enterprise_goods
        "#);
        assert_eq!(selected(&["mian"], &[]).unwrap_err().exit_code(), 2);
    }
}
