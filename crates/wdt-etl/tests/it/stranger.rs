//! A gateway that follows the protocol's description and is not the simulator is read without a change.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod gateway;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::support::{Home, VARIABLE, configuration};
use gateway::{APP_KEY, Framing, Gateway, Habits, Row, SID, wall_time};

/// 2024-04-02 03:04:05 in China.
const FIRST: i64 = 1_711_998_245;
const DAY: i64 = 86_400;
const STOCK: i64 = 230;
const GOODS: i64 = 90;

/// As terse as it gets, oldest rows first.
const TERSE: Habits = Habits {
    descending: false,
    by_key: false,
    pretty: false,
    bom: false,
    reversed: false,
    code: "0",
    message: Some("\"\""),
    total_mark: "\"",
    later_total: Some("0"),
    empty: Some("[]"),
    objects: true,
    header: str::to_uppercase,
    framing: Framing::Length,
    ahead: Some(0),
};

/// Newest rows first, spread over lines, in pieces, without a clock.
const WORDY: Habits = Habits {
    descending: true,
    pretty: true,
    reversed: true,
    code: "\"0\"",
    message: None,
    total_mark: "",
    later_total: None,
    empty: None,
    objects: false,
    header: str::to_lowercase,
    framing: Framing::Chunked,
    ahead: None,
    ..TERSE
};

/// By key, behind a byte order mark, one connection a call, two minutes ahead.
const ODD: Habits = Habits {
    by_key: true,
    bom: true,
    code: "\"0\"",
    message: Some("null"),
    later_total: Some("null"),
    empty: Some("null"),
    header: str::to_owned,
    framing: Framing::Close,
    ahead: Some(120),
    ..TERSE
};

#[test]
fn a_terse_gateway() {
    let (gateway, home) = start(TERSE, "");
    lands_what_stands(&gateway, &home, &|_| true);
}

#[test]
fn a_wordy_gateway() {
    let (gateway, home) = start(WORDY, "");
    lands_what_stands(&gateway, &home, &|_| true);
}

#[test]
fn an_odd_gateway() {
    let (gateway, home) = start(ODD, "");
    lands_what_stands(&gateway, &home, &|_| true);
}

#[test]
fn a_parameter_in_chinese_is_signed_as_the_gateway_counts_it() {
    let (gateway, home) = start(TERSE, "params = { warehouse_no = \"北京仓/2号 +%&=;\" }");
    lands_what_stands(&gateway, &home, &|row| row.place != "WH-1");
}

#[test]
fn a_row_edited_while_its_window_is_read_costs_no_other_row() {
    for habits in [TERSE, WORDY] {
        let (gateway, home) = start(habits, "");
        let key = stock(120).0.key;
        gateway.make_restless(key);
        lands_what_stands(&gateway, &home, &|row| row.key != key);
        assert!(gateway.has_moved());
        assert!(home.rows("etl_windows").iter().any(|window| window["way"] == "backward"));
    }
}

#[test]
fn the_next_run_lands_what_moved_there() {
    for habits in [TERSE, WORDY, ODD] {
        let (gateway, home) = start(habits, "");
        home.load().ends_with(0);
        let later = FIRST + 31 * DAY;
        gateway.change(|rows| {
            for (at, row) in rows.iter_mut().enumerate().filter(|(at, _)| at % 10 == 3) {
                row.modified = later + i64::try_from(at).unwrap();
                row.members.retain(|(name, _)| *name != "stock_num");
                row.members.push(("stock_num", "\"77.7\"".to_owned()));
            }
        });
        let ran = home.run(&["run", "--until", "2024-05-06 00:00:00"]).ends_with(0);
        assert_eq!(ran.finished("stranger", "enterprise_stock")["changed"], 23);
        let moved = home.rows("enterprise_stock").into_iter().filter(|row| row["stock_num"] == "77.7000").count();
        assert_eq!(moved, 23);
        assert_eq!(home.rows("enterprise_stock").len(), usize::try_from(STOCK).unwrap());
        gateway.calls();
    }
}

/// A gateway with rows and a configuration for it; more lines for the stock dataset.
fn start(habits: Habits, stock_lines: &str) -> (Gateway, Home) {
    let rows = |count: i64, row: fn(i64) -> (Row, Value)| (0..count).map(|at| row(at).0).collect();
    let gateway = Gateway::start(habits, rows(STOCK, stock), rows(GOODS, goods));
    let account = format!(
        "[[accounts]]\nname = \"stranger\"\ngateway = \"enterprise\"\nbase_url = \"{}\"\nsid = \"{SID}\"\n\
         app_key = \"{APP_KEY}\"\napp_secret = {{ env = \"{VARIABLE}\" }}\ncalls_per_minute = 0\n\
         [[accounts.datasets]]\nname = \"enterprise_stock\"\nstart = \"2024-04-01 00:00:00\"\npage_size = 7\n{stock_lines}\n\
         [[accounts.datasets]]\nname = \"enterprise_goods\"\nstart = \"2024-04-01 00:00:00\"\npage_size = 20\n",
        gateway.base_url
    );
    let home = Home::empty().configured(&configuration(&[account])).without_waits();
    (gateway, home)
}

/// Runs, compares both current tables with the rows wanted, and runs again, which must cost nothing.
#[track_caller]
fn lands_what_stands(gateway: &Gateway, home: &Home, wanted: &dyn Fn(&Row) -> bool) {
    home.load().ends_with(0);
    let expected =
        |count: i64, row: fn(i64) -> (Row, Value), wanted: &dyn Fn(&Row) -> bool| -> BTreeMap<String, Value> {
            let rows = (0..count).map(row).filter(|(row, _)| wanted(row));
            rows.map(|(row, landed)| (format!("{:?}", row.key), landed)).collect()
        };
    let same = |table: &str, expected: BTreeMap<String, Value>, key: [&str; 2]| {
        let rows = home.rows(table);
        assert_eq!(rows.len(), expected.len(), "{table}");
        for row in rows {
            let name = format!("({}, {})", row[key[0]], row.get(key[1]).unwrap_or(&json!(0)));
            assert_eq!(Some(&landed(row)), expected.get(&name), "{table} {name}");
        }
    };
    same("enterprise_stock", expected(STOCK, stock, wanted), ["spec_id", "warehouse_id"]);
    same("enterprise_goods", expected(GOODS, goods, &|_| true), ["rec_id", "no second"]);
    let calls = gateway.calls();
    home.load().ends_with(0);
    assert_eq!(gateway.calls(), calls);
}

/// What a row holds, without nulls and without what every reading writes anew; the extra members as JSON.
fn landed(row: Map<String, Value>) -> Value {
    let written = ["_wdt_pulled_at", "_wdt_run_id"];
    let held = row.into_iter().filter(|(name, cell)| !cell.is_null() && !written.contains(&name.as_str()));
    let held = held.map(|(name, cell)| match cell.as_str().filter(|_| name == "_wdt_extra") {
        Some(text) => (name, serde_json::from_str(text).unwrap()),
        None => (name, cell),
    });
    Value::Object(held.collect())
}

/// A stock row on the wire, and what must land of it.
fn stock(at: i64) -> (Row, Value) {
    // every seventh row in the second of the one before, a third of all in one day
    let modified = FIRST + if at < 80 { at / 2 * 31 } else { (at - at % 7 / 6) * DAY / 10 };
    let (spec_id, warehouse_id) = (1_000 + at / 2, 1 + at % 2);
    let (place, escaped) = turn(&[("WH-1", "WH-1"), ("北京仓/2号 +%&=;", "\\u5317\\u4eac仓\\/2号 +%&=;")], at);
    let (amount, decimal) = amount(at);
    let (created, created_at) = created(at);
    let (details, landed_details) = details(at);
    let mut members = vec![
        ("SPEC_ID", if at % 4 < 2 { format!("\"{spec_id}\"") } else { spec_id.to_string() }),
        ("warehouse_id", format!("\"{warehouse_id}\"")),
        ("warehouse_no", format!("\"{escaped}\"")),
        ("goods_name", "\"\\u201cA\\\"B\\u201d\\n库存 😀\"".to_owned()),
        ("barcode", format!("\"000{at}\"")),
        ("Remark", "\"\"".to_owned()),
        ("Unit", "7.0".to_owned()),
        ("stock_num", amount.to_owned()),
        ("available_num", "\"0.0001\"".to_owned()),
        ("Created", created.to_owned()),
        ("details", details.to_owned()),
    ];
    let mut landed = json!({
        "account": "stranger", "spec_id": spec_id, "warehouse_id": warehouse_id, "warehouse_no": place,
        "goods_name": "\u{201c}A\"B\u{201d}\n库存 😀", "barcode": format!("000{at}"), "remark": "", "unit": 7,
        "stock_num": decimal, "avaliable_num": "0.0001", "created": created_at, "details": landed_details,
        "modified": utc(modified),
    });
    if at % 6 == 0 {
        members.extend([("rank", "3".to_owned()), ("标签", r#"[{"a":1},null,"b\/c"]"#.to_owned())]);
        landed["_wdt_extra"] = json!({"rank": 3, "标签": [{"a": 1}, null, "b/c"]});
    }
    let row = Row { key: (spec_id, warehouse_id), modified, place, members };
    (row, self::landed(landed.as_object().unwrap().clone()))
}

/// Forms of a quantity, and its decimal.
fn amount(at: i64) -> (&'static str, Value) {
    turn(
        &[
            ("\"12.5000\"", json!("12.5000")),
            ("12.5", json!("12.5000")),
            ("\"-3\"", json!("-3.0000")),
            ("0", json!("0.0000")),
            ("\"\"", Value::Null),
            ("null", Value::Null),
            ("1e2", json!("100.0000")),
            ("\"123456789012345.6789\"", json!("123456789012345.6789")),
        ],
        at,
    )
}

/// Forms of a time, and its instant.
fn created(at: i64) -> (&'static str, Value) {
    turn(
        &[
            ("\"0000-00-00 00:00:00\"", Value::Null),
            ("\"2019-12-31 23:59:59\"", json!("2019-12-31T15:59:59Z")),
            ("\"\"", Value::Null),
            ("\"2020-01-01\"", json!("2019-12-31T16:00:00Z")),
            ("1577836800000", json!("2020-01-01T00:00:00Z")),
        ],
        at,
    )
}

/// Forms of a list, and its items.
fn details(at: i64) -> (&'static str, Value) {
    turn(
        &[
            ("[]", json!([])),
            ("null", Value::Null),
            (
                r#"[{"stock_spec_id":9,"spec_no":"","position_no":"A-1","stock_num":""},{"batch_no":"B\/2","stock_num":"1.5","expire_date":"0000-00-00"}]"#,
                json!([
                    {"stock_spec_id": 9, "spec_no": "", "position_no": "A-1", "batch_no": null, "expire_date": null, "stock_num": null},
                    {"stock_spec_id": null, "spec_no": null, "position_no": null, "batch_no": "B/2", "expire_date": null, "stock_num": "1.5000"},
                ]),
            ),
        ],
        at,
    )
}

/// A row of goods: half of them changed in one and the same second.
fn goods(at: i64) -> (Row, Value) {
    let modified = FIRST + if at % 2 == 0 { 10 * DAY } else { at * 3_601 };
    let members = vec![
        ("rec_id", if at % 3 == 0 { at.to_string() } else { format!("\"{at}\"") }),
        ("shop_no", "\"0012\"".to_owned()),
        ("platform_id", "127".to_owned()),
        ("api_goods_id", "\"0000\"".to_owned()),
        ("price", "\"9.9\"".to_owned()),
        ("stock_num", "null".to_owned()),
        ("hold_stock", "\"0.0000\"".to_owned()),
        ("is_deleted", format!("\"{}\"", at % 3)),
        ("stock_syn_rule_id", "-1".to_owned()),
        ("created", format!("\"{}\"", wall_time(FIRST - at))),
    ];
    let landed = json!({
        "account": "stranger", "rec_id": at, "shop_no": "0012", "platform_id": 127, "api_goods_id": "0000",
        "price": "9.9000", "hold_stock": "0.0000", "is_deleted": at % 3, "stock_syn_rule_id": "-1",
        "created": utc(FIRST - at), "modified": utc(modified),
    });
    (Row { key: (at, 0), modified, place: "0012", members }, landed)
}

/// One after the other of some forms.
fn turn<T: Clone>(forms: &[T], at: i64) -> T {
    forms[usize::try_from(at).unwrap() % forms.len()].clone()
}

fn utc(instant: i64) -> String {
    chrono::DateTime::from_timestamp(instant, 0).unwrap().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
