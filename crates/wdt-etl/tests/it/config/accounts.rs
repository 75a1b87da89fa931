//! What each gateway asks of an account.

use wdt_models::Gateway;
use wdt_models::time::Seconds;

use super::*;

const SALTED: &str = "8a7f0c2e5d1b4963a0c1:77aa88bb";

fn variables() -> Variables {
    [("SECRET", SECRET), ("SALTED", SALTED), ("SESSION", "6100e1f2a3b4c5d6"), ("HALF", ":8a7f0c2e5d1b4963a0c1")]
        .into_iter()
        .collect()
}

/// An account of a gateway with these lines and one dataset that needs nothing else.
fn account(gateway: &str, lines: &str) -> String {
    let dataset = match gateway {
        "enterprise" => "name = \"enterprise_stock\"",
        "flagship" => "name = \"flagship_stock\"",
        _ => "name = \"cainiao_inventory\"\nstores = [\"S\"]",
    };
    format!(
        "[warehouse]\nurl = \"w\"\n[[accounts]]\nname = \"main\"\ngateway = \"{gateway}\"\napp_key = \"k\"\n{lines}\n\
         [[accounts.datasets]]\n{dataset}\n"
    )
}

fn one(gateway: &str, lines: &str) -> Account {
    parse_with(&account(gateway, lines), &variables()).unwrap().accounts.remove(0)
}

fn faults_of(gateway: &str, lines: &str) -> String {
    let told = faults_with(&account(gateway, lines), &variables());
    assert!(!told.contains("77aa88bb") && !told.contains("6100e1f2"), "{told}");
    told
}

const ENTERPRISE: &str = "sid = \"s\"\napp_secret = { env = \"SECRET\" }";
const FLAGSHIP: &str = "sid = \"s\"\napp_secret = { env = \"SALTED\" }";
const TOP: &str = "app_secret = { env = \"SECRET\" }\nsession = { env = \"SESSION\" }";

fn lines_of(gateway: Gateway) -> &'static str {
    match gateway {
        Gateway::Enterprise => ENTERPRISE,
        Gateway::Flagship => FLAGSHIP,
        Gateway::Top => TOP,
    }
}

#[test]
fn every_gateway_signs_with_what_its_account_holds() {
    assert!(signs_as(&one("enterprise", ENTERPRISE), keys("s", "k", SECRET)));
    assert!(signs_as(&one("flagship", FLAGSHIP), keys("s", "k", SALTED)));
    let top = |sign_method: Option<&str>| AccountKeys {
        app_key: "k".into(),
        app_secret: Some(Secret::new(SECRET)),
        session: Some(Secret::new("6100e1f2a3b4c5d6")),
        sign_method: sign_method.map(str::to_owned),
        ..AccountKeys::default()
    };
    assert!(signs_as(&one("top", TOP), top(Some("hmac-sha256"))), "the default");
    for method in ["md5", "hmac", "hmac-sha256"] {
        assert!(signs_as(&one("top", &format!("{TOP}\nsign_method = \"{method}\"")), top(Some(method))), "{method}");
    }
    assert!(!signs_as(&one("top", &format!("{TOP}\nsign_method = \"md5\"")), top(None)));
}

#[test]
fn what_an_account_holds_is_never_shown() {
    for gateway in Gateway::ALL {
        let shown = format!("{0:?} {0:#?}", one(gateway.name(), lines_of(*gateway)));
        for secret in [SECRET, "77aa88bb", "6100e1f2a3b4c5d6"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn environments_lead_to_the_platforms_addresses() {
    let resolved = |gateway: &Gateway, environment: &str| {
        one(gateway.name(), &format!("{environment}\n{}", lines_of(*gateway))).base_url
    };
    let table: Vec<_> = Gateway::ALL
        .iter()
        .map(|gateway| {
            let production = resolved(gateway, "environment = \"production\"");
            assert_eq!(resolved(gateway, ""), production, "{gateway}: production is the default");
            let sandbox = resolved(gateway, "environment = \"sandbox\"");
            let other = "environment = \"sandbox\"\nbase_url = \"http://10.0.0.5:18080/x/\"";
            assert_eq!(resolved(gateway, other), "http://10.0.0.5:18080/x", "{gateway}: an address stands over both");
            format!("{gateway} {production} {sandbox}")
        })
        .collect();
    assert_eq!(
        table,
        [
            "enterprise https://api.wangdian.cn/openapi2 https://sandbox.wangdian.cn/openapi2",
            "flagship http://wdt.wangdian.cn/openapi http://47.92.239.46/openapi",
            "top https://eco.taobao.com/router/rest https://gw.api.tbsandbox.com/router/rest",
        ]
    );
}

#[test]
fn limits_are_those_of_the_gateway() {
    let limits: Vec<_> =
        Gateway::ALL.iter().map(|gateway| one(gateway.name(), lines_of(*gateway)).calls_per_minute).collect();
    assert_eq!(limits, [50, 50, 300]);
}

#[test]
fn an_account_without_what_its_gateway_needs() {
    insta::assert_snapshot!(faults_of("enterprise", "app_secret = { env = \"SECRET\" }"), @r#"
    wdt-etl.toml:3:1: accounts[0].sid: is missing, for account `main`: gateway enterprise needs it
      hint: the platform issues it with the application
    "#);
    insta::assert_snapshot!(faults_of("flagship", ""), @r#"
    wdt-etl.toml:3:1: accounts[0].app_secret: is missing
      hint: write app_secret = { env = "NAME" }
    wdt-etl.toml:3:1: accounts[0].sid: is missing, for account `main`: gateway flagship needs it
      hint: the platform issues it with the application
    "#);
    insta::assert_snapshot!(faults_of("top", "app_secret = { env = \"SECRET\" }"), @r#"
    wdt-etl.toml:3:1: accounts[0].session: is missing, for account `main`: gateway top needs it
      hint: write session = { env = "NAME" }
    "#);
    insta::assert_snapshot!(faults_of("top", "session = { env = \"NOBODY\" }\napp_secret = { env = \"SECRET\" }"), @r#"
    wdt-etl.toml:7:19: accounts[0].session.env: variable NOBODY is not set, for account `main`
      hint: set NOBODY, or put it in a file given with --env-file
    "#);
    insta::assert_snapshot!(faults_of("top", "session = \"6100e1f2a3b4c5d6\"\napp_secret = { env = \"SECRET\" }"), @r#"
    wdt-etl.toml:7:11: accounts[0].session: a secret must not be written in this file
      hint: write { env = "NAME" } or { file = "PATH" }
    "#);
}

#[test]
fn a_flagship_secret_without_its_salt() {
    insta::assert_snapshot!(faults_of("flagship", ENTERPRISE), @r#"
    wdt-etl.toml:8:14: accounts[0].app_secret: the app secret is not of the form `secret:salt`, for account `main`
      hint: copy it whole, as secret:salt, from the platform's page
    "#);
    insta::assert_snapshot!(faults_of("flagship", "sid = \"s\"\napp_secret = { env = \"HALF\" }"), @r#"
    wdt-etl.toml:8:14: accounts[0].app_secret: the app secret is not of the form `secret:salt`, for account `main`
      hint: copy it whole, as secret:salt, from the platform's page
    "#);
}

#[test]
fn a_sign_method_that_the_platform_does_not_know() {
    insta::assert_snapshot!(faults_of("top", &format!("{TOP}\nsign_method = \"sha256\"")), @r#"
    wdt-etl.toml:9:15: accounts[0].sign_method: is not one that the platform knows, for account `main`
      hint: write "hmac-sha256", "hmac" or "md5"
    "#);
}

#[test]
fn keys_of_another_gateway() {
    insta::assert_snapshot!(faults_of("enterprise", &format!("{ENTERPRISE}\nsession = {{ env = \"SESSION\" }}\nsign_method = \"md5\"")), @r#"
    wdt-etl.toml:9:1: accounts[0].session: belongs to gateway top
      hint: remove it
    wdt-etl.toml:10:1: accounts[0].sign_method: belongs to gateway top
      hint: remove it
    "#);
    insta::assert_snapshot!(faults_of("top", &format!("{TOP}\nsid = \"s\"\nsessoin = 1")), @r#"
    wdt-etl.toml:9:1: accounts[0].sid: belongs to gateway enterprise or flagship
      hint: remove it
    wdt-etl.toml:10:1: accounts[0].sessoin: unknown key
      hint: did you mean `session`? known keys here: name, merchant, gateway, environment, base_url, app_key, app_secret, session, sign_method, calls_per_minute, proxy, datasets
    "#);
}

/// One fault is one line: no other keys are asked for while the gateway is not known.
#[test]
fn an_unknown_gateway_with_keys_of_all() {
    insta::assert_snapshot!(faults_of("enterprize", &format!("sid = \"s\"\nsign_method = \"md5\"\n{TOP}")), @r#"
    wdt-etl.toml:5:11: accounts[0].gateway: unknown gateway `enterprize`
      hint: did you mean `enterprise`? gateways of this version: enterprise, flagship, top
    "#);
}

#[test]
fn a_command_that_makes_no_call_needs_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wdt-etl.toml");
    let write = |text: &str| std::fs::write(&path, text).unwrap();
    let without = || Config::load_without_secrets(&path, &Variables::default(), Seconds(now()));
    for gateway in Gateway::ALL {
        let lines = lines_of(*gateway).replace("{ env = \"SECRET\" }", "{ file = \"nowhere\" }");
        write(&account(gateway.name(), &format!("{lines}\nproxy = {{ env = \"NOBODY\" }}")));
        assert!(Config::load(&path, &Variables::default(), Seconds(now())).is_err(), "{gateway}");
        let config = without().unwrap();
        assert_eq!(config.accounts[0].name, "main");
    }
    for (lines, fault) in [
        ("sid = \"s\"", "app_secret: is missing"),
        ("sid = \"s\"\napp_secret = \"in the file\"", "a secret must not be written in this file"),
        ("sid = \"s\"\napp_secret = { env = \"no name\" }", "is not the name of a variable"),
        ("sid = \"s\"\napp_secret = { env = \"A\", file = \"B\" }", "names both"),
    ] {
        write(&account("flagship", lines));
        let told = without().unwrap_err().to_string();
        assert!(told.contains(fault), "{told}");
    }
}
