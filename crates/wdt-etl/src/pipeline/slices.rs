//! Snapshots: each slice is read whole and landed in a commit of its own; one that fails leaves its rows as they were.

use std::collections::HashSet;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream;
use wdt_fetch::{CertifiedSlice, Client, WindowError, WindowReader, read_slice};
use wdt_models::decode::{self, Refusal};
use wdt_models::time::format_wall_time;
use wdt_models::{Slice, SyncMode};
use wdt_warehouse::{CommitRecord, Landed, Picture, Quarantined, REFUSED_UPSTREAM, Reading};

use super::lane::Lane;
use super::outcome::Verdict;
use crate::config::Dataset;
use crate::error::EtlError;
use crate::failpoint::{self, Place};
use crate::report::Event;

/// Slices read side by side; the pages of one are read one after another, so that stock moves little while it is read.
const SLICES_IN_FLIGHT: usize = 4;

/// The units that a snapshot consists of; none for windows.
pub(crate) fn slices(dataset: &Dataset) -> Vec<Slice> {
    match dataset.endpoint.sync {
        SyncMode::Incremental(_) => Vec::new(),
        SyncMode::Slices(_) if !dataset.slices.is_empty() => dataset.slices.clone(),
        SyncMode::Slices(_) | SyncMode::Ids(_) => vec![Slice::default()],
    }
}

/// Reads and lands the slices of a snapshot.
pub(super) struct SliceReader<'a> {
    pub(super) lane: &'a mut Lane,
    pub(super) client: &'a Client,
}

impl SliceReader<'_> {
    /// Reads and lands every slice. One that cannot be certified changes nothing, and the others go on.
    pub(super) async fn read(mut self, reader: WindowReader) -> Result<Verdict, EtlError> {
        let slices = slices(&self.lane.dataset);
        let reader = Arc::new(reader);
        let live = self.live_slices().await?;
        self.notice_slices_left_out(&slices, &live);
        let readings = slices.iter().cloned().map(|slice| {
            let values: Vec<String> = slice.0.iter().map(|(_, value)| value.clone()).collect();
            let (reader, holds_rows) = (Arc::clone(&reader), live.contains(&values));
            async move { read_slice(&*reader, slice, holds_rows).await }
        });
        let mut readings = stream::iter(readings.collect::<Vec<_>>()).buffered(SLICES_IN_FLIGHT);
        let (mut done, mut failed) = (0, None);
        loop {
            failpoint::hit(Place::SliceDue);
            match self.lane.shared.around.unless_stopped(readings.next()).await? {
                None => break,
                Some(Ok(reading)) => {
                    failpoint::hit(Place::SliceRead);
                    done += 1;
                    self.slice_read(&reading, done, slices.len());
                    self.land(reading).await?;
                }
                Some(Err(error @ WindowError::Uncertified { .. })) => {
                    let error = self.lane.window_error(error).await;
                    self.lane.notice(error.to_string());
                    failed = failed.or(Some(error));
                }
                Some(Err(error)) => return Err(self.lane.window_error(error).await),
            }
        }
        self.complete(&slices).await?;
        failed.map_or_else(|| Ok(self.lane.verdict()), Err)
    }

    /// Values of the slices that hold rows: an empty answer there needs a second one.
    async fn live_slices(&self) -> Result<HashSet<Vec<String>>, EtlError> {
        let lane = &*self.lane;
        let own = async {
            let Some(tables) = &lane.tables else { return Ok(HashSet::new()) };
            Ok(tables.lock().await.standing_slices(&lane.account.name).await?)
        };
        lane.shared.around.decisions.live_slices(lane.part(), Box::pin(own)).await
    }

    pub(super) async fn land(&mut self, reading: CertifiedSlice) -> Result<(), EtlError> {
        let picture = self.picture(&reading);
        let lane = &mut *self.lane;
        lane.count_calls(self.client);
        lane.sums.windows += 1;
        lane.sums.records += reading.certificate.distinct;
        lane.sums.refused += reading.refused.len() as u64;
        lane.sums.refused_upstream += reading.upstream.len() as u64;
        let CertifiedSlice { slice, batches, refused, upstream, certificate } = reading;
        let (read_at, rows, deleted) = (certificate.read_at, certificate.distinct, lane.sums.deleted);
        let readings = batches.into_iter().map(|batch| Reading { batch, read_at }).collect();
        let refused = refused.into_iter().chain(upstream.into_iter().map(refused_upstream));
        let refused = refused.map(|refused| Quarantined::new(refused, None, Some(&slice), read_at));
        let record = CommitRecord {
            certificates: vec![certificate],
            quarantine: refused.collect(),
            read_at: Some(read_at),
            slice: Some(slice.clone()),
            ..lane.record()
        };
        match lane.land(record, readings, picture).await? {
            None => {}
            Some(Landed::Committed { version, sums }) => {
                let gone = sums.deleted - deleted;
                if rows == 0 && gone > 0 {
                    lane.notice(format!(
                        "every row of slice {slice} vanished upstream: {gone} are marked as deleted. If the account lost \
                         a right, give it back: they return with the next run"
                    ));
                }
                lane.committed(version, read_at.floor_seconds());
            }
            Some(Landed::Already { .. } | Landed::OtherScope) => {
                lane.notice(format!("another run landed a newer picture of slice {slice}"));
            }
        }
        Ok(())
    }

    /// What exists beside the rows: records that could not be typed and ids that the platform refuses keep their rows.
    ///
    /// `None` when nothing is to be landed.
    fn picture(&self, reading: &CertifiedSlice) -> Option<Picture> {
        self.lane.landing_tables()?;
        let (slice, read_at) = (reading.slice.clone(), reading.certificate.read_at);
        let typed = reading.refused.iter().map(|refused| refused.record.as_str());
        let records: Vec<&str> = typed.chain(reading.upstream.iter().map(String::as_str)).collect();
        let keys = decode::keys(self.lane.dataset.endpoint, &slice, &records);
        if keys.unreadable > 0 {
            self.lane.notice(format!(
                "{} refused records of slice {slice} have no readable key: no row of it is marked as deleted",
                keys.unreadable
            ));
        }
        Some(Picture { slice, kept: (keys.unreadable == 0).then_some(keys.batch), read_at })
    }

    pub(super) async fn complete(&mut self, slices: &[Slice]) -> Result<(), EtlError> {
        if let Some(tables) = &self.lane.tables {
            self.lane.watermark = tables.lock().await.complete_until(&self.lane.account.name, slices).await?;
        }
        Ok(())
    }

    /// Names slices that hold rows and that are not asked for any more.
    fn notice_slices_left_out(&self, slices: &[Slice], live: &HashSet<Vec<String>>) {
        let names = self.lane.dataset.endpoint.dimensions().iter().map(|dimension| dimension.name.to_owned());
        let slice = |values: &Vec<String>| Slice(names.clone().zip(values.iter().cloned()).collect());
        let mut left: Vec<Slice> = live.iter().map(slice).filter(|slice| !slices.contains(slice)).collect();
        left.sort();
        if let Some(first) = left.first() {
            let more = if left.len() > 1 { format!(" and {} more", left.len() - 1) } else { String::new() };
            self.lane.notice(format!(
                "slice {first}{more} is not asked for any more: its rows stay as they were last seen, and no delete is noticed"
            ));
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a share of slices")]
    pub(super) fn slice_read(&self, reading: &CertifiedSlice, done: usize, all: usize) {
        self.lane.report(&Event::Slice {
            account: self.lane.account.name.clone(),
            dataset: self.lane.dataset.endpoint.dataset,
            slice: reading.slice.to_string(),
            read_at: format_wall_time(reading.certificate.read_at.floor_seconds()),
            records: reading.certificate.distinct,
            done: done as f64 / all.max(1) as f64,
        });
    }
}

/// An id that the platform refuses itself, with its own words as the record.
fn refused_upstream(record: String) -> Refusal {
    let (column, text) = (String::new(), String::new());
    Refusal { page: 0, row: 0, column, text, reason: REFUSED_UPSTREAM.to_owned(), record }
}
