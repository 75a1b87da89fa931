//! Snapshots: each slice is read whole and landed in a commit of its own; one that fails leaves its rows as they were.

use std::collections::HashSet;
use std::sync::Arc;

use futures::StreamExt as _;
use futures::stream;
use wdt_fetch::{CertifiedSlice, Client, WindowError, WindowReader, read_ids, read_slice};
use wdt_models::decode::Refusal;
use wdt_models::time::format_wall_time;
use wdt_models::{IdSource, Slice, SyncMode, decode};

use super::job::{Job, stopped};
use super::outcome::Verdict;
use crate::config::{Dataset, Ids};
use crate::error::EtlError;
use crate::failpoint::{self, Place};
use crate::report::Event;
use wdt_warehouse::{CommitRecord, DatasetTables, Landed, Landing, Picture, Quarantined, REFUSED_UPSTREAM, Reading};

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

impl Job {
    /// Reads and lands every slice. One that cannot be certified changes nothing, and the others go on.
    pub(super) async fn read_slices(&mut self, client: &Client, reader: WindowReader) -> Result<Verdict, EtlError> {
        let slices = slices(&self.dataset);
        let reader = Arc::new(reader);
        let standing = self.standing().await?;
        self.tell_slices_left_out(&slices, &standing);
        let readings = slices.iter().cloned().map(|slice| {
            let values: Vec<String> = slice.0.iter().map(|(_, value)| value.clone()).collect();
            let (reader, stood) = (Arc::clone(&reader), standing.contains(&values));
            async move { read_slice(&*reader, slice, stood).await }
        });
        let mut readings = stream::iter(readings.collect::<Vec<_>>()).buffered(SLICES_IN_FLIGHT);
        let mut stop = self.shared.around.stop.clone();
        let (mut done, mut failed) = (0, None);
        loop {
            failpoint::hit(Place::SliceDue);
            let reading = tokio::select! {
                biased;
                () = stopped(&mut stop) => return Err(EtlError::Interrupted),
                reading = readings.next() => reading,
            };
            match reading {
                None => break,
                Some(Ok(reading)) => {
                    failpoint::hit(Place::SliceRead);
                    done += 1;
                    self.slice_read(&reading, done, slices.len());
                    self.land_slice(client, reading).await?;
                }
                Some(Err(error @ WindowError::Uncertified { .. })) => {
                    let error = self.window_error(error).await;
                    self.notice(error.to_string());
                    failed = failed.or(Some(error));
                }
                Some(Err(error)) => return Err(self.window_error(error).await),
            }
        }
        self.complete(&slices).await?;
        failed.map_or_else(|| Ok(self.landed()), Err)
    }

    /// Reads and lands the rows of a list of ids, which is one slice.
    pub(super) async fn read_ids(
        &mut self,
        client: &Client,
        reader: WindowReader,
        source: &IdSource,
    ) -> Result<Verdict, EtlError> {
        let ids = self.ids_to_ask(source).await?;
        if ids.is_empty() {
            let (column, value) = source.only;
            self.notice(format!("{} has landed no row with {column} {value}: no id to ask for", source.dataset));
            return Ok(Verdict::NothingDue);
        }
        let mut stop = self.shared.around.stop.clone();
        failpoint::hit(Place::IdsDue);
        let reading = tokio::select! {
            biased;
            () = stopped(&mut stop) => return Err(EtlError::Interrupted),
            reading = read_ids(&reader, &ids) => reading,
        };
        failpoint::hit(Place::IdsRead);
        match reading {
            Ok(reading) => {
                self.slice_read(&reading, 1, 1);
                self.land_slice(client, reading).await?;
            }
            Err(error) => return Err(self.window_error(error).await),
        }
        self.complete(&[Slice::default()]).await?;
        Ok(self.landed())
    }

    /// The ids of the configuration, or those that the source has landed, whether or not its run of today failed.
    pub(super) async fn ids(&self, source: &IdSource) -> Result<Vec<i64>, EtlError> {
        if let Ids::Listed(ids) = &self.dataset.ids {
            return Ok(ids.clone());
        }
        let Some(endpoint) = wdt_models::endpoints::find(source.dataset) else {
            return Err(EtlError::Bug(format!("{} names no dataset of this version", source.dataset)));
        };
        let Some(tables) = DatasetTables::open(&self.shared.warehouse, endpoint).await? else { return Ok(Vec::new()) };
        Ok(tables.ids(&self.account.name, source).await?)
    }

    /// Values of the slices that rows stand in: an empty answer there needs a second one.
    pub(super) async fn standing_slices(&self) -> Result<HashSet<Vec<String>>, EtlError> {
        let Some(tables) = &self.tables else { return Ok(HashSet::new()) };
        Ok(tables.lock().await.standing_slices(&self.account.name).await?)
    }

    async fn land_slice(&mut self, client: &Client, reading: CertifiedSlice) -> Result<(), EtlError> {
        self.count_calls(client);
        self.sums.windows += 1;
        self.sums.records += reading.certificate.distinct;
        self.sums.refused += reading.refused.len() as u64;
        self.sums.refused_upstream += reading.upstream.len() as u64;
        let Some(tables) = self.tables.clone().filter(|_| !self.shared.order.dry_run) else { return Ok(()) };
        let picture = self.picture(&reading);
        let CertifiedSlice { slice, batches, refused, upstream, certificate } = reading;
        let (read_at, rows) = (certificate.read_at, certificate.distinct);
        let readings = batches.into_iter().map(|batch| Reading { batch, read_at }).collect();
        let refused = refused.into_iter().chain(upstream.into_iter().map(refused_upstream));
        let refused = refused.map(|refused| Quarantined::new(refused, None, Some(&slice), read_at));
        let record = CommitRecord {
            certificates: vec![certificate],
            quarantine: refused.collect(),
            read_at: Some(read_at),
            slice: Some(slice.clone()),
            ..self.record()
        };
        failpoint::hit(Place::Landing);
        let landed = tables.lock().await.land(Landing { record, readings, picture: Some(picture) }).await?;
        failpoint::hit(Place::Landed);
        match landed {
            Landed::Committed { version, sums } => {
                let gone = sums.deleted - self.sums.deleted;
                if rows == 0 && gone > 0 {
                    self.notice(format!(
                        "every row of slice {slice} vanished upstream: {gone} are marked as deleted. If the account lost \
                         a right, give it back: they return with the next run"
                    ));
                }
                (self.sums, self.version) = (sums, Some(version));
                self.committed(version, read_at.div_euclid(1000));
            }
            Landed::Already { .. } | Landed::OtherQuestion => {
                self.notice(format!("another run landed a newer picture of slice {slice}"));
            }
        }
        Ok(())
    }

    /// What is there beside the rows: records that could not be typed and ids that the platform refuses keep their rows.
    fn picture(&self, reading: &CertifiedSlice) -> Picture {
        let (slice, read_at) = (reading.slice.clone(), reading.certificate.read_at);
        let typed = reading.refused.iter().map(|refused| refused.record.as_str());
        let records: Vec<&str> = typed.chain(reading.upstream.iter().map(String::as_str)).collect();
        let keys = decode::keys(self.dataset.endpoint, &slice, &records);
        if keys.unreadable > 0 {
            self.notice(format!(
                "{} refused records of slice {slice} have no readable key: no row of it is marked as deleted",
                keys.unreadable
            ));
        }
        Picture { slice, kept: (keys.unreadable == 0).then_some(keys.batch), read_at }
    }

    async fn complete(&mut self, slices: &[Slice]) -> Result<(), EtlError> {
        if let Some(tables) = &self.tables {
            self.watermark = tables.lock().await.complete_until(&self.account.name, slices).await?;
        }
        Ok(())
    }

    /// Tells of slices in which rows stand and that are not asked for any more.
    fn tell_slices_left_out(&self, slices: &[Slice], standing: &HashSet<Vec<String>>) {
        let names = self.dataset.endpoint.dimensions().iter().map(|dimension| dimension.name.to_owned());
        let slice = |values: &Vec<String>| Slice(names.clone().zip(values.iter().cloned()).collect());
        let mut left: Vec<Slice> = standing.iter().map(slice).filter(|slice| !slices.contains(slice)).collect();
        left.sort();
        if let Some(first) = left.first() {
            let more = if left.len() > 1 { format!(" and {} more", left.len() - 1) } else { String::new() };
            self.notice(format!(
                "slice {first}{more} is not asked for any more: its rows stay as they were last seen, and no delete is noticed"
            ));
        }
    }

    pub(super) fn landed(&self) -> Verdict {
        if self.shared.order.dry_run { Verdict::DryRun } else { Verdict::Landed }
    }

    #[expect(clippy::cast_precision_loss, reason = "a share of slices")]
    fn slice_read(&self, reading: &CertifiedSlice, done: usize, all: usize) {
        self.shared.around.reporter.event(&Event::Slice {
            account: self.account.name.clone(),
            dataset: self.dataset.endpoint.dataset,
            slice: reading.slice.to_string(),
            read_at: format_wall_time(reading.certificate.read_at.div_euclid(1000)),
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
