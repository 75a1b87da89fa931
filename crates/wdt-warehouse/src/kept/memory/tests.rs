//! Steps: what a simulation may do to an operation, beside the rules of `contract.rs`.

use std::sync::Mutex;
use std::time::Duration;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use futures::FutureExt as _;

use super::Operation::{Commit, Create, Open, Read, Refresh, Roll, Write};
use super::step::{Fate, Step};
use super::*;
use crate::kept::table::Table;
use crate::warehouse::Warehouse;

const NEVER: Duration = Duration::from_secs(1 << 30);

fn spec() -> TableSpec {
    let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]));
    TableSpec { name: "sample".to_owned(), comment: String::new(), schema, partition: None, stats: vec![] }
}

/// A warehouse in which the operation set last goes as its step says, and what was asked for.
struct Stage {
    warehouse: Warehouse,
    next: Arc<Mutex<Option<(Operation, Step)>>>,
    asked: Arc<Mutex<Vec<Operation>>>,
}

impl Stage {
    fn new() -> Self {
        let (next, asked) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(Vec::new())));
        let (script, log) = (Arc::clone(&next), Arc::clone(&asked));
        let warehouse = Warehouse::memory_with(move |table, operation| {
            assert_eq!(table, "sample");
            log.lock().unwrap().push(operation);
            let step = script.lock().unwrap().filter(|(of, _)| *of == operation);
            step.map(|(_, step)| step).unwrap_or_default()
        });
        Self { warehouse, next, asked }
    }

    fn set(&self, operation: Operation, step: Step) {
        *self.next.lock().unwrap() = Some((operation, step));
    }

    fn fails(&self, operation: Operation, fate: Fate) {
        self.set(operation, Step { fate, ..Step::default() });
    }

    async fn table(&self) -> Table {
        *self.next.lock().unwrap() = None;
        Table::open_or_create(&self.warehouse, &spec()).await.unwrap()
    }
}

/// Writes a row and commits it.
async fn land(table: &mut Table) -> Result<u64, WarehouseError> {
    let rows = RecordBatch::try_new(spec().schema, vec![Arc::new(Int64Array::from(vec![1]))]).unwrap();
    let mut writer = table.writer()?;
    writer.write(rows).await?;
    let adds = writer.finish().await?;
    table.commit(Change { adds, ..Change::default() }).await
}

#[tokio::test]
async fn every_operation_asks_for_its_step() {
    let stage = Stage::new();
    let mut table = stage.table().await;
    land(&mut table).await.unwrap();
    table.transaction("app").await.unwrap();
    let [file] = table.files(None).unwrap().try_into().unwrap();
    table.reader().all_rows(&file.path, file.size, None, None).await.unwrap();
    let asked = stage.asked.lock().unwrap().clone();
    assert_eq!(asked, [Open, Create, Write, Roll, Commit, Refresh, Read, Read]);
}

#[tokio::test]
async fn whoever_is_dropped_has_done_an_operation_whole_or_not_at_all() {
    for (operation, step, versions) in [
        (Commit, Step { before: NEVER, ..Step::default() }, 0),
        (Commit, Step { after: NEVER, ..Step::default() }, 1),
        (Refresh, Step { before: NEVER, ..Step::default() }, 1),
        (Roll, Step { after: NEVER, ..Step::default() }, 0),
        (Write, Step { after: NEVER, ..Step::default() }, 0),
    ] {
        let stage = Stage::new();
        let mut table = stage.table().await;
        stage.set(operation, step);
        assert!(land(&mut table).now_or_never().is_none(), "{operation:?} {step:?}");
        let left = stage.table().await;
        assert_eq!((left.version(), left.files(None).unwrap().len() as u64), (versions, versions), "{operation:?}");
    }
}

#[tokio::test]
async fn a_failure_before_does_nothing_and_one_after_everything() {
    for operation in [Write, Roll, Commit, Refresh] {
        for fate in [Fate::FailBefore, Fate::FailAfter] {
            let stage = Stage::new();
            let mut table = stage.table().await;
            stage.fails(operation, fate);
            let failed = land(&mut table).await;
            assert!(matches!(failed, Err(WarehouseError::Storage { .. })), "{operation:?} {fate:?}: {failed:?}");
            let done = operation == Refresh || (operation, fate) == (Commit, Fate::FailAfter);
            assert_eq!(stage.table().await.version(), u64::from(done), "{operation:?} {fate:?}");
        }
    }
    for (fate, created) in [(Fate::FailBefore, false), (Fate::FailAfter, true)] {
        let stage = Stage::new();
        stage.fails(Create, fate);
        assert!(Table::open_or_create(&stage.warehouse, &spec()).await.is_err());
        stage.fails(Open, Fate::Done);
        assert_eq!(Table::open(&stage.warehouse, &spec()).await.unwrap().is_some(), created);
    }
}

#[tokio::test]
async fn rows_that_failed_to_be_written_are_lost_with_all_open_ones() {
    let stage = Stage::new();
    let table = stage.table().await;
    let rows = RecordBatch::try_new(spec().schema, vec![Arc::new(Int64Array::from(vec![1]))]).unwrap();
    let mut writer = table.writer().unwrap();
    writer.write(rows.clone()).await.unwrap();
    stage.fails(Write, Fate::FailAfter);
    assert!(writer.write(rows).await.is_err());
    assert!(writer.finish().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_table_that_was_taken_away_takes_no_commit_any_more() {
    let stage = Stage::new();
    let (mut table, mut other) = (stage.table().await, stage.table().await);
    land(&mut table).await.unwrap();
    stage.warehouse.forget("sample");
    assert!(land(&mut table).await.is_err());
    assert!(other.refresh().await.is_err());
    assert_eq!(stage.table().await.version(), 0);
}

#[tokio::test]
async fn who_creates_a_table_second_opens_that_of_the_first() {
    let stage = Stage::new();
    stage.set(Create, Step { before: Duration::from_millis(1), ..Step::default() });
    let spec = spec();
    let open = || Table::open_or_create(&stage.warehouse, &spec);
    let (first, second) = tokio::join!(open(), open());
    assert_eq!(stage.asked.lock().unwrap()[..], [Open, Create, Open, Create], "each finds none");
    assert_eq!(first.unwrap().id().unwrap(), second.unwrap().id().unwrap());
}
