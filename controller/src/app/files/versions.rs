//! Finds the version of an artifact that a caller asks for, if the caller may use it.
//! `app::files::artifacts` and the handlers in `api` call this module.

use std::fmt;

use record::{
    artifact::{LATEST, number},
    ids::{ProjectId, RunId},
};

use super::names;
use crate::{
    app::{
        App,
        error::{Error, Why},
        people::{
            caller::{Caller, Right, project},
            permit,
            things::Thing,
        },
        runs::lookup,
    },
    store::{self, Tx, artifacts::Version, links::Link},
};

/// How the id of a version begins for W&B's client.
const ID: &str = "Artifact:v1:";

/// The key of a version in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// The key of the version itself.
    Version(i64),
    /// The key of the announced artifact that became the version.
    Announced(i64),
}

impl Key {
    /// Reads the id by which W&B's client knows a version; `None` if it is none.
    pub(crate) fn parse(id: &str) -> Option<Self> {
        let (kind, key) = id.strip_prefix(ID)?.split_once(':')?;
        let key = key.parse().ok()?;
        match kind {
            "announced" => Some(Self::Announced(key)),
            "version" => Some(Self::Version(key)),
            _ => None,
        }
    }
}

/// Writes the id by which W&B's client knows a version.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(key) => write!(f, "{ID}version:{key}"),
            Self::Announced(key) => write!(f, "{ID}announced:{key}"),
        }
    }
}

/// The version of an artifact that a caller asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The artifact's project, as the caller says it.
    pub(crate) project: String,
    /// The id of a run whose project is meant. The run counts only if `project` is empty.
    pub(crate) run: Option<RunId>,
    /// The artifact's name.
    pub(crate) name: String,
    /// A number such as `v3` or an alias; empty means `latest`.
    pub(crate) version: String,
    /// The digest of a manifest. If the digest is not empty, it replaces `version` and means the
    /// newest version with this manifest.
    pub(crate) digest: String,
    /// The version's key. If there is one, nothing else counts.
    pub(crate) key: Option<Key>,
}

impl Wanted {
    /// Asks for the version with this key.
    pub(crate) fn of(key: Key) -> Self {
        Self { key: Some(key), ..Self::default() }
    }
}

/// Returns the project of a request: the one that the caller names, or that of the run.
///
/// # Errors
/// Refuses the token of a run for another project than the run's own.
fn project_of(tx: &Tx<'_>, caller: &Caller, wanted: &Wanted) -> Result<ProjectId, Error> {
    let said = &wanted.project;
    if let Caller::Run(attempt) = caller {
        let own = lookup::find(tx, &attempt.run)?.project;
        if said.is_empty() || project(own.team(), said).is_ok_and(|said| said == own) {
            return Ok(own);
        }
        let message =
            format!("this token opens the artifacts of the project `{own}` and no other's");
        return Err(Error::refused(Why::Forbidden, message));
    }
    match &wanted.run {
        Some(run) if said.is_empty() => {
            permit::run_in(tx, caller, Right::See, run)?;
            Ok(lookup::find(tx, run)?.project)
        }
        _ => caller.project(said),
    }
}

/// Finds a version that the caller may use like this.
///
/// # Errors
/// Fails with [`Error::Missing`] if the version does not exist, or the caller may not see its
/// project. Refuses a caller without this right.
pub(in crate::app) fn find(
    tx: &Tx<'_>,
    app: &App,
    caller: &Caller,
    right: Right,
    wanted: &Wanted,
) -> Result<Version, Error> {
    let Wanted { name, version, digest, .. } = wanted;
    if let Some(key) = wanted.key {
        return at(tx, caller, right, key);
    }
    let most = app.settings.limits.text_bytes;
    if [&wanted.project, name, version, digest].iter().any(|text| text.len() > most) {
        return Err(Error::invalid(format!("a name has more than {most} bytes")));
    }
    if let Some(run) = &wanted.run {
        caller.run(run)?;
    }
    let project = &project_of(tx, caller, wanted)?;
    let version = if version.is_empty() { LATEST } else { version };
    let missing = || {
        let said = if digest.is_empty() { version } else { digest };
        Error::missing(format!("no artifact `{name}:{said}` in the project `{project}`"))
            .hint("`sweep artifact ls` shows what there is")
    };
    if !matches!(caller, Caller::Run(_)) {
        caller.check(right, project, Thing::Project, missing)?;
    }
    let found = in_sequence(tx, project, name, version, digest)?;
    let linked = match found {
        None if digest.is_empty() => in_portfolio(tx, project, name, version)?,
        _ => None,
    };
    let linked = linked.map(|link| store::artifacts::at(tx, link.artifact)).transpose()?.flatten();
    let version = found.or(linked).ok_or_else(missing)?;
    // A portfolio opens no version whose own project is closed to the caller.
    if version.project != *project {
        permit::artifacts_of(tx, caller, right, &version.project, missing)?;
    }
    Ok(version)
}

/// Finds a version of a name by its number, an alias or its digest. With a number, the name may be
/// one that the version had before.
fn in_sequence(
    tx: &Tx<'_>,
    project: &ProjectId,
    name: &str,
    version: &str,
    digest: &str,
) -> Result<Option<Version>, Error> {
    let number = number(version).filter(|_| digest.is_empty());
    let find = |name: &str| match number {
        _ if !digest.is_empty() => store::artifacts::with_digest(tx, project, name, digest),
        Some(number) => store::artifacts::numbered(tx, project, name, number),
        None => store::artifacts::named(tx, project, name, version),
    };
    if let Some(found) = find(name)? {
        return Ok(Some(found));
    }
    let moved = names::of_number(tx, project, name, number)?;
    Ok(moved.map(|name| find(&name)).transpose()?.flatten())
}

/// Finds a version in a portfolio by its number or an alias there. With a number, the name may be
/// one that the portfolio had before.
pub(super) fn in_portfolio(
    tx: &Tx<'_>,
    project: &ProjectId,
    name: &str,
    version: &str,
) -> Result<Option<Link>, Error> {
    let number = number(version);
    let find = |name: &str| match number {
        Some(number) => store::links::numbered(tx, project, name, number),
        None => store::links::named(tx, project, name, version),
    };
    if let Some(found) = find(name)? {
        return Ok(Some(found));
    }
    let moved = names::of_number(tx, project, name, number)?;
    Ok(moved.map(|name| find(&name)).transpose()?.flatten())
}

/// Finds the version with this key.
///
/// # Errors
/// Fails as [`find`] does.
fn at(tx: &Tx<'_>, caller: &Caller, right: Right, key: Key) -> Result<Version, Error> {
    let missing = || Error::missing("no version of an artifact has this id");
    let key = match key {
        Key::Version(key) => Some(key),
        Key::Announced(key) => store::announced::get(tx, key)?.and_then(|found| found.artifact),
    };
    let found = key.map(|key| store::artifacts::at(tx, key)).transpose()?.flatten();
    let version = found.ok_or_else(missing)?;
    permit::artifacts_of(tx, caller, right, &version.project, missing)?;
    Ok(version)
}
