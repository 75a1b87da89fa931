//! The rule, tried on everybody who reads a log.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::compute::{concat_batches, lexsort_to_indices, take_record_batch};
use wdt_models::endpoints::ENTERPRISE_STOCK;
use wdt_models::time::Micros;

use super::*;
use crate::as_of::{Source, Until};
use crate::compare::{Columns, Sides};
use crate::dataset::DatasetTables;
use crate::kept::change::Change;
use crate::projection::{applied_version, folded, roll_forward};
use crate::proof::{Refold, Statement};
use crate::rows::conform;
use crate::schema::{DT, TableSpec};
use crate::warehouse::Warehouse;

/// Account, key, cursor, operation and name of a row of the history.
type LoggedRow = (&'static str, i64, Option<i64>, &'static str, &'static str);

/// When the rows of a commit were read, by its number among those that are logged at once; epoch microseconds.
const fn read_at(commit: i64) -> i64 {
    9_000_000 + commit * 1_000_000
}

fn batch(history: &Table, commit: i64, rows: &[LoggedRow]) -> RecordBatch {
    let ids = || Arc::new(rows.iter().map(|row| Some(row.1)).collect::<Int64Array>()) as ArrayRef;
    let time = |times: TimestampMicrosecondArray| Arc::new(times.with_timezone("UTC")) as ArrayRef;
    let text = |text: fn(&LoggedRow) -> &'static str| {
        Arc::new(rows.iter().map(|row| Some(text(row))).collect::<StringArray>()) as ArrayRef
    };
    let columns: [(&str, ArrayRef); 8] = [
        (ACCOUNT, text(|row| row.0)),
        ("spec_id", ids()),
        ("warehouse_id", ids()),
        ("modified", time(rows.iter().map(|row| row.2).collect())),
        ("spec_no", text(|row| row.4)),
        (PULLED_AT, time(rows.iter().map(|row| Some(read_at(commit) + row.1)).collect())),
        (OP, text(|row| row.3)),
        (DT, Arc::new(Date32Array::from(vec![20_000; rows.len()]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    conform(history.name(), &batch, history.schema(), &HashMap::new()).unwrap()
}

async fn log(history: &mut Table, commits: &[&[LoggedRow]]) {
    for (number, rows) in (0..).zip(commits) {
        let mut writer = history.writer().unwrap();
        for row in *rows {
            // several files in a commit
            writer.write(batch(history, number, &[*row])).await.unwrap();
            writer.roll().await.unwrap();
        }
        let adds = writer.finish().await.unwrap();
        history.commit(Change { adds, ..Change::default() }).await.unwrap();
    }
}

/// All rows of a current table by account and key.
async fn sorted(current: &Table) -> RecordBatch {
    let mut batches = Vec::new();
    for file in current.files(None).unwrap() {
        let constants = HashMap::from([(ACCOUNT, file.partition_value(ACCOUNT).unwrap())]);
        for batch in current.reader().all_rows(&file.path, file.size, None, None).await.unwrap() {
            batches.push(conform(current.name(), &batch, current.schema(), &constants).unwrap());
        }
    }
    let rows = concat_batches(current.schema(), &batches).unwrap();
    let by = |name: &str| arrow::compute::SortColumn {
        values: Arc::clone(rows.column_by_name(name).unwrap()),
        options: None,
    };
    take_record_batch(&rows, &lexsort_to_indices(&[by(ACCOUNT), by("spec_id")], None).unwrap()).unwrap()
}

#[tokio::test]
async fn two_passes_fold_what_version_by_version_does() {
    let commits: [&[LoggedRow]; 5] = [
        &[("a", 1, Some(10), "upsert", "first"), ("a", 2, Some(10), "upsert", "only"), ("b", 1, None, "upsert", "b")],
        &[],
        // two versions of a key in a commit, a delete, an older cursor, the same cursor
        &[
            ("a", 1, Some(20), "upsert", "second"),
            ("a", 1, Some(30), "upsert", "third"),
            ("a", 3, Some(5), "upsert", "x"),
        ],
        &[
            ("a", 1, Some(15), "upsert", "too old"),
            ("a", 2, Some(10), "delete", "only"),
            ("a", 3, Some(5), "upsert", "y"),
        ],
        &[
            ("b", 1, Some(1), "upsert", "b with a cursor"),
            ("b", 4, Some(1), "delete", "gone"),
            ("b", 4, Some(2), "upsert", "back"),
        ],
    ];
    for length in 0..=commits.len() {
        let warehouse = Warehouse::memory();
        let mut history = Table::open_or_create(&warehouse, &TableSpec::history(&ENTERPRISE_STOCK)).await.unwrap();
        let mut current = Table::open_or_create(&warehouse, &TableSpec::current(&ENTERPRISE_STOCK)).await.unwrap();
        log(&mut history, &commits[..length]).await;
        let mut folded = folded(&ENTERPRISE_STOCK, &history).await.unwrap();
        assert_eq!(applied_version(&folded).await.unwrap(), length as u64);
        roll_forward(&ENTERPRISE_STOCK, &mut history, &mut current).await.unwrap();
        let wanted = sorted(&current).await;
        assert_eq!(sorted(&folded).await, wanted, "{length} commits");
        // what is landed later is folded in by the other way
        log(&mut history, &commits[length..]).await;
        roll_forward(&ENTERPRISE_STOCK, &mut history, &mut folded).await.unwrap();
        roll_forward(&ENTERPRISE_STOCK, &mut history, &mut current).await.unwrap();
        let wanted = sorted(&current).await;
        assert_eq!(sorted(&folded).await, wanted, "{length} commits, then the others");
        let names = arrow::array::AsArray::as_string::<i32>(wanted.column_by_name("spec_no").unwrap());
        let names: Vec<_> = names.iter().flatten().collect();
        assert_eq!(names, ["third", "only", "y", "b with a cursor", "back"]);
        assert_eq!(wanted.column_by_name(DELETED_AT).unwrap().null_count(), 4);
    }
}

/// Names of the rows that a source holds, by key.
async fn names(source: &Source<'_>) -> Vec<String> {
    let schema = crate::as_of::part(&TableSpec::current(&ENTERPRISE_STOCK).schema, &["spec_id", "spec_no"]);
    let mut found = Vec::new();
    for piece in source.pieces() {
        let batches: Vec<RecordBatch> = source.read(piece, &schema).await.unwrap().try_collect().await.unwrap();
        for batch in batches {
            let ids = batch.column_by_name("spec_id").unwrap().as_primitive::<arrow::datatypes::Int64Type>().clone();
            let names = batch.column_by_name("spec_no").unwrap().as_string::<i32>();
            found.extend((0..batch.num_rows()).map(|row| (ids.value(row), names.value(row).to_owned())));
        }
    }
    found.sort();
    found.into_iter().map(|(_, name)| name).collect()
}

/// A log in which rows with older cursors, and with none, come after newer ones.
const LATE: [&[LoggedRow]; 3] = [
    &[("a", 1, Some(30), "upsert", "new"), ("a", 2, Some(5), "upsert", "first"), ("a", 3, Some(1), "upsert", "dated")],
    &[("a", 1, Some(20), "upsert", "old"), ("a", 2, Some(5), "upsert", "last"), ("a", 3, None, "upsert", "undated")],
    &[("a", 4, Some(9), "upsert", "newer"), ("a", 4, Some(8), "delete", "older"), ("a", 1, Some(29), "delete", "old")],
];

#[tokio::test]
async fn an_older_cursor_that_is_logged_later_counts_for_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let warehouses =
        [Warehouse::memory(), Warehouse::delta(&path("delta")).unwrap(), Warehouse::parquet(&path("parquet")).unwrap()];
    for warehouse in warehouses {
        let mut tables = DatasetTables::open_or_create(&warehouse, &ENTERPRISE_STOCK).await.unwrap();
        log(&mut tables.history, &LATE).await;
        // the projection, version by version
        tables.catch_up().await.unwrap();
        let current = Source::current(&tables, &[]).unwrap();
        assert_eq!(names(&current).await, ["new", "last", "dated", "newer"], "{warehouse:?}");
        // what plain Parquet folds at once
        let reopened = DatasetTables::open(&warehouse, &ENTERPRISE_STOCK).await.unwrap().unwrap();
        assert_eq!(names(&Source::current(&reopened, &[]).unwrap()).await, ["new", "last", "dated", "newer"]);
        for (version, wanted) in [
            (1, vec!["new", "first", "dated"]),
            (2, vec!["new", "last", "dated"]),
            (3, vec!["new", "last", "dated", "newer"]),
        ] {
            let by_version = Source::as_of(&tables, &[], Until::Version(version)).await.unwrap();
            assert_eq!(names(&by_version).await, wanted, "{warehouse:?} as of version {version}");
            let last = read_at(i64::try_from(version).unwrap()) - 1;
            let by_time = Source::as_of(&tables, &[], Until::Time(Micros(last))).await.unwrap();
            assert_eq!(names(&by_time).await, wanted, "{warehouse:?} as of {last}");
        }
        // diff's engine
        let as_of = Source::as_of(&tables, &[], Until::Version(3)).await.unwrap();
        let columns = Columns::new(&ENTERPRISE_STOCK, |_| true);
        let sides = Sides::new(&columns, [Some(&current), Some(&as_of)], 9, &|| false).unwrap();
        let compared = sides.compare().await.unwrap().unwrap();
        assert_eq!((compared.equal, compared.differ()), (4, false), "{warehouse:?}: {compared:?}");
        // verify's own fold
        let statement = Statement::read(&tables.history).await.unwrap();
        let (endpoint, history, commits) = (&ENTERPRISE_STOCK, &tables.history, &statement.commits);
        let proved =
            Refold { endpoint, history, commits, current: Some((&tables.current, 3)) }.compare().await.unwrap();
        assert_eq!((proved.equal, proved.differing.is_empty()), (4, true), "{warehouse:?}: {proved:?}");
    }
}
