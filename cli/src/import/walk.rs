//! Finds files below a folder, for the importers. Links are followed, as TensorBoard does; every
//! folder is looked into once, so that links in a circle end.

use std::{
    collections::{BTreeSet, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

/// A path that cannot be read, and why.
pub(super) type Unreadable = (PathBuf, io::Error);

/// The files below `root` that are wanted, in the order of their paths; `root` may be such a file
/// itself. Folders are looked into down to `depth`, where the root is 0.
///
/// # Errors
/// The path that cannot be read, and why. Of a link that leads nowhere people are only told.
pub(super) fn files(
    root: &Path,
    depth: usize,
    wanted: impl Fn(&Path) -> bool,
) -> Result<Vec<PathBuf>, Unreadable> {
    let at = |path: &Path, error| (path.to_owned(), error);
    if fs::metadata(root).map_err(|error| at(root, error))?.is_file() {
        return Ok(vec![root.to_owned()]);
    }
    let mut found = Vec::new();
    let (mut folders, mut links) = (vec![(root.to_owned(), 0)], BTreeSet::new());
    let mut seen = HashSet::new();
    // Links come last: of two ways to a folder the one without a link names it.
    while let Some((folder, level)) = folders.pop().or_else(|| links.pop_first()) {
        if !seen.insert(fs::canonicalize(&folder).map_err(|error| at(&folder, error))?) {
            continue;
        }
        for entry in fs::read_dir(&folder).map_err(|error| at(&folder, error))? {
            let entry = entry.map_err(|error| at(&folder, error))?;
            let (path, kind) =
                (entry.path(), entry.file_type().map_err(|error| at(&folder, error))?);
            let Ok(target) = fs::metadata(&path) else {
                if kind.is_symlink() {
                    terminal::warn(format_args!(
                        "`{}` is a link that leads nowhere",
                        super::shown(&path)
                    ));
                }
                continue;
            };
            if target.is_dir() && level < depth {
                if kind.is_symlink() {
                    links.insert((path, level + 1));
                } else {
                    folders.push((path, level + 1));
                }
            } else if target.is_file() && wanted(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
