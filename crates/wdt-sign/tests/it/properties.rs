//! What holds for every request.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseResult, TestRunner};
use wdt_sign::top::SignMethod;
use wdt_sign::{Secret, enterprise, flagship, top};

type Params = Vec<(String, String)>;

/// Runs a property; a failure prints the seed that repeats it.
fn holds<S: Strategy>(strategy: &S, property: impl Fn(S::Value) -> TestCaseResult) {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    let seed = match config.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => RandomState::new().hash_one(()),
    };
    config.rng_seed = RngSeed::Fixed(seed);
    if let Err(failure) = TestRunner::new(config).run(strategy, property) {
        panic!("{failure}\nrepeat with PROPTEST_RNG_SEED={seed}");
    }
}

/// Any text, control characters and characters above U+FFFF among it.
fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<char>(), 0..12).prop_map(String::from_iter)
}

/// Parameters with different names, none of them `sign` or `body`; one at least.
fn params() -> impl Strategy<Value = Params> {
    let name = prop_oneof!["[a-c_A]{1,3}", text().prop_filter("has a name", |name| !name.is_empty())];
    let name = name.prop_filter("not of the scheme", |name| name != "sign" && name != "body");
    proptest::collection::btree_map(name, text(), 1..8).prop_map(BTreeMap::into_iter).prop_map(Iterator::collect)
}

/// The signatures of one request under every scheme and method.
fn signs(params: &[(String, String)], body: &str, secret: &str) -> Vec<String> {
    let secret = Secret::new(secret);
    let text = top::string_to_sign(params);
    let mut signs = vec![
        enterprise::sign(&enterprise::string_to_sign(params), &secret),
        flagship::sign(&flagship::string_to_sign(params, body), &secret),
    ];
    signs.extend(SignMethod::ALL.iter().map(|&method| top::sign(&text, &secret, method)));
    signs
}

fn all_differ(left: &[String], right: &[String]) -> bool {
    left.iter().zip(right).all(|(left, right)| left != right)
}

#[test]
fn the_order_of_the_parameters_is_irrelevant() {
    let shuffled = params().prop_flat_map(|params| (Just(params.clone()), Just(params).prop_shuffle()));
    holds(&(shuffled, text(), text()), |((params, shuffled), body, secret)| {
        prop_assert_eq!(signs(&params, &body, &secret), signs(&shuffled, &body, &secret));
        Ok(())
    });
}

#[test]
fn the_order_of_a_name_given_twice_is_irrelevant_too() {
    holds(&(text(), text(), text()), |(name, one, two)| {
        let request =
            |first: &String, second: &String| vec![(name.clone(), first.clone()), (name.clone(), second.clone())];
        prop_assert_eq!(signs(&request(&one, &two), "[]", "s"), signs(&request(&two, &one), "[]", "s"));
        Ok(())
    });
}

/// Two values without text are one request to top, which sends neither.
#[test]
fn any_change_of_a_value_changes_every_signature() {
    holds(&(params(), any::<prop::sample::Index>(), text(), text()), |(params, index, value, body)| {
        let mut changed = params.clone();
        let before = std::mem::replace(&mut index.get_mut(&mut changed).1, value.clone());
        prop_assume!(before != value && !(before.trim().is_empty() && value.trim().is_empty()));
        prop_assert!(all_differ(&signs(&params, &body, "s"), &signs(&changed, &body, "s")));
        Ok(())
    });
}

/// One character more, which a length rule or a separator could swallow.
#[test]
fn a_character_added_to_a_value_changes_every_signature() {
    let character = any::<char>().prop_filter("not blank", |character| !character.is_whitespace());
    holds(&(params(), any::<prop::sample::Index>(), character), |(params, index, character)| {
        let mut changed = params.clone();
        index.get_mut(&mut changed).1.push(character);
        prop_assert!(all_differ(&signs(&params, "[]", "s"), &signs(&changed, "[]", "s")));
        Ok(())
    });
}

/// Only enterprise says where a name ends, so only there text cannot move between a name and its value unseen.
#[test]
fn enterprise_tells_names_from_values() {
    holds(&("[a-z]{2,6}", "[a-z]{1,6}", "[a-z;:0-9-]{0,6}"), |(name, moved, value)| {
        let one = enterprise::string_to_sign(&[(format!("{name}{moved}"), value.clone())]);
        let two = enterprise::string_to_sign(&[(name, format!("{moved}{value}"))]);
        prop_assert_ne!(one, two);
        Ok(())
    });
}

/// Secrets are printable: an HMAC fills a short key up with NUL, so a NUL at its end would count for nothing.
#[test]
fn another_secret_changes_every_signature() {
    holds(&(params(), "[!-~]{1,40}", "[!-~]{1,40}"), |(params, one, two)| {
        prop_assume!(one != two);
        prop_assert!(all_differ(&signs(&params, "[]", &one), &signs(&params, "[]", &two)));
        Ok(())
    });
}

#[test]
fn another_body_changes_the_flagship_signature() {
    holds(&(params(), text(), text()), |(params, one, two)| {
        prop_assume!(one != two);
        let sign = |body: &str| flagship::sign(&flagship::string_to_sign(&params, body), &Secret::new("s"));
        prop_assert_ne!(sign(&one), sign(&two));
        Ok(())
    });
}

/// A signature that is already there is never signed.
#[test]
fn an_existing_signature_is_ignored() {
    holds(&(params(), text(), text()), |(params, sign, body)| {
        let mut signed = params.clone();
        signed.push(("sign".to_owned(), sign));
        prop_assert_eq!(signs(&params, &body, "s"), signs(&signed, &body, "s"));
        Ok(())
    });
}

/// Names and values of any kind, names given twice among them, secrets empty or longer than a digest's block.
#[test]
fn no_text_panics_and_every_signature_has_its_form() {
    let any_params = proptest::collection::vec((text(), text()), 0..8);
    let secret = proptest::collection::vec(any::<char>(), 0..100).prop_map(String::from_iter);
    holds(&(any_params, text(), secret), |(params, body, secret)| {
        let _ = (enterprise::check(&params), flagship::check(&params), top::check(&params));
        let _ = flagship::split_secret(&Secret::new(secret.as_str()));
        let lengths = [32, 32, 32, 32, 64];
        for (number, sign) in signs(&params, &body, &secret).iter().enumerate() {
            let cased = |c: char| {
                c.is_ascii_digit() || if number < 2 { ('a'..='f').contains(&c) } else { ('A'..='F').contains(&c) }
            };
            prop_assert!(sign.len() == lengths[number] && sign.chars().all(cased), "{}", sign);
        }
        Ok(())
    });
}

/// What `check` lets pass is counted alike by clients of code points and of UTF-16 units.
#[test]
fn enterprise_lets_pass_only_what_both_length_rules_count_alike() {
    holds(&params(), |params| {
        if enterprise::check(&params).is_ok() {
            for text in params.iter().flat_map(|(name, value)| [name, value]) {
                prop_assert!(!text.is_empty() && text.chars().count() == text.encode_utf16().count());
            }
        }
        Ok(())
    });
}
