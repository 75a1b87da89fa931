//! The command line of `export`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::args::wall_time;
use wdt_models::time::Seconds;

/// A dataset as a file: CSV, XLSX, NDJSON, Parquet or a 2-D JSON list.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  wdt-etl export enterprise_stock -o stock.xlsx --labels zh --values zh
  wdt-etl export flagship_stock -o stock.csv --labels zh --columns report
  wdt-etl export enterprise_stock -o - --columns spec_no,stock_num --where \"stock_num < 10\"
  wdt-etl export enterprise_goods -o goods.ndjson --where \"shop_no = '017' AND status = 1\"
  wdt-etl export flagship_goods -o changed.csv --changed-since \"2024-05-01 00:00:00\"
  wdt-etl export enterprise_stock -o then.parquet --as-of \"2024-05-01 00:00:00\"
  wdt-etl export --all -o exports --format xlsx")]
pub struct Export {
    /// The dataset; `wdt-etl schema` lists them.
    #[arg(value_name = "DATASET", required_unless_present = "all", conflicts_with = "all")]
    pub dataset: Option<String>,
    /// The file, `-` for standard output; with --all a folder, created if missing.
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Write every dataset, one file per dataset.
    #[arg(long, conflicts_with_all = ["columns", "condition", "warehouses"])]
    pub all: bool,
    /// The format [default: what the file's name ends with; csv for - and --all].
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<ExportFormat>,
    /// Heads of the columns: the platform's names, English or Chinese labels.
    #[arg(long, value_name = "LABELS", default_value = "api")]
    pub labels: ExportLabels,
    /// Only these columns, in this order; `report` stands for those of the dataset's own report.
    #[arg(long, value_name = "A,B,C", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Documented codes as words of this language; values that no document lists stay.
    #[arg(long, value_name = "LANGUAGE")]
    pub values: Option<ExportWords>,
    /// Only this account; may be given several times.
    #[arg(long = "account", value_name = "NAME")]
    pub accounts: Vec<String>,
    /// Only rows with this `warehouse_no`, `warehouse_id` or `store_code`; may be given several times.
    #[arg(long = "warehouse", value_name = "CODE")]
    pub warehouses: Vec<String>,
    /// Only rows that a run changed at this time or later, Asia/Shanghai.
    #[arg(long, value_name = "YYYY-MM-DD HH:MM:SS", value_parser = wall_time)]
    pub changed_since: Option<Seconds>,
    /// Only rows that meet a condition, as in `"stock_num > 0 AND spec_no IN ('A', 'B')"`.
    #[arg(long = "where", value_name = "CONDITION")]
    pub condition: Option<String>,
    /// Rows that vanished upstream too.
    #[arg(long)]
    pub include_deleted: bool,
    /// The rows as the readings up to this time had left them, Asia/Shanghai.
    #[arg(long, value_name = "YYYY-MM-DD HH:MM:SS", value_parser = wall_time)]
    pub as_of: Option<Seconds>,
}

/// Format of an exported file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Comma-separated, UTF-8 with a byte order mark.
    Csv,
    /// Workbook of Excel and others.
    Xlsx,
    /// One JSON object a line.
    #[value(alias = "jsonl")]
    Ndjson,
    /// The table's own types.
    Parquet,
    /// A list of lists, the labels first.
    Json,
}

impl ExportFormat {
    /// The ending of its files.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
            Self::Json => "json",
        }
    }

    /// The format of a file of that name.
    #[must_use]
    pub fn of_ending(path: &Path) -> Option<Self> {
        Self::from_str(path.extension()?.to_str()?, true).ok()
    }
}

/// Which names the columns of an exported file have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportLabels {
    /// Names of the platform, as in the tables.
    Api,
    /// English labels.
    En,
    /// Chinese labels.
    Zh,
}

/// Language that documented codes are written out in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportWords {
    /// Chinese.
    Zh,
    /// English.
    En,
}
