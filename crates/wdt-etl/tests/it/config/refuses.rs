//! What is refused whole, before any call, and how it is told.

use super::*;
use wdt_models::time::Seconds;

#[test]
fn several_faults_at_once_in_the_files_order() {
    let text = base().replace("url = \"./warehouse\"", "uri = \"./warehouse\"").replace("sid =", "sidd =");
    insta::assert_snapshot!(faults(&format!("{text}start = \"yesterday\"\npage_size = 0\n")), @r#"
    wdt-etl.toml:1:1: warehouse.url: is missing
      hint: write a folder, as in url = "./warehouse"
    wdt-etl.toml:2:1: warehouse.uri: unknown key
      hint: did you mean `url`? known keys here: url, format
    wdt-etl.toml:4:1: accounts[0].sid: is missing, for account `main`: gateway enterprise needs it
      hint: the platform issues it with the application
    wdt-etl.toml:7:1: accounts[0].sidd: unknown key
      hint: did you mean `sid`? known keys here: name, merchant, gateway, environment, base_url, app_key, app_secret, sid, calls_per_minute, proxy, datasets
    wdt-etl.toml:12:9: accounts[0].datasets[0].start: `yesterday` is not a time
      hint: write YYYY-MM-DD HH:MM:SS (Asia/Shanghai), as in "2012-01-01 00:00:00"
    wdt-etl.toml:13:13: accounts[0].datasets[0].page_size: must be a whole number from 1 to 100
    "#);
}

#[test]
fn a_file_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let error = Config::load(&folder.path().join("wdt-etl.toml"), &variables(), Seconds(now())).unwrap_err();
    assert!(error.to_string().ends_with(
        "wdt-etl.toml: this file does not exist\n    hint: `wdt-etl init` writes an example; `--config FILE` reads another file"
    ), "{error}");
    std::fs::write(folder.path().join("latin"), b"name = \"\xe9\"").unwrap();
    let error = Config::load(&folder.path().join("latin"), &variables(), Seconds(now())).unwrap_err();
    assert!(error.to_string().contains("is not UTF-8 text"), "{error}");
}

#[test]
fn toml_that_is_broken_without_printing_the_line() {
    for broken in [
        format!("app_secret = {SECRET}"),
        format!("app_secret = \"{SECRET}"),
        format!("app_secret = '''{SECRET}"),
        format!("app_secret = \"{SECRET}\" \"x\""),
        format!("app_secret = \"\\q{SECRET}\""),
        format!("app_secret = {{ env = {SECRET} }}"),
        format!("app_secret {SECRET}"),
        format!("app_secret = \"{SECRET}\"\napp_secret = \"{SECRET}\""),
        SECRET.to_owned(),
        format!("[accounts.{SECRET}"),
    ] {
        let told = faults(&with("app_secret = { env = \"MAIN_APP_SECRET\" }", &broken));
        assert!(told.starts_with("wdt-etl.toml:"), "{told}");
    }
    insta::assert_snapshot!(faults(&with("app_secret = { env = \"MAIN_APP_SECRET\" }", "app_secret = abc")), @r#"
    wdt-etl.toml:9:14: string values must be quoted, expected literal string
    "#);
}

#[test]
fn unknown_and_reserved_keys() {
    insta::assert_snapshot!(faults(&format!("include = [\"accounts/*.toml\"]\ncolour = 1\n[defaults]\n[run]\nsetle = \"1m\"\n{}", base())), @r#"
    wdt-etl.toml:1:1: include: is reserved for a later version and not read by this one
      hint: remove it
    wdt-etl.toml:2:1: colour: unknown key
      hint: known keys here: warehouse, run, accounts
    wdt-etl.toml:3:2: defaults: is reserved for a later version and not read by this one
      hint: remove it
    wdt-etl.toml:5:1: run.setle: unknown key
      hint: did you mean `settle`? known keys here: settle, lookback, window, concurrency, quarantine_limit
    "#);
    insta::assert_snapshot!(faults(&with("sid =", "api_key = \"k\"\nsid =")), @r#"
    wdt-etl.toml:7:1: accounts[0].api_key: unknown key
      hint: did you mean `app_key`? known keys here: name, merchant, gateway, environment, base_url, app_key, app_secret, sid, calls_per_minute, proxy, datasets
    "#);
    insta::assert_snapshot!(faults(&format!("{}param = 1\n", base())), @r#"
    wdt-etl.toml:12:1: accounts[0].datasets[0].param: unknown key
      hint: did you mean `params`? known keys here: name, method, start, page_size, params, personal
    "#);
}

#[test]
fn missing_sections_and_keys() {
    insta::assert_snapshot!(faults(""), @r#"
    wdt-etl.toml: warehouse.url: is missing
      hint: write a folder, as in url = "./warehouse"
    wdt-etl.toml: accounts: is missing
      hint: add an [[accounts]] section; `wdt-etl init` writes an example
    "#);
    insta::assert_snapshot!(faults("[warehouse]\nurl = \"w\"\n[[accounts]]\n"), @r#"
    wdt-etl.toml:3:1: accounts[0].name: is missing
      hint: give the account a name, the value of the column `account`, as in name = "main"
    wdt-etl.toml:3:1: accounts[0].gateway: is missing
      hint: gateways of this version: enterprise, flagship, top
    wdt-etl.toml:3:1: accounts[0].app_key: is missing
      hint: the platform issues it with the application
    wdt-etl.toml:3:1: accounts[0].app_secret: is missing
      hint: write app_secret = { env = "NAME" }
    wdt-etl.toml:3:1: accounts[0].datasets: is missing
      hint: add an [[accounts.datasets]] section with name = "…"
    "#);
    insta::assert_snapshot!(faults(&with("name = \"enterprise_stock\"", "")), @r#"
    wdt-etl.toml:10:1: accounts[0].datasets[0].name: is missing
      hint: datasets of this version: enterprise_stock, enterprise_goods
    "#);
    insta::assert_snapshot!(faults("accounts = []\n[warehouse]\nurl = \"w\"\n"), @r#"
    wdt-etl.toml:1:12: accounts: is empty
      hint: add an [[accounts]] section; `wdt-etl init` writes an example
    "#);
    insta::assert_snapshot!(faults(&with("[[accounts.datasets]]\nname = \"enterprise_stock\"", "datasets = []")), @r#"
    wdt-etl.toml:10:12: accounts[0].datasets: is empty
      hint: add an [[accounts.datasets]] section with name = "…"
    "#);
    insta::assert_snapshot!(faults(&with("[[accounts.datasets]]\nname = \"enterprise_stock\"", "datasets = [\"enterprise_stock\"]")), @r#"
    wdt-etl.toml:10:13: accounts[0].datasets[0]: expected a table, as in [section] or { key = … }, found text
    "#);
}

#[test]
fn values_of_another_type() {
    let text = format!(
        "{}start = 2024-01-01 00:00:00\npage_size = \"many\"\nparams = 1\npersonal = \"yes\"\n",
        with("\"main\"", "1")
    );
    insta::assert_snapshot!(faults(&text), @r#"
    wdt-etl.toml:5:8: accounts[0].name: expected text in quotes, found a number
    wdt-etl.toml:12:9: accounts[0].datasets[0].start: expected text in quotes, found a date without quotes
      hint: put it in quotes
    wdt-etl.toml:13:13: accounts[0].datasets[0].page_size: expected a whole number, found text
    wdt-etl.toml:14:10: accounts[0].datasets[0].params: expected a table, as in [section] or { key = … }, found a number
    wdt-etl.toml:15:12: accounts[0].datasets[0].personal: expected true or false, found text
    "#);
}

#[test]
fn a_warehouse_that_is_no_folder() {
    for address in ["s3://bucket/lake", "oss://b", "gs://b", "abfss://b"] {
        let told = faults(&with("./warehouse", address));
        assert!(told.contains("is an object store; this version writes to folders only"), "{told}");
    }
    insta::assert_snapshot!(faults(&with("./warehouse", "~/lake")), @r#"
    wdt-etl.toml:2:7: warehouse.url: `~` is not expanded
      hint: write the full path
    "#);
    insta::assert_snapshot!(faults(&with("./warehouse", "")), @r#"
    wdt-etl.toml:2:7: warehouse.url: is empty
      hint: give it a value, or remove it
    "#);
    insta::assert_snapshot!(faults(&with("[warehouse]", "[warehouse]\nformat = \"delt\"")), @r#"
    wdt-etl.toml:2:10: warehouse.format: `delt` is not a format
      hint: did you mean `delta`? formats of this version: delta, parquet
    "#);
}

#[test]
fn settings_of_a_run() {
    let text =
        "[run]\nsettle = \"10 minutes\"\nlookback = 600\nwindow = \"1s\"\nconcurrency = 0\nquarantine_limit = 0.01\n";
    insta::assert_snapshot!(faults(&format!("{text}{}", base())), @r#"
    wdt-etl.toml:2:10: run.settle: `10 minutes` is not a duration
      hint: write a number and a unit, as in 30s, 5m, 2h or 1d
    wdt-etl.toml:3:12: run.lookback: expected text in quotes, found a number
    wdt-etl.toml:4:10: run.window: `1s` is shorter than 2s
    wdt-etl.toml:5:15: run.concurrency: must be a whole number from 1 to 1000
    wdt-etl.toml:6:20: run.quarantine_limit: expected text in quotes, found a number
    "#);
    insta::assert_snapshot!(faults(&format!("[run]\nquarantine_limit = \"150%\"\n{}", base())), @r#"
    wdt-etl.toml:2:20: run.quarantine_limit: `150%` is not a percentage
      hint: write "1%" or "0.5%", from 0% to 100%
    "#);
}

#[test]
fn variables_that_override_nothing() {
    let variables: Variables = [
        ("MAIN_APP_SECRET", SECRET),
        ("WDT_ETL_RUN__SETLE", "1m"),
        ("WDT_ETL_RUN_SETTLE", "1m"),
        ("WDT_ETL_LIMITS__RATE", "1"),
        ("WDT_ETL_RUN__SETTLE", "soon"),
        ("WDT_ETL_RUN__CONCURRENCY", "many"),
    ]
    .into_iter()
    .collect();
    insta::assert_snapshot!(faults_with(&base(), &variables), @r#"
    environment: WDT_ETL_LIMITS__RATE: does not override any key of the configuration
      hint: variables that are read: WDT_ETL_WAREHOUSE__URL, WDT_ETL_WAREHOUSE__FORMAT, WDT_ETL_RUN__SETTLE, WDT_ETL_RUN__LOOKBACK, WDT_ETL_RUN__WINDOW, WDT_ETL_RUN__CONCURRENCY, WDT_ETL_RUN__QUARANTINE_LIMIT
    environment: WDT_ETL_RUN_SETTLE: does not override any key of the configuration
      hint: did you mean `WDT_ETL_RUN__SETTLE`? variables that are read: WDT_ETL_WAREHOUSE__URL, WDT_ETL_WAREHOUSE__FORMAT, WDT_ETL_RUN__SETTLE, WDT_ETL_RUN__LOOKBACK, WDT_ETL_RUN__WINDOW, WDT_ETL_RUN__CONCURRENCY, WDT_ETL_RUN__QUARANTINE_LIMIT
    environment: WDT_ETL_RUN__SETLE: does not override any key of the configuration
      hint: did you mean `WDT_ETL_RUN__SETTLE`? variables that are read: WDT_ETL_WAREHOUSE__URL, WDT_ETL_WAREHOUSE__FORMAT, WDT_ETL_RUN__SETTLE, WDT_ETL_RUN__LOOKBACK, WDT_ETL_RUN__WINDOW, WDT_ETL_RUN__CONCURRENCY, WDT_ETL_RUN__QUARANTINE_LIMIT
    environment: WDT_ETL_RUN__SETTLE: `soon` is not a duration
      hint: write a number and a unit, as in 30s, 5m, 2h or 1d
    environment: WDT_ETL_RUN__CONCURRENCY: must be a whole number from 1 to 1000
    "#);
}

#[test]
fn names_gateways_and_addresses() {
    insta::assert_snapshot!(faults(&with("\"main\"", "\"a/b\"")), @r#"
    wdt-etl.toml:5:8: accounts[0].name: is not a valid name
      hint: 1 to 64 letters (of any script), digits, `_`, `-` or `.`; begin with a letter or digit
    "#);
    for name in ["", " main", ".hidden", "a=b", "a b", "a\\\\b", "a\\u0000b", &"x".repeat(65)] {
        let told = faults(&with("\"main\"", &format!("\"{name}\"")));
        assert!(told.contains("accounts[0].name: is not a valid name") || told.contains("is empty"), "{told}");
    }
    insta::assert_snapshot!(faults(&with("\"enterprise\"", "\"enterprize\"")), @r#"
    wdt-etl.toml:6:11: accounts[0].gateway: unknown gateway `enterprize`
      hint: did you mean `enterprise`? gateways of this version: enterprise, flagship, top
    "#);
    insta::assert_snapshot!(faults(&with("\"enterprise\"", "\"qimen\"")), @r#"
    wdt-etl.toml:6:11: accounts[0].gateway: unknown gateway `qimen`
      hint: gateways of this version: enterprise, flagship, top
    "#);
    insta::assert_snapshot!(faults(&with("sid =", "environment = \"prod\"\nsid =")), @r#"
    wdt-etl.toml:7:15: accounts[0].environment: `prod` is not an environment
      hint: did you mean `production`? environments: production, sandbox
    "#);
    for (address, fault) in [
        ("api.example", "is not a valid address"),
        ("ftp://api.example/x", "is not an http or https address"),
        ("https://api.example/x?a=b", "contains a query or a fragment"),
        ("https://api.example/x#a", "contains a query or a fragment"),
        ("https://me:pass@api.example/x", "contains a user or a password"),
    ] {
        let told = faults(&with("sid =", &format!("base_url = \"{address}\"\nsid =")));
        assert!(told.contains(&format!("accounts[0].base_url: {fault}")) && !told.contains("pass@"), "{told}");
    }
    insta::assert_snapshot!(faults(&with("\"apidevnew2\"", "\"😀\"").replace("apidevnew2-ot", "a\\nb")), @r#"
    wdt-etl.toml:7:7: accounts[0].sid: contains a character above U+FFFF, which the platforms cannot sign
      hint: write it as the platform shows it, on one line
    wdt-etl.toml:8:11: accounts[0].app_key: contains a line break or another control character
      hint: write it as the platform shows it, on one line
    "#);
    insta::assert_snapshot!(faults(&with("sid =", "calls_per_minute = -1\nsid =")), @r#"
    wdt-etl.toml:7:20: accounts[0].calls_per_minute: must be a whole number from 0 to 1000000
    "#);
}

#[test]
#[expect(clippy::too_many_lines, reason = "snapshots, one after the other")]
fn secrets() {
    let secret = |to: &str| faults(&with("{ env = \"MAIN_APP_SECRET\" }", to));
    insta::assert_snapshot!(secret(&format!("\"{SECRET}\"")), @r#"
    wdt-etl.toml:9:14: accounts[0].app_secret: a secret must not be written in this file
      hint: write { env = "NAME" } or { file = "PATH" }
    "#);
    insta::assert_snapshot!(secret("\"\""), @r#"
    wdt-etl.toml:9:14: accounts[0].app_secret: a secret must not be written in this file
      hint: write { env = "NAME" } or { file = "PATH" }
    "#);
    insta::assert_snapshot!(secret("{ env = \"MISSING\" }"), @r#"
    wdt-etl.toml:9:22: accounts[0].app_secret.env: variable MISSING is not set, for account `main`
      hint: set MISSING, or put it in a file given with --env-file
    "#);
    insta::assert_snapshot!(secret("{ env = \"EMPTY\" }"), @r#"
    wdt-etl.toml:9:22: accounts[0].app_secret.env: variable EMPTY is empty, for account `main`
      hint: it must contain the secret and nothing else
    "#);
    insta::assert_snapshot!(secret("{ env = \"SPACED\" }"), @r#"
    wdt-etl.toml:9:22: accounts[0].app_secret.env: variable SPACED contains white space or a line break, for account `main`
      hint: it must contain the secret and nothing else
    "#);
    insta::assert_snapshot!(secret("{ file = \"secrets/none\" }"), @r#"
    wdt-etl.toml:9:23: accounts[0].app_secret.file: file secrets/none does not exist, for account `main`
      hint: a relative path starts at the folder of this configuration
    "#);
    insta::assert_snapshot!(secret("{ env = \"MAIN_APP_SECRET\", file = \"x\" }"), @r#"
    wdt-etl.toml:9:14: accounts[0].app_secret: names both a variable and a file
      hint: write { env = "NAME" } or { file = "PATH" }
    "#);
    insta::assert_snapshot!(secret("{}"), @r#"
    wdt-etl.toml:9:14: accounts[0].app_secret: names neither a variable nor a file
      hint: write { env = "NAME" } or { file = "PATH" }
    "#);
    insta::assert_snapshot!(secret("{ evn = \"MAIN_APP_SECRET\" }"), @r#"
    wdt-etl.toml:9:16: accounts[0].app_secret.evn: unknown key
      hint: did you mean `env`? known keys here: env, file
    "#);
    insta::assert_snapshot!(secret("5"), @r#"
    wdt-etl.toml:9:14: accounts[0].app_secret: a secret must not be written in this file
      hint: write { env = "NAME" } or { file = "PATH" }
    "#);
    insta::assert_snapshot!(secret("{ env = \"not a name\" }"), @r#"
    wdt-etl.toml:9:22: accounts[0].app_secret.env: is not the name of a variable
      hint: use letters, digits and `_`; put the secret itself in the variable
    "#);
    insta::assert_snapshot!(secret(&format!("{{ env = \"x{SECRET}\" }}")), @r#"
    wdt-etl.toml:9:22: accounts[0].app_secret.env: is not the name of a variable
      hint: use letters, digits and `_`; put the secret itself in the variable
    "#);
    insta::assert_snapshot!(secret(&format!("{{ file = \"{SECRET}\" }}")), @r#"
    wdt-etl.toml:9:23: accounts[0].app_secret.file: file *** does not exist, for account `main`
      hint: a relative path starts at the folder of this configuration
    "#);
    insta::assert_snapshot!(secret(&format!("{{ \"{SECRET}\" = 1 }}")), @r#"
    wdt-etl.toml:9:16: accounts[0].app_secret.***: unknown key
      hint: known keys here: env, file
    "#);
    insta::assert_snapshot!(secret(&format!("[\"{SECRET}\"]")), @r#"
    wdt-etl.toml:9:14: accounts[0].app_secret: a secret must not be written in this file
      hint: write { env = "NAME" } or { file = "PATH" }
    "#);
}

#[test]
fn secret_files_that_hold_nothing_or_too_much() {
    let folder = tempfile::tempdir().unwrap();
    for (content, fault) in [
        ("", "is empty"),
        ("\n", "is empty"),
        ("a\n\n", "white space"),
        (" a", "white space"),
        (&*"x".repeat(5_000), "too long"),
    ] {
        std::fs::write(folder.path().join("secret"), content).unwrap();
        let path = folder.path().join("secret").display().to_string();
        let told = faults(&with("{ env = \"MAIN_APP_SECRET\" }", &format!("{{ file = '{path}' }}")));
        assert!(told.contains(fault) && told.contains(&path) && told.contains("for account `main`"), "{told}");
    }
    let told = faults(&with("{ env = \"MAIN_APP_SECRET\" }", &format!("{{ file = '{}' }}", folder.path().display())));
    assert!(told.contains("cannot be read"), "{told}");
}

#[test]
fn a_secret_that_stands_under_any_wrong_key() {
    let placed = [
        with("\"main\"", &format!("\"a={SECRET}\"")),
        with("\"enterprise\"", &format!("\"{SECRET}\"")),
        with("sid =", &format!("environment = \"{SECRET}\"\nsid =")),
        with("sid =", &format!("base_url = \"{SECRET}\"\nsid =")),
        with("sid =", &format!("{SECRET} = 1\nsid =")),
        with("sid =", &format!("merchant = \"😀{SECRET}\"\nsid =")),
        with("sid =", &format!("proxy = \"{SECRET}\"\nsid =")),
        with("\"enterprise_stock\"", &format!("\"{SECRET}\"")),
        with("./warehouse", &format!("s3{SECRET}://x")),
        format!("{}start = \"{SECRET}\"\n", base()),
        format!("{}params = {{ \"{SECRET}\" = 1 }}\n", base()),
        format!("{}params = {{ spec_no = \"😀{SECRET}\" }}\n", base()),
        format!("[run]\nsettle = \"{SECRET}\"\nquarantine_limit = \"{SECRET}\"\n{}", base()),
    ];
    for text in placed {
        assert!(!faults(&text).is_empty());
    }
}

#[test]
fn proxies() {
    let variables: Variables = [("MAIN_APP_SECRET", SECRET), ("PROXY", "socks://u:pass@h")].into_iter().collect();
    let told = faults_with(&with("sid =", "proxy = { env = \"PROXY\" }\nsid ="), &variables);
    assert!(!told.contains("pass"), "{told}");
    insta::assert_snapshot!(told, @r#"
    wdt-etl.toml:7:9: accounts[0].proxy: does not contain an http or https address, for account `main`
      hint: write it as in http://host:3128
    "#);
}

#[test]
fn times_pages_and_datasets() {
    let dataset = |lines: &str| faults(&format!("{}{lines}\n", base()));
    insta::assert_snapshot!(dataset("start = \"2024-02-30 00:00:00\""), @r#"
    wdt-etl.toml:12:9: accounts[0].datasets[0].start: `2024-02-30 00:00:00` is not a time
      hint: write YYYY-MM-DD HH:MM:SS (Asia/Shanghai), as in "2012-01-01 00:00:00"
    "#);
    insta::assert_snapshot!(dataset("start = \"2024-05-01 02:00:01\""), @r#"
    wdt-etl.toml:12:9: accounts[0].datasets[0].start: `2024-05-01 02:00:01` is in the future
      hint: it is 2024-05-01 02:00:00 now in Asia/Shanghai
    "#);
    assert_eq!(
        read(&format!("{}start = \"2024-05-01 02:00:00\"\n", base())).accounts[0].datasets[0].start,
        Seconds(now())
    );
    insta::assert_snapshot!(dataset("page_size = 0"), @r#"
    wdt-etl.toml:12:13: accounts[0].datasets[0].page_size: must be a whole number from 1 to 100
    "#);
    insta::assert_snapshot!(dataset("page_size = 101"), @r#"
    wdt-etl.toml:12:13: accounts[0].datasets[0].page_size: must be a whole number from 1 to 100
    "#);
    insta::assert_snapshot!(dataset("[[accounts.datasets]]\nname = \"enterprise_stock\""), @r#"
    wdt-etl.toml:13:8: accounts[0].datasets[1].name: `enterprise_stock` is named twice in this account
      hint: name each dataset once per account
    "#);
    insta::assert_snapshot!(faults(&with("enterprise_stock", "enterprise_stok")), @r#"
    wdt-etl.toml:11:8: accounts[0].datasets[0].name: unknown dataset `enterprise_stok`
      hint: did you mean `enterprise_stock`? datasets of this version: enterprise_stock, enterprise_goods
    "#);
    insta::assert_snapshot!(faults(&with("enterprise_stock", "cainiao_inventory")), @r#"
    wdt-etl.toml:11:8: accounts[0].datasets[0].name: `cainiao_inventory` belongs to gateway top
      hint: datasets of this version: enterprise_stock, enterprise_goods
    "#);
}

#[test]
fn parameters() {
    let params = "params = { page_no = 1, page_size = 5, start_time = \"x\", sign = \"x\", warehouse = \"x\", spec_no = \"\", \
                  barcode = [1], is_all = 0x10 }";
    insta::assert_snapshot!(faults(&format!("{}{params}\n", base())), @r#"
    wdt-etl.toml:12:22: accounts[0].datasets[0].params.page_no: is set by the run itself
      hint: remove it
    wdt-etl.toml:12:37: accounts[0].datasets[0].params.page_size: is set by the run itself
      hint: use the dataset's key `page_size`
    wdt-etl.toml:12:53: accounts[0].datasets[0].params.start_time: is set by the run itself
      hint: use the dataset's key `start`
    wdt-etl.toml:12:65: accounts[0].datasets[0].params.sign: is set by the run itself
      hint: remove it
    wdt-etl.toml:12:82: accounts[0].datasets[0].params.warehouse: unknown parameter
      hint: did you mean `warehouse_no`? parameters of enterprise_stock: warehouse_no, spec_no, barcode, is_deleted, is_all
    wdt-etl.toml:12:97: accounts[0].datasets[0].params.spec_no: is empty
      hint: give it a value, or remove it
    wdt-etl.toml:12:111: accounts[0].datasets[0].params.barcode: expected text, a decimal number, true or false, found a list
    wdt-etl.toml:12:125: accounts[0].datasets[0].params.is_all: expected text, a decimal number, true or false, found a number
    "#);
}

#[test]
fn accounts_of_one_name_and_of_two_rates() {
    insta::assert_snapshot!(faults(&format!("{}{}", base(), ACCOUNT.replace("sid =", "calls_per_minute = 10\nsid ="))), @r#"
    wdt-etl.toml:13:1: accounts[1].calls_per_minute: is 10, but accounts[0] with the same gateway and app_key has 50
      hint: accounts with the same gateway and app_key share one call limit: set the same number for both
    wdt-etl.toml:14:8: accounts[1].name: `main` is also the name of accounts[0]
      hint: give each account a name of its own
    "#);
    let other = ACCOUNT.replace("\"main\"", "\"other\"");
    assert_eq!(read(&format!("{}{other}", base())).accounts.len(), 2, "one application may serve two accounts");
    let faulty = other
        .replace("\"main\"", "\"other\"")
        .replace("enterprise_stock", "nothing")
        .replace("sid =", "calls_per_minute = 10\nsid =");
    let told = faults(&format!("{}{faulty}", base()));
    assert!(told.contains("calls_per_minute: is 10") && told.contains("unknown dataset"), "{told}");
}
