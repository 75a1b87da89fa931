//! Other programs: started in the workspace's folder, shown before they run.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::{Failure, Outcome};
use crate::host;

/// The cargo that runs xtask, without the variables that describe xtask.
pub(crate) fn cargo(arguments: &[&str]) -> Outcome<Command> {
    let mut command = program(Path::new(&host::variable("CARGO").unwrap_or_else(|| "cargo".into())))?;
    for name in host::variables_of_cargo_run() {
        command.env_remove(name);
    }
    command.args(arguments);
    Ok(command)
}

/// Any program, by name or path.
pub(crate) fn program(path: &Path) -> Outcome<Command> {
    let mut command = Command::new(path);
    command.current_dir(host::root()?).stdin(Stdio::null());
    Ok(command)
}

/// Runs it to its end; what it prints is shown as it comes.
pub(crate) fn run(command: &mut Command) -> Outcome {
    println!("$ {}", line(command));
    let status = command.status().map_err(|error| not_started(command, &error))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("`{}`: {status}", line(command)))) }
}

/// Runs it to its end and gives back what it printed to stdout; stderr is shown.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let output = command.stderr(Stdio::inherit()).output().map_err(|error| not_started(command, &error))?;
    if !output.status.success() {
        return Err(Failure::new(format!("`{}`: {}", line(command), output.status)));
    }
    String::from_utf8(output.stdout).map_err(|error| Failure::new(format!("`{}`: {error}", line(command))))
}

/// The failure of a program that is not there.
pub(crate) fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    Failure::new(format!("`{}` does not start: {error}", command.get_program().display()))
}

/// The command as a developer would type it.
pub(crate) fn line(command: &Command) -> String {
    let name = Path::new(command.get_program()).file_stem().unwrap_or(command.get_program());
    let words = std::iter::once(name).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
