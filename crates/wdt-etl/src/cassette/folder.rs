//! The files of a cassette: `cassette.json`, `wdt-etl.toml`, `log.ndjson` and `bodies/`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use wdt_fetch::cassette::Exchange;

use super::decision::Decision;
use super::refusal::refused;
use crate::error::EtlError;

/// Layout of a cassette; a reader refuses another one.
pub(super) const FORMAT: u32 = 1;
const HEADER: &str = "cassette.json";
const SETTINGS: &str = "wdt-etl.toml";
const LOG: &str = "log.ndjson";
const BODIES: &str = "bodies";

/// What a cassette says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Layout of the cassette.
    pub format: u32,
    /// Version of wdt-etl that recorded it.
    pub wdt_etl: String,
    /// Name of the run.
    pub run_id: String,
    /// Local time at which it began, Asia/Shanghai wall time with milliseconds.
    pub started_at: String,
    /// What spread its waits, as digits: more than JSON's numbers are sure to hold.
    pub seed: String,
    /// What the command line asked for.
    pub asked: RecordedOrder,
    /// How it ended; absent when it was killed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<RecordedOutcome>,
}

/// What the command line asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedOrder {
    /// Only these accounts; all when empty.
    pub accounts: Vec<String>,
    /// Only these datasets; all when empty.
    pub datasets: Vec<String>,
    /// Last second to read, Asia/Shanghai wall time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Nothing was landed.
    pub dry_run: bool,
}

/// How a recorded run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedOutcome {
    /// Exit code.
    pub exit_code: u8,
    /// Each account and dataset.
    pub datasets: Vec<RecordedPart>,
}

/// How an account's dataset ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedPart {
    /// Name of the account.
    pub account: String,
    /// The dataset.
    pub dataset: String,
    /// One word.
    pub verdict: String,
    /// Exit code of the dataset.
    pub exit_code: u8,
    /// Calls to the platform.
    pub calls: u64,
    /// Distinct records read.
    pub records: u64,
    /// Ids and records refused.
    pub refused: u64,
}

impl RecordedPart {
    /// How it ended, in a line.
    pub(super) fn in_a_line(&self) -> String {
        let Self { verdict, exit_code, calls, records, refused, .. } = self;
        format!("{verdict} (exit {exit_code}, {calls} calls, {records} records, {refused} refused)")
    }
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LogLine {
    /// A call and its answer.
    Exchange(Box<Exchange>),
    /// Something that was decided.
    Decision(Decision),
}

/// A cassette's folder.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

impl Folder {
    /// A new folder for a recording; one that holds anything is refused.
    pub(super) fn create(folder: &Path) -> Result<Self, EtlError> {
        let failed = |error: std::io::Error| refused(format!("{}: {error}", folder.display()));
        std::fs::create_dir_all(folder.join(BODIES)).map_err(failed)?;
        let others = std::fs::read_dir(folder)
            .map_err(failed)?
            .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.file_name() != BODIES));
        if others.count() > 0 {
            let message = format!("{} already contains files", folder.display());
            let hint = Some("name a folder that is empty or does not exist: a cassette is one run".to_owned());
            return Err(EtlError::Usage { message, hint });
        }
        Ok(Self(folder.to_owned()))
    }

    /// A cassette that is there.
    pub(super) fn open(folder: &Path) -> Result<Self, EtlError> {
        if folder.join(HEADER).is_file() {
            return Ok(Self(folder.to_owned()));
        }
        let message = format!("{} is not a cassette: it has no {HEADER}", folder.display());
        let hint = Some("`wdt-etl record DIR` makes one; docs/replay.md shows how".to_owned());
        Err(EtlError::Usage { message, hint })
    }

    pub(super) fn write_header(&self, header: &Header) -> Result<(), String> {
        let text = serde_json::to_string_pretty(header).map_err(|error| error.to_string())?;
        self.write(HEADER, format!("{text}\n").as_bytes())
    }

    pub(super) fn read_header(&self) -> Result<Header, EtlError> {
        let text = self.read_text(HEADER)?;
        let format = serde_json::from_str::<serde_json::Value>(&text).ok();
        let format = format.as_ref().and_then(|header| header.get("format")).and_then(serde_json::Value::as_u64);
        if format != Some(u64::from(FORMAT)) {
            let path = self.0.join(HEADER);
            return Err(refused(format!("{}: its format is not {FORMAT}: another wdt-etl wrote it", path.display())));
        }
        serde_json::from_str(&text).map_err(|error| refused(format!("{}: {error}", self.0.join(HEADER).display())))
    }

    pub(super) fn write_settings(&self, text: &str) -> Result<(), String> {
        self.write(SETTINGS, text.as_bytes())
    }

    /// Path and text of the settings.
    pub(super) fn read_settings(&self) -> Result<(PathBuf, String), EtlError> {
        Ok((self.0.join(SETTINGS), self.read_text(SETTINGS)?))
    }

    /// Writes a body and gives the name under which [`Folder::body`] finds it.
    pub(super) fn write_body(&self, number: u64, body: &[u8]) -> Result<String, String> {
        let is_json = body.trim_ascii_start().first().is_some_and(|first| matches!(first, b'{' | b'['));
        let name = format!("{BODIES}/{number:06}.{}", if is_json { "json" } else { "txt" });
        self.write(&name, body)?;
        Ok(name)
    }

    /// The body of that name; nothing outside the folder is ever read.
    pub(super) fn body(&self, name: &str) -> Result<Vec<u8>, String> {
        let inside = Path::new(name).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if !inside {
            return Err(format!("`{name}` leads out of the cassette"));
        }
        std::fs::read(self.0.join(name)).map_err(|error| format!("{name}: {error}"))
    }

    pub(super) fn append(&self, line: &str) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("{LOG}: {error}");
        let file = std::fs::OpenOptions::new().create(true).append(true).open(self.0.join(LOG));
        writeln!(file.map_err(failed)?, "{line}").map_err(failed)
    }

    /// Every line of the log.
    pub(super) fn read_log(&self) -> Result<Vec<LogLine>, EtlError> {
        if !self.0.join(LOG).exists() {
            return Ok(Vec::new());
        }
        let text = self.read_text(LOG)?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let place = |number: usize| format!("{}:{}", self.0.join(LOG).display(), number + 1);
        lines
            .map(|(number, line)| {
                serde_json::from_str(line).map_err(|error| refused(format!("{}: {error}", place(number))))
            })
            .collect()
    }

    fn write(&self, name: &str, content: &[u8]) -> Result<(), String> {
        std::fs::write(self.0.join(name), content).map_err(|error| format!("{name}: {error}"))
    }

    fn read_text(&self, name: &str) -> Result<String, EtlError> {
        let path = self.0.join(name);
        std::fs::read_to_string(&path).map_err(|error| refused(format!("{}: {error}", path.display())))
    }
}
