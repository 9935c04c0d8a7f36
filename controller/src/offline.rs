//! Changes the users, passwords, teams and keys of a data folder that no controller serves. The
//! commands `controller user`, `controller team` and `controller key` call it for the folder's
//! owner.

use std::{path::Path, sync::Arc, time::Duration};

use crate::{
    Boxed, Core, StartError,
    app::{
        App, Error,
        people::{
            caller::Caller,
            keys::{self, NewKey},
            manage, passwords,
        },
    },
    chance::Chance,
    clock::Clock,
    platform::Platform,
    settings::Settings,
    store::{
        self,
        people::{Grant, Key, Role},
    },
};

/// The open data folder.
#[derive(Debug)]
pub struct Offline {
    core: Core,
}

/// The reason why a change was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// One sentence for a person.
    pub message: String,
    /// Advice for the person, if there is any.
    pub hint: Option<String>,
}

/// A user with all roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedUser {
    /// The user's name.
    pub name: String,
    /// The team that the user means by a project without a team.
    pub team: String,
    /// Whether the user may do everything.
    pub admin: bool,
    /// Whether the user has a password.
    pub password: bool,
    /// The roles: places, `TEAM` or `TEAM/PROJECT`, with the word for the role.
    pub roles: Vec<(String, String)>,
}

/// A team with its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedTeam {
    /// The team's name.
    pub name: String,
    /// The users with a role in the team or in one of its projects.
    pub members: Vec<Member>,
}

/// A role in a team or in one of its projects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The user's name.
    pub user: String,
    /// The word for the role.
    pub role: String,
    /// `TEAM`, or `TEAM/PROJECT`.
    pub place: String,
}

/// A key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedKey {
    /// The part of the key by which people name it.
    pub id: String,
    /// The user's name.
    pub user: String,
    /// What the key is for.
    pub label: String,
    /// The word for what the key opens.
    pub kind: String,
    /// The sweeps and projects that the key opens, or the one thing. Empty: all of its user's.
    pub opens: Vec<String>,
    /// When the key ends, in milliseconds since the epoch; `None` for never.
    pub expires_ms: Option<i64>,
}

/// A key that is to be made.
#[derive(Clone, Debug, Default)]
pub struct WantedKey {
    /// The name of the user.
    pub user: String,
    /// What the key is for; may be empty.
    pub label: String,
    /// The word for what the key opens; empty means everything.
    pub kind: String,
    /// The sweeps that the key of an agent opens.
    pub sweeps: Vec<String>,
    /// The projects that a key for an agent or for logging opens.
    pub projects: Vec<String>,
    /// How long the key is valid; `None` for ever.
    pub lasts: Option<Duration>,
}

impl Offline {
    /// Opens a data folder, which may be new. The caller must be inside a tokio runtime.
    ///
    /// # Errors
    /// Fails with [`StartError`], for example if a controller serves the folder.
    pub fn open(data: &Path) -> Boxed<'static, Result<Self, StartError>> {
        let settings = Settings { data: data.to_owned(), ..Settings::default() };
        Box::pin(async move {
            let (clock, chance) = (Clock::system(), Chance::system());
            Ok(Self { core: Core::open(settings, clock, chance, Platform::default()).await? })
        })
    }

    /// Opens a data folder that a controller or a command has made before.
    ///
    /// # Errors
    /// Fails with [`StartError::NoFolder`] if there is no database in the folder. Fails as
    /// [`Offline::open`] does.
    pub fn existing(data: &Path) -> Boxed<'static, Result<Self, StartError>> {
        if data.join(store::DATABASE).exists() {
            return Self::open(data);
        }
        let reason = "there is no database in it".to_owned();
        let error = StartError::NoFolder { folder: data.to_owned(), reason };
        Box::pin(async { Err(error) })
    }

    /// Closes the folder.
    pub fn close(self) -> Boxed<'static, ()> {
        self.core.close()
    }

    /// Adds a user, with a role in the team `team`, which is made if it does not exist. Without
    /// a team, the user gets one of the same name.
    ///
    /// # Errors
    /// Fails with [`Refused`] if the user exists, or a name or the role cannot be used.
    pub fn add_user(
        &self,
        name: String,
        team: Option<String>,
        word: &str,
        admin: bool,
    ) -> Boxed<'_, Result<(), Refused>> {
        let role = role(word);
        Box::pin(async move {
            done(manage::add_user(self.app(), owner(), name, team, role?, admin).await)
        })
    }

    /// Sets the password of a user, and ends all sessions of the user.
    ///
    /// # Errors
    /// Fails with [`Refused`] if the user does not exist, or the password is too short or too long.
    pub fn set_password(&self, name: String, password: String) -> Boxed<'_, Result<(), Refused>> {
        Box::pin(async move {
            let (admin, old) = (Caller::Admin, String::new());
            done(passwords::set(self.app(), &admin, &name, password, old).await)
        })
    }

    /// Removes a user with the password and all sessions, keys and roles.
    ///
    /// # Errors
    /// Fails with [`Refused`] if the user does not exist.
    pub fn remove_user(&self, name: String) -> Boxed<'_, Result<(), Refused>> {
        Box::pin(async move { done(manage::remove_user(self.app(), owner(), name).await) })
    }

    /// Gives a user a role in a team or project, or takes it away if there is no word for a role.
    ///
    /// # Errors
    /// Fails with [`Refused`] if the user, the team or the role does not exist.
    pub fn grant(
        &self,
        name: String,
        place: String,
        word: Option<&str>,
    ) -> Boxed<'_, Result<(), Refused>> {
        let role = word.map(role).transpose();
        Box::pin(async move { done(manage::grant(self.app(), owner(), name, place, role?).await) })
    }

    /// Adds a team.
    ///
    /// # Errors
    /// Fails with [`Refused`] if the team exists, or the name cannot be used.
    pub fn add_team(&self, name: String) -> Boxed<'_, Result<(), Refused>> {
        Box::pin(async move { done(manage::add_team(self.app(), owner(), name).await) })
    }

    /// Removes a team. What its projects hold stays.
    ///
    /// # Errors
    /// Fails with [`Refused`] if the team does not exist, or is the own team of a user.
    pub fn remove_team(&self, name: String) -> Boxed<'_, Result<(), Refused>> {
        Box::pin(async move { done(manage::remove_team(self.app(), owner(), name).await) })
    }

    /// Makes a key. Returns its secret, which is not stored, and the key.
    ///
    /// # Errors
    /// Fails with [`Refused`] if the user does not exist, or the kind does not fit the sweeps and
    /// projects.
    pub fn add_key(&self, wanted: WantedKey) -> Boxed<'_, Result<(String, ListedKey), Refused>> {
        let WantedKey { user, label, kind, sweeps, projects, lasts } = wanted;
        let sweeps = sweeps.into_iter().map(Into::into).collect();
        let new = NewKey { user, label, kind, sweeps, projects, only: None, lasts };
        Box::pin(async move {
            let added = keys::add(self.app(), &Caller::Admin, new).await.map_err(Refused::from);
            added.map(|(secret, key)| (secret, key.into()))
        })
    }

    /// Revokes a key.
    ///
    /// # Errors
    /// Fails with [`Refused`] if there is no such key.
    pub fn remove_key(&self, id: String) -> Boxed<'_, Result<(), Refused>> {
        Box::pin(async move { done(keys::remove(self.app(), &Caller::Admin, &id).await) })
    }

    /// Returns all users, sorted by name.
    pub fn users(&self) -> Vec<ListedUser> {
        let people = manage::people(self.app());
        let roles = |name: &str| {
            let own = people.grants.iter().filter(move |grant| grant.user == name);
            own.map(|grant| (grant.place(), grant.role.name().to_owned())).collect()
        };
        let listed = |user: &crate::store::people::User| ListedUser {
            name: user.name.clone(),
            team: user.team.clone(),
            admin: user.admin,
            password: people.passwords.contains_key(&user.name),
            roles: roles(&user.name),
        };
        people.users.iter().map(listed).collect()
    }

    /// Returns all teams, sorted by name.
    pub fn teams(&self) -> Vec<ListedTeam> {
        let people = manage::people(self.app());
        let member = |grant: &Grant| Member {
            user: grant.user.clone(),
            role: grant.role.name().to_owned(),
            place: grant.place(),
        };
        let listed = |name: &String| ListedTeam {
            name: name.clone(),
            members: people.grants.iter().filter(|grant| grant.team == *name).map(member).collect(),
        };
        people.teams.iter().map(listed).collect()
    }

    /// Returns all keys, the oldest first.
    pub fn keys(&self) -> Vec<ListedKey> {
        manage::people(self.app()).keys.iter().cloned().map(Into::into).collect()
    }

    fn app(&self) -> &Arc<App> {
        &self.core.app
    }
}

impl From<Key> for ListedKey {
    fn from(key: Key) -> Self {
        let lists = key.sweeps.into_iter().map(String::from);
        let lists = lists.chain(key.projects.into_iter().map(String::from));
        Self {
            id: key.id,
            user: key.user,
            label: key.label,
            kind: key.kind.name().to_owned(),
            opens: key.only.map_or_else(|| lists.collect(), |only| vec![only.said()]),
            expires_ms: key.expires_ms,
        }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        let hint = error.words().and_then(|words| words.hint.clone());
        Self { message: error.to_string(), hint }
    }
}

/// Returns the name under which the audit knows the owner of a folder.
fn owner() -> String {
    Caller::Admin.who()
}

fn done<T>(result: Result<T, Error>) -> Result<(), Refused> {
    result.map(drop).map_err(Refused::from)
}

fn role(word: &str) -> Result<Role, Refused> {
    Role::from_name(word).ok_or_else(|| {
        let known = Role::ALL.map(Role::name).join(", ");
        Refused { message: format!("no role is called `{word}`: {known}"), hint: None }
    })
}
