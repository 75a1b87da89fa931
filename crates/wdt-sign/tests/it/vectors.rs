//! Every case folder, stage by stage. The only tests that can find a fault of the algorithms themselves.

use std::fs;

use md5::{Digest, Md5};
use wdt_sign::flagship;
use wdt_sign::top::SignMethod;

use crate::case::{Case, Scheme, folder};

/// Folder and number of cases, so that a lost one is noticed.
const SCHEMES: [(&str, Scheme, usize); 3] =
    [("enterprise", Scheme::Enterprise, 13), ("flagship", Scheme::Flagship, 10), ("top", Scheme::Top, 22)];

fn cases() -> impl Iterator<Item = Case> {
    SCHEMES.iter().flat_map(|(name, ..)| Case::all(name))
}

#[test]
fn no_case_is_lost_or_misfiled() {
    for (name, scheme, count) in SCHEMES {
        let cases = Case::all(name);
        assert_eq!(cases.len(), count, "{name}");
        for case in cases {
            assert_eq!(case.request.scheme, scheme, "{}", case.name);
            assert!(!case.request.origin.is_empty(), "{}", case.name);
        }
    }
}

#[test]
fn the_catalogue_lists_every_case() {
    let catalogue = fs::read_to_string(folder().join("README.md")).unwrap();
    for case in cases() {
        let row = format!("| `{}` |", case.name);
        assert!(
            catalogue.lines().any(|line| line.starts_with(&row) && line.contains(&case.request.origin)),
            "{}",
            case.name
        );
    }
}

#[test]
fn the_string_to_sign_is_the_recorded_one_in_any_order() {
    for case in cases() {
        let mut params = case.request.params();
        assert_eq!(case.request.string_to_sign(&params), case.string_to_sign, "{}", case.name);
        params.reverse();
        assert_eq!(case.request.string_to_sign(&params), case.string_to_sign, "{} reversed", case.name);
    }
}

#[test]
fn the_signature_is_the_recorded_one() {
    for case in cases() {
        assert_eq!(case.request.sign(&case.string_to_sign), case.sign, "{}", case.name);
    }
}

/// `signed-text.txt` is what the vendor's algorithm digests; this test wraps and digests on its own.
#[test]
fn the_signed_text_is_the_string_to_sign_with_its_secret() {
    for case in cases() {
        let (text, secret) = (&case.string_to_sign, case.request.secret());
        let secret = secret.expose();
        let keyed = case.request.method() != SignMethod::Md5;
        let wrapped = match case.request.scheme {
            Scheme::Enterprise => format!("{text}{secret}"),
            Scheme::Flagship | Scheme::Top if !keyed => format!("{secret}{text}{secret}"),
            _ => text.clone(),
        };
        assert_eq!(case.signed_text, wrapped, "{}", case.name);
        if !keyed {
            assert_eq!(hex::encode(Md5::digest(&wrapped)), case.sign.to_lowercase(), "{}", case.name);
        }
    }
}

#[test]
fn the_request_side_refuses_exactly_the_cases_that_say_so() {
    for case in cases() {
        let refused = case.request.check().err().map(|error| error.to_string());
        assert_eq!(refused, case.request.refused, "{}", case.name);
    }
}

/// What others compute is another text and another signature, and their signature is right for their text.
#[test]
fn the_alternates_are_not_what_is_sent() {
    let mut seen = 0;
    for case in cases() {
        for (reading, alternate) in &case.request.alternates {
            assert_ne!(case.string_to_sign, alternate.string_to_sign, "{} {reading}", case.name);
            assert_ne!(case.sign, alternate.sign, "{} {reading}", case.name);
            assert_eq!(case.request.sign(&alternate.string_to_sign), alternate.sign, "{} {reading}", case.name);
            assert!(alternate.implementations > 0, "{} {reading}", case.name);
            seen += 1;
        }
    }
    assert_eq!(seen, 7);
}

#[test]
fn the_salt_of_a_flagship_case_is_the_right_half_of_its_app_secret() {
    for case in Case::all("flagship") {
        let salt = case.request.params().into_iter().find(|(name, _)| name == "salt").unwrap().1;
        let split = flagship::split_secret(&case.request.app_secret()).unwrap();
        assert_eq!(split.salt.expose(), salt, "{}", case.name);
    }
}
