//! Damage planted in a copy of a warehouse, one at a time.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray, TimestampMicrosecondArray};
use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};
use tempfile::TempDir;
use wdt_etl::pipeline::Order;

use super::{Verified, args, verified};
use crate::support::copied;
use crate::world::{BETWEEN, World};

const STOCK: &str = "enterprise_stock";
const HISTORY: &str = "enterprise_stock_history";

/// Two nights, and copies of what they left.
struct Nights {
    world: World,
}

/// A copy of the warehouse to be damaged.
struct Copy<'a> {
    world: &'a World,
    folder: TempDir,
}

impl Nights {
    async fn new() -> Self {
        let world = World::new(300, |_| {});
        world.run("first", &Order::default()).await;
        world.sim.ledger(STOCK).unwrap().edit(60);
        world.clock.advance(BETWEEN);
        world.run("second", &Order::default()).await;
        Self { world }
    }

    fn copy(&self) -> Copy<'_> {
        let folder = tempfile::tempdir().unwrap();
        copied(&self.world.warehouse(), folder.path());
        Copy { world: &self.world, folder }
    }
}

impl Copy<'_> {
    async fn verified(&self) -> Verified {
        let mut config = self.world.config();
        config.warehouse.url = self.folder.path().to_str().unwrap().to_owned();
        verified(self.world, &config, &args()).await
    }

    /// The commits of a table, oldest first.
    fn commits(&self, table: &str) -> Vec<PathBuf> {
        commits(&self.folder.path().join(table))
    }

    /// The last commit of a table that added a file, and that file.
    fn last_file(&self, table: &str) -> (PathBuf, PathBuf) {
        for commit in self.commits(table).into_iter().rev() {
            let add = actions(&commit).into_iter().find_map(|action| action.get("add").cloned());
            if let Some(add) = add {
                return (commit, self.folder.path().join(table).join(add["path"].as_str().unwrap()));
            }
        }
        panic!("{table} has no file")
    }

    /// Writes other rows in place of the last file of a table, and what the log says of it as they are.
    fn rewrite(&self, table: &str, change: impl FnOnce(RecordBatch) -> RecordBatch) {
        let (commit, path) = self.last_file(table);
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
        let schema = Arc::clone(reader.schema());
        let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
        let rows = change(concat_batches(&schema, &batches).unwrap());
        let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), schema, None).unwrap();
        writer.write(&rows).unwrap();
        writer.close().unwrap();
        let size = std::fs::metadata(&path).unwrap().len();
        edit(&commit, |action| {
            let Some(add) = action.get_mut("add") else { return };
            if path.ends_with(add["path"].as_str().unwrap()) {
                let mut stats: Value = serde_json::from_str(add["stats"].as_str().unwrap()).unwrap();
                stats["numRecords"] = rows.num_rows().into();
                (add["size"], add["stats"]) = (size.into(), stats.to_string().into());
            }
        });
    }
}

/// The commits of a table, oldest first.
pub(super) fn commits(table: &Path) -> Vec<PathBuf> {
    let log = std::fs::read_dir(table.join("_delta_log")).unwrap();
    let mut paths: Vec<PathBuf> = log.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths
}

fn actions(commit: &Path) -> Vec<Value> {
    std::fs::read_to_string(commit).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Changes every action of a commit.
fn edit(commit: &Path, change: impl FnMut(&mut Value)) {
    let mut actions = actions(commit);
    actions.iter_mut().for_each(change);
    let lines: Vec<String> = actions.iter().map(ToString::to_string).collect();
    std::fs::write(commit, lines.join("\n")).unwrap();
}

/// Changes this project's part of a commit's metadata.
pub(super) fn edit_record(commit: &Path, mut change: impl FnMut(&mut Value)) {
    edit(commit, |action| {
        if let Some(record) = action.pointer_mut("/commitInfo/wdtEtl") {
            change(record);
        }
    });
}

fn edit_watermark(commit: &Path, seconds: i64) {
    edit(commit, |action| {
        if let Some(version) = action.pointer_mut("/txn/version") {
            *version = (version.as_i64().unwrap() + seconds).into();
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_gone_or_cut() {
    let nights = Nights::new().await;
    nights.copy().verified().await.assert_spotless();

    for (table, check) in [(HISTORY, "history files"), (STOCK, "current files")] {
        let copy = nights.copy();
        std::fs::remove_file(copy.last_file(table).1).unwrap();
        let found = copy.verified().await;
        found.assert_found(check, 6, "is gone");
        assert_eq!((found.code, found.failed().len()), (6, 1), "{:#?}", found.lines);

        let copy = nights.copy();
        let file = copy.last_file(table).1;
        let bytes = std::fs::read(&file).unwrap();
        std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
        copy.verified().await.assert_found(check, 6, "bytes, its log says");

        let copy = nights.copy();
        let file = copy.last_file(table).1;
        std::fs::write(&file, vec![b'x'; std::fs::read(&file).unwrap().len()]).unwrap();
        copy.verified().await.assert_found(check, 6, "cannot be read");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_changed_doubled_or_taken_away() {
    let nights = Nights::new().await;

    let text = || Arc::new(StringArray::from(vec!["planted"])) as ArrayRef;
    let time = || Arc::new(TimestampMicrosecondArray::from(vec![1_000_000]).with_timezone("UTC")) as ArrayRef;
    for (column, cell) in [
        ("spec_no", text()),
        ("_wdt_extra", text()),
        ("_wdt_run_id", text()),
        ("_wdt_pulled_at", time()),
        ("_wdt_deleted_at", time()),
    ] {
        let copy = nights.copy();
        copy.rewrite(STOCK, |rows| with_first(&rows, column, &cell));
        let found = copy.verified().await;
        found.assert_found("current", 6, "is not the newest row of the history");
        assert_eq!((found.code, found.failed().len()), (6, 1), "{column}: {:#?}", found.lines);
    }

    let copy = nights.copy();
    copy.rewrite(STOCK, |rows| rows.slice(1, rows.num_rows() - 1));
    let found = copy.verified().await;
    found.assert_found("current", 6, "is missing");
    let words = found.line("current", STOCK)["detail"].as_str().unwrap();
    assert!(words.starts_with("account main, spec_id ") && words.contains(", warehouse_id "), "{words}");

    let copy = nights.copy();
    copy.rewrite(STOCK, |rows| concat_batches(&rows.schema(), [&rows, &rows.slice(0, 1)]).unwrap());
    copy.verified().await.assert_found("current", 6, "occurs twice");

    let copy = nights.copy();
    copy.rewrite(HISTORY, |rows| concat_batches(&rows.schema(), [&rows, &rows.slice(0, 1)]).unwrap());
    let found = copy.verified().await;
    found.assert_found("history rows", 6, "is logged again without a change");
    found.assert_found("counts", 5, "rows in its files");
    assert_eq!((found.code, found.failed().len()), (6, 2), "{:#?}", found.lines);

    let copy = nights.copy();
    copy.rewrite(HISTORY, |rows| rows.slice(1, rows.num_rows() - 1));
    let found = copy.verified().await;
    found.assert_found("counts", 5, "rows in its files");
    found.assert_found("current", 6, "is not the newest row of the history");
}

/// The rows with another cell in the first.
fn with_first(rows: &RecordBatch, column: &str, cell: &ArrayRef) -> RecordBatch {
    let position = rows.schema().index_of(column).unwrap();
    let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
    let rest = columns[position].slice(1, rows.num_rows() - 1);
    columns[position] = arrow::compute::concat(&[cell, &rest]).unwrap();
    RecordBatch::try_new(rows.schema(), columns).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_that_are_gone_or_prove_nothing() {
    let nights = Nights::new().await;
    let certificates = |record: &mut Value| record["certificates"].as_array_mut().unwrap().clone();

    let copy = nights.copy();
    edit_record(&copy.commits(HISTORY)[1], |record| {
        record["certificates"].as_array_mut().unwrap().remove(1);
    });
    let found = copy.verified().await;
    found.assert_found("windows", 5, "no certificate covers 2012-01-");
    let hint = found.line("windows", STOCK)["hint"].as_str().unwrap();
    let command = "read it again: wdt-etl backfill --account main --dataset enterprise_stock --from \"2012-01-";
    assert!(hint.starts_with(command), "{hint}");
    assert_eq!((found.code, found.failed().len()), (5, 1), "{:#?}", found.lines);

    let copy = nights.copy();
    edit_record(&copy.commits(HISTORY)[1], |record| record["certificates"][0]["verdict"] = "uncertified".into());
    let found = copy.verified().await;
    found.assert_found("certificates", 5, "is uncertified");
    assert_eq!((found.code, found.failed().len()), (5, 1), "{:#?}", found.lines);

    let copy = nights.copy();
    let last = copy.commits(HISTORY).pop().unwrap();
    edit_record(&last, |record| {
        let last = certificates(record).len() - 1;
        record["certificates"][last]["distinct"] = 4711.into();
    });
    let found = copy.verified().await;
    found.assert_found("certificates", 5, "4711 records read");
    found.assert_found("counts", 5, "typed records certified");
    assert_eq!((found.code, found.failed().len()), (5, 2), "{:#?}", found.lines);
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_that_do_not_add_up() {
    let nights = Nights::new().await;
    for (count, words) in [("changed", "changed or deleted"), ("unchanged", "changed, unchanged or stale")] {
        let copy = nights.copy();
        edit_record(&copy.commits(HISTORY).pop().unwrap(), |record| record["sums"][count] = 9999.into());
        let found = copy.verified().await;
        found.assert_found("counts", 5, words);
        assert_eq!((found.code, found.failed().len()), (5, 1), "{:#?}", found.lines);
    }
    let copy = nights.copy();
    edit_record(&copy.commits(HISTORY).pop().unwrap(), |record| record["sums"]["records"] = 0.into());
    copy.verified().await.assert_found("counts", 5, "its run counts");

    let copy = nights.copy();
    edit_record(&copy.commits(HISTORY).pop().unwrap(), |record| {
        record["quarantine"] =
            json!([{ "page": 0, "row": 0, "column": "", "text": "", "reason": "", "record": "{}", "read_at": 0 }]);
    });
    let found = copy.verified().await;
    found.assert_found("counts", 5, "0 refused records certified, 1 quarantined");
    let mirrors = found.line("mirrors", STOCK);
    assert_eq!((&mirrors["ok"], mirrors["hint"].is_string()), (&true.into(), true), "{mirrors:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn watermarks_that_were_moved() {
    let nights = Nights::new().await;
    for seconds in [3600, -7200] {
        let copy = nights.copy();
        edit_watermark(&copy.commits(HISTORY).pop().unwrap(), seconds);
        let found = copy.verified().await;
        found.assert_found("watermark", 5, "moves the watermark to");
        let back = found.line("watermark", STOCK)["detail"].as_str().unwrap().contains("` from ");
        assert_eq!(back, seconds < 0, "{:#?}", found.lines);
        assert_eq!((found.code, found.failed().len()), (5, 1), "{:#?}", found.lines);
    }
    let copy = nights.copy();
    let last = copy.commits(HISTORY).pop().unwrap();
    edit_watermark(&last, 3600);
    edit_record(&last, |record| {
        record["watermark_after"] = (record["watermark_after"].as_i64().unwrap() + 3600).into();
    });
    copy.verified().await.assert_found("watermark", 5, "its certificates end at");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_not_what_runs_wrote() {
    let nights = Nights::new().await;

    let copy = nights.copy();
    edit(&copy.commits(HISTORY).pop().unwrap(), |action| {
        if let Some(info) = action.get_mut("commitInfo") {
            info.as_object_mut().unwrap().remove("wdtEtl");
        }
    });
    copy.verified().await.assert_found("log", 6, "has rows, and no run wrote it");

    let copy = nights.copy();
    edit_record(&copy.commits(HISTORY)[1], |record| record["sums"] = "none".into());
    copy.verified().await.assert_found("log", 6, "commit 1 was made by a later wdt-etl");

    // the others are still looked at
    let copy = nights.copy();
    std::fs::write(&copy.commits(HISTORY)[1], "no log").unwrap();
    let found = copy.verified().await;
    assert_eq!(found.code, 6, "{:#?}", found.lines);
    assert!(found.failed().iter().all(|failed| failed.ends_with(STOCK)), "{:#?}", found.lines);
    assert_eq!(found.line("current", "enterprise_goods")["ok"], true);

    let copy = nights.copy();
    std::fs::remove_dir_all(copy.folder.path().join(HISTORY)).unwrap();
    copy.verified().await.assert_found("log", 6, "the history is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slice_that_was_never_read() {
    let world = World::of_all_gateways(&[("cainiao_inventory", 60)], |_| {});
    world.run_of("first", &["cainiao_inventory"]).await;
    world.edit_config("stores = [\"STORE_1\", \"STORE_2\"]", "stores = [\"STORE_1\", \"STORE_2\", \"STORE_3\"]");
    let found = verified(&world, &world.config(), &args()).await;
    let line = found.line("slices", "cainiao_inventory");
    assert_eq!((found.code, &line["exit_code"]), (5, &5.into()), "{line:#}");
    let words = "slice store_code=STORE_3 type=1 inventory_type=1 was never read whole";
    assert!(line["detail"].as_str().unwrap().starts_with(words), "{line:#}");
}
