//! The binary as a child that is killed (SIGKILL) where its failpoint is reached.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// The variable that arms a failpoint.
pub(crate) const FAILPOINT: &str = "WDT_ETL_TEST_FAILPOINT";

/// The variable that arms a store that fails.
pub(crate) const STORE: &str = "WDT_ETL_TEST_STORE";

/// The binary, with nothing in its environment.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wdt-etl"));
    command.env_clear();
    command
}

/// Runs a child and kills it after that time, if it has not ended before; what it prints is lost.
pub(crate) async fn killed_after(mut command: Command, after: Duration) -> Output {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    tokio::time::sleep(after).await;
    child.kill().unwrap();
    tokio::task::spawn_blocking(move || child.wait_with_output()).await.unwrap().unwrap()
}

/// Runs a child to its end: that is its own, or that of its armed failpoint, where it stands still and is killed.
pub(crate) fn output(mut command: Command) -> Output {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = child.stdout.take().unwrap();
    let reads = std::thread::spawn(move || {
        let mut stdout = Vec::new();
        out.read_to_end(&mut stdout).unwrap();
        stdout
    });
    let mut stderr = Vec::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.starts_with("failpoint ") && line.ends_with(" reached") {
            child.kill().unwrap();
        }
        stderr.extend_from_slice(line.as_bytes());
        stderr.push(b'\n');
    }
    let stdout = reads.join().unwrap();
    Output { status: child.wait().unwrap(), stdout, stderr }
}

/// Names of the failpoints that a child passed, in order, when it was armed with `trace`.
pub(crate) fn passed(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stderr);
    let name = |line: &str| Some(line.strip_prefix("failpoint ")?.strip_suffix(" passed")?.to_owned());
    text.lines().filter_map(name).collect()
}
