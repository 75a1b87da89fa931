//! `wdt-etl diff`: two warehouses, or two moments of one, compared row by row.

mod columns;
mod line;
mod shown;
mod side;

use wdt_models::{Endpoint, endpoints};
use wdt_warehouse::as_of::{self, Source};
use wdt_warehouse::compare::{Columns, Compared, Sides};

use self::line::DiffOutcome;
use self::shown::Shown;
use self::side::{At, Side};
use super::export::{Console, find};
use super::output;
use crate::cli::{Diff, Moment};
use crate::config::Config;
use crate::error::EtlError;
use crate::words::{list, nearest, quoted};
use wdt_warehouse::DatasetTables;

/// Exit code for sides that differ.
const DIFFERENT: u8 = 1;

/// Both tables of a dataset on either side, where it landed.
type Tables = [Option<DatasetTables>; 2];

/// Compares the two sides: 0 when they are equal, 1 when they differ. `config` names the warehouse of a side without a folder.
///
/// # Errors
///
/// [`EtlError::Usage`] for names and versions that are not there, [`EtlError::Absent`] for a side that is no warehouse, and
/// faults of the warehouses. The other datasets are compared first, and the gravest fault is returned.
pub async fn diff(args: &Diff, config: Option<&Config>, around: &mut Console<'_>) -> Result<u8, EtlError> {
    let mut asked = chosen(args)?;
    columns::check(&asked, args)?;
    let sides = [Side::open(&args.a, config)?, Side::open(&args.b, config)?];
    let mut errors = Vec::new();
    let mut found = Vec::new();
    for endpoint in asked.drain(..) {
        match tables(&sides, endpoint).await {
            Ok([None, None]) if args.datasets.is_empty() => {}
            Ok(tables) => found.push((endpoint, tables)),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        landed(args, &sides, &found)?;
        known_accounts(args, &found)?;
    }
    let mut work = Work { args, sides: &sides, around, different: false, reader_gone: false };
    for (endpoint, tables) in &found {
        match work.dataset(endpoint, tables).await {
            Err(EtlError::Interrupted) => return Err(EtlError::Interrupted),
            Err(error) => errors.push(error),
            Ok(()) => {}
        }
    }
    let different = work.different;
    super::export::gravest(errors, around)?;
    Ok(if different { DIFFERENT } else { 0 })
}

/// What all datasets have in common.
struct Work<'a, 'o> {
    args: &'a Diff,
    sides: &'a [Side; 2],
    around: &'a mut Console<'o>,
    different: bool,
    /// Nobody reads what is printed; the exit code still tells.
    reader_gone: bool,
}

impl<'a> Work<'a, '_> {
    /// Compares a dataset and prints what came out.
    async fn dataset(&mut self, endpoint: &'static Endpoint, tables: &Tables) -> Result<(), EtlError> {
        let outcome = self.compare(endpoint, tables).await?;
        self.different |= outcome.differs();
        if self.reader_gone {
            return Ok(());
        }
        let printed = outcome.print(self.args.json, self.around.out).and_then(|()| self.around.out.flush());
        match printed.map_err(output) {
            Err(EtlError::ReaderGone) => self.reader_gone = true,
            other => other?,
        }
        Ok(())
    }

    async fn compare(&self, endpoint: &'static Endpoint, tables: &Tables) -> Result<DiffOutcome<'a>, EtlError> {
        let [a, b] = self.sides;
        let [left, right] = tables;
        let at = [left.as_ref().map(|tables| a.at(tables)), right.as_ref().map(|tables| b.at(tables))];
        let [left, right] = at.map(Option::transpose);
        let at = [left?, right?];
        let mut outcome = DiffOutcome { dataset: endpoint.dataset, sides: [a, b], at, found: None };
        if !self.args.accounts.is_empty() || !self.same(tables, at) {
            let columns = columns::of(endpoint, self.args);
            outcome.found = Some(self.rows(&columns, tables, at).await?);
        }
        Ok(outcome)
    }

    /// Compares the rows, and reads those again that are shown.
    async fn rows(
        &self,
        columns: &Columns,
        tables: &Tables,
        at: [Option<At>; 2],
    ) -> Result<(Compared, Shown), EtlError> {
        let source = async |side: usize| match (&tables[side], at[side]) {
            (Some(tables), Some(at)) => side::rows(tables, at, &self.args.accounts).await.map(Some),
            _ => Ok(None),
        };
        let [a, b]: [Option<Source<'_>>; 2] = [source(0).await?, source(1).await?];
        let sources = [a.as_ref(), b.as_ref()];
        let stop = &|| *self.around.stop.borrow();
        let compared = Sides::new(columns, sources, self.args.limit, stop)?.compare().await?;
        let compared = compared.ok_or(EtlError::Interrupted)?;
        let shown = Shown::read(&compared, sources, columns).await?;
        Ok((compared, shown))
    }

    /// Whether both sides look at the same tables in the same state.
    fn same(&self, tables: &Tables, at: [Option<At>; 2]) -> bool {
        let [a, b] = self.sides;
        match (tables, at) {
            ([Some(left), Some(right)], [Some(left_at), Some(right_at)]) => {
                a.same(b, (left, left_at), (right, right_at))
            }
            _ => false,
        }
    }
}

/// The datasets named, or all.
fn chosen(args: &Diff) -> Result<Vec<&'static Endpoint>, EtlError> {
    let mut chosen: Vec<&'static Endpoint> = Vec::new();
    for name in &args.datasets {
        let endpoint = find(name)?;
        if !chosen.iter().any(|known| known.dataset == endpoint.dataset) {
            chosen.push(endpoint);
        }
    }
    let versions = [&args.a, &args.b].iter().any(|side| matches!(side.moment, Moment::Version(_)));
    if versions && chosen.len() != 1 {
        return Err(EtlError::Usage {
            message: "a version needs one dataset, because each dataset has versions of its own".to_owned(),
            hint: Some(
                "name the dataset, as in --dataset enterprise_stock, or a time instead of the version".to_owned(),
            ),
        });
    }
    Ok(if chosen.is_empty() { endpoints::ALL.to_vec() } else { chosen })
}

async fn tables(sides: &[Side; 2], endpoint: &'static Endpoint) -> Result<Tables, EtlError> {
    Ok([sides[0].tables(endpoint).await?, sides[1].tables(endpoint).await?])
}

/// Refuses a side that holds nothing at all, and a dataset that neither side holds.
fn landed(args: &Diff, sides: &[Side; 2], found: &[(&'static Endpoint, Tables)]) -> Result<(), EtlError> {
    if let Some((endpoint, _)) = found.iter().find(|(_, tables)| tables.iter().all(Option::is_none)) {
        let [a, b] = sides.each_ref().map(|side| side.name.as_str());
        let neither = if a == b { format!("`{a}` has no") } else { format!("neither `{a}` nor `{b}` has a") };
        return Err(EtlError::Absent {
            what: format!("{neither} table `{}`", endpoint.dataset),
            hint: format!("`wdt-etl run --dataset {}` lands it", endpoint.dataset),
        });
    }
    for (number, side) in sides.iter().enumerate() {
        if args.datasets.is_empty() && !found.iter().any(|(_, tables)| tables[number].is_some()) {
            return Err(side::absent(&side.name, "no dataset's tables lie in it"));
        }
    }
    Ok(())
}

/// Refuses an account that has no row on either side.
fn known_accounts(args: &Diff, found: &[(&'static Endpoint, Tables)]) -> Result<(), EtlError> {
    if args.accounts.is_empty() {
        return Ok(());
    }
    let mut known = Vec::new();
    for tables in found.iter().flat_map(|(_, tables)| tables).flatten() {
        known.extend(as_of::accounts(tables)?);
    }
    known.sort_unstable();
    known.dedup();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let Some(name) = args.accounts.iter().find(|name| !known.contains(&name.as_str())) else { return Ok(()) };
    let near = nearest(name, known.iter().copied()).map(|near| format!("did you mean `{near}`? "));
    Err(EtlError::Usage {
        message: format!("no account {} has rows on either side", quoted(name)),
        hint: Some(format!("{}accounts: {}", near.unwrap_or_default(), list(&known))),
    })
}
