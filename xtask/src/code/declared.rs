//! What one module declares: child modules, imports, names of items, types, methods.

use std::collections::BTreeSet;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Ident, ItemImpl, ItemMod, ItemUse, Type, UseTree, Visibility};

/// What a module declares, the insides of its functions included and its inline modules left out.
#[derive(Default)]
pub(super) struct Declared {
    /// Children in files of their own.
    pub(super) files: Vec<String>,
    pub(super) inline: Vec<Inline>,
    pub(super) imports: Vec<Import>,
    /// Whatever a path can end at.
    pub(super) items: BTreeSet<String>,
    pub(super) types: Vec<Named>,
    /// Of each inherent `impl` block: the path to the type, and the number of methods.
    pub(super) methods: Vec<(Vec<String>, usize)>,
}

/// A child within the same file.
pub(super) struct Inline {
    pub(super) name: String,
    /// First line and last, from 1.
    pub(super) lines: (usize, usize),
    pub(super) declared: Declared,
}

/// One name of a `use` declaration.
pub(super) struct Import {
    pub(super) path: Vec<String>,
    pub(super) name: Imported,
    /// Others may import it from here.
    pub(super) public: bool,
    /// From 1.
    pub(super) line: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Imported {
    /// Known here by this name.
    As(String),
    /// All that the path's module has.
    Glob,
}

/// A type and where it is declared.
pub(super) struct Named {
    pub(super) name: String,
    /// From 1.
    pub(super) line: usize,
}

impl Declared {
    pub(super) fn of(items: &[syn::Item]) -> Self {
        let mut declared = Self::default();
        for item in items {
            declared.visit_item(item);
        }
        declared
    }

    fn item(&mut self, name: &Ident) {
        self.items.insert(name.to_string());
    }

    fn named(&mut self, name: &Ident) {
        self.item(name);
        self.types.push(Named { name: name.to_string(), line: name.span().start().line });
    }

    /// The leaves of a tree of `use`, each with the path that leads to it.
    fn import(&mut self, tree: &UseTree, above: &[String], public: bool) {
        let line = tree.span().start().line;
        let with = |name: &Ident| [above, &[name.to_string()]].concat();
        let mut leaf = |path: Vec<String>, name| self.imports.push(Import { path, name, public, line });
        match tree {
            UseTree::Path(path) => self.import(&path.tree, &with(&path.ident), public),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.import(tree, above, public)),
            UseTree::Glob(_) => leaf(above.to_vec(), Imported::Glob),
            UseTree::Name(name) if name.ident == "self" => {
                leaf(above.to_vec(), Imported::As(above.last().cloned().unwrap_or_default()));
            }
            UseTree::Name(name) => leaf(with(&name.ident), Imported::As(name.ident.to_string())),
            UseTree::Rename(name) if name.ident == "self" => {
                leaf(above.to_vec(), Imported::As(name.rename.to_string()));
            }
            UseTree::Rename(name) => leaf(with(&name.ident), Imported::As(name.rename.to_string())),
        }
    }
}

impl<'ast> Visit<'ast> for Declared {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        let name = item.ident.to_string();
        match &item.content {
            None => self.files.push(name),
            Some((_, items)) => {
                let lines = (item.span().start().line, item.span().end().line);
                self.inline.push(Inline { name, lines, declared: Self::of(items) });
            }
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        // a path with `::` before it leads out of the crate
        if item.leading_colon.is_none() {
            self.import(&item.tree, &[], !matches!(item.vis, Visibility::Inherited));
        }
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        if let (None, Type::Path(path)) = (&item.trait_, &*item.self_ty) {
            let path = path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            let methods = item.items.iter().filter(|item| matches!(item, syn::ImplItem::Fn(_)));
            self.methods.push((path, methods.count()));
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.named(&item.ident);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.named(&item.ident);
    }

    fn visit_item_union(&mut self, item: &'ast syn::ItemUnion) {
        self.named(&item.ident);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.named(&item.ident);
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.named(&item.ident);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.item(&item.sig.ident);
        visit::visit_item_fn(self, item);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.item(&item.ident);
        visit::visit_item_const(self, item);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.item(&item.ident);
        visit::visit_item_static(self, item);
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        item.ident.iter().for_each(|name| self.item(name));
    }
}
