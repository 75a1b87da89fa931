//! A store whose writes go wrong on purpose; nothing of it is in a build without the feature `test-util`.
//!
//! A child process of a test arms it with `WDT_ETL_TEST_STORE`: `SEED:RATE`, where the rate is the share of writes that
//! go wrong in a way that the seed draws, or `FAULT:n` for that fault at the n-th write that it can befall.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

static ARMED: OnceLock<Arc<Plan>> = OnceLock::new();

/// How long a slow write is held up.
const SLOW: Duration = Duration::from_millis(20);

/// What goes wrong with a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing is written, and the answer is an error.
    Refused,
    /// Half the bytes of a data file are written, and the answer is an error. A commit is never torn: Delta asks that of
    /// a store.
    Torn,
    /// All is written, and the answer is an error.
    Lost,
    /// A commit is refused as if a rival had made it; nobody has.
    Conflict,
    /// A commit is made, and the answer says that a rival has made it.
    Rival,
    /// All is well, later.
    Slow,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 6] = [Self::Refused, Self::Torn, Self::Lost, Self::Conflict, Self::Rival, Self::Slow];

    /// The name that arms it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Torn => "torn",
            Self::Lost => "lost",
            Self::Conflict => "conflict",
            Self::Rival => "rival",
            Self::Slow => "slow",
        }
    }

    /// Whether it can befall the write of a file.
    fn befalls(self, path: &Path) -> bool {
        let log = path.parts().any(|part| ["_delta_log", "_manifest"].contains(&part.as_ref()));
        let commit = log && path.extension() == Some("json");
        match self {
            Self::Torn => !log,
            Self::Conflict | Self::Rival => commit,
            Self::Lost => commit || !log,
            Self::Refused | Self::Slow => true,
        }
    }
}

/// Which writes go wrong.
#[derive(Debug)]
enum Plan {
    /// This share, in ways that the seed draws.
    Drawn { seed: u64, rate: f64, writes: AtomicU64 },
    /// This one.
    Scripted { fault: Fault, ordinal: u64, writes: AtomicU64 },
}

/// Arms the store of every table; the first call counts. What is neither form arms nothing.
pub fn arm(text: &str) {
    if let Some(plan) = Plan::read(text) {
        ARMED.get_or_init(|| Arc::new(plan));
    }
}

/// The store that fails over this one, when one is armed.
pub(super) fn over(inner: impl FnOnce() -> Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
    let plan = ARMED.get()?;
    Some(Arc::new(Faulty { inner: inner(), plan: Arc::clone(plan) }))
}

/// A store that fails by a plan of its own.
#[cfg(test)]
pub(super) fn failing(inner: Arc<dyn ObjectStore>, plan: &str) -> Option<Arc<dyn ObjectStore>> {
    Some(Arc::new(Faulty { inner, plan: Arc::new(Plan::read(plan)?) }))
}

impl Plan {
    fn read(text: &str) -> Option<Self> {
        let (what, how) = text.split_once(':')?;
        let writes = AtomicU64::new(0);
        if let Some(fault) = Fault::ALL.into_iter().find(|fault| fault.name() == what) {
            return Some(Self::Scripted { fault, ordinal: how.parse().ok()?, writes });
        }
        Some(Self::Drawn { seed: what.parse().ok()?, rate: how.parse().ok()?, writes })
    }

    /// What goes wrong with the next write, which is of this file.
    fn fault(&self, path: &Path) -> Option<Fault> {
        match self {
            Self::Scripted { fault, ordinal, writes } if fault.befalls(path) => {
                (writes.fetch_add(1, Ordering::Relaxed) + 1 == *ordinal).then_some(*fault)
            }
            Self::Scripted { .. } => None,
            Self::Drawn { seed, rate, writes } => {
                let number = writes.fetch_add(1, Ordering::Relaxed);
                let drawn = twox_hash::XxHash3_64::oneshot_with_seed(*seed, &number.to_le_bytes());
                let possible: Vec<Fault> = Fault::ALL.into_iter().filter(|fault| fault.befalls(path)).collect();
                let position = usize::try_from(drawn >> 32).unwrap_or_default() % possible.len().max(1);
                let share = u32::try_from(drawn & u64::from(u32::MAX)).unwrap_or_default();
                let happens = f64::from(share) < rate * f64::from(u32::MAX);
                possible.get(position).copied().filter(|_| happens)
            }
        }
    }
}

/// A store that fails by a plan.
#[derive(Debug)]
struct Faulty {
    inner: Arc<dyn ObjectStore>,
    plan: Arc<Plan>,
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faulty({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let Some(fault) = self.plan.fault(path) else { return self.inner.put_opts(path, payload, options).await };
        match fault {
            Fault::Refused => Err(failure(path, fault)),
            Fault::Conflict => Err(exists(path)),
            Fault::Torn => {
                let bytes = Bytes::from(payload);
                let half = bytes.slice(..bytes.len() / 2);
                self.inner.put_opts(path, half.into(), options).await?;
                Err(failure(path, fault))
            }
            Fault::Lost => {
                self.inner.put_opts(path, payload, options).await?;
                Err(failure(path, fault))
            }
            Fault::Rival => {
                self.inner.put_opts(path, payload, options).await?;
                Err(exists(path))
            }
            Fault::Slow => {
                tokio::time::sleep(SLOW).await;
                self.inner.put_opts(path, payload, options).await
            }
        }
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(path, options).await
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(path, ranges).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

fn failure(path: &Path, fault: Fault) -> Error {
    Error::Generic { store: "test", source: format!("a write of {path} is {} on purpose", fault.name()).into() }
}

fn exists(path: &Path) -> Error {
    Error::AlreadyExists { path: path.to_string(), source: "on purpose".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_share_that_it_is_told_and_every_fault() {
        let drawn = |text: &str, path: &str| -> Vec<Option<Fault>> {
            let (plan, path) = (Plan::read(text).unwrap(), Path::from(path));
            (0..4000).map(|_| plan.fault(&path)).collect()
        };
        let commits = ["t/_delta_log/00000000000000000001.json", "_manifest/00000000000000000001.json"];
        for (path, kinds) in commits.map(|commit| (commit, 5)).into_iter().chain([("t/part-0.parquet", 4)]) {
            let faults = drawn("7:0.25", path);
            let share = faults.iter().flatten().count();
            assert!((900..1100).contains(&share), "{share} of 4000");
            let seen = Fault::ALL.into_iter().filter(|fault| faults.contains(&Some(*fault))).count();
            assert_eq!(seen, kinds, "{path}");
            assert_eq!(drawn("7:0.25", path), faults);
            assert_ne!(drawn("8:0.25", path), faults);
        }
    }

    #[test]
    fn a_script_counts_the_writes_that_the_fault_can_befall() {
        let plan = Plan::read("rival:2").unwrap();
        let paths = ["t/part-0.parquet", "t/_delta_log/1.json", "t/part-1.parquet", "t/_delta_log/2.json"];
        let faults = paths.map(|path| plan.fault(&Path::from(path)));
        assert_eq!(faults, [None, None, None, Some(Fault::Rival)]);
        assert!(["", "rival", "rival:x", "unknown:1", "1:x"].iter().all(|text| Plan::read(text).is_none()));
    }
}
