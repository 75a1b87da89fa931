//! Which file of a crate imports from which, and the circles that come of it.

use std::collections::{BTreeMap, BTreeSet};

use super::declared::{Import, Imported};
use super::modules::{Modules, Target};
use super::product::Word;

/// One file imports from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) from: String,
    pub(crate) to: String,
    /// The first place, from 1.
    pub(crate) line: usize,
    /// What is imported there.
    pub(crate) path: String,
}

/// Files each of which reaches each other along imports.
#[derive(Debug)]
pub(crate) struct Circle {
    /// Sorted.
    pub(crate) files: Vec<String>,
    /// Those between these files.
    pub(crate) edges: Vec<Edge>,
}

/// Every file's imports from others, the first place of each. `mod child;` and `pub use child::X` are none.
pub(super) fn edges(modules: &Modules) -> Vec<Edge> {
    let mut edges = BTreeMap::<(&str, &str), Edge>::new();
    for module in 0..modules.all.len() {
        for (target, path, line) in used(modules, module).into_iter().chain(named(modules, module)) {
            let (from, to) = (&modules.all[module].file.path, &modules.all[target.module].file.path);
            let known = edges.get(&(from.as_str(), to.as_str())).is_some_and(|edge| edge.line <= line);
            if from != to && !known {
                edges.insert((from, to), Edge { from: from.clone(), to: to.clone(), line, path: path.join("::") });
            }
        }
    }
    edges.into_values().collect()
}

/// What a module imports, how it says so, and in which line.
type Use = (Target, Vec<String>, usize);

/// By its `use` declarations. A module alone is not yet an import from it: what is taken out of it is.
fn used(modules: &Modules, module: usize) -> Vec<Use> {
    let imports = modules.all[module].declared.imports.iter();
    let places = imports.filter_map(|import| {
        let target = modules.resolve(module, &import.path)?;
        let taken = target.item.is_some() || import.name == Imported::Glob;
        let counts = taken && !is_re_export(modules, module, import, &target);
        counts.then(|| (target, import.path.clone(), import.line))
    });
    places.collect()
}

/// By the paths in its code, and by its use of the names that it re-exports.
fn named(modules: &Modules, module: usize) -> Vec<Use> {
    let content = &modules.all[module];
    let public = content.declared.imports.iter().filter(|import| import.public);
    let re_exported: Vec<&Imported> = public.map(|import| &import.name).collect();
    let paths = paths(&content.words, |name| re_exported.contains(&&Imported::As(name.to_owned())));
    let targets = paths.into_iter().filter_map(|(path, line)| {
        let target = modules.resolve(module, &path).filter(|target| target.item.is_some())?;
        Some((target, path, line))
    });
    targets.collect()
}

/// `pub use child::X`.
fn is_re_export(modules: &Modules, module: usize, import: &Import, target: &Target) -> bool {
    import.public && modules.is_within(target.module, module)
}

/// Paths in expressions, types, patterns and macros' arguments; of names by themselves, those that are asked for.
fn paths(words: &[&Word], alone: impl Fn(&str) -> bool) -> Vec<(Vec<String>, usize)> {
    let text = |index: usize| words.get(index).map_or("", |word| word.text.as_str());
    let mut paths = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let (farther, before) = (at.checked_sub(2).map_or("", text), at.checked_sub(1).map_or("", text));
        if text(at) == "use" && text(at + 1) != "<" {
            at += words[at..].iter().position(|word| word.text == ";").unwrap_or(words.len());
            continue;
        }
        let (first, mut path) = (at, vec![text(at).to_owned()]);
        at += 1;
        let member = before == "." && farther != ".";
        if !is_name(text(first)) || member || ["$", "'", "fn"].contains(&before) {
            continue;
        }
        while text(at) == ":" && text(at + 1) == ":" && is_name(text(at + 2)) {
            path.push(text(at + 2).to_owned());
            at += 3;
        }
        let outside = before == ":" && farther == ":";
        let used = path[0].starts_with(char::is_uppercase) || text(at) == "(";
        if !outside && (path.len() > 1 || (used && alone(&path[0]))) {
            paths.push((path, words[first].line));
        }
    }
    paths
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Groups of two files or more that reach each other.
pub(super) fn circles(edges: &[Edge]) -> Vec<Circle> {
    let mut next = BTreeMap::<&str, Vec<&str>>::new();
    for edge in edges {
        next.entry(&edge.from).or_default().push(&edge.to);
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> = next.keys().map(|file| (*file, reached(&next, file))).collect();
    let reach = |from: &str, to: &str| reached.get(from).is_some_and(|files| files.contains(to));
    let mut groups = BTreeSet::new();
    for (file, others) in &reached {
        let group: BTreeSet<&str> = others.iter().filter(|other| reach(other, file)).copied().collect();
        groups.extend((group.len() > 1).then_some(group));
    }
    let circle = |group: BTreeSet<&str>| {
        let inside = |edge: &&Edge| group.contains(edge.from.as_str()) && group.contains(edge.to.as_str());
        let edges = edges.iter().filter(inside).cloned().collect();
        Circle { files: group.iter().map(ToString::to_string).collect(), edges }
    };
    groups.into_iter().map(circle).collect()
}

/// All files along imports from one, itself among them if a circle leads back.
fn reached<'a>(next: &BTreeMap<&'a str, Vec<&'a str>>, from: &'a str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![from];
    while let Some(file) = waiting.pop() {
        waiting.extend(next.get(file).into_iter().flatten().filter(|file| seen.insert(**file)));
    }
    seen
}
