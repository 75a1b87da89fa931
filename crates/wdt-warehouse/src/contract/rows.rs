//! Rows and the files they are in.

use super::*;

pub(super) async fn rows_of_all_types_come_back_as_they_were(shared: Shared) {
    let (spec, rows) = of_all_types();
    let mut table = shared.handle(&spec).await;
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

pub(super) async fn a_date_that_partitions_is_no_part_of_the_files(shared: Shared) {
    let fields = vec![Field::new("id", DataType::Int64, false), Field::new("dt", DataType::Date32, true)];
    let spec = spec(fields, Some("dt"));
    let mut table = shared.handle(&spec).await;
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
    let rows = crate::contents::rows(&shared.warehouse(), "sample").await.unwrap().unwrap();
    assert_eq!(
        (rows.num_rows(), rows.column(1).null_count(), rows.schema().field(1).data_type()),
        (4, 1, &DataType::Date32)
    );
}

pub(super) async fn batches_that_do_not_fit_are_refused_alone(shared: Shared) {
    let mut table = shared.handle(&plain()).await;
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
    shared.forget("sample");
    let mut table = shared.handle(&parted()).await;
    append(&mut table, swapped).await.unwrap();
    assert_eq!(all_ids(&table).await, [7]);
}

pub(super) async fn files_are_listed_by_partition(shared: Shared) {
    let mut table = shared.handle(&parted()).await;
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
    shared.forget("sample");
    let mut table = shared.handle(&plain()).await;
    append(&mut table, ids(&plain(), [1])).await.unwrap();
    assert_eq!(table.files(Some("a")).unwrap().len(), 1);
}

pub(super) async fn columns_and_positions_are_picked(shared: Shared) {
    let fields = ["a", "b", "c"].map(|name| Field::new(name, DataType::Int64, true)).to_vec();
    let spec = spec(fields, None);
    let mut table = shared.handle(&spec).await;
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

pub(super) async fn rows_of_a_file_keep_their_order_over_writes(shared: Shared) {
    let mut table = shared.handle(&parted()).await;
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

pub(super) async fn a_roll_begins_new_files(shared: Shared) {
    let mut table = shared.handle(&plain()).await;
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

pub(super) async fn a_file_that_was_taken_away_can_still_be_read_or_is_gone(shared: Shared) {
    let mut table = shared.handle(&plain()).await;
    append(&mut table, ids(&plain(), [1])).await.unwrap();
    let [file] = table.files(None).unwrap().try_into().unwrap();
    table.commit(emptied(&table)).await.unwrap();
    assert_eq!((all_ids(&table).await, table.files(None).unwrap().len()), (vec![], 0));
    let opened = shared.handle(&plain()).await;
    assert_eq!(opened.reader().size(&file.path).await.unwrap(), shared.keeps_files.then_some(file.size));
    if shared.keeps_files {
        assert_eq!(ids_in(&opened, &file.path, file.size).await, [1]);
    } else {
        assert!(opened.reader().rows(&file.path, file.size, None, None).await.is_err());
    }
}

pub(super) async fn a_file_that_never_was_is_an_error(shared: Shared) {
    let table = shared.handle(&plain()).await;
    let (reader, path) = (table.reader(), Path::from("never"));
    assert_eq!(reader.size(&path).await.unwrap(), None);
    assert!(reader.rows(&path, 9, None, None).await.is_err());
    assert!(reader.row_count(&path, 9).await.is_err());
}
