//! The `etl_*` tables column by column, and the rows they get.

use std::sync::Arc;

use arrow::array::BooleanArray;
use arrow::record_batch::RecordBatch;
use serde::Serialize;
use wdt_models::time::{Millis, Seconds};
use wdt_models::{Certificate, Endpoint, Field, Kind, Slice};

use super::layout::{Column, Labels, Layout};
use crate::error::WarehouseError;
use crate::record::{CommitRecord, Quarantined, Sums};

const TABLE_VERSION: Labels = ("table_version", "历史表版本", "history version of the commit");
const ACCOUNT: Labels = ("account", "账号", "account");
const DATASET: Labels = ("dataset", "数据集", "dataset");
const RUN_ID: Labels = ("run_id", "运行编号", "run");
const MERCHANT: Labels = ("merchant", "商家", "business behind the account");
const WINDOW_START: Labels = ("window_start", "窗口开始", "first second asked for");
const WINDOW_END: Labels = ("window_end", "窗口结束", "last second asked for");
const SLICE: Labels = ("slice", "切片", "slice of a snapshot");
const READ_AT: Labels = ("read_at", "读取时间", "platform time of the reading");
const COLUMN: Labels = ("column", "字段", "column; members of a list as list[].member");
/// Whether an account is in the configuration.
const ENABLED: &str = "enabled";

/// How a run of one account and dataset ended.
#[derive(Debug, Clone)]
pub struct RunRow {
    /// The run.
    pub run_id: String,
    /// The account.
    pub account: String,
    /// The dataset.
    pub dataset: String,
    /// Business behind the account.
    pub merchant: String,
    /// Begin of the run.
    pub started_at: Millis,
    /// Its end; `None` when it was cut off.
    pub ended_at: Option<Millis>,
    /// `landed`, `nothing_due`, `failed`, `interrupted` or `unfinished`.
    pub verdict: String,
    /// Exit code of this account and dataset.
    pub exit_code: Option<i64>,
    /// What went wrong.
    pub message: Option<String>,
    /// Its counters.
    pub sums: Sums,
    /// Peak memory of the process, where the system reports it.
    pub peak_memory_bytes: Option<i64>,
    /// How far the dataset is complete.
    pub watermark_after: Option<Seconds>,
    /// History version of its last commit.
    pub table_version: Option<u64>,
    /// Version of wdt-etl.
    pub wdt_etl: String,
}

/// An account of the configuration, without secrets.
#[derive(Debug, Clone, Copy)]
pub struct AccountRow<'a> {
    /// The account.
    pub account: &'a str,
    /// Business behind it.
    pub merchant: &'a str,
    /// Its platform.
    pub gateway: &'a str,
    /// `production` or `sandbox`.
    pub environment: &'a str,
}

/// A certificate, with the commit that holds it.
pub(super) struct WindowRow<'a> {
    pub(super) run_id: &'a str,
    pub(super) account: &'a str,
    pub(super) dataset: &'a str,
    pub(super) certificate: &'a Certificate,
    /// History version; none for a window that could not be certified.
    pub(super) version: Option<u64>,
}

/// A refused record, with the commit that holds it.
pub(super) struct RefusedRow<'a> {
    pub(super) record: &'a CommitRecord,
    pub(super) refused: &'a Quarantined,
    pub(super) version: u64,
}

/// A column of a dataset, or a member of one of its lists.
pub(super) struct ColumnRow<'a> {
    dataset: &'a str,
    field: &'a Field,
    name: String,
}

/// A documented value of a column.
pub(super) struct CodeRow<'a> {
    dataset: &'a str,
    column: String,
    value: &'a str,
    zh: &'a str,
    en: &'a str,
}

impl RunRow {
    /// The row of a run that left commits but no row of its own.
    pub(super) fn unfinished(record: &CommitRecord, version: u64) -> Self {
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
            watermark_after: record.watermark_after.or(record.read_at.map(Millis::floor_seconds)),
            table_version: Some(version),
            wdt_etl: record.wdt_etl.clone(),
        }
    }
}

/// A row per run, account and dataset.
pub(super) fn runs() -> Layout<RunRow> {
    let verdict = ("verdict", "结论", "landed, nothing_due, failed, interrupted or unfinished");
    let ended_at = ("ended_at", "结束时间", "end of the run; null when it was cut off");
    let peak = ("peak_memory_bytes", "内存峰值", "peak memory of the process; null where the system does not tell");
    let mut columns: Vec<Column<RunRow>> = vec![
        Column::text(RUN_ID, |run: &RunRow| &run.run_id),
        Column::text(ACCOUNT, |run: &RunRow| &run.account),
        Column::text(DATASET, |run: &RunRow| &run.dataset),
        Column::text(MERCHANT, |run: &RunRow| &run.merchant),
        Column::millis(("started_at", "开始时间", "begin of the run"), |run: &RunRow| Some(run.started_at)),
        Column::millis(ended_at, |run: &RunRow| run.ended_at),
        Column::text(verdict, |run: &RunRow| &run.verdict),
        Column::int(("exit_code", "退出码", "exit code of this account and dataset"), |run: &RunRow| run.exit_code),
        Column::some_text(("message", "说明", "what went wrong"), |run: &RunRow| run.message.clone()),
    ];
    let counted = Sums::COUNTERS.iter().map(|counter| {
        let labels = (counter.name, counter.zh, counter.en);
        Column::count(labels, move |run: &RunRow| (counter.of)(&run.sums))
    });
    columns.extend(counted);
    columns.extend([
        Column::int(peak, |run: &RunRow| run.peak_memory_bytes),
        Column::seconds(("watermark_after", "水位", "how far the dataset is complete"), |run: &RunRow| {
            run.watermark_after
        }),
        Column::int(TABLE_VERSION, |run: &RunRow| run.table_version.and_then(|version| i64::try_from(version).ok())),
        Column::text(("wdt_etl", "程序版本", "version of wdt-etl"), |run: &RunRow| &run.wdt_etl),
    ]);
    Layout::new("etl_runs", "A row per run, account and dataset.", columns)
}

/// A certificate per window.
pub(super) fn windows<'a>() -> Layout<WindowRow<'a>> {
    let way = ("way", "读取方式", "single_page, any_order, backward, filtered, slice or ids");
    let filter = ("filter", "过滤", "documented filter that split the window, with its totals, as JSON");
    let two = ("keys_with_two_records", "一键多记录数", "keys with two different records");
    let columns = vec![
        Column::text(ACCOUNT, |row: &WindowRow<'a>| row.account),
        Column::text(DATASET, |row: &WindowRow<'a>| row.dataset),
        Column::text(RUN_ID, |row: &WindowRow<'a>| row.run_id),
        Column::seconds(WINDOW_START, |row: &WindowRow<'a>| row.certificate.start),
        Column::seconds(WINDOW_END, |row: &WindowRow<'a>| row.certificate.end),
        Column::some_text(SLICE, |row: &WindowRow<'a>| row.certificate.slice.as_ref().map(Slice::to_string)),
        Column::some_text(way, |row: &WindowRow<'a>| word(&row.certificate.way)),
        Column::some_text(("verdict", "结论", "certified, uncertified or accepted"), |row: &WindowRow<'a>| {
            word(&row.certificate.verdict)
        }),
        Column::count(("declared_before", "读前总数", "total declared before"), |row: &WindowRow<'a>| {
            row.certificate.declared_before
        }),
        Column::count(("declared_after", "读后总数", "total declared after"), |row: &WindowRow<'a>| {
            row.certificate.declared_after
        }),
        Column::count(("pages", "页数", "pages read"), |row: &WindowRow<'a>| u64::from(row.certificate.pages)),
        Column::count(("records", "记录数", "records read, repeated ones included"), |row: &WindowRow<'a>| {
            row.certificate.rows
        }),
        Column::count(("distinct_records", "去重记录数", "distinct records read"), |row: &WindowRow<'a>| {
            row.certificate.distinct
        }),
        Column::count(("refused", "拒收记录数", "records that could not be typed"), |row: &WindowRow<'a>| {
            row.certificate.refused
        }),
        Column::count(two, |row: &WindowRow<'a>| row.certificate.keys_with_two_records),
        Column::some_text(("record_order", "顺序", "order seen"), |row: &WindowRow<'a>| word(&row.certificate.order)),
        Column::some_text(filter, |row: &WindowRow<'a>| {
            row.certificate.filter.as_ref().and_then(|filter| serde_json::to_string(filter).ok())
        }),
        Column::count(("attempts", "尝试次数", "readings of the window"), |row: &WindowRow<'a>| {
            u64::from(row.certificate.attempts)
        }),
        Column::millis(READ_AT, |row: &WindowRow<'a>| Some(row.certificate.read_at)),
        Column::int(TABLE_VERSION, |row: &WindowRow<'a>| row.version.and_then(|version| i64::try_from(version).ok())),
    ];
    Layout::new("etl_windows", "A certificate per window: the evidence that it was read whole.", columns)
}

/// A row per refused record.
pub(super) fn quarantine<'a>() -> Layout<RefusedRow<'a>> {
    let columns = vec![
        Column::text(ACCOUNT, |row: &RefusedRow<'a>| &row.record.account),
        Column::text(DATASET, |row: &RefusedRow<'a>| &row.record.dataset),
        Column::text(RUN_ID, |row: &RefusedRow<'a>| &row.record.run_id),
        Column::seconds(WINDOW_START, |row: &RefusedRow<'a>| row.refused.window_start),
        Column::seconds(WINDOW_END, |row: &RefusedRow<'a>| row.refused.window_end),
        Column::some_text(SLICE, |row: &RefusedRow<'a>| row.refused.slice.as_ref().map(Slice::to_string)),
        Column::count(("page", "页号", "page of the window"), |row: &RefusedRow<'a>| u64::from(row.refused.page)),
        Column::count(("row", "行号", "position in the page, from 0"), |row: &RefusedRow<'a>| row.refused.row),
        Column::text(("column", "字段", "column that could not be typed"), |row: &RefusedRow<'a>| {
            &row.refused.column
        }),
        Column::text(("text", "原文", "its text"), |row: &RefusedRow<'a>| &row.refused.text),
        Column::text(("reason", "原因", "why it was refused"), |row: &RefusedRow<'a>| &row.refused.reason),
        Column::text(("record", "原始记录", "the record as JSON"), |row: &RefusedRow<'a>| &row.refused.record),
        Column::millis(READ_AT, |row: &RefusedRow<'a>| Some(row.refused.read_at)),
        Column::count(TABLE_VERSION, |row: &RefusedRow<'a>| row.version),
    ];
    Layout::new("etl_quarantine", "Each record that could not be typed, as it was received.", columns)
}

/// A row per account.
pub(super) fn accounts<'a>() -> Layout<AccountRow<'a>> {
    let columns = vec![
        Column::text(ACCOUNT, |row: &AccountRow<'a>| row.account),
        Column::text(MERCHANT, |row: &AccountRow<'a>| row.merchant),
        Column::text(("gateway", "平台", "gateway"), |row: &AccountRow<'a>| row.gateway),
        Column::text(("environment", "环境", "production or sandbox"), |row: &AccountRow<'a>| row.environment),
        Column::yes((ENABLED, "启用", "stands in the configuration of the last run"), |_: &AccountRow<'a>| true),
    ];
    Layout::new("etl_accounts", "The accounts of the configuration, without secrets.", columns)
}

/// A row per column of every dataset.
pub(super) fn columns<'a>() -> Layout<ColumnRow<'a>> {
    let columns = vec![
        Column::text(DATASET, |row: &ColumnRow<'a>| row.dataset),
        Column::text(COLUMN, |row: &ColumnRow<'a>| &row.name),
        Column::text(("type", "类型", "type"), |row: &ColumnRow<'a>| row.field.kind.name()),
        Column::text(("zh", "中文名", "Chinese label"), |row: &ColumnRow<'a>| row.field.zh),
        Column::text(("en", "英文含义", "English meaning"), |row: &ColumnRow<'a>| row.field.en),
        Column::some_text(("unit", "单位", "unit"), |row: &ColumnRow<'a>| row.field.unit.map(str::to_owned)),
        Column::yes(("volatile", "易变", "changes without moving the cursor"), |row: &ColumnRow<'a>| {
            row.field.volatile
        }),
        Column::yes(("personal", "个人信息", "about a person"), |row: &ColumnRow<'a>| row.field.personal),
    ];
    Layout::new("etl_columns", "What each column of each dataset means.", columns)
}

/// A row per documented value of a column.
pub(super) fn codes<'a>() -> Layout<CodeRow<'a>> {
    let columns = vec![
        Column::text(DATASET, |row: &CodeRow<'a>| row.dataset),
        Column::text(COLUMN, |row: &CodeRow<'a>| &row.column),
        Column::text(("value", "值", "value, as text"), |row: &CodeRow<'a>| row.value),
        Column::text(("zh", "中文", "Chinese meaning"), |row: &CodeRow<'a>| row.zh),
        Column::text(("en", "英文", "English meaning"), |row: &CodeRow<'a>| row.en),
    ];
    Layout::new("etl_codes", "What the documented values of columns mean.", columns)
}

/// The word of a value that is written as one.
fn word(value: &impl Serialize) -> Option<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Some(word),
        _ => None,
    }
}

/// Every column of an endpoint by its name, each member of a list behind the list.
fn fields(endpoint: &Endpoint) -> impl Iterator<Item = (String, &Field)> {
    endpoint.fields.iter().flat_map(|field| {
        let members = if let Kind::List(members) = field.kind { members } else { &[] };
        let members = members.iter().map(move |member| (format!("{}[].{}", field.name, member.name), member));
        std::iter::once((field.name.to_owned(), field)).chain(members)
    })
}

/// The rows of `etl_columns` of one endpoint.
pub(super) fn columns_of(endpoint: &Endpoint) -> Vec<ColumnRow<'_>> {
    fields(endpoint).map(|(name, field)| ColumnRow { dataset: endpoint.dataset, field, name }).collect()
}

/// The rows of `etl_codes` of one endpoint.
pub(super) fn codes_of(endpoint: &Endpoint) -> Vec<CodeRow<'_>> {
    let rows = fields(endpoint).flat_map(|(column, field)| {
        let dataset = endpoint.dataset;
        field.codes.iter().map(move |code| {
            let column = column.clone();
            CodeRow { dataset, column, value: code.value, zh: code.zh, en: code.en }
        })
    });
    rows.collect()
}

/// Rows of `etl_accounts`, marked as no longer enabled.
///
/// # Errors
/// When the batch is not one of `etl_accounts`, which is a bug.
pub(super) fn disabled(accounts: &RecordBatch) -> Result<RecordBatch, WarehouseError> {
    let failed = || WarehouseError::storage("etl_accounts", "write");
    let enabled = accounts.schema_ref().index_of(ENABLED).map_err(failed())?;
    let mut columns = accounts.columns().to_vec();
    columns[enabled] = Arc::new(BooleanArray::from(vec![false; accounts.num_rows()]));
    RecordBatch::try_new(accounts.schema(), columns).map_err(failed())
}
