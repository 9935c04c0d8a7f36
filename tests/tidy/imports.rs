//! Finds the modules that the code of a file names. The search expands `use` trees, resolves
//! relative paths, and includes paths inside functions, types and the arguments of macros. Comments
//! and items that are compiled only for tests do not count.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, Item, ItemUse, Macro, UseTree, Visibility,
    visit::{self, Visit},
};

/// A path that begins with a crate: `["controller", "app", "runs", "find"]`.
pub(crate) type Path = Vec<String>;

/// Returns every path of more than one part that the code names, beginning with its crate.
///
/// `module` is the path of the file's module; `modules` are the paths of all modules.
pub(crate) fn named(
    module: &[String],
    modules: &BTreeSet<Path>,
    code: &syn::File,
) -> BTreeSet<Path> {
    let imported = renamed(module, modules, code).into_iter();
    let imported = imported.filter(|(name, path)| path[..] != [name.clone()]).map(|(name, _)| name);
    let imported = imported.collect();
    let mut names = Names { module: module.to_vec(), modules, imported, found: BTreeSet::new() };
    for item in &code.items {
        names.visit_item(item);
    }
    names.found
}

/// Returns the path behind each name of the module's own `use` items, beginning with its crate.
pub(crate) fn renamed(
    module: &[String],
    modules: &BTreeSet<Path>,
    code: &syn::File,
) -> BTreeMap<String, Path> {
    let mut all = BTreeMap::new();
    for item in &code.items {
        let Item::Use(item) = item else { continue };
        let (module, imported, found) = (module.to_vec(), BTreeSet::new(), BTreeSet::new());
        let names = Names { module, modules, imported, found };
        let is_global = item.leading_colon.is_some();
        for (name, path) in leaves(&item.tree) {
            all.extend(names.resolved(&path, is_global).map(|path| (name, path)));
        }
    }
    all
}

/// Returns the names that a tree imports, each with its path as written.
fn leaves(tree: &UseTree) -> Vec<(String, Path)> {
    match tree {
        UseTree::Path(path) => {
            let first = path.ident.to_string();
            let inside = leaves(&path.tree).into_iter().map(|(name, path)| {
                let name = if name == "self" { first.clone() } else { name };
                let path = if path == ["self"] { Path::new() } else { path };
                (name, [std::slice::from_ref(&first), &path[..]].concat())
            });
            inside.collect()
        }
        UseTree::Group(group) => group.items.iter().flat_map(leaves).collect(),
        UseTree::Name(name) => vec![(name.ident.to_string(), vec![name.ident.to_string()])],
        UseTree::Rename(name) => vec![(name.rename.to_string(), vec![name.ident.to_string()])],
        UseTree::Glob(_) => vec![("*".to_owned(), vec!["*".to_owned()])],
    }
}

struct Names<'m> {
    /// The current module: a file, or a module inside it.
    module: Path,
    modules: &'m BTreeSet<Path>,
    /// The names that the file's `use` items import: a path that begins with one of them names
    /// nothing new.
    imported: BTreeSet<String>,
    found: BTreeSet<Path>,
}

impl Names<'_> {
    fn add(&mut self, path: &[String], is_global: bool) {
        self.found.extend(self.resolved(path, is_global));
    }

    /// Resolves a path to one that begins with its crate.
    fn resolved(&self, path: &[String], is_global: bool) -> Option<Path> {
        let (first, rest) = path.split_first()?;
        let (mut from, mut rest) = match first.as_str() {
            _ if is_global => (Vec::new(), path),
            "crate" => (self.module[..1].to_vec(), rest),
            "self" => (self.module.clone(), rest),
            "super" => (self.module.clone(), path),
            // The first word is a local name, or a name that a `use` item imports.
            _ if rest.is_empty() || self.imported.contains(first) => return None,
            _ if self.modules.contains(&[&self.module[..], &path[..1]].concat()) => {
                (self.module.clone(), path)
            }
            _ => (Vec::new(), path),
        };
        while let Some(after) = rest.strip_prefix(&["super".to_owned()]) {
            from.pop();
            rest = after;
        }
        from.extend_from_slice(rest);
        Some(from)
    }

    /// Adds the paths in the arguments of a macro, which are tokens and not yet syntax.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Path = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) if path.is_empty() || colons == 2 => {
                    path.push(ident.to_string());
                    colons = 0;
                    continue;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => {
                    colons += 1;
                    continue;
                }
                TokenTree::Group(group) => self.add_tokens(group.stream()),
                _ => {}
            }
            self.add(&std::mem::take(&mut path), false);
            colons = 0;
        }
        self.add(&path, false);
    }
}

impl<'a> Visit<'a> for Names<'_> {
    fn visit_item(&mut self, item: &'a Item) {
        let attributes = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_test(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        // A re-export is not an import: its users import the name from where it is defined.
        if !matches!(item.vis, Visibility::Inherited) {
            return;
        }
        for (_, path) in leaves(&item.tree) {
            match path.as_slice() {
                [name] => drop(self.found.insert(vec![name.clone()])),
                path => self.add(path, item.leading_colon.is_some()),
            }
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let words: Path = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.add(&words, path.leading_colon.is_some());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'a Macro) {
        self.visit_path(&item.path);
        self.add_tokens(item.tokens.clone());
    }

    // `pub(in path)` names a module, but imports nothing from it.
    fn visit_visibility(&mut self, _: &'a Visibility) {}
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Ident>().is_ok_and(|name| name == "test")
    })
}
