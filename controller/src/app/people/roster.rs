//! Keeps all users, roles, keys and sessions in memory, because every call needs its caller.
//! `App::open` reads them. Every change of them reads them again in its own transaction, and
//! replaces them after the commit, so the roster is never older than a change that somebody has
//! heard of.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use super::caller::{Caller, Person};
use crate::{
    app::error::Error,
    store::{
        self, Tx,
        people::{Grant, Key, Only, User},
        reports::Shown,
        sessions::Session,
    },
};

/// The users with their keys and sessions, as they were stored last.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    people: RwLock<Arc<People>>,
    /// How many milliseconds a session lasts without a use.
    idle_ms: i64,
    /// When sessions were used since the database was told, by the session's hash.
    used: Mutex<HashMap<Vec<u8>, i64>>,
}

/// All users with their roles, passwords, keys and sessions, and their teams.
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
    /// The hashes of the passwords, by the user's name.
    pub(crate) passwords: HashMap<String, String>,
    /// The user behind each key, by the key's hash.
    callers: HashMap<Vec<u8>, Arc<Person>>,
    /// The sessions with their callers, by the session's hash.
    sessions: HashMap<Vec<u8>, (Session, Caller)>,
}

/// What the upkeep writes about sessions.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::app) struct Worn {
    /// The hashes of sessions that are over.
    pub(in crate::app) over: Vec<Vec<u8>>,
    /// The hashes of sessions that were used, and when.
    pub(in crate::app) used: Vec<(Vec<u8>, i64)>,
}

/// A session's uses are written once they are this part of the idle time newer than what is
/// stored. A crash forgets no more.
const SELDOM: i64 = 100;

impl People {
    /// Reads all people.
    pub(crate) fn read(tx: &Tx<'_>) -> Result<Self, Error> {
        let (users, grants) = (store::people::users(tx)?, store::people::grants(tx)?);
        let (teams, keys) = (store::people::teams(tx)?, store::people::keys(tx)?);
        let mut shown: HashMap<&str, Shown> = HashMap::new();
        for key in &keys {
            if let Some(Only::Report(id)) = &key.only {
                shown.insert(id, store::reports::shown(tx, id)?);
            }
        }
        let shown = |key: &Key| match &key.only {
            Some(Only::Report(id)) => shown.get(id.as_str()).cloned().unwrap_or_default(),
            _ => Shown::default(),
        };
        let person = |name: &str, key: Option<&Key>, session: Option<&Session>| {
            let user = users.iter().find(|user| user.name == name)?.clone();
            let grants = grants.iter().filter(|grant| grant.user == name).cloned().collect();
            let session = session.map(|session| session.hash.clone());
            let shown = key.map(shown).unwrap_or_default();
            Some(Arc::new(Person { user, grants, key: key.cloned(), shown, session }))
        };
        let caller = |key: &Key| Some((key.hash.clone(), person(&key.user, Some(key), None)?));
        let opened = |session: Session| {
            let caller = match (&session.user, &session.key) {
                (None, _) => Caller::Admin,
                (Some(name), None) => Caller::Person(person(name, None, Some(&session))?),
                (Some(name), Some(id)) => {
                    let key = keys.iter().find(|key| key.id == *id)?;
                    Caller::Person(person(name, Some(key), Some(&session))?)
                }
            };
            Some((session.hash.clone(), (session, caller)))
        };
        let callers = keys.iter().filter_map(caller).collect();
        let sessions = store::sessions::all(tx)?.into_iter().filter_map(opened).collect();
        let passwords = store::sessions::passwords(tx)?.into_iter().collect();
        Ok(Self { users, grants, teams, keys, passwords, callers, sessions })
    }

    /// Returns whether a key opens this report and nothing else.
    pub(crate) fn is_shared(&self, report: &str) -> bool {
        let is_it = |only: &Only| matches!(only, Only::Report(id) if id == report);
        self.keys.iter().filter_map(|key| key.only.as_ref()).any(is_it)
    }

    /// Returns the user with this name.
    pub(crate) fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }
}

impl Roster {
    /// Makes a roster of these people. A session lasts `idle` without a use.
    pub(crate) fn new(people: People, idle: Duration) -> Self {
        let idle_ms = i64::try_from(idle.as_millis()).unwrap_or(i64::MAX);
        Self { people: RwLock::new(Arc::new(people)), idle_ms, used: Mutex::default() }
    }

    /// Replaces the people.
    pub(in crate::app) fn replace(&self, people: Arc<People>) {
        self.used().retain(|hash, _| people.sessions.contains_key(hash));
        *self.people.write().unwrap_or_else(PoisonError::into_inner) = people;
    }

    /// Returns the people as they are now.
    pub(crate) fn people(&self) -> Arc<People> {
        self.people.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns whether there is any user. From then on, every call needs a key or a token.
    pub(crate) fn has_users(&self) -> bool {
        !self.people().users.is_empty()
    }

    /// Returns whether the key or the session of this call is still valid at `now_ms`.
    pub(in crate::app) fn still_knows(&self, person: &Person, now_ms: i64) -> bool {
        let people = self.people();
        match (&person.session, &person.key) {
            (Some(hash), _) => self.opened(&people, hash, now_ms).is_some(),
            (None, Some(key)) => people.callers.contains_key(&key.hash) && lasts(key, now_ms),
            (None, None) => false,
        }
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
        Some(match person.key.as_ref().and_then(|key| key.expires_ms) {
            Some(expires_ms) if expires_ms <= now_ms => Err(expires_ms),
            _ => Ok(person.clone()),
        })
    }

    /// Returns the caller of the session with this hash, and notes the use. `None` if there is no
    /// such session, or it is over at `now_ms`.
    pub(in crate::app) fn enter(&self, hash: &[u8], now_ms: i64) -> Option<Caller> {
        let caller = self.opened(&self.people(), hash, now_ms)?;
        self.used().insert(hash.to_vec(), now_ms);
        Some(caller)
    }

    /// Returns whether there is a session with this hash, even if it is over.
    pub(in crate::app) fn has_session(&self, hash: &[u8]) -> bool {
        self.people().sessions.contains_key(hash)
    }

    /// Returns what the database does not know yet about sessions, if it should be told at
    /// `now_ms`.
    pub(in crate::app) fn worn(&self, now_ms: i64) -> Worn {
        let people = self.people();
        let mut worn = Worn::default();
        for (hash, (session, _)) in &people.sessions {
            let used_ms = self.used_ms(session);
            if self.opened(&people, hash, now_ms).is_none() {
                worn.over.push(hash.clone());
            } else if used_ms - session.used_ms > self.idle_ms / SELDOM {
                worn.used.push((hash.clone(), used_ms));
            }
        }
        worn
    }

    /// Returns the sessions of a user that are not over at `now_ms`, with their last uses. `None`
    /// means the sessions that the controller's token has opened.
    pub(in crate::app) fn sessions_of(&self, user: Option<&str>, now_ms: i64) -> Vec<Session> {
        let people = self.people();
        let of_user = people.sessions.values().filter(|(one, _)| one.user.as_deref() == user);
        let open = of_user.filter(|(one, _)| self.opened(&people, &one.hash, now_ms).is_some());
        open.map(|(one, _)| Session { used_ms: self.used_ms(one), ..one.clone() }).collect()
    }

    fn opened(&self, people: &People, hash: &[u8], now_ms: i64) -> Option<Caller> {
        let (session, caller) = people.sessions.get(hash)?;
        let idle_until = self.used_ms(session).saturating_add(self.idle_ms);
        let key = match caller {
            Caller::Person(person) => person.key.as_ref(),
            Caller::Admin | Caller::Run(_) => None,
        };
        let is_open = now_ms < session.expires_ms.min(idle_until);
        (is_open && key.is_none_or(|key| lasts(key, now_ms))).then(|| caller.clone())
    }

    fn used_ms(&self, session: &Session) -> i64 {
        let used = self.used().get(&session.hash).copied();
        used.map_or(session.used_ms, |used_ms| used_ms.max(session.used_ms))
    }

    fn used(&self) -> MutexGuard<'_, HashMap<Vec<u8>, i64>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lasts(key: &Key, now_ms: i64) -> bool {
    key.expires_ms.is_none_or(|expires_ms| expires_ms > now_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE_MS: i64 = 1000;

    fn roster(key: Option<Key>) -> Roster {
        let hash = vec![7];
        let session = Session {
            hash: hash.clone(),
            user: Some("ann".to_owned()),
            key: key.as_ref().map(|key| key.id.clone()),
            created_ms: 0,
            used_ms: 0,
            expires_ms: 5 * IDLE_MS,
        };
        let user =
            User { name: "ann".to_owned(), team: "vision".to_owned(), admin: false, created_ms: 0 };
        let (grants, shown) = (Vec::new(), Shown::default());
        let person = Person { user, grants, key, shown, session: Some(hash.clone()) };
        let opened = (session, Caller::Person(Arc::new(person)));
        let people = People { sessions: [(hash, opened)].into(), ..People::default() };
        Roster::new(people, Duration::from_millis(IDLE_MS as u64))
    }

    fn worn(over: &[&[u8]], used: &[(&[u8], i64)]) -> Worn {
        Worn {
            over: over.iter().map(|hash| hash.to_vec()).collect(),
            used: used.iter().map(|(hash, used_ms)| (hash.to_vec(), *used_ms)).collect(),
        }
    }

    #[test]
    fn a_session_lasts_while_it_is_used_and_no_longer_than_its_end() {
        let roster = roster(None);
        for now_ms in [0, 999, 1998, 2997, 3996, 4995, 4999] {
            let Some(Caller::Person(person)) = roster.enter(&[7], now_ms) else {
                panic!("it is open at {now_ms}");
            };
            assert!(roster.still_knows(&person, now_ms));
        }
        assert!(roster.enter(&[7], 5000).is_none());
        assert!(roster.enter(&[8], 0).is_none());
        assert_eq!(roster.worn(5000), worn(&[&[7]], &[]));
    }

    #[test]
    fn a_session_without_a_use_ends_and_a_look_is_no_use() {
        let roster = roster(None);
        let Some(Caller::Person(person)) = roster.enter(&[7], 0) else { panic!("it is open") };
        assert!(roster.still_knows(&person, 999));
        assert!(!roster.still_knows(&person, 1000));
        assert!(roster.enter(&[7], 1000).is_none());
    }

    #[test]
    fn a_use_is_told_seldom_and_a_session_that_is_over_once() {
        let roster = roster(None);
        roster.enter(&[7], 10).unwrap();
        assert_eq!(roster.worn(10), Worn::default());
        roster.enter(&[7], 11).unwrap();
        assert_eq!(roster.worn(11), worn(&[], &[(&[7], 11)]));
        assert_eq!(roster.worn(1011), worn(&[&[7]], &[]));
        roster.replace(Arc::default());
        assert_eq!(roster.worn(1011), Worn::default());
        assert!(roster.used().is_empty());
    }

    #[test]
    fn a_session_dies_with_the_key_that_opened_it() {
        let key = Key {
            id: "k3x9abcd".to_owned(),
            hash: vec![1],
            user: "ann".to_owned(),
            label: String::new(),
            kind: store::people::Kind::Read,
            sweeps: Vec::new(),
            projects: Vec::new(),
            only: None,
            created_ms: 0,
            expires_ms: Some(500),
        };
        let roster = roster(Some(key));
        assert!(roster.enter(&[7], 499).is_some());
        assert!(roster.enter(&[7], 500).is_none());
    }
}
