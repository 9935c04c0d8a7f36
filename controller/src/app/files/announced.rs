//! Makes versions of artifacts as W&B's client does: the client announces a version, sends its
//! files and a manifest of its own form, and commits it (commit.rs). `api::wandb` calls this
//! module.

use std::sync::Arc;

use record::{
    artifact::{self, ArtifactRow},
    ids::{Attempt, ProjectId},
};
use serde_json::json;

use super::{
    artifacts::{self, ArtifactView},
    signed,
};
use crate::{
    app::{
        App,
        change::Change,
        error::{Error, Why},
        limits::{check_list, check_name},
        people::{
            caller::{Caller, Right},
            permit,
            things::Thing,
        },
        runs::lookup::{self, Named},
    },
    store::{self, Tx, announced::Announced, artifacts::Version, runs::Run},
};

/// What the client says about a version when it announces it.
#[derive(Clone, Debug, Default)]
pub(crate) struct New {
    /// The run that makes the version.
    pub(crate) run: Named,
    /// The artifact's name.
    pub(crate) name: String,
    /// The artifact's type.
    pub(crate) kind: String,
    /// The digest that the client has computed for its manifest.
    pub(crate) digest: String,
    /// The metadata as a JSON object; empty if there is none.
    pub(crate) metadata: String,
    /// The aliases for the version.
    pub(crate) aliases: Vec<String>,
    /// What people say about the version.
    pub(crate) description: String,
    /// The tags of the version.
    pub(crate) tags: Vec<String>,
    /// The step of the run's history.
    pub(crate) step: Option<i64>,
    /// The id that the client has made up for the version.
    pub(crate) client: Option<String>,
    /// The id that several processes share which make the version together.
    pub(crate) shared: Option<String>,
}

/// Announces a version. If a version of this name was announced with the same digest before, that
/// version gets what the client says, and no other is made. Returns the key of the announced
/// artifact, and its project.
///
/// # Errors
/// - Fails with [`Error::Invalid`] if a name is malformed or a text is too long.
/// - Fails with [`Error::Missing`] if the caller may not see the run, and refuses a caller who may
///   not log to it.
pub(crate) async fn create(
    app: &Arc<App>,
    caller: &Caller,
    mut new: New,
) -> Result<(i64, ProjectId), Error> {
    // This alias moves by itself.
    new.aliases.retain(|alias| alias != artifact::LATEST);
    check(app, &new)?;
    let (project, who) = (caller.project(&new.run.project)?, caller.clone());
    let (named, name, digest) = (new.run.clone(), new.name.clone(), new.digest.clone());
    let is_part = new.shared.is_some();
    let look = move |tx: &Tx<'_>, _: &App| {
        let run = run_of(tx, &who, &project, &named)?;
        if !store::links::of_project(tx, &project, &name)?.is_empty() {
            let message = format!("`{name}` is a portfolio of the project `{project}`");
            return Err(Error::refused(Why::State, message).hint("choose another name"));
        }
        // The digest of an artifact that adds to the newest version, or of a part of one, says
        // nothing about the whole.
        let known = match is_part || grows(tx, &project, &name)? {
            true => None,
            false => store::announced::with_digest(tx, &project, &name, &digest)?,
        };
        let known = known.map(|key| store::artifacts::at(tx, key)).transpose()?.flatten();
        Ok((run.map(|run| (lookup::attempt_of(&who, &run), run.key)), project, known))
    };
    let (run, project, known) = app.read(look).await?;
    if let (Some((of, _)), Some(version)) = (&run, &known) {
        let row = row(&new, version.digest.clone(), version.manifest_size);
        log(app, of, row).await?;
    }
    let announced = Announced {
        project: project.clone(),
        run: run.as_ref().map(|(_, key)| *key),
        attempt: run.map_or(0, |(of, _)| of.number),
        name: new.name,
        kind: new.kind,
        digest: new.digest,
        metadata: new.metadata,
        aliases: json!(new.aliases).to_string(),
        description: new.description,
        tags: json!(new.tags).to_string(),
        step: new.step,
        client: new.client,
        shared: new.shared,
        artifact: known.as_ref().map(|version| version.key),
        created_ms: app.clock.wall_ms(),
        ..Announced::default()
    };
    let insert = move |change: &mut Change<'_>| {
        if let Some(version) = &known {
            describe(change.tx, version, &announced)?;
        }
        Ok((store::announced::insert(change.tx, &announced)?, project))
    };
    app.change(insert).await
}

/// Returns whether the newest version of a name was made by adding to the one before it.
fn grows(tx: &Tx<'_>, project: &ProjectId, name: &str) -> Result<bool, Error> {
    let newest = store::artifacts::newest(tx, project, name)?;
    let made = newest.map(|newest| store::announced::of_version(tx, newest.key)).transpose()?;
    Ok(made.flatten().is_some_and(|made| made.partial))
}

/// Returns the run that the caller names and may log to; `None` if the caller names none.
fn run_of(
    tx: &Tx<'_>,
    caller: &Caller,
    project: &ProjectId,
    named: &Named,
) -> Result<Option<Run>, Error> {
    if named.name.is_empty() {
        caller.check(Right::Log, project, Thing::Project, || permit::no_project(project))?;
        return Ok(None);
    }
    lookup::find_to_log(tx, caller, project, named).map(Some)
}

/// Notes which run makes an announced artifact, if the client has not said it before.
///
/// # Errors
/// Fails as [`making`] does, and as [`create`] does for the run.
pub(crate) async fn adopt(
    app: &Arc<App>,
    caller: &Caller,
    key: i64,
    named: Named,
) -> Result<(), Error> {
    let caller = caller.clone();
    app.change(move |change| {
        let (announced, run) = find(change.tx, &caller, key)?;
        let said = run_of(change.tx, &caller, &announced.project, &named)?;
        match said.filter(|_| run.is_none()) {
            Some(said) => {
                let number = lookup::attempt_of(&caller, &said).number;
                Ok(store::announced::set_run(change.tx, key, said.key, number)?)
            }
            None => Ok(()),
        }
    })
    .await
}

fn check(app: &App, new: &New) -> Result<(), Error> {
    let limits = &app.settings.limits;
    check_list(limits, "tags", &new.tags)?;
    for tag in &new.tags {
        check_name(limits, "a tag", tag)?;
    }
    let texts =
        [Some(&new.digest), Some(&new.description), new.client.as_ref(), new.shared.as_ref()];
    if texts.into_iter().flatten().any(|text| text.len() > limits.text_bytes) {
        let most = limits.text_bytes;
        let message = format!("a text of the artifact `{}` has more than {most} bytes", new.name);
        return Err(Error::invalid(message));
    }
    // The client logs the row at the end. A row that would be refused then is refused now.
    row(new, "0".repeat(64), 0).check().map_err(|bad| Error::invalid(bad.to_string()))
}

fn row(new: &New, digest: String, size: u64) -> ArtifactRow {
    let New { name, kind, metadata, aliases, .. } = new.clone();
    ArtifactRow { name, kind, digest, size, metadata, aliases }
}

/// Appends the row of a version to the run, as the attempt that makes the version.
pub(super) async fn log(app: &Arc<App>, of: &Attempt, row: ArtifactRow) -> Result<(), Error> {
    let values = row.values().into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let row = record::Row { step: 0, wall_ms: app.clock.wall_ms(), values };
    signed::log(app, &Caller::Run(of.clone()), of.clone(), row).await
}

/// Returns the attempt that makes an announced artifact, if the caller may write as this attempt.
///
/// # Errors
/// Fails with [`Error::Missing`] if there is no such artifact, and refuses a caller who may not log
/// to its run. Fails with [`Error::Refused`] if the client has not said which run makes it.
pub(crate) async fn making(app: &Arc<App>, caller: &Caller, key: i64) -> Result<Attempt, Error> {
    let caller = caller.clone();
    app.read(move |tx, _| {
        let (announced, run) = find(tx, &caller, key)?;
        let no_run = || {
            Error::refused(
                Why::State,
                format!("the artifact `{}` belongs to no run", announced.name),
            )
            .hint("log it with `run.log_artifact`")
        };
        Ok(Attempt { run: run.ok_or_else(no_run)?.id, number: announced.attempt })
    })
    .await
}

pub(super) fn find(
    tx: &Tx<'_>,
    caller: &Caller,
    key: i64,
) -> Result<(Announced, Option<Run>), Error> {
    let missing = || {
        Error::missing("no announced artifact has this id")
            .hint("an artifact that is not committed within a day is forgotten: log it again")
    };
    let announced = store::announced::get(tx, key)?.ok_or_else(missing)?;
    let run = announced.run.map(|run| store::runs::at(tx, run)).transpose()?.flatten();
    let permitted = match &run {
        Some(run) => permit::run_in(tx, caller, Right::Log, &run.id),
        None => caller.check(Right::Log, &announced.project, Thing::Project, missing),
    };
    // Nobody learns of a run that is hidden.
    match permitted {
        Err(Error::Missing(_)) => Err(missing()),
        permitted => permitted.map(|()| (announced, run)),
    }
}

/// Notes that the client's manifest will only add to that of the newest version.
///
/// # Errors
/// Fails as [`making`] does.
pub(crate) async fn add_only(app: &Arc<App>, caller: &Caller, key: i64) -> Result<(), Error> {
    let caller = caller.clone();
    app.change(move |change| {
        find(change.tx, &caller, key)?;
        Ok(store::announced::set_partial(change.tx, key)?)
    })
    .await
}

/// Passes if several processes make the artifact together.
///
/// # Errors
/// Fails as [`making`] does, and with [`Error::Refused`] if one process makes the artifact.
pub(crate) async fn check_shared(app: &Arc<App>, caller: &Caller, key: i64) -> Result<(), Error> {
    let caller = caller.clone();
    app.read(move |tx, _| match find(tx, &caller, key)?.0 {
        Announced { shared: Some(_), .. } => Ok(()),
        Announced { name, .. } => {
            let message = format!("`{name}` was announced without a distributed id");
            Err(Error::refused(Why::State, message))
        }
    })
    .await
}

/// Returns for each MD5 whether the project of the artifact has such a content.
///
/// # Errors
/// Fails as [`making`] does.
pub(crate) async fn has(
    app: &Arc<App>,
    caller: &Caller,
    key: i64,
    md5s: Vec<String>,
) -> Result<Vec<bool>, Error> {
    let (files, most) = (md5s.len(), app.settings.limits.hashes);
    if files > most {
        return Err(Error::invalid(format!("the request has {files} files; the limit is {most}")));
    }
    let caller = caller.clone();
    app.change(move |change| {
        let (announced, _) = find(change.tx, &caller, key)?;
        let now_ms = change.app.clock.wall_ms();
        let has = |md5: &String| {
            let known = store::files::with_md5(change.tx, &announced.project, md5)?;
            // The client does not send them, so they must outlive the time until the commit.
            for (sha256, _) in &known {
                store::files::keep(change.tx, sha256, now_ms)?;
            }
            Ok(!known.is_empty())
        };
        md5s.iter().map(has).collect()
    })
    .await
}

/// Returns the key of the artifact for which the client has made up this id; `None` if there is
/// none that the caller may make or use.
///
/// # Errors
/// Fails if the database does.
pub(crate) async fn of_client(
    app: &Arc<App>,
    caller: &Caller,
    client: String,
) -> Result<Option<i64>, Error> {
    let caller = caller.clone();
    app.read(move |tx, _| {
        let Some(found) = store::announced::of_client(tx, &client)? else { return Ok(None) };
        match find(tx, &caller, found.key) {
            Err(Error::Missing(_) | Error::Refused(..)) => return Ok(None),
            found => found?,
        };
        // The version may have been announced before, and has the key of that announcement.
        let first = found.artifact.map(|key| store::announced::of_version(tx, key)).transpose()?;
        Ok(Some(first.flatten().map_or(found.key, |first| first.key)))
    })
    .await
}

/// Returns the version that came of an announced artifact; `None` if there is none yet. A caller
/// that may log to the run may see the version, even if it may see nothing else.
///
/// # Errors
/// Fails as [`making`] does.
pub(crate) async fn version(
    app: &Arc<App>,
    caller: &Caller,
    key: i64,
) -> Result<Option<ArtifactView>, Error> {
    let caller = caller.clone();
    app.read(move |tx, app| {
        let (announced, _) = find(tx, &caller, key)?;
        let found = announced.artifact.map(|key| store::artifacts::at(tx, key)).transpose()?;
        found.flatten().map(|version| artifacts::view(tx, app, version)).transpose()
    })
    .await
}

/// Gives a version the description and the tags that the client has announced, if it has announced
/// any.
pub(super) fn describe(tx: &Tx<'_>, version: &Version, announced: &Announced) -> Result<(), Error> {
    let said = |new: &str, empty: &str, old: &str| -> String {
        if new.is_empty() || new == empty { old.to_owned() } else { new.to_owned() }
    };
    let description = said(&announced.description, "", &version.description);
    let tags = said(&announced.tags, "[]", &version.tags);
    Ok(store::artifacts::describe(tx, version.key, &description, &tags)?)
}

/// Forgets the artifacts that were announced before `before_ms` and never committed.
///
/// # Errors
/// Fails if the database does.
pub(in crate::app) async fn expire(app: &Arc<App>, before_ms: i64) -> Result<(), Error> {
    let is_due = app.read(move |tx, _| Ok(store::announced::is_due(tx, before_ms)?)).await?;
    if is_due {
        app.change(move |change| Ok(store::announced::expire(change.tx, before_ms)?)).await?;
    }
    Ok(())
}
