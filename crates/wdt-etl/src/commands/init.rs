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

/// Writes the example files into `dir`, making it where needed, and prints on `out` what comes next.
///
/// # Errors
///
/// [`EtlError::Usage`] when a file exists already and `force` is not given, before any file is written;
/// [`EtlError::Output`] when one cannot be written.
pub fn init(dir: &Path, force: bool, out: &mut dyn Write) -> Result<(), EtlError> {
    let there = FILES.iter().map(|(name, _)| dir.join(name)).find(|path| path.symlink_metadata().is_ok());
    if let Some(path) = there.filter(|_| !force) {
        let message = format!("{} already exists", path.display());
        return Err(EtlError::Usage {
            message,
            hint: Some("--force overwrites it; --dir DIR writes elsewhere".to_owned()),
        });
    }
    std::fs::create_dir_all(dir).map_err(|error| output(dir, error))?;
    for (name, content) in FILES {
        let path = dir.join(name);
        write(&path, content, force).map_err(|error| output(&path, error))?;
        writeln!(out, "wrote {}", path.display()).map_err(super::output)?;
    }
    out.write_all(NEXT_STEPS.as_bytes()).map_err(super::output)
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

fn output(path: &Path, source: io::Error) -> EtlError {
    EtlError::Output { what: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use wdt_models::time::Seconds;
    use wdt_models::{Gateway, endpoints};

    use super::*;
    use crate::config::Config;
    use crate::environment::Variables;

    /// The template with the `#` taken from each line that `is_meant`.
    fn uncommented(is_meant: impl Fn(&str) -> bool) -> String {
        let line = |line: &'static str| if is_meant(line) { line.trim_start_matches(['#', ' ']) } else { line };
        CONFIG.lines().map(line).collect::<Vec<_>>().join("\n")
    }

    /// A line of an account that is shown behind `#`.
    fn of_other_accounts(line: &str) -> bool {
        line.starts_with('#') && !line.starts_with("# ")
    }

    fn examples_variables() -> Variables {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("env");
        std::fs::write(&path, ENV_EXAMPLE).unwrap();
        Variables::default().with_file(&path).unwrap()
    }

    fn read(text: &str) -> Config {
        Config::parse(Path::new("/w/wdt-etl.toml"), text, &examples_variables(), Seconds::MAX).unwrap()
    }

    fn datasets(config: &Config) -> Vec<&'static str> {
        let datasets = config.accounts.iter().flat_map(|account| &account.datasets);
        datasets.map(|dataset| dataset.endpoint.dataset).collect()
    }

    #[test]
    fn what_is_written_loads_with_the_examples_values() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("new");
        let mut out = Vec::new();
        init(&dir, false, &mut out).unwrap();
        let variables = Variables::default().with_file(&dir.join(".env.example")).unwrap();
        let config = Config::load(&dir.join("wdt-etl.toml"), &variables, Seconds::MAX).unwrap();
        assert_eq!(datasets(&config), ["enterprise_stock", "enterprise_goods"]);
        let told = String::from_utf8(out).unwrap();
        assert!(told.starts_with("wrote ") && told.contains("wdt-etl check --env-file .env"), "{told}");
    }

    #[test]
    fn behind_number_signs_are_all_gateways_and_all_datasets() {
        let config = read(&uncommented(of_other_accounts));
        let gateways: Vec<_> = config.accounts.iter().map(|account| account.gateway).collect();
        assert_eq!(gateways, Gateway::ALL);
        let mut shown = datasets(&config);
        let mut known: Vec<_> = endpoints::ALL.iter().map(|endpoint| endpoint.dataset).collect();
        shown.sort_unstable();
        known.sort_unstable();
        assert_eq!(shown, known);
    }

    #[test]
    fn the_commented_defaults_are_the_defaults() {
        let keys =
            |line: &str| line.strip_prefix("# ").and_then(|line| line.split_once(" = ")).map(|(key, _)| key.to_owned());
        // no default: addresses, a proxy, an example of a parameter, and what depends on the run
        let examples = ["base_url", "proxy", "params", "concurrency"];
        let shows_default =
            |line: &str| keys(line).is_some_and(|key| !key.contains(' ') && !examples.contains(&key.as_str()));
        let all = |line: &str| of_other_accounts(line) || shows_default(line);
        let shown = CONFIG.lines().filter(|line| shows_default(line)).count();
        assert_eq!(shown, 18, "a default was added or taken away: look at the examples above");
        let written = read(&uncommented(all));
        let values = |config: &Config| format!("{:?} {:?} {:?}", config.warehouse, config.run, config.accounts);
        assert_eq!(values(&written), values(&read(&uncommented(of_other_accounts))));
    }

    #[test]
    fn nothing_is_overwritten_without_force() {
        let folder = tempfile::tempdir().unwrap();
        let env = folder.path().join(".env.example");
        std::fs::write(&env, "mine").unwrap();
        let error = init(folder.path(), false, &mut Vec::new()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(
            error.report().contains(".env.example already exists\nhint: --force overwrites it"),
            "{}",
            error.report()
        );
        assert!(!folder.path().join("wdt-etl.toml").exists(), "no file is written before all are looked at");
        assert_eq!(std::fs::read_to_string(&env).unwrap(), "mine");
        init(folder.path(), true, &mut Vec::new()).unwrap();
        assert_eq!(std::fs::read_to_string(&env).unwrap(), ENV_EXAMPLE);
    }
}
