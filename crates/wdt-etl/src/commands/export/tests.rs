//! Files made of tables whose rows are chosen for what bites, read back by other implementations.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::float_cmp, reason = "tests")]

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray as _, BooleanArray, Date32Array, Decimal128Array, Int64Array, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use calamine::{Data, Reader as _, Xlsx};
use clap::Parser as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use wdt_models::time::parse_wall_time;

use super::*;
use crate::cli::{Cli, Command};
use wdt_warehouse::schema::{DT, OP};

/// Of twenty digits and a leading zero: no number keeps it.
const LONG_CODE: &str = "01234567890123456789";
/// One that a number of a spreadsheet would round.
const LONG_ID: i64 = 6_912_345_678_901_234_567;

/// A warehouse with one table of `enterprise_stock`.
struct Shelf {
    folder: TempDir,
    tables: DatasetTables,
}

impl Shelf {
    async fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = wdt_warehouse::Warehouse::delta(folder.path().join("warehouse").to_str().unwrap()).unwrap();
        let tables = DatasetTables::open_or_create(&url, endpoints::find("enterprise_stock").unwrap()).await.unwrap();
        Self { folder, tables }
    }

    /// Two accounts; what bites is in the first two rows, the fourth row is gone at the second reading.
    async fn filled() -> Self {
        let mut shelf = Self::empty().await;
        shelf.log("2024-05-01 12:00:00", "main", &[
            json!({"spec_id": LONG_ID, "warehouse_id": 1, "warehouse_no": "WH-1", "spec_no": LONG_CODE, "goods_name": "=1+1",
                   "spec_name": "+8613800000000", "remark": "-5", "brand_name": "@SUM(A1)", "barcode": "007",
                   "stock_num": "-5.0000", "cost_price": "123456789012345.6789", "weight": "99999999999.9999", "safe_stock": "999999999999.9999", "status": 0,
                   "modified": "2024-05-01 11:00:00", "_wdt_extra": "{\"a\":1}"}),
            json!({"spec_id": 2, "warehouse_id": 1, "warehouse_no": "WH-1", "spec_no": "B,\"2\"", "goods_name": "库存，\"中文\"\n第二行",
                   "spec_name": "\tTab", "remark": "", "barcode": " pad ", "stock_num": "0.1000", "status": 2,
                   "modified": "2024-05-01 11:00:00.250"}),
        ]).await;
        shelf.log("2024-05-01 12:00:00", "other", &[
            json!({"spec_id": 3, "warehouse_id": 12, "warehouse_no": "WH-2", "spec_no": "C", "stock_num": "7.0000", "status": 9,
                   "modified": "2024-05-01 11:00:00"}),
            json!({"spec_id": 4, "warehouse_id": 12, "warehouse_no": "WH-2", "spec_no": "D", "stock_num": "8.0000", "status": 1,
                   "modified": "2024-05-01 11:00:00"}),
        ]).await;
        shelf.log("2024-05-02 12:00:00", "other", &[
            json!({"spec_id": 3, "warehouse_id": 12, "warehouse_no": "WH-2", "spec_no": "C", "stock_num": "70.0000", "status": 9,
                   "modified": "2024-05-02 11:00:00"}),
            json!({"spec_id": 4, "warehouse_id": 12, "warehouse_no": "WH-2", "spec_no": "D", "stock_num": "8.0000", "status": 1,
                   "modified": "2024-05-02 11:00:00", OP: "delete"}),
        ]).await;
        shelf
    }

    /// Commits rows to the log as one reading, and brings the table up to it.
    async fn log(&mut self, pulled_at: &str, account: &str, rows: &[Value]) {
        let own = json!({"account": account, "_wdt_pulled_at": pulled_at, "_wdt_run_id": "run-1", OP: "upsert", DT: "2024-05-01"});
        let fields = self.tables.history.schema().fields();
        let columns = fields.iter().map(|field| {
            let cells: Vec<&Value> = rows
                .iter()
                .map(|row| row.get(field.name()).or(own.get(field.name())).unwrap_or(&Value::Null))
                .collect();
            column(field.data_type(), &cells)
        });
        let batch = RecordBatch::try_new(Arc::clone(self.tables.history.schema()), columns.collect()).unwrap();
        let mut writer = self.tables.history.writer().unwrap();
        writer.write(batch).await.unwrap();
        let adds = writer.finish().await.unwrap();
        self.tables.history.commit(wdt_warehouse::Change { adds, ..Default::default() }).await.unwrap();
        self.tables.catch_up().await.unwrap();
    }

    /// The file that a command line makes; what it says.
    async fn export(&self, name: &str, options: &[&str]) -> Result<(Vec<u8>, String), EtlError> {
        let path = self.folder.path().join(name);
        let line = ["wdt-etl", "export", "enterprise_stock", "-o", path.to_str().unwrap()];
        let cli = Cli::try_parse_from(line.into_iter().chain(options.iter().copied())).unwrap();
        let Command::Export(args) = cli.command else { panic!("not export") };
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        let mut around = Console { out: &mut out, notes: &mut notes, stop: watch::channel(false).1 };
        export_one(&self.tables, &args, format(&args)?, &args.output, &mut around).await?;
        assert!(out.is_empty());
        Ok((std::fs::read(&path).unwrap(), String::from_utf8(notes).unwrap()))
    }

    /// Rows of a CSV file, its labels first.
    async fn csv(&self, options: &[&str]) -> Vec<Vec<String>> {
        let (bytes, _) = self.export("a.csv", options).await.unwrap_or_else(|error| panic!("{}", error.report()));
        let text = bytes.strip_prefix("\u{feff}".as_bytes()).expect("a byte order mark");
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text);
        reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    /// One column of a CSV file, in the order of the keys.
    async fn ids(&self, options: &[&str]) -> Vec<String> {
        let mut all = vec!["--columns", "spec_id"];
        all.extend(options);
        let mut ids: Vec<String> = self.csv(&all).await.into_iter().skip(1).flatten().collect();
        ids.sort_by_key(String::len);
        ids.sort();
        ids
    }

    async fn refused(&self, name: &str, options: &[&str]) -> String {
        let error = self.export(name, options).await.map(|_| ()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        error.report()
    }
}

/// Microseconds of a wall time, which may have a fraction of three places.
fn micros(text: &str) -> i64 {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, "0"));
    parse_wall_time(seconds).unwrap().micros().0 + fraction.parse::<i64>().unwrap() * 1000
}

fn column(kind: &DataType, cells: &[&Value]) -> ArrayRef {
    let texts = || cells.iter().map(|cell| cell.as_str());
    match kind {
        DataType::Utf8 => Arc::new(texts().collect::<StringArray>()),
        DataType::Int64 => Arc::new(cells.iter().map(|cell| cell.as_i64()).collect::<Int64Array>()),
        DataType::Boolean => Arc::new(cells.iter().map(|cell| cell.as_bool()).collect::<BooleanArray>()),
        DataType::Decimal128(precision, scale) => {
            let units = texts().map(|text| text.map(|text| text.replace('.', "").parse::<i128>().unwrap()));
            let units: Decimal128Array = units.collect();
            Arc::new(units.with_precision_and_scale(*precision, *scale).unwrap())
        }
        DataType::Timestamp(..) => {
            let times: TimestampMicrosecondArray = texts().map(|text| text.map(micros)).collect();
            Arc::new(times.with_timezone("UTC"))
        }
        DataType::Date32 => Arc::new(Date32Array::from(vec![19_844; cells.len()])),
        other => new_null_array(other, cells.len()),
    }
}

fn strings(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|cell| (*cell).to_owned()).collect()
}

/// Cells of a sheet, its labels first.
fn sheet(bytes: &[u8], name: &str) -> Vec<Vec<Data>> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
    book.worksheet_range(name).unwrap().rows().map(<[Data]>::to_vec).collect()
}

const BITING: &str =
    "spec_id,spec_no,goods_name,spec_name,remark,brand_name,barcode,stock_num,cost_price,status,modified,_wdt_extra";

#[tokio::test]
async fn csv_keeps_every_cell_and_runs_none() {
    let shelf = Shelf::filled().await;
    let rows = shelf.csv(&["--account", "main", "--columns", BITING]).await;
    let expected = [
        strings(&BITING.split(',').collect::<Vec<_>>()),
        strings(&[
            &LONG_ID.to_string(),
            LONG_CODE,
            "'=1+1",
            "'+8613800000000",
            "'-5",
            "'@SUM(A1)",
            "007",
            "-5.0000",
            "123456789012345.6789",
            "0",
            "2024-05-01 11:00:00",
            "{\"a\":1}",
        ]),
        strings(&[
            "2",
            "B,\"2\"",
            "库存，\"中文\"\n第二行",
            "'\tTab",
            "",
            "",
            " pad ",
            "0.1000",
            "",
            "2",
            "2024-05-01 11:00:00.250",
            "",
        ]),
    ];
    assert_eq!(rows, expected);
    let (bytes, note) =
        shelf.export("a.csv", &["--account", "main", "--columns", "spec_id,remark,brand_name"]).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(text, format!("\u{feff}spec_id,remark,brand_name\r\n{LONG_ID},'-5,'@SUM(A1)\r\n2,\"\",\r\n"));
    assert!(note.contains("enterprise_stock: 2 rows to ") && note.contains("a.csv"), "{note}");
}

#[tokio::test]
async fn a_workbook_rounds_nothing_and_guesses_at_nothing() {
    let shelf = Shelf::filled().await;
    let columns = format!("{BITING},weight,safe_stock,warehouse_id,_wdt_pulled_at");
    let (bytes, _) = shelf.export("a.xlsx", &["--account", "main", "--columns", &columns]).await.unwrap();
    let rows = sheet(&bytes, "enterprise_stock");
    let labels: Vec<Data> = columns.split(',').map(|name| Data::String(name.to_owned())).collect();
    assert_eq!(rows[0], labels);
    let text = |text: &str| Data::String(text.to_owned());
    let cell = |row: usize, name: &str| &rows[row][columns.split(',').position(|column| column == name).unwrap()];
    for (name, expected) in [
        ("spec_id", text(&LONG_ID.to_string())),
        ("spec_no", text(LONG_CODE)),
        ("goods_name", text("=1+1")),
        ("spec_name", text("+8613800000000")),
        ("remark", text("-5")),
        ("barcode", text("007")),
        ("stock_num", Data::Float(-5.0)),
        ("cost_price", text("123456789012345.6789")),
        ("weight", Data::Float(99_999_999_999.999_9)),
        ("safe_stock", text("999999999999.9999")),
        ("status", Data::Float(0.0)),
        ("warehouse_id", text("1")),
    ] {
        assert_eq!(*cell(1, name), expected, "{name}");
    }
    assert_eq!((cell(2, "goods_name"), cell(2, "brand_name")), (&text("库存，\"中文\"\n第二行"), &Data::Empty));
    for (row, name, expected) in [
        (1, "modified", "2024-05-01 11:00:00"),
        (2, "modified", "2024-05-01 11:00:00.250"),
        (1, "_wdt_pulled_at", "2024-05-01 12:00:00"),
    ] {
        let Data::DateTime(time) = cell(row, name) else { panic!("{name} is no time: {:?}", cell(row, name)) };
        let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
        let shown = format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
        assert_eq!(shown, expected[..19], "{name}");
        assert_eq!(milli, if expected.len() > 19 { 250 } else { 0 });
    }
    assert_eq!(shelf.export("b.xlsx", &["--account", "main", "--columns", &columns]).await.unwrap().0, bytes);
}

#[tokio::test]
async fn json_numbers_keep_all_their_digits() {
    let shelf = Shelf::filled().await;
    let options = ["--account", "main", "--columns", "spec_id,spec_no,stock_num,cost_price,modified,brand_name"];
    let lines = String::from_utf8(shelf.export("a.ndjson", &options).await.unwrap().0).unwrap();
    let second = "{\"spec_id\":2,\"spec_no\":\"B,\\\"2\\\"\",\"stock_num\":0.1000,\"cost_price\":null,\"modified\":\"2024-05-01 11:00:00.250\",\"brand_name\":null}\n";
    let first = format!(
        "{{\"spec_id\":{LONG_ID},\"spec_no\":\"{LONG_CODE}\",\"stock_num\":-5.0000,\"cost_price\":123456789012345.6789,\"modified\":\"2024-05-01 11:00:00\",\"brand_name\":\"@SUM(A1)\"}}\n"
    );
    assert_eq!(lines, first + second);
    let table = String::from_utf8(shelf.export("a.json", &options).await.unwrap().0).unwrap();
    assert!(table.contains("123456789012345.6789"));
    let table: Vec<Vec<Value>> = serde_json::from_str(&table).unwrap();
    assert_eq!(table[0], ["spec_id", "spec_no", "stock_num", "cost_price", "modified", "brand_name"]);
    assert_eq!(
        (table.len(), &table[2]),
        (3, &vec![json!(2), json!("B,\"2\""), json!(0.1), json!(null), json!("2024-05-01 11:00:00.250"), json!(null)])
    );
    let none = shelf.export("a.json", &["--where", "FALSE", "--columns", "spec_id"]).await.unwrap().0;
    assert_eq!(serde_json::from_slice::<Value>(&none).unwrap(), json!([["spec_id"]]));
}

#[tokio::test]
async fn parquet_keeps_the_tables_types() {
    let shelf = Shelf::filled().await;
    let (bytes, _) = shelf.export("a.parquet", &["--labels", "zh", "--account", "main"]).await.unwrap();
    let reader =
        ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
    let batch = reader.build().unwrap().next().unwrap().unwrap();
    let table = TableSpec::current(shelf.tables.endpoint).schema;
    assert_eq!(batch.num_columns(), table.fields().len());
    for (found, wanted) in batch.schema().fields().iter().zip(table.fields()) {
        assert_eq!(found.data_type(), wanted.data_type(), "{}", wanted.name());
    }
    assert_eq!(batch.column_by_name("单品主键id").unwrap().as_primitive::<Int64Type>().value(0), LONG_ID);
    let modified = batch.column_by_name("最后修改时间").unwrap().as_primitive::<TimestampMicrosecondType>();
    assert_eq!(modified.value(1), micros("2024-05-01 11:00:00.250"));
}

#[tokio::test]
async fn rows_are_chosen_by_account_warehouse_time_and_condition() {
    let shelf = Shelf::filled().await;
    let long = LONG_ID.to_string();
    for (options, expected) in [
        (vec![], vec!["2", "3", &long]),
        (vec!["--include-deleted"], vec!["2", "3", "4", &long]),
        (vec!["--account", "other"], vec!["3"]),
        (vec!["--account", "other", "--account", "main"], vec!["2", "3", &long]),
        (vec!["--warehouse", "WH-2"], vec!["3"]),
        (vec!["--warehouse", "12"], vec!["3"]),
        (vec!["--warehouse", "1", "--warehouse", "WH-2"], vec!["2", "3", &long]),
        (vec!["--changed-since", "2024-05-02 12:00:00", "--include-deleted"], vec!["3", "4"]),
        (vec!["--changed-since", "2024-05-02 12:00:01"], vec![]),
        (vec!["--where", "stock_num > 0.0999 AND remark IS NOT NULL"], vec!["2"]),
        (vec!["--where", "NOT (brand_name = 'x')"], vec![&long]),
        (vec!["--where", "_wdt_deleted_at IS NOT NULL", "--include-deleted"], vec!["4"]),
        (vec!["--where", "modified < '2024-05-01 11:00:00.250'", "--values", "zh"], vec![&long]),
        (vec!["--as-of", "2024-05-01 12:00:00"], vec!["2", "3", "4", &long]),
        (vec!["--as-of", "2024-05-01 11:59:59"], vec![]),
        (vec!["--as-of", "2024-05-02 12:00:00"], vec!["2", "3", &long]),
        (vec!["--as-of", "2024-05-02 12:00:00", "--include-deleted", "--account", "other"], vec!["3", "4"]),
    ] {
        let mut expected = strings(&expected);
        expected.sort();
        assert_eq!(shelf.ids(&options).await, expected, "{options:?}");
    }
}

#[tokio::test]
async fn a_past_time_shows_what_stood_then() {
    let shelf = Shelf::filled().await;
    let columns = ["--columns", "spec_id,stock_num,_wdt_deleted_at,account", "--where", "spec_id IN (3, 4)"];
    let rows = async |more: &[&str]| {
        let mut rows = shelf.csv(&[&columns, more].concat()).await.split_off(1);
        rows.sort();
        rows
    };
    let before = rows(&["--as-of", "2024-05-02 11:59:59"]).await;
    assert_eq!(before, [strings(&["3", "7.0000", "", "other"]), strings(&["4", "8.0000", "", "other"])]);
    let after = rows(&["--as-of", "2024-06-01 00:00:00", "--include-deleted"]).await;
    let expected = [strings(&["3", "70.0000", "", "other"]), strings(&["4", "8.0000", "2024-05-02 12:00:00", "other"])];
    assert_eq!(after, expected);
    assert_eq!(rows(&["--include-deleted"]).await, expected);
}

#[tokio::test]
async fn heads_are_the_labels_asked_for_and_differ() {
    let shelf = Shelf::filled().await;
    let head = async |options: &[&str]| shelf.csv(options).await.remove(0);
    let fields = shelf.tables.endpoint.fields;
    let api = head(&[]).await;
    let own: Vec<&str> = ["account"]
        .into_iter()
        .chain(fields.iter().map(|field| field.name))
        .chain(["_wdt_pulled_at", "_wdt_run_id", "_wdt_extra", "_wdt_deleted_at"])
        .collect();
    assert_eq!(api, own);
    let zh = head(&["--labels", "zh"]).await;
    assert_eq!((zh[0].as_str(), zh[1].as_str()), ("账号", "单品主键id"));
    assert!(zh.contains(&"今日销量 (today_num)".to_owned()) && zh.contains(&"今日销量 (stock_today_num)".to_owned()));
    let en = head(&["--labels", "en", "--columns", "spec_no,stock_num,_wdt_deleted_at"]).await;
    assert_eq!(en, ["merchant code of the SKU", "quantity on hand", "when the row was found gone upstream"]);
    for labels in [api, zh, head(&["--labels", "en"]).await] {
        let mut once = labels.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), labels.len());
    }
    for file in ["a.ndjson", "a.json", "a.xlsx", "a.csv"] {
        shelf.export(file, &["--labels", "zh"]).await.unwrap();
    }
}

#[tokio::test]
async fn a_wrong_command_line_is_refused_with_a_hint() {
    let shelf = Shelf::filled().await;
    let mut said = Vec::new();
    for (name, options, expected) in [
        ("a.csv", vec!["--columns", "stok_num"], "did you mean `stock_num`?"),
        ("a.csv", vec!["--columns", "spec_no,spec_no"], "twice"),
        ("a.csv", vec!["--columns", "report"], "datasets with a report: "),
        ("a.csv", vec!["--where", "stock_num >"], "--where"),
        ("a.txt", vec![], "--format"),
        ("no/a.csv", vec![], "there is no folder"),
    ] {
        let report = shelf.refused(name, &options).await;
        assert!(report.contains(expected), "{report}");
        said.push(report);
    }
    let left: Vec<_> =
        std::fs::read_dir(shelf.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["warehouse"], "{said:?}");
}

#[tokio::test]
async fn a_stop_leaves_the_old_file_and_nothing_else() {
    let shelf = Shelf::filled().await;
    let path = shelf.folder.path().join("a.csv");
    std::fs::write(&path, "old").unwrap();
    let cli = Cli::try_parse_from(["wdt-etl", "export", "enterprise_stock", "-o", path.to_str().unwrap()]).unwrap();
    let Command::Export(args) = cli.command else { panic!("not export") };
    let (mut out, mut notes) = (Vec::new(), Vec::new());
    let mut around = Console { out: &mut out, notes: &mut notes, stop: watch::channel(true).1 };
    let stopped = export_one(&shelf.tables, &args, ExportFormat::Csv, &path, &mut around).await;
    assert!(matches!(stopped, Err(EtlError::Interrupted)));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(std::fs::read_dir(shelf.folder.path()).unwrap().count(), 2);
}

#[test]
fn more_rows_than_a_sheet_holds_go_to_the_next() {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..7));
    let rows = RecordBatch::try_from_iter([("id", ids)]).unwrap();
    let column = Column {
        name: "id".to_owned(),
        label: "id".to_owned(),
        field: rows.schema().field(0).clone(),
        id: true,
        words: None,
    };
    let columns = [column];
    let head = Head { dataset: "enterprise_stock", columns: &columns, scratch: None };
    let mut bytes = Vec::new();
    let mut book = Box::new(workbook::Xlsx::new(&head, Box::new(&mut bytes), 4).unwrap());
    book.write(&rows.slice(0, 5)).unwrap();
    book.write(&rows.slice(5, 2)).unwrap();
    book.finish().unwrap();
    let cells = |name: &str| sheet(&bytes, name).concat().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(cells("enterprise_stock"), ["id", "0", "1", "2"]);
    assert_eq!(cells("enterprise_stock 2"), ["id", "3", "4", "5"]);
    assert_eq!(cells("enterprise_stock 3"), ["id", "6"]);
    assert_eq!(Xlsx::new(Cursor::new(&bytes)).unwrap().sheet_names().len(), 3);
}

#[test]
fn the_examples_of_the_help_can_be_planned() {
    use clap::CommandFactory as _;
    let command = Cli::command();
    let help = command.find_subcommand("export").unwrap().get_after_help().unwrap().to_string();
    let lines: Vec<&str> = help.lines().filter_map(|line| line.trim().strip_prefix("wdt-etl ")).collect();
    assert!(lines.len() > 5, "{help}");
    for line in lines {
        // words, and what stands between double quotes as one
        let parts = line.split('"').enumerate();
        let words = parts.flat_map(|(place, part)| match place % 2 {
            0 => part.split_whitespace().collect(),
            _ => vec![part],
        });
        let cli = Cli::try_parse_from(["wdt-etl"].into_iter().chain(words)).unwrap_or_else(|error| panic!("{error}"));
        let Command::Export(args) = cli.command else { panic!("not export") };
        let Some(dataset) = args.dataset.as_deref() else { continue };
        assert!(format(&args).is_ok(), "{line}");
        assert!(Plan::new(find(dataset).unwrap(), &args).is_ok(), "{line}");
    }
}

/// The table that people of the stock report know, label for label.
const STOCK_REPORT: [&str; 52] = [
    "明细唯一键",
    "残次品",
    "库存量",
    "外部库存",
    "库存差异",
    "商家编码",
    "单品id",
    "货品编号",
    "货品名称",
    "规格码",
    "品牌名称",
    "规格名称",
    "条码",
    "未付款量",
    "预订单量",
    "待审核量",
    "待发货量",
    "采购在途量",
    "调拨在途量",
    "待采购量",
    "采购到货量",
    "外部WMS同步时占用库存",
    "重量",
    "图片URL",
    "仓库编号",
    "仓库id",
    "仓库名称",
    "仓库类型",
    "可发库存",
    "创建时间",
    "修改时间",
    "部分付款库存",
    "销售换货在途量",
    "销售退货量",
    "销售退货在途量",
    "采购换货量",
    "采购退货量",
    "采购换货在途量",
    "待调拨量",
    "外部WMS同步时,占用库存差",
    "与外部wms同步时间",
    "库存备注",
    "锁定量",
    "标记id",
    "标记名称",
    "品牌编号",
    "其他待出库量",
    "生产待出库量",
    "生产待入库量",
    "上次盘点时间",
    "上次出入库时间",
    "状态",
];

#[test]
fn the_stock_report_has_its_52_columns_under_its_own_labels() {
    let endpoint = endpoints::find("flagship_stock").unwrap();
    let table = TableSpec::current(endpoint).schema;
    let labels = |labels| -> Vec<String> {
        let columns = columns::choose(endpoint, &table, &["report".to_owned()], labels, None).unwrap();
        columns.into_iter().map(|column| column.label).collect()
    };
    assert_eq!(labels(crate::cli::ExportLabels::Zh), STOCK_REPORT);
    let names = labels(crate::cli::ExportLabels::Api);
    assert_eq!((names.len(), names[0].as_str(), names[51].as_str()), (52, "rec_id", "status"));
}
