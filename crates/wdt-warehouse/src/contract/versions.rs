//! Tables, their versions and what their commits say.

use super::*;

pub(super) async fn a_table_is_created_once(shared: Shared) {
    assert!(Table::open(&shared.warehouse(), &plain()).await.unwrap().is_none());
    let (first, second) = shared.rivals(&plain()).await;
    assert_eq!((first.version(), first.files(None).unwrap().len()), (0, 0));
    assert_eq!(first.id().unwrap(), second.id().unwrap());
    let opened = Table::open(&shared.warehouse(), &plain()).await.unwrap().unwrap();
    assert_eq!(opened.id().unwrap(), first.id().unwrap());
    assert_eq!((opened.name(), opened.partition(), opened.schema()), ("sample", None, &plain().schema));
}

pub(super) async fn who_creates_a_table_second_opens_that_of_the_first(shared: Shared) {
    let spec = plain();
    let (mut first, mut second) = tokio::join!(shared.handle(&spec), shared.handle(&spec));
    assert_eq!(first.id().unwrap(), second.id().unwrap());
    append(&mut first, ids(&plain(), [1])).await.unwrap();
    append(&mut second, ids(&plain(), [2])).await.unwrap();
    assert_eq!(all_ids(&second).await, [1, 2]);
}

pub(super) async fn other_columns_are_refused(shared: Shared) {
    shared.handle(&parted()).await;
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
        let opened = Table::open(&shared.warehouse(), &other).await.err();
        let created = Table::open_or_create(&shared.warehouse(), &other).await.err();
        for refused in [opened, created] {
            assert!(matches!(&refused, Some(WarehouseError::Schema { .. })), "{refused:?}");
        }
    }
}

pub(super) async fn nothing_that_is_not_committed_is_part_of_the_table(shared: Shared) {
    let mut table = shared.handle(&plain()).await;
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

pub(super) async fn a_handle_sees_its_version_until_it_loads_another(shared: Shared) {
    let (mut writer, mut reader) = shared.rivals(&plain()).await;
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
    let opened = shared.handle(&plain()).await;
    assert_eq!((opened.version(), all_ids(&opened).await), (3, vec![1, 2, 3]));
}

pub(super) async fn the_last_version_of_an_application_counts(shared: Shared) {
    let mut table = shared.handle(&plain()).await;
    assert_eq!(table.transaction("app/a").await.unwrap(), None);
    for version in [5, i64::MAX, -3] {
        table.commit(moved("app/a", version)).await.unwrap();
        assert_eq!(table.transaction("app/a").await.unwrap(), Some(version));
    }
    table.commit(moved("app/b", 1)).await.unwrap();
    table.commit(Change::default()).await.unwrap();
    for table in [&table, &shared.handle(&plain()).await] {
        assert_eq!(table.transaction("app/a").await.unwrap(), Some(-3));
        assert_eq!(table.transaction("app/b").await.unwrap(), Some(1));
        assert_eq!(table.transaction("app").await.unwrap(), None);
    }
}

pub(super) async fn commits_are_read_back_whole(shared: Shared) {
    let mut table = shared.handle(&parted()).await;
    append(&mut table, by_account(&[(Some("a"), 1), (Some("b"), 2)])).await.unwrap();
    let metadata = json!({ "format": 1, "text": "仓库\n", "number": -1.5, "most": i64::MAX, "list": [null, true, {}] });
    let change = Change {
        adds: written(&table, by_account(&[(Some("a"), 3), (Some("a"), 4)])).await,
        removes: table.files(None).unwrap(),
        transaction: Some(("app".to_owned(), 5)),
        holds: Some(("other".to_owned(), 6)),
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
    let changes = crate::contents::changes(&shared.warehouse(), "sample", 1).await.unwrap();
    assert_eq!((changes.len(), changes[0].0, &changes[0].1[0]), (1, 2, &by_account(&[(Some("a"), 3), (Some("a"), 4)])));
}

pub(super) async fn a_table_created_anew_has_another_id(shared: Shared) {
    let mut old = shared.handle(&plain()).await;
    append(&mut old, ids(&plain(), [1])).await.unwrap();
    shared.forget("sample");
    assert!(Table::open(&shared.warehouse(), &plain()).await.unwrap().is_none());
    let new = shared.handle(&plain()).await;
    assert_ne!(new.id().unwrap(), old.id().unwrap());
    assert_eq!((new.version(), all_ids(&new).await), (0, vec![]));
}

pub(super) async fn a_table_is_found_without_its_description(shared: Shared) {
    assert!(Table::find(&shared.warehouse(), "sample").await.unwrap().is_none());
    assert!(crate::contents::rows(&shared.warehouse(), "sample").await.unwrap().is_none());
    let (spec, rows) = of_all_types();
    let mut table = shared.handle(&spec).await;
    assert_eq!(crate::contents::rows(&shared.warehouse(), "sample").await.unwrap().unwrap().num_rows(), 0);
    append(&mut table, rows.clone()).await.unwrap();
    let found = Table::find(&shared.warehouse(), "sample").await.unwrap().unwrap();
    assert_eq!((found.version(), found.id().unwrap()), (1, table.id().unwrap()));
    let found = crate::contents::rows(&shared.warehouse(), "sample").await.unwrap().unwrap();
    let order = arrow::compute::sort_to_indices(found.column(0), None, None).unwrap();
    let found = arrow::compute::take_record_batch(&found, &order).unwrap();
    assert_eq!(found.columns(), rows.columns());
}
