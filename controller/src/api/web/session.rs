//! Finds out who calls, by a token, a key or the cookie of a session, and tells callers who they
//! are.

use std::sync::Arc;

use axum::{
    Json,
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    asked::{self, Nothing},
    error::Problem,
    shared::SharedThing,
};
use crate::{
    api::caller::{self, Host},
    app::{
        App, Error,
        error::Why,
        people::{caller::Caller, keys, sessions},
        runs::lookup,
    },
};

/// A request whose caller is known.
#[derive(Debug)]
pub(super) struct Call<Q = Nothing> {
    /// The app.
    pub(super) app: Arc<App>,
    /// The caller.
    pub(super) caller: Caller,
    /// The parameters in the query of the request.
    pub(super) asked: Q,
}

impl<Q: DeserializeOwned> FromRequestParts<Arc<App>> for Call<Q> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let caller = caller(app, &parts.headers)?;
        lookup::check_token(app, &caller).await?;
        if let Some(host) = parts.extensions.get::<Host>() {
            host.welcome();
        }
        Ok(Self { app: app.clone(), caller, asked: asked::query(&parts.uri)? })
    }
}

/// The cookie with the secret of a browser's session.
pub(super) const COOKIE: &str = "besom_session";

/// Finds the caller of a request by its headers. A token or a key counts more than a cookie.
///
/// # Errors
/// Fails if the controller requires a token, a key or a session, and the headers have none that it
/// knows.
pub(super) fn caller(app: &App, headers: &HeaderMap) -> Result<Caller, Error> {
    match (headers.get(header::AUTHORIZATION), secret(headers)) {
        (None, Some(secret)) => sessions::caller(app, secret),
        (shown, _) => caller::caller(app, shown.and_then(|value| value.to_str().ok())),
    }
}

/// Returns the secret of the session in the request's cookie.
pub(super) fn secret(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).into_iter();
    let cookies = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
    let mut named = cookies.filter_map(|cookie| cookie.trim().split_once('='));
    named.find(|(name, _)| *name == COOKIE).map(|(_, secret)| secret)
}

/// Who calls.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Session {
    /// The name of the user; `null` for the administrator's token, and if the caller is not known.
    user: Option<String>,
    /// The team of the user.
    team: String,
    /// Whether the caller may do everything.
    admin: bool,
    /// Whether the caller may change sweeps and runs in any project.
    steers: bool,
    /// The id of the key that the caller shows, or that opened the session.
    key: Option<String>,
    /// The one thing that this key opens; `null` for more.
    only: Option<SharedThing>,
    /// Whether the caller may make links with keys.
    shares: bool,
    /// Whether nobody has to log in.
    open: bool,
    /// The version of the controller.
    version: &'static str,
}

/// Answers who calls. A browser without a session, or whose session is over, is told so and is not
/// refused.
pub(super) async fn show(
    app: axum::extract::State<Arc<App>>,
    headers: HeaderMap,
    uri: axum::http::Uri,
) -> Result<Json<Session>, Problem> {
    let Nothing {} = asked::query(&uri)?;
    let open = app.tokens.is_open(&app.roster);
    let version = env!("CARGO_PKG_VERSION");
    let nobody = Session {
        user: None,
        team: String::new(),
        admin: false,
        steers: false,
        key: None,
        only: None,
        shares: false,
        open,
        version,
    };
    let caller = match caller(&app, &headers) {
        Err(Error::Refused(Why::Unknown, _)) if !headers.contains_key(header::AUTHORIZATION) => {
            return Ok(Json(nobody));
        }
        found => found?,
    };
    let (team, steers) = (caller.team().to_owned(), caller.steers());
    Ok(Json(match keys::me(&caller)? {
        None => Session { team, admin: true, steers, ..nobody },
        Some(person) => Session {
            user: Some(person.user.name.clone()),
            team,
            admin: person.is_admin(),
            steers,
            key: person.key.as_ref().map(|key| key.id.clone()),
            only: person.key.as_ref().and_then(SharedThing::of),
            shares: keys::may_make(&caller),
            ..nobody
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_in_the_cookie_of_its_name() {
        let found = |lines: &[&'static str]| {
            let line =
                |line: &&'static str| (header::COOKIE, header::HeaderValue::from_static(line));
            secret(&lines.iter().map(line).collect()).map(str::to_owned)
        };
        assert_eq!(found(&["besom_session=abc"]).as_deref(), Some("abc"));
        assert_eq!(found(&["a=b; besom_session=abc;c=d"]).as_deref(), Some("abc"));
        assert_eq!(found(&["a=b", "besom_session=abc"]).as_deref(), Some("abc"));
        for none in [&[][..], &["a=besom_session"], &["besom_session"], &["xbesom_session=abc"]] {
            assert_eq!(found(none), None, "{none:?}");
        }
    }
}
