//! Columns of the `etl_*` tables and the rows they get.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field as ArrowField, Schema};
use arrow::record_batch::RecordBatch;
use wdt_models::{Certificate, Endpoint, Slice};

use crate::error::WarehouseError;
use crate::record::{CommitRecord, Quarantined, Sums};
use crate::schema::{TableSpec, comment, timestamp};

/// One value of a small table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Text(Option<String>),
    Int(Option<i64>),
    Bool(bool),
    /// Epoch milliseconds.
    Time(Option<i64>),
}

/// Type of a small table's column.
#[derive(Debug, Clone, Copy)]
enum Type {
    Text,
    Int,
    Bool,
    Time,
}

type Column = (&'static str, Type, &'static str, &'static str);

/// A small table: its name, what it is, its columns.
pub struct Layout {
    pub(super) name: &'static str,
    doc: &'static str,
    columns: &'static [Column],
}

const TABLE_VERSION: Column = ("table_version", Type::Int, "历史表版本", "history version of the commit");
const ACCOUNT: Column = ("account", Type::Text, "账号", "account");
const DATASET: Column = ("dataset", Type::Text, "数据集", "dataset");
const RUN_ID: Column = ("run_id", Type::Text, "运行编号", "run");
const MERCHANT: Column = ("merchant", Type::Text, "商家", "business behind the account");
const REFUSED: Column = ("refused", Type::Int, "拒收记录数", "records that could not be typed");
const WINDOW_START: Column = ("window_start", Type::Time, "窗口开始", "first second asked for");
const WINDOW_END: Column = ("window_end", Type::Time, "窗口结束", "last second asked for");
const SLICE: Column = ("slice", Type::Text, "切片", "slice of a snapshot");
const READ_AT: Column = ("read_at", Type::Time, "读取时间", "platform time of the reading");

/// A row per run, account and dataset.
pub const RUNS: Layout = Layout {
    name: "etl_runs",
    doc: "A row per run, account and dataset.",
    columns: &[
        RUN_ID,
        ACCOUNT,
        DATASET,
        MERCHANT,
        ("started_at", Type::Time, "开始时间", "begin of the run"),
        ("ended_at", Type::Time, "结束时间", "end of the run; null when it was cut off"),
        ("verdict", Type::Text, "结论", "landed, nothing_due, failed, interrupted or unfinished"),
        ("exit_code", Type::Int, "退出码", "exit code of this account and dataset"),
        ("message", Type::Text, "说明", "what went wrong"),
        ("calls", Type::Int, "调用次数", "calls to the platform"),
        ("retries", Type::Int, "重试次数", "calls made again"),
        ("waits", Type::Int, "等待次数", "waits for the platform"),
        ("waited_ms", Type::Int, "等待毫秒", "milliseconds waited"),
        ("bytes", Type::Int, "字节数", "bytes of the answers"),
        ("windows", Type::Int, "窗口数", "windows certified"),
        ("records", Type::Int, "记录数", "distinct records read"),
        ("changed", Type::Int, "变更行数", "rows logged"),
        ("unchanged", Type::Int, "未变行数", "records equal to their current row"),
        ("stale", Type::Int, "过期记录数", "records older than their current row"),
        ("deleted", Type::Int, "删除行数", "rows that vanished upstream"),
        REFUSED,
        ("refused_upstream", Type::Int, "平台拒绝数", "ids that the platform itself refuses"),
        ("peak_memory_bytes", Type::Int, "内存峰值", "peak memory of the process; null where the system does not tell"),
        ("watermark_after", Type::Time, "水位", "how far the dataset is complete"),
        TABLE_VERSION,
        ("wdt_etl", Type::Text, "程序版本", "version of wdt-etl"),
    ],
};

/// A certificate per window.
pub const WINDOWS: Layout = Layout {
    name: "etl_windows",
    doc: "A certificate per window: the evidence that it was read whole.",
    columns: &[
        ACCOUNT,
        DATASET,
        RUN_ID,
        WINDOW_START,
        WINDOW_END,
        SLICE,
        ("way", Type::Text, "读取方式", "single_page, any_order, backward, filtered, slice or ids"),
        ("verdict", Type::Text, "结论", "certified, uncertified or accepted"),
        ("declared_before", Type::Int, "读前总数", "total declared before"),
        ("declared_after", Type::Int, "读后总数", "total declared after"),
        ("pages", Type::Int, "页数", "pages read"),
        ("records", Type::Int, "记录数", "records read, repeated ones included"),
        ("distinct_records", Type::Int, "去重记录数", "distinct records read"),
        REFUSED,
        ("keys_with_two_records", Type::Int, "一键多记录数", "keys with two different records"),
        ("record_order", Type::Text, "顺序", "order seen"),
        ("filter", Type::Text, "过滤", "documented filter that split the window, with its totals, as JSON"),
        ("attempts", Type::Int, "尝试次数", "readings of the window"),
        READ_AT,
        TABLE_VERSION,
    ],
};

/// A row per refused record.
pub const QUARANTINE: Layout = Layout {
    name: "etl_quarantine",
    doc: "Each record that could not be typed, as it was received.",
    columns: &[
        ACCOUNT,
        DATASET,
        RUN_ID,
        WINDOW_START,
        WINDOW_END,
        SLICE,
        ("page", Type::Int, "页号", "page of the window"),
        ("row", Type::Int, "行号", "position in the page, from 0"),
        ("column", Type::Text, "字段", "column that could not be typed"),
        ("text", Type::Text, "原文", "its text"),
        ("reason", Type::Text, "原因", "why it was refused"),
        ("record", Type::Text, "原始记录", "the record as JSON"),
        READ_AT,
        TABLE_VERSION,
    ],
};

/// A row per account.
pub const ACCOUNTS: Layout = Layout {
    name: "etl_accounts",
    doc: "The accounts of the configuration, without secrets.",
    columns: &[
        ACCOUNT,
        MERCHANT,
        ("gateway", Type::Text, "平台", "gateway"),
        ("environment", Type::Text, "环境", "production or sandbox"),
        ("enabled", Type::Bool, "启用", "stands in the configuration of the last run"),
    ],
};

/// A row per column of every dataset.
pub const COLUMNS: Layout = Layout {
    name: "etl_columns",
    doc: "What each column of each dataset means.",
    columns: &[
        DATASET,
        ("column", Type::Text, "字段", "column; members of a list as list[].member"),
        ("type", Type::Text, "类型", "type"),
        ("zh", Type::Text, "中文名", "Chinese label"),
        ("en", Type::Text, "英文含义", "English meaning"),
        ("unit", Type::Text, "单位", "unit"),
        ("volatile", Type::Bool, "易变", "changes without moving the cursor"),
        ("personal", Type::Bool, "个人信息", "about a person"),
    ],
};

/// A row per documented value of a column.
pub const CODES: Layout = Layout {
    name: "etl_codes",
    doc: "What the documented values of columns mean.",
    columns: &[
        DATASET,
        ("column", Type::Text, "字段", "column; members of a list as list[].member"),
        ("value", Type::Text, "值", "value, as text"),
        ("zh", Type::Text, "中文", "Chinese meaning"),
        ("en", Type::Text, "英文", "English meaning"),
    ],
};

impl Layout {
    /// What the table must look like.
    pub fn spec(&self) -> TableSpec {
        let fields: Vec<ArrowField> = self.columns.iter().map(arrow_field).collect();
        TableSpec {
            name: self.name.to_owned(),
            comment: self.doc.to_owned(),
            schema: Arc::new(Schema::new(fields)),
            partition: None,
            stats: self.columns.iter().map(|(name, ..)| *name).filter(|name| STATS.contains(name)).collect(),
        }
    }

    /// Rows as a batch of the table.
    ///
    /// # Errors
    /// When a row does not have the table's columns, which is a bug.
    pub fn batch(&self, rows: &[Vec<Cell>]) -> Result<RecordBatch, WarehouseError> {
        let columns = self.columns.iter().enumerate().map(|(position, (_, kind, ..))| column(*kind, rows, position));
        RecordBatch::try_new(self.spec().schema, columns.collect()).map_err(WarehouseError::storage(self.name, "write"))
    }
}

const STATS: [&str; 4] = ["account", "dataset", "run_id", "table_version"];

fn arrow_field(&(name, kind, zh, en): &Column) -> ArrowField {
    let data_type = match kind {
        Type::Text => DataType::Utf8,
        Type::Int => DataType::Int64,
        Type::Bool => DataType::Boolean,
        Type::Time => timestamp(),
    };
    ArrowField::new(name, data_type, true).with_metadata(comment(zh, en))
}

fn column(kind: Type, rows: &[Vec<Cell>], position: usize) -> ArrayRef {
    let cells = rows.iter().map(|row| row.get(position));
    match kind {
        Type::Text => Arc::new(
            cells
                .map(|cell| if let Some(Cell::Text(text)) = cell { text.clone() } else { None })
                .collect::<StringArray>(),
        ),
        Type::Int => Arc::new(
            cells.map(|cell| if let Some(Cell::Int(number)) = cell { *number } else { None }).collect::<Int64Array>(),
        ),
        Type::Bool => Arc::new(
            cells
                .map(|cell| if let Some(Cell::Bool(truth)) = cell { Some(*truth) } else { None })
                .collect::<BooleanArray>(),
        ),
        Type::Time => {
            let micros =
                cells.map(|cell| if let Some(Cell::Time(Some(millis))) = cell { Some(millis * 1000) } else { None });
            Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        }
    }
}

/// How a run of one account and dataset ended.
#[derive(Debug, Clone)]
pub struct RunRow {
    pub run_id: String,
    pub account: String,
    pub dataset: String,
    pub merchant: String,
    pub started_at: i64,
    pub ended_at: Option<i64>,
    pub verdict: String,
    pub exit_code: Option<i64>,
    pub message: Option<String>,
    pub sums: Sums,
    pub peak_memory_bytes: Option<i64>,
    /// Epoch seconds.
    pub watermark_after: Option<i64>,
    pub table_version: Option<u64>,
    pub wdt_etl: String,
}

impl RunRow {
    /// The row of a run that left commits but no row of its own.
    pub fn unfinished(record: &CommitRecord, version: u64) -> Self {
        Self {
            run_id: record.run_id.clone(),
            account: record.account.clone(),
            dataset: record.dataset.clone(),
            merchant: record.merchant.clone(),
            started_at: record.started_at,
            ended_at: None,
            verdict: "unfinished".to_owned(),
            exit_code: None,
            message: None,
            sums: record.sums,
            peak_memory_bytes: None,
            watermark_after: record.watermark_after.or(record.read_at.map(|millis| millis.div_euclid(1000))),
            table_version: Some(version),
            wdt_etl: record.wdt_etl.clone(),
        }
    }

    pub fn cells(&self) -> Vec<Cell> {
        let sums = &self.sums;
        let mut cells = vec![text(&self.run_id), text(&self.account), text(&self.dataset), text(&self.merchant)];
        cells.extend([Cell::Time(Some(self.started_at)), Cell::Time(self.ended_at), text(&self.verdict)]);
        cells.extend([Cell::Int(self.exit_code), Cell::Text(self.message.clone())]);
        let counted = [sums.calls, sums.retries, sums.waits, sums.waited_ms, sums.bytes, sums.windows, sums.records];
        cells.extend(counted.into_iter().map(int));
        cells.extend(
            [sums.changed, sums.unchanged, sums.stale, sums.deleted, sums.refused, sums.refused_upstream]
                .into_iter()
                .map(int),
        );
        cells.push(Cell::Int(self.peak_memory_bytes));
        cells.push(Cell::Time(self.watermark_after.map(|seconds| seconds * 1000)));
        cells.push(self.table_version.map_or(Cell::Int(None), int));
        cells.push(text(&self.wdt_etl));
        cells
    }
}

/// The row of one certificate.
pub fn window(
    run_id: &str,
    account: &str,
    dataset: &str,
    certificate: &Certificate,
    version: Option<u64>,
) -> Vec<Cell> {
    let word = |value: serde_json::Result<serde_json::Value>| match value {
        Ok(serde_json::Value::String(word)) => Cell::Text(Some(word)),
        _ => Cell::Text(None),
    };
    vec![
        text(account),
        text(dataset),
        text(run_id),
        Cell::Time(certificate.start.map(|seconds| seconds * 1000)),
        Cell::Time(certificate.end.map(|seconds| seconds * 1000)),
        slice(certificate.slice.as_ref()),
        word(serde_json::to_value(certificate.way)),
        word(serde_json::to_value(certificate.verdict)),
        int(certificate.declared_before),
        int(certificate.declared_after),
        int(u64::from(certificate.pages)),
        int(certificate.rows),
        int(certificate.distinct),
        int(certificate.refused),
        int(certificate.keys_with_two_records),
        word(serde_json::to_value(certificate.order)),
        Cell::Text(certificate.filter.as_ref().and_then(|filter| serde_json::to_string(filter).ok())),
        int(u64::from(certificate.attempts)),
        Cell::Time(Some(certificate.read_at)),
        version.map_or(Cell::Int(None), int),
    ]
}

fn slice(slice: Option<&Slice>) -> Cell {
    Cell::Text(slice.map(ToString::to_string))
}

/// The row of one refused record.
pub fn quarantined(record: &CommitRecord, refused: &Quarantined, version: u64) -> Vec<Cell> {
    vec![
        text(&record.account),
        text(&record.dataset),
        text(&record.run_id),
        Cell::Time(refused.window_start.map(|seconds| seconds * 1000)),
        Cell::Time(refused.window_end.map(|seconds| seconds * 1000)),
        slice(refused.slice.as_ref()),
        int(u64::from(refused.page)),
        int(refused.row),
        text(&refused.column),
        text(&refused.text),
        text(&refused.reason),
        text(&refused.record),
        Cell::Time(Some(refused.read_at)),
        int(version),
    ]
}

/// The rows of every column of an endpoint, members of lists among them.
pub fn columns(endpoint: &Endpoint) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    for field in endpoint.fields {
        rows.push(column_row(endpoint, field, field.name.to_owned()));
        if let wdt_models::Kind::List(members) = field.kind {
            rows.extend(
                members.iter().map(|member| column_row(endpoint, member, format!("{}[].{}", field.name, member.name))),
            );
        }
    }
    rows
}

/// The rows of `etl_codes` of one endpoint.
pub fn codes(endpoint: &Endpoint) -> Vec<Vec<Cell>> {
    let named = endpoint.fields.iter().flat_map(|field| {
        let members = if let wdt_models::Kind::List(members) = field.kind { members } else { &[] };
        let members = members.iter().map(|member| (format!("{}[].{}", field.name, member.name), member.codes));
        std::iter::once((field.name.to_owned(), field.codes)).chain(members)
    });
    let rows = named.flat_map(|(column, codes)| {
        codes.iter().map(move |code| {
            vec![text(endpoint.dataset), text(&column), text(code.value), text(code.zh), text(code.en)]
        })
    });
    rows.collect()
}

fn column_row(endpoint: &Endpoint, field: &wdt_models::Field, name: String) -> Vec<Cell> {
    vec![
        text(endpoint.dataset),
        Cell::Text(Some(name)),
        text(field.kind.name()),
        text(field.zh),
        text(field.en),
        Cell::Text(field.unit.map(str::to_owned)),
        Cell::Bool(field.volatile),
        Cell::Bool(field.personal),
    ]
}

/// Rows of `etl_accounts`, marked as no longer enabled.
///
/// # Errors
/// When the batch is not one of `etl_accounts`, which is a bug.
pub fn disabled(accounts: &RecordBatch) -> Result<RecordBatch, WarehouseError> {
    let mut columns = accounts.columns().to_vec();
    if let Some(enabled) = columns.last_mut() {
        *enabled = Arc::new(BooleanArray::from(vec![false; accounts.num_rows()]));
    }
    RecordBatch::try_new(accounts.schema(), columns).map_err(WarehouseError::storage(ACCOUNTS.name, "write"))
}

/// A text cell.
pub fn text(value: &str) -> Cell {
    Cell::Text(Some(value.to_owned()))
}

fn int(value: u64) -> Cell {
    Cell::Int(i64::try_from(value).ok())
}
