//! Finds files below a folder, for the importers. The search follows links, as TensorBoard does. It
//! visits every folder once, so cycles of links end.

use std::{
    collections::{BTreeSet, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

use super::paths::shown;

/// A path that cannot be read, and the reason.
pub(super) type Unreadable = (PathBuf, io::Error);

/// Finds the files below `root` for which `wanted` is true, in the order of their paths. If `root`
/// is a file, returns only this file and does not call `wanted`. Visits folders down to `depth`,
/// where `root` has depth 0. Warns about a broken link and goes on. Fails with the path that cannot
/// be read, and the reason.
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
    // The loop visits links last. So a folder that can be reached without links has the path
    // without links in the result.
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
                    terminal::warn(format_args!("`{}` is a broken link", shown(&path)));
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
