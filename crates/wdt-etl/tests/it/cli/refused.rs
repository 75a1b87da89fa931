//! What ends a run before any call.

use std::fs;

use crate::support::{Home, Platform, START, UNTIL, VARIABLE, account, configuration, rows};

/// Runs the line, which must end with that code before any call and print nothing on standard output.
#[track_caller]
fn refused(platform: &Platform, home: &Home, args: &[&str], code: i32) -> String {
    let calls = platform.call_count();
    let ran = home.run(args).ends_with(code);
    assert_eq!(platform.call_count(), calls, "a call was made");
    assert_eq!(ran.out, "");
    ran.masked()
}

/// A first run with a piece of the configuration replaced.
#[track_caller]
fn refused_but(from: &str, to: &str, code: i32) -> String {
    let platform = Platform::start();
    let home = Home::of(&platform).but(from, to);
    let told = refused(&platform, &home, &["run"], code);
    assert!(!home.path("warehouse").exists(), "nothing is made");
    told
}

#[test]
fn an_unknown_key_with_the_nearest_named() {
    insta::assert_snapshot!(refused_but("settle = ", "setle = ", 2));
}

#[test]
fn an_unknown_variable_with_the_nearest_named() {
    let platform = Platform::start();
    let home = Home::of(&platform).variable("WDT_ETL_RUN__SETLE", "1m");
    insta::assert_snapshot!(refused(&platform, &home, &["run"], 2));
}

#[test]
fn a_missing_secret_with_its_place_and_account() {
    let platform = Platform::start();
    let home = Home::of(&platform).unset(VARIABLE);
    insta::assert_snapshot!("a_missing_secret_variable", refused(&platform, &home, &["run"], 2));
    let told = refused_but(&format!("{{ env = \"{VARIABLE}\" }}"), "{ file = \"secrets/main\" }", 2);
    insta::assert_snapshot!("a_missing_secret_file", told);
}

#[test]
fn a_secret_that_stands_in_the_file_and_is_not_repeated() {
    let secret = crate::support::SECRET;
    insta::assert_snapshot!(refused_but(&format!("{{ env = \"{VARIABLE}\" }}"), &format!("\"{secret}\""), 2));
}

#[test]
fn a_start_in_the_future_or_no_time_at_all() {
    insta::assert_snapshot!("a_start_in_the_future", refused_but(START, "2999-01-01 00:00:00", 2));
    insta::assert_snapshot!("a_start_that_is_no_time", refused_but(START, "2024-04-31 00:00:00", 2));
}

#[test]
fn an_unknown_dataset_in_the_configuration() {
    insta::assert_snapshot!(refused_but("\"enterprise_goods\"", "\"enterprise_good\"", 2));
}

#[test]
fn names_of_the_command_line_that_are_not_configured() {
    let platform = Platform::start();
    let home = Home::of(&platform);
    let told = |args: &[&str]| refused(&platform, &home, args, 2);
    insta::assert_snapshot!("an_unknown_account", told(&["run", "--account", "mian"]));
    insta::assert_snapshot!("an_unknown_dataset", told(&["run", "--dataset", "stock"]));
}

#[test]
fn two_accounts_of_one_name() {
    let platform = Platform::start();
    let main = account("main", &platform.url(), VARIABLE);
    let home = Home::empty().configured(&configuration(&[main.clone(), main]));
    insta::assert_snapshot!(refused(&platform, &home, &["run"], 2));
}

#[test]
fn no_configuration_at_all() {
    let platform = Platform::start();
    insta::assert_snapshot!(refused(&platform, &Home::empty(), &["run"], 2));
}

#[test]
fn times_of_the_command_line() {
    let platform = Platform::start();
    let home = Home::of(&platform);
    insta::assert_snapshot!("an_until_that_is_no_time", refused(&platform, &home, &["run", "--until", "yesterday"], 2));
    let ran = home.run(&["run", "--until", "2999-01-01 00:00:00"]).ends_with(2);
    assert_eq!(platform.call_count(), 0);
    let error = ran.finished("main", "enterprise_stock")["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("--until 2999-01-01 00:00:00 is later than the platform's clock, "), "{error}");
}

#[test]
fn a_warehouse_that_cannot_be_written() {
    let platform = Platform::start();
    let home = Home::of(&platform);
    home.write("warehouse", "a file, not a folder");
    let told = refused(&platform, &home, &["run", "--until", UNTIL], 6);
    assert!(told.contains("error: warehouse [folder]/warehouse cannot be used: "), "{told}");
    assert!(told.contains("\nhint: "), "{told}");
    assert_eq!(fs::read_to_string(home.path("warehouse")).unwrap(), "a file, not a folder");
}

#[test]
fn a_table_with_another_schema() {
    let platform = Platform::start();
    let home = Home::of(&platform);
    home.run(&["run", "--until", UNTIL, "--dataset", "enterprise_goods"]).ends_with(0);
    copy(&home, "enterprise_goods", "enterprise_stock");
    insta::assert_snapshot!("another_schema", refused(&platform, &home, &["run", "--until", UNTIL], 6));
    assert_eq!(rows(&home.path("warehouse/enterprise_stock")).len(), home.rows("enterprise_goods").len());
    fs::remove_dir_all(home.path("warehouse/enterprise_stock")).unwrap();
    copy(&home, "enterprise_goods_history", "enterprise_stock_history");
    insta::assert_snapshot!("another_schema_of_a_history", refused(&platform, &home, &["run", "--until", UNTIL], 6));
}

#[test]
fn another_scope_than_the_one_the_table_was_loaded_with() {
    let platform = Platform::start();
    let home = Home::of(&platform);
    home.load().ends_with(0);
    let version = home.version("enterprise_stock_history");
    let home = home.but(START, &format!("{START}\"\nparams = {{ warehouse_no = \"WH-1\" }}\n#\""));
    insta::assert_snapshot!("other_params", refused(&platform, &home, &["run"], 2));
    let home = home.but("params = ", "# params = ").but(START, "2024-03-31 23:59:59");
    insta::assert_snapshot!("an_earlier_start", refused(&platform, &home, &["run"], 2));
    assert_eq!(home.version("enterprise_stock_history"), version);
    let home = home.but("2024-03-31 23:59:59", "2024-04-02 00:00:00");
    home.load().ends_with(0);
}

#[test]
fn a_command_line_that_cannot_be_read() {
    let platform = Platform::start();
    let home = Home::of(&platform);
    for (args, error) in [
        (&["run", "--dry"][..], "error: unexpected argument '--dry' found"),
        (&["rum"], "error: unrecognized subcommand 'rum'"),
        (&["status", "--max-age", "26"], "write a number and a unit"),
        (&["run", "--env-file", "none.env"], "error: variables file none.env: "),
    ] {
        let told = refused(&platform, &home, args, 2);
        assert!(told.contains(error), "{told}");
    }
}

/// Copies a table of the home's warehouse to another name.
fn copy(home: &Home, from: &str, to: &str) {
    let mut folders = vec![(home.path("warehouse").join(from), home.path("warehouse").join(to))];
    while let Some((from, to)) = folders.pop() {
        let _there = fs::remove_dir_all(&to);
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(&from).unwrap().map(Result::unwrap) {
            let (from, to) = (entry.path(), to.join(entry.file_name()));
            if from.is_dir() {
                folders.push((from, to));
            } else {
                fs::copy(from, to).unwrap();
            }
        }
    }
}
