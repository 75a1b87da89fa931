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

use crate::kept::change::{Change, WrittenFile};
use crate::kept::table::Table;
use crate::schema::{TableSpec, timestamp};
use crate::warehouse::Warehouse;
use crate::{WarehouseError, conform};

/// Runs each rule over each way of keeping tables.
macro_rules! rules {
    ($($group:ident: $($rule:ident)+;)+) => {
        $(mod $group;)+
        mod delta {
            $($(#[tokio::test] async fn $rule() { super::$group::$rule(super::Shared::delta()).await; })+)+
        }
        mod memory {
            $($(#[tokio::test] async fn $rule() { super::$group::$rule(super::Shared::memory()).await; })+)+
        }
        mod parquet {
            $($(#[tokio::test] async fn $rule() { super::$group::$rule(super::Shared::parquet()).await; })+)+
        }
    };
}

rules! {
    versions:
        a_table_is_created_once
        who_creates_a_table_second_opens_that_of_the_first
        other_columns_are_refused
        nothing_that_is_not_committed_is_part_of_the_table
        a_handle_sees_its_version_until_it_loads_another
        the_last_version_of_an_application_counts
        commits_are_read_back_whole
        a_table_created_anew_has_another_id
        a_table_is_found_without_its_description;
    rows:
        rows_of_all_types_come_back_as_they_were
        a_date_that_partitions_is_no_part_of_the_files
        batches_that_do_not_fit_are_refused_alone
        files_are_listed_by_partition
        columns_and_positions_are_picked
        rows_of_a_file_keep_their_order_over_writes
        a_roll_begins_new_files
        a_file_that_was_taken_away_can_still_be_read_or_is_gone
        a_file_that_never_was_is_an_error;
    rivals:
        rivals_of_one_application_conflict
        rivals_of_several_applications_do_not
        a_held_application_conflicts_with_its_mover
        every_rival_since_the_loaded_version_counts
        a_file_is_taken_away_once
        an_append_conflicts_with_a_rival_who_took_a_loaded_file_away
        a_rival_s_new_files_stand_against_nothing;
}

/// A warehouse that two processes may open.
struct Shared {
    /// Opens it as another process does.
    open: Box<dyn Fn() -> Warehouse>,
    folder: Option<tempfile::TempDir>,
    /// Whether files that a commit takes away stay for those who have an earlier version loaded.
    keeps_files: bool,
}

impl Shared {
    fn delta() -> Self {
        Self::of(Warehouse::delta, true)
    }

    /// A glob reader must not see rows twice, so files that are taken away go at once.
    fn parquet() -> Self {
        Self::of(Warehouse::parquet, false)
    }

    fn of(open: fn(&str) -> Result<Warehouse, WarehouseError>, keeps_files: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap().to_owned();
        Self { open: Box::new(move || open(&path).unwrap()), folder: Some(folder), keeps_files }
    }

    fn memory() -> Self {
        let warehouse = Warehouse::memory();
        Self { open: Box::new(move || warehouse.clone()), folder: None, keeps_files: true }
    }

    fn warehouse(&self) -> Warehouse {
        (self.open)()
    }

    /// A handle as another process has it.
    async fn handle(&self, spec: &TableSpec) -> Table {
        Table::open_or_create(&self.warehouse(), spec).await.unwrap()
    }

    async fn rivals(&self, spec: &TableSpec) -> (Table, Table) {
        (self.handle(spec).await, self.handle(spec).await)
    }

    fn forget(&self, table: &str) {
        match &self.folder {
            Some(folder) => std::fs::remove_dir_all(folder.path().join(table)).unwrap(),
            None => self.warehouse().forget(table),
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

fn of_all_types() -> (TableSpec, RecordBatch) {
    let inner = Fields::from(vec![
        Field::new("sku", DataType::Utf8, true),
        Field::new("num", DataType::Decimal128(19, 4), true),
    ]);
    let element = Arc::new(Field::new("element", DataType::Struct(inner.clone()), true));
    let fields = vec![
        Field::new("id", DataType::Int64, false),
        Field::new("name", DataType::Utf8, true).with_metadata(crate::schema::comment("名称", "its name")),
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

fn loads(table: &Table, path: &Path) -> bool {
    table.files(None).unwrap().iter().any(|file| file.path == *path)
}
