//! Makes, lists and revokes keys, and tells callers who they are. The handlers in `api` call this
//! module for people who are online, and `app::people::manage` for the owner of the data folder.

use std::{sync::Arc, time::Duration};

use record::ids::{ProjectId, SweepId};

use super::{
    audit,
    caller::{Caller, Person, Right, project},
    manage, permit,
    tokens::PREFIX,
};
use crate::{
    app::{
        App,
        change::Change,
        error::{Error, Why},
        limits::{check_list, check_name},
        reports,
        runs::lookup,
        sweeps::planning,
    },
    store::{
        self,
        people::{Key, Kind, Only, User},
    },
};

/// The number of random ids that make up a key. The first one is the key's id.
const IDS: usize = 5;

/// A key that is to be made.
#[derive(Clone, Debug)]
pub(crate) struct NewKey {
    /// The name of the user; empty means the caller.
    pub(crate) user: String,
    /// What the key is for, in the user's words; may be empty.
    pub(crate) label: String,
    /// The word for the kind; empty means `full`.
    pub(crate) kind: String,
    /// The sweeps that an agent's key opens.
    pub(crate) sweeps: Vec<SweepId>,
    /// The projects that the key opens, as the user says them. None for a key for reading: all.
    pub(crate) projects: Vec<String>,
    /// The one thing that a key for reading opens.
    pub(crate) only: Option<OnlyView>,
    /// How long the key is valid; `None` for ever.
    pub(crate) lasts: Option<Duration>,
}

/// The one thing that a key opens, as callers see it.
pub(crate) type OnlyView = Only;

/// A key as clients see it, without its secret.
pub(crate) type KeyView = Key;

/// Makes a key. Returns its secret, which is shown only now, and the key.
///
/// # Errors
/// - Fails with [`Error::Invalid`] if the kind is unknown, or does not fit the sweeps and projects.
/// - Fails with [`Error::Missing`] if the user does not exist.
/// - Refuses a caller who wants a key of another user and is no administrator, and a key that is
///   not of the kind `full`.
pub(crate) async fn add(
    app: &Arc<App>,
    caller: &Caller,
    new: NewKey,
) -> Result<(String, KeyView), Error> {
    let user = owner(app, caller, &new.user)?;
    let limits = &app.settings.limits;
    check_name(limits, "the label", &new.label)?;
    check_list(limits, "sweeps", &new.sweeps)?;
    check_list(limits, "projects", &new.projects)?;
    let kind = kind(&new)?;
    let said = |said: &String| project(&user.team, said);
    let mut projects = new.projects.iter().map(said).collect::<Result<Vec<ProjectId>, _>>()?;
    if let Some(only) = &new.only {
        projects.push(project_of(app, caller, only).await?);
    }
    let secret = secret(app);
    let id = secret[PREFIX.len()..][..8].to_owned();
    let hash = blake3::hash(secret.as_bytes()).as_bytes().to_vec();
    let who = caller.who();
    let NewKey { label, sweeps, only, lasts, .. } = new;
    let user = user.name;
    let work = move |change: &mut Change<'_>| {
        let created_ms = change.now_ms;
        let end = |lasts: Duration| created_ms.saturating_add_unsigned(lasts.as_millis() as u64);
        let expires_ms = lasts.map(end);
        let key =
            Key { id, hash, user, label, kind, sweeps, projects, only, created_ms, expires_ms };
        store::people::add_key(change.tx, &key)?;
        audit::note(change, who, "add key", format!("{} of {}", key.id, key.user), None)?;
        Ok(key)
    };
    let key = manage::change(app, work).await?;
    Ok((secret, key))
}

/// Returns the project of the one thing that a new key opens.
///
/// # Errors
/// Fails with [`Error::Missing`] if there is no such thing that the caller may see.
async fn project_of(app: &Arc<App>, caller: &Caller, only: &Only) -> Result<ProjectId, Error> {
    match only {
        Only::Run(id) => {
            permit::run(app, caller, Right::See, id).await?;
            let id = id.clone();
            app.read(move |tx, _| Ok(lookup::find(tx, &id)?.project)).await
        }
        Only::Sweep(id) => {
            permit::sweep(app, caller, Right::See, id).await?;
            Ok(planning::of(app, id).await?.project.clone())
        }
        Only::Report(id) => Ok(reports::get(app, caller, id.clone()).await?.report.project),
    }
}

/// Returns the user whose key the caller may make.
fn owner(app: &App, caller: &Caller, wanted: &str) -> Result<User, Error> {
    caller.admits(Right::Manage)?;
    if let Caller::Person(person) = caller
        && (wanted.is_empty() || wanted == person.user.name)
    {
        return Ok(person.user.clone());
    }
    if !caller.is_admin() {
        let message = "only an administrator can make keys of other users";
        return Err(Error::refused(Why::Forbidden, message));
    }
    if wanted.is_empty() {
        return Err(Error::invalid("a key needs a user").hint("name the user with `--user`"));
    }
    app.roster.people().user(wanted).cloned().ok_or_else(|| manage::no_user(wanted))
}

/// Reads the kind of a new key, and checks that the key's sweeps and projects fit it.
fn kind(new: &NewKey) -> Result<Kind, Error> {
    let word = if new.kind.is_empty() { Kind::Full.name() } else { &new.kind };
    let kind = Kind::from_name(word).ok_or_else(|| {
        let known = Kind::ALL.map(Kind::name).join(", ");
        Error::invalid(format!("no kind of keys is called `{word}`: {known}"))
    })?;
    let (sweeps, projects) = (new.sweeps.len(), new.projects.len());
    let problem = match kind {
        _ if new.only.is_some() && (kind != Kind::Read || sweeps + projects > 0) => {
            "a key for one run, sweep or report is of the kind `read`: name no sweep and no project"
        }
        Kind::Full if sweeps + projects > 0 => {
            "a key of the kind `full` opens all projects of its user: name none"
        }
        Kind::Read if sweeps > 0 => "a key for reading opens projects: name no sweep",
        Kind::Agent if sweeps + projects == 0 => {
            "a key for an agent needs the sweeps or projects that it opens"
        }
        Kind::Ingest if sweeps > 0 || projects != 1 => {
            "a key for logging needs the one project that it opens"
        }
        _ => return Ok(kind),
    };
    Err(Error::invalid(problem))
}

/// Draws a new key: `besom-` and 40 letters and digits, of which the first 8 are the key's id. The
/// other 32 have about 163 bits of entropy.
fn secret(app: &App) -> String {
    let ids = (0..IDS).map(|_| app.chance.id());
    std::iter::once(PREFIX.to_owned()).chain(ids).collect()
}

/// Returns whether the caller may make keys of its own.
pub(crate) fn may_make(caller: &Caller) -> bool {
    matches!(caller, Caller::Person(_)) && caller.admits(Right::Manage).is_ok()
}

/// Returns the caller's own keys. An administrator gets the keys of all users.
///
/// # Errors
/// Refuses the token of a run, and a key that is not of the kind `full`.
pub(crate) fn list(app: &App, caller: &Caller) -> Result<Vec<KeyView>, Error> {
    caller.admits(Right::Manage)?;
    let people = app.roster.people();
    Ok(people.keys.iter().filter(|key| is_manager(caller, key)).cloned().collect())
}

/// Returns whether the caller may see and revoke this key.
fn is_manager(caller: &Caller, key: &Key) -> bool {
    let is_own = match caller {
        Caller::Person(person) => person.user.name == key.user,
        Caller::Admin | Caller::Run(_) => false,
    };
    is_own || caller.is_admin()
}

/// Revokes a key: from now on, nobody can call with it.
///
/// # Errors
/// Fails with [`Error::Missing`] if the caller sees no key with this id. Refuses the token of a
/// run, and a key that is not of the kind `full`.
pub(crate) async fn remove(app: &Arc<App>, caller: &Caller, id: &str) -> Result<KeyView, Error> {
    let listed = list(app, caller)?;
    let key = listed.into_iter().find(|key| key.id == id).ok_or_else(|| {
        Error::missing(format!("no key `{id}`")).hint("`sweep key ls` shows your keys")
    })?;
    let (who, gone) = (caller.who(), key.clone());
    let work = move |change: &mut Change<'_>| {
        store::people::remove_key(change.tx, &gone.id)?;
        audit::note(change, who, "revoke key", format!("{} of {}", gone.id, gone.user), None)
    };
    manage::change(app, work).await?;
    Ok(key)
}

/// Returns the user behind a call, with the roles and the key; `None` for the administrator.
///
/// # Errors
/// Refuses the token of a run.
pub(crate) fn me(caller: &Caller) -> Result<Option<Arc<Person>>, Error> {
    caller.person()
}
