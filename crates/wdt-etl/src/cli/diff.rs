//! The command line of `diff`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use wdt_models::time::{Seconds, parse_wall_time};

/// Parts a folder from the moment at which it is looked at.
const AT: char = '@';

/// Two warehouses, or two moments of one, compared row by row.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
A side is FOLDER (as it is now), FOLDER@VERSION (a version of the dataset's history table) or
FOLDER@\"YYYY-MM-DD HH:MM:SS\" (as the readings up to this time had left it, Asia/Shanghai).
Without FOLDER it is the warehouse of the configuration: @, @12. A folder whose own name holds an @
is written with one more at its end.

Examples:
  wdt-etl diff expected warehouse                  (what a night must give, and what it gave)
  wdt-etl diff \"@2024-05-01 00:00:00\" @            (what has changed since)
  wdt-etl diff warehouse@12 warehouse@13 --dataset enterprise_stock
  wdt-etl diff warehouse copy --ignore volatile --limit 0    (counts alone)
  wdt-etl diff warehouse copy --json | jq -c 'select(.event == \"row\")'

Exit codes:
  0    equal
  1    different (with `error: a bug in wdt-etl` on standard error: a bug)
  2    usage: an unknown dataset, column or account, a version that is not there
  6    a side is not a warehouse, has no such dataset or cannot be read
  130  interrupted")]
pub struct Diff {
    /// What there was: FOLDER, FOLDER@VERSION or FOLDER@"TIME".
    #[arg(value_name = "A")]
    pub a: DiffSide,
    /// What there is now: the same forms.
    #[arg(value_name = "B")]
    pub b: DiffSide,
    /// Only this dataset; may be given several times [default: all that either side holds].
    #[arg(long = "dataset", value_name = "NAME")]
    pub datasets: Vec<String>,
    /// Only this account; may be given several times.
    #[arg(long = "account", value_name = "NAME")]
    pub accounts: Vec<String>,
    /// Compare these columns alone [default: all documented ones and `_wdt_extra`].
    #[arg(long, value_name = "A,B,C", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Leave these columns out; `volatile` stands for all that change without moving the cursor.
    #[arg(long, value_name = "A,B,C", value_delimiter = ',', conflicts_with = "columns")]
    pub ignore: Vec<String>,
    /// Rows shown of each kind (removed, added, changed) and dataset; all are counted.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: usize,
    /// Print one JSON object a line instead of text.
    #[arg(long)]
    pub json: bool,
}

/// A warehouse and the moment at which it is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffSide {
    /// The folder; none for the warehouse of the configuration.
    pub folder: Option<PathBuf>,
    /// When.
    pub moment: Moment,
}

/// When a warehouse is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// As it is.
    Now,
    /// At a version of a dataset's history table.
    Version(u64),
    /// As the readings up to this time had left it.
    Time(Seconds),
}

impl Diff {
    /// Whether a side is the warehouse of the configuration.
    #[must_use]
    pub const fn asks_configuration(&self) -> bool {
        self.a.folder.is_none() || self.b.folder.is_none()
    }
}

impl FromStr for DiffSide {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (folder, moment) = match text.rsplit_once(AT) {
            None => (text, Moment::Now),
            // an @ in the name of a folder above
            Some((_, behind)) if behind.contains(['/', '\\']) => (text, Moment::Now),
            Some((folder, "")) => (folder, Moment::Now),
            Some((folder, behind)) => (folder, moment(behind)?),
        };
        if text.is_empty() {
            return Err("name a folder, or @ for the warehouse of the configuration".to_owned());
        }
        let folder = Some(folder).filter(|folder| !folder.is_empty()).map(PathBuf::from);
        Ok(Self { folder, moment })
    }
}

fn moment(text: &str) -> Result<Moment, String> {
    let version = text.parse().ok().map(Moment::Version);
    version.or_else(|| parse_wall_time(text).map(Moment::Time)).ok_or_else(|| {
        "after @ write a version of the history, as in @12, or a time, as in @\"2024-05-01 00:00:00\" \
         (Asia/Shanghai); a folder with an @ in its name is written with one more at its end"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn side(text: &str) -> (Option<String>, Moment) {
        let side: DiffSide = text.parse().unwrap();
        (side.folder.map(|folder| folder.display().to_string()), side.moment)
    }

    #[test]
    fn a_side_is_a_folder_and_a_moment_of_it() {
        let folder = |name: &str| Some(name.to_owned());
        assert_eq!(side("warehouse"), (folder("warehouse"), Moment::Now));
        assert_eq!(side("./a b@12"), (folder("./a b"), Moment::Version(12)));
        assert_eq!(side("w@1970-01-01 08:00:10"), (folder("w"), Moment::Time(Seconds(10))));
        assert_eq!(side("@"), (None, Moment::Now));
        assert_eq!(side("@0"), (None, Moment::Version(0)));
        assert_eq!(side("me@home/w"), (folder("me@home/w"), Moment::Now));
        assert_eq!(side("me@home/w@3"), (folder("me@home/w"), Moment::Version(3)));
        assert_eq!(side("w@2@"), (folder("w@2"), Moment::Now));
    }

    #[test]
    fn what_is_no_moment_is_refused_with_the_forms_there_are() {
        for text in ["w@yesterday", "w@-1", "w@1.5", "w@2026-11-21", "w@99999999999999999999"] {
            assert!(text.parse::<DiffSide>().unwrap_err().contains("@12"), "{text}");
        }
        assert!("".parse::<DiffSide>().unwrap_err().contains("name a folder"));
    }
}
