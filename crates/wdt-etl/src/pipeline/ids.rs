//! The rows of a list of ids, which are read and landed as one slice.

use wdt_fetch::{Client, WindowReader, read_ids};
use wdt_models::{IdSource, Slice};
use wdt_warehouse::DatasetTables;

use super::lane::Lane;
use super::outcome::Verdict;
use super::slices::SliceReader;
use crate::config::Ids;
use crate::error::EtlError;
use crate::failpoint::{self, Place};

/// Reads and lands the rows of a list of ids.
pub(super) struct IdReader<'a> {
    pub(super) lane: &'a mut Lane,
    pub(super) client: &'a Client,
    pub(super) source: IdSource,
}

impl IdReader<'_> {
    pub(super) async fn read(self, reader: WindowReader) -> Result<Verdict, EtlError> {
        let ids = self.ids_to_ask().await?;
        if ids.is_empty() {
            let (column, value) = self.source.only;
            self.lane
                .notice(format!("{} has landed no row with {column} {value}: no id to ask for", self.source.dataset));
            return Ok(Verdict::NothingDue);
        }
        failpoint::hit(Place::IdsDue);
        let work = read_ids(&reader, &ids);
        let reading = self.lane.shared.around.unless_stopped(work).await?;
        failpoint::hit(Place::IdsRead);
        let reading = match reading {
            Ok(reading) => reading,
            Err(error) => return Err(self.lane.window_error(error).await),
        };
        let mut slice = SliceReader { lane: self.lane, client: self.client };
        slice.slice_read(&reading, 1, 1);
        slice.land(reading).await?;
        slice.complete(&[Slice::default()]).await?;
        Ok(self.lane.verdict())
    }

    async fn ids_to_ask(&self) -> Result<Vec<i64>, EtlError> {
        let lane = &*self.lane;
        let own = own_ids(lane, &self.source);
        lane.shared.around.decisions.ids(lane.part(), Box::pin(own)).await
    }
}

/// The ids of the configuration, or those that the source has landed, whether or not its run of today failed.
async fn own_ids(lane: &Lane, source: &IdSource) -> Result<Vec<i64>, EtlError> {
    if let Ids::Listed(ids) = &lane.dataset.ids {
        return Ok(ids.clone());
    }
    let Some(endpoint) = wdt_models::endpoints::find(source.dataset) else {
        return Err(EtlError::Bug(format!("{} names no dataset of this version", source.dataset)));
    };
    let Some(tables) = DatasetTables::open(&lane.shared.warehouse, endpoint).await? else { return Ok(Vec::new()) };
    Ok(tables.ids(&lane.account.name, source).await?)
}
