//! Finds out who calls, and tells callers who they are.

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
};
use crate::{
    api::caller::{self, Host},
    app::{
        App, Error,
        people::{caller::Caller, keys},
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

/// Finds the caller of a request by its headers.
///
/// # Errors
/// Fails if the controller requires a token or a key, and the headers have none that it knows.
pub(super) fn caller(app: &App, headers: &HeaderMap) -> Result<Caller, Error> {
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    caller::caller(app, header)
}

/// Returns whether a request has anything that could say who calls.
fn shows_anything(headers: &HeaderMap) -> bool {
    headers.contains_key(header::AUTHORIZATION)
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
    /// Whether nobody has to log in.
    open: bool,
    /// The version of the controller.
    version: &'static str,
}

/// Answers who calls. A caller who shows no token is told so, and is not refused.
pub(super) async fn show(
    app: axum::extract::State<Arc<App>>,
    headers: HeaderMap,
    uri: axum::http::Uri,
) -> Result<Json<Session>, Problem> {
    let Nothing {} = asked::query(&uri)?;
    let open = app.tokens.is_open(&app.roster);
    let version = env!("CARGO_PKG_VERSION");
    let nobody = Session { user: None, team: String::new(), admin: false, open, version };
    if !open && !shows_anything(&headers) {
        return Ok(Json(nobody));
    }
    let caller = caller(&app, &headers)?;
    let team = caller.team().to_owned();
    Ok(Json(match keys::me(&caller)? {
        None => Session { team, admin: true, ..nobody },
        Some(person) => Session {
            user: Some(person.user.name.clone()),
            team,
            admin: person.is_admin(),
            ..nobody
        },
    }))
}
