//! Rules of decoding that no endpoint's page shows: personal columns, required text, addresses, fingerprints.

use arrow::array::{Array, AsArray};
use arrow::datatypes::TimestampMicrosecondType;
use serde_json::value::RawValue;
use wdt_models::decode::{Asked, Decoded, EXTRA, decode};
use wdt_models::endpoints::{CAINIAO_INVENTORY, ENTERPRISE_STOCK, FLAGSHIP_STOCK};
use wdt_models::{Arguments, Cursor, Endpoint, Field, Gateway, Method, Paging, Shape, Slice, SyncMode, envelope};

use crate::fixture;

/// An invented endpoint with what the real ones lack.
pub(crate) static INVENTED: Endpoint = Endpoint {
    dataset: "invented",
    gateway: Gateway::Enterprise,
    methods: &[Method {
        name: "invented.php",
        arguments: Arguments::Named,
        paging: Paging { first: 0, max_size: 100 },
        shape: Shape { records: &[&["rows"]], total: &[], wrapped_in: None, refused: &[], single: false },
    }],
    doc: "An invented record.",
    source: "none",
    notes: &[],
    params: &[],
    sync: SyncMode::Incremental(Cursor {
        field: "modified",
        start_param: "start_time",
        end_param: "end_time",
        max_seconds: 1,
    }),
    report: &[],
    full_read: None,
    key: &["code"],
    split: None,
    fields: &[
        Field::text("code", "编码", "code").required(),
        Field::timestamp("modified", "时间", "last modification").required(),
        Field::boolean("open", "开", "open"),
        Field::decimal("amount", "量", "amount").alias("amout"),
        Field::text("phone", "电话", "phone").personal(),
        Field::list(
            "contacts",
            "联系人",
            "contacts",
            &[
                Field::text("name", "名", "name").personal(),
                Field::int("rank", "序", "rank"),
                Field::list("tags", "签", "tags", &[Field::boolean("on", "开", "on")]),
            ],
        ),
    ],
};

fn decoded(records: &[&str], personal: bool) -> Decoded {
    let records: Vec<Box<RawValue>> =
        records.iter().map(|text| RawValue::from_string((*text).to_owned()).unwrap()).collect();
    let records: Vec<&RawValue> = records.iter().map(AsRef::as_ref).collect();
    decode(&INVENTED, &records, &Asked::page(7, personal))
}

fn text(decoded: &Decoded, column: &str) -> Vec<Option<String>> {
    let column = decoded.batch.column_by_name(column).unwrap().as_string::<i32>();
    column.iter().map(|text| text.map(str::to_owned)).collect()
}

const PERSON: &str =
    r#"{"code":"a","modified":"2024-01-01 00:00:00","phone":"123","contacts":[{"name":"n","rank":1}]}"#;

#[test]
fn personal_columns_are_null_unless_asked_for() {
    for personal in [false, true] {
        let decoded = decoded(&[PERSON], personal);
        assert_eq!(text(&decoded, "phone"), [personal.then(|| "123".to_owned())]);
        let contacts = decoded.batch.column_by_name("contacts").unwrap().as_list::<i32>().value(0);
        assert_eq!(contacts.as_struct().column(0).is_null(0), !personal);
        assert!(!contacts.as_struct().column(1).is_null(0));
        assert_eq!(text(&decoded, EXTRA), [None]);
    }
}

/// Trips when a withheld cell is typed all the same and refuses its record.
#[test]
fn a_withheld_cell_is_not_read() {
    let record = r#"{"code":"a","modified":"2024-01-01 00:00:00","phone":["x"]}"#;
    assert_eq!(decoded(&[record], false).refused.len(), 0);
    assert_eq!(decoded(&[record], true).refused.len(), 1);
}

#[test]
fn required_text_must_not_be_empty() {
    for code in [r#""code":"","#, r#""code":null,"#, ""] {
        let decoded = decoded(&[&format!(r#"{{{code}"modified":"2024-01-01 00:00:00"}}"#)], false);
        assert_eq!(decoded.refused[0].column, "code");
        assert_eq!(decoded.refused[0].reason, "required member is missing");
        assert_eq!(decoded.batch.num_rows(), 0);
    }
}

#[test]
fn a_refusal_names_its_cell_and_keeps_the_record() {
    let long = "9".repeat(300);
    let record = format!(r#"{{"code":"a","modified":"2024-01-01 00:00:00","amount":"{long}"}}"#);
    let decoded = decoded(&[PERSON, &record], false);
    assert_eq!(decoded.batch.num_rows(), 1);
    let refusal = &decoded.refused[0];
    assert_eq!((refusal.page, refusal.row, refusal.column.as_str()), (7, 1, "amount"));
    assert_eq!(refusal.text, "9".repeat(200));
    assert_eq!(refusal.record, record);
}

#[test]
fn a_fault_inside_nested_lists_has_the_whole_address() {
    let record =
        r#"{"code":"a","modified":"2024-01-01 00:00:00","contacts":[{"rank":1},{"tags":[{"on":1},{"on":"2"}]}]}"#;
    assert_eq!(decoded(&[record], true).refused[0].column, "contacts[1].tags[1].on");
    let record = r#"{"code":"a","modified":"2024-01-01 00:00:00","contacts":[{"rank":1},5]}"#;
    let refusal = &decoded(&[record], true).refused[0];
    assert_eq!((refusal.column.as_str(), refusal.text.as_str()), ("contacts[1]", "5"));
}

#[test]
fn a_record_that_is_no_object_is_refused() {
    for record in ["5", "[]", "null", r#""a""#] {
        let decoded = decoded(&[record, PERSON], false);
        assert_eq!((decoded.refused.len(), decoded.refused[0].column.as_str()), (1, ""), "{record}");
        assert_eq!(decoded.batch.num_rows(), 1);
    }
}

/// Trips when the cells of a refused record shift or stay in other rows.
#[test]
fn a_refused_record_leaves_no_cell_behind() {
    let bad =
        r#"{"code":"bad","contacts":[{"rank":5},{"rank":"x"}],"phone":"9","extra":1,"modified":"2024-01-01 00:00:00"}"#;
    let (with, without) = (decoded(&[PERSON, bad, PERSON], true), decoded(&[PERSON, PERSON], true));
    assert_eq!(with.refused.len(), 1);
    assert_eq!(with.batch, without.batch);
}

#[test]
fn unknown_members_keep_their_text_and_order() {
    let record = r#"{"z":{"b": 1.50},"code":"a","contacts":[{"rank":1},{"note":"\u65b0","tags":[{"hue":"red"}]}],"modified":"2024-01-01 00:00:00","Z":null}"#;
    let expected = r#"{"z":{"b": 1.50},"contacts":[{},{"note":"\u65b0","tags":[{"hue":"red"}]}],"Z":null}"#;
    assert_eq!(text(&decoded(&[record, PERSON], true), EXTRA), [Some(expected.to_owned()), None]);
}

/// Trips when an alias overrides the documented name, whichever comes first.
#[test]
fn an_alias_counts_only_where_the_documented_name_is_absent() {
    let both = r#"{"amout":"2","code":"a","amount":"1","modified":"2024-01-01 00:00:00"}"#;
    let alone = r#"{"Amout":"3","code":"b","modified":"2024-01-01 00:00:00"}"#;
    let twice = r#"{"amout":"3","code":"c","amout":"4","modified":"2024-01-01 00:00:00"}"#;
    let decoded = decoded(&[both, alone, twice], false);
    let amounts = decoded.batch.column_by_name("amount").unwrap().as_primitive::<arrow::datatypes::Decimal128Type>();
    assert_eq!(amounts.values(), &[10_000, 30_000]);
    assert_eq!(text(&decoded, EXTRA), [Some(r#"{"amout":"2"}"#.to_owned()), None]);
    assert_eq!((decoded.refused.len(), decoded.refused[0].row), (1, 2));
}

#[test]
fn fingerprints_tell_byte_equal_records_and_count_refused_ones() {
    let body = fixture::read(&ENTERPRISE_STOCK, "duplicate-record");
    let answer = envelope::read(&ENTERPRISE_STOCK, ENTERPRISE_STOCK.method(), &body).unwrap();
    let prints = decode(&ENTERPRISE_STOCK, &answer.records, &Asked::page(0, false)).fingerprints;
    assert_eq!(prints[0], prints[1]);
    assert_ne!(prints[0], prints[2]);
    assert_eq!(decoded(&["{}", "{}", PERSON], false).fingerprints.len(), 3);
}

#[test]
fn no_records_make_an_empty_batch_of_the_schema() {
    let decoded = decoded(&[], false);
    assert_eq!((decoded.batch.num_rows(), decoded.batch.num_columns()), (0, INVENTED.fields.len() + 1));
}

/// Trips when wall time and epoch milliseconds of one row are not the same instant, eight hours off first of all.
#[test]
fn both_calls_for_stock_give_the_same_row() {
    let [new, old] = ["documented", "documented@wms.StockSpec.search"].map(|case| {
        let body = fixture::read(&FLAGSHIP_STOCK, case);
        let answer = envelope::read(&FLAGSHIP_STOCK, fixture::method(&FLAGSHIP_STOCK, case), &body).unwrap();
        decode(&FLAGSHIP_STOCK, &answer.records, &Asked::page(0, false)).batch
    });
    assert_eq!(new, old);
    let micros = |name| new.column_by_name(name).unwrap().as_primitive::<TimestampMicrosecondType>().value(0);
    assert_eq!((micros("modified"), micros("created")), (1_681_106_995_000_000, 1_675_937_671_000_000));
}

/// Trips when a row of another slice is landed in the one asked for.
#[test]
fn the_slice_fills_what_is_missing_and_refuses_what_differs() {
    let of = |case: &str| {
        let body = fixture::read(&CAINIAO_INVENTORY, case);
        let answer = envelope::read(&CAINIAO_INVENTORY, CAINIAO_INVENTORY.method(), &body).unwrap();
        let slice: Slice = fixture::slice(&CAINIAO_INVENTORY, case);
        decode(&CAINIAO_INVENTORY, &answer.records, &Asked { page: 1, personal: false, slice: &slice })
    };
    let filled = of("slice-not-repeated");
    assert_eq!((text(&filled, "store_code"), filled.refused.len()), (vec![Some("STORE_1".to_owned()); 2], 0));
    let other = of("other-slice");
    let columns: Vec<_> = other.refused.iter().map(|refusal| refusal.column.as_str()).collect();
    assert_eq!((other.batch.num_rows(), columns), (1, vec!["store_code", "inventory_type"]));
}
