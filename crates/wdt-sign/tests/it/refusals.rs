//! What the request side refuses, and the edges that no vector shows.

use wdt_sign::top::SignMethod;
use wdt_sign::{Secret, SignError, enterprise, flagship, top};

fn duplicate(name: &str) -> Result<(), SignError> {
    Err(SignError::Duplicate { name: name.to_owned() })
}

#[test]
fn a_name_given_twice_is_refused_by_every_scheme() {
    let params = [("sid", "a"), ("page_no", "0"), ("sid", "b")];
    assert_eq!(enterprise::check(&params), duplicate("sid"));
    assert_eq!(flagship::check(&params), duplicate("sid"));
    assert_eq!(top::check(&params), duplicate("sid"));
}

#[test]
fn enterprise_names_the_parameter_it_refuses() {
    let no_value = enterprise::check(&[("sid", "a"), ("barcode", "")]).unwrap_err();
    assert_eq!(no_value.to_string(), "parameter `barcode` has no value; leave it out");
    for (name, value, shown) in [("spec_no", "A\u{10000}", "U+10000"), ("x\u{1F600}", "1", "U+1F600")] {
        let above = enterprise::check(&[("sid", "a"), (name, value)]).unwrap_err();
        assert_eq!(above.to_string(), format!("parameter `{name}` holds {shown}; characters above U+FFFF are refused"));
    }
}

#[test]
fn enterprise_accepts_the_last_character_of_the_plane_and_blanks() {
    assert_eq!(enterprise::check(&[("spec_no", "\u{FFFF}"), ("spec_name", " ")]), Ok(()));
}

/// Lengths are neither trimmed nor normalised.
#[test]
fn enterprise_counts_each_code_point() {
    let params = [("a", "e\u{301}"), ("b", "１２"), ("c", " x ")];
    assert_eq!(enterprise::string_to_sign(&params), "01-a:0002-e\u{301};01-b:0002-１２;01-c:0003- x ");
}

#[test]
fn a_request_without_parameters_has_an_empty_string_to_sign() {
    let none: [(&str, &str); 0] = [];
    assert_eq!(enterprise::string_to_sign(&none), "");
    assert_eq!(flagship::string_to_sign(&none, "[]"), "body[]");
    assert_eq!(top::string_to_sign(&none), "");
}

#[test]
fn flagship_keeps_the_name_of_the_body_to_itself() {
    let refused = flagship::check(&[("sid", "a"), ("body", "[]")]).unwrap_err();
    assert_eq!(refused.to_string(), "parameter `body` is reserved for the body of the request");
}

#[test]
fn flagship_signs_empty_values() {
    let params = [("page_no", ""), ("v", "1.0")];
    assert_eq!(flagship::check(&params), Ok(()));
    assert_eq!(flagship::string_to_sign(&params, "[]"), "body[]page_nov1.0");
}

#[test]
fn an_app_secret_is_split_at_the_first_colon() {
    let split = flagship::split_secret(&Secret::new("left:right:more")).unwrap();
    assert_eq!((split.secret.expose(), split.salt.expose()), ("left", "right:more"));
    for text in ["", "left", ":", "left:", ":right"] {
        assert_eq!(flagship::split_secret(&Secret::new(text)).unwrap_err(), SignError::NoSalt, "{text}");
    }
}

/// 42 years with ten leap days, less eight hours.
#[test]
fn flagship_counts_from_the_start_of_2012_in_shanghai() {
    assert_eq!(flagship::EPOCH, (42 * 365 + 10) * 86_400 - 8 * 3_600);
    assert_eq!(flagship::timestamp(flagship::EPOCH + 100), 100);
    assert_eq!(flagship::timestamp(i64::MIN), i64::MIN);
}

#[test]
fn top_refuses_blank_values_and_keeps_blanks_around_others() {
    for blank in ["", "  ", "\t\n"] {
        let refused = top::check(&[("v", "2.0"), ("batch_code", blank)]).unwrap_err();
        assert_eq!(refused.to_string(), "parameter `batch_code` has no value; leave it out");
    }
    assert_eq!(top::check(&[("batch_code", " \u{1F600} ")]), Ok(()));
    assert_eq!(top::string_to_sign(&[("batch_code", " \u{1F600} ")]), "batch_code \u{1F600} ");
}

#[test]
fn a_method_is_found_by_its_own_name_only() {
    for &method in SignMethod::ALL {
        assert_eq!(SignMethod::from_name(method.name()), Some(method));
    }
    assert_eq!(SignMethod::ALL.iter().map(|method| method.name()).collect::<Vec<_>>(), ["md5", "hmac", "hmac-sha256"]);
    for name in ["", "MD5", "hmac-md5", "sha256"] {
        assert_eq!(SignMethod::from_name(name), None, "{name}");
    }
    assert_eq!(SignMethod::default(), SignMethod::HmacSha256);
}

/// RFC 2104: a key longer than a block of 64 bytes is hashed first. Values computed with another implementation.
#[test]
fn top_takes_keys_longer_than_a_block() {
    let secret = Secret::new("k".repeat(65));
    assert_eq!(top::sign("text", &secret, SignMethod::Hmac), "6F76317DA2A4BC5061037A5EBB3F0BA0");
    assert_eq!(
        top::sign("text", &secret, SignMethod::HmacSha256),
        "5B69580123E3D7E788B7E8352AC37A3247B911C5EC0837147B74109A6382D3F5"
    );
}
