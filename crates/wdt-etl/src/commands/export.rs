//! `wdt-etl export`: a dataset, or all of them, as files for people and other programs.

mod columns;
mod filter;
mod json;
mod parquet_file;
mod predicate;
mod separated;
mod sink;
mod target;
mod words;
mod workbook;

use std::io::{BufWriter, IsTerminal as _, Write};
use std::path::Path;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use futures::stream::TryStreamExt as _;
use tokio::sync::watch;
use wdt_models::{Endpoint, endpoints};
use wdt_warehouse::as_of::{self, Source, Until};

use self::columns::Column;
use self::filter::Filter;

use self::sink::{Head, Sink};
use self::target::Target;
use super::output;
use crate::cli::{Export, ExportFormat};
use crate::config::Config;
use crate::error::EtlError;
use crate::warehouse;
use crate::words::{list, nearest, quoted};
use wdt_warehouse::schema::TableSpec;
use wdt_warehouse::{DatasetTables, WarehouseError};

/// Stands for standard output.
const STDOUT: &str = "-";
/// Bytes gathered before they are written.
const BUFFER_BYTES: usize = 256 << 10;

/// Where the command writes and when it stops.
pub struct Console<'a> {
    /// Standard output: the rows, with `-o -`.
    pub out: &'a mut (dyn Write + Send),
    /// Standard error: what was written, and what the user should know of it.
    pub notes: &'a mut (dyn Write + Send),
    /// Becomes true when the command must stop.
    pub stop: watch::Receiver<bool>,
}

/// Writes a dataset to a file, or every dataset to a folder.
///
/// # Errors
///
/// [`EtlError::Usage`] for what the command line asks wrongly and for files that cannot be written; otherwise faults of
/// the warehouse. With `--all` the other datasets are written first, and the gravest fault is returned.
pub async fn export(config: &Config, args: &Export, around: &mut Console<'_>) -> Result<(), EtlError> {
    if args.all {
        return export_all(config, args, around).await;
    }
    let endpoint = find(args.dataset.as_deref().unwrap_or_default())?;
    let format = format(args)?;
    let Some(tables) = open(config, endpoint).await? else {
        return Err(usage(
            format!("the warehouse has no table `{}` yet", endpoint.dataset),
            format!("`wdt-etl run --dataset {}` lands it", endpoint.dataset),
        ));
    };
    known_accounts(config, args, &as_of::accounts(&tables)?)?;
    export_one(&tables, args, format, &args.output, around).await
}

async fn export_all(config: &Config, args: &Export, around: &mut Console<'_>) -> Result<(), EtlError> {
    let folder = &args.output;
    if folder.as_os_str() == STDOUT {
        return Err(usage(
            "--all writes a file for each dataset".to_owned(),
            "name a folder, as in -o exports".to_owned(),
        ));
    }
    std::fs::create_dir_all(folder).map_err(|error| target::unwritable(folder, &error))?;
    let format = args.format.unwrap_or(ExportFormat::Csv);
    let mut found = Vec::new();
    for endpoint in endpoints::ALL {
        match open(config, endpoint).await? {
            Some(tables) => found.push(tables),
            None => note(around, &format!("{}: skipped, the warehouse has no table for it yet", endpoint.dataset)),
        }
    }
    let mut accounts = Vec::new();
    for tables in &found {
        accounts.extend(as_of::accounts(tables)?);
    }
    known_accounts(config, args, &accounts)?;
    let mut errors = Vec::new();
    for tables in &found {
        let path = folder.join(format!("{}.{}", tables.endpoint.dataset, format.ending()));
        match export_one(tables, args, format, &path, around).await {
            Err(EtlError::Interrupted) => return Err(EtlError::Interrupted),
            Err(error) => errors.push(error),
            Ok(()) => {}
        }
    }
    gravest(errors, around)
}

/// The gravest of the errors as the command's own; the others are printed.
pub(super) fn gravest(mut errors: Vec<EtlError>, around: &mut Console<'_>) -> Result<(), EtlError> {
    let code = crate::error::gravest(errors.iter().map(EtlError::exit_code));
    let Some(position) = errors.iter().position(|error| error.exit_code() == code) else { return Ok(()) };
    let gravest = errors.remove(position);
    for error in &errors {
        note(around, &error.report());
    }
    Err(gravest)
}

async fn export_one(
    tables: &DatasetTables,
    args: &Export,
    format: ExportFormat,
    path: &Path,
    around: &mut Console<'_>,
) -> Result<(), EtlError> {
    let dataset = tables.endpoint.dataset;
    let plan = Plan::new(tables.endpoint, args)?;
    let behind = tables.behind().await?;
    if behind > 0 && args.as_of.is_none() {
        note(around, &format!("{dataset}: the table is {behind} commits behind its log; `wdt-etl run` updates it"));
    }
    let source = match args.as_of {
        Some(seconds) => Source::as_of(tables, &args.accounts, Until::Time(seconds.micros())).await?,
        None => Source::current(tables, &args.accounts)?,
    };
    let to_stdout = path.as_os_str() == STDOUT;
    let (rows, said) = if to_stdout {
        let out = BufWriter::with_capacity(BUFFER_BYTES, &mut *around.out);
        let head = Head { dataset, columns: &plan.columns, scratch: None };
        let sink = sink(format, &head, Box::new(out)).map_err(output)?;
        plan.write(&source, sink, &around.stop, output).await?
    } else {
        let (target, file) = Target::begin(path)?;
        let failed = |error: std::io::Error| target::unwritable(path, &error);
        let head = Head { dataset, columns: &plan.columns, scratch: Some(target.folder()) };
        let out = Box::new(BufWriter::with_capacity(BUFFER_BYTES, file));
        let sink = sink(format, &head, out).map_err(failed)?;
        let written = plan.write(&source, sink, &around.stop, failed).await?;
        target.publish()?;
        written
    };
    let place = if to_stdout { "standard output".to_owned() } else { path.display().to_string() };
    let said = said.map(|said| format!("; {said}")).unwrap_or_default();
    note(around, &format!("{dataset}: {rows} rows to {place}{said}"));
    Ok(())
}

/// What is read of a table and what of it is written.
struct Plan {
    columns: Vec<Column>,
    filter: Filter,
    /// The columns that are read, in the table's order.
    read: SchemaRef,
    /// Places in `read` of the columns written, in their order.
    written: Vec<usize>,
}

impl Plan {
    fn new(endpoint: &'static Endpoint, args: &Export) -> Result<Self, EtlError> {
        let table = TableSpec::current(endpoint).schema;
        let columns = columns::choose(endpoint, &table, &args.columns, args.labels, args.values)?;
        let filter = Filter::new(args, endpoint.dataset, &table)?;
        let mut names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        names.extend(filter.columns());
        let read = as_of::part(&table, &names);
        let written = columns.iter().filter_map(|column| read.index_of(&column.name).ok()).collect();
        Ok(Self { columns, filter, read, written })
    }

    /// Reads every piece and writes the rows that pass; how many, and what the format says of them.
    async fn write(
        &self,
        source: &Source<'_>,
        mut sink: Box<dyn Sink + '_>,
        stop: &watch::Receiver<bool>,
        failed: impl Fn(std::io::Error) -> EtlError,
    ) -> Result<(usize, Option<String>), EtlError> {
        let mut count = 0;
        for piece in source.pieces() {
            let mut batches = source.read(piece, &self.read).await?;
            while let Some(batch) = batches.try_next().await? {
                if *stop.borrow() {
                    return Err(EtlError::Interrupted);
                }
                let rows = self.rows(&batch)?;
                count += rows.num_rows();
                sink.write(&rows).map_err(&failed)?;
            }
        }
        Ok((count, sink.finish().map_err(&failed)?))
    }

    /// The rows of a batch that pass, as the file has them.
    fn rows(&self, batch: &RecordBatch) -> Result<RecordBatch, EtlError> {
        let bug = |error: arrow::error::ArrowError| EtlError::Bug(format!("export: {error}"));
        let rows = self.filter.apply(batch).and_then(|rows| rows.project(&self.written)).map_err(bug)?;
        let mut cells = Vec::with_capacity(self.columns.len());
        for (column, values) in self.columns.iter().zip(rows.columns()) {
            let values = words::in_words(column, values);
            cells.push((
                &column.name,
                values.ok_or_else(|| EtlError::Bug(format!("export: type of {}", column.name)))?,
                true,
            ));
        }
        RecordBatch::try_from_iter_with_nullable(cells).map_err(bug)
    }
}

async fn open(config: &Config, endpoint: &'static Endpoint) -> Result<Option<DatasetTables>, WarehouseError> {
    match warehouse::standing(config)? {
        Some(warehouse) => DatasetTables::open(&warehouse, endpoint).await,
        None => Ok(None),
    }
}

/// The writer of a format, its head written.
///
/// # Errors
/// When the file cannot be written.
fn sink<'a>(
    format: ExportFormat,
    head: &Head<'_>,
    out: Box<dyn Write + Send + 'a>,
) -> std::io::Result<Box<dyn Sink + 'a>> {
    Ok(match format {
        ExportFormat::Csv => Box::new(separated::Csv::new(head, out)?),
        ExportFormat::Ndjson => Box::new(json::Lines::new(head, out)),
        ExportFormat::Json => Box::new(json::Table::new(head, out)?),
        ExportFormat::Parquet => Box::new(parquet_file::LabelledRows::new(head, out)?),
        ExportFormat::Xlsx => Box::new(workbook::Xlsx::new(head, out, workbook::SHEET_ROWS)?),
    })
}

/// The format asked for, or the one that the file's name ends with; CSV on standard output.
fn format(args: &Export) -> Result<ExportFormat, EtlError> {
    let path = &args.output;
    let format = match args.format {
        Some(format) => format,
        None if path.as_os_str() == STDOUT => ExportFormat::Csv,
        None => ExportFormat::of_ending(path).ok_or_else(|| {
            let endings = "name it .csv, .xlsx, .ndjson, .jsonl, .parquet or .json, or add --format";
            usage(format!("the name of {} does not end with a known format", path.display()), endings.to_owned())
        })?,
    };
    let binary = matches!(format, ExportFormat::Xlsx | ExportFormat::Parquet);
    if binary && path.as_os_str() == STDOUT && std::io::stdout().is_terminal() {
        return Err(usage(
            format!("{} cannot be printed on a terminal", format.ending()),
            "write to a file, as in -o FILE".to_owned(),
        ));
    }
    Ok(format)
}

/// Refuses an account that is not configured and has no row.
fn known_accounts(config: &Config, args: &Export, landed: &[String]) -> Result<(), EtlError> {
    let configured = config.accounts.iter().map(|account| account.name.as_str());
    let known: Vec<&str> = configured.chain(landed.iter().map(String::as_str)).collect();
    let Some(name) = args.accounts.iter().find(|name| !known.contains(&name.as_str())) else { return Ok(()) };
    let near = nearest(name, known.iter().copied()).map(|near| format!("did you mean `{near}`? "));
    let mut known = known.clone();
    known.sort_unstable();
    known.dedup();
    Err(usage(
        format!("account {} is not configured and has no rows", quoted(name)),
        format!("{}accounts: {}", near.unwrap_or_default(), list(&known)),
    ))
}

pub(super) fn find(name: &str) -> Result<&'static Endpoint, EtlError> {
    endpoints::find(name).ok_or_else(|| {
        let known: Vec<_> = endpoints::ALL.iter().map(|endpoint| endpoint.dataset).collect();
        let near = nearest(name, known.iter().copied()).map(|near| format!("did you mean `{near}`? "));
        let hint = format!("{}datasets of this version: {}", near.unwrap_or_default(), list(&known));
        usage(format!("unknown dataset {}", quoted(name)), hint)
    })
}

/// A line on standard error; it does not matter when nobody reads it.
fn note(around: &mut Console<'_>, text: &str) {
    let _gone = writeln!(around.notes, "{text}");
}

fn usage(message: String, hint: String) -> EtlError {
    EtlError::Usage { message, hint: Some(hint) }
}

#[cfg(test)]
mod tests;
