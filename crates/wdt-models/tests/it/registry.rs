//! What must hold of every endpoint's description.

use std::collections::HashSet;

use wdt_models::decode::{Asked, Decoded, EXTRA, decode, page_schema};
use wdt_models::endpoints::{
    ALL, CAINIAO_INVENTORY, ENTERPRISE_GOODS, ENTERPRISE_STOCK, FLAGSHIP_GOODS, FLAGSHIP_SHOPS, FLAGSHIP_STOCK,
    FLAGSHIP_STOCK_SYNC, FLAGSHIP_WAREHOUSES, find,
};
use wdt_models::{Arguments, Endpoint, Field, Kind, SyncMode, envelope};

use crate::fixture;

#[test]
fn datasets_stand_once_and_are_found_by_name() {
    let names: Vec<_> = ALL.iter().map(|endpoint| endpoint.dataset).collect();
    let expected = [
        "enterprise_stock",
        "enterprise_goods",
        "flagship_stock",
        "flagship_goods",
        "flagship_stock_sync",
        "cainiao_inventory",
        "flagship_warehouses",
        "flagship_shops",
    ];
    assert_eq!(names, expected);
    for endpoint in ALL {
        assert_eq!(find(endpoint.dataset).map(|found| found.dataset), Some(endpoint.dataset));
        assert!(endpoint.dataset.starts_with(endpoint.gateway.name()) || *endpoint.dataset == *"cainiao_inventory");
    }
    assert!(find("enterprise").is_none());
}

#[test]
fn the_documents_numbers_of_members_are_kept() {
    for (endpoint, members) in [
        (&ENTERPRISE_STOCK, 70),
        (&ENTERPRISE_GOODS, 58),
        (&FLAGSHIP_STOCK, 76),
        (&FLAGSHIP_GOODS, 50),
        (&FLAGSHIP_STOCK_SYNC, 33),
        (&CAINIAO_INVENTORY, 10),
        (&FLAGSHIP_WAREHOUSES, 22),
        (&FLAGSHIP_SHOPS, 25),
    ] {
        assert_eq!(endpoint.fields.len(), members, "{}", endpoint.dataset);
    }
    for (endpoint, members) in [(&ENTERPRISE_STOCK, 6), (&FLAGSHIP_STOCK_SYNC, 17)] {
        let Kind::List(items) = endpoint.fields.last().unwrap().kind else { panic!("the list comes last") };
        assert_eq!(items.len(), members, "{}", endpoint.dataset);
    }
}

#[test]
fn key_cursor_and_split_are_columns_of_the_right_kind() {
    for endpoint in ALL {
        assert!(!endpoint.key.is_empty());
        assert_eq!(endpoint.key_positions().len(), endpoint.key.len(), "{}", endpoint.dataset);
        if let Some(cursor) = endpoint.cursor() {
            let column = field(endpoint, cursor.field);
            assert!(column.required && column.kind == Kind::Timestamp);
            assert_eq!(endpoint.cursor_position(), endpoint.position(cursor.field));
            assert_eq!(cursor.max_seconds, 2_591_999, "{}", endpoint.dataset);
            assert!(endpoint.params.iter().all(|param| ![cursor.start_param, cursor.end_param].contains(&param.name)));
        }
        if let Some(split) = endpoint.split {
            assert_eq!(field(endpoint, split.field).kind, Kind::Text);
            assert!(endpoint.params.iter().any(|param| param.name == split.param));
        }
    }
}

/// Trips on a member that every record must have though it is neither key nor cursor, and on a key that may be null
/// though its dataset does not say that nulls of it are equal.
#[test]
fn key_and_cursor_are_required_and_nothing_else() {
    for endpoint in ALL {
        let required: HashSet<_> =
            endpoint.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
        let mut expected: HashSet<_> = endpoint.key.iter().copied().collect();
        expected.extend(endpoint.cursor().map(|cursor| cursor.field));
        if endpoint.dataset == CAINIAO_INVENTORY.dataset {
            for nullable in ["batch_code", "produce_date", "due_date", "channel_code"] {
                assert!(expected.remove(nullable));
            }
        }
        assert_eq!(required, expected, "{}", endpoint.dataset);
    }
}

#[test]
fn slices_are_key_columns_with_documented_defaults() {
    for endpoint in ALL {
        let mut settings = HashSet::new();
        for dimension in endpoint.dimensions() {
            assert!(endpoint.key.contains(&dimension.name) && field(endpoint, dimension.name).required);
            assert!(settings.insert(dimension.setting) && !dimension.en.is_empty());
            assert!(dimension.default.iter().all(|value| dimension.values.contains(value)));
            let codes: Vec<_> = field(endpoint, dimension.name).codes.iter().map(|code| code.value).collect();
            assert_eq!(codes, dimension.values, "{}", dimension.name);
            assert!(endpoint.params.iter().all(|param| param.name != dimension.name));
        }
    }
}

#[test]
fn lists_of_ids_come_from_another_dataset_s_key() {
    for endpoint in ALL {
        let SyncMode::Ids(source) = endpoint.sync else { continue };
        let from = find(source.dataset).unwrap();
        let place = |name| ALL.iter().position(|endpoint| endpoint.dataset == name);
        assert!(place(source.dataset) < place(endpoint.dataset), "its source is listed, and read, before it");
        assert_eq!((from.key, endpoint.key), (&[source.column][..], &[source.column][..]));
        assert_eq!(field(from, source.column).kind, Kind::Int);
        assert_eq!(field(from, source.only.0).kind, Kind::Int);
        for method in endpoint.methods {
            assert_ne!(method.arguments, Arguments::Named, "{}", method.name);
        }
    }
}

#[test]
fn methods_say_where_their_answers_hold_what() {
    for endpoint in ALL {
        assert!(!endpoint.methods.is_empty());
        assert_eq!(Some(endpoint.method()), endpoint.methods.first());
        for method in endpoint.methods {
            assert_eq!(endpoint.method_named(method.name), Some(method));
            assert!(method.paging.max_size > 0 && method.paging.first < 2);
            assert!(!method.shape.records.is_empty());
            let ids = matches!(endpoint.sync, SyncMode::Ids(_));
            assert_eq!(ids, method.shape.total.is_empty(), "{}: only lists of ids have no total", method.name);
            for path in method.shape.records.iter().chain(method.shape.refused) {
                assert!(!path.is_empty() && path.iter().all(|member| !member.is_empty()));
            }
        }
    }
    let sizes = |endpoint: &Endpoint| endpoint.methods.iter().map(|method| method.paging.max_size).collect::<Vec<_>>();
    assert_eq!(
        ALL.iter().map(|endpoint| sizes(endpoint)).collect::<Vec<_>>().concat(),
        [100, 100, 1000, 1000, 100, 100, 1, 50, 100, 100]
    );
}

#[test]
fn names_are_lower_case_and_stand_once_with_their_labels() {
    for endpoint in ALL {
        check_fields(endpoint.fields);
        for text in [endpoint.doc, endpoint.source] {
            assert!(!text.is_empty(), "{}", endpoint.dataset);
        }
        assert!(endpoint.params.iter().all(|param| !param.name.is_empty() && !param.en.is_empty()));
        assert!(endpoint.notes.iter().all(|note| note.ends_with('.')));
    }
}

/// Trips on a column of the report that is not there, or out of the table's order.
#[test]
fn reports_are_some_of_the_columns_in_their_order() {
    for endpoint in ALL {
        let positions: Vec<_> = endpoint
            .report
            .iter()
            .map(|(name, label)| {
                assert!(!label.is_empty());
                endpoint.position(name).unwrap_or_else(|| panic!("{name}"))
            })
            .collect();
        assert!(positions.is_sorted_by(|a, b| a < b), "{}", endpoint.dataset);
    }
    assert_eq!(FLAGSHIP_STOCK.report.len(), 52);
    let own = |(name, label): &&(&str, &str)| field(&FLAGSHIP_STOCK, name).zh == *label;
    let others: Vec<_> = FLAGSHIP_STOCK.report.iter().filter(|column| !own(column)).collect();
    assert_eq!(others, [&("to_transfer_num", "待调拨量")]);
}

#[test]
fn the_documented_page_decodes_without_refusal() {
    for endpoint in ALL {
        let pages = ["documented", "all-members"].map(str::to_owned).into_iter();
        let others = fixture::cases(endpoint).into_iter().filter(|case| case.starts_with("documented@"));
        for case in pages.chain(others) {
            let decoded = page(endpoint, &case);
            assert_eq!(decoded.refused, [], "{} {case}", endpoint.dataset);
            assert!(decoded.batch.num_rows() > 0);
            assert_eq!(decoded.batch.schema(), page_schema(endpoint));
            let extra = decoded.batch.column_by_name(EXTRA).unwrap();
            assert_eq!(
                extra.null_count(),
                decoded.batch.num_rows(),
                "{} {case}: a member is not known",
                endpoint.dataset
            );
        }
        for method in endpoint.methods.iter().skip(1) {
            fixture::read(endpoint, &format!("documented@{}", method.name));
        }
    }
}

/// Trips on a field that the decoder cannot fill, or a page that lacks one.
#[test]
fn the_page_of_all_members_fills_every_column() {
    for endpoint in ALL {
        let decoded = page(endpoint, "all-members");
        for field in endpoint.fields {
            assert_eq!(decoded.batch.column_by_name(field.name).unwrap().null_count(), 0, "{}", field.name);
        }
    }
}

#[test]
fn volatile_columns_are_counters_and_derived_amounts() {
    let marked = |endpoint: &Endpoint| -> Vec<_> {
        endpoint.fields.iter().filter(|field| field.volatile).map(|field| field.name).collect()
    };
    assert_eq!(marked(&ENTERPRISE_STOCK), ["stock_today_num", "today_num", "avaliable_num"]);
    assert_eq!(marked(&FLAGSHIP_STOCK).len(), 16);
    for endpoint in ALL {
        if ![ENTERPRISE_STOCK.dataset, FLAGSHIP_STOCK.dataset].contains(&endpoint.dataset) {
            assert!(marked(endpoint).is_empty(), "{}", endpoint.dataset);
        }
    }
}

#[test]
fn personal_columns_are_those_of_people_in_warehouses_and_shops() {
    let marked = |endpoint: &Endpoint| -> Vec<_> {
        endpoint.fields.iter().filter(|field| field.personal).map(|field| field.name).collect()
    };
    let warehouses =
        ["zip", "address", "mobile", "telno", "contact", "purchase_contact", "purchase_telno", "purchase_address"];
    assert_eq!(marked(&FLAGSHIP_WAREHOUSES), warehouses);
    assert_eq!(marked(&FLAGSHIP_SHOPS), ["contact", "address", "telno", "mobile", "zip", "email"]);
    assert_eq!(ALL.iter().map(|endpoint| marked(endpoint).len()).sum::<usize>(), 14);
}

fn field<'a>(endpoint: &'a Endpoint, name: &str) -> &'a Field {
    &endpoint.fields[endpoint.position(name).unwrap_or_else(|| panic!("{name}"))]
}

fn page(endpoint: &Endpoint, case: &str) -> Decoded {
    let body = fixture::read(endpoint, case);
    let answer = envelope::read(endpoint, fixture::method(endpoint, case), &body).unwrap();
    let slice = fixture::slice(endpoint, case);
    decode(endpoint, &answer.records, &Asked { page: 0, personal: true, slice: &slice })
}

fn check_fields(fields: &[Field]) {
    let mut names = HashSet::new();
    for field in fields {
        for name in [Some(field.name), field.alias].into_iter().flatten() {
            assert!(names.insert(name), "{name} stands twice");
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{name}");
        }
        assert!(!field.zh.is_empty() && !field.en.is_empty(), "{} has no label", field.name);
        assert!(!field.en.ends_with('.') && field.en.len() < 90, "{}", field.name);
        check_codes(field);
        if let Kind::List(items) = field.kind {
            check_fields(items);
            assert!(items.iter().all(|item| !item.required), "{}: an item's member is never required", field.name);
        }
    }
}

/// Trips on a code that its column could not hold.
fn check_codes(field: &Field) {
    let mut values = HashSet::new();
    for code in field.codes {
        assert!(values.insert(code.value), "{}: {} stands twice", field.name, code.value);
        assert!(![code.value, code.zh, code.en].contains(&""), "{}: {}", field.name, code.value);
        let held = match field.kind {
            Kind::Int => code.value.parse::<i64>().is_ok(),
            Kind::Boolean => code.value.parse::<bool>().is_ok(),
            Kind::Text => true,
            Kind::Decimal | Kind::Timestamp | Kind::List(_) => false,
        };
        assert!(held, "{}: {}", field.name, code.value);
    }
}

#[test]
fn a_full_read_is_a_documented_parameter_of_a_dataset_with_windows() {
    for endpoint in ALL {
        let Some(full_read) = endpoint.full_read else { continue };
        assert!(endpoint.cursor().is_some(), "{}", endpoint.dataset);
        assert!(endpoint.params.iter().any(|param| param.name == full_read.param), "{}", endpoint.dataset);
        assert!(full_read.hours.is_none_or(|hours| hours.from < hours.to && hours.to <= 24), "{}", endpoint.dataset);
        let from = wdt_models::time::format_wall_time(full_read.from);
        assert_eq!(from, "2000-01-01 00:00:00", "{}", endpoint.dataset);
    }
}
