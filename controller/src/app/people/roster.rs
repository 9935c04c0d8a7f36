//! Keeps all users, roles and keys in memory, because every call needs its caller. `App::open`
//! reads them. Every change of them reads them again in its own transaction, and replaces them
//! after the commit, so the roster is never older than a change that somebody has heard of.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::caller::Person;
use crate::{
    app::error::Error,
    store::{
        self, Tx,
        people::{Grant, Key, User},
    },
};

/// The users and their keys, as they were stored last.
#[derive(Debug, Default)]
pub(crate) struct Roster(RwLock<Arc<People>>);

/// All users with their roles, their teams and their keys.
#[derive(Debug, Default)]
pub(crate) struct People {
    /// The users, sorted by name.
    pub(crate) users: Vec<User>,
    /// The roles of all users.
    pub(crate) grants: Vec<Grant>,
    /// The names of the teams, sorted.
    pub(crate) teams: Vec<String>,
    /// The keys of all users, the oldest first.
    pub(crate) keys: Vec<Key>,
    /// The user behind each key, by the key's hash.
    callers: HashMap<Vec<u8>, Arc<Person>>,
}

impl People {
    /// Reads all people.
    pub(crate) fn read(tx: &Tx<'_>) -> Result<Self, Error> {
        let (users, grants) = (store::people::users(tx)?, store::people::grants(tx)?);
        let (teams, keys) = (store::people::teams(tx)?, store::people::keys(tx)?);
        let caller = |key: &Key| {
            let user = users.iter().find(|user| user.name == key.user)?.clone();
            let own = grants.iter().filter(|grant| grant.user == user.name).cloned().collect();
            let person = Person { user, grants: own, key: key.clone() };
            Some((key.hash.clone(), Arc::new(person)))
        };
        let callers = keys.iter().filter_map(caller).collect();
        Ok(Self { users, grants, teams, keys, callers })
    }

    /// Returns the user with this name.
    pub(crate) fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }
}

impl Roster {
    /// Makes a roster of these people.
    pub(crate) fn new(people: People) -> Self {
        Self(RwLock::new(Arc::new(people)))
    }

    /// Replaces the people.
    pub(in crate::app) fn replace(&self, people: Arc<People>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = people;
    }

    /// Returns the people as they are now.
    pub(crate) fn people(&self) -> Arc<People> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns whether there is any user. From then on, every call needs a key or a token.
    pub(crate) fn has_users(&self) -> bool {
        !self.people().users.is_empty()
    }

    /// Returns whether this key is still valid at `now_ms`.
    pub(in crate::app) fn has(&self, key: &Key, now_ms: i64) -> bool {
        let lasts = |key: &Key| key.expires_ms.is_none_or(|expires_ms| expires_ms > now_ms);
        self.people().callers.get(&key.hash).is_some_and(|person| lasts(&person.key))
    }

    /// Returns the user behind the key with this hash, unless the key has expired by `now_ms`.
    ///
    /// # Errors
    /// Returns the moment in milliseconds since the epoch at which the key has expired.
    pub(in crate::app) fn caller(
        &self,
        hash: &blake3::Hash,
        now_ms: i64,
    ) -> Option<Result<Arc<Person>, i64>> {
        let people = self.people();
        let person = people.callers.get(hash.as_bytes().as_slice())?;
        Some(match person.key.expires_ms {
            Some(expires_ms) if expires_ms <= now_ms => Err(expires_ms),
            _ => Ok(person.clone()),
        })
    }
}
