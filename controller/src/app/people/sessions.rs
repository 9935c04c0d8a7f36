//! Opens and ends the sessions of browsers. A password, a key or the controller's own token opens a
//! session, which then stands for it in calls. The browser has the session's secret in a cookie,
//! and the controller stores only the hash. The handlers in `api::web` call this module.

use std::{sync::Arc, time::Duration};

use record::file::hex;

use super::{
    caller::{Caller, Right},
    manage, passwords,
    roster::Worn,
};
use crate::{
    app::{
        App,
        change::Change,
        error::{Error, Why},
    },
    store::{self, sessions::Session},
};

/// A session that was opened.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The secret that the browser shows from now on. It is nowhere else.
    pub(crate) secret: String,
    /// How long the session lasts at most.
    pub(crate) lasts: Duration,
}

/// What opened a session.
struct Opener {
    user: Option<String>,
    key: Option<String>,
    /// The hash of the user's password, if the password opened the session.
    password: Option<String>,
    /// When the opener itself ends.
    expires_ms: Option<i64>,
}

/// Opens a session of the user who has this password.
///
/// # Errors
/// Refuses a wrong user or password. Fails with [`Error::Busy`] if too many passwords wait to be
/// checked.
pub(crate) async fn open(app: &Arc<App>, user: String, password: String) -> Result<Opened, Error> {
    let hash = passwords::check(app, &user, password).await?;
    let opener = Opener { user: Some(user), key: None, password: Some(hash), expires_ms: None };
    add(app, opener).await
}

/// Opens a session of the user of this key, or of the administrator if it is the controller's own
/// token. The session may do what the key may do, and ends with the key.
///
/// # Errors
/// Refuses a key that is unknown or has expired, and the token of a run. Refuses any key if the
/// controller needs none.
pub(crate) async fn open_with(app: &Arc<App>, key: &str) -> Result<Opened, Error> {
    if app.tokens.is_open(&app.roster) {
        return Err(Error::refused(Why::State, "nobody has to log in to this controller"));
    }
    let opener = match app.tokens.caller(&app.roster, Some(key), app.clock.wall_ms())? {
        Caller::Admin => Opener { user: None, key: None, password: None, expires_ms: None },
        Caller::Person(person) => Opener {
            user: Some(person.user.name.clone()),
            key: person.key.as_ref().map(|key| key.id.clone()),
            password: None,
            expires_ms: person.key.as_ref().and_then(|key| key.expires_ms),
        },
        Caller::Run(_) => {
            return Err(Error::refused(Why::Forbidden, "the token of a run opens no session")
                .hint("log in with a password, a key or the controller's own token"));
        }
    };
    add(app, opener).await
}

/// Returns the caller in the session with this secret, and notes that the session is used.
///
/// # Errors
/// Refuses the secret of a session that is unknown or over, unless the controller needs no key.
pub(crate) fn caller(app: &App, secret: &str) -> Result<Caller, Error> {
    if app.tokens.is_open(&app.roster) {
        return Ok(Caller::Admin);
    }
    let now_ms = app.clock.wall_ms();
    let mut hashes = app.tokens.hashes_of_session(secret).into_iter();
    hashes.find_map(|hash| app.roster.enter(hash.as_bytes(), now_ms)).ok_or_else(|| {
        Error::refused(Why::Unknown, "this session is unknown or over").hint("log in again")
    })
}

/// Ends the session with this secret. Does nothing if there is none.
pub(crate) async fn close(app: &Arc<App>, secret: &str) -> Result<(), Error> {
    let mut hashes = app.tokens.hashes_of_session(secret).into_iter();
    // A stranger must not make the controller write.
    let Some(hash) = hashes.find(|hash| app.roster.has_session(hash.as_bytes())) else {
        return Ok(());
    };
    let remove =
        move |change: &mut Change<'_>| Ok(store::sessions::remove(change.tx, hash.as_bytes())?);
    manage::change(app, remove).await
}

/// A session as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionView {
    /// A part of the hash of its secret, by which its user names it.
    pub(crate) id: String,
    /// The id of the key that opened it; `None` if a password or the controller's token did.
    pub(crate) key: Option<String>,
    /// When it was opened, in milliseconds since the epoch.
    pub(crate) created_ms: i64,
    /// When it was used last, in milliseconds since the epoch.
    pub(crate) used_ms: i64,
    /// When it ends at the latest, in milliseconds since the epoch.
    pub(crate) expires_ms: i64,
    /// Whether it is the session of this call.
    pub(crate) is_own: bool,
}

/// The bytes of a hash by which a session is named. They do not tell the secret.
const ID_BYTES: usize = 8;

fn id(hash: &[u8]) -> String {
    hex(&hash[..ID_BYTES.min(hash.len())])
}

/// Returns the sessions of the calling user, the last used first. The administrator gets those
/// that the controller's token has opened.
///
/// # Errors
/// Refuses the token of a run, and a key that is not of the kind `full`.
pub(crate) fn list(app: &App, caller: &Caller) -> Result<Vec<SessionView>, Error> {
    caller.admits(Right::Manage)?;
    let own = caller.person()?;
    let user = own.as_ref().map(|person| person.user.name.as_str());
    let now_ms = app.clock.wall_ms();
    let mut found = app.roster.sessions_of(user, now_ms);
    found.sort_by_key(|session| std::cmp::Reverse(session.used_ms));
    let is_own =
        |hash: &[u8]| own.as_ref().is_some_and(|person| person.session.as_deref() == Some(hash));
    let view = |session: Session| SessionView {
        id: id(&session.hash),
        is_own: is_own(&session.hash),
        key: session.key,
        created_ms: session.created_ms,
        used_ms: session.used_ms,
        expires_ms: session.expires_ms,
    };
    Ok(found.into_iter().map(view).collect())
}

/// Ends a session of the calling user, as [`list`] names it.
///
/// # Errors
/// Fails with [`Error::Missing`] if the caller has no such session. Refuses callers as [`list`]
/// does.
pub(crate) async fn end(app: &Arc<App>, caller: &Caller, wanted: &str) -> Result<(), Error> {
    caller.admits(Right::Manage)?;
    let own = caller.person()?;
    let user = own.as_ref().map(|person| person.user.name.as_str());
    let all = app.roster.sessions_of(user, app.clock.wall_ms());
    let found = all.into_iter().find(|session| id(&session.hash) == wanted);
    let session = found.ok_or_else(|| Error::missing("you have no such session"))?;
    manage::change(app, move |change| Ok(store::sessions::remove(change.tx, &session.hash)?)).await
}

/// Removes sessions that are over at `now_ms`, and writes when the others were used last. A step of
/// the upkeep.
pub(in crate::app) async fn tidy(app: &Arc<App>, now_ms: i64) -> Result<(), Error> {
    let Worn { over, used } = app.roster.worn(now_ms);
    if over.is_empty() && used.is_empty() {
        return Ok(());
    }
    manage::change(app, move |change| {
        over.iter().try_for_each(|hash| store::sessions::remove(change.tx, hash))?;
        let mut used = used.iter();
        Ok(used
            .try_for_each(|(hash, used_ms)| store::sessions::note_use(change.tx, hash, *used_ms))?)
    })
    .await
}

async fn add(app: &Arc<App>, opener: Opener) -> Result<Opened, Error> {
    let secret = format!("session-{}", hex(&app.chance.secret()));
    let hash = app.tokens.hash_of_session(&secret, opener.user.is_none())?;
    let hash = hash.as_bytes().to_vec();
    let longest = i64::try_from(app.settings.session.as_millis()).unwrap_or(i64::MAX);
    let most = app.settings.limits.sessions;
    let lasts_ms = manage::change(app, move |change| {
        check(change, &opener)?;
        let Opener { user, key, expires_ms, .. } = opener;
        let now_ms = change.now_ms;
        let alike = |session: &Session| session.user == user && session.key == key;
        let alike: Vec<Session> =
            store::sessions::all(change.tx)?.into_iter().filter(alike).collect();
        for old in alike.iter().take((alike.len() + 1).saturating_sub(most)) {
            store::sessions::remove(change.tx, &old.hash)?;
        }
        let end = now_ms.saturating_add(longest);
        let expires_ms = expires_ms.map_or(end, |key_ends| key_ends.min(end));
        let session = Session { hash, user, key, created_ms: now_ms, used_ms: now_ms, expires_ms };
        store::sessions::add(change.tx, &session)?;
        Ok(expires_ms - now_ms)
    })
    .await?;
    let lasts = Duration::from_millis(u64::try_from(lasts_ms).unwrap_or(0));
    Ok(Opened { secret, lasts })
}

/// Passes if what opens a session is still there. It may have gone since it was checked.
fn check(change: &Change<'_>, opener: &Opener) -> Result<(), Error> {
    let is_there = match (&opener.user, &opener.key) {
        (None, _) => true,
        (Some(user), None) => passwords::stored(change, user)? == opener.password,
        (Some(_), Some(id)) => store::people::keys(change.tx)?.iter().any(|key| key.id == *id),
    };
    if is_there {
        return Ok(());
    }
    Err(Error::refused(Why::Unknown, "the key or password was changed meanwhile"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::people::keys::{self, NewKey},
        chance::Chance,
        clock::Clock,
        platform::Platform,
        settings::Settings,
        store::{Store, people::Role},
    };

    const DAY: Duration = Duration::from_secs(86_400);

    /// Opens an application with the user `ann`. Returns it with a key of hers.
    async fn world(folder: &tempfile::TempDir) -> (Arc<App>, String) {
        let settings = Settings { data: folder.path().to_owned(), ..Settings::default() };
        let platform = Platform::default();
        let store = Store::open(folder.path(), &settings.limits, platform).unwrap();
        let (clock, chance) = (Clock::starting_at(0), Chance::seeded(1));
        let app = App::open(settings, store, clock, chance, platform.threads).await.unwrap();
        let who = Caller::Admin.who();
        manage::add_user(&app, who, "ann".to_owned(), None, Role::Member, false).await.unwrap();
        let new = NewKey {
            user: "ann".to_owned(),
            label: String::new(),
            kind: String::new(),
            sweeps: Vec::new(),
            projects: Vec::new(),
            only: None,
            lasts: None,
        };
        let (key, _) = keys::add(&app, &Caller::Admin, new).await.unwrap();
        (app, key)
    }

    async fn stored(app: &Arc<App>) -> Vec<Session> {
        app.read(|tx, _| Ok(store::sessions::all(tx)?)).await.unwrap()
    }

    #[tokio::test]
    async fn the_upkeep_stores_uses_and_removes_sessions_that_are_over() {
        let folder = tempfile::TempDir::new().unwrap();
        let (app, key) = world(&folder).await;
        let opened = open_with(&app, &key).await.unwrap();
        assert_eq!(opened.lasts, 30 * DAY);
        let opened = stored(&app).await.remove(0);
        let day = |days: i64| opened.created_ms + days * DAY.as_millis() as i64;
        for days in [6, 12, 18] {
            assert!(app.roster.enter(&opened.hash, day(days)).is_some());
            tidy(&app, day(days)).await.unwrap();
            assert_eq!(stored(&app).await[0].used_ms, day(days));
        }
        assert!(app.roster.enter(&opened.hash, day(25)).is_none());
        assert_eq!(stored(&app).await.len(), 1);
        tidy(&app, day(25)).await.unwrap();
        assert_eq!(stored(&app).await, []);
    }

    #[tokio::test]
    async fn the_database_knows_no_secret() {
        let folder = tempfile::TempDir::new().unwrap();
        let (app, key) = world(&folder).await;
        let secret = open_with(&app, &key).await.unwrap().secret;
        let session = stored(&app).await.remove(0);
        assert_eq!(session.hash, blake3::hash(secret.as_bytes()).as_bytes());
        assert_eq!(session.key.as_deref(), Some(&key["besom-".len()..][..8]));
        assert!(caller(&app, &hex(&session.hash)).is_err());
    }
}
