//! Changes collections of artifacts: names, types, descriptions and tags, and removes them. A
//! collection is all versions of one name, or a portfolio. `api::wandb` calls this module.
//!
//! A version keeps its number and its lineage when its name changes, and is found by its old name
//! and number too. So no version that gets the old name later has the number of one that had it.

use std::sync::Arc;

use record::{artifact, ids::ProjectId};
use serde_json::json;

use super::{artifacts, names};
use crate::{
    app::{
        App,
        change::Change,
        error::{Error, Why},
        limits::{check_list, check_name},
        people::{
            audit,
            caller::{Caller, Right},
            permit,
            things::Thing,
        },
    },
    settings::Limits,
    store::{self, Tx, collections::Collection},
};

/// A collection that a caller means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Which {
    /// The project.
    pub(crate) project: ProjectId,
    /// The name, or one that the collection had before.
    pub(crate) name: String,
}

/// What people say about a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Described {
    /// The project.
    pub(crate) project: ProjectId,
    /// The present name.
    pub(crate) name: String,
    /// The description; `None` if nobody has said anything.
    pub(crate) description: Option<String>,
    /// The tags.
    pub(crate) tags: Vec<String>,
}

impl From<Collection> for Described {
    fn from(stored: Collection) -> Self {
        let tags = stored.tags();
        let Collection { project, name, description, .. } = stored;
        Self { project, name, description, tags }
    }
}

/// What a caller wants to change. A field that is `None` or empty stays as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edit {
    /// The name.
    pub(crate) name: Option<String>,
    /// The description.
    pub(crate) description: Option<String>,
    /// The tags to add.
    pub(crate) add_tags: Vec<String>,
    /// The tags to remove.
    pub(crate) remove_tags: Vec<String>,
}

/// Returns what people say about a collection, under its present name.
///
/// # Errors
/// Fails with [`Error::Missing`] if the caller may not see the project.
pub(crate) async fn get(app: &Arc<App>, caller: &Caller, which: Which) -> Result<Described, Error> {
    let caller = caller.clone();
    app.read(move |tx, _| {
        let no_project = || permit::no_project(&which.project);
        permit::artifacts_of(tx, &caller, Right::See, &which.project, no_project)?;
        Ok(present(tx, &which)?.into())
    })
    .await
}

pub(super) fn present(tx: &Tx<'_>, Which { project, name }: &Which) -> Result<Collection, Error> {
    let now = names::of_old(tx, project, name)?;
    Ok(store::collections::get(tx, project, now.as_deref().unwrap_or(name))?)
}

/// Finds a collection that exists.
fn find(tx: &Tx<'_>, which: &Which) -> Result<Collection, Error> {
    let found = present(tx, which)?;
    if is_here(tx, &found)? {
        return Ok(found);
    }
    let Which { project, name } = which;
    let message = format!("no artifact and no portfolio `{name}` in the project `{project}`");
    Err(Error::missing(message).hint("`sweep artifact ls` shows what there is"))
}

fn is_here(tx: &Tx<'_>, Collection { project, name, .. }: &Collection) -> Result<bool, Error> {
    Ok(store::artifacts::newest(tx, project, name)?.is_some() || is_portfolio(tx, project, name)?)
}

fn is_portfolio(tx: &Tx<'_>, project: &ProjectId, name: &str) -> Result<bool, Error> {
    Ok(!store::links::of_project(tx, project, name)?.is_empty())
}

/// Passes if the caller may change the collections of this project.
fn check_right(caller: &Caller, project: &ProjectId) -> Result<(), Error> {
    caller.admits(Right::Steer)?;
    caller.check(Right::Steer, project, Thing::Project, || permit::no_project(project))
}

/// Changes the name, the description and the tags of a collection. Returns the collection as it is
/// then.
///
/// # Errors
/// - Fails with [`Error::Invalid`] if a name is malformed, or a text or list is too long.
/// - Fails with [`Error::Missing`] if there is no such collection.
/// - Fails with [`Error::Refused`] if the name is taken, or the collection is too large to get
///   another name.
pub(crate) async fn edit(
    app: &Arc<App>,
    caller: &Caller,
    which: Which,
    edit: Edit,
) -> Result<Described, Error> {
    check_right(caller, &which.project)?;
    check(&app.settings.limits, &edit)?;
    let who = caller.who();
    let write = move |change: &mut Change<'_>| {
        let mut found = find(change.tx, &which)?;
        found.description = edit.description.or(found.description);
        let mut tags = found.tags();
        tags.retain(|tag| !edit.remove_tags.contains(tag));
        for tag in edit.add_tags {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        check_list(&change.app.settings.limits, "tags", &tags)?;
        found.tags = json!(tags).to_string();
        let (old, project) = (found.name.clone(), found.project.clone());
        if let Some(name) = edit.name.filter(|name| *name != old) {
            let object = format!("{old} as {name}");
            found = rename(change, found, name)?;
            audit::note(change, who, "rename artifact", object, Some(project))?;
        }
        store::collections::save(change.tx, &found)?;
        Ok(found.into())
    };
    app.change(write).await
}

fn check(limits: &Limits, edit: &Edit) -> Result<(), Error> {
    for tag in edit.add_tags.iter().chain(&edit.remove_tags) {
        check_name(limits, "a tag", tag)?;
    }
    let most = limits.text_bytes;
    if edit.description.iter().any(|text| text.len() > most) {
        return Err(Error::invalid(format!("the description has more than {most} bytes")));
    }
    let name = edit.name.as_ref().map(|name| artifact::check_name("name", name));
    name.transpose().map(drop).map_err(|bad| Error::invalid(bad.to_string()))
}

/// Gives a collection another name. The numbers of its versions stay taken under the old name.
fn rename(change: &Change<'_>, old: Collection, name: String) -> Result<Collection, Error> {
    let (tx, project) = (change.tx, &old.project);
    let there = store::collections::get(tx, project, &name)?;
    // A collection may get a name back that it had before: its numbers are the same.
    let was_other = there.next > 0 && there.moved.as_ref() != Some(&old.name);
    if was_other || store::collections::is_taken(tx, project, &name)? {
        let message = format!(
            "`{name}` is the name of another artifact or portfolio of `{project}`, or was it"
        );
        return Err(Error::refused(Why::State, message).hint("choose another name"));
    }
    let (rows, most) =
        (store::collections::rows(tx, project, &old.name)?, change.app.settings.limits.renamed);
    if rows > most {
        let message = format!(
            "`{}` has {rows} versions, links and aliases: one with more than {most} keeps its name",
            old.name
        );
        return Err(Error::refused(Why::State, message));
    }
    let next = match is_portfolio(tx, project, &old.name)? {
        true => store::links::next(tx, project, &old.name)?,
        false => store::artifacts::next(tx, project, &old.name)?,
    };
    store::collections::rename(tx, project, &old.name, &name)?;
    let left = Collection {
        description: None,
        tags: "[]".to_owned(),
        next,
        moved: Some(name.clone()),
        ..old.clone()
    };
    store::collections::save(tx, &left)?;
    Ok(Collection { name, next: 0, moved: None, ..old })
}

/// Gives all versions of a name another type.
///
/// # Errors
/// - Fails with [`Error::Invalid`] if the type is malformed.
/// - Fails with [`Error::Missing`] if there is no such artifact.
/// - Fails with [`Error::Refused`] for a portfolio, whose versions have the types of their names.
pub(crate) async fn set_kind(
    app: &Arc<App>,
    caller: &Caller,
    which: Which,
    kind: String,
) -> Result<Described, Error> {
    check_right(caller, &which.project)?;
    artifact::check_name("type", &kind).map_err(|bad| Error::invalid(bad.to_string()))?;
    loop {
        let (which, kind) = (which.clone(), kind.clone());
        let write = move |change: &mut Change<'_>| {
            let found = find(change.tx, &which)?;
            let Collection { project, name, .. } = &found;
            if is_portfolio(change.tx, project, name)? {
                let message = format!("`{name}` is a portfolio, which has no type of its own");
                return Err(Error::refused(Why::State, message));
            }
            let most = change.app.settings.limits.changed as u32;
            let more = store::collections::set_kind(change.tx, project, name, &kind, most)?;
            Ok((found, more))
        };
        let (found, more) = app.change(write).await?;
        if !more {
            return Ok(found.into());
        }
    }
}

/// Removes a collection: all versions of a name, or a portfolio, whose versions stay. The numbers
/// stay taken. A repeated call goes on with what is left.
///
/// # Errors
/// Fails with [`Error::Missing`] if there is no such collection.
pub(crate) async fn remove(app: &Arc<App>, caller: &Caller, which: Which) -> Result<(), Error> {
    check_right(caller, &which.project)?;
    let (wanted, who) = (which.clone(), caller.who());
    let begin = move |change: &mut Change<'_>| {
        let found = find(change.tx, &wanted)?;
        let (name, project) = (found.name.clone(), found.project.clone());
        audit::note(change, who, "remove artifact", name, Some(project))?;
        let empty = Collection { description: None, tags: "[]".to_owned(), ..found };
        store::collections::save(change.tx, &empty)?;
        Ok(empty)
    };
    let found = app.change(begin).await?;
    let most = app.settings.limits.changed as u32;
    loop {
        let Collection { project, name, .. } = found.clone();
        let some = move |change: &mut Change<'_>| {
            let versions = store::artifacts::oldest(change.tx, &project, &name, most)?;
            versions.iter().try_for_each(|version| artifacts::drop_one(change, version))?;
            let more = store::links::remove_some(change.tx, &project, &name, most)?;
            Ok(more || versions.len() == most as usize)
        };
        if !app.change(some).await? {
            return Ok(());
        }
    }
}
