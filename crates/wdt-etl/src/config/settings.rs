//! `[warehouse]` and `[run]`: where tables land and how a run behaves.

use std::path::{Path, PathBuf};

use url::Url;
use wdt_models::Window;

use wdt_warehouse::Format;

use super::fault::Faults;
use super::value::{Keys, Section, Setting};
use super::{RunSettings, Warehouse, duration};
use crate::words::{self, quoted};

pub(super) const WAREHOUSE: Keys<'static> = Keys { known: &["url", "format"], refused: &[] };
pub(super) const RUN: Keys =
    Keys { known: &["settle", "lookback", "window", "concurrency", "quarantine_limit"], refused: &[] };

const MOST_PAGES_IN_FLIGHT: i64 = 1_000;
const URL_HINT: &str = "write a folder, as in url = \"./warehouse\"";

/// Where tables land; `folder` is what a relative path begins at.
pub(super) fn warehouse(section: &Section<'_>, folder: &Path, faults: &mut Faults<'_>) -> Option<Warehouse> {
    let format = format(section, faults);
    let value = section.required("url", URL_HINT, faults)?;
    let text = value.text(faults)?;
    match landing_folder(text, folder) {
        Ok(url) => Some(Warehouse { url, format }),
        Err((message, hint)) => {
            faults.push(&value.place, message, Some(hint.to_owned()));
            None
        }
    }
}

/// How a run behaves, with the documented defaults.
pub(super) fn run(section: &Section<'_>, faults: &mut Faults<'_>) -> RunSettings {
    let default = RunSettings::default();
    let mut seconds = |key: &str, shortest: i64| section.get(key).and_then(|value| seconds(&value, shortest, faults));
    let settle_seconds = seconds("settle", 0).unwrap_or(default.settle_seconds);
    let lookback_seconds = seconds("lookback", 0).unwrap_or(default.lookback_seconds);
    let window_seconds = seconds("window", Window::SHORTEST_SECONDS).unwrap_or(default.window_seconds);
    let concurrency = section.get("concurrency").and_then(|value| value.integer(1..=MOST_PAGES_IN_FLIGHT, faults));
    let quarantine_limit = section.get("quarantine_limit").and_then(|value| share(&value, faults));
    RunSettings {
        settle_seconds,
        lookback_seconds,
        window_seconds,
        concurrency: concurrency.and_then(|pages| usize::try_from(pages).ok()),
        quarantine_limit: quarantine_limit.unwrap_or(default.quarantine_limit),
    }
}

/// How tables are kept; a name that is not a format is noted, and the default takes its place.
fn format(section: &Section<'_>, faults: &mut Faults<'_>) -> Format {
    let Some(value) = section.get("format") else { return Format::default() };
    let Some(text) = value.text(faults) else { return Format::default() };
    Format::ALL.into_iter().find(|format| format.name() == text).unwrap_or_else(|| {
        let hint = words::hint(text, "formats of this version", &Format::ALL.map(Format::name));
        faults.push(&value.place, format!("{} is not a format", quoted(text)), Some(hint));
        Format::default()
    })
}

/// The absolute path of the folder that `text` names.
fn landing_folder(text: &str, folder: &Path) -> Result<String, (String, &'static str)> {
    let path = match text.split_once("://") {
        None if text.starts_with('~') => return Err(("`~` is not expanded".to_owned(), "write the full path")),
        None => folder.join(text),
        Some(("file", _)) => file_path(text).ok_or(("is not the address of a folder".to_owned(), URL_HINT))?,
        Some((scheme, _)) => {
            let message = format!("{} is an object store; this version writes to folders only", quoted(scheme));
            return Err((message, URL_HINT));
        }
    };
    let unusable = || ("is not a valid path".to_owned(), URL_HINT);
    let absolute = std::path::absolute(path).map_err(|_| unusable())?;
    absolute.into_os_string().into_string().map_err(|_| unusable())
}

fn file_path(text: &str) -> Option<PathBuf> {
    Url::parse(text).ok()?.to_file_path().ok()
}

fn seconds(value: &Setting<'_>, shortest: i64, faults: &mut Faults<'_>) -> Option<i64> {
    let text = value.text(faults)?;
    match duration::parse(text) {
        Some(seconds) if seconds >= shortest => Some(seconds),
        Some(_) => {
            faults.push(&value.place, format!("{} is shorter than {shortest}s", quoted(text)), None);
            None
        }
        None => {
            let hint = "write a number and a unit, as in 30s, 5m, 2h or 1d".to_owned();
            faults.push(&value.place, format!("{} is not a duration", quoted(text)), Some(hint));
            None
        }
    }
}

fn share(value: &Setting<'_>, faults: &mut Faults<'_>) -> Option<f64> {
    let text = value.text(faults)?;
    let share = duration::parse_percent(text);
    if share.is_none() {
        let hint = "write \"1%\" or \"0.5%\", from 0% to 100%".to_owned();
        faults.push(&value.place, format!("{} is not a percentage", quoted(text)), Some(hint));
    }
    share
}
