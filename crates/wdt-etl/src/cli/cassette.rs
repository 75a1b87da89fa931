//! The options of `record` and `replay`.

use std::path::PathBuf;

use clap::Args;

use super::args::{OutputArgs, SelectArgs, wall_time};
use wdt_models::time::Seconds;
use wdt_warehouse::Format;

/// The nightly job, recorded.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  wdt-etl record cassettes/2026-11-22
  wdt-etl record cassettes/stock --account main --dataset enterprise_stock --dry-run
  wdt-etl record cassettes/shared --mask-accounts --scramble SCRAMBLE_KEY")]
pub struct RecordArgs {
    /// Folder of the cassette; it must be empty or not there.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// The accounts and datasets.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Stop at this time, Asia/Shanghai [default: the platform's clock minus settle].
    #[arg(long, value_name = "YYYY-MM-DD HH:MM:SS", value_parser = wall_time)]
    pub until: Option<Seconds>,
    /// Put stand-ins in the place of sid and `app_key`, in settings and requests.
    #[arg(long)]
    pub mask_accounts: bool,
    /// Scramble the merchant's texts (names, numbers of goods, remarks) by the key in the variable VAR.
    ///
    /// Equal texts stay equal, so joins still work; quantities, times, ids that are numbers and documented codes stay.
    #[arg(long, value_name = "VAR")]
    pub scramble: Option<String>,
    /// Read, type and certify, but land nothing; the cassette is the same.
    #[arg(long)]
    pub dry_run: bool,
    /// How it is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// A recorded run again.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  wdt-etl replay cassettes/2026-11-22
  wdt-etl replay cassettes/2026-11-22 --warehouse replayed
  wdt-etl replay cassettes/2026-11-22 --warehouse replayed --format parquet
  wdt-etl replay cassettes/monday --warehouse w && wdt-etl replay cassettes/tuesday --warehouse w")]
pub struct ReplayArgs {
    /// Folder of the cassette.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Folder the tables land in [default: memory, and gone at the end].
    ///
    /// An empty one begins where the recorded run began; one that contains the night before continues from there.
    #[arg(long, value_name = "FOLDER")]
    pub warehouse: Option<PathBuf>,
    /// How the tables are kept there: as `delta`, or as plain `parquet`, which leaves the same bytes each time.
    #[arg(long, value_name = "FORMAT", value_parser = format, default_value = "delta", requires = "warehouse")]
    pub format: Format,
    /// How it is printed.
    #[command(flatten)]
    pub output: OutputArgs,
}

fn format(text: &str) -> Result<Format, String> {
    let format = Format::ALL.into_iter().find(|format| format.name() == text);
    format.ok_or_else(|| format!("formats: {}", Format::ALL.map(Format::name).join(", ")))
}
