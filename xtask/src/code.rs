//! The Rust code of the workspace's crates, tests aside, as syn reads it: their modules, imports and types.

use std::collections::{BTreeMap, BTreeSet};

use crate::files::File;

mod declared;
mod imports;
mod modules;
mod product;

use declared::Declared;
pub(crate) use imports::Circle;
use modules::Modules;
pub(crate) use product::{Product, Word};

/// A package of the workspace, without its tests, benches and examples.
pub(crate) struct Crate<'a> {
    pub(crate) name: &'a str,
    /// Below the library and each binary.
    roots: Vec<Modules<'a>>,
}

/// A type's name that means more than one thing.
pub(crate) struct Double<'a> {
    pub(crate) name: String,
    /// Files and lines, from 1.
    pub(crate) places: Vec<(&'a File, usize)>,
}

/// Every crate below `crates/`, and xtask.
pub(crate) fn crates(files: &[File]) -> Vec<Crate<'_>> {
    let mut crates = BTreeMap::<&str, Vec<Modules>>::new();
    for file in files {
        if let Some(folder) = folder_of_root(&file.path) {
            crates.entry(folder).or_default().push(Modules::below(file, files));
        }
    }
    crates.into_iter().map(|(folder, roots)| Crate { name: folder.trim_start_matches("crates/"), roots }).collect()
}

/// What a file's `use` declarations take, tests aside: each path in full, and its line, from 1.
pub(crate) fn imports(file: &File) -> Vec<(String, usize)> {
    let Some(Ok(product)) = file.product() else { return Vec::new() };
    let mut modules = vec![Declared::of(&product.syntax.items)];
    let mut imports = Vec::new();
    while let Some(module) = modules.pop() {
        imports.extend(module.imports.into_iter().map(|import| (import.path.join("::"), import.line)));
        modules.extend(module.inline.into_iter().map(|child| child.declared));
    }
    imports
}

/// The crate's folder, if the file is its library or one of its binaries.
fn folder_of_root(path: &str) -> Option<&str> {
    let (folder, file) = path.split_once("/src/")?;
    let known = folder == "xtask" || folder.strip_prefix("crates/").is_some_and(|name| !name.contains('/'));
    let stem = file.strip_suffix(".rs")?;
    let binary = stem.strip_prefix("bin/").is_some_and(|name| !name.contains('/'));
    (known && (stem == "lib" || stem == "main" || binary)).then_some(folder)
}

impl<'a> Crate<'a> {
    /// What a user gets; xtask is for those who change it.
    pub(crate) fn is_product(&self) -> bool {
        self.name != "xtask"
    }

    /// Its files, by path.
    pub(crate) fn files(&self) -> Vec<&'a File> {
        let files = self.roots.iter().flat_map(|modules| &modules.all).map(|module| (&module.file.path, module.file));
        files.collect::<BTreeMap<_, _>>().into_values().collect()
    }

    /// Their product code.
    pub(crate) fn products(&self) -> impl Iterator<Item = &'a Product> {
        self.files().into_iter().filter_map(|file| file.product()?.as_ref().ok())
    }

    /// Lines of code: neither empty nor only comments.
    pub(crate) fn lines(&self) -> usize {
        self.products().map(|product| product.lines.len()).sum()
    }

    /// Circles of imports between its files.
    pub(crate) fn circles(&self) -> Vec<Circle> {
        self.roots.iter().flat_map(|modules| imports::circles(&imports::edges(modules))).collect()
    }

    /// Names that more than one type has. Two of a module are one type, compiled on different systems.
    pub(crate) fn doubles(&self) -> Vec<Double<'a>> {
        let mut places = BTreeMap::<&str, Vec<(&File, usize)>>::new();
        for module in self.roots.iter().flat_map(|modules| &modules.all) {
            let mut seen = BTreeSet::new();
            for named in module.declared.types.iter().filter(|named| seen.insert(&named.name)) {
                places.entry(&named.name).or_default().push((module.file, named.line));
            }
        }
        let double = |(name, places): (&str, Vec<_>)| Double { name: name.to_owned(), places };
        places.into_iter().filter(|(_, places)| places.len() > 1).map(double).collect()
    }

    /// The type with the most methods of its own, all its `impl` blocks together, and their number.
    pub(crate) fn most_methods(&self) -> Option<(String, usize)> {
        let mut methods = BTreeMap::new();
        for (root, modules) in self.roots.iter().enumerate() {
            for (module, content) in modules.all.iter().enumerate() {
                for (path, count) in &content.declared.methods {
                    let Some(target) = modules.resolve(module, path) else { continue };
                    *methods.entry((root, target)).or_insert(0) += count;
                }
            }
        }
        let named = methods.into_iter().map(|((_, target), count)| (target.item.unwrap_or_default(), count));
        named.max_by_key(|(_, count)| *count)
    }
}
