//! What a job decides by its clock and its warehouse: a recording keeps it, a replay takes it from there.

use std::collections::HashSet;

use wdt_fetch::Client;
use wdt_models::IdSource;
use wdt_models::time::format_wall_time;

use super::job::Job;
use crate::cassette::{Cassette, Due, Replay, What};
use crate::error::EtlError;
use crate::plan::Range;

impl Job {
    /// The range that is due, or the one that was due when the run was recorded.
    pub(super) fn range(&self, client: &Client) -> Result<Range, EtlError> {
        let (account, dataset) = self.names();
        match self.cassette() {
            None => self.due(client),
            Some(Cassette::Recording(recording)) => {
                let range = self.due(client)?;
                let (from, until) = (format_wall_time(range.from), format_wall_time(range.until));
                let watermark = range.watermark.map(format_wall_time);
                let what = What::Range(Due { from, until, watermark });
                recording.decided(account, dataset, what).map(|()| range)
            }
            Some(Cassette::Replay(replay)) => {
                let Some((from, until, watermark)) = replay.range(account, dataset)? else { return self.due(client) };
                Ok(Range { from, watermark, ..self.range_up_to(until)? })
            }
        }
    }

    /// The ids to ask for, or those that were asked for when the run was recorded.
    pub(super) async fn ids_to_ask(&self, source: &IdSource) -> Result<Vec<i64>, EtlError> {
        let (account, dataset) = self.names();
        if let Some(ids) = self.replay().and_then(|replay| replay.ids(account, dataset)) {
            return Ok(ids);
        }
        let ids = self.ids(source).await?;
        if let Some(Cassette::Recording(recording)) = self.cassette() {
            recording.decided(account, dataset, What::Ids(ids.clone()))?;
        }
        Ok(ids)
    }

    /// Values of the slices that rows stand in, or stood in when the run was recorded.
    pub(super) async fn standing(&self) -> Result<HashSet<Vec<String>>, EtlError> {
        let (account, dataset) = self.names();
        if let Some(slices) = self.replay().and_then(|replay| replay.standing(account, dataset)) {
            return Ok(slices.into_iter().collect());
        }
        let standing = self.standing_slices().await?;
        if let Some(Cassette::Recording(recording)) = self.cassette() {
            let mut slices: Vec<Vec<String>> = standing.iter().cloned().collect();
            slices.sort();
            recording.decided(account, dataset, What::Standing(slices))?;
        }
        Ok(standing)
    }

    /// A replay goes on where the warehouse stands, or begins anew where the recorded run began; anything else would
    /// leave a gap or ask for what is not recorded.
    pub(super) fn begin_where_recorded(&mut self) -> Result<(), EtlError> {
        let (account, dataset) = self.names();
        let Some(from) = self.replay().map(|replay| replay.first_second(account, dataset)).transpose()?.flatten()
        else {
            return Ok(());
        };
        if let Some(watermark) = self.watermark {
            let due = crate::plan::begin(Some(watermark), self.dataset.start, self.shared.settings.lookback);
            if due == from {
                return Ok(());
            }
            let (due, recorded) = (format_wall_time(due), format_wall_time(from));
            return Err(EtlError::Usage {
                message: format!(
                    "{account}/{dataset} of this warehouse goes on at {due}, and the recorded run began at {recorded}"
                ),
                hint: Some(
                    "replay into an empty folder, or after the recording of the night before in the same warehouse"
                        .to_owned(),
                ),
            });
        }
        self.dataset.start = from;
        Ok(())
    }

    fn names(&self) -> (&str, &'static str) {
        (&self.account.name, self.dataset.endpoint.dataset)
    }

    fn cassette(&self) -> Option<&Cassette> {
        self.shared.around.cassette.as_ref()
    }

    fn replay(&self) -> Option<&Replay> {
        match self.cassette() {
            Some(Cassette::Replay(replay)) => Some(replay),
            _ => None,
        }
    }
}
