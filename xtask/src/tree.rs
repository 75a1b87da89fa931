//! The step `tree`: the arrows between crates, checked on what cargo resolved. The rules are the constants below.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::command;
use crate::failure::{Failure, Outcome};

/// From a crate, along normal dependencies, these are never reached.
const NEVER_REACHED: &[(&str, &[&str])] = &[
    ("wdt-sign", &["wdt-models", "wdt-fetch", "wdt-warehouse", "tokio", "reqwest"]),
    ("wdt-models", &["wdt-sign", "wdt-fetch", "wdt-warehouse", "tokio", "reqwest"]),
    ("wdt-fetch", &["wdt-warehouse", "wdt-etl", "wdt-sim", "deltalake"]),
    ("wdt-warehouse", &["wdt-sign", "wdt-fetch", "wdt-sim", "wdt-etl", "clap", "toml"]),
    ("wdt-sim", &["wdt-etl", "wdt-fetch", "wdt-warehouse", "reqwest", "deltalake"]),
    ("xtask", &["wdt-sign", "wdt-fetch", "wdt-warehouse", "wdt-etl", "wdt-sim", "tokio", "reqwest", "deltalake"]),
];
/// Of the workspace, only the second names the first among its normal dependencies.
const ONLY_USER: &[(&str, &str)] = &[
    ("reqwest", "wdt-fetch"),
    ("deltalake", "wdt-warehouse"),
    ("parquet", "wdt-warehouse"),
    ("object_store", "wdt-warehouse"),
];
/// Nothing with this name, nor with this name and a dash before more, is in the tree.
const ABSENT: &[&str] = &["datafusion"];

/// Asks cargo for the resolved tree, all platforms, and checks it.
pub(crate) fn run() -> Outcome {
    let text = command::output(&mut command::cargo(&["metadata", "--locked", "--format-version", "1"])?)?;
    let metadata: Value =
        serde_json::from_str(&text).map_err(|error| Failure::new(format!("cargo metadata: {error}")))?;
    let tree = Tree::of(&metadata);
    let broken = tree.broken();
    if broken.is_empty() {
        println!("{} packages, {} of them the workspace's own", tree.packages.len(), tree.members.len());
        return Ok(());
    }
    Err(Failure::new(broken.join("\n")))
}

/// Packages by cargo's id, and their normal dependencies.
#[derive(Default)]
struct Tree {
    packages: BTreeMap<String, Package>,
    members: BTreeSet<String>,
}

#[derive(Default)]
struct Package {
    name: String,
    version: String,
    normal: Vec<String>,
}

impl Tree {
    fn of(metadata: &Value) -> Self {
        let mut tree = Self::default();
        for package in array(&metadata["packages"]) {
            let (name, version) = (text(&package["name"]), text(&package["version"]));
            tree.packages.insert(text(&package["id"]), Package { name, version, normal: Vec::new() });
        }
        for node in array(&metadata["resolve"]["nodes"]) {
            if let Some(package) = tree.packages.get_mut(&text(&node["id"])) {
                package.normal =
                    array(&node["deps"]).iter().filter(|dep| is_normal(dep)).map(|dep| text(&dep["pkg"])).collect();
            }
        }
        tree.members = array(&metadata["workspace_members"]).iter().map(text).collect();
        tree
    }

    /// What breaks a rule, one line each.
    fn broken(&self) -> Vec<String> {
        [self.two_arrows(), self.wrong_reach(), self.wrong_user(), self.present()].concat()
    }

    fn two_arrows(&self) -> Vec<String> {
        let arrows =
            self.packages.values().filter(|package| is_or_dashed(&package.name, "arrow") || package.name == "parquet");
        let mut by_version = BTreeMap::<&str, BTreeSet<&str>>::new();
        for package in arrows {
            by_version.entry(&package.version).or_default().insert(&package.name);
        }
        match by_version.len() {
            0 => vec!["no arrow in the tree: is the rule still about the right crate?".to_owned()],
            1 => Vec::new(),
            _ => vec![format!("more than one arrow in the tree: {by_version:?}")],
        }
    }

    fn wrong_reach(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for (from, forbidden) in NEVER_REACHED {
            let Some(start) = self.member(from) else {
                broken.push(format!("no member {from}: is the rule still about the right crate?"));
                continue;
            };
            let reached = self.reached(start);
            let wrong = forbidden.iter().filter(|name| reached.contains(*name));
            broken.extend(wrong.map(|name| format!("{from} must not depend on {name}, not even through others")));
        }
        broken
    }

    fn wrong_user(&self) -> Vec<String> {
        let mut broken = Vec::new();
        for (used, user) in ONLY_USER {
            let users: BTreeSet<&str> = self
                .members
                .iter()
                .filter_map(|id| self.packages.get(id))
                .filter(|member| self.uses(member, used))
                .map(|member| member.name.as_str())
                .collect();
            if users != BTreeSet::from([*user]) {
                broken.push(format!("{used} is used by {users:?}; it is {user}'s alone"));
            }
        }
        broken
    }

    fn present(&self) -> Vec<String> {
        let wrong =
            self.packages.values().filter(|package| ABSENT.iter().any(|name| is_or_dashed(&package.name, name)));
        wrong
            .map(|package| {
                format!("{} {} is in the tree; see deny.toml for why it must not be", package.name, package.version)
            })
            .collect()
    }

    fn member(&self, name: &str) -> Option<&str> {
        let id = self.members.iter().find(|id| self.packages.get(*id).is_some_and(|package| package.name == name));
        id.map(String::as_str)
    }

    fn uses(&self, package: &Package, name: &str) -> bool {
        package.normal.iter().filter_map(|id| self.packages.get(id)).any(|used| used.name == name)
    }

    /// Names of all packages below one, itself left out.
    fn reached(&self, start: &str) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut waiting = vec![start];
        while let Some(package) = waiting.pop().and_then(|id| self.packages.get(id)) {
            waiting.extend(package.normal.iter().map(String::as_str).filter(|id| seen.insert(*id)));
        }
        seen.into_iter().filter_map(|id| self.packages.get(id)).map(|package| package.name.as_str()).collect()
    }
}

/// A dependency of the crate itself, not only of its tests or its build script.
fn is_normal(dependency: &Value) -> bool {
    array(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null())
}

fn is_or_dashed(name: &str, stem: &str) -> bool {
    name.strip_prefix(stem).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Tree;

    /// A sound tree in cargo's form, with more packages `(id, name, version, dependencies)` on top; `~` marks a dev-dependency.
    fn tree(more: &[(&str, &str, &str, &[&str])]) -> Tree {
        let sound: &[(&str, &str, &str, &[&str])] = &[
            ("sign", "wdt-sign", "0.1.0", &["md5"]),
            ("models", "wdt-models", "0.1.0", &["arrow"]),
            ("fetch", "wdt-fetch", "0.1.0", &["sign", "models", "reqwest", "~sim"]),
            ("sim", "wdt-sim", "0.1.0", &["sign", "models", "~reqwest"]),
            ("warehouse", "wdt-warehouse", "0.1.0", &["models", "delta", "parquet", "store", "arrow"]),
            ("etl", "wdt-etl", "0.1.0", &["sign", "models", "fetch", "warehouse", "sim", "clap", "toml", "~delta"]),
            ("xtask", "xtask", "0.1.0", &["models"]),
            ("md5", "md-5", "0.11.0", &[]),
            ("arrow", "arrow", "59.3.2", &["arrow-array"]),
            ("arrow-array", "arrow-array", "59.3.2", &[]),
            ("tokio", "tokio", "1.0.0", &[]),
            ("reqwest", "reqwest", "0.13.0", &["tokio"]),
            ("delta", "deltalake", "1.1.2", &["arrow", "parquet", "store", "reqwest"]),
            ("parquet", "parquet", "59.3.2", &["arrow-array", "store"]),
            ("store", "object_store", "0.13.2", &["tokio"]),
            ("clap", "clap", "4.6.7", &[]),
            ("toml", "toml", "1.2.1", &[]),
        ];
        let mut packages: Vec<_> = sound.iter().filter(|old| !more.iter().any(|new| new.0 == old.0)).collect();
        packages.extend(more);
        Tree::of(&json!({
            "packages": packages.iter().map(|(id, name, version, _)| json!({"id": id, "name": name, "version": version})).collect::<Vec<_>>(),
            "workspace_members": ["sign", "models", "fetch", "warehouse", "sim", "etl", "xtask"],
            "resolve": { "nodes": packages.iter().map(|(id, _, _, deps)| json!({ "id": id, "deps": deps.iter().map(|dep| json!({
                "pkg": dep.trim_start_matches('~'),
                "dep_kinds": [{ "kind": dep.starts_with('~').then_some("dev") }],
            })).collect::<Vec<_>>() })).collect::<Vec<_>>() },
        }))
    }

    #[track_caller]
    fn breaks(more: &[(&str, &str, &str, &[&str])], what: &str) {
        let broken = tree(more).broken();
        assert!(broken.iter().any(|line| line.contains(what)), "{what} is not in {broken:?}");
    }

    #[test]
    fn a_sound_tree_breaks_nothing() {
        assert_eq!(tree(&[]).broken(), Vec::<String>::new());
    }

    #[test]
    fn two_arrows_are_seen() {
        breaks(&[("old", "arrow-array", "58.0.0", &[])], "more than one arrow");
        breaks(&[("old", "parquet", "60.0.0", &[])], "more than one arrow");
    }

    #[test]
    fn arrows_that_must_not_be_are_seen_through_others() {
        breaks(&[("sign", "wdt-sign", "0.1.0", &["models"])], "wdt-sign must not depend on wdt-models");
        breaks(&[("arrow-array", "arrow-array", "59.3.2", &["tokio"])], "wdt-models must not depend on tokio");
        breaks(&[("fetch", "wdt-fetch", "0.1.0", &["reqwest", "delta"])], "wdt-fetch must not depend on deltalake");
        breaks(
            &[("fetch", "wdt-fetch", "0.1.0", &["reqwest", "warehouse"])],
            "wdt-fetch must not depend on wdt-warehouse",
        );
        breaks(&[("sim", "wdt-sim", "0.1.0", &["models", "warehouse"])], "wdt-sim must not depend on wdt-warehouse");
        breaks(&[("xtask", "xtask", "0.1.0", &["models", "etl"])], "xtask must not depend on wdt-etl");
    }

    #[test]
    fn the_crate_of_tables_reaches_no_platform_and_no_command_line() {
        for wrong in ["sign", "fetch", "sim", "etl", "clap", "toml"] {
            let name = if ["clap", "toml"].contains(&wrong) { wrong.to_owned() } else { format!("wdt-{wrong}") };
            let what = format!("wdt-warehouse must not depend on {name},");
            breaks(&[("warehouse", "wdt-warehouse", "0.1.0", &["models", "delta", "parquet", "store", wrong])], &what);
            breaks(&[("delta", "deltalake", "1.1.2", &["parquet", "store", wrong])], &what);
        }
    }

    #[test]
    fn a_second_user_and_a_missing_one_are_seen() {
        breaks(&[("etl", "wdt-etl", "0.1.0", &["warehouse", "reqwest"])], "reqwest is used by");
        for (used, name) in [("delta", "deltalake"), ("parquet", "parquet"), ("store", "object_store")] {
            breaks(&[("etl", "wdt-etl", "0.1.0", &["warehouse", used])], &format!("{name} is used by"));
            breaks(&[("warehouse", "wdt-warehouse", "0.1.0", &["models"])], &format!("{name} is used by {{}}"));
        }
    }

    #[test]
    fn what_must_be_absent_is_seen() {
        breaks(&[("df", "datafusion-common", "55.0.0", &[])], "datafusion-common 55.0.0");
    }

    #[test]
    fn a_crate_that_was_renamed_does_not_slip_through() {
        breaks(&[("sign", "wdt-signatures", "0.1.0", &[])], "no member wdt-sign");
        breaks(&[("warehouse", "wdt-tables", "0.1.0", &["delta"])], "no member wdt-warehouse");
    }
}
