//! No secret is ever printed.

use std::fmt::Write as _;

use wdt_sign::top::SignMethod;
use wdt_sign::{Secret, SignError, enterprise, flagship, top};

const SECRET: &str = "hush7f3a";
const SALT: &str = "pepper91";

fn errors() -> Vec<SignError> {
    let app_secrets = [SECRET.to_owned(), format!("{SECRET}:"), format!(":{SALT}")];
    let split = app_secrets.map(|text| flagship::split_secret(&Secret::new(text)).unwrap_err());
    let requests = [
        enterprise::check(&[("barcode", "")]),
        enterprise::check(&[("spec_no", "\u{1F600}")]),
        enterprise::check(&[("session", SECRET), ("session", SALT)]),
        flagship::check(&[("body", SECRET)]),
        top::check(&[("batch_code", " ")]),
    ];
    split.into_iter().chain(requests.map(Result::unwrap_err)).collect()
}

/// Everything that can be printed.
fn printed() -> String {
    let secret = Secret::new(SECRET);
    let split = flagship::split_secret(&Secret::new(format!("{SECRET}:{SALT}"))).unwrap();
    let params = [("sid", "a"), ("v", "1.0")];
    let mut out = format!("{secret:?} {secret:#?} {:?} {split:?} {split:#?}", secret.clone());
    for error in errors() {
        write!(out, "{error} {error:?} {error:#?}").unwrap();
    }
    for text in
        [enterprise::string_to_sign(&params), flagship::string_to_sign(&params, "[]"), top::string_to_sign(&params)]
    {
        let signs = SignMethod::ALL.iter().map(|&method| top::sign(&text, &secret, method)).collect::<Vec<_>>();
        write!(out, "{text} {} {} {signs:?}", enterprise::sign(&text, &secret), flagship::sign(&text, &split.secret))
            .unwrap();
    }
    out
}

#[test]
fn nothing_that_can_be_printed_holds_a_secret() {
    let printed = printed();
    assert!(!printed.contains(SECRET), "{printed}");
    assert!(!printed.contains(SALT), "{printed}");
}

#[test]
fn a_secret_prints_as_a_mask_and_comes_out_only_when_asked() {
    let secret = Secret::new(SECRET);
    assert_eq!(format!("{secret:?}"), "Secret(***)");
    assert_eq!(secret.expose(), SECRET);
}
