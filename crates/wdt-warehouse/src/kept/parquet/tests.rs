//! What plain Parquet promises beside the rules of `contract.rs`: names, bytes, and what is left of those who died.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::path::Path as FilePath;

use arrow::array::{Date32Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use tempfile::TempDir;

use super::*;
use crate::kept::table::Table;
use crate::warehouse::Warehouse;

/// Days since 1970-01-01.
const TODAY: i32 = 20_779;

fn spec() -> TableSpec {
    let fields = vec![Field::new("id", DataType::Int64, false), Field::new("dt", DataType::Date32, true)];
    let (name, comment) = ("etl_sample".to_owned(), "A sample.".to_owned());
    TableSpec { name, comment, schema: Arc::new(Schema::new(fields)), partition: Some("dt"), stats: vec![] }
}

fn rows(ids: impl IntoIterator<Item = i64>, day: i32) -> RecordBatch {
    let ids = Int64Array::from_iter_values(ids);
    let days = Date32Array::from(vec![day; ids.len()]);
    RecordBatch::try_new(spec().schema, vec![Arc::new(ids), Arc::new(days)]).unwrap()
}

fn warehouse(folder: &TempDir) -> Warehouse {
    Warehouse::parquet(folder.path().to_str().unwrap()).unwrap()
}

/// A handle that writes, as another process has it.
async fn writer(folder: &TempDir) -> Table {
    Table::open_or_create(&warehouse(folder), &spec()).await.unwrap()
}

async fn written(table: &Table, batches: Vec<RecordBatch>) -> Change {
    let mut writer = table.writer().unwrap();
    for batch in batches {
        writer.write(batch).await.unwrap();
    }
    Change { adds: writer.finish().await.unwrap(), ..Change::default() }
}

async fn append(table: &mut Table, batches: Vec<RecordBatch>) -> Result<u64, WarehouseError> {
    let change = written(table, batches).await;
    table.commit(change).await
}

/// Every file below the table by its path, with its bytes.
fn tree(folder: &TempDir) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let root = folder.path().join("etl_sample");
    gather(&root, &root, &mut files);
    files
}

fn gather(root: &FilePath, folder: &FilePath, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            gather(root, &entry.path(), files);
        } else {
            let name = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            files.insert(name, std::fs::read(entry.path()).unwrap());
        }
    }
}

/// Names of the data files, as a reader of the folders finds them.
fn data_files(folder: &TempDir) -> Vec<String> {
    tree(folder).into_keys().filter(|name| name.starts_with("dt=") && name.ends_with(".parquet")).collect()
}

fn put(folder: &TempDir, name: &str) {
    let path = folder.path().join("etl_sample").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, "left behind").unwrap();
}

#[tokio::test]
async fn the_same_commits_give_the_same_names_and_bytes() {
    let mut trees = Vec::new();
    for _ in 0..2 {
        let folder = tempfile::tempdir().unwrap();
        let mut table = writer(&folder).await;
        append(&mut table, vec![rows([1, 2], TODAY), rows([3], TODAY - 1)]).await.unwrap();
        let metadata = Some(serde_json::json!({ "text": "仓库" }));
        let (change, transaction) = (written(&table, vec![rows([4], TODAY)]).await, Some(("app".to_owned(), 7)));
        table.commit(Change { transaction, metadata, removes: table.files(None).unwrap(), ..change }).await.unwrap();
        trees.push(tree(&folder));
    }
    assert_eq!(trees[0], trees[1]);
    let names: Vec<&String> = trees[0].keys().collect();
    let [first, second, third, data] = names.as_slice() else { panic!("{names:?}") };
    assert_eq!(first.as_str(), "_manifest/00000000000000000000.json");
    assert_eq!(second.as_str(), "_manifest/00000000000000000001.json");
    assert_eq!(third.as_str(), "_manifest/00000000000000000002.json");
    let hash =
        data.strip_prefix("dt=2026-11-22/00000000000000000002-00000-").unwrap().strip_suffix(".parquet").unwrap();
    assert!(hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{data}");
    let manifest = String::from_utf8(trees[0][*third].clone()).unwrap();
    let bytes = trees[0][*data].len().to_string();
    insta::assert_snapshot!(masked(&manifest).replace(hash, "<hash>").replace(&bytes, "<bytes>"), @r#"
    {
      "format": 1,
      "version": 2,
      "transactions": [
        {
          "id": "app",
          "version": 7
        }
      ],
      "add": [
        {
          "path": "dt=2026-11-22/00000000000000000002-00000-<hash>.parquet",
          "rows": 1,
          "bytes": <bytes>,
          "partition": {
            "dt": "2026-11-22"
          }
        }
      ],
      "remove": [
        "dt=2026-11-22/00000000000000000001-00000-<hash>.parquet",
        "dt=2026-11-21/00000000000000000001-00001-<hash>.parquet"
      ],
      "wdtEtl": {
        "text": "仓库"
      }
    }
    "#);
}

/// Text without the hashes in the names of files.
fn masked(text: &str) -> String {
    let line = |line: &str| match (line.find("-0000"), line.find(".parquet")) {
        (Some(start), Some(end)) => format!("{}<hash>{}\n", &line[..start + 7], &line[end..]),
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[tokio::test]
async fn what_a_dead_writer_left_goes_with_the_commit_of_its_version_and_not_before() {
    let folder = tempfile::tempdir().unwrap();
    append(&mut writer(&folder).await, vec![rows([1], TODAY)]).await.unwrap();
    let committed = data_files(&folder);
    let name = |version: u64| format!("{version:020}-00007-00000000000000ff.parquet");
    let old =
        [format!("dt=2026-11-22/{}", name(1)), format!("_staged/{}.0", name(1)), format!("_staged/{:020}.json.3", 0)];
    let next =
        [format!("dt=2020-01-01/{}", name(2)), format!("_staged/{}.0", name(2)), format!("_staged/{:020}.json.0", 2)];
    let others =
        ["dt=2026-11-22/part-0.parquet", "dt=2026-11-22/00000000000000000001.txt", "notes.md"].map(str::to_owned);
    for left in old.iter().chain(&next).chain(&others) {
        put(&folder, left);
    }
    let there = |names: &[String]| names.iter().filter(|name| tree(&folder).contains_key(*name)).count();
    Table::open(&warehouse(&folder), &spec()).await.unwrap().unwrap();
    assert_eq!((there(&old), there(&next)), (3, 3), "who only reads changes nothing");
    let mut table = writer(&folder).await;
    assert_eq!((there(&old), there(&next)), (0, 3), "a rival may be at work on the next version");
    table.refresh().await.unwrap();
    assert_eq!(there(&next), 3);
    append(&mut table, vec![rows([2], TODAY)]).await.unwrap();
    assert_eq!((there(&next), there(&others), there(&committed)), (0, 3, 1));
    assert_eq!(data_files(&folder).len(), 3, "the two commits and what is nobody's");
}

#[tokio::test]
async fn a_rival_that_wrote_the_same_file_first_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = writer(&folder).await;
    let address = Url::from_directory_path(folder.path().join("etl_sample")).unwrap();
    let mut late = ParquetHandle::open_or_create(&address, &spec()).await.unwrap();
    let moved = |change, version| Change { transaction: Some(("app".to_owned(), version)), ..change };
    let (change, same) =
        (written(&first, vec![rows([1], TODAY)]).await, written(&first, vec![rows([1], TODAY), rows([2], 0)]).await);
    first.commit(moved(change, 1)).await.unwrap();
    let committed = tree(&folder);
    // overtaken just before its manifest: one of its files has the name and the bytes of the first one's
    let draft = Draft::new("etl_sample", moved(same, 2)).unwrap();
    let commit = draft.manifest(&late.loaded.columns, 1);
    let refused = late.publish(&draft, &commit).await;
    assert!(matches!(refused, Err(Error::AlreadyExists { .. })), "{refused:?}");
    assert_eq!(tree(&folder).len(), committed.len() + 1);
    late.suspects.add(commit.add.iter().map(Added::path));
    late.refresh().await.unwrap();
    assert_eq!(tree(&folder), committed);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_open_and_append_at_once_leave_a_version_and_a_file_each() {
    const WRITERS: i64 = 12;
    let folder = Arc::new(tempfile::tempdir().unwrap());
    for round in 1..=3 {
        let append = |id| {
            let folder = Arc::clone(&folder);
            // each sweeps what it takes for left behind, while the others write
            tokio::spawn(async move { append(&mut writer(&folder).await, vec![rows([id], TODAY)]).await.unwrap() })
        };
        let appends: Vec<_> = (0..WRITERS).map(append).collect();
        let mut versions = Vec::new();
        for append in appends {
            versions.push(append.await.unwrap());
        }
        versions.sort_unstable();
        let first = (round - 1) * WRITERS.unsigned_abs() + 1;
        assert_eq!(versions, (first..first + WRITERS.unsigned_abs()).collect::<Vec<_>>());
        // what those left who were overtaken goes with the next writer
        let files = writer(&folder).await.files(None).unwrap();
        let mut named: Vec<String> = files.iter().map(|file| file.path.to_string()).collect();
        named.sort();
        assert_eq!(data_files(&folder), named);
        assert!(!tree(&folder).keys().any(|name| name.starts_with("_staged")));
    }
}

/// A table in memory whose writes go wrong: the first one is its creation, then come a data file and a manifest.
async fn over(plan: &str) -> Result<ParquetHandle, WarehouseError> {
    let store = crate::faulty::failing(Arc::new(InMemory::new()), plan).unwrap();
    ParquetHandle::create_in(store, &spec()).await
}

async fn rows_in(table: &mut ParquetHandle) -> usize {
    table.refresh().await.unwrap();
    table.files(None).iter().map(|file| file.rows).sum()
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_made_once_and_one_that_is_refused_is_made_later() {
    let change = |table: &ParquetHandle| {
        let mut writer = table.writer();
        writer.write(&rows([1], TODAY)).unwrap();
        let adds = writer.roll().unwrap().into_iter().map(AddedFile::Parquet);
        // without a transaction nothing else would tell
        Change { adds: adds.map(|added| crate::kept::change::WrittenFile { added }).collect(), ..Change::default() }
    };
    for plan in ["lost:3", "rival:2", "conflict:2", "slow:3"] {
        let mut table = over(plan).await.unwrap();
        assert_eq!(table.commit(change(&table)).await.unwrap(), 1, "{plan}");
        assert_eq!((rows_in(&mut table).await, table.version()), (1, 1), "{plan}");
    }
    for plan in ["refused:2", "refused:3", "torn:1", "lost:2"] {
        let mut table = over(plan).await.unwrap();
        let failed = table.commit(change(&table)).await;
        assert!(matches!(failed, Err(WarehouseError::Storage { action: "commit", .. })), "{plan}: {failed:?}");
        assert_eq!((rows_in(&mut table).await, table.version()), (0, 0), "{plan}");
        assert_eq!(table.commit(change(&table)).await.unwrap(), 1, "{plan}");
        assert_eq!(rows_in(&mut table).await, 1, "{plan}");
        let [file] = table.files(None).try_into().unwrap();
        let whole = table.store().head(&file.path).await.unwrap();
        assert_eq!(whole.size, file.size, "{plan}: it is written again");
    }
    assert!(over("lost:1").await.is_ok() && over("rival:1").await.is_ok(), "a table that is there is created");
    assert!(over("refused:1").await.is_err());
}

#[tokio::test]
async fn a_manifest_that_is_gone_is_told_and_no_file_is_taken_for_an_orphan() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = writer(&folder).await;
    for id in 1..4 {
        append(&mut table, vec![rows([id], TODAY)]).await.unwrap();
    }
    std::fs::remove_file(folder.path().join("etl_sample/_manifest/00000000000000000002.json")).unwrap();
    let before = tree(&folder);
    for opened in [
        Table::open_or_create(&warehouse(&folder), &spec()).await.err(),
        Table::open(&warehouse(&folder), &spec()).await.err(),
        Table::find(&warehouse(&folder), "etl_sample").await.err(),
    ] {
        assert!(matches!(opened, Some(WarehouseError::LostCommit { version: 2, .. })), "{opened:?}");
    }
    assert_eq!(tree(&folder), before);
}

#[tokio::test]
async fn a_manifest_that_cannot_be_understood_is_told() {
    for (manifest, told) in [
        ("{ \"format\": 2, \"version\": 1 }", "a format other than 1"),
        ("{ \"format\": 1, \"version\": 3 }", "says version 3"),
        ("{ \"format\": 1, \"ver", "EOF"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        writer(&folder).await;
        std::fs::write(folder.path().join("etl_sample/_manifest/00000000000000000001.json"), manifest).unwrap();
        let opened = Table::open(&warehouse(&folder), &spec()).await.err().unwrap();
        assert!(matches!(opened, WarehouseError::LaterFormat { version: 1, .. }), "{opened:?}");
        assert!(opened.to_string().contains(told), "{opened}");
    }
}

#[tokio::test]
async fn tables_of_the_other_format_are_refused_and_those_of_somebody_else_are_not() {
    let open = |parquet: bool, folder: &TempDir| {
        let folder = folder.path().to_str().unwrap();
        if parquet { Warehouse::parquet(folder) } else { Warehouse::delta(folder) }
    };
    for parquet in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        Table::open_or_create(&open(parquet, &folder).unwrap(), &spec()).await.unwrap();
        assert!(open(parquet, &folder).is_ok());
        let refused = open(!parquet, &folder).err();
        let format = if parquet { "parquet" } else { "delta" };
        assert!(
            matches!(&refused, Some(WarehouseError::OtherFormat { table, found }) if table == "etl_sample" && *found == format),
            "{refused:?}"
        );
        std::fs::rename(folder.path().join("etl_sample"), folder.path().join("sales")).unwrap();
        assert!(open(!parquet, &folder).is_ok());
    }
}

#[tokio::test]
async fn a_table_in_memory_holds_no_file_that_was_taken_away() {
    let mut table = Table::in_memory(&spec()).await.unwrap();
    append(&mut table, vec![rows([1], TODAY)]).await.unwrap();
    let [file] = table.files(None).unwrap().try_into().unwrap();
    let change = written(&table, vec![rows([2], TODAY)]).await;
    table.commit(Change { removes: vec![file.clone()], ..change }).await.unwrap();
    assert_eq!((table.files(None).unwrap().len(), table.reader().size(&file.path).await.unwrap()), (1, None));
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused_and_nothing_is_left_aside() {
    let folder = tempfile::tempdir().unwrap();
    let store = Durable::new(folder.path()).unwrap();
    let path = Path::from("dt=2026-11-22/a.json");
    let put = async |text: &'static str, mode: PutMode| store.put_opts(&path, text.into(), mode.into()).await;
    put("first", PutMode::Create).await.unwrap();
    assert!(matches!(put("second", PutMode::Create).await, Err(Error::AlreadyExists { .. })));
    assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "first");
    put("third", PutMode::Overwrite).await.unwrap();
    assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "third");
    assert_eq!(std::fs::read_dir(folder.path().join(durable::ASIDE)).unwrap().count(), 0);
    // a folder where the file should be: told, and nothing is left
    std::fs::create_dir(folder.path().join("b")).unwrap();
    assert!(store.put(&Path::from("b"), "text".into()).await.is_err());
    assert_eq!(std::fs::read_dir(folder.path().join(durable::ASIDE)).unwrap().count(), 0);
}
