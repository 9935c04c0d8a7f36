//! Stores teams, users, their roles and their keys. `app::people` calls it and decides what they
//! mean. A key is stored only as its hash. Every function fails only if the database does, unless
//! its comment says more.

use record::ids::{ProjectId, RunId, SweepId};
use serde::{Deserialize, Serialize};

use super::database::{Error, Result, Row, Tx, columns, words};

/// A person, or a program with a name of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    /// The user's name, which is unique.
    pub(crate) name: String,
    /// The team that the user means by a project without a team.
    pub(crate) team: String,
    /// Whether the user is an administrator, who may do everything.
    pub(crate) admin: bool,
    /// When the user was added, in milliseconds since the epoch.
    pub(crate) created_ms: i64,
}

/// What a user may do in a team or in one of its projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Sees everything and changes nothing.
    Viewer,
    /// Logs runs, runs agents, and creates and steers sweeps too.
    Member,
    /// Reads the audit too.
    Admin,
}

/// A role of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    /// The user's name.
    pub(crate) user: String,
    /// The team.
    pub(crate) team: String,
    /// The name of the project in the team; empty for all projects of the team.
    pub(crate) project: String,
    /// The role.
    pub(crate) role: Role,
}

/// What a key opens, of all that its user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Everything.
    Full,
    /// Reading.
    Read,
    /// The work of an agent, for the key's sweeps and projects.
    Agent,
    /// Logging runs of the key's one project.
    Ingest,
}

/// The one thing of a project that a key for reading opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Only {
    /// A run.
    Run(RunId),
    /// A sweep with its trials.
    Sweep(SweepId),
    /// A report, with the runs and sweeps that its live panels show.
    Report(String),
}

/// A key of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    /// The part of the key by which people name it. It is no secret.
    pub(crate) id: String,
    /// The BLAKE3 hash of the whole key, 32 bytes. A key is random, so a slow hash would add
    /// nothing.
    pub(crate) hash: Vec<u8>,
    /// The user's name.
    pub(crate) user: String,
    /// What the key is for, in the user's words.
    pub(crate) label: String,
    /// What the key opens.
    pub(crate) kind: Kind,
    /// The sweeps that an agent's key opens.
    pub(crate) sweeps: Vec<SweepId>,
    /// The projects that the key opens. None for a key for reading: all of its user's.
    pub(crate) projects: Vec<ProjectId>,
    /// The one thing of the key's one project that the key opens; `None` for all of its projects.
    pub(crate) only: Option<Only>,
    /// When the key was made, in milliseconds since the epoch.
    pub(crate) created_ms: i64,
    /// When the key ends, in milliseconds since the epoch; `None` for never.
    pub(crate) expires_ms: Option<i64>,
}

/// An entry of the audit: who did what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deed {
    /// The entry's number, from 1, without gaps.
    pub(crate) number: i64,
    /// When it was done, in milliseconds since the epoch.
    pub(crate) at_ms: i64,
    /// Who did it: `user ann, key k3x9abcd`, `the controller's token`.
    pub(crate) who: String,
    /// What was done: `create sweep`.
    pub(crate) what: String,
    /// To which object it was done: an id or a name.
    pub(crate) object: String,
    /// The project of the object; `None` for users, teams and keys.
    pub(crate) project: Option<ProjectId>,
}

impl Grant {
    /// Returns the place of the role as people write it: `TEAM`, or `TEAM/PROJECT`.
    pub(crate) fn place(&self) -> String {
        let Self { team, project, .. } = self;
        if project.is_empty() { team.clone() } else { format!("{team}/{project}") }
    }
}

impl Role {
    /// All roles, the weakest first.
    pub(crate) const ALL: [Self; 3] = [Self::Viewer, Self::Member, Self::Admin];

    /// Returns the word for the role.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }

    /// Returns the role with this word.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

impl Kind {
    /// All kinds.
    pub(crate) const ALL: [Self; 4] = [Self::Full, Self::Read, Self::Agent, Self::Ingest];

    /// Returns the word for the kind.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Read => "read",
            Self::Agent => "agent",
            Self::Ingest => "ingest",
        }
    }

    /// Returns the kind with this word.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Only {
    /// Returns the thing as people write it, such as `run k3x9abcd-7`.
    pub(crate) fn said(&self) -> String {
        match self {
            Self::Run(id) => format!("run {id}"),
            Self::Sweep(id) => format!("sweep {id}"),
            Self::Report(id) => format!("report {id}"),
        }
    }
}

words!(Role, Kind);

/// Reads the names of all teams, sorted.
pub(crate) fn teams(tx: &Tx<'_>) -> Result<Vec<String>> {
    tx.all("SELECT name FROM teams ORDER BY name", &[], |row| row.get(0))
}

/// Adds a team. Returns false if it exists already.
pub(crate) fn add_team(tx: &Tx<'_>, name: &str, now_ms: i64) -> Result<bool> {
    let sql = "INSERT OR IGNORE INTO teams (name, created_ms) VALUES (?1, ?2)";
    Ok(tx.run(sql, &[&name, &now_ms])? == 1)
}

/// Removes a team and all roles in it. The projects of the team stay.
pub(crate) fn remove_team(tx: &Tx<'_>, name: &str) -> Result<()> {
    tx.run("DELETE FROM grants WHERE team = ?1", &[&name])?;
    tx.run("DELETE FROM teams WHERE name = ?1", &[&name])?;
    Ok(())
}

columns! {
    /// Reads a user.
    macro user_columns, fn read_user() -> User {
        name: get, team: get, admin: get, created_ms: get,
    } => User { name, team, admin, created_ms }
}

/// Reads all users, sorted by name.
pub(crate) fn users(tx: &Tx<'_>) -> Result<Vec<User>> {
    tx.all(concat!("SELECT ", user_columns!(), " FROM users ORDER BY name"), &[], read_user)
}

/// Writes a user, who may exist already.
pub(crate) fn save_user(tx: &Tx<'_>, user: &User) -> Result<()> {
    let User { name, team, admin, created_ms } = user;
    tx.run(
        "INSERT OR REPLACE INTO users (name, team, admin, created_ms) VALUES (?1, ?2, ?3, ?4)",
        &[name, team, admin, created_ms],
    )?;
    Ok(())
}

/// Removes a user with the password and all sessions, keys and roles.
pub(crate) fn remove_user(tx: &Tx<'_>, name: &str) -> Result<()> {
    tx.run("DELETE FROM sessions WHERE user = ?1", &[&name])?;
    tx.run("DELETE FROM passwords WHERE user = ?1", &[&name])?;
    tx.run("DELETE FROM keys WHERE user = ?1", &[&name])?;
    tx.run("DELETE FROM grants WHERE user = ?1", &[&name])?;
    tx.run("DELETE FROM users WHERE name = ?1", &[&name])?;
    Ok(())
}

columns! {
    /// Reads a role of a user.
    macro grant_columns, fn read_grant() -> Grant {
        user: get, team: get, project: get, role: get,
    } => Grant { user, team, project, role }
}

/// Reads all roles of all users, sorted by user, team and project.
pub(crate) fn grants(tx: &Tx<'_>) -> Result<Vec<Grant>> {
    let sql = concat!("SELECT ", grant_columns!(), " FROM grants ORDER BY user, team, project");
    tx.all(sql, &[], read_grant)
}

/// Gives a user a role in a team or project, in place of the one that the user has there.
pub(crate) fn grant(tx: &Tx<'_>, grant: &Grant) -> Result<()> {
    let Grant { user, team, project, role } = grant;
    tx.run(
        "INSERT OR REPLACE INTO grants (user, team, project, role) VALUES (?1, ?2, ?3, ?4)",
        &[user, team, project, &role.name()],
    )?;
    Ok(())
}

/// Takes the role of a user in a team or project away. Returns whether there was one.
pub(crate) fn ungrant(tx: &Tx<'_>, user: &str, team: &str, project: &str) -> Result<bool> {
    let sql = "DELETE FROM grants WHERE user = ?1 AND team = ?2 AND project = ?3";
    Ok(tx.run(sql, &[&user, &team, &project])? == 1)
}

columns! {
    /// Reads a key. Its lists and the thing that it opens are JSON.
    macro key_columns, fn read_key() -> Key {
        id: get, hash: get, user: get, label: get, kind: get, sweeps: get, projects: get, only: get,
        created_ms: get, expires_ms: get,
    } => Key {
        sweeps: json(sweeps)?,
        projects: json(projects)?,
        only: Option::<String>::map(only, json).transpose()?,
        id,
        hash,
        user,
        label,
        kind,
        created_ms,
        expires_ms,
    }
}

fn json<T: serde::de::DeserializeOwned>(json: String) -> Result<T> {
    serde_json::from_str(&json).map_err(|error| Error::Corrupt(format!("a key's JSON: {error}")))
}

/// Reads all keys, the oldest first.
pub(crate) fn keys(tx: &Tx<'_>) -> Result<Vec<Key>> {
    let sql = concat!("SELECT ", key_columns!(), " FROM keys ORDER BY created_ms, id");
    tx.all(sql, &[], read_key)
}

/// Adds a key. Also fails if there is a key with this id.
pub(crate) fn add_key(tx: &Tx<'_>, key: &Key) -> Result<()> {
    let Key { id, hash, user, label, kind, created_ms, expires_ms, .. } = key;
    let [sweeps, projects] =
        [serde_json::json!(key.sweeps), serde_json::json!(key.projects)].map(|it| it.to_string());
    let only = key.only.as_ref().map(|only| serde_json::json!(only).to_string());
    tx.run(
        "INSERT INTO keys (id, hash, user, label, kind, sweeps, projects, only, created_ms,
                           expires_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        &[id, hash, user, label, &kind.name(), &sweeps, &projects, &only, created_ms, expires_ms],
    )?;
    Ok(())
}

/// Removes a key with the sessions that it has opened. Returns whether there was one.
pub(crate) fn remove_key(tx: &Tx<'_>, id: &str) -> Result<bool> {
    tx.run("DELETE FROM sessions WHERE key = ?1", &[&id])?;
    Ok(tx.run("DELETE FROM keys WHERE id = ?1", &[&id])? == 1)
}

columns! {
    /// Reads an entry of the audit.
    macro deed_columns, fn read_deed() -> Deed {
        number: get, at_ms: get, who: get, what: get, object: get, project: get,
    } => Deed { number, at_ms, who, what, object, project }
}

/// Adds an entry to the audit. Its number is the next one.
pub(crate) fn note(tx: &Tx<'_>, deed: &Deed) -> Result<()> {
    let Deed { at_ms, who, what, object, project, .. } = deed;
    tx.run(
        "INSERT INTO audit (at_ms, who, what, object, project) VALUES (?1, ?2, ?3, ?4, ?5)",
        &[at_ms, who, what, object, &project.as_ref().map(ProjectId::as_str)],
    )?;
    Ok(())
}

/// Reads the `limit` newest entries of the audit before the entry `before`, the newest first.
pub(crate) fn deeds(tx: &Tx<'_>, before: i64, limit: u32) -> Result<Vec<Deed>> {
    let sql = concat!(
        "SELECT ",
        deed_columns!(),
        " FROM audit WHERE number < ?1 ORDER BY number DESC LIMIT ?2"
    );
    tx.all(sql, &[&before, &limit], read_deed)
}
