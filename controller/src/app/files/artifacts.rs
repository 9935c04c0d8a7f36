//! Stores artifacts: named sets of files that runs make and use, in versions. The handlers in `api`
//! call this module, and so does `app::files::rows` for a row that names an artifact. The content
//! of a version never changes. A row makes a new version only if no version of its name has the
//! manifest's digest. The transaction that would make the version checks this. This module never
//! opens a reference.

use std::sync::Arc;

use record::{
    artifact::{ArtifactRow, Content, Entry, LATEST, entries},
    ids::{Attempt, ProjectId, RunId},
};

pub(crate) use crate::store::artifacts::Version;

use super::{
    blobs::{self, Piece},
    owner::Names,
    references::{self, Found},
    versions::{self, Wanted},
};
use crate::{
    app::{
        App,
        change::Change,
        error::Error,
        people::{
            audit,
            caller::{Caller, Right},
            permit,
            things::Thing,
        },
        read::{pages, views::Streamed},
        runs::lookup,
    },
    store::{self, Tx, announced::Announced, artifacts::Role, runs::Run},
};

/// A version of an artifact, with its aliases and the runs that made or used it.
#[derive(Clone, Debug)]
pub(crate) struct ArtifactView {
    /// The version's row in the database.
    pub(crate) version: Version,
    /// The aliases of the version, such as `latest`.
    pub(crate) aliases: Vec<String>,
    /// What W&B's client has said about the version; `None` if the client has not made it.
    pub(crate) announced: Option<Announced>,
    /// The ids of the runs that made the version, at most `limits.artifact_runs`; empty in lists.
    pub(crate) made_by: Vec<RunId>,
    /// The ids of the runs that used the version, at most `limits.artifact_runs`; empty in lists.
    pub(crate) used_by: Vec<RunId>,
    /// Those of `made_by` and `used_by` that are deleted.
    pub(crate) deleted: Vec<RunId>,
}

impl ArtifactView {
    /// Returns about how many bytes this view takes in a list.
    fn weight(&self) -> usize {
        let Version { project, name, metadata, description, tags, .. } = &self.version;
        let aliases = self.aliases.iter().map(String::len).sum::<usize>();
        let said = metadata.len() + description.len() + tags.len();
        project.as_str().len() + name.len() + said + aliases
    }
}

/// A version of an artifact that a run made or used.
#[derive(Clone, Debug)]
pub(crate) struct OfRun {
    /// The version that the run made or used.
    pub(crate) artifact: ArtifactView,
    /// Whether the run made the version; `false` means that the run used it.
    pub(crate) made: bool,
}

/// The most entries of a manifest that one transaction writes or removes.
const ENTRIES: usize = 1000;

/// A version that is ready to be kept: the row that names it, and facts from its manifest.
#[derive(Clone, Debug)]
pub(in crate::app) struct Logged {
    row: ArtifactRow,
    /// The number of entries in the manifest.
    pub(in crate::app) entries: usize,
    /// The bytes of all contents in the manifest. References count 0 bytes.
    bytes: u64,
    /// The key under which the entries are stored until a version owns them. `None` means that a
    /// version with this manifest existed when the row was staged.
    staged: Option<i64>,
}

/// Prepares the version that a row names. A manifest may have so many entries that one transaction
/// for all of them would take too long. So this function writes the entries before the row is kept,
/// some at a time.
///
/// # Errors
/// Fails with [`Why::Blob`](crate::app::error::Why::Blob) if the manifest or a content is not
/// stored, and with [`Error::Invalid`] if the manifest is malformed.
pub(in crate::app) async fn stage(
    app: &Arc<App>,
    caller: &Caller,
    run: &RunId,
    row: ArtifactRow,
) -> Result<Logged, Error> {
    let (run, who) = (run.clone(), caller.clone());
    let names =
        app.read(move |tx, _| Names::of(tx, &who, &lookup::find(tx, &run)?.project)).await?;
    let entries = read_manifest(app, &names, &row).await?;
    let bytes = entries.iter().fold(0_u64, |sum, entry| match &entry.content {
        Content::Blob { size, .. } => sum.saturating_add(*size),
        Content::Reference { .. } => sum,
    });
    let (project, name, digest) = (names.project.clone(), row.name.clone(), row.digest.clone());
    let known = app.read(move |tx, _| {
        Ok(store::artifacts::with_digest(tx, &project, &name, &digest)?.is_some())
    });
    let mut logged = Logged { row, entries: entries.len(), bytes, staged: None };
    if known.await? {
        return Ok(logged);
    }
    let key = app.change(|change| Ok(store::artifacts::stage(change.tx, change.now_ms)?)).await?;
    let mut entries = entries.into_iter().peekable();
    while entries.peek().is_some() {
        let some: Vec<Entry> = entries.by_ref().take(ENTRIES).collect();
        let names = names.clone();
        app.change(move |change| write(change.tx, &names, key, &some)).await?;
    }
    logged.staged = Some(key);
    Ok(logged)
}

fn write(tx: &Tx<'_>, names: &Names, key: i64, entries: &[Entry]) -> Result<(), Error> {
    for Entry { path, content } in entries {
        if let Content::Blob { sha256, size } = content {
            names.claim(tx, path, sha256, *size)?;
        }
    }
    Ok(store::artifacts::write(tx, key, entries)?)
}

async fn read_manifest(
    app: &Arc<App>,
    names: &Names,
    row: &ArtifactRow,
) -> Result<Vec<Entry>, Error> {
    let (digest, size, name, names) =
        (row.digest.clone(), row.size, row.name.clone(), names.clone());
    app.read(move |tx, _| names.check(tx, &name, &digest, size)).await?;
    let manifest = app.store.blobs.read(&row.digest, 0..row.size).await?;
    std::str::from_utf8(&manifest)
        .map_err(|_| Error::invalid(format!("the manifest of `{}` is not text", row.name)))
        .and_then(|text| {
            entries(text)
                .map_err(|bad| Error::invalid(format!("the manifest of `{}`: {bad}", row.name)))
        })
}

/// Removes the entries of removed versions, and entries that were staged before `before_ms` and
/// never got a version. Each transaction removes at most `ENTRIES` entries. If the database fails,
/// the next call finds the same work.
pub(in crate::app) async fn sweep(app: &Arc<App>, before_ms: i64) -> Result<(), Error> {
    while let Some(key) =
        app.read(move |tx, _| Ok(store::artifacts::left_over(tx, before_ms)?)).await?
    {
        let remove = move |change: &mut Change<'_>| {
            Ok(store::artifacts::drop_entries(
                change.tx,
                key,
                change.app.clock.wall_ms(),
                ENTRIES as u32,
            )?)
        };
        app.change(remove).await?;
        if app.is_draining() {
            break;
        }
    }
    Ok(())
}

/// Keeps the artifact that a run logged. The artifact becomes a new version unless a version of its
/// name has the same manifest. `latest`, the row's aliases and its metadata go to the version,
/// unless the row is late or its attempt is fenced. A new version always gets the metadata.
///
/// # Errors
/// Fails with [`Why::Blob`](crate::app::error::Why::Blob) if the manifest is not stored. Fails with
/// [`Error::Busy`] if the version with the same manifest was removed a moment ago.
pub(in crate::app) fn keep(
    change: &Change<'_>,
    names: &Names,
    run: &Run,
    fenced: bool,
    logged: &Logged,
) -> Result<(), Error> {
    let Logged { row, .. } = logged;
    let (tx, now_ms) = (change.tx, change.app.clock.wall_ms());
    let version = match store::artifacts::with_digest(tx, &run.project, &row.name, &row.digest)? {
        Some(version) => {
            if !fenced && !row.metadata.is_empty() {
                store::artifacts::set_metadata(tx, version.key, &row.metadata)?;
            }
            version
        }
        None => insert(tx, names, &run.project, logged, now_ms)?,
    };
    if !fenced {
        store::artifacts::set_alias(tx, &version, LATEST)?;
        let known = store::artifacts::aliases_of_name(tx, &version.project, &version.name)?;
        let room = change.app.settings.limits.aliases.saturating_sub(known);
        // The row is kept even if it has too many aliases. Aliases beyond the limit are left out.
        for alias in row.aliases.iter().take(room as usize) {
            store::artifacts::set_alias(tx, &version, alias)?;
        }
    }
    Ok(store::artifacts::note(tx, version.key, Role::Made, run.key, now_ms)?)
}

fn insert(
    tx: &Tx<'_>,
    names: &Names,
    project: &ProjectId,
    logged: &Logged,
    now_ms: i64,
) -> Result<Version, Error> {
    let Logged { row, entries, bytes, staged } = logged;
    names.claim(tx, &row.name, &row.digest, row.size)?;
    // `staged` is `None` here only if the version with the same manifest was removed a moment ago.
    let gone =
        || Error::busy(format!("the version of `{}` with this content was just removed", row.name));
    let metadata = if row.metadata.is_empty() { "{}".to_owned() } else { row.metadata.clone() };
    let version = Version {
        key: staged.ok_or_else(gone)?,
        project: project.clone(),
        name: row.name.clone(),
        kind: row.kind.clone(),
        version: store::artifacts::next(tx, project, &row.name)?,
        digest: row.digest.clone(),
        manifest_size: row.size,
        metadata,
        files: *entries as u64,
        size: *bytes,
        description: String::new(),
        tags: "[]".to_owned(),
        created_ms: now_ms,
    };
    store::artifacts::settle(tx, &version)?;
    Ok(version)
}

/// Returns a version that a run is about to use, and records the use.
///
/// # Errors
/// Fails with [`Error::Missing`] if the version does not exist. Fails with [`Error::Refused`] if
/// the caller has a run token and the version belongs to another project.
pub(crate) async fn use_one(
    app: &Arc<App>,
    caller: &Caller,
    user: Attempt,
    wanted: Wanted,
) -> Result<ArtifactView, Error> {
    permit::attempt(app, caller, &user).await?;
    let caller = caller.clone();
    let note = move |change: &mut Change<'_>| {
        let Attempt { run, .. } = user;
        let user = change.run(&run)?;
        let wanted = Wanted { run: Some(run), ..wanted };
        let version = versions::find(change.tx, change.app, &caller, Right::See, &wanted)?;
        let now_ms = change.app.clock.wall_ms();
        store::artifacts::note(change.tx, version.key, Role::Used, user.key, now_ms)?;
        view(change.tx, change.app, version)
    };
    app.change(note).await
}

/// Returns one version of an artifact with the runs that made and used the version.
///
/// # Errors
/// Fails with [`Error::Missing`] if the version does not exist. Fails with [`Error::Refused`] if
/// the caller has a run token and the version belongs to another project.
pub(crate) async fn get(
    app: &Arc<App>,
    caller: &Caller,
    wanted: Wanted,
) -> Result<ArtifactView, Error> {
    let caller = caller.clone();
    app.read(move |tx, app| view(tx, app, versions::find(tx, app, &caller, Right::See, &wanted)?))
        .await
}

/// Returns the versions of artifacts, sorted by project and name. The newest version of each name
/// comes first. An empty `project` means every project, and an empty `name` every name.
///
/// # Errors
/// Refuses the token of a run.
pub(crate) fn list(
    app: &Arc<App>,
    caller: &Caller,
    project: String,
    name: String,
) -> Result<Streamed<ArtifactView>, Error> {
    caller.admits(Right::See)?;
    let project =
        if project.is_empty() { ProjectId::default() } else { caller.project(&project)? };
    let caller = caller.clone();
    Ok(pages::streamed(
        app,
        ArtifactView::weight,
        move |tx, _, last: Option<&ArtifactView>, limit| {
            let mut after = last.map(|view| view.version.clone());
            loop {
                let page = store::artifacts::page(tx, &project, &name, after.as_ref(), limit)?;
                after = page.last().cloned();
                let sees =
                    |version: &Version| caller.may(Right::See, &version.project, Thing::Project);
                let seen: Vec<Version> = page.into_iter().filter(sees).collect();
                if !seen.is_empty() || after.is_none() {
                    return listed(tx, seen);
                }
            }
        },
    ))
}

/// Returns the versions of artifacts that a run has made, then the versions that the run has used.
///
/// # Errors
/// Fails with [`Error::Missing`] if the run does not exist.
pub(crate) async fn of_run(
    app: &Arc<App>,
    caller: &Caller,
    id: RunId,
) -> Result<Streamed<OfRun>, Error> {
    permit::run(app, caller, Right::See, &id).await?;
    let run = app.read(move |tx, _| lookup::find(tx, &id)).await?;
    let weigh = |of: &OfRun| of.artifact.weight();
    Ok(pages::streamed(app, weigh, move |tx, _, last: Option<&OfRun>, limit| {
        let page = |role, after| {
            let versions = store::artifacts::of_run(tx, run.key, role, after, limit)?;
            let made = role == Role::Made;
            Ok(listed(tx, versions)?.into_iter().map(|artifact| OfRun { artifact, made }).collect())
        };
        let (made, after) = last.map_or((true, 0), |of| (of.made, of.artifact.version.key));
        match if made { page(Role::Made, after)? } else { Vec::new() } {
            none if none.is_empty() => page(Role::Used, if made { 0 } else { after }),
            some => Ok(some),
        }
    }))
}

pub(super) fn listed(tx: &Tx<'_>, versions: Vec<Version>) -> Result<Vec<ArtifactView>, Error> {
    let view = |version: Version| {
        Ok(ArtifactView {
            aliases: store::artifacts::aliases(tx, version.key)?,
            announced: store::announced::of_version(tx, version.key)?,
            made_by: Vec::new(),
            used_by: Vec::new(),
            deleted: Vec::new(),
            version,
        })
    };
    versions.into_iter().map(view).collect()
}

/// Returns the content of one file of a version, in pieces. An empty `path` means the version's
/// manifest.
///
/// # Errors
/// Fails as [`references::content`] does.
pub(crate) async fn read(
    app: &Arc<App>,
    caller: &Caller,
    wanted: Wanted,
    path: String,
) -> Result<Streamed<Piece>, Error> {
    let caller = caller.clone();
    let look = move |tx: &Tx<'_>, app: &App| {
        let version = versions::find(tx, app, &caller, Right::See, &wanted)?;
        if path.is_empty() {
            return Ok((version.digest, version.manifest_size));
        }
        let Found { sha256, size } = references::content_in(tx, &caller, version, path)?;
        Ok((sha256, size))
    };
    let (sha256, size) = app.read(look).await?;
    Ok(blobs::pieces(app, sha256, size, 0..size))
}

/// Removes a version of an artifact, and returns its last view. No later version gets the removed
/// version's number. If the version was `latest`, the newest remaining version becomes `latest`.
///
/// # Errors
/// Fails with [`Error::Missing`] if the version does not exist. Refuses the token of a run.
pub(crate) async fn remove(
    app: &Arc<App>,
    caller: &Caller,
    wanted: Wanted,
) -> Result<ArtifactView, Error> {
    caller.admits(Right::Steer)?;
    let caller = caller.clone();
    let remove = move |change: &mut Change<'_>| {
        let version = versions::find(change.tx, change.app, &caller, Right::Steer, &wanted)?;
        let removed = view(change.tx, change.app, version)?;
        let gone = &removed.version;
        drop_one(change, gone)?;
        if removed.aliases.iter().any(|alias| alias == LATEST)
            && let Some(newest) = store::artifacts::newest(change.tx, &gone.project, &gone.name)?
        {
            store::artifacts::set_alias(change.tx, &newest, LATEST)?;
        }
        let (object, project) = (format!("{}:v{}", gone.name, gone.version), gone.project.clone());
        audit::note(change, caller.who(), "remove artifact", object, Some(project))?;
        Ok(removed)
    };
    app.change(remove).await
}

/// Removes a version with its aliases and its places in portfolios.
pub(super) fn drop_one(change: &Change<'_>, version: &Version) -> Result<(), Error> {
    for link in store::links::of_version(change.tx, version.key)? {
        store::links::remove(change.tx, &link, LATEST)?;
    }
    Ok(store::artifacts::remove(change.tx, version.key, change.app.clock.wall_ms())?)
}

pub(super) fn view(tx: &Tx<'_>, app: &App, version: Version) -> Result<ArtifactView, Error> {
    let (key, limit) = (version.key, app.settings.limits.artifact_runs);
    let mut deleted = Vec::new();
    let mut runs = |role| -> Result<Vec<RunId>, Error> {
        let runs = store::artifacts::runs(tx, key, role, limit)?;
        deleted.extend(runs.iter().filter(|(_, deleted)| *deleted).map(|(run, _)| run.clone()));
        Ok(runs.into_iter().map(|(run, _)| run).collect())
    };
    let (made_by, used_by) = (runs(Role::Made)?, runs(Role::Used)?);
    Ok(ArtifactView {
        aliases: store::artifacts::aliases(tx, key)?,
        announced: store::announced::of_version(tx, key)?,
        made_by,
        used_by,
        deleted,
        version,
    })
}
