//! `wdt-etl verify`: certificates without a gap, counts that add up, a history that is whole, a current table that is
//! its fold. Reads the warehouse alone and changes nothing; with `--probe` the platform is asked for its totals again.

mod files;
mod line;
mod mirrors;
mod probe;
mod windows;

use std::collections::HashSet;
use std::io::Write;
use std::path::Path;

use wdt_fetch::Limiters;
use wdt_models::{Endpoint, SyncMode};

use super::output;
use crate::cli::Verify;
use crate::config::{Account, Config, Dataset};
use crate::error::{EtlError, gravest};
use crate::pipeline::{Surroundings, slices};
use line::{Grave, Line, Subject};
use wdt_warehouse::proof::{
    AccountStatement, CurrentFiles, HistoryFiles, Refold, Refolded, Statement, mirrors as counted,
};
use wdt_warehouse::schema::TableSpec;
use wdt_warehouse::{Table, Warehouse, WarehouseError, applied_version, folded, same_log};

const REBUILD: &str =
    "move the folder of the current table away: the next run builds it again from the history, without a call";
const DAMAGED_LOG: &str = "put the history's log back from a copy; wdt-etl never deletes or changes a commit";
const REPEATED: &str = "a reader that adds up the history counts these rows twice: put the history back from a copy";

/// What is asked of one dataset.
struct Asked<'a> {
    endpoint: &'static Endpoint,
    datasets: Vec<(&'a Account, &'a Dataset)>,
    args: &'a Verify,
    around: &'a Surroundings,
    limiters: &'a Limiters,
}

/// Checks the warehouse and returns the gravest exit code: 5 when data is in doubt, 6 when the warehouse is damaged.
///
/// # Errors
///
/// When an account or dataset is not configured, `out` cannot be written, or Ctrl-C ends a probe.
pub async fn verify(
    config: &Config,
    args: &Verify,
    around: &Surroundings,
    out: &mut (dyn Write + Send),
) -> Result<u8, EtlError> {
    let selected = config.select(&args.select.accounts, &args.select.datasets)?;
    let there = around.warehouse.is_some() || Path::new(&config.warehouse.url).exists();
    let warehouse = if there { Some(around.warehouse(config)?) } else { None };
    let limiters = Limiters::new();
    let mut seen = HashSet::new();
    let mut codes = Vec::new();
    for endpoint in selected.iter().map(|(_, dataset)| dataset.endpoint) {
        if !seen.insert(endpoint.dataset) {
            continue;
        }
        let datasets =
            selected.iter().filter(|(_, dataset)| dataset.endpoint.dataset == endpoint.dataset).copied().collect();
        let asked = Asked { endpoint, datasets, args, around, limiters: &limiters };
        let mut lines = Vec::new();
        match asked.look(warehouse.as_ref(), &mut lines).await {
            Ok(()) => {}
            Err(EtlError::Interrupted) => return Err(EtlError::Interrupted),
            Err(error) => lines.push(asked.table("tables").error(&error)),
        }
        lines.iter().try_for_each(|line| line.print(args.json, out)).map_err(output)?;
        codes.extend(lines.iter().map(|line| line.exit_code));
    }
    Ok(gravest(codes))
}

impl Asked<'_> {
    const fn table(&self, check: &'static str) -> Subject<'static> {
        Subject::table(check, self.endpoint.dataset)
    }

    async fn look(&self, warehouse: Option<&Warehouse>, lines: &mut Vec<Line>) -> Result<(), EtlError> {
        let Some(warehouse) = warehouse else {
            lines.extend(self.nothing());
            return Ok(());
        };
        // in this order: a run that lands meanwhile leaves no current table that is ahead of its history
        let mut current = Table::open(warehouse, &TableSpec::current(self.endpoint)).await?;
        let history = Table::open(warehouse, &TableSpec::history(self.endpoint)).await?;
        let Some(history) = history else {
            match current {
                None => lines.extend(self.nothing()),
                Some(_) => lines.push(self.table("log").failed(
                    Grave::Damage,
                    "the history is gone, its current table is there",
                    DAMAGED_LOG,
                )),
            }
            return Ok(());
        };
        let log = Statement::read(&history).await?;
        let detail = format!("{} commits, none is missing or made by another program", history.version());
        lines.push(self.table("log").of(&log.damage, Grave::Damage, DAMAGED_LOG, detail));
        self.accounts(&log, lines);
        if self.files((&history, current.as_ref()), &log, lines).await? {
            if !warehouse.keeps_current() {
                current = Some(folded(self.endpoint, &history).await?);
            }
            self.rows((&history, current.as_ref()), &log, lines).await?;
        }
        let counted = counted(warehouse, self.endpoint.dataset, &log).await?;
        lines.push(mirrors::mirrors(self.table("mirrors"), history.version(), &counted));
        if self.args.probe {
            self.probe(&log, current.as_ref(), lines).await?;
        }
        Ok(())
    }

    /// Each account whose first run is still to come.
    fn nothing(&self) -> impl Iterator<Item = Line> {
        self.datasets.iter().map(|(account, _)| self.unread(account))
    }

    fn unread(&self, account: &Account) -> Line {
        Subject::account("windows", &account.name, self.endpoint.dataset)
            .note("nothing is landed yet", "run `wdt-etl run`")
    }

    /// What the certificates of each account say.
    fn accounts(&self, log: &Statement, lines: &mut Vec<Line>) {
        for (account, dataset) in &self.datasets {
            let Some(landed) = log.accounts.get(&account.name) else {
                lines.push(self.unread(account));
                continue;
            };
            let subject = |check| Subject::account(check, &account.name, self.endpoint.dataset);
            lines.push(match self.endpoint.sync {
                SyncMode::Incremental(_) => windows::windows(subject("windows"), landed),
                SyncMode::Slices(_) | SyncMode::Ids(_) => windows::slices(subject("slices"), landed, &slices(dataset)),
            });
            lines.push(windows::certificates(subject("certificates"), landed));
            lines.push(windows::watermark(subject("watermark"), landed));
            lines.push(windows::counts(subject("counts"), landed));
        }
    }

    /// Whether the data files of both tables are there, so that their rows can be compared.
    async fn files(
        &self,
        (history, current): (&Table, Option<&Table>),
        log: &Statement,
        lines: &mut Vec<Line>,
    ) -> Result<bool, WarehouseError> {
        let found = HistoryFiles::read(history, log).await?;
        lines.push(files::history(self.table("history files"), &found, log.commits.len()));
        let mut both = found.readable() && log.damage.is_empty();
        if let Some(current) = current {
            let found = CurrentFiles::read(current).await?;
            lines.push(files::current(self.table("current files"), &found));
            both &= found.readable();
        }
        if !both {
            lines.push(self.table("current").note("not compared with the history", "fix what is reported above first"));
        }
        Ok(both)
    }

    /// What stands in the data files of both tables.
    async fn rows(
        &self,
        (history, current): (&Table, Option<&Table>),
        log: &Statement,
        lines: &mut Vec<Line>,
    ) -> Result<(), WarehouseError> {
        let applied = match current {
            Some(current) => {
                let applied = applied_version(current).await?;
                if let Err(error) = same_log(history, current, applied).await {
                    lines.push(self.table("current").error(&error.into()));
                    return Ok(());
                }
                Some((current, applied))
            }
            None => None,
        };
        let fold = Refold { endpoint: self.endpoint, history, commits: &log.commits, current: applied };
        let folded = fold.compare().await?;
        let detail = "no row is logged twice in a row";
        lines.push(self.table("history rows").of(&folded.repeated, Grave::Damage, REPEATED, detail));
        lines.push(self.current(&folded, applied.map(|(_, applied)| applied), history.version()));
        Ok(())
    }

    fn current(&self, folded: &Refolded, applied: Option<u64>, version: u64) -> Line {
        let subject = self.table("current");
        let Some(applied) = applied else {
            return subject
                .note("the table is not there", "nothing: the next run builds it from the history, without a call");
        };
        let detail = format!("{} rows, each the newest of the history", folded.equal);
        if applied < version && folded.differing.is_empty() {
            let detail = format!("{detail} up to commit {applied}; {} commits behind", version - applied);
            return subject.note(detail, "nothing: the next run applies them, without a call");
        }
        subject.of(&folded.differing, Grave::Damage, REBUILD, detail)
    }

    async fn probe(&self, log: &Statement, current: Option<&Table>, lines: &mut Vec<Line>) -> Result<(), EtlError> {
        if !matches!(self.endpoint.sync, SyncMode::Incremental(_)) {
            return Ok(());
        }
        let nothing = AccountStatement::default();
        for (account, dataset) in &self.datasets {
            let subject = Subject::account("probe", &account.name, self.endpoint.dataset);
            let limiter = self.limiters.get(account.gateway, &account.app_key, account.calls_per_minute);
            let landed = log.accounts.get(&account.name).unwrap_or(&nothing);
            let probed =
                probe::probe(subject, (account, dataset, &limiter), (landed, current), self.args.days, self.around)
                    .await;
            match probed {
                Ok(line) => lines.push(line),
                Err(EtlError::Interrupted) => return Err(EtlError::Interrupted),
                Err(error) => lines.push(subject.error(&error)),
            }
        }
        Ok(())
    }
}
