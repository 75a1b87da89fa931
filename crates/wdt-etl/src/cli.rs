//! The command line: clap types only, no behaviour.

mod args;
mod cassette;
mod diff;
mod export;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use wdt_models::Gateway;
use wdt_models::time::Seconds;

use self::args::wall_time;
pub use self::args::{OutputArgs, SelectArgs};
pub use self::cassette::{RecordArgs, ReplayArgs};
pub use self::diff::{Diff, DiffSide, Moment};
pub use self::export::{Export, ExportFormat, ExportLabels, ExportWords};
use crate::config::parse_duration;
use wdt_warehouse::DeleteLimit;

const EXIT_CODES: &str = "\
Exit codes:
  0    everything due is landed and certified
  1    a bug in wdt-etl; of `diff`: the two sides differ
  2    usage or configuration, and parameters that the platform refuses
  3    credentials, signature, permission or address refused
  4    platform unavailable or limited after all retries: run again later
  5    data refused: a window could not be certified, or too many records were refused
  6    warehouse refused: schema, storage or a rival commit
  130  interrupted

Start with `wdt-etl demo`: it needs no configuration and no network.";

/// The version; a build in which tests may kill and fail runs says so.
pub const VERSION: &str = if cfg!(feature = "failpoints") {
    concat!(env!("CARGO_PKG_VERSION"), "+failpoints")
} else {
    env!("CARGO_PKG_VERSION")
};

/// Pulls stock and goods from 旺店通 (Wangdian) into Delta tables.
///
/// Signed, paged and rate-limited calls become typed rows; each window is landed once and only when it was read
/// whole. Data goes to standard output, everything else to standard error.
#[derive(Debug, Parser)]
#[command(name = "wdt-etl", version = VERSION, after_help = EXIT_CODES, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    /// Options that every command takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The configuration; relative paths in it begin at its folder.
    #[arg(long, global = true, value_name = "FILE", default_value = "wdt-etl.toml")]
    pub config: PathBuf,
    /// Adds the variables of FILE (NAME='value' lines) to the environment.
    ///
    /// A variable that is set already stays as it is. Single quotes keep `$` and `#` in a value.
    #[arg(long, global = true, value_name = "FILE")]
    pub env_file: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole job twice against a built-in simulator; needs nothing.
    ///
    /// Starts the simulator in this process, runs the nightly job, lets the ERP move, runs it again, and says what landed
    /// and how to look at it.
    Demo(Demo),
    /// Write a commented wdt-etl.toml and .env.example.
    Init(Init),
    /// The nightly job: pull everything due and land it.
    ///
    /// Each run continues where the last one stopped, so the same line serves for the first load, every night and after a
    /// failure. Accounts and datasets fail alone; the worst exit code is returned.
    Run(Run),
    /// The nightly job, with every call and answer kept in a folder that holds no secret.
    ///
    /// The folder, a cassette, has what was asked (signed anew with stand-ins), what was answered, byte for byte, and the
    /// settings. `wdt-etl replay` runs it again with no network. docs/replay.md has the format and how to edit it.
    Record(RecordArgs),
    /// A recorded run again: no network, no secret, no waiting, the same tables.
    ///
    /// Every request is built and signed anew for the recorded second and compared with the recorded one. Ends with the
    /// exit code of the recorded run, or with 5 when the two differ. Without --warehouse the tables are made in memory.
    Replay(ReplayArgs),
    /// Compare every row with the platform: mark what vanished, land what changed silently.
    ///
    /// Reads the whole table's range again, so it takes about the calls of a first load; for a weekend, not for every night.
    /// Rows that the platform no longer has are marked as deleted and stay. Rows that differ although their
    /// cursor did not move (volatile columns) are landed. The watermark stays where it is. docs/operations.md has more.
    Reconcile(Reconcile),
    /// Read a range behind the watermark again, or everything, and land what differs.
    ///
    /// For rows older than the `start` a table was loaded from, and for changed `params` or `method`; the refusal of `run`
    /// names the line to type. Never moves the watermark. Stopped or killed, the same line continues where it was.
    Backfill(Backfill),
    /// Run the gateway simulator on a port of this machine.
    ///
    /// It is as strict as the real gateway is documented to be, and says which address and credentials to use.
    Simulate(Simulate),
    /// Watermark, freshness, rows and size of each table.
    Status(Status),
    /// Prove again that nothing is missing: certificates, counts, history, current tables.
    ///
    /// Reads the warehouse alone, needs no secret and changes nothing. One line per check, with how to fix it: certified windows
    /// without a gap up to the watermark, counts that add up, data files that exist, no row logged twice, a current
    /// table that is the newest of its history. Ends with 5 when data is in doubt, with 6 when the warehouse is damaged.
    Verify(Verify),
    /// The columns of a dataset, or the list of datasets.
    ///
    /// As text: how it is called and read, columns, documented values, settings, parameters and notes. CSV has the columns
    /// only. Without DATASET, CSV and JSON hold those of all datasets.
    Schema(Schema),
    /// What a platform's error means, and how to fix it.
    Explain(Explain),
    /// Try configuration, secrets, clock, gateway and warehouse.
    ///
    /// One line each, with how to fix it; one live call per account.
    Check(Check),
    /// A dataset as a file: CSV, XLSX, NDJSON, Parquet or a 2-D JSON list.
    ///
    /// Makes no call and needs no secret. A file is replaced when the new one is whole. Deleted rows are left out; times
    /// are Asia/Shanghai wall time, but Parquet keeps instants. Excel, conditions and the rest: docs/export.md.
    Export(Export),
    /// Two warehouses, or two moments of one, compared row by row.
    ///
    /// Rows are matched by their key: what was added, what was removed, and of a changed row the first column that differs.
    /// Only reads, makes no call, needs no secret and, where both folders are named, no configuration. Rows marked as deleted
    /// count as gone. When a row was read, and by which run, is not compared.
    Diff(Diff),
}

/// Run the whole job twice against a built-in simulator; needs nothing.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  wdt-etl demo\n  wdt-etl demo --rows 20000 --dir /tmp/wdt-demo")]
pub struct Demo {
    /// Rows of each dataset in the simulated ERP.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub rows: u32,
    /// Folder of the demo's warehouse; one that exists must be a demo's.
    #[arg(long, value_name = "DIR", default_value = "wdt-demo")]
    pub dir: PathBuf,
    /// How it is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Write a commented wdt-etl.toml and .env.example.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  wdt-etl init\n  wdt-etl init --dir /etc/wdt-etl")]
pub struct Init {
    /// Where to write them.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Overwrite existing files.
    #[arg(long)]
    pub force: bool,
}

/// The nightly job: pull everything due and land it.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  wdt-etl run
  wdt-etl run --account main --dataset enterprise_stock
  wdt-etl run --until \"2024-05-01 00:00:00\" --dry-run
  0 2 * * *  cd /srv/wdt && wdt-etl run --env-file .env --json >> run.jsonl    (crontab)")]
pub struct Run {
    /// The accounts and datasets.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Stop at this time, Asia/Shanghai [default: the platform's clock minus settle].
    ///
    /// A time later than the platform's clock is refused; one within settle is moved back, with a notice.
    #[arg(long, value_name = "YYYY-MM-DD HH:MM:SS", value_parser = wall_time)]
    pub until: Option<Seconds>,
    /// Take a window between these times that cannot be certified as it is, on record; Asia/Shanghai.
    ///
    /// Needs one --account and one --dataset. What can be certified still is; of the rest inside these times the fullest
    /// reading is landed, and `etl_windows` says `accepted`. The message of the failed run names the window.
    #[arg(long, num_args = 2, value_names = ["START", "END"], value_parser = wall_time)]
    pub accept_window: Vec<Seconds>,
    /// Read, type and certify, but land nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// How it is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Compare every row with the platform: mark what vanished, land what changed silently.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  wdt-etl reconcile --dry-run
  wdt-etl reconcile --account main --dataset enterprise_stock
  wdt-etl reconcile --max-deletes 500
  0 3 * * 6  cd /srv/wdt && wdt-etl reconcile --env-file .env --json >> reconcile.jsonl    (crontab)")]
pub struct Reconcile {
    /// The accounts and datasets.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Mark at most N rows of an account's dataset, or `all` [default: 5 % of its rows, at least 20].
    ///
    /// When more are gone none is marked, and the exit code is 5: an account that lost a right looks the same.
    #[arg(long, value_name = "N|all", value_parser = delete_limit)]
    pub max_deletes: Option<DeleteLimit>,
    /// Read and compare, and say what would be marked; land nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// How it is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Read a range behind the watermark again, or everything, and land what differs.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  wdt-etl backfill --from \"2023-01-01 00:00:00\" --to \"2024-01-01 00:00:00\"
  wdt-etl backfill --account main --dataset enterprise_stock --from \"2012-01-01 00:00:00\" --to \"2024-04-01 00:00:00\"
  wdt-etl backfill --all --dataset enterprise_stock --dry-run      (00:00 to 02:00 in China)",
    mut_arg("datasets", |arg| arg.help("Only this dataset; may be given several times [default: all that can be read so]")))]
pub struct Backfill {
    /// First second to read, Asia/Shanghai, together with --to; --all needs neither. It may be before `start`.
    #[arg(long, value_name = "YYYY-MM-DD HH:MM:SS", value_parser = wall_time, required_unless_present = "all", requires = "to")]
    pub from: Option<Seconds>,
    /// Last second to read, Asia/Shanghai; one behind the watermark, or the range ends there.
    #[arg(long, value_name = "YYYY-MM-DD HH:MM:SS", value_parser = wall_time, requires = "from")]
    pub to: Option<Seconds>,
    /// Everything behind the watermark by the endpoint's own full read (docs/endpoints.md), landed whole or not at all.
    #[arg(long, conflicts_with_all = ["from", "to"])]
    pub all: bool,
    /// The accounts and datasets.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Read, type and certify, but land nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// How it is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Run the gateway simulator on a port of this machine.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  wdt-etl simulate\n  wdt-etl simulate --rows 100000 --calls-per-minute 0")]
pub struct Simulate {
    /// Port on 127.0.0.1; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value_t = 18_080)]
    pub port: u16,
    /// Rows of each dataset.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub rows: u32,
    /// Days behind now over which the rows' changes are spread.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=7_300))]
    pub days: u32,
    /// Calls a minute that are answered; 0 is no limit.
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub calls_per_minute: u32,
    /// The same seed gives the same rows.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Share of pages, 0 to 1, after which rows are edited.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    pub edits_per_page: f64,
}

/// Watermark, freshness, rows and size of each table.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Examples:\n  wdt-etl status\n  wdt-etl status --max-age 26h    (fails when a dataset is older)"
)]
pub struct Status {
    /// Fail when a dataset is complete only up to a time longer ago than this: 30s, 5m, 26h or 2d.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub max_age: Option<i64>,
    /// Print one JSON object a line instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Prove again that nothing is missing: certificates, counts, history, current tables.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  wdt-etl verify
  wdt-etl verify --account main --dataset enterprise_stock --json
  wdt-etl verify --probe --days 30 --env-file .env    (calls the platform once a window)")]
pub struct Verify {
    /// The accounts and datasets.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Ask the platform for the total of each certified window again: more than was read means rows came in later.
    ///
    /// One call a window, within the account's limit; needs the secrets. Snapshots are not asked for.
    #[arg(long)]
    pub probe: bool,
    /// With --probe: windows that ended in so many days before now.
    #[arg(long, value_name = "N", default_value_t = 7, requires = "probe", value_parser = clap::value_parser!(u32).range(1..=7_300))]
    pub days: u32,
    /// Print one JSON object a line instead of text.
    #[arg(long)]
    pub json: bool,
}

/// The columns of a dataset, or the list of datasets.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  wdt-etl schema
  wdt-etl schema enterprise_stock
  wdt-etl schema --format csv > columns.csv
  wdt-etl schema enterprise_goods --json")]
pub struct Schema {
    /// The dataset; without it all are listed.
    #[arg(value_name = "DATASET")]
    pub dataset: Option<String>,
    /// The form: text for people, a CSV table of the columns, or one JSON document.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = SchemaFormat::Text, conflicts_with = "json")]
    pub format: SchemaFormat,
    /// Print one JSON object a line: a column each, without DATASET a dataset each.
    #[arg(long)]
    pub json: bool,
}

/// The forms of `schema`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaFormat {
    /// For people.
    Text,
    /// A line a column.
    Csv,
    /// One document.
    Json,
}

/// What a platform's error means, and how to fix it.
///
/// Takes a code (2104), a sub-code (isv.invalid-parameter), words of a message (频率) or the whole line that wdt-etl
/// printed, and looks on every gateway.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  wdt-etl explain 2104
  wdt-etl explain isv.invalid-parameter --gateway top
  wdt-etl explain 频率
  wdt-etl explain    (lists all)")]
pub struct Explain {
    /// Code, sub-code or message; without it all are listed.
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
    /// Only this gateway: enterprise, flagship or top.
    #[arg(long, value_name = "NAME", value_parser = gateway)]
    pub gateway: Option<Gateway>,
    /// Print one JSON object a line instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Try configuration, secrets, clock, gateway and warehouse.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  wdt-etl check --offline\n  wdt-etl check --env-file .env")]
pub struct Check {
    /// Make no call.
    #[arg(long)]
    pub offline: bool,
    /// Print one JSON object a line instead of text.
    #[arg(long)]
    pub json: bool,
}

/// How many rows may be marked.
fn delete_limit(text: &str) -> Result<DeleteLimit, String> {
    if text == "all" {
        return Ok(DeleteLimit::All);
    }
    text.parse().map(DeleteLimit::Rows).map_err(|_| "write a number of rows, or all".to_owned())
}

/// A gateway by its name.
fn gateway(name: &str) -> Result<Gateway, String> {
    let names: Vec<_> = Gateway::ALL.iter().map(|gateway| gateway.name()).collect();
    Gateway::from_name(name).ok_or_else(|| format!("the gateways are {}", names.join(", ")))
}

/// A share of a whole.
fn share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "write a number from 0 to 1, as in 0.3".to_owned())
}

/// Seconds of a duration.
fn duration(text: &str) -> Result<i64, String> {
    parse_duration(text).ok_or_else(|| "write a number and a unit, as in 30s, 5m, 26h or 2d".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn times_and_durations_are_read_as_seconds() {
        let cli = Cli::try_parse_from([
            "wdt-etl",
            "run",
            "--until",
            "1970-01-01 08:00:10",
            "--account",
            "a",
            "--account",
            "b",
        ])
        .unwrap();
        let Command::Run(run) = cli.command else { panic!("not run") };
        assert_eq!((run.until, run.select.accounts.len()), (Some(Seconds(10)), 2));
        let cli = Cli::try_parse_from(["wdt-etl", "status", "--max-age", "26h", "--config", "x.toml"]).unwrap();
        assert_eq!(cli.global.config.to_str(), Some("x.toml"));
        let Command::Status(status) = cli.command else { panic!("not status") };
        assert_eq!(status.max_age, Some(93_600));
    }

    #[test]
    fn usage_errors_end_with_2() {
        for line in [
            ["run", "--until", "yesterday"],
            ["status", "--max-age", "26"],
            ["run", "--accept-window", "2024-05-01 00:00:00"],
            ["backfill", "--from", "2024-05-01 00:00:00"],
            ["backfill", "--account", "main"],
            ["demo", "--rows", "0"],
            ["reconcile", "--max-deletes", "5%"],
            ["schema", "--format", "xml"],
            ["schema", "--json", "--format=csv"],
            ["explain", "--gateway", "cainiao"],
        ] {
            let error = Cli::try_parse_from(["wdt-etl"].into_iter().chain(line)).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{line:?}");
        }
    }
}
