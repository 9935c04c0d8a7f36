//! Serves users, teams, keys, passwords and sessions of browsers.

use std::time::Duration;

use axum::{Json, extract::Path, http::StatusCode};
use serde::{Deserialize, Serialize};

use super::{
    asked::{Body, Nothing},
    error::Problem,
    session::Call,
    shared::{OnlyThing, SharedThing},
};
use crate::app::people::{
    keys::{self, KeyView, NewKey, OnlyView},
    online::{self, RoleView, UserView},
    passwords,
    sessions::{self, SessionView},
};

/// The keys that the caller may revoke.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Keys {
    keys: Vec<AccessKey>,
}

/// A key, without its secret.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct AccessKey {
    id: String,
    user: String,
    label: String,
    #[cfg_attr(test, ts(type = "\"full\" | \"read\" | \"agent\" | \"ingest\""))]
    kind: &'static str,
    /// The sweeps and projects that the key opens; none: all that its kind opens.
    opens: Vec<String>,
    /// The one thing that the key opens; `null` for more.
    only: Option<SharedThing>,
    created_ms: i64,
    /// When it ends; `null` for never.
    expires_ms: Option<i64>,
}

/// A key to make.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct WantedKey {
    /// The user; empty means the caller.
    user: String,
    label: String,
    /// `full`, `read`, `agent` or `ingest`; empty means `full`.
    kind: String,
    sweeps: Vec<String>,
    projects: Vec<String>,
    /// The one thing that a key for reading opens. Then it names no projects.
    #[cfg_attr(test, ts(optional = nullable))]
    only: Option<OnlyThing>,
    /// How many seconds the key is valid; `null` for ever.
    #[cfg_attr(test, ts(optional = nullable))]
    lasts_s: Option<u32>,
}

/// A key that was made.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct MadeKey {
    /// The key itself. It is shown only now.
    secret: String,
    key: AccessKey,
}

/// A new password.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct NewPassword {
    /// The user; empty means the caller.
    #[serde(default)]
    user: String,
    password: String,
    /// The old password of the caller; empty if there is none.
    #[serde(default)]
    old: String,
}

/// The sessions of the caller.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct BrowserSessions {
    sessions: Vec<BrowserSession>,
}

/// A session of a browser.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct BrowserSession {
    id: String,
    /// The key that opened it; `null` if a password or the controller's token did.
    key: Option<String>,
    created_ms: i64,
    used_ms: i64,
    expires_ms: i64,
    /// Whether it is the session of this call.
    own: bool,
}

/// The users and teams.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct People {
    users: Vec<Person>,
    teams: Vec<String>,
}

/// A user.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct Person {
    name: String,
    team: String,
    admin: bool,
    /// Whether the user has a password, and not only keys.
    password: bool,
    roles: Vec<PlaceRole>,
    created_ms: i64,
}

/// A role of a user.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
struct PlaceRole {
    /// `TEAM` or `TEAM/PROJECT`.
    place: String,
    #[cfg_attr(test, ts(type = "\"viewer\" | \"member\" | \"admin\""))]
    role: &'static str,
}

/// A user to add.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct WantedUser {
    name: String,
    /// The user's own team, which is made if it does not exist; `null`: one of the user's name.
    #[cfg_attr(test, ts(optional = nullable))]
    team: Option<String>,
    /// The role in this team: `viewer`, `member` or `admin`.
    role: String,
    /// Whether the user may do everything.
    #[serde(default)]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    admin: bool,
}

/// A role to give or to take away.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct WantedRole {
    /// `TEAM` or `TEAM/PROJECT`.
    place: String,
    /// `viewer`, `member` or `admin`; `null` takes the role away.
    role: Option<String>,
}

/// A team to add.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct WantedTeam {
    name: String,
}

/// Lists keys.
pub(super) async fn list_keys(call: Call) -> Result<Json<Keys>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let found = keys::list(&app, &caller)?;
    Ok(Json(Keys { keys: found.into_iter().map(AccessKey::from).collect() }))
}

/// Makes a key.
pub(super) async fn add_key(
    call: Call,
    Body(wanted): Body<WantedKey>,
) -> Result<Json<MadeKey>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let WantedKey { user, label, kind, sweeps, projects, only, lasts_s } = wanted;
    let sweeps = sweeps.into_iter().map(Into::into).collect();
    let lasts = lasts_s.map(|seconds| Duration::from_secs(seconds.into()));
    let only = only.map(OnlyView::from);
    let new = NewKey { user, label, kind, sweeps, projects, only, lasts };
    let (secret, key) = keys::add(&app, &caller, new).await?;
    Ok(Json(MadeKey { secret, key: key.into() }))
}

/// Revokes a key.
pub(super) async fn remove_key(Path(id): Path<String>, call: Call) -> Result<StatusCode, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    keys::remove(&app, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets a password.
pub(super) async fn set_password(
    call: Call,
    Body(NewPassword { user, password, old }): Body<NewPassword>,
) -> Result<StatusCode, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    passwords::set(&app, &caller, &user, password, old).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the caller's sessions.
pub(super) async fn list_sessions(call: Call) -> Result<Json<BrowserSessions>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let found = sessions::list(&app, &caller)?;
    let session = |view: SessionView| BrowserSession {
        id: view.id,
        key: view.key,
        created_ms: view.created_ms,
        used_ms: view.used_ms,
        expires_ms: view.expires_ms,
        own: view.is_own,
    };
    Ok(Json(BrowserSessions { sessions: found.into_iter().map(session).collect() }))
}

/// Ends one of the caller's sessions.
pub(super) async fn end_session(Path(id): Path<String>, call: Call) -> Result<StatusCode, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    sessions::end(&app, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists users and teams.
pub(super) async fn list(call: Call) -> Result<Json<People>, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let people = online::people(&app, &caller)?;
    let roles = |name: &str| {
        let own = people.grants.iter().filter(|grant| grant.user == name);
        own.map(|grant| PlaceRole { place: grant.place(), role: grant.role.name() }).collect()
    };
    let person = |user: &UserView| Person {
        name: user.name.clone(),
        team: user.team.clone(),
        admin: user.admin,
        password: people.passwords.contains_key(&user.name),
        roles: roles(&user.name),
        created_ms: user.created_ms,
    };
    let users = people.users.iter().map(person).collect();
    Ok(Json(People { users, teams: people.teams.clone() }))
}

/// Adds a user.
pub(super) async fn add_user(
    call: Call,
    Body(WantedUser { name, team, role, admin }): Body<WantedUser>,
) -> Result<StatusCode, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    online::add_user(&app, &caller, name, team, read(&role)?, admin).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a user.
pub(super) async fn remove_user(
    Path(name): Path<String>,
    call: Call,
) -> Result<StatusCode, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    online::remove_user(&app, &caller, name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a user a role, or takes it away.
pub(super) async fn grant(
    Path(name): Path<String>,
    call: Call,
    Body(WantedRole { place, role }): Body<WantedRole>,
) -> Result<StatusCode, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    let role = role.map(|word| read(&word)).transpose()?;
    online::grant(&app, &caller, name, place, role).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Adds a team.
pub(super) async fn add_team(
    call: Call,
    Body(WantedTeam { name }): Body<WantedTeam>,
) -> Result<StatusCode, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    online::add_team(&app, &caller, name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a team.
pub(super) async fn remove_team(
    Path(name): Path<String>,
    call: Call,
) -> Result<StatusCode, Problem> {
    let Call { app, caller, asked: Nothing {} } = call;
    online::remove_team(&app, &caller, name).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn read(word: &str) -> Result<RoleView, Problem> {
    RoleView::from_name(word).ok_or_else(|| {
        let known = RoleView::ALL.map(RoleView::name).join(", ");
        Problem::wrong(format!("no role is called `{word}`: {known}"))
    })
}

impl From<KeyView> for AccessKey {
    fn from(key: KeyView) -> Self {
        let only = SharedThing::of(&key);
        let sweeps = key.sweeps.into_iter().map(String::from);
        Self {
            id: key.id,
            user: key.user,
            label: key.label,
            kind: key.kind.name(),
            opens: sweeps.chain(key.projects.into_iter().map(String::from)).collect(),
            only,
            created_ms: key.created_ms,
            expires_ms: key.expires_ms,
        }
    }
}
