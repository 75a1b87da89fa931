//! The modules that a crate's root leads to, and what a path means in one of them.

use std::collections::BTreeMap;
use std::mem;

use super::declared::{Declared, Imported};
use super::product::{Product, Word};
use crate::files::File;

/// Steps from one `use` to the next; a name that needs more goes round in circles.
const MOST_STEPS: usize = 16;

/// All modules below one root: `lib.rs` or a binary. The root is the first.
#[derive(Default)]
pub(crate) struct Modules<'a> {
    pub(super) all: Vec<Module<'a>>,
}

/// A module: a file, or inline in one.
pub(super) struct Module<'a> {
    pub(super) file: &'a File,
    pub(super) declared: Declared,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    /// Its tokens, those of inline modules left out.
    pub(super) words: Vec<&'a Word>,
}

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub(super) module: usize,
    /// `None` if it is the module itself.
    pub(super) item: Option<String>,
}

/// Where a module is, and where the files of its children are.
struct Place<'a> {
    file: &'a File,
    folder: String,
    parent: Option<usize>,
}

impl<'a> Modules<'a> {
    /// Follows `mod` declarations from the root; a file that is missing or that syn cannot read has no modules.
    pub(super) fn below(root: &'a File, files: &'a [File]) -> Self {
        let mut modules = Self::default();
        let folder = root.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        modules.add_file(&Place { file: root, folder: folder.to_owned(), parent: None }, files);
        modules
    }

    fn add_file(&mut self, place: &Place<'a>, files: &'a [File]) -> Option<usize> {
        let product: &Product = place.file.product()?.as_ref().ok()?;
        let declared = Declared::of(&product.syntax.items);
        Some(self.add(place, declared, product.words.iter().collect(), files))
    }

    /// Adds the module and then all that is below it.
    fn add(&mut self, place: &Place<'a>, mut declared: Declared, words: Vec<&'a Word>, files: &'a [File]) -> usize {
        let own = self.all.len();
        let (in_files, inline) = (mem::take(&mut declared.files), mem::take(&mut declared.inline));
        self.all.push(Module { file: place.file, declared, parent: place.parent, children: BTreeMap::new(), words });
        let below = |file, name: &str| Place { file, folder: format!("{}/{name}", place.folder), parent: Some(own) };
        for child in inline {
            let inside = |word: &mut &Word| (child.lines.0..=child.lines.1).contains(&word.line);
            let inside = self.all[own].words.extract_if(.., inside).collect();
            let index = self.add(&below(place.file, &child.name), child.declared, inside, files);
            self.all[own].children.insert(child.name, index);
        }
        for name in in_files {
            let paths = [format!("{}/{name}.rs", place.folder), format!("{}/{name}/mod.rs", place.folder)];
            let file = files.iter().find(|file| paths.contains(&file.path));
            if let Some(index) = file.and_then(|file| self.add_file(&below(file, &name), files)) {
                self.all[own].children.insert(name, index);
            }
        }
        own
    }

    /// The module is `above` or below it.
    pub(super) fn is_within(&self, module: usize, above: usize) -> bool {
        std::iter::successors(Some(module), |module| self.all[*module].parent).any(|module| module == above)
    }

    /// What a path means in a module; `None` where it leads out of the crate.
    pub(super) fn resolve(&self, module: usize, path: &[String]) -> Option<Target> {
        self.step(module, path, MOST_STEPS)
    }

    fn step(&self, module: usize, path: &[String], steps: usize) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => self.walk(0, rest, steps),
            "self" => self.walk(module, rest, steps),
            "super" if rest.first().is_some_and(|name| name == "super") => {
                self.step(self.all[module].parent?, rest, steps)
            }
            "super" => self.walk(self.all[module].parent?, rest, steps),
            _ => self.find(module, path, steps),
        }
    }

    /// From a module of this crate on: a name that nobody declares was made by a macro of that module.
    fn walk(&self, module: usize, path: &[String], steps: usize) -> Option<Target> {
        let Some(name) = path.first() else { return Some(Target { module, item: None }) };
        self.find(module, path, steps).or_else(|| Some(Target { module, item: Some(name.clone()) }))
    }

    /// The first name is a child, an import or an item of the module, or comes with a glob.
    fn find(&self, module: usize, path: &[String], steps: usize) -> Option<Target> {
        let (steps, (name, rest)) = (steps.checked_sub(1)?, path.split_first()?);
        let Module { declared, children, .. } = &self.all[module];
        let child = children.get(name).copied();
        if let Some(child) = child.filter(|_| !rest.is_empty()) {
            return self.walk(child, rest, steps);
        }
        let imported = |name: &Imported, rest: &[String]| -> Vec<Target> {
            let imports = declared.imports.iter().filter(|import| import.name == *name);
            imports.filter_map(|import| self.step(module, &[&import.path, rest].concat(), steps)).collect()
        };
        let named = imported(&Imported::As(name.clone()), rest);
        let own = declared.items.contains(name).then(|| Target { module, item: Some(name.clone()) });
        // a module and a function may share a name; a path that ends there means the function
        let found = named.iter().find(|target| target.item.is_some()).cloned().or(own);
        let found = found.or(child.map(|module| Target { module, item: None })).or(named.first().cloned());
        found.or_else(|| {
            let below = imported(&Imported::Glob, &[]).into_iter();
            let below = below.filter(|target| target.item.is_none() && target.module != module);
            below.into_iter().find_map(|target| self.find(target.module, path, steps))
        })
    }
}
