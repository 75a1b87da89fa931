//! What a run reports while it works: one JSON object a line for machines, progress for people.

use std::io::Write;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::json_line::JsonLine;

/// Something that happened in a run. Times are Asia/Shanghai wall time unless the name says otherwise.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The run begins.
    RunStarted {
        /// Name of the run in every table.
        run_id: String,
        /// Accounts and datasets that are due or looked at.
        datasets: usize,
    },
    /// A dataset's range is known.
    Planned {
        /// Account.
        account: String,
        /// Dataset.
        dataset: &'static str,
        /// First second asked for.
        from: String,
        /// Last second asked for.
        until: String,
        /// Fewest windows the range takes.
        windows: i64,
        /// The account's limit; 0 is none.
        calls_per_minute: u32,
    },
    /// Something the user should know, and that is no fault.
    Notice {
        /// Account.
        account: String,
        /// Dataset.
        dataset: &'static str,
        /// The text.
        message: String,
    },
    /// A page was read.
    Page {
        /// Account.
        account: String,
        /// Dataset.
        dataset: &'static str,
        /// Records on it.
        records: usize,
        /// Bytes of the answer.
        bytes: usize,
    },
    /// A call failed, or the platform's limit was hit; it is tried again after the wait.
    Waiting {
        /// Account.
        account: String,
        /// Dataset.
        dataset: &'static str,
        /// Why.
        reason: String,
        /// How long, milliseconds.
        wait_ms: u64,
    },
    /// A window was read whole.
    Window {
        /// Account.
        account: String,
        /// Dataset.
        dataset: &'static str,
        /// First second.
        start: String,
        /// Last second.
        end: String,
        /// Distinct records.
        records: u64,
        /// Share of the range that is read, 0 to 1.
        done: f64,
    },
    /// A slice of a snapshot was read whole.
    Slice {
        /// Account.
        account: String,
        /// Dataset.
        dataset: &'static str,
        /// Slice.
        slice: String,
        /// Platform time of the reading.
        read_at: String,
        /// Distinct records.
        records: u64,
        /// Share of the slices that are read, 0 to 1.
        done: f64,
    },
    /// Rows were committed and the watermark moved.
    Committed {
        /// Account.
        account: String,
        /// Dataset.
        dataset: &'static str,
        /// Rows logged by the run so far.
        changed: u64,
        /// History version.
        table_version: u64,
        /// New watermark.
        watermark: String,
    },
    /// A reconcile has compared a whole dataset.
    Reconciled {
        /// Account.
        account: String,
        /// Dataset.
        dataset: &'static str,
        /// Records that differed under an unmoved cursor; they are landed.
        unmoved: u64,
        /// Rows that no phase found.
        vanished: u64,
        /// Rows that were marked as deleted.
        marked: u64,
        /// Most rows that might have been marked.
        most: u64,
    },
    /// An account's dataset is done, one way or the other.
    Finished {
        /// Account.
        account: String,
        /// Dataset.
        dataset: &'static str,
        /// `landed`, `nothing_due`, `dry_run`, `failed` or `interrupted`.
        verdict: &'static str,
        /// Exit code of this dataset.
        exit_code: u8,
        /// Calls to the platform.
        calls: u64,
        /// Distinct records read.
        records: u64,
        /// Rows logged.
        changed: u64,
        /// Rows that vanished upstream.
        deleted: u64,
        /// Records that could not be typed.
        refused: u64,
        /// Ids that the platform itself refuses.
        refused_upstream: u64,
        /// Watermark after the run.
        watermark: Option<String>,
        /// What went wrong.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
        /// What to try.
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
    },
    /// The run is over.
    RunFinished {
        /// Name of the run.
        run_id: String,
        /// The gravest exit code.
        exit_code: u8,
    },
    /// The run is kept as a cassette.
    Recorded {
        /// Folder of the cassette.
        cassette: String,
        /// Calls in it.
        exchanges: u64,
    },
    /// A cassette was replayed, every request as it was recorded.
    Replayed {
        /// Folder of the cassette.
        cassette: String,
        /// Calls in it.
        exchanges: usize,
        /// Whether the recorded run came to its end.
        whole: bool,
    },
}

/// Takes the events of a run.
pub trait Reporter: Send + Sync {
    /// Takes one event.
    fn event(&self, event: &Event);
}

/// Drops every event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn event(&self, _event: &Event) {}
}

/// One JSON object a line; pages are left out, they would drown the rest.
pub struct JsonLines<W: Write + Send>(Mutex<W>);

impl<W: Write + Send> JsonLines<W> {
    /// Writes to `out`.
    pub const fn new(out: W) -> Self {
        Self(Mutex::new(out))
    }
}

impl<W: Write + Send> Reporter for JsonLines<W> {
    fn event(&self, event: &Event) {
        if matches!(event, Event::Page { .. }) {
            return;
        }
        let Ok(mut out) = self.0.lock() else { return };
        // a reader that went away must not stop the load
        let _gone = JsonLine::tagged(event).write(&mut *out).and_then(|()| out.flush());
    }
}

/// Progress bars on a terminal's standard error, one per account and dataset.
pub struct Terminal {
    bars: MultiProgress,
    open: Mutex<Vec<(String, Bar)>>,
}

struct Bar {
    line: ProgressBar,
    calls: u64,
    windows: u64,
    records: u64,
    /// The account's limit in words.
    limit: String,
    note: String,
}

/// Steps of a progress bar.
const STEPS: u32 = 1000;

impl Terminal {
    /// Bars on standard error.
    #[must_use]
    pub fn new() -> Self {
        Self { bars: MultiProgress::new(), open: Mutex::new(Vec::new()) }
    }

    fn update(&self, account: &str, dataset: &str, change: impl FnOnce(&mut Bar)) {
        let Ok(mut open) = self.open.lock() else { return };
        let name = format!("{account}/{dataset}");
        if !open.iter().any(|(known, _)| *known == name) {
            let bar = self.bars.add(ProgressBar::new(STEPS.into()));
            bar.set_style(style());
            bar.set_prefix(name.clone());
            bar.enable_steady_tick(Duration::from_millis(200));
            open.push((
                name.clone(),
                Bar { line: bar, calls: 0, windows: 0, records: 0, limit: String::new(), note: String::new() },
            ));
        }
        if let Some((_, bar)) = open.iter_mut().find(|(known, _)| *known == name) {
            change(bar);
            bar.line.set_message(format!(
                "{} calls{}, {} windows or slices, {} records{}",
                bar.calls, bar.limit, bar.windows, bar.records, bar.note
            ));
        }
    }
}

impl Default for Terminal {
    fn default() -> Self {
        Self::new()
    }
}

impl Reporter for Terminal {
    fn event(&self, event: &Event) {
        match event {
            Event::Planned { account, dataset, calls_per_minute: limit @ 1.., .. } => {
                self.update(account, dataset, |bar| {
                    bar.limit = format!(" (at most {limit} a minute)");
                });
            }
            Event::Page { account, dataset, .. } => self.update(account, dataset, |bar| {
                bar.calls += 1;
                bar.note.clear();
            }),
            Event::Waiting { account, dataset, reason, wait_ms } => self.update(account, dataset, |bar| {
                bar.note = format!(", waiting {} s: {reason}", wait_ms.div_ceil(1000));
            }),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of the steps of a bar"
            )]
            Event::Window { account, dataset, records, done, end, .. } => self.update(account, dataset, |bar| {
                bar.windows += 1;
                bar.records += records;
                bar.note = format!(", up to {end}");
                bar.line.set_position((done * f64::from(STEPS)) as u64);
            }),
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of the steps of a bar"
            )]
            Event::Slice { account, dataset, records, done, slice, .. } => self.update(account, dataset, |bar| {
                bar.windows += 1;
                bar.records += records;
                bar.note = format!(", slice {slice}");
                bar.line.set_position((done * f64::from(STEPS)) as u64);
            }),
            Event::Notice { account, dataset, message } => {
                let _gone = self.bars.println(format!("notice: {account}/{dataset}: {message}"));
            }
            Event::Finished { account, dataset, verdict, exit_code, .. } => self.update(account, dataset, |bar| {
                bar.note = format!(", {verdict}");
                if *exit_code == 0 { bar.line.finish() } else { bar.line.abandon() }
            }),
            _ => {}
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{prefix} {bar:20} {elapsed}, left {eta}\n  {wide_msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}
