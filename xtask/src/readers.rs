//! The external readers: a Python of their own, outside the checkout, and the script that reads tables with it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command;
use crate::failure::{Failure, Outcome};
use crate::host;

/// Variable that tells the tests of wdt-etl which Python has the readers.
pub(crate) const PYTHON: &str = "WDT_ETL_PYTHON";
/// Variable with the file to which the script adds its result lines.
pub(crate) const RECORD: &str = "WDT_ETL_READERS_RECORD";
/// The readers, as the script names them.
pub(crate) const NAMES: &[&str] = &["deltalake", "duckdb", "pyarrow", "duckdb-hive"];

const FOLDER: &str = "crates/wdt-etl/tests/readers";

/// Compares the tables of a warehouse with expected values.
pub(crate) fn compare(warehouse: &Path, expected: &Path) -> Outcome {
    let absolute =
        |path: &Path| path.canonicalize().map_err(|error| Failure::new(format!("{}: {error}", path.display())));
    let (warehouse, expected) = (absolute(warehouse)?, absolute(expected)?);
    let script = host::root()?.join(FOLDER).join("read_tables.py");
    command::run(command::program(&python()?)?.arg("-B").args([script, warehouse, expected]))
}

/// The step `readers`: the script finds each kind of difference that is planted for it.
pub(crate) fn check_script() -> Outcome {
    command::run(command::program(&python()?)?.args(["-B", "-m", "unittest", "discover", "-s", FOLDER]))
}

/// The Python that has the readers; made when it is missing or when the list of its packages changed.
pub(crate) fn python() -> Outcome<PathBuf> {
    let requirements = host::root()?.join(FOLDER).join("requirements.txt");
    let wanted = fs::read_to_string(&requirements)
        .map_err(|error| Failure::new(format!("{}: {error}", requirements.display())))?;
    let venv = host::cache()?.join("venv");
    let python = if cfg!(windows) { venv.join("Scripts/python.exe") } else { venv.join("bin/python") };
    let stamp = venv.join("requirements.txt");
    if python.exists() && fs::read_to_string(&stamp).is_ok_and(|made| made == wanted) {
        return Ok(python);
    }
    make(&venv, &python, &requirements)?;
    fs::write(&stamp, wanted).map_err(|error| Failure::new(format!("{}: {error}", stamp.display())))?;
    Ok(python)
}

fn make(venv: &Path, python: &Path, requirements: &Path) -> Outcome {
    let base = if cfg!(windows) { "python" } else { "python3" };
    command::run(command::program(Path::new(base))?.args(["-m", "venv", "--clear"]).arg(venv))
        .map_err(|failure| failure.hint("the readers need Python 3.11 with venv (Debian: apt install python3-venv)"))?;
    let install =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", "--requirement"];
    command::run(command::program(python)?.args(install).arg(requirements))
}
