//! Every command as it succeeds and every failure of the table in `error.rs`: exit code, standard output and standard
//! error, and what has no snapshot, with the reason.

use std::collections::BTreeSet;
use std::fs;
#[cfg(unix)]
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::path::Path;
#[cfg(unix)]
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use clap::CommandFactory as _;
use wdt_etl::cli::Cli;
use wdt_etl::error::Failure;
use wdt_models::time::parse_wall_time;
use wdt_sim::{Fault, FaultPlan, SimConfig};

use crate::support::{
    Home, Platform, Ran, START, UNTIL, VARIABLE, WRONG_SECRET, account, configuration, event, masked_after, now,
    secrets,
};

/// Failures that no run of the binary can be brought to, each with the reason.
const NOT_REACHED: &[(&str, &str)] =
    &[("bug", "a state that the program rules out: what reaches it is fixed, not kept")];

/// The dataset that the runs here are about.
const STOCK: &str = "enterprise_stock";

/// Trips on a command without a snapshot of its help, of a success or of a refusal, and on a snapshot of none.
#[test]
fn every_command_has_its_snapshots() {
    let snapshots = snapshots();
    let commands: BTreeSet<String> =
        Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for command in &commands {
        assert!(snapshots.contains(&format!("it__cli__commands__help_{command}")), "{command} has no help");
    }
    for kind in ["command", "refused"] {
        let told = snapshots.iter().filter_map(|name| name.strip_prefix(&format!("it__cli__every__{kind}_")));
        assert_eq!(told.map(str::to_owned).collect::<BTreeSet<_>>(), commands, "{kind}");
    }
}

/// Trips on a kind of failure without a snapshot or a reason, and on an exit code that is not the table's.
#[test]
fn every_failure_has_its_snapshot_or_a_reason() {
    for failure in Failure::ALL {
        let policy = failure.policy();
        let snapshot = folder().join(format!("it__cli__every__failure_{}.snap", policy.name));
        let excused = NOT_REACHED.iter().any(|(name, _)| *name == policy.name);
        assert_ne!(excused, snapshot.exists(), "{}", policy.name);
        if !excused {
            let text = fs::read_to_string(snapshot).unwrap();
            let code = format!("\nexit {}\n", policy.exit_code);
            assert!(text.contains(&code), "{}: not {code}\n{text}", policy.name);
        }
    }
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/cli/snapshots"))
}

fn snapshots() -> BTreeSet<String> {
    let names = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| name.strip_suffix(".snap").map(str::to_owned)).collect()
}

/// Keeps a command's success.
#[track_caller]
fn succeeds(command: &str, ran: Ran) {
    insta::assert_snapshot!(format!("command_{command}"), steady(&ran.ends_with(0)));
}

/// Keeps a failure.
#[track_caller]
fn fails(failure: Failure, ran: Ran) {
    let policy = failure.policy();
    insta::assert_snapshot!(format!("failure_{}", policy.name), steady(&ran.ends_with(policy.exit_code.into())));
}

/// What is printed, without sizes of files and what differs with the hour.
fn steady(ran: &Ran) -> String {
    let number = |c: char| c.is_ascii_digit() || c == '-' || c == '.';
    let text = masked_after(&ran.masked(), "clock differs by ", number, "[seconds]");
    let text = masked_after(&text, "clock is ", number, "[seconds]");
    let text = masked_after(&text, "timestamp:0010-", number, "[seconds]");
    [" d ", " KiB", " MiB"].iter().fold(text, |text, unit| masked_before(&text, unit))
}

/// Replaces the number, and the blanks that align it, in front of each `unit`.
fn masked_before(text: &str, unit: &str) -> String {
    let pieces: Vec<&str> = text.split(unit).collect();
    let (last, others) = pieces.split_last().unwrap();
    let masked = |piece: &&str| {
        let rest = piece.trim_end_matches(|c: char| c.is_ascii_digit());
        if rest.len() == piece.len() { format!("{piece}{unit}") } else { format!("{} [n]{unit}", rest.trim_end()) }
    };
    others.iter().map(masked).collect::<String>() + last
}

/// A reconcile after so many rows vanished, a quarter of a minute after the load by the platform's clock: rows of the
/// second in which it begins would be left alone.
fn reconciled(vanished: usize) -> Ran {
    let ahead = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&ahead);
    let (platform, home) = stock(|config| config.clock = Arc::new(move || now() + clock.load(Ordering::Relaxed)));
    let home = home.but("settle = \"5m\"", "settle = \"0s\"");
    run(&home).ends_with(0);
    platform.ledger(STOCK).unwrap().delete(vanished);
    ahead.store(15, Ordering::Relaxed);
    up_to_now(home.run(&["reconcile", "--dataset", STOCK]))
}

/// A run that read up to now: without its windows of today, of which there are more every day, and what counts them.
fn up_to_now(ran: Ran) -> Ran {
    let lines = ran.out.lines().filter(|line| {
        let event = event(line);
        let is_late = event["start"].as_str().is_some_and(|start| start > UNTIL);
        event["event"] != "window" || !is_late || event["records"] != 0
    });
    let out = lines.fold(String::new(), |out, line| out + line + "\n");
    let number = |c: char| c.is_ascii_digit() || c == '.' || c == '-' || c == 'e';
    let counts = ["\"windows\":", "\"calls\":", "\"done\":", "\"wait_ms\":"];
    let out = counts.iter().fold(out, |out, name| masked_after(&out, name, number, "[n]"));
    Ran { out, ..ran }
}

/// A platform, and a home that reads its stock alone, call by call, without waits.
fn stock(change: impl FnOnce(&mut SimConfig)) -> (Platform, Home) {
    let platform = Platform::with(change);
    let home = Home::of(&platform).but("[run]\n", "[run]\nconcurrency = 1\n").without_waits();
    (platform, home)
}

/// A run of the stock up to a fixed time.
fn run(home: &Home) -> Ran {
    home.run(&["run", "--until", UNTIL, "--dataset", STOCK])
}

fn always(fault: Fault) -> impl FnOnce(&mut SimConfig) {
    move |config| config.faults = FaultPlan::Script(Arc::new(move |_| Some(fault.clone())))
}

/// One refusal of each command that is its own.
#[test]
fn each_command_refuses() {
    let (_platform, home) = stock(|_| {});
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    fs::create_dir(home.path("mine")).unwrap();
    home.write("mine/mine.txt", "mine");
    let later = ["--from", UNTIL, "--to", START];
    for (args, code) in [
        (&["demo", "--dir", "mine"][..], 2),
        (&["init"], 2),
        (&["run", "--dataset", "enterprise_stok"], 2),
        (&["reconcile", "--dataset", "flagship_shops"], 2),
        (&[&["backfill", "--dataset", STOCK][..], &later].concat(), 2),
        (&["record", "mine"], 2),
        (&["replay", "mine"], 2),
        (&["simulate", "--port", &port], 2),
        (&["status", "--max-age", "26"], 2),
        (&["verify", "--account", "mian"], 2),
        (&["schema", "enterprise_stok"], 2),
        (&["explain", "no such code"], 2),
        (&["check", "--offline", "--config", "none.toml"], 2),
        (&["export", STOCK, "-o", "-", "--columns", "stock_nun"], 2),
        (&["diff", "mine", "mine"], 6),
    ] {
        let text = steady(&home.run(args).ends_with(code)).replace(&port, "[port]");
        insta::assert_snapshot!(format!("refused_{}", args[0]), text);
    }
}

mod command {
    use super::*;

    #[test]
    fn without_a_warehouse() {
        let home = Home::empty();
        succeeds("init", home.run(&["init"]));
        succeeds("schema", home.run(&["schema", "flagship_shops"]));
        succeeds("explain", home.run(&["explain", "1012"]));
    }

    #[test]
    fn demo() {
        let ran = Home::empty().run(&["demo", "--rows", "60"]);
        let out = shape(&ran.out);
        succeeds("demo", Ran { out, ..ran });
    }

    /// What the demo prints, without its numbers, which depend on the time of day; `commands.rs` looks at those that
    /// count.
    fn shape(out: &str) -> String {
        let word = |word: &str| if word.bytes().all(|byte| byte.is_ascii_digit()) { "N" } else { word }.to_owned();
        let line = |line: &str| match line.strip_prefix("  商家编码") {
            Some(_) => line.split("  ").map(|cell| cell.split(' ').next().unwrap_or("")).collect::<Vec<_>>().join("  "),
            None => line.split_whitespace().map(word).collect::<Vec<_>>().join(" "),
        };
        out.lines().map(|text| line(text) + "\n").collect()
    }

    #[test]
    fn with_a_warehouse() {
        let (_platform, home) = stock(|_| {});
        succeeds("check", home.run(&["check"]));
        succeeds("run", run(&home));
        succeeds("status", home.run(&["status"]));
        succeeds("verify", home.run(&["verify", "--dataset", STOCK]));
        let export = ["export", STOCK, "-o", "-", "--columns", "rec_id,warehouse_no,stock_num,modified"];
        succeeds("export", home.run(&[&export[..], &["--where", "stock_num < 0"]].concat()));
        succeeds(
            "diff",
            home.run(&["diff", "warehouse", "warehouse@1", "--dataset", STOCK, "--columns", "spec_no,spec_id"]),
        );
        let range = ["--from", START, "--to", "2024-04-03 00:00:00"];
        succeeds("backfill", home.run(&[&["backfill", "--dataset", STOCK][..], &range].concat()));
    }

    #[test]
    #[cfg(unix)]
    fn simulate() {
        let home = Home::empty();
        let args = ["simulate", "--port", "0", "--rows", "60"];
        let mut child = home.command(&args).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        // the stores of the last dataset are the last line
        let mut printed: Vec<String> = Vec::new();
        while printed.last().is_none_or(|line| !line.starts_with("stores = ")) {
            printed.push(lines.next().expect("stores are printed"));
        }
        let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let out = printed.into_iter().chain(lines).map(|line| line + "\n").collect::<String>();
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        // it is there to tell them: nobody else's
        let out = secrets().fold(out, |out, secret| out.replace(secret, "[secret]"));
        succeeds("simulate", Ran::new(child.wait().unwrap().code(), out, err));
    }

    #[test]
    fn record_and_replay() {
        let (_platform, home) = stock(|_| {});
        succeeds("record", home.run(&["record", "kept", "--until", UNTIL, "--dataset", STOCK]));
        succeeds("replay", home.run(&["replay", "kept"]));
    }

    #[test]
    fn reconcile() {
        succeeds("reconcile", reconciled(2));
    }
}

mod failure {
    use super::*;

    #[test]
    fn usage() {
        let (_platform, home) = stock(|_| {});
        fails(Failure::Usage, home.run(&["run", "--account", "mian"]));
    }

    #[test]
    fn faulty_configuration() {
        let (_platform, home) = stock(|_| {});
        fails(Failure::Configuration, run(&home.but("settle", "setle").unset(VARIABLE)));
    }

    #[test]
    fn parameter() {
        let (_platform, home) = stock(|_| {});
        let named = format!("name = \"{STOCK}\"\n");
        fails(Failure::Parameter, run(&home.but(&named, &format!("{named}params = {{ warehouse_no = \"WH-9\" }}\n"))));
    }

    #[test]
    fn credential() {
        let (_platform, home) = stock(|_| {});
        fails(Failure::Credential, run(&home.variable(VARIABLE, WRONG_SECRET)));
    }

    #[test]
    fn clock() {
        let (_platform, home) = stock(|config| config.clock = Arc::new(|| now() + 3_600));
        fails(Failure::Clock, run(&home));
    }

    #[test]
    fn permission() {
        let (_platform, home) = stock(always(Fault::platform("1", "ip不在白名单")));
        fails(Failure::Permission, run(&home));
    }

    #[test]
    fn limited() {
        let (_platform, home) = stock(always(Fault::platform("1012", "超过每分钟最大调用频率限制")));
        fails(Failure::Limited, run(&home));
    }

    #[test]
    fn unavailable() {
        let (_platform, home) = stock(always(Fault::Status(502)));
        fails(Failure::Unavailable, run(&home));
    }

    #[test]
    fn stale() {
        let (_platform, home) = stock(|_| {});
        run(&home).ends_with(0);
        fails(Failure::Stale, home.run(&["status", "--max-age", "26h"]));
    }

    #[test]
    fn uncertified() {
        // where the first row stands: with a row on the page, the total is wrong and not the page
        let at = parse_wall_time("2024-04-01 00:00:30").unwrap();
        let (_platform, home) = stock(|config| config.phantom = Some((STOCK, at.0)));
        fails(Failure::Uncertified, run(&home));
    }

    #[test]
    fn quarantine() {
        let (_platform, home) = stock(|config| config.refused_rows = 10);
        fails(Failure::Quarantine, run(&home));
    }

    #[test]
    fn vanished() {
        fails(Failure::Vanished, reconciled(21));
    }

    #[test]
    #[cfg(unix)]
    fn interrupted() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/openapi2", silent.local_addr().unwrap());
        let home = Home::empty().configured(&configuration(&[account("main", &url, VARIABLE)]));
        let mut child = home.command(&["run", "--until", UNTIL, "--dataset", STOCK]).spawn().unwrap();
        let (mut call, _) = silent.accept().unwrap();
        call.read_exact(&mut [0; 64]).unwrap();
        let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let (mut out, mut err) = (String::new(), String::new());
        child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        fails(Failure::Interrupted, Ran::new(child.wait().unwrap().code(), out, err));
    }

    #[test]
    fn cassette() {
        let (_platform, home) = stock(|_| {});
        home.run(&["record", "kept", "--until", UNTIL, "--dataset", STOCK]).ends_with(0);
        let log = fs::read_to_string(home.path("kept/log.ndjson")).unwrap();
        home.write("kept/log.ndjson", &log.replacen("\"page_size\":\"100\"", "\"page_size\":\"99\"", 1));
        fails(Failure::Cassette, home.run(&["replay", "kept"]));
    }

    #[test]
    fn warehouse() {
        let (_platform, home) = stock(|_| {});
        run(&home).ends_with(0);
        fs::remove_dir_all(home.path("warehouse/enterprise_stock_history")).unwrap();
        fails(Failure::Warehouse, run(&home));
    }

    /// The other ways, each with a hint of its own; other columns are in `refused.rs`. A rival that always wins and a
    /// commit that is lost are met below the command line, in `src/table/`.
    #[test]
    fn warehouse_in_other_ways() {
        let told = |home: &Home| steady(&run(home).ends_with(6));
        let (_platform, home) = stock(|_| {});
        home.write("warehouse", "a file");
        insta::assert_snapshot!("warehouse_address", told(&home));
        fs::remove_file(home.path("warehouse")).unwrap();
        let refusing = home.variable("WDT_ETL_TEST_STORE", "refused:1");
        insta::assert_snapshot!("warehouse_storage", told(&refusing));
        let home = refusing.unset("WDT_ETL_TEST_STORE");
        run(&home).ends_with(0);
        let commit = "warehouse/enterprise_stock_history/_delta_log/00000000000000000001.json";
        let text = fs::read_to_string(home.path(commit)).unwrap();
        assert!(text.contains("\"format\":1"), "{text}");
        home.write(commit, &text.replace("\"format\":1", "\"format\":9"));
        insta::assert_snapshot!("warehouse_later_format", told(&home));
    }
}
