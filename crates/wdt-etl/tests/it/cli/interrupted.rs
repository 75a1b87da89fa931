//! SIGTERM and Ctrl-C in the middle of a run.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command};
use std::sync::Arc;

use wdt_sim::{Fault, FaultPlan};

use crate::support::{Home, Platform, Ran, START, UNTIL, VARIABLE, account, configuration, event};

const DATASETS: [&str; 2] = ["enterprise_stock", "enterprise_goods"];

/// A run under way.
struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
    out: String,
}

impl Running {
    fn start(home: &Home) -> Self {
        let mut child = home.command(&["run", "--until", UNTIL, "--json"]).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines, out: String::new() }
    }

    /// Reads on until an event of that name was printed.
    fn until(&mut self, name: &str) {
        loop {
            let from = self.out.len();
            assert_ne!(self.lines.read_line(&mut self.out).unwrap(), 0, "no {name}\n{}", self.out);
            if event(self.out[from..].trim_end())["event"] == name {
                break;
            }
        }
    }

    /// Sends the signal and waits for the end.
    fn interrupt(mut self, signal: &str) -> Ran {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        self.lines.read_to_string(&mut self.out).unwrap();
        let mut err = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        Ran::new(self.child.wait().unwrap().code(), self.out, err)
    }
}

/// It ended as interrupted, each dataset says so and how to go on.
#[track_caller]
fn is_interrupted(ran: Ran) -> Ran {
    let ran = ran.ends_with(130);
    for dataset in DATASETS {
        let finished = ran.finished("main", dataset);
        assert_eq!((&finished["verdict"], &finished["exit_code"]), (&"interrupted".into(), &130.into()));
        assert_eq!(finished["hint"], "run the same command again; it continues where this one stopped");
    }
    assert_eq!(ran.events().last().unwrap()["exit_code"], 130);
    assert!(ran.err.starts_with("stopping at the next page"), "{}", ran.err);
    ran
}

/// A run whose second call is due a minute after its first: it must not wait for that.
fn stops_before_the_next_call(signal: &str) {
    let platform = Platform::start();
    let home = Home::of(&platform).but("[run]\n", "[run]\nconcurrency = 1\n");
    let home = home.but("calls_per_minute = 0", "calls_per_minute = 1");
    let mut run = Running::start(&home);
    run.until("window");
    let ran = is_interrupted(run.interrupt(signal));
    assert_eq!(platform.call_count(), 1);
    let first = &ran.events_named("window")[0];
    assert_eq!(ran.finished("main", "enterprise_stock")["watermark"], first["end"], "what was read whole is landed");
    assert!(!home.rows("enterprise_stock").is_empty());

    let home = home.but("calls_per_minute = 1", "calls_per_minute = 0");
    let next = home.load().ends_with(0);
    let planned = &next.events_named("planned")[0];
    assert!(planned["from"].as_str() > Some(START), "it goes on where the other stopped: {planned}");
    for dataset in DATASETS {
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

#[test]
fn a_wait_that_the_platform_asked_for_is_not_waited_out() {
    let fault = Fault::platform("1012", "频率超限");
    let platform = Platform::with(|config| config.faults = FaultPlan::Script(Arc::new(move |_| Some(fault.clone()))));
    let home = Home::of(&platform);
    let mut run = Running::start(&home);
    run.until("waiting");
    is_interrupted(run.interrupt("-TERM"));
    assert_eq!(platform.call_count(), 1);
}

#[test]
fn an_answer_that_does_not_come_is_not_waited_for() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/openapi2", silent.local_addr().unwrap());
    let home = Home::empty().configured(&configuration(&[account("main", &url, VARIABLE)]));
    let run = Running::start(&home);
    let (mut call, _) = silent.accept().unwrap();
    call.read_exact(&mut [0; 64]).unwrap();
    is_interrupted(run.interrupt("-TERM"));
}
