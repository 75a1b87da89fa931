//! SIGTERM in the middle of a run.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command};

use crate::support::{Home, Platform, Ran, UNTIL, event};

/// Sends a signal to the child.
fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Starts the run and interrupts it as soon as it has read its first window.
fn interrupted(home: &Home, name: &str) -> Ran {
    let mut child = home.command(&["run", "--until", UNTIL, "--json"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut out = String::new();
    loop {
        let from = out.len();
        assert_ne!(lines.read_line(&mut out).unwrap(), 0, "no window was read\n{out}");
        if event(out[from..].trim_end())["event"] == "window" {
            break;
        }
    }
    signal(&child, name);
    lines.read_to_string(&mut out).unwrap();
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    Ran::new(child.wait().unwrap().code(), out, err)
}

/// A run whose second call is due a minute after its first: what it does after the signal, it does not wait for that.
fn stops_before_the_next_call(name: &str) {
    let platform = Platform::start();
    let home = Home::of(&platform).but("calls_per_minute = 0", "calls_per_minute = 1");
    let ran = interrupted(&home, name).ends_with(130);
    assert_eq!(platform.call_count(), 1, "it does not wait for the next call");
    for dataset in ["enterprise_stock", "enterprise_goods"] {
        let finished = ran.finished("main", dataset);
        assert_eq!((&finished["verdict"], &finished["exit_code"]), (&"interrupted".into(), &130.into()));
        assert_eq!(finished["hint"], "run the same command again: it goes on where this one stopped");
    }
    assert_eq!(ran.events().last().unwrap()["exit_code"], 130);
    assert!(ran.err.starts_with("stopping at the next page"), "{}", ran.err);
    let first = &ran.events_named("window")[0];
    assert_eq!(ran.finished("main", "enterprise_stock")["watermark"], first["end"], "what was read whole is landed");

    let home = home.but("calls_per_minute = 1", "calls_per_minute = 0");
    let next = home.load().ends_with(0);
    let planned = &next.events_named("planned")[0];
    assert!(planned["from"].as_str() > Some("2024-04-01 00:00:00"), "it goes on where the other stopped: {planned}");
    for dataset in ["enterprise_stock", "enterprise_goods"] {
        assert_eq!(home.keys(dataset), platform.keys(dataset));
        assert_eq!(home.rows(&format!("{dataset}_history")).len(), platform.keys(dataset).len());
    }
}

#[test]
fn sigterm_stops_the_run_and_the_next_one_goes_on() {
    stops_before_the_next_call("-TERM");
}

#[test]
fn ctrl_c_stops_the_run_and_the_next_one_goes_on() {
    stops_before_the_next_call("-INT");
}
