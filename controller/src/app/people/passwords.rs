//! Sets and checks the passwords of users, for logins in a browser. Programs use keys. A
//! password is stored as a slow hash.

use std::sync::Arc;

use super::{
    audit,
    caller::{Caller, Right},
    manage,
};
use crate::{
    app::{
        App,
        change::Change,
        error::{Error, Why},
    },
    settings::Limits,
    store,
};

/// Sets the password of a user, and ends all sessions of the user. An empty name of the user means
/// the caller. A user who has a password must say it as `old`; it plays no role for the password of
/// another user.
///
/// # Errors
/// - Fails with [`Error::Invalid`] if the new password is too short or too long, or the old one is
///   missing.
/// - Fails with [`Error::Missing`] if the user does not exist.
/// - Refuses a wrong old password, a caller who wants to set the password of another user and is
///   no administrator, and a key that is not of the kind `full`.
/// - Fails with [`Error::Busy`] if too many passwords wait to be checked.
pub(crate) async fn set(
    app: &Arc<App>,
    caller: &Caller,
    user: &str,
    password: String,
    old: String,
) -> Result<(), Error> {
    let (name, is_own) = owner(app, caller, user)?;
    check_length(&app.settings.limits, &password)?;
    let before = app.roster.people().passwords.get(&name).cloned();
    if is_own && let Some(hash) = before.clone() {
        if old.is_empty() {
            return Err(Error::invalid("a new password needs the old one"));
        }
        if !app.hashing.verify(old, hash).await? {
            return Err(Error::refused(Why::Unknown, "the old password is wrong")
                .hint("an administrator can set a new password without the old one"));
        }
    }
    let hash = app.hashing.hash(password, app.chance.secret()).await?;
    let who = caller.who();
    manage::change(app, move |change| {
        manage::user(change, &name)?;
        // Another change may have come first, and the old password was that of before.
        if is_own && stored(change, &name)? != before {
            return Err(Error::refused(Why::State, "the password was changed meanwhile"));
        }
        store::sessions::set_password(change.tx, &name, &hash, change.now_ms)?;
        store::sessions::remove_of_user(change.tx, &name)?;
        audit::note(change, who, "set password", name, None)
    })
    .await
}

/// Checks a password with which a user logs in. Returns the hash that it was compared with.
///
/// # Errors
/// Refuses a wrong password, and takes as long and says the same if there is no such user. Fails
/// with [`Error::Busy`] if too many passwords wait to be checked.
pub(super) async fn check(app: &Arc<App>, user: &str, password: String) -> Result<String, Error> {
    let wrong = || Error::refused(Why::Unknown, "the user or the password is wrong");
    if password.len() > app.settings.limits.password_bytes.1 {
        return Err(wrong());
    }
    let Some(stored) = app.roster.people().passwords.get(user).cloned() else {
        // Otherwise the time of the answer would tell who has a password.
        app.hashing.hash(password, app.chance.secret()).await?;
        return Err(wrong());
    };
    if app.hashing.verify(password, stored.clone()).await? { Ok(stored) } else { Err(wrong()) }
}

/// Returns the hash of a user's password; `None` if the user has no password.
pub(super) fn stored(change: &Change<'_>, user: &str) -> Result<Option<String>, Error> {
    let passwords = store::sessions::passwords(change.tx)?;
    Ok(passwords.into_iter().find(|(name, _)| name == user).map(|(_, hash)| hash))
}

/// Returns the user whose password the caller may set, and whether it is the caller's own.
fn owner(app: &App, caller: &Caller, wanted: &str) -> Result<(String, bool), Error> {
    caller.admits(Right::Manage)?;
    if let Caller::Person(person) = caller
        && (wanted.is_empty() || wanted == person.user.name)
    {
        return Ok((person.user.name.clone(), true));
    }
    if !caller.is_admin() {
        let message = "only an administrator can set the passwords of other users";
        return Err(Error::refused(Why::Forbidden, message));
    }
    if wanted.is_empty() {
        return Err(Error::invalid("a password needs a user").hint("name the user"));
    }
    match app.roster.people().user(wanted) {
        Some(user) => Ok((user.name.clone(), false)),
        None => Err(manage::no_user(wanted)),
    }
}

fn check_length(limits: &Limits, password: &str) -> Result<(), Error> {
    let (least, most) = limits.password_bytes;
    match password.len() {
        0 => Err(Error::invalid("the password is empty")),
        bytes if bytes < least => Err(Error::invalid(format!(
            "the password has {bytes} bytes, and {least} are the least"
        ))),
        bytes if bytes > most => {
            Err(Error::invalid(format!("the password has {bytes} bytes, and {most} are the most")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_has_8_to_1024_bytes() {
        let check = |bytes: usize| check_length(&Limits::default(), &"x".repeat(bytes));
        for bytes in [8, 1024] {
            assert_eq!(check(bytes), Ok(()), "{bytes}");
        }
        for bytes in [0, 7, 1025] {
            assert!(check(bytes).is_err(), "{bytes}");
        }
    }
}
