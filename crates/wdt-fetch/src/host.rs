//! The call limit of one application, kept among the processes of one machine by a file of one line.
//!
//! The line is a [`Schedule`] in wall-clock time, the one clock that all of them share. It is read, changed and written
//! under the operating system's lock on the file. That lock is held for as long as this takes, never while waiting for
//! a turn, and ends with its process: a crash leaves no lock behind, at worst an instant that nobody uses.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::sleep;
use twox_hash::XxHash3_128;
use wdt_models::Gateway;

use crate::Clock;
use crate::schedule::Schedule;

/// First wait for another process that holds the lock; each further one is twice as long.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(50);

/// The schedule that the processes of this machine share for one (gateway, app key).
pub(crate) struct Host {
    /// Taken as a whole for each change: the system's lock does not part tasks of one process.
    file: Mutex<File>,
    clock: Arc<dyn Clock>,
    /// Cool-downs that were over before this process asked for anything.
    since: u64,
}

impl Host {
    /// Opens the file of that key in the folder, making both where they are missing.
    pub(crate) fn open(folder: &Path, gateway: Gateway, app_key: &str, clock: Arc<dyn Clock>) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let path = folder.join(file_name(gateway, app_key));
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        // read without the lock: a line is written at once
        let since = read(&file)?.pauses();
        Ok(Self { file: Mutex::new(file), clock, since })
    }

    /// Cool-downs that were over before this process asked for anything.
    pub(crate) const fn since(&self) -> u64 {
        self.since
    }

    /// Changes the schedule, given the time now in microseconds, as soon as no other process does. Dropping the future
    /// while it waits changes nothing.
    pub(crate) async fn change<T>(&self, change: impl Fn(&mut Schedule, i64) -> T) -> io::Result<T> {
        let mut wait = SHORTEST_WAIT;
        loop {
            if let Some(changed) = self.try_change(&change)? {
                return Ok(changed);
            }
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// The same at once; `None` where another process has the lock.
    fn try_change<T>(&self, change: impl Fn(&mut Schedule, i64) -> T) -> io::Result<Option<T>> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let changed = read(&file).and_then(|mut schedule| {
            let before = schedule;
            let changed = change(&mut schedule, self.clock.now().micros().0);
            if schedule != before {
                write(&file, &schedule)?;
            }
            Ok(changed)
        });
        file.unlock()?;
        changed.map(Some)
    }
}

/// A name that does not show the key.
fn file_name(gateway: Gateway, app_key: &str) -> String {
    format!("{gateway}-{:032x}", XxHash3_128::oneshot(app_key.as_bytes()))
}

fn read(mut file: &File) -> io::Result<Schedule> {
    let mut line = Vec::new();
    file.rewind()?;
    file.take(256).read_to_end(&mut line)?;
    Ok(Schedule::from_line(&String::from_utf8_lossy(&line)))
}

fn write(mut file: &File, schedule: &Schedule) -> io::Result<()> {
    file.rewind()?;
    file.write_all(schedule.line().as_bytes())
}
