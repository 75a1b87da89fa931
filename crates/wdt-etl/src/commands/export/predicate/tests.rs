#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Schema;
use wdt_models::{Kind, endpoints};

use super::*;
use crate::error::EtlError;
use wdt_warehouse::schema::TableSpec;

/// Decides every condition of the property test.
const SEED: u64 = 20_261_123;
/// Conditions tried.
const CASES: usize = 4_000;

/// One row of the test's table.
#[derive(Debug, Clone, Default)]
struct Row {
    n: Option<i64>,
    /// Units of the fourth place.
    d: Option<i128>,
    s: Option<&'static str>,
    /// UTC instant in microseconds.
    t: Option<i64>,
    b: Option<bool>,
}

const TEXTS: &[&str] = &["", "a", "A", "ab", "a%b", "a_b", "库存", "it's", "x\ny", "a.b", "100"];
/// With their wall times in Asia/Shanghai.
const TIMES: &[(i64, &str)] = &[
    (1_714_536_000_000_000, "2024-05-01 12:00:00"),
    (1_714_536_000_500_000, "2024-05-01 12:00:00.5"),
    (1_714_492_800_000_000, "2024-05-01"),
    (0, "1970-01-01 08:00:00.000000"),
];

fn table() -> (Vec<Row>, RecordBatch) {
    let mut rows = vec![Row::default()];
    for (place, n) in [0, 1, -1, 7, i64::MAX, i64::MIN, 12].into_iter().enumerate() {
        let d = [0, 1, -1, 70_000, 75_000, 9_999_999_999_999_999_999, -123_456][place];
        let time = TIMES[place % TIMES.len()].0;
        rows.push(Row { n: Some(n), d: Some(d), s: Some(TEXTS[place]), t: Some(time), b: Some(place % 2 == 0) });
        rows.push(Row { n: Some(n), s: Some(TEXTS[(place + 5) % TEXTS.len()]), ..Row::default() });
        rows.push(Row { d: Some(d), b: Some(true), t: Some(time + 1), ..Row::default() });
    }
    let times: TimestampMicrosecondArray = rows.iter().map(|row| row.t).collect();
    let decimals = rows.iter().map(|row| row.d).collect::<Decimal128Array>().with_precision_and_scale(19, 4).unwrap();
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("n", Arc::new(rows.iter().map(|row| row.n).collect::<Int64Array>()) as ArrayRef, true),
        ("d", Arc::new(decimals), true),
        ("s", Arc::new(rows.iter().map(|row| row.s).collect::<StringArray>()), true),
        ("t", Arc::new(times.with_timezone("UTC")), true),
        ("b", Arc::new(rows.iter().map(|row| row.b).collect::<BooleanArray>()), true),
    ])
    .unwrap();
    (rows, batch)
}

fn evaluate(text: &str, batch: &RecordBatch) -> Vec<Option<bool>> {
    let predicate =
        Predicate::parse(text, &batch.schema()).unwrap_or_else(|error| panic!("{text}: {}", error.report()));
    predicate.evaluate(batch).unwrap().iter().collect()
}

/// What a condition is for a row.
type Truth = dyn Fn(&Row) -> Option<bool>;

/// A text with what it is for a row.
type Named<T> = (&'static str, fn(&Row) -> T);

/// A condition as the test understands it: its text, and its value for a row found without arrow.
struct Condition {
    text: String,
    value: Box<Truth>,
}

struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }
}

/// `value` compared with `other` by the sign at `place` of the list of operators.
fn ordered<T: PartialOrd>(place: usize, value: &T, other: &T) -> bool {
    [value == other, value != other, value < other, value <= other, value > other, value >= other][place / 2]
}

const OPERATORS: [&str; 12] = ["=", "=", "<>", "!=", "<", "<", "<=", "<=", ">", ">", ">=", ">="];

/// A number: its text, and its value in units of the eighth place.
fn any_number(dice: &mut Dice) -> (String, i128) {
    let numbers: [(&str, i128); 11] = [
        ("0", 0),
        ("7", 700_000_000),
        ("7.0000", 700_000_000),
        ("7.00001", 700_001_000),
        ("-0.0001", -10_000),
        ("-0.00005", -5_000),
        ("7.5", 750_000_000),
        ("-1", -100_000_000),
        ("+12.", 1_200_000_000),
        ("9223372036854775807", 9_223_372_036_854_775_807 * 100_000_000),
        ("99999999999999999999999999999999999999999999", i128::MAX),
    ];
    let (text, value) = numbers[dice.roll(numbers.len())];
    (text.to_owned(), value)
}

type Number = fn(&Row) -> Option<i128>;

fn any_numeric_column(dice: &mut Dice) -> (&'static str, Number) {
    let columns: [(&str, Number); 2] =
        [("n", |row| row.n.map(|n| i128::from(n) * 100_000_000)), ("d", |row| row.d.map(|d| d * 10_000))];
    columns[dice.roll(2)]
}

fn leaf(dice: &mut Dice) -> Condition {
    match dice.roll(9) {
        0 | 1 => any_comparison(dice),
        2 => {
            let (wanted, op) = (TEXTS[dice.roll(TEXTS.len())], dice.roll(OPERATORS.len()));
            let value = move |row: &Row| row.s.map(|value| ordered(op, &value, &wanted));
            Condition { text: format!("s {} '{}'", OPERATORS[op], wanted.replace('\'', "''")), value: Box::new(value) }
        }
        3 => {
            let ((wanted, text), op) = (TIMES[dice.roll(TIMES.len())], dice.roll(OPERATORS.len()));
            let value = move |row: &Row| row.t.map(|value| ordered(op, &value, &wanted));
            Condition { text: format!("t {} '{text}'", OPERATORS[op]), value: Box::new(value) }
        }
        4 => any_null_check(dice),
        5 => any_in(dice),
        6 => any_between(dice),
        7 => any_like(dice),
        _ => {
            let constants: [Named<Option<bool>>; 6] = [
                ("b", |row| row.b),
                ("b = TRUE", |row| row.b),
                ("TRUE", |_| Some(true)),
                ("NULL", |_| None),
                ("s = NULL", |_| None),
                ("d >= n", |row| Some(row.d? >= i128::from(row.n?) * 10_000)),
            ];
            let (text, value) = constants[dice.roll(constants.len())];
            Condition { text: text.to_owned(), value: Box::new(value) }
        }
    }
}

fn any_comparison(dice: &mut Dice) -> Condition {
    let ((name, column), (text, wanted)) = (any_numeric_column(dice), any_number(dice));
    let (op, turned) = (dice.roll(OPERATORS.len()), dice.roll(2) == 1);
    let sign = OPERATORS[op];
    let text = if turned { format!("{text} {sign} {name}") } else { format!("{name} {sign} {text}") };
    let value = move |row: &Row| {
        column(row).map(|value| if turned { ordered(op, &wanted, &value) } else { ordered(op, &value, &wanted) })
    };
    Condition { text, value: Box::new(value) }
}

fn any_null_check(dice: &mut Dice) -> Condition {
    let columns: [Named<bool>; 5] = [
        ("n", |row| row.n.is_none()),
        ("d", |row| row.d.is_none()),
        ("s", |row| row.s.is_none()),
        ("t", |row| row.t.is_none()),
        ("b", |row| row.b.is_none()),
    ];
    let ((name, null), not) = (columns[dice.roll(columns.len())], dice.roll(2) == 1);
    let text = format!("{name} IS {}NULL", if not { "NOT " } else { "" });
    Condition { text, value: Box::new(move |row| Some(null(row) != not)) }
}

fn any_like(dice: &mut Dice) -> Condition {
    let patterns = ["a%", "%b", "%", "_", "a_b", "a\\_b", "%库%", "A", "x%y", "a.b", "", "%%b", "_%_"];
    let (pattern, not) = (patterns[dice.roll(patterns.len())], dice.roll(2) == 1);
    let text = format!("s {}LIKE '{pattern}'", if not { "NOT " } else { "" });
    let pattern: Vec<char> = pattern.chars().collect();
    let value = move |row: &Row| row.s.map(|text| matches(&text.chars().collect::<Vec<_>>(), &pattern) != not);
    Condition { text, value: Box::new(value) }
}

fn any_in(dice: &mut Dice) -> Condition {
    let (name, column) = any_numeric_column(dice);
    let (numbers, null, not) = ([any_number(dice), any_number(dice)], dice.roll(2) == 1, dice.roll(2) == 1);
    let mut list: Vec<&str> = numbers.iter().map(|(text, _)| text.as_str()).collect();
    list.extend(null.then_some("NULL"));
    let text = format!("{name} {}IN ({})", if not { "NOT " } else { "" }, list.join(", "));
    let value = move |row: &Row| {
        let value = column(row)?;
        let found = numbers.iter().any(|(_, wanted)| *wanted == value);
        (found || !null).then_some(found != not)
    };
    Condition { text, value: Box::new(value) }
}

fn any_between(dice: &mut Dice) -> Condition {
    let (name, column) = any_numeric_column(dice);
    let ((low, least), (high, most), not) = (any_number(dice), any_number(dice), dice.roll(2) == 1);
    let text = format!("{name} {}BETWEEN {low} AND {high}", if not { "NOT " } else { "" });
    let value = move |row: &Row| column(row).map(|value| (least <= value && value <= most) != not);
    Condition { text, value: Box::new(value) }
}

/// SQL's LIKE, letter by letter.
fn matches(text: &[char], pattern: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['%', rest @ ..] => (0..=text.len()).any(|from| matches(&text[from..], rest)),
        ['_', rest @ ..] => !text.is_empty() && matches(&text[1..], rest),
        ['\\', wanted, rest @ ..] | [wanted, rest @ ..] => text.first() == Some(wanted) && matches(&text[1..], rest),
    }
}

fn condition(dice: &mut Dice, depth: usize) -> Condition {
    if depth == 0 {
        return leaf(dice);
    }
    match dice.roll(4) {
        0 => leaf(dice),
        1 => {
            let inner = condition(dice, depth - 1);
            Condition {
                text: format!("NOT ({})", inner.text),
                value: Box::new(move |row| (inner.value)(row).map(|v| !v)),
            }
        }
        kind => {
            let (left, right) = (condition(dice, depth - 1), condition(dice, depth - 1));
            // the value that decides alone
            let (word, decides) = if kind == 2 { ("AND", false) } else { ("OR", true) };
            let text = format!("({}) {word} ({})", left.text, right.text);
            let value = move |row: &Row| match ((left.value)(row), (right.value)(row)) {
                (Some(value), _) | (_, Some(value)) if value == decides => Some(decides),
                (Some(_), Some(right)) if right == decides => Some(decides),
                (None, _) | (_, None) => None,
                _ => Some(!decides),
            };
            Condition { text, value: Box::new(value) }
        }
    }
}

#[test]
fn conditions_agree_with_an_evaluator_that_knows_no_arrow() {
    println!("seed {SEED}");
    let (rows, batch) = table();
    let mut dice = Dice(SEED);
    for _ in 0..CASES {
        let depth = dice.roll(4);
        let wanted = condition(&mut dice, depth);
        let found = evaluate(&wanted.text, &batch);
        for (row, found) in rows.iter().zip(found) {
            assert_eq!(found, (wanted.value)(row), "{} for {row:?}", wanted.text);
        }
    }
}

#[test]
fn connectives_have_three_truth_values() {
    let batch = table().1.slice(0, 1);
    for (text, expected) in [
        ("TRUE AND NULL", None),
        ("FALSE AND NULL", Some(false)),
        ("NULL AND FALSE", Some(false)),
        ("TRUE OR NULL", Some(true)),
        ("NULL OR FALSE", None),
        ("NOT NULL", None),
        ("NULL = n", None),
        ("TRUE OR FALSE AND FALSE", Some(true)),
        ("NOT FALSE AND FALSE", Some(false)),
        ("((TRUE))", Some(true)),
    ] {
        assert_eq!(evaluate(text, &batch), [expected], "{text}");
    }
}

#[test]
fn a_chain_of_thousands_is_walked() {
    let (_, batch) = table();
    let long = vec!["n <> 5"; 20_000].join(" AND ");
    assert_eq!(evaluate(&long, &batch.slice(1, 1)), [Some(true)]);
    let list = (0..5_000).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    assert_eq!(evaluate(&format!("n IN ({list})"), &batch.slice(1, 1)), [Some(true)]);
}

fn refused(text: &str) -> String {
    let error = Predicate::parse(text, &table().1.schema()).expect_err(text);
    assert_eq!(error.exit_code(), 2);
    error.report()
}

#[test]
fn what_is_not_part_of_the_language_is_refused_by_its_name() {
    for (text, said) in [
        ("lower(s) = 'a'", "lower(s)"),
        ("n + 1 = 2", "n + 1"),
        ("s ILIKE 'a'", "ILIKE"),
        ("n IN (SELECT 1)", "SELECT 1"),
        ("CASE WHEN b THEN 1 END = 1", "CASE"),
        ("s LIKE 'a' ESCAPE '!'", "ESCAPE"),
        ("n = 1 GROUP BY s", "GROUP"),
        ("n = ", "cannot be read"),
        ("", "cannot be read"),
        ("s = 'open", "cannot be read"),
        ("1 = 1", "does not name a column"),
        ("n", "neither true nor false"),
        ("n = '5'", "column `n` is a number"),
        ("s = 5", "column `s` is a text"),
        ("t > 'yesterday'", "is not a time"),
        ("t > '2024-02-30'", "is not a time"),
        ("b = 1", "write TRUE or FALSE"),
        ("n = 1e5", "plain digits"),
        ("s = n", "cannot be compared"),
        ("n IS NULL IS NULL", "does not know"),
        ("5 IS NULL", "is not a column"),
        ("n LIKE '5%'", "LIKE is for texts"),
        ("n ~ 5", "does not know"),
        ("$1 = n", "does not know"),
        ("x'41' = s", "does not know"),
    ] {
        let report = refused(text);
        assert!(report.contains("--where") && report.contains(said), "{text}: {report}");
        assert!(report.contains("\nhint: "), "{report}");
    }
    let deep = format!("{}TRUE{}", "(".repeat(9_999), ")".repeat(9_999));
    assert!(refused(&deep).contains("cannot be read"));
}

#[test]
fn an_unknown_column_is_told_with_the_nearest() {
    let schema = TableSpec::current(endpoints::find("enterprise_stock").unwrap()).schema;
    let report = |text: &str| Predicate::parse(text, &schema).unwrap_err().report();
    assert!(report("stok_num > 1").contains("did you mean `stock_num`?"));
    assert!(report("spec_no = \"A1\"").contains("write texts in single quotes"));
}

#[test]
fn every_column_of_every_dataset_can_be_named() {
    let parse = |text: &str, schema: &Schema| -> Result<Predicate, EtlError> { Predicate::parse(text, schema) };
    for endpoint in endpoints::ALL {
        let schema = TableSpec::current(endpoint).schema;
        for name in schema.fields().iter().map(|field| field.name()) {
            for text in [format!("{name} IS NOT NULL"), format!("NOT \"{}\" IS NULL", name.to_uppercase())] {
                let expected = Predicate::Not(Box::new(Predicate::IsNull(name.clone())));
                assert_eq!(parse(&text, &schema).ok(), Some(expected), "{}: {text}", endpoint.dataset);
            }
        }
        if endpoint.fields.iter().any(|field| matches!(field.kind, Kind::List(_))) {
            let list = endpoint.fields.iter().find(|field| matches!(field.kind, Kind::List(_))).unwrap().name;
            let report = parse(&format!("{list} = 'a'"), &schema).unwrap_err().report();
            assert!(report.contains("only IS NULL"), "{report}");
        }
    }
}

mod any_text {
    use proptest::prelude::*;

    use super::*;

    /// Words of the language, and of SQL beyond it.
    const WORDS: &[&str] = &[
        "stock_num",
        "spec_no",
        "modified",
        "defect",
        "=",
        "<>",
        "<",
        "(",
        ")",
        "((((",
        "))))",
        "AND",
        "OR",
        "NOT",
        "IN",
        "BETWEEN",
        "LIKE",
        "IS",
        "NULL",
        "TRUE",
        "'a'",
        "'",
        "''",
        "1",
        "-1",
        "1.00005",
        "1e999",
        "'2024-02-30'",
        "%",
        "_",
        ",",
        ";",
        "--",
        "/*",
        "\"",
        "CASE",
        "SELECT",
        "*",
        "x'00'",
        "\\",
        "库存",
        "\u{0}",
        "999999999999999999999999999999",
    ];

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

        /// Any text is a condition or refused as usage, however deep its parentheses.
        #[test]
        fn is_a_condition_or_refused(
            text in "\\PC*",
            words in prop::collection::vec(prop::sample::select(WORDS), 0..30),
            depth in 0usize..5000,
        ) {
            let table = TableSpec::current(&endpoints::ENTERPRISE_STOCK).schema;
            let deep = format!("{}defect{}", "(".repeat(depth), ")".repeat(depth));
            for text in [text, words.join(" "), words.concat(), deep] {
                if let Err(error) = Predicate::parse(&text, &table) {
                    prop_assert_eq!(error.exit_code(), 2, "{}", text);
                }
            }
        }
    }
}
