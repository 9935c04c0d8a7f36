//! Artifacts: what runs make and use, in versions. Called by the door, and by `app::files::blobs`
//! for a row that tells of one. The content of a version never changes; what decides whether there
//! is a new one is its digest, inside the transaction that would make it. Never opens a reference.

use std::sync::Arc;

use record::artifact::{ArtifactRow, Content, Entry, LATEST, check_alias, entries, number};

pub(crate) use crate::store::artifacts::Version;

use super::{
    blobs::{self, Piece},
    owner::Names,
};
use crate::{
    app::{
        App,
        caller::Caller,
        change::Change,
        error::{Error, Why},
        limits::check_list,
        read::{pages, views::Streamed},
        runs::lookup,
    },
    store::{self, Tx, artifacts::Role, runs::Run},
};

/// A version with what is around it.
#[derive(Clone, Debug)]
pub(crate) struct ArtifactView {
    /// The version.
    pub(crate) version: Version,
    /// What it is called beside its number.
    pub(crate) aliases: Vec<String>,
    /// The runs that made it; none in lists.
    pub(crate) made_by: Vec<String>,
    /// The runs that used it; none in lists.
    pub(crate) used_by: Vec<String>,
}

impl ArtifactView {
    /// About how many bytes it has in a list.
    fn weight(&self) -> usize {
        let Version { project, name, metadata, .. } = &self.version;
        let aliases = self.aliases.iter().map(String::len).sum::<usize>();
        project.len() + name.len() + metadata.len() + aliases
    }
}

/// A version that a run has something to do with.
#[derive(Clone, Debug)]
pub(crate) struct OfRun {
    /// The version.
    pub(crate) artifact: ArtifactView,
    /// The run made it; else it used it.
    pub(crate) made: bool,
}

/// Which version is wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The project.
    pub(crate) project: String,
    /// In place of a project: that of this run.
    pub(crate) run: String,
    /// The name.
    pub(crate) name: String,
    /// `v3`, an alias, or nothing for `latest`.
    pub(crate) version: String,
    /// In place of a version: the newest with this content; empty: by version.
    pub(crate) digest: String,
}

/// Entries that one transaction writes, or removes.
const ENTRIES: usize = 1000;

/// A version that is to be kept: the row that tells of it, and what its manifest says.
#[derive(Clone, Debug)]
pub(in crate::app) struct Logged {
    row: ArtifactRow,
    /// How many entries the manifest has.
    pub(in crate::app) entries: usize,
    /// Bytes of all their contents.
    bytes: u64,
    /// Where they stand until they are a version's; none: there is a version with this content.
    staged: Option<i64>,
}

/// The version that a row tells of. A manifest may have so many entries that the writer would be
/// long at it: they are written before the row comes, some at a time.
///
/// # Errors
/// Refused with [`Why::Blob`] when the manifest or a content is not here; invalid when it is none.
pub(in crate::app) async fn stage(
    app: &Arc<App>,
    caller: &Caller,
    run: &str,
    row: ArtifactRow,
) -> Result<Logged, Error> {
    let (run, who) = (run.to_owned(), caller.clone());
    let names =
        app.read(move |tx, _| Names::of(tx, &who, &lookup::find(tx, &run)?.project)).await?;
    let entries = read_manifest(app, &names, &row).await?;
    let bytes = entries.iter().fold(0_u64, |sum, entry| match &entry.content {
        Content::Blob { size, .. } => sum.saturating_add(*size),
        Content::Reference(_) => sum,
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
        .map_err(|_| Error::invalid(format!("the manifest of `{}` is no text", row.name)))
        .and_then(|text| {
            entries(text)
                .map_err(|bad| Error::invalid(format!("the manifest of `{}`: {bad}", row.name)))
        })
}

/// Removes entries that are no version's any more, or never became one's, some at a time.
///
/// # Errors
/// When the database fails; the next call finds the same work.
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

/// Keeps what a run has logged: the newest version of this name that has this content, or a new
/// one. `latest` and the aliases move to it, unless another attempt owns the run.
///
/// # Errors
/// Refused with [`Why::Blob`] when a blob is not here.
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
        let room = change.app.settings.limits.aliases.saturating_sub(aliases(tx, &version)?);
        // A row that was accepted is not refused for them: those that find no room are not given.
        for alias in row.aliases.iter().take(room as usize) {
            store::artifacts::set_alias(tx, &version, alias)?;
        }
    }
    Ok(store::artifacts::note(tx, version.key, Role::Made, run.key, now_ms)?)
}

/// How many aliases the versions of this name have.
fn aliases(tx: &Tx<'_>, of: &Version) -> Result<u32, Error> {
    Ok(store::artifacts::aliases_of_name(tx, &of.project, &of.name)?)
}

fn insert(
    tx: &Tx<'_>,
    names: &Names,
    project: &str,
    logged: &Logged,
    now_ms: i64,
) -> Result<Version, Error> {
    let Logged { row, entries, bytes, staged } = logged;
    names.claim(tx, &row.name, &row.digest, row.size)?;
    // Who removed the version since, did so in this very moment.
    let gone =
        || Error::busy(format!("the version of `{}` with this content was just removed", row.name));
    let metadata = if row.metadata.is_empty() { "{}".to_owned() } else { row.metadata.clone() };
    let version = Version {
        key: staged.ok_or_else(gone)?,
        project: project.to_owned(),
        name: row.name.clone(),
        kind: row.kind.clone(),
        version: store::artifacts::next(tx, project, &row.name)?,
        digest: row.digest.clone(),
        manifest_size: row.size,
        metadata,
        files: *entries as u64,
        size: *bytes,
        created_ms: now_ms,
    };
    store::artifacts::settle(tx, &version)?;
    Ok(version)
}

/// A version that a run is about to use; that it does is noted.
///
/// # Errors
/// Missing when there is no such version; refused for another project's without the controller's
/// token.
pub(crate) async fn use_one(
    app: &Arc<App>,
    caller: &Caller,
    run: String,
    attempt: u32,
    wanted: Wanted,
) -> Result<ArtifactView, Error> {
    caller.attempt(&run, attempt)?;
    let caller = caller.clone();
    let note = move |change: &mut Change<'_>| {
        let user = change.run(&run)?;
        let wanted = allowed(change.tx, &caller, Wanted { run, ..wanted })?;
        let version = find(change.tx, change.app, &wanted)?;
        let now_ms = change.app.clock.wall_ms();
        store::artifacts::note(change.tx, version.key, Role::Used, user.key, now_ms)?;
        view(change.tx, change.app, version)
    };
    app.change(note).await
}

/// One version with the runs around it.
///
/// # Errors
/// Missing when it is not there; refused when a run asks for another project's.
pub(crate) async fn get(
    app: &Arc<App>,
    caller: &Caller,
    wanted: Wanted,
) -> Result<ArtifactView, Error> {
    let caller = caller.clone();
    app.read(move |tx, app| view(tx, app, find(tx, app, &allowed(tx, &caller, wanted)?)?)).await
}

/// Versions by project and name, newest first; empty texts mean every project and every name.
///
/// # Errors
/// Refused for a run.
pub(crate) fn list(
    app: &Arc<App>,
    caller: &Caller,
    project: String,
    name: String,
) -> Result<Streamed<ArtifactView>, Error> {
    caller.admin()?;
    Ok(pages::streamed(
        app,
        ArtifactView::weight,
        move |tx, _, last: Option<&ArtifactView>, limit| {
            let after = last.map(|view| &view.version);
            listed(tx, store::artifacts::page(tx, &project, &name, after, limit)?)
        },
    ))
}

/// What a run has made, then what it has used.
///
/// # Errors
/// Missing when there is no such run.
pub(crate) async fn of_run(
    app: &Arc<App>,
    caller: &Caller,
    id: String,
) -> Result<Streamed<OfRun>, Error> {
    caller.run(&id)?;
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

fn listed(tx: &Tx<'_>, versions: Vec<Version>) -> Result<Vec<ArtifactView>, Error> {
    let view = |version: Version| {
        let aliases = store::artifacts::aliases(tx, version.key)?;
        Ok(ArtifactView { version, aliases, made_by: Vec::new(), used_by: Vec::new() })
    };
    versions.into_iter().map(view).collect()
}

/// The manifest of a version, or the content of one of its files, in pieces.
///
/// # Errors
/// Missing when there is no such file, or it is a reference.
pub(crate) async fn read(
    app: &Arc<App>,
    caller: &Caller,
    wanted: Wanted,
    path: String,
) -> Result<Streamed<Piece>, Error> {
    let caller = caller.clone();
    let look = move |tx: &Tx<'_>, app: &App| {
        let version = find(tx, app, &allowed(tx, &caller, wanted)?)?;
        if path.is_empty() {
            return Ok((version.digest, version.manifest_size));
        }
        let (name, number) = (&version.name, version.version);
        match store::artifacts::find(tx, version.key, &path)?.map(|entry| entry.content) {
            Some(Content::Blob { sha256, size }) => Ok((sha256, size)),
            Some(Content::Reference(url)) => {
                let message = format!(
                    "`{path}` of `{name}:v{number}` is a reference: its content is not here"
                );
                Err(Error::missing(message).hint(format!("it is kept at {url}")))
            }
            None => Err(Error::missing(format!("`{name}:v{number}` has no file `{path}`"))),
        }
    };
    let (sha256, size) = app.read(look).await?;
    Ok(blobs::pieces(app, sha256, size))
}

/// Gives a version other names, or takes them from it.
///
/// # Errors
/// Invalid when one cannot be an alias or is `latest`, which moves by itself; missing when there is
/// no such version.
pub(crate) async fn alias(
    app: &Arc<App>,
    caller: &Caller,
    wanted: Wanted,
    add: Vec<String>,
    remove: Vec<String>,
) -> Result<ArtifactView, Error> {
    caller.admin()?;
    check_list(&app.settings.limits, "aliases to give", &add)?;
    check_list(&app.settings.limits, "aliases to take away", &remove)?;
    for alias in add.iter().chain(&remove) {
        check_alias(alias).map_err(|bad| Error::invalid(bad.to_string()))?;
        if alias == LATEST {
            return Err(Error::invalid(format!("`{LATEST}` always means the newest version")));
        }
    }
    let name = move |change: &mut Change<'_>| {
        let version = find(change.tx, change.app, &wanted)?;
        let (known, most) = (aliases(change.tx, &version)?, change.app.settings.limits.aliases);
        if add.len() as u32 + known > most {
            let message = format!("`{}` has {known} aliases, and {most} at most", version.name);
            return Err(
                Error::invalid(message).hint("`sweep artifact alias --remove` takes some away")
            );
        }
        add.iter().try_for_each(|alias| store::artifacts::set_alias(change.tx, &version, alias))?;
        remove
            .iter()
            .try_for_each(|alias| store::artifacts::drop_alias(change.tx, &version, alias))?;
        view(change.tx, change.app, version)
    };
    app.change(name).await
}

/// Removes a version. Its number stays taken; `latest` moves to the newest that is left.
///
/// # Errors
/// Missing when it is not there; refused for a run.
pub(crate) async fn remove(
    app: &Arc<App>,
    caller: &Caller,
    wanted: Wanted,
) -> Result<ArtifactView, Error> {
    caller.admin()?;
    let remove = move |change: &mut Change<'_>| {
        let version = find(change.tx, change.app, &wanted)?;
        let removed = view(change.tx, change.app, version)?;
        let gone = &removed.version;
        store::artifacts::remove(change.tx, gone.key, change.app.clock.wall_ms())?;
        if removed.aliases.iter().any(|alias| alias == LATEST)
            && let Some(newest) = store::artifacts::newest(change.tx, &gone.project, &gone.name)?
        {
            store::artifacts::set_alias(change.tx, &newest, LATEST)?;
        }
        Ok(removed)
    };
    app.change(remove).await
}

/// What is wanted, with the project that it is in, if the caller may look there.
fn allowed(tx: &Tx<'_>, caller: &Caller, mut wanted: Wanted) -> Result<Wanted, Error> {
    if wanted.project.is_empty() && !wanted.run.is_empty() {
        caller.run(&wanted.run)?;
        wanted.project = lookup::find(tx, &wanted.run)?.project;
    }
    if let Caller::Run { run, .. } = caller {
        let own = lookup::find(tx, run)?.project;
        if wanted.project != own {
            let message =
                format!("this token opens the artifacts of the project `{own}` and no other's");
            return Err(Error::refused(Why::Forbidden, message));
        }
    }
    Ok(wanted)
}

fn find(tx: &Tx<'_>, app: &App, wanted: &Wanted) -> Result<Version, Error> {
    let Wanted { project, name, version, digest, .. } = wanted;
    let most = app.settings.limits.text_bytes;
    if [project, name, version, digest].iter().any(|text| text.len() > most) {
        return Err(Error::invalid(format!("a name of more than {most} bytes")));
    }
    let found = match number(version) {
        _ if !digest.is_empty() => store::artifacts::with_digest(tx, project, name, digest)?,
        Some(number) => store::artifacts::numbered(tx, project, name, number)?,
        None if version.is_empty() => store::artifacts::named(tx, project, name, LATEST)?,
        None => store::artifacts::named(tx, project, name, version)?,
    };
    found.ok_or_else(|| {
        let version = [digest.as_str(), version, LATEST].into_iter().find(|text| !text.is_empty());
        let version = version.unwrap_or_default();
        Error::missing(format!("no artifact `{name}:{version}` in the project `{project}`"))
            .hint("`sweep artifact ls` shows what there is")
    })
}

fn view(tx: &Tx<'_>, app: &App, version: Version) -> Result<ArtifactView, Error> {
    let (key, limit) = (version.key, app.settings.limits.artifact_runs);
    let runs = |role| store::artifacts::runs(tx, key, role, limit);
    Ok(ArtifactView {
        aliases: store::artifacts::aliases(tx, key)?,
        made_by: runs(Role::Made)?,
        used_by: runs(Role::Used)?,
        version,
    })
}
