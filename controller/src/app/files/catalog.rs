//! Lists artifacts for people who look around: the names of a project, the versions of a name, and
//! the files of a version, folder by folder. The handlers in `api::web` call this module. It
//! changes nothing.

use std::sync::Arc;

use record::{artifact::Entry, ids::ProjectId};

use super::{
    artifacts::{ArtifactView, Version, listed},
    collections::{Described, Which, present},
    versions::{self, Wanted},
};
use crate::{
    app::{
        App,
        error::Error,
        people::{
            caller::{Caller, Right},
            permit,
            things::Thing,
        },
    },
    store::{self, catalog::Named},
};

/// The most names that one transaction reads while it searches.
const NAMES: u32 = 500;

/// All versions of a name, as a list shows them.
#[derive(Clone, Debug)]
pub(crate) struct CollectionView {
    /// The name, and the counts of its versions.
    pub(crate) named: Named,
    /// The newest version.
    pub(crate) newest: Version,
    /// The aliases of the newest version.
    pub(crate) aliases: Vec<String>,
}

/// A page of a list: the items, and where the next page begins if there are more.
pub(crate) type Page<T> = (Vec<T>, Option<String>);

/// Returns at most `limit` names of a project that come after `after`, in their order. `search` is
/// a part of a name or of a type, in lower case; if it is empty, all names fit.
///
/// # Errors
/// Fails with [`Error::Missing`] if the caller may not see the project.
pub(crate) async fn collections(
    app: &Arc<App>,
    caller: &Caller,
    project: ProjectId,
    search: String,
    after: String,
    limit: u32,
) -> Result<Page<CollectionView>, Error> {
    caller.check(Right::See, &project, Thing::Project, || permit::no_project(&project))?;
    app.read(move |tx, _| {
        let (mut found, mut after) = (Vec::new(), after);
        loop {
            let names = store::catalog::names(tx, &project, &after, NAMES)?;
            let Some(last) = names.last() else { return Ok((found, None)) };
            let end = last.name.clone();
            for named in names {
                let newest = store::artifacts::newest(tx, &project, &named.name)?;
                let Some(newest) = newest else { continue };
                let fits = |text: &str| text.to_lowercase().contains(&search);
                if !fits(&named.name) && !fits(&newest.kind) {
                    continue;
                }
                if found.len() == limit as usize {
                    let next = found.last().map(|view: &CollectionView| view.named.name.clone());
                    return Ok((found, next));
                }
                let aliases = store::artifacts::aliases(tx, newest.key)?;
                found.push(CollectionView { named, newest, aliases });
            }
            after = end;
        }
    })
    .await
}

/// Returns what people say about a name, and at most `limit` of its versions whose numbers are
/// below `before`, the newest first, with the number before which the next page begins.
///
/// # Errors
/// Fails with [`Error::Missing`] if the project has no version of this name that the caller may
/// see.
pub(crate) async fn versions(
    app: &Arc<App>,
    caller: &Caller,
    which: Which,
    before: Option<u64>,
    limit: u32,
) -> Result<(Described, Page<ArtifactView>), Error> {
    caller
        .check(Right::See, &which.project, Thing::Project, || permit::no_project(&which.project))?;
    app.read(move |tx, _| {
        let collection = present(tx, &which)?;
        let (project, name) = (&collection.project, &collection.name);
        let before = before.map_or(i64::MAX, |number| i64::try_from(number).unwrap_or(i64::MAX));
        let mut found = store::artifacts::below(tx, project, name, before, limit + 1)?;
        if found.is_empty() && before == i64::MAX {
            let message = format!("no artifact `{name}` in the project `{project}`");
            return Err(Error::missing(message).hint("`sweep artifact ls` shows what there is"));
        }
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next = found.last().filter(|_| more).map(|last| last.version.to_string());
        Ok((collection.into(), (listed(tx, found)?, next)))
    })
    .await
}

/// Something directly in a folder of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A file or a reference.
    File(Entry),
    /// A folder.
    Folder {
        /// Its path, without a slash at its end.
        path: String,
        /// The number of files in it and in its folders.
        files: u64,
        /// The sum of their bytes.
        size: u64,
    },
}

/// Returns at most `limit` items of a folder of a version, in the order of their paths. `under` is
/// the folder's path; empty for the version itself. `from` is where an earlier page said that this
/// page begins.
///
/// # Errors
/// Fails with [`Error::Missing`] if the version does not exist, or has no file in this folder.
pub(crate) async fn folder(
    app: &Arc<App>,
    caller: &Caller,
    wanted: Wanted,
    under: String,
    from: String,
    limit: u32,
) -> Result<Page<Item>, Error> {
    let caller = caller.clone();
    app.read(move |tx, app| {
        let version = versions::find(tx, app, &caller, Right::See, &wanted)?;
        let prefix = if under.is_empty() { String::new() } else { format!("{under}/") };
        let mut from = if from > prefix { from } else { prefix.clone() };
        let mut items = Vec::new();
        loop {
            let first = store::catalog::first_entry(tx, version.key, &from)?;
            let entry = first.filter(|entry| entry.path.starts_with(&prefix));
            let Some(entry) = entry else { break };
            if items.len() == limit as usize {
                return Ok((items, Some(from)));
            }
            match entry.path[prefix.len()..].split_once('/') {
                Some((name, _)) => {
                    let path = format!("{prefix}{name}");
                    // The sign `0` comes right after the slash.
                    let (begin, end) = (format!("{path}/"), format!("{path}0"));
                    let (files, size) = store::catalog::between(tx, version.key, &begin, &end)?;
                    items.push(Item::Folder { path, files, size });
                    from = end;
                }
                None => {
                    // No path has a control character, so no other path is smaller.
                    from = format!("{}\u{1}", entry.path);
                    items.push(Item::File(entry));
                }
            }
        }
        if items.is_empty() && !under.is_empty() {
            let (name, number) = (&version.name, version.version);
            let message = format!("`{name}:v{number}` has no folder `{under}`");
            return Err(Error::missing(message));
        }
        Ok((items, None))
    })
    .await
}
