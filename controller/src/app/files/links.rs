//! Links versions of artifacts into portfolios. A portfolio is a name in a project, like that of an
//! artifact, whose versions belong to other names, and maybe to other projects. `api::wandb` calls
//! this module. `app::files::versions` finds versions by the names of portfolios too.

use std::sync::Arc;

use record::{
    artifact::{LATEST, check_alias, check_name},
    ids::ProjectId,
};

use super::{
    artifacts::{self, ArtifactView},
    labels::{self, check_aliases, check_room},
    versions::{self, Wanted},
};
use crate::{
    app::{
        App,
        change::Change,
        error::{Error, Why},
        limits::check_list,
        people::{
            caller::{Caller, Right},
            permit,
            things::Thing,
        },
    },
    store::{self, Tx, artifacts::Version, links::Link},
};

/// A version in a portfolio.
#[derive(Clone, Debug)]
pub(crate) struct Linked {
    /// The version.
    pub(crate) view: ArtifactView,
    /// The link.
    pub(crate) link: Link,
    /// The aliases that the version has in the portfolio.
    pub(crate) aliases: Vec<String>,
}

/// The portfolio that a version is linked into.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The project, as the caller says it.
    pub(crate) project: String,
    /// The name of the portfolio.
    pub(crate) name: String,
    /// The aliases for the version in the portfolio.
    pub(crate) aliases: Vec<String>,
}

/// Links a version into a portfolio, which this call makes if it is missing. A version that is
/// linked already keeps its number, and gets the aliases.
///
/// # Errors
/// - Fails with [`Error::Invalid`] if a name is malformed.
/// - Fails with [`Error::Missing`] if the caller may not see the version or the project.
/// - Fails with [`Error::Refused`] if the project has an artifact of this name.
pub(crate) async fn link(
    app: &Arc<App>,
    caller: &Caller,
    wanted: Wanted,
    target: Target,
) -> Result<Linked, Error> {
    check_list(&app.settings.limits, "aliases to give", &target.aliases)?;
    let own = |alias: &&String| *alias != LATEST;
    let checked = target.aliases.iter().filter(own).try_for_each(|alias| check_alias(alias));
    checked
        .and_then(|()| check_name("name", &target.name))
        .map_err(|bad| Error::invalid(bad.to_string()))?;
    let project = caller.project(&target.project)?;
    let caller = caller.clone();
    let add = move |change: &mut Change<'_>| {
        let no_project = || permit::no_project(&project);
        permit::artifacts_of(change.tx, &caller, Right::Log, &project, no_project)?;
        let version = versions::find(change.tx, change.app, &caller, Right::See, &wanted)?;
        let (tx, name) = (change.tx, target.name.as_str());
        if store::artifacts::newest(tx, &project, name)?.is_some() {
            let message = format!("`{name}` is an artifact of the project `{project}`");
            return Err(Error::refused(Why::State, message).hint("choose another name"));
        }
        let link = match store::links::to(tx, &project, name, version.key)? {
            Some(link) => link,
            None => {
                let now_ms = change.app.clock.wall_ms();
                store::links::add(tx, &project, name, version.key, now_ms)?
            }
        };
        for alias in [LATEST].into_iter().chain(target.aliases.iter().map(String::as_str)) {
            store::links::set_alias(tx, &link, alias)?;
        }
        linked(tx, change.app, link)?.ok_or_else(|| Error::missing("the version was removed"))
    };
    app.change(add).await
}

/// Changes the aliases that a version has in a portfolio, or those that it has by its own name.
///
/// # Errors
/// - Fails with [`Error::Invalid`] if a name cannot be an alias, if a name is `latest`, or if the
///   portfolio would have too many aliases.
/// - Fails with [`Error::Missing`] if the version is not in the portfolio, or the caller may not
///   see the project.
pub(crate) async fn alias(
    app: &Arc<App>,
    caller: &Caller,
    wanted: Wanted,
    (project, name): (String, String),
    add: Vec<String>,
    remove: Vec<String>,
) -> Result<ArtifactView, Error> {
    let project = caller.project(&project)?;
    let version = artifacts::get(app, caller, wanted.clone()).await?.version;
    if (&project, &name) == (&version.project, &version.name) {
        return labels::alias(app, caller, wanted, add, remove).await;
    }
    caller.check(Right::Steer, &project, Thing::Project, || permit::no_project(&project))?;
    check_aliases(app, &add, &remove)?;
    let caller = caller.clone();
    let write = move |change: &mut Change<'_>| {
        let version = versions::find(change.tx, change.app, &caller, Right::See, &wanted)?;
        let link = in_portfolio(change.tx, &project, &name, &version)?;
        check_room(change, &project, &name, &add)?;
        add.iter().try_for_each(|alias| store::links::set_alias(change.tx, &link, alias))?;
        remove.iter().try_for_each(|alias| store::links::drop_alias(change.tx, &link, alias))?;
        artifacts::view(change.tx, change.app, version)
    };
    app.change(write).await
}

/// Returns the link of a portfolio to a version.
fn in_portfolio(
    tx: &Tx<'_>,
    project: &ProjectId,
    name: &str,
    version: &Version,
) -> Result<Link, Error> {
    let link = store::links::to(tx, project, name, version.key)?;
    link.ok_or_else(|| Error::missing(format!("the version is not in the portfolio `{name}`")))
}

/// Removes a version from a portfolio. The version itself stays.
///
/// # Errors
/// Fails with [`Error::Missing`] if the version is not in the portfolio, or the caller may not see
/// the project.
pub(crate) async fn unlink(
    app: &Arc<App>,
    caller: &Caller,
    wanted: Wanted,
    project: ProjectId,
    name: String,
) -> Result<(), Error> {
    caller.check(Right::Steer, &project, Thing::Project, || permit::no_project(&project))?;
    let caller = caller.clone();
    let remove = move |change: &mut Change<'_>| {
        let version = versions::find(change.tx, change.app, &caller, Right::See, &wanted)?;
        let link = in_portfolio(change.tx, &project, &name, &version)?;
        Ok(store::links::remove(change.tx, &link, LATEST)?)
    };
    app.change(remove).await
}

/// Returns the versions in a portfolio, the newest first. An empty name means all portfolios of the
/// project, sorted by name.
///
/// # Errors
/// Fails if the database does. A caller who may not see the project gets nothing, and no caller
/// gets versions of projects that the caller may not see.
pub(crate) async fn list(
    app: &Arc<App>,
    caller: &Caller,
    project: ProjectId,
    name: String,
) -> Result<Vec<Linked>, Error> {
    let caller = caller.clone();
    app.read(move |tx, app| {
        if !permit::sees_artifacts(tx, &caller, &project)? {
            return Ok(Vec::new());
        }
        seen(tx, app, &caller, store::links::of_project(tx, &project, &name)?)
    })
    .await
}

/// Finds a version in a portfolio by its number or an alias there; `None` if there is none that the
/// caller may see.
///
/// # Errors
/// Fails if the database does.
pub(crate) async fn find(
    app: &Arc<App>,
    caller: &Caller,
    project: ProjectId,
    name: String,
    version: String,
) -> Result<Option<Linked>, Error> {
    let caller = caller.clone();
    app.read(move |tx, app| {
        if !permit::sees_artifacts(tx, &caller, &project)? {
            return Ok(None);
        }
        let link = versions::in_portfolio(tx, &project, &name, &version)?;
        Ok(seen(tx, app, &caller, link.into_iter().collect())?.pop())
    })
    .await
}

/// Returns the views of those links whose versions the caller may see.
fn seen(tx: &Tx<'_>, app: &App, caller: &Caller, links: Vec<Link>) -> Result<Vec<Linked>, Error> {
    let mut seen = Vec::new();
    for link in links {
        if let Some(linked) = linked(tx, app, link)?
            && permit::sees_artifacts(tx, caller, &linked.view.version.project)?
        {
            seen.push(linked);
        }
    }
    Ok(seen)
}

/// Returns the places of a version in portfolios that the caller may see.
///
/// # Errors
/// Fails if the database does.
pub(crate) async fn of_version(
    app: &Arc<App>,
    caller: &Caller,
    key: i64,
) -> Result<Vec<Linked>, Error> {
    let caller = caller.clone();
    app.read(move |tx, app| {
        let mut links = Vec::new();
        for link in store::links::of_version(tx, key)? {
            if permit::sees_artifacts(tx, &caller, &link.project)? {
                links.push(link);
            }
        }
        seen(tx, app, &caller, links)
    })
    .await
}

/// Returns the view of a link; `None` if the version was removed.
fn linked(tx: &Tx<'_>, app: &App, link: Link) -> Result<Option<Linked>, Error> {
    let Some(version) = store::artifacts::at(tx, link.artifact)? else { return Ok(None) };
    let (view, aliases) = (artifacts::view(tx, app, version)?, store::links::aliases(tx, &link)?);
    Ok(Some(Linked { view, link, aliases }))
}
