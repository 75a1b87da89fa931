//! What must hold of every endpoint's description.

use std::collections::HashSet;

use wdt_models::decode::{EXTRA, page_schema};
use wdt_models::endpoints::{ALL, ENTERPRISE_GOODS, ENTERPRISE_STOCK, find};
use wdt_models::{Endpoint, Field, Kind, decode, envelope};

use crate::fixture;

#[test]
fn datasets_stand_once_and_are_found_by_name() {
    let names: HashSet<_> = ALL.iter().map(|endpoint| endpoint.dataset).collect();
    assert_eq!(names.len(), ALL.len());
    for endpoint in ALL {
        assert_eq!(find(endpoint.dataset).map(|found| found.method), Some(endpoint.method));
    }
    assert!(find("enterprise").is_none());
}

#[test]
fn the_documents_numbers_of_members_are_kept() {
    assert_eq!(ENTERPRISE_STOCK.fields.len(), 70);
    assert_eq!(ENTERPRISE_GOODS.fields.len(), 58);
    let Kind::List(details) = ENTERPRISE_STOCK.fields.last().unwrap().kind else { panic!("details comes last") };
    assert_eq!(details.len(), 6);
}

#[test]
fn key_cursor_and_split_are_columns_of_the_right_kind() {
    for endpoint in ALL {
        let field = |name: &str| &endpoint.fields[endpoint.position(name).unwrap_or_else(|| panic!("{name}"))];
        assert!(!endpoint.key.is_empty());
        for name in endpoint.key {
            assert!(field(name).required, "{name}");
        }
        let cursor = field(endpoint.cursor.field);
        assert!(cursor.required && cursor.kind == Kind::Timestamp);
        assert_eq!(endpoint.cursor_position(), endpoint.position(endpoint.cursor.field).unwrap());
        let required = endpoint.fields.iter().filter(|field| field.required).count();
        assert_eq!(required, endpoint.key.len() + 1, "only key and cursor are required");
        if let Some(split) = endpoint.split {
            assert_eq!(field(split.field).kind, Kind::Text);
            assert!(endpoint.params.iter().any(|param| param.name == split.param));
        }
    }
}

#[test]
fn windows_of_both_ends_span_thirty_days() {
    for endpoint in ALL {
        assert_eq!(endpoint.cursor.max_seconds, 2_591_999, "{}", endpoint.dataset);
        assert_eq!(endpoint.paging.max_size, 100, "{}", endpoint.dataset);
    }
}

#[test]
fn names_are_lower_case_and_stand_once_with_their_labels() {
    for endpoint in ALL {
        check_fields(endpoint.fields);
        for text in [endpoint.doc, endpoint.source, endpoint.records, endpoint.method] {
            assert!(!text.is_empty(), "{}", endpoint.dataset);
        }
        assert!(endpoint.params.iter().all(|param| !param.name.is_empty() && !param.en.is_empty()));
        assert!(endpoint.notes.iter().all(|note| note.ends_with('.')));
    }
}

#[test]
fn the_documented_page_decodes_without_refusal() {
    for endpoint in ALL {
        for case in ["documented", "all-members"] {
            let body = fixture::read(endpoint, case);
            let answer = envelope::read(endpoint, &body).unwrap();
            let decoded = decode(endpoint, 0, &answer.records, true);
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
    }
}

/// Trips on a field that the decoder cannot fill, or a page that lacks one.
#[test]
fn the_page_of_all_members_fills_every_column() {
    for endpoint in ALL {
        let body = fixture::read(endpoint, "all-members");
        let answer = envelope::read(endpoint, &body).unwrap();
        let decoded = decode(endpoint, 0, &answer.records, true);
        for field in endpoint.fields {
            assert_eq!(decoded.batch.column_by_name(field.name).unwrap().null_count(), 0, "{}", field.name);
        }
    }
}

#[test]
fn volatile_columns_are_day_counters_and_derived_amounts() {
    let volatile = |endpoint: &Endpoint| -> Vec<_> {
        endpoint.fields.iter().filter(|field| field.volatile).map(|field| field.name).collect()
    };
    assert_eq!(volatile(&ENTERPRISE_STOCK), ["stock_today_num", "today_num", "avaliable_num"]);
    assert!(volatile(&ENTERPRISE_GOODS).is_empty());
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
        if let Kind::List(items) = field.kind {
            check_fields(items);
            assert!(items.iter().all(|item| !item.required), "{}: an item's member is never required", field.name);
        }
    }
}
