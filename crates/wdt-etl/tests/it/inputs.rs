//! Whatever text a user gives, it is read or refused: configuration, times, durations, sides of a comparison. Conditions have
//! the same test beside their parser.

use std::path::Path;

use clap::Parser as _;
use proptest::prelude::*;
use wdt_etl::cli::{Cli, DiffSide};
use wdt_etl::commands::init;
use wdt_etl::config::{Config, parse_duration};
use wdt_etl::environment::Variables;
use wdt_models::time::{Seconds, parse_wall_time};

/// Now, for the faults that have to do with time.
const NOW: i64 = 1_714_500_000;

/// Reads a text as a configuration: faults are told, each with its place, and nothing panics.
fn read(text: &str) {
    if let Err(error) = Config::parse(Path::new("wdt-etl.toml"), text, &Variables::default(), Seconds(NOW)) {
        assert!(!error.to_string().is_empty());
    }
}

/// The configuration that `init` writes.
fn example() -> String {
    let folder = tempfile::tempdir().unwrap();
    init::init(folder.path(), false, &mut Vec::new()).unwrap();
    // every line that is only an example counts
    let text = std::fs::read_to_string(folder.path().join("wdt-etl.toml")).unwrap();
    text.lines()
        .map(|line| line.strip_prefix("# ").filter(|line| line.contains(" = ")).unwrap_or(line).to_owned() + "\n")
        .collect()
}

/// Pieces of TOML, sensible and not.
const PIECES: &[&str] = &[
    "[warehouse]\n",
    "[run]\n",
    "[[accounts]]\n",
    "[[accounts.datasets]]\n",
    "url = ",
    "settle = ",
    "window = ",
    "start = ",
    "calls_per_minute = ",
    "quarantine_limit = ",
    "app_secret = ",
    "params = ",
    "stores = ",
    "name = ",
    "gateway = ",
    "\"enterprise\"\n",
    "\"top\"\n",
    "\"5m\"\n",
    "\"99999999999999999999d\"\n",
    "\"-1%\"\n",
    "\"1e999%\"\n",
    "-1\n",
    "9223372036854775807\n",
    "nan\n",
    "[]\n",
    "[\"\"]\n",
    "{ env = \"X\" }\n",
    "{ file = \"\" }\n",
    "{ a = { b = 1 } }\n",
    "\"0000-00-00 00:00:00\"\n",
    "1979-05-27T07:32:00Z\n",
    "\"旺店通\"\n",
    "'''\n",
    "\"",
    "\u{0}",
    "=",
    "\n",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn any_text_is_a_configuration_or_faults(text in "\\PC*") {
        read(&text);
    }

    #[test]
    fn any_pieces_are_a_configuration_or_faults(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
        read(&pieces.concat());
    }

    #[test]
    fn a_damaged_configuration_is_read_or_refused(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), prop::sample::select(PIECES)), 1..6)
    ) {
        let mut text: Vec<char> = example().chars().collect();
        for (from, to, piece) in edits {
            let (from, length) = (from.index(text.len()), to.index(12));
            let to = (from + length).min(text.len());
            text.splice(from..to, piece.chars());
            if text.is_empty() {
                break;
            }
        }
        read(&text.into_iter().collect::<String>());
    }

    #[test]
    fn any_text_is_a_time_a_duration_a_side_or_refused(text in "\\PC*|[-0-9a-z@:/ .]*|[0-9]{1,25}[smhdw]?") {
        let _time = parse_wall_time(&text);
        let _side = text.parse::<DiffSide>();
        prop_assert!(parse_duration(&text).is_none_or(|seconds| seconds >= 0), "{text}");
        for line in [
            ["run", "--until", &text],
            ["status", "--max-age", &text],
            ["reconcile", "--max-deletes", &text],
            ["diff", &text, &text],
            ["simulate", "--edits-per-page", &text],
        ] {
            if let Err(error) = Cli::try_parse_from(["wdt-etl"].into_iter().chain(line)) {
                prop_assert!(matches!(error.exit_code(), 0 | 2), "{line:?}");
            }
        }
    }
}
