//! Adds, changes and removes users, teams and roles. It asks for no rights: `offline.rs` calls it
//! for the owner of a data folder, and `people::online` for administrators, after it has checked
//! them. `who` is the caller for the audit.

use std::sync::Arc;

use super::{audit, roster::People};
use crate::{
    app::{
        App,
        change::Change,
        error::{Error, Why},
    },
    store::{
        self,
        people::{Grant, Role, User},
    },
};

/// The most bytes of the name of a user or a team.
const NAME_BYTES: usize = 64;

/// Makes a change of people, and tells it to the roster.
pub(super) async fn change<T: Send + 'static>(
    app: &Arc<App>,
    work: impl FnOnce(&mut Change<'_>) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    app.change(|change| {
        let done = work(change)?;
        change.tell_roster()?;
        Ok(done)
    })
    .await
}

/// Adds a user. The user's team is made if it does not exist. Without a role, the user is a member
/// of that team. If there is no team, the user gets one of the same name.
///
/// # Errors
/// Fails with [`Error::Invalid`] if a name has no valid form, and with [`Error::Refused`] if the
/// user exists.
pub(crate) async fn add_user(
    app: &Arc<App>,
    who: String,
    name: String,
    team: Option<String>,
    role: Role,
    admin: bool,
) -> Result<User, Error> {
    let team = team.unwrap_or_else(|| name.clone());
    check_name("user", &name)?;
    check_name("team", &team)?;
    change(app, move |change| {
        if store::people::users(change.tx)?.iter().any(|user| user.name == name) {
            return Err(Error::refused(Why::State, format!("there is a user `{name}` already")));
        }
        let created_ms = change.now_ms;
        let user = User { name, team, admin, created_ms };
        store::people::add_team(change.tx, &user.team, created_ms)?;
        store::people::save_user(change.tx, &user)?;
        let (team, project) = (user.team.clone(), String::new());
        store::people::grant(change.tx, &Grant { user: user.name.clone(), team, project, role })?;
        audit::note(change, who, "add user", user.name.clone(), None)?;
        Ok(user)
    })
    .await
}

/// Removes a user with the password and all sessions, keys and roles.
///
/// # Errors
/// Fails with [`Error::Missing`] if the user does not exist.
pub(crate) async fn remove_user(app: &Arc<App>, who: String, name: String) -> Result<(), Error> {
    change(app, move |change| {
        user(change, &name)?;
        store::people::remove_user(change.tx, &name)?;
        audit::note(change, who, "remove user", name, None)
    })
    .await
}

/// Adds a team.
///
/// # Errors
/// Fails with [`Error::Invalid`] if the name has no valid form, and with [`Error::Refused`] if the
/// team exists.
pub(crate) async fn add_team(app: &Arc<App>, who: String, name: String) -> Result<(), Error> {
    check_name("team", &name)?;
    change(app, move |change| {
        if !store::people::add_team(change.tx, &name, change.now_ms)? {
            return Err(Error::refused(Why::State, format!("there is a team `{name}` already")));
        }
        audit::note(change, who, "add team", name, None)
    })
    .await
}

/// Removes a team and the roles in it. What its projects hold stays.
///
/// # Errors
/// Fails with [`Error::Missing`] if the team does not exist, and with [`Error::Refused`] if it is
/// the own team of a user.
pub(crate) async fn remove_team(app: &Arc<App>, who: String, name: String) -> Result<(), Error> {
    change(app, move |change| {
        if !store::people::teams(change.tx)?.contains(&name) {
            return Err(no_team(&name));
        }
        let users = store::people::users(change.tx)?;
        if let Some(user) = users.iter().find(|user| user.team == name) {
            let message = format!("the team `{name}` is the own team of the user `{}`", user.name);
            return Err(Error::refused(Why::State, message));
        }
        store::people::remove_team(change.tx, &name)?;
        audit::note(change, who, "remove team", name, None)
    })
    .await
}

/// Gives a user a role in a team or in one of its projects. `place` is `TEAM` or `TEAM/PROJECT`.
/// `role` is `None` to take the user's role there away.
///
/// # Errors
/// Fails with [`Error::Missing`] if the user or the team does not exist, or there is no role to
/// take away.
pub(crate) async fn grant(
    app: &Arc<App>,
    who: String,
    name: String,
    place: String,
    role: Option<Role>,
) -> Result<(), Error> {
    change(app, move |change| {
        let (team, project) = place.split_once('/').unwrap_or((&place, ""));
        if project.contains('/') {
            let message = format!("`{place}` is no place for a role");
            return Err(Error::invalid(message).hint("a place is written as TEAM or TEAM/PROJECT"));
        }
        user(change, &name)?;
        if !store::people::teams(change.tx)?.iter().any(|known| known == team) {
            return Err(no_team(team));
        }
        let (team, project) = (team.to_owned(), project.to_owned());
        let what = match role {
            Some(role) => {
                let grant = Grant { user: name.clone(), team, project, role };
                store::people::grant(change.tx, &grant)?;
                format!("grant {}", role.name())
            }
            None if store::people::ungrant(change.tx, &name, &team, &project)? => {
                "take role".to_owned()
            }
            None => {
                return Err(Error::missing(format!("`{name}` has no role in `{place}`")));
            }
        };
        audit::note(change, who, &what, format!("{name} in {place}"), None)
    })
    .await
}

/// Returns all users, roles, teams and keys.
pub(crate) fn people(app: &App) -> Arc<People> {
    app.roster.people()
}

pub(super) fn user(change: &Change<'_>, name: &str) -> Result<User, Error> {
    let users = store::people::users(change.tx)?;
    users.into_iter().find(|user| user.name == name).ok_or_else(|| no_user(name))
}

pub(super) fn no_user(name: &str) -> Error {
    Error::missing(format!("no user `{name}`")).hint("`controller user ls` shows the users")
}

fn no_team(name: &str) -> Error {
    Error::missing(format!("no team `{name}`")).hint("`controller team ls` shows the teams")
}

/// Passes if this can be the name of a user or team. Names are parts of addresses and of commands.
fn check_name(what: &str, name: &str) -> Result<(), Error> {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let fits = (1..=NAME_BYTES).contains(&name.len())
        && name.bytes().all(|byte| letter(byte) || matches!(byte, b'-' | b'_' | b'.'))
        && name.bytes().next().is_some_and(letter);
    if fits {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "`{name}` cannot name a {what}: a name has 1 to {NAME_BYTES} of a-z 0-9 - _ . and begins \
        with a letter or digit"
    )))
}
