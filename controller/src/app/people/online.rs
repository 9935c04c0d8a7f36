//! Adds, changes and removes users, teams and roles for administrators who call the running
//! controller. The handlers in `api::web` call this module.

use std::sync::Arc;

use super::{
    caller::{Caller, Right},
    manage,
    roster::People,
};
use crate::app::{
    App,
    error::{Error, Why},
};
use crate::store::people::{Role, User};

/// A user, as callers see it.
pub(crate) type UserView = User;

/// The role of a user, as callers see it.
pub(crate) type RoleView = Role;

/// Passes if the caller may manage users and teams.
fn check(caller: &Caller) -> Result<(), Error> {
    caller.admits(Right::Manage)?;
    if caller.is_admin() {
        return Ok(());
    }
    let message = "only an administrator can manage users and teams";
    Err(Error::refused(Why::Forbidden, message))
}

/// Returns all users, roles and teams.
///
/// # Errors
/// Refuses a caller who is no administrator.
pub(crate) fn people(app: &App, caller: &Caller) -> Result<Arc<People>, Error> {
    check(caller)?;
    Ok(manage::people(app))
}

/// Adds a user, as [`manage::add_user`] does.
///
/// # Errors
/// Refuses a caller who is no administrator, and the first user of a controller that everybody may
/// use: nobody could log in after that.
pub(crate) async fn add_user(
    app: &Arc<App>,
    caller: &Caller,
    name: String,
    team: Option<String>,
    role: Role,
    admin: bool,
) -> Result<User, Error> {
    check(caller)?;
    if app.tokens.is_open(&app.roster) {
        let message = "the first user locks everybody out who has no key yet";
        return Err(Error::refused(Why::State, message).hint(format!(
            "stop the controller, and run `controller user add {name} --admin` and `controller \
            key add {name}`"
        )));
    }
    manage::add_user(app, caller.who(), name, team, role, admin).await
}

/// Removes a user, as [`manage::remove_user`] does.
///
/// # Errors
/// Refuses a caller who is no administrator, and the removal of the caller.
pub(crate) async fn remove_user(
    app: &Arc<App>,
    caller: &Caller,
    name: String,
) -> Result<(), Error> {
    check(caller)?;
    if caller.user() == name {
        let message = "nobody can remove the own user: there may be no other administrator";
        return Err(Error::refused(Why::State, message));
    }
    manage::remove_user(app, caller.who(), name).await
}

/// Gives a user a role or takes it away, as [`manage::grant`] does.
///
/// # Errors
/// Refuses a caller who is no administrator.
pub(crate) async fn grant(
    app: &Arc<App>,
    caller: &Caller,
    name: String,
    place: String,
    role: Option<Role>,
) -> Result<(), Error> {
    check(caller)?;
    manage::grant(app, caller.who(), name, place, role).await
}

/// Adds a team, as [`manage::add_team`] does.
///
/// # Errors
/// Refuses a caller who is no administrator.
pub(crate) async fn add_team(app: &Arc<App>, caller: &Caller, name: String) -> Result<(), Error> {
    check(caller)?;
    manage::add_team(app, caller.who(), name).await
}

/// Removes a team, as [`manage::remove_team`] does.
///
/// # Errors
/// Refuses a caller who is no administrator.
pub(crate) async fn remove_team(
    app: &Arc<App>,
    caller: &Caller,
    name: String,
) -> Result<(), Error> {
    check(caller)?;
    manage::remove_team(app, caller.who(), name).await
}
