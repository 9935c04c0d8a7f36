//! Which modules the code of a file names: `use` trees expanded, relative paths resolved, and paths
//! inside of functions, types and macros' arguments as well. Comments and tests at the end of a
//! file do not count.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, Item, ItemUse, Macro, UseTree, Visibility,
    visit::{self, Visit},
};

/// A path from a crate on: `["controller", "app", "runs", "find"]`.
pub(crate) type Path = Vec<String>;

/// Every path of more than one part that the code names, from a crate on.
///
/// `module` is the module that the file is, from its crate on; `modules` are all that there are.
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

/// What each name of the module's own `use` items stands for, from a crate on.
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

/// The names that a tree brings, each with its path as it is written.
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
    /// The module that is read now: a file, or a module inside of it.
    module: Path,
    modules: &'m BTreeSet<Path>,
    /// What the file's `use` items have brought: a path that begins with it names nothing new.
    imported: BTreeSet<String>,
    found: BTreeSet<Path>,
}

impl Names<'_> {
    fn add(&mut self, path: &[String], is_global: bool) {
        self.found.extend(self.resolved(path, is_global));
    }

    /// A path as it is from its crate on.
    fn resolved(&self, path: &[String], is_global: bool) -> Option<Path> {
        let (first, rest) = path.split_first()?;
        let (mut from, mut rest) = match first.as_str() {
            _ if is_global => (Vec::new(), path),
            "crate" => (self.module[..1].to_vec(), rest),
            "self" => (self.module.clone(), rest),
            "super" => (self.module.clone(), path),
            // The name of a variable, or of something that a `use` has told of.
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

    /// The paths in the arguments of a macro, which are no syntax yet.
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
        // A name that is handed on is no import: whoever uses it imports it from where it is
        // defined.
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

    // `pub(in path)` names a module, and imports nothing from it.
    fn visit_visibility(&mut self, _: &'a Visibility) {}
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Ident>().is_ok_and(|name| name == "test")
    })
}
