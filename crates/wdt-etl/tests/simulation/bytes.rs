//! Nights on plain Parquet whose files are compared byte by byte: the same answers at the same times leave the same folder.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;
use wdt_etl::pipeline::{Order, Select, Task, run};
use wdt_warehouse::DeleteLimit;

use crate::scene::{Format, Scene};
use crate::week::surroundings;

/// Every file below a warehouse by its path.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Two nights with edits between them and a reconcile.
///
/// # Panics
///
/// When a job is refused.
pub(crate) async fn nights(seed: u64) -> Files {
    let scene = Scene::new(seed, Format::Parquet);
    let names = scene.datasets.iter().map(|endpoint| endpoint.dataset.to_owned()).collect::<Vec<_>>();
    let windows = scene.datasets.iter().filter(|endpoint| endpoint.cursor().is_some());
    let windows = windows.map(|endpoint| endpoint.dataset.to_owned()).collect::<Vec<_>>();
    for night in ["first", "second", "reconcile"] {
        for ledger in scene.ledgers() {
            ledger.edit(4);
            ledger.add(2);
            ledger.delete(1);
        }
        sleep(Duration::from_hours(20)).await;
        let reconcile = (night == "reconcile").then_some(DeleteLimit::All);
        let datasets = if reconcile.is_some() { windows.clone() } else { names.clone() };
        if datasets.is_empty() {
            continue;
        }
        let task = reconcile.map_or_else(Task::default, Task::Reconcile);
        let options = Order { select: Select { datasets, ..Select::default() }, task, dry_run: false };
        let around = surroundings(&scene, night, watch::channel(false).1);
        run(&scene.config, &options, &around).await.unwrap();
    }
    let mut files = Files::new();
    let folder = scene.folder.as_ref().unwrap().path();
    gather(folder, folder, &mut files);
    files
}

fn gather(root: &Path, folder: &Path, files: &mut Files) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            gather(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            files.insert(name, std::fs::read(path).unwrap());
        }
    }
}
