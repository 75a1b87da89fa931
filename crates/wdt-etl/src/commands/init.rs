//! `wdt-etl init`: a commented configuration and an example of its secrets.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use crate::error::EtlError;

const CONFIG: &str = include_str!("init/wdt-etl.toml");
const ENV_EXAMPLE: &str = include_str!("init/env.example");
/// Every file that is written, by name.
const FILES: &[(&str, &str)] = &[("wdt-etl.toml", CONFIG), (".env.example", ENV_EXAMPLE)];

const NEXT_STEPS: &str = "\
next:
  1. put sid and app_key of your application into wdt-etl.toml
  2. copy .env.example to .env and put the secret into it
  3. wdt-etl check --env-file .env
  4. wdt-etl run --env-file .env
";

/// Writes the example files into `dir`, making it where needed, and tells on `out` what comes next.
///
/// # Errors
///
/// [`EtlError::Usage`] when a file is there already and `force` is not given, before any file is written;
/// [`EtlError::Output`] when one cannot be written.
pub fn init(dir: &Path, force: bool, out: &mut dyn Write) -> Result<(), EtlError> {
    let there = FILES.iter().map(|(name, _)| dir.join(name)).find(|path| path.symlink_metadata().is_ok());
    if let Some(path) = there.filter(|_| !force) {
        let message = format!("{} is there already", path.display());
        return Err(EtlError::Usage {
            message,
            hint: Some("--force overwrites it; --dir DIR writes elsewhere".to_owned()),
        });
    }
    std::fs::create_dir_all(dir).map_err(|error| output(dir, &error))?;
    for (name, content) in FILES {
        let path = dir.join(name);
        write(&path, content, force).map_err(|error| output(&path, &error))?;
        writeln!(out, "wrote {}", path.display()).map_err(|error| super::output(&error))?;
    }
    out.write_all(NEXT_STEPS.as_bytes()).map_err(|error| super::output(&error))
}

/// A file that appeared since the first look is not overwritten either.
fn write(path: &Path, content: &str, force: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    if force {
        options.write(true).create(true).truncate(true);
    } else {
        options.write(true).create_new(true);
    }
    options.open(path)?.write_all(content.as_bytes())
}

fn output(path: &Path, error: &io::Error) -> EtlError {
    EtlError::Output { what: path.display().to_string(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::config::Config;
    use crate::environment::Variables;

    #[test]
    fn what_is_written_loads_with_the_examples_values() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("new");
        let mut out = Vec::new();
        init(&dir, false, &mut out).unwrap();
        let variables = Variables::default().with_file(&dir.join(".env.example")).unwrap();
        let config = Config::load(&dir.join("wdt-etl.toml"), &variables, i64::MAX).unwrap();
        assert_eq!(config.accounts[0].app_secret.expose(), "your-app-secret");
        assert_eq!(config.accounts[0].datasets.len(), 2);
        let told = String::from_utf8(out).unwrap();
        assert!(told.starts_with("wrote ") && told.contains("wdt-etl check --env-file .env"), "{told}");
    }

    #[test]
    fn the_commented_defaults_are_the_defaults() {
        let variables: Variables = [("MAIN_APP_SECRET", "x")].into_iter().collect();
        let shown = |line: &str| {
            [
                "format",
                "settle",
                "lookback",
                "window",
                "quarantine_limit",
                "merchant",
                "calls_per_minute",
                "start",
                "page_size",
                "personal",
            ]
            .iter()
            .any(|key| line.starts_with(&format!("# {key} = ")))
        };
        let uncommented: Vec<_> = CONFIG.lines().map(|line| if shown(line) { &line[2..] } else { line }).collect();
        let read = |text: &str| Config::parse(Path::new("/w/wdt-etl.toml"), text, &variables, i64::MAX).unwrap();
        let written = read(&uncommented.join("\n"));
        assert_eq!(uncommented.iter().zip(CONFIG.lines()).filter(|(one, other)| *one != other).count(), 10);
        assert_eq!(format!("{written:?}"), format!("{:?}", read(CONFIG)));
    }

    #[test]
    fn nothing_is_overwritten_without_force() {
        let folder = tempfile::tempdir().unwrap();
        let env = folder.path().join(".env.example");
        std::fs::write(&env, "mine").unwrap();
        let error = init(folder.path(), false, &mut Vec::new()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(
            error.report().contains(".env.example is there already\nhint: --force overwrites it"),
            "{}",
            error.report()
        );
        assert!(!folder.path().join("wdt-etl.toml").exists(), "no file is written before all are looked at");
        assert_eq!(std::fs::read_to_string(&env).unwrap(), "mine");
        init(folder.path(), true, &mut Vec::new()).unwrap();
        assert_eq!(std::fs::read_to_string(&env).unwrap(), ENV_EXAMPLE);
    }
}
