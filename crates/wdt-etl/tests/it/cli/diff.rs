//! `diff`: what a reviewer and a CI job see.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::Value;

use crate::support::{Home, Platform, UNTIL, VARIABLE, copied, now};

/// A warehouse after two nights, and `before`, its copy after the first; 200 rows, of which some were edited and added.
fn two_nights() -> (Platform, Home) {
    let ago = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&ago);
    let platform = Platform::with(|config| config.clock = Arc::new(move || now() - clock.load(Ordering::SeqCst)));
    let home = Home::of(&platform);
    home.load().ends_with(0);
    copied(&home.path("warehouse"), &home.path("before"));
    // edits of a quarter of an hour ago: they have settled
    ago.store(900, Ordering::SeqCst);
    platform.ledger("enterprise_stock").unwrap().edit(4);
    platform.ledger("enterprise_goods").unwrap().add(2);
    ago.store(0, Ordering::SeqCst);
    home.run(&["run"]).ends_with(0);
    (platform, home)
}

#[test]
fn two_nights_are_told_apart_without_a_configuration() {
    let (_platform, home) = two_nights();
    std::fs::rename(home.path("wdt-etl.toml"), home.path("elsewhere.toml")).unwrap();
    let home = home.unset(VARIABLE);
    insta::assert_snapshot!("diff_different", home.run(&["diff", "before", "warehouse"]).ends_with(1).masked());
    let limited = home.run(&["diff", "warehouse", "before", "--limit", "1", "--ignore", "volatile"]).ends_with(1);
    insta::assert_snapshot!("diff_limited", limited.masked());
    let json = home.run(&["diff", "before", "warehouse", "--json"]).ends_with(1);
    insta::assert_snapshot!("diff_json", json.masked());
    insta::assert_snapshot!("diff_equal", home.run(&["diff", "before", "before"]).ends_with(0).masked());
    copied(&home.path("before"), &home.path("copy"));
    insta::assert_snapshot!("diff_copy", home.run(&["diff", "before", "copy"]).ends_with(0).masked());
    for (args, code) in [
        (vec!["diff", "before", "warehouse", "--columns", "spec_no"], 1), // rows were added
        (vec!["diff", "before", "warehouse", "--columns", "spec_no", "--dataset", "enterprise_stock"], 0),
        (vec!["diff", "warehouse@0", "before@0", "--dataset", "enterprise_stock"], 0),
    ] {
        home.run(&args).ends_with(code);
    }
}

#[test]
fn versions_and_times_are_moments_of_the_configured_warehouse() {
    let (_platform, home) = two_nights();
    let newest = home.version("enterprise_stock_history");
    let (last, before) = (format!("@{newest}"), format!("@{}", newest - 1));
    let versions = |a: &str, b: &str| {
        let ran = home.run(&["diff", a, b, "--dataset", "enterprise_stock", "--json"]).ends_with(1);
        ran.events()
            .into_iter()
            .map(|mut event| {
                // what the sides are called
                event.as_object_mut().unwrap().retain(|name, _| name != "a" && name != "b");
                event
            })
            .collect::<Vec<Value>>()
    };
    let wanted = versions("before", "warehouse");
    assert!(wanted.len() == 5 && wanted[0]["changed"] == 4, "{wanted:#?}");
    assert_eq!(versions(&before, &last), wanted);
    assert_eq!(versions(&before, "@"), wanted);
    assert_eq!(versions("before@2100-01-01 00:00:00", "@2100-01-01 00:00:00"), wanted);
    home.run(&["diff", &last, "@", "--dataset", "enterprise_stock"]).ends_with(0);
    let ran = home.run(&["diff", "@2000-01-01 00:00:00", "@", "--dataset", "enterprise_stock", "--limit", "0"]);
    assert!(ran.ends_with(1).out.contains("0 equal, 0 removed, 200 added, 0 changed"));
}

#[test]
fn what_is_not_there_is_told() {
    let platform = Platform::start();
    let home = Home::of(&platform);
    home.run(&["run", "--until", UNTIL, "--dataset", "enterprise_stock"]).ends_with(0);
    std::fs::create_dir(home.path("empty")).unwrap();
    home.write("file", "");
    for (name, args, code) in [
        ("diff_missing_dataset", vec!["warehouse", "warehouse", "--dataset", "enterprise_goods"], 6),
        ("diff_unknown_dataset", vec!["warehouse", "warehouse", "--dataset", "enterprise_good"], 2),
        ("diff_bad_version", vec!["warehouse@1", "warehouse@99", "--dataset", "enterprise_stock"], 2),
        ("diff_version_of_all", vec!["warehouse@1", "warehouse@2"], 2),
        ("diff_bad_moment", vec!["warehouse@yesterday", "warehouse"], 2),
        ("diff_no_folder", vec!["warehouse", "warehous"], 6),
        ("diff_no_warehouse", vec!["warehouse", "empty"], 6),
        ("diff_file", vec!["file", "warehouse"], 6),
        ("diff_unknown_column", vec!["warehouse", "warehouse", "--ignore", "stock_nun"], 2),
        ("diff_unknown_account", vec!["warehouse", "warehouse", "--account", "mian"], 2),
        ("diff_one_side", vec!["warehouse", "warehouse@0", "--dataset", "enterprise_stock", "--limit", "0"], 1),
    ] {
        let ran = home.run(&[&["diff"], &args[..]].concat()).ends_with(code);
        insta::assert_snapshot!(name, ran.masked());
    }
    assert!(std::fs::read_dir(home.path("empty")).unwrap().next().is_none() && !home.path("warehous").exists());
}

/// A dataset that only one side holds counts row by row.
#[test]
fn a_dataset_of_one_side_alone_is_a_difference() {
    let (_platform, home) = two_nights();
    for table in ["enterprise_goods", "enterprise_goods_history"] {
        std::fs::remove_dir_all(home.path("before").join(table)).unwrap();
    }
    let ran = home.run(&["diff", "before", "warehouse", "--dataset", "enterprise_goods", "--limit", "0"]).ends_with(1);
    assert_eq!(ran.out.lines().next().unwrap().split(": ").nth(1), Some("0 equal, 0 removed, 202 added, 0 changed"));
    let ran = home.run(&["diff", "warehouse", "before", "--dataset", "enterprise_goods", "--limit", "1"]).ends_with(1);
    assert!(ran.out.contains("→ no table): 0 equal, 202 removed, 0 added") && ran.out.contains("201 more removed"));
    std::fs::remove_dir_all(home.path("before/enterprise_stock")).unwrap();
    let ran = home.run(&["diff", "before", "warehouse"]).ends_with(6);
    assert!(ran.err.contains("without its current table") && ran.err.contains("hint: "), "{}", ran.err);
}

/// A damaged file is no difference and no bug.
#[test]
fn a_side_that_cannot_be_read_is_told_and_the_rest_compared() {
    let (_platform, home) = two_nights();
    let account = home.path("before/enterprise_stock/account=main");
    for file in std::fs::read_dir(account).unwrap() {
        std::fs::write(file.unwrap().path(), "damaged").unwrap();
    }
    let ran = home.run(&["diff", "before", "warehouse"]).ends_with(6);
    assert!(ran.out.contains("enterprise_goods (") && !ran.out.contains("enterprise_stock ("), "{}", ran.out);
    assert!(ran.err.starts_with("error: table `enterprise_stock`"), "{}", ran.err);
}

/// As in `diff A B | head -1`.
#[test]
fn the_code_tells_even_if_nobody_reads() {
    let (_platform, home) = two_nights();
    let mut child = home.command(&["diff", "before", "warehouse", "--limit", "1000"]).spawn().unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(1), ""));
}
