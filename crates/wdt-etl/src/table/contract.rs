//! What every way of keeping tables must do: one suite of rules, run over each of them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray as _, BooleanArray, Date32Array, Decimal128Array, Int64Array, ListArray, RecordBatch,
    StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Fields, Int64Type, Schema};
use object_store::path::Path;
use serde_json::json;

use super::schema::{TableSpec, timestamp};
use super::versioned::{Change, Table, WrittenFile};
use super::warehouse::Warehouse;
use super::{WarehouseError, conform};

/// Runs each rule over each way of keeping tables.
macro_rules! rules {
    ($($rule:ident)+) => {
        mod delta {
            $(#[tokio::test] async fn $rule() { super::$rule(super::Place::folder()).await; })+
        }
        mod memory {
            $(#[tokio::test] async fn $rule() { super::$rule(super::Place::memory()).await; })+
        }
    };
}

rules! {
    a_table_is_created_once
    who_creates_a_table_second_opens_that_of_the_first
    other_columns_are_refused
    rows_of_all_types_come_back_as_they_were
    a_date_that_partitions_is_no_part_of_the_files
    batches_that_do_not_fit_are_refused_alone
    files_are_listed_by_partition
    columns_and_positions_are_picked
    rows_of_a_file_keep_their_order_over_writes
    a_roll_begins_new_files
    nothing_that_is_not_committed_is_part_of_the_table
    a_handle_sees_its_version_until_it_loads_another
    the_last_version_of_an_application_counts
    rivals_of_one_application_conflict
    rivals_of_several_applications_do_not
    an_unmoved_application_conflicts_with_its_mover
    every_rival_since_the_loaded_version_counts
    a_file_is_taken_away_once
    an_append_conflicts_with_a_rival_who_took_a_loaded_file_away
    a_rival_s_new_files_stand_against_nothing
    commits_are_read_back_whole
    a_file_that_was_taken_away_can_still_be_read
    a_file_that_never_was_is_an_error
    a_table_created_anew_has_another_id
    a_table_is_found_without_its_description
}

/// A warehouse that two processes may open.
struct Place {
    warehouse: Warehouse,
    folder: Option<tempfile::TempDir>,
}

impl Place {
    fn folder() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { warehouse: Warehouse::folder(folder.path().to_str().unwrap()).unwrap(), folder: Some(folder) }
    }

    fn memory() -> Self {
        Self { warehouse: Warehouse::memory(), folder: None }
    }

    /// A handle as another process has it.
    async fn handle(&self, spec: &TableSpec) -> Table {
        let warehouse = match &self.folder {
            Some(folder) => Warehouse::folder(folder.path().to_str().unwrap()).unwrap(),
            None => self.warehouse.clone(),
        };
        Table::open_or_create(&warehouse, spec).await.unwrap()
    }

    async fn rivals(&self, spec: &TableSpec) -> (Table, Table) {
        (self.handle(spec).await, self.handle(spec).await)
    }

    fn forget(&self, table: &str) {
        match &self.folder {
            Some(folder) => std::fs::remove_dir_all(folder.path().join(table)).unwrap(),
            None => self.warehouse.forget(table),
        }
    }
}

fn spec(fields: Vec<Field>, partition: Option<&'static str>) -> TableSpec {
    let schema = Arc::new(Schema::new(fields));
    TableSpec { name: "sample".to_owned(), comment: "A sample.".to_owned(), schema, partition, stats: vec!["id"] }
}

/// Ids alone.
fn plain() -> TableSpec {
    spec(vec![Field::new("id", DataType::Int64, false)], None)
}

/// Ids by account.
fn parted() -> TableSpec {
    spec(vec![Field::new("account", DataType::Utf8, true), Field::new("id", DataType::Int64, false)], Some("account"))
}

fn ids(spec: &TableSpec, ids: impl IntoIterator<Item = i64>) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(ids));
    RecordBatch::try_new(Arc::clone(&spec.schema), vec![ids]).unwrap()
}

fn by_account(rows: &[(Option<&str>, i64)]) -> RecordBatch {
    let accounts: StringArray = rows.iter().map(|(account, _)| *account).collect();
    let ids = Int64Array::from_iter_values(rows.iter().map(|(_, id)| *id));
    RecordBatch::try_new(parted().schema, vec![Arc::new(accounts), Arc::new(ids)]).unwrap()
}

async fn written(table: &Table, batch: RecordBatch) -> Vec<WrittenFile> {
    let mut writer = table.writer().unwrap();
    writer.write(batch).await.unwrap();
    writer.finish().await.unwrap()
}

async fn append(table: &mut Table, batch: RecordBatch) -> Result<u64, WarehouseError> {
    let adds = written(table, batch).await;
    table.commit(Change { adds, ..Change::default() }).await
}

/// A commit that takes away every loaded file.
fn emptied(table: &Table) -> Change {
    Change { removes: table.files(None).unwrap(), ..Change::default() }
}

/// A commit that moves an application.
fn moved(app_id: &str, version: i64) -> Change {
    Change { transaction: Some((app_id.to_owned(), version)), ..Change::default() }
}

fn assert_conflict(result: &Result<u64, WarehouseError>) {
    assert!(matches!(result, Err(WarehouseError::Conflict { table, .. }) if table == "sample"), "{result:?}");
}

/// Ids of the loaded version, ascending.
async fn all_ids(table: &Table) -> Vec<i64> {
    let mut found = Vec::new();
    for file in table.files(None).unwrap() {
        found.extend(ids_in(table, &file.path, file.size).await);
    }
    found.sort_unstable();
    found
}

async fn ids_in(table: &Table, path: &Path, size: u64) -> Vec<i64> {
    let batches = table.reader().all_rows(path, size, Some(&["id"]), None).await.unwrap();
    batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}

async fn a_table_is_created_once(place: Place) {
    assert!(Table::open(&place.warehouse, &plain()).await.unwrap().is_none());
    let (first, second) = place.rivals(&plain()).await;
    assert_eq!((first.version(), first.files(None).unwrap().len()), (0, 0));
    assert_eq!(first.id().unwrap(), second.id().unwrap());
    let opened = Table::open(&place.warehouse, &plain()).await.unwrap().unwrap();
    assert_eq!(opened.id().unwrap(), first.id().unwrap());
    assert_eq!((opened.name(), opened.partition(), opened.schema()), ("sample", None, &plain().schema));
}

async fn who_creates_a_table_second_opens_that_of_the_first(place: Place) {
    let spec = plain();
    let (mut first, mut second) = tokio::join!(place.handle(&spec), place.handle(&spec));
    assert_eq!(first.id().unwrap(), second.id().unwrap());
    append(&mut first, ids(&plain(), [1])).await.unwrap();
    append(&mut second, ids(&plain(), [2])).await.unwrap();
    assert_eq!(all_ids(&second).await, [1, 2]);
}

async fn other_columns_are_refused(place: Place) {
    place.handle(&parted()).await;
    let text = |name| Field::new(name, DataType::Utf8, true);
    let number = |name| Field::new(name, DataType::Int64, false);
    let others = [
        vec![text("account")],
        vec![text("account"), text("id")],
        vec![number("id"), text("account")],
        vec![text("account"), number("id"), number("more")],
    ];
    for fields in others {
        let other = spec(fields, None);
        let opened = Table::open(&place.warehouse, &other).await.err();
        let created = Table::open_or_create(&place.warehouse, &other).await.err();
        for refused in [opened, created] {
            assert!(matches!(&refused, Some(WarehouseError::Schema { .. })), "{refused:?}");
        }
    }
}

fn of_all_types() -> (TableSpec, RecordBatch) {
    let inner = Fields::from(vec![
        Field::new("sku", DataType::Utf8, true),
        Field::new("num", DataType::Decimal128(19, 4), true),
    ]);
    let element = Arc::new(Field::new("element", DataType::Struct(inner.clone()), true));
    let fields = vec![
        Field::new("id", DataType::Int64, false),
        Field::new("name", DataType::Utf8, true).with_metadata(super::schema::comment("名称", "its name")),
        Field::new("num", DataType::Decimal128(19, 4), true),
        Field::new("at", timestamp(), true),
        Field::new("day", DataType::Date32, true),
        Field::new("on", DataType::Boolean, true),
        Field::new("parts", DataType::List(Arc::clone(&element)), true),
        Field::new("account", DataType::Utf8, false),
    ];
    let spec = spec(fields, Some("account"));
    let number = |values: Vec<Option<i128>>| {
        Arc::new(Decimal128Array::from(values).with_precision_and_scale(19, 4).unwrap()) as ArrayRef
    };
    let parts = StructArray::new(
        inner,
        vec![Arc::new(StringArray::from(vec![Some("a"), None, Some("c")])), number(vec![None, Some(1), Some(-2)])],
        None,
    );
    let offsets = OffsetBuffer::from_lengths([2, 0, 0, 1]);
    let parts = ListArray::new(element, offsets, Arc::new(parts), Some(vec![true, true, false, true].into()));
    let most = 10_i128.pow(19) - 1;
    let at = TimestampMicrosecondArray::from(vec![Some(0), None, Some(-1), Some(1_795_334_400_123_456)]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![i64::MIN, 0, 1, i64::MAX])),
        Arc::new(StringArray::from(vec![Some("仓库 \u{1F4E6}"), None, Some(""), Some("a\"b\n")])),
        number(vec![Some(most), None, Some(0), Some(-most)]),
        Arc::new(at.with_timezone("UTC")),
        Arc::new(Date32Array::from(vec![Some(0), None, Some(-1), Some(20_779)])),
        Arc::new(BooleanArray::from(vec![Some(true), None, Some(false), Some(true)])),
        Arc::new(parts),
        Arc::new(StringArray::from(vec!["main", "main", "账号 a=b/c%", "main"])),
    ];
    let rows = RecordBatch::try_new(Arc::clone(&spec.schema), columns).unwrap();
    (spec, rows)
}

async fn rows_of_all_types_come_back_as_they_were(place: Place) {
    let (spec, rows) = of_all_types();
    let mut table = place.handle(&spec).await;
    append(&mut table, rows.clone()).await.unwrap();
    let main = arrow::compute::take_record_batch(&rows, &arrow::array::UInt32Array::from(vec![0, 1, 3])).unwrap();
    for (account, wanted) in [("main", main), ("账号 a=b/c%", rows.slice(2, 1))] {
        let [file] = table.files(Some(account)).unwrap().try_into().unwrap();
        assert_eq!((file.rows, file.partition_value("account")), (wanted.num_rows(), Some(account)));
        let batches = table.reader().all_rows(&file.path, file.size, None, None).await.unwrap();
        let [batch] = batches.try_into().unwrap();
        assert!(batch.column_by_name("account").is_none(), "a partition column is no part of a file");
        let constants = HashMap::from([("account", account)]);
        assert_eq!(conform("sample", &batch, &spec.schema, &constants).unwrap(), wanted);
        assert_eq!(table.reader().row_count(&file.path, file.size).await.unwrap(), wanted.num_rows() as u64);
        assert_eq!(table.reader().size(&file.path).await.unwrap(), Some(file.size));
    }
}

async fn a_date_that_partitions_is_no_part_of_the_files(place: Place) {
    let fields = vec![Field::new("id", DataType::Int64, false), Field::new("dt", DataType::Date32, true)];
    let spec = spec(fields, Some("dt"));
    let mut table = place.handle(&spec).await;
    let dates = Date32Array::from(vec![Some(20_779), None, Some(20_779), Some(-1)]);
    let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(vec![1, 2, 3, 4])), Arc::new(dates)];
    let rows = RecordBatch::try_new(Arc::clone(&spec.schema), columns).unwrap();
    append(&mut table, rows).await.unwrap();
    let mut found = Vec::new();
    for file in table.files(None).unwrap() {
        let value = file.partition_value("dt").map(str::to_owned);
        found.push((value, ids_in(&table, &file.path, file.size).await));
    }
    found.sort();
    let day = |day: &str| Some(day.to_owned());
    assert_eq!(found, [(None, vec![2]), (day("1969-12-31"), vec![4]), (day("2026-11-22"), vec![1, 3])]);
    // what is found without a description has the dates again
    let rows = crate::warehouse::rows(&place.warehouse, "sample").await.unwrap().unwrap();
    assert_eq!(
        (rows.num_rows(), rows.column(1).null_count(), rows.schema().field(1).data_type()),
        (4, 1, &DataType::Date32)
    );
}

async fn batches_that_do_not_fit_are_refused_alone(place: Place) {
    let mut table = place.handle(&plain()).await;
    let mut writer = table.writer().unwrap();
    writer.write(ids(&plain(), [1])).await.unwrap();
    let one = |name: &str, column: ArrayRef| RecordBatch::try_from_iter_with_nullable([(name, column, true)]).unwrap();
    let number = || Arc::new(Int64Array::from(vec![1])) as ArrayRef;
    let more = RecordBatch::try_from_iter([("id", number()), ("more", number())]).unwrap();
    let misfits = [
        one("other", number()),
        one("id", Arc::new(StringArray::from(vec!["1"]))),
        one("id", Arc::new(Int64Array::from(vec![None]))),
        more,
    ];
    for misfit in misfits {
        let refused = writer.write(misfit.clone()).await;
        assert!(matches!(refused, Err(WarehouseError::Storage { .. })), "{misfit:?}: {refused:?}");
    }
    let adds = writer.finish().await.unwrap();
    table.commit(Change { adds, ..Change::default() }).await.unwrap();
    assert_eq!(all_ids(&table).await, [1]);
    // columns are found by name
    let swapped = by_account(&[(Some("a"), 7)]).project(&[1, 0]).unwrap();
    place.forget("sample");
    let mut table = place.handle(&parted()).await;
    append(&mut table, swapped).await.unwrap();
    assert_eq!(all_ids(&table).await, [7]);
}

async fn files_are_listed_by_partition(place: Place) {
    let mut table = place.handle(&parted()).await;
    append(&mut table, by_account(&[(Some("a"), 1), (Some("b"), 2), (None, 3), (Some("a"), 4)])).await.unwrap();
    append(&mut table, by_account(&[(Some("a"), 5)])).await.unwrap();
    for (account, wanted) in [("a", vec![vec![1, 4], vec![5]]), ("b", vec![vec![2]]), ("c", vec![])] {
        let mut found = Vec::new();
        for file in table.files(Some(account)).unwrap() {
            assert_eq!((file.partition_value("account"), file.partition_value("id")), (Some(account), None));
            found.push(ids_in(&table, &file.path, file.size).await);
            assert_eq!(file.rows, found[found.len() - 1].len());
        }
        found.sort();
        assert_eq!(found, wanted, "{account}");
    }
    assert_eq!(all_ids(&table).await, [1, 2, 3, 4, 5]);
    // a table without partitions is one
    place.forget("sample");
    let mut table = place.handle(&plain()).await;
    append(&mut table, ids(&plain(), [1])).await.unwrap();
    assert_eq!(table.files(Some("a")).unwrap().len(), 1);
}

async fn columns_and_positions_are_picked(place: Place) {
    let fields = ["a", "b", "c"].map(|name| Field::new(name, DataType::Int64, true)).to_vec();
    let spec = spec(fields, None);
    let mut table = place.handle(&spec).await;
    let mut writer = table.writer().unwrap();
    for start in [0, 5_000] {
        let column = |of: i64| Arc::new(Int64Array::from_iter_values((start..start + 5_000).map(|row| row * 10 + of)));
        let columns: Vec<ArrayRef> = vec![column(1), column(2), column(3)];
        writer.write(RecordBatch::try_new(Arc::clone(&spec.schema), columns).unwrap()).await.unwrap();
    }
    let adds = writer.finish().await.unwrap();
    table.commit(Change { adds, ..Change::default() }).await.unwrap();
    let [file] = table.files(None).unwrap().try_into().unwrap();
    let read = async |columns: Option<&[&str]>, positions: Option<&[usize]>| {
        let batches = table.reader().all_rows(&file.path, file.size, columns, positions).await.unwrap();
        assert!(batches.iter().all(|batch| (1..=4096).contains(&batch.num_rows())));
        let schema = batches.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
        concat_batches(&schema, &batches).unwrap()
    };
    let names =
        |batch: &RecordBatch| batch.schema().fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
    let rows = read(Some(&["c", "none", "a", "c"]), None).await;
    assert_eq!((names(&rows), rows.num_rows()), (vec!["a".to_owned(), "c".to_owned()], 10_000));
    let rows = read(None, Some(&[0, 1, 4_999, 5_000, 9_999])).await;
    let column = |of: usize| rows.column(of).as_primitive::<Int64Type>().values().to_vec();
    assert_eq!((column(0), column(2)[3]), (vec![1, 11, 49_991, 50_001, 99_991], 50_003));
    let rows = read(Some(&["b"]), Some(&[7_000])).await;
    assert_eq!(
        (names(&rows), rows.column(0).as_primitive::<Int64Type>().values().to_vec()),
        (vec!["b".to_owned()], vec![70_002])
    );
    assert_eq!(read(None, Some(&[])).await.num_rows(), 0);
    assert_eq!(read(Some(&["none"]), None).await.num_rows(), 10_000);
}

async fn rows_of_a_file_keep_their_order_over_writes(place: Place) {
    let mut table = place.handle(&parted()).await;
    let mut writer = table.writer().unwrap();
    writer.write(by_account(&[(Some("a"), 9), (Some("b"), 1), (Some("a"), 3)])).await.unwrap();
    assert!(writer.open_bytes() > 0);
    writer.write(by_account(&[(Some("a"), 7), (Some("b"), 0)])).await.unwrap();
    let adds = writer.finish().await.unwrap();
    table.commit(Change { adds, ..Change::default() }).await.unwrap();
    for (account, wanted) in [("a", vec![9, 3, 7]), ("b", vec![1, 0])] {
        let [file] = table.files(Some(account)).unwrap().try_into().unwrap();
        assert_eq!(ids_in(&table, &file.path, file.size).await, wanted);
    }
}

async fn a_roll_begins_new_files(place: Place) {
    let mut table = place.handle(&plain()).await;
    let mut writer = table.writer().unwrap();
    writer.roll().await.unwrap();
    writer.write(ids(&plain(), [])).await.unwrap();
    writer.roll().await.unwrap();
    for id in 1..4 {
        writer.write(ids(&plain(), [id])).await.unwrap();
        if id != 2 {
            writer.roll().await.unwrap();
            assert_eq!(writer.open_bytes(), 0);
        }
    }
    let adds = writer.finish().await.unwrap();
    assert_eq!(adds.len(), 2);
    table.commit(Change { adds, ..Change::default() }).await.unwrap();
    let commit = table.read_commit(1).await.unwrap().unwrap();
    let mut files = Vec::new();
    for (path, size) in &commit.files {
        files.push(ids_in(&table, path, *size).await);
    }
    assert_eq!(files, [vec![1], vec![2, 3]], "files stand in a commit as they were written");
}

async fn nothing_that_is_not_committed_is_part_of_the_table(place: Place) {
    let mut table = place.handle(&plain()).await;
    let mut writer = table.writer().unwrap();
    writer.write(ids(&plain(), [1])).await.unwrap();
    drop(writer);
    drop(written(&table, ids(&plain(), [2])).await);
    table.refresh().await.unwrap();
    assert_eq!((table.version(), table.files(None).unwrap().len()), (0, 0));
    // a commit of nothing is a version
    assert_eq!(table.commit(Change::default()).await.unwrap(), 1);
    assert_eq!((table.version(), table.files(None).unwrap().len()), (1, 0));
    let commit = table.read_commit(1).await.unwrap().unwrap();
    assert_eq!((commit.files.len(), commit.rows, commit.removed), (0, Some(0), 0));
}

async fn a_handle_sees_its_version_until_it_loads_another(place: Place) {
    let (mut writer, mut reader) = place.rivals(&plain()).await;
    for id in 1..4 {
        let adds = written(&writer, ids(&plain(), [id])).await;
        let transaction = Some(("app".to_owned(), id));
        assert_eq!(writer.commit(Change { adds, transaction, ..Change::default() }).await.unwrap(), id.cast_unsigned());
    }
    assert_eq!((reader.version(), all_ids(&reader).await), (0, vec![]));
    assert_eq!(reader.transaction("app").await.unwrap(), None);
    assert!(reader.read_commit(3).await.unwrap().is_some(), "a commit can be read before it is loaded");
    reader.refresh().await.unwrap();
    assert_eq!((reader.version(), all_ids(&reader).await), (3, vec![1, 2, 3]));
    assert_eq!(reader.transaction("app").await.unwrap(), Some(3));
    let opened = place.handle(&plain()).await;
    assert_eq!((opened.version(), all_ids(&opened).await), (3, vec![1, 2, 3]));
}

async fn the_last_version_of_an_application_counts(place: Place) {
    let mut table = place.handle(&plain()).await;
    assert_eq!(table.transaction("app/a").await.unwrap(), None);
    for version in [5, i64::MAX, -3] {
        table.commit(moved("app/a", version)).await.unwrap();
        assert_eq!(table.transaction("app/a").await.unwrap(), Some(version));
    }
    table.commit(moved("app/b", 1)).await.unwrap();
    table.commit(Change::default()).await.unwrap();
    for table in [&table, &place.handle(&plain()).await] {
        assert_eq!(table.transaction("app/a").await.unwrap(), Some(-3));
        assert_eq!(table.transaction("app/b").await.unwrap(), Some(1));
        assert_eq!(table.transaction("app").await.unwrap(), None);
    }
}

async fn rivals_of_one_application_conflict(place: Place) {
    let (mut first, mut second) = place.rivals(&plain()).await;
    let change =
        async |table: &Table, id: i64| Change { adds: written(table, ids(&plain(), [id])).await, ..moved("app", id) };
    let late = change(&second, 2).await;
    let change_of_first = change(&first, 1).await;
    first.commit(change_of_first).await.unwrap();
    assert_conflict(&second.commit(late).await);
    assert_eq!((second.version(), all_ids(&second).await), (0, vec![]), "the loser has loaded nothing");
    second.refresh().await.unwrap();
    assert_eq!(
        (second.version(), all_ids(&second).await, second.transaction("app").await.unwrap()),
        (1, vec![1], Some(1))
    );
    let again = change(&second, 2).await;
    assert_eq!(second.commit(again).await.unwrap(), 2);
    assert_eq!(all_ids(&second).await, [1, 2]);
}

async fn rivals_of_several_applications_do_not(place: Place) {
    let (mut first, mut second) = place.rivals(&plain()).await;
    for (table, app, id) in [(&mut first, "a", 1), (&mut second, "b", 2)] {
        let adds = written(table, ids(&plain(), [id])).await;
        assert_eq!(table.commit(Change { adds, ..moved(app, id) }).await.unwrap(), id.cast_unsigned());
    }
    // whoever commits sees what rivals have committed, too
    assert_eq!((second.version(), all_ids(&second).await), (2, vec![1, 2]));
    assert_eq!((second.transaction("a").await.unwrap(), second.transaction("b").await.unwrap()), (Some(1), Some(2)));
    assert_eq!(first.version(), 1);
}

async fn an_unmoved_application_conflicts_with_its_mover(place: Place) {
    let unmoved = |app: &str| Change { unmoved: Some(("watermark".to_owned(), 7)), ..moved(app, 1) };
    let (mut first, mut second) = place.rivals(&plain()).await;
    first.commit(moved("watermark", 7)).await.unwrap();
    second.refresh().await.unwrap();
    first.commit(moved("watermark", 8)).await.unwrap();
    assert_conflict(&second.commit(unmoved("backfill")).await);
    second.refresh().await.unwrap();
    assert_eq!(second.transaction("backfill").await.unwrap(), None);
    second.commit(unmoved("backfill")).await.unwrap();
    assert_conflict(&first.commit(moved("watermark", 9)).await);
    first.refresh().await.unwrap();
    assert_eq!(first.transaction("watermark").await.unwrap(), Some(7), "it is written as it stands");
    // two who repeat it stand against each other as well
    second.commit(unmoved("other")).await.unwrap();
    assert_conflict(&first.commit(unmoved("backfill")).await);
}

async fn every_rival_since_the_loaded_version_counts(place: Place) {
    for harmful in 0..3 {
        let (mut first, mut second) = place.rivals(&plain()).await;
        for number in 0..3 {
            let app = if number == harmful { "app" } else { "other" };
            first.commit(moved(app, number)).await.unwrap();
        }
        assert_conflict(&second.commit(moved("app", 9)).await);
        assert_eq!(second.commit(moved("third", 9)).await.unwrap(), 4);
        place.forget("sample");
    }
}

async fn a_file_is_taken_away_once(place: Place) {
    let (mut first, mut second) = place.rivals(&plain()).await;
    append(&mut first, ids(&plain(), [1])).await.unwrap();
    append(&mut first, ids(&plain(), [2])).await.unwrap();
    second.refresh().await.unwrap();
    let late = emptied(&second);
    let mut change = emptied(&first);
    change.removes.truncate(1);
    let gone = ids_in(&first, &change.removes[0].path, change.removes[0].size).await;
    first.commit(change).await.unwrap();
    assert_conflict(&second.commit(late).await);
    second.refresh().await.unwrap();
    assert_eq!((all_ids(&second).await.len(), gone.len()), (1, 1));
    let change = emptied(&second);
    second.commit(change).await.unwrap();
    assert_eq!(all_ids(&second).await, Vec::<i64>::new());
}

async fn an_append_conflicts_with_a_rival_who_took_a_loaded_file_away(place: Place) {
    let (mut first, mut second) = place.rivals(&plain()).await;
    append(&mut first, ids(&plain(), [1])).await.unwrap();
    second.refresh().await.unwrap();
    first.commit(emptied(&first)).await.unwrap();
    assert_conflict(&append(&mut second, ids(&plain(), [2])).await);
    second.refresh().await.unwrap();
    append(&mut second, ids(&plain(), [2])).await.unwrap();
    assert_eq!(all_ids(&second).await, [2]);
    // a file that was not loaded yet is none that was read
    let mut late = place.handle(&plain()).await;
    append(&mut first, ids(&plain(), [3])).await.unwrap();
    let change = Change {
        removes: first.files(None).unwrap().into_iter().filter(|file| !loads(&late, &file.path)).collect(),
        ..Change::default()
    };
    assert_eq!(change.removes.len(), 1);
    first.commit(change).await.unwrap();
    append(&mut late, ids(&plain(), [4])).await.unwrap();
    assert_eq!(all_ids(&late).await, [2, 4]);
}

fn loads(table: &Table, path: &Path) -> bool {
    table.files(None).unwrap().iter().any(|file| file.path == *path)
}

async fn a_rival_s_new_files_stand_against_nothing(place: Place) {
    let (mut first, mut second) = place.rivals(&plain()).await;
    append(&mut first, ids(&plain(), [1])).await.unwrap();
    second.refresh().await.unwrap();
    let adds = written(&second, ids(&plain(), [10])).await;
    let rewritten = Change { adds, ..emptied(&second) };
    append(&mut first, ids(&plain(), [2])).await.unwrap();
    assert_eq!(second.commit(rewritten).await.unwrap(), 3);
    assert_eq!(all_ids(&second).await, [2, 10]);
}

async fn commits_are_read_back_whole(place: Place) {
    let mut table = place.handle(&parted()).await;
    append(&mut table, by_account(&[(Some("a"), 1), (Some("b"), 2)])).await.unwrap();
    let metadata = json!({ "format": 1, "text": "仓库\n", "number": -1.5, "most": i64::MAX, "list": [null, true, {}] });
    let change = Change {
        adds: written(&table, by_account(&[(Some("a"), 3), (Some("a"), 4)])).await,
        removes: table.files(None).unwrap(),
        transaction: Some(("app".to_owned(), 5)),
        unmoved: Some(("other".to_owned(), 6)),
        metadata: Some(metadata.clone()),
    };
    table.commit(change).await.unwrap();
    let commit = table.read_commit(2).await.unwrap().unwrap();
    assert_eq!((commit.files.len(), commit.rows, commit.removed), (1, Some(2), 2));
    assert_eq!(commit.partitions, [HashMap::from([("account".to_owned(), Some("a".to_owned()))])]);
    let mut transactions = commit.transactions;
    transactions.sort();
    assert_eq!(transactions, [("app".to_owned(), 5), ("other".to_owned(), 6)]);
    assert_eq!(commit.metadata, Some(metadata));
    let (path, size) = &commit.files[0];
    assert_eq!(ids_in(&table, path, *size).await, [3, 4]);
    assert!(loads(&table, path));
    let created = table.read_commit(0).await.unwrap().unwrap();
    assert_eq!((created.files.len(), created.rows, created.metadata), (0, Some(0), None));
    assert_eq!(table.read_commit(1).await.unwrap().unwrap().metadata, None);
    assert!(table.read_commit(3).await.unwrap().is_none());
    let changes = crate::warehouse::changes(&place.warehouse, "sample", 1).await.unwrap();
    assert_eq!((changes.len(), changes[0].0, &changes[0].1[0]), (1, 2, &by_account(&[(Some("a"), 3), (Some("a"), 4)])));
}

async fn a_file_that_was_taken_away_can_still_be_read(place: Place) {
    let mut table = place.handle(&plain()).await;
    append(&mut table, ids(&plain(), [1])).await.unwrap();
    let [file] = table.files(None).unwrap().try_into().unwrap();
    table.commit(emptied(&table)).await.unwrap();
    assert_eq!((all_ids(&table).await, table.files(None).unwrap().len()), (vec![], 0));
    let opened = place.handle(&plain()).await;
    assert_eq!(ids_in(&opened, &file.path, file.size).await, [1]);
    assert_eq!(opened.reader().size(&file.path).await.unwrap(), Some(file.size));
}

async fn a_file_that_never_was_is_an_error(place: Place) {
    let table = place.handle(&plain()).await;
    let (reader, path) = (table.reader(), Path::from("never"));
    assert_eq!(reader.size(&path).await.unwrap(), None);
    assert!(reader.rows(&path, 9, None, None).await.is_err());
    assert!(reader.row_count(&path, 9).await.is_err());
}

async fn a_table_created_anew_has_another_id(place: Place) {
    let mut old = place.handle(&plain()).await;
    append(&mut old, ids(&plain(), [1])).await.unwrap();
    place.forget("sample");
    assert!(Table::open(&place.warehouse, &plain()).await.unwrap().is_none());
    let new = place.handle(&plain()).await;
    assert_ne!(new.id().unwrap(), old.id().unwrap());
    assert_eq!((new.version(), all_ids(&new).await), (0, vec![]));
}

async fn a_table_is_found_without_its_description(place: Place) {
    assert!(Table::find(&place.warehouse, "sample").await.unwrap().is_none());
    assert!(crate::warehouse::rows(&place.warehouse, "sample").await.unwrap().is_none());
    let (spec, rows) = of_all_types();
    let mut table = place.handle(&spec).await;
    assert_eq!(crate::warehouse::rows(&place.warehouse, "sample").await.unwrap().unwrap().num_rows(), 0);
    append(&mut table, rows.clone()).await.unwrap();
    let found = Table::find(&place.warehouse, "sample").await.unwrap().unwrap();
    assert_eq!((found.version(), found.id().unwrap()), (1, table.id().unwrap()));
    let found = crate::warehouse::rows(&place.warehouse, "sample").await.unwrap().unwrap();
    let order = arrow::compute::sort_to_indices(found.column(0), None, None).unwrap();
    let found = arrow::compute::take_record_batch(&found, &order).unwrap();
    assert_eq!(found.columns(), rows.columns());
}
