//! The other commands: demo, init, check, status, schema, simulate, help.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::Child;
use std::sync::Arc;

use clap::CommandFactory as _;
use serde_json::Value;
use wdt_etl::cli::Cli;
use wdt_models::{SyncMode, endpoints};

use crate::support::{
    Home, Platform, SECRET, START, UNTIL, VARIABLE, WRONG_SECRET, account, configuration, masked_after, now, rows,
    seconds_ago,
};

#[test]
fn help_of_every_command() {
    let home = Home::empty();
    for command in Cli::command().get_subcommands().map(clap::Command::get_name) {
        let ran = home.run(&[command, "--help"]).ends_with(0);
        insta::assert_snapshot!(format!("help_{command}"), ran.masked());
    }
    insta::assert_snapshot!("help", home.run(&["--help"]).ends_with(0).masked());
    insta::assert_snapshot!("no_command", home.run(&[]).ends_with(2).masked());
    let version = home.run(&["--version"]).ends_with(0);
    assert_eq!(version.out, concat!("wdt-etl ", env!("CARGO_PKG_VERSION"), "+failpoints\n"));
}

mod demo {
    use super::*;

    #[test]
    fn runs_in_an_empty_folder_and_again_in_its_own() {
        let home = Home::empty().unset(VARIABLE);
        for _ in 0..2 {
            let ran = home.run(&["demo", "--rows", "150"]).ends_with(0);
            assert_eq!(ran.err, "");
            for endpoint in endpoints::ALL {
                let rows = rows(&home.path("wdt-demo/warehouse").join(endpoint.dataset));
                let deleted = rows.iter().filter(|row| !row["_wdt_deleted_at"].is_null()).count();
                let told = compared(&ran.out, endpoint.dataset);
                let [standing, _changed, gone, _history, missing] = told.try_into().unwrap();
                assert_eq!((standing, missing), (rows.len() - deleted, 0), "{}", endpoint.dataset);
                assert!(deleted == gone, "{}: {deleted} {gone}", endpoint.dataset);
                assert!(standing > 10, "{}", endpoint.dataset);
                assert_eq!(gone > 0, matches!(endpoint.sync, SyncMode::Slices(_)), "{}", endpoint.dataset);
            }
        }
        let status = home.run(&["status", "--config", "wdt-demo/wdt-etl.toml"]).ends_with(0);
        assert_eq!(status.out.lines().count(), 9, "the line that it prints works: {}", status.out);
    }

    /// The numbers of a dataset in the comparison at the end.
    fn compared(out: &str, dataset: &str) -> Vec<usize> {
        let lines = out.lines().skip_while(|line| !line.starts_with("table ")).skip(1);
        let line = lines.map(|line| line.split_whitespace().collect::<Vec<_>>()).find(|words| words[0] == dataset);
        line.unwrap()[1..].iter().map(|word| word.parse().unwrap()).collect()
    }

    #[test]
    fn prints_events_when_asked() {
        let home = Home::empty();
        let ran = home.run(&["demo", "--rows", "20", "--json", "--dir", "elsewhere"]).ends_with(0);
        assert_eq!(ran.events_named("run_finished").len(), 2);
        assert!(home.path("elsewhere/warehouse").is_dir());
    }

    #[test]
    fn refuses_a_folder_that_is_not_its_own() {
        let home = Home::empty();
        std::fs::create_dir(home.path("wdt-demo")).unwrap();
        home.write("wdt-demo/mine.txt", "mine");
        insta::assert_snapshot!(home.run(&["demo"]).ends_with(2).masked());
        assert_eq!(std::fs::read_to_string(home.path("wdt-demo/mine.txt")).unwrap(), "mine");
    }
}

mod init {
    use super::*;

    #[test]
    fn writes_what_runs_once_it_is_filled_in() {
        let platform = Platform::start();
        let home = Home::empty().unset(VARIABLE);
        insta::assert_snapshot!("init", home.run(&["init"]).ends_with(0).masked());
        let example = std::fs::read_to_string(home.path(".env.example")).unwrap();
        home.write(".env", &example.replace("your-app-secret", SECRET));
        let home = home
            .but("\"your-sid\"", "\"apidevnew2\"")
            .but("\"your-sid-ot\"", "\"apidevnew2-test\"")
            .but("# calls_per_minute = 50", "calls_per_minute = 0 #")
            .but("# base_url = \"http://127.0.0.1:18080/openapi2\"", &format!("base_url = \"{}\"", platform.url()))
            .but("# start = \"2012-01-01 00:00:00\"", &format!("start = \"{START}\" #"));
        home.run(&["check", "--env-file", ".env"]).ends_with(0);
        home.run(&["run", "--env-file", ".env", "--until", UNTIL, "--dataset", "enterprise_stock"]).ends_with(0);
        assert_eq!(home.keys("enterprise_stock"), platform.keys("enterprise_stock"));
    }

    #[test]
    fn overwrites_nothing_unasked() {
        let home = Home::empty().configured("mine");
        insta::assert_snapshot!("init_refused", home.run(&["init"]).ends_with(2).masked());
        assert_eq!(std::fs::read_to_string(home.path("wdt-etl.toml")).unwrap(), "mine");
        home.run(&["init", "--force"]).ends_with(0);
        home.run(&["init", "--dir", "new/folder"]).ends_with(0);
        assert!(home.path("new/folder/.env.example").is_file());
    }
}

mod check {
    use super::*;

    /// The skew may round either way.
    fn steady(text: &str) -> String {
        masked_after(text, "clock differs by ", |c| c.is_ascii_digit() || c == '-', "[seconds]")
    }

    #[test]
    fn everything_in_order() {
        let platform = Platform::start();
        let home = Home::of(&platform);
        let ran = home.run(&["check"]).ends_with(0);
        insta::assert_snapshot!("check_ok", steady(&ran.masked()));
        assert_eq!(platform.call_count(), 1);
        assert!(home.rows("enterprise_stock").is_empty());
    }

    #[test]
    fn offline_makes_no_call() {
        let platform = Platform::start();
        let ran = Home::of(&platform).run(&["check", "--offline"]).ends_with(0);
        assert_eq!(platform.call_count(), 0);
        assert!(!ran.out.contains("gateway main"), "{}", ran.out);
        assert!(ran.out.lines().any(|line| line.starts_with("ok   configuration: ")), "{}", ran.out);
    }

    #[test]
    fn lines_of_json() {
        let platform = Platform::start();
        let ran = Home::of(&platform).variable(VARIABLE, WRONG_SECRET).run(&["check", "--json"]).ends_with(3);
        let first = r#"{"schema_version":1,"event":"check","#;
        assert!(ran.out.lines().all(|line| line.starts_with(first)), "{}", ran.out);
        let lines: Vec<Value> = ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(lines.iter().all(|line| line["check"].is_string()));
        let failed: Vec<&Value> = lines.iter().filter(|line| line["ok"] == false).collect();
        assert_eq!(failed.len(), 1);
        assert_eq!((&failed[0]["check"], &failed[0]["exit_code"]), (&"gateway main".into(), &3.into()));
        assert!(failed[0]["hint"].is_string());
    }

    #[test]
    fn a_wrong_secret() {
        let platform = Platform::start();
        let ran = Home::of(&platform).variable(VARIABLE, WRONG_SECRET).run(&["check"]).ends_with(3);
        insta::assert_snapshot!("check_wrong_secret", steady(&ran.masked()));
        assert_eq!(platform.call_count(), 1);
    }

    #[test]
    fn a_platform_that_is_down() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let nobody = account("main", &format!("http://127.0.0.1:{port}/openapi2"), VARIABLE);
        let home = Home::empty().configured(&configuration(&[nobody])).without_waits();
        let ran = home.run(&["check"]).ends_with(4);
        let line = ran.out.lines().find(|line| line.starts_with("FAIL gateway main: ")).unwrap();
        assert!(line.contains("unavailable after 6 attempts"), "{line}");
    }

    #[test]
    fn a_warehouse_that_cannot_be_written() {
        let platform = Platform::start();
        let home = Home::of(&platform);
        home.write("warehouse", "a file");
        let ran = home.run(&["check"]).ends_with(6);
        assert!(ran.out.contains("FAIL warehouse: ") && ran.out.contains("     hint: make the folder"), "{}", ran.out);
        assert!(ran.out.contains("ok   gateway main: "), "the other lines come too: {}", ran.out);
    }

    #[test]
    fn a_clock_that_differs() {
        let platform = Platform::with(|config| config.clock = Arc::new(|| now() + 120));
        let ran = Home::of(&platform).run(&["check"]).ends_with(0);
        let after = ran.out.lines().skip_while(|line| !line.starts_with("ok   clock main: ")).nth(1);
        assert!(after.is_some_and(|line| line.contains("hint: set this machine's clock")), "{}", ran.out);
    }

    #[test]
    fn a_configuration_that_cannot_be_used() {
        let platform = Platform::start();
        let ran = Home::of(&platform).but("settle", "setle").run(&["check"]).ends_with(2);
        assert!(ran.err.contains("did you mean `settle`?"), "{}", ran.err);
        assert_eq!(platform.call_count(), 0);
    }
}

mod status {
    use super::*;

    #[test]
    fn before_any_run() {
        let platform = Platform::start();
        let home = Home::of(&platform);
        insta::assert_snapshot!("status_before_any_run", home.run(&["status"]).ends_with(0).masked());
        insta::assert_snapshot!("status_too_old", home.run(&["status", "--max-age", "26h"]).ends_with(4).masked());
        assert!(!home.path("warehouse").exists(), "status makes nothing");
    }

    #[test]
    fn after_a_run() {
        let platform = Platform::start();
        let home = Home::of(&platform);
        home.load().ends_with(0);
        let calls = platform.call_count();
        let lines: Vec<Value> = home.run(&["status", "--json"]).ends_with(0).out.lines().map(parsed).collect();
        assert_eq!(lines.len(), 2);
        for line in &lines {
            assert_eq!((&line["event"], &line["account"]), (&"status".into(), &"main".into()));
            assert_eq!((&line["rows"], &line["history_rows"], &line["behind"]), (&200.into(), &200.into(), &0.into()));
            assert_eq!(line["complete_until"], UNTIL);
            assert!(line["bytes"].as_u64() > Some(0) && line["age_seconds"].as_i64() > Some(0));
        }
        let text = home.run(&["status"]).ends_with(0).out;
        assert!(text.lines().nth(1).unwrap().contains(UNTIL), "{text}");
        home.run(&["status", "--max-age", "26h"]).ends_with(4);
        home.run(&["run"]).ends_with(0);
        home.run(&["status", "--max-age", "26h"]).ends_with(0);
        home.run(&["status", "--max-age", "1s"]).ends_with(4);
        assert!(platform.call_count() > calls);
    }

    fn parsed(line: &str) -> Value {
        serde_json::from_str(line).unwrap()
    }
}

#[test]
fn schema_of_a_dataset_and_of_none() {
    let home = Home::empty();
    insta::assert_snapshot!("schema", home.run(&["schema"]).ends_with(0).masked());
    insta::assert_snapshot!("schema_stock", home.run(&["schema", "enterprise_stock"]).ends_with(0).masked());
    insta::assert_snapshot!("schema_unknown", home.run(&["schema", "enterprise_stok"]).ends_with(2).masked());
    let ran = home.run(&["schema", "enterprise_goods", "--json"]).ends_with(0);
    assert_eq!(ran.events().len(), 58);
}

mod simulate {
    use super::*;

    /// What it prints, with a warehouse before it; the process goes on.
    fn simulating(home: &Home) -> (Child, String) {
        let args = ["simulate", "--port", "0", "--rows", "60", "--calls-per-minute", "0"];
        let mut child = home.command(&args).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut printed = String::from("[warehouse]\nurl = \"warehouse\"\n");
        // the stores of the last dataset are the last line
        while !printed.lines().last().is_some_and(|line| line.starts_with("stores = ")) {
            printed += &lines.next().expect("stores are printed");
            printed += "\n";
        }
        (child, printed)
    }

    #[test]
    fn prints_accounts_of_all_gateways_that_work() {
        let home = Home::empty();
        let (mut child, printed) = simulating(&home);
        let exports = printed.lines().filter_map(|line| line.strip_prefix("# export ")?.split_once('='));
        let secrets: Vec<_> = exports.map(|(name, value)| (name, value.trim_matches('\''))).collect();
        assert_eq!(secrets.len(), 4, "three secrets and a session: {printed}");
        let home = secrets.iter().fold(home.configured(&printed), |home, (name, value)| home.variable(name, value));
        let ran = home.run(&["run", "--until", &seconds_ago(600)]);
        child.kill().unwrap();
        child.wait().unwrap();
        let ran = ran.ends_with(0);
        for endpoint in endpoints::ALL {
            let finished = ran.finished(endpoint.gateway.name(), endpoint.dataset);
            assert_eq!(finished["verdict"], "landed", "{finished}");
            assert!(finished["records"].as_u64() > Some(0), "{finished}");
            assert!(!home.rows(endpoint.dataset).is_empty(), "{}", endpoint.dataset);
        }
    }

    #[test]
    fn refuses_a_port_that_is_taken() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port().to_string();
        let ran = Home::empty().run(&["simulate", "--port", &port]).ends_with(2);
        insta::assert_snapshot!("simulate_port_taken", ran.masked());
    }
}
