//! Opens and ends the session of a browser, whose secret the browser has in a cookie. No page can
//! read this cookie, and a browser sends it only with requests from pages of the controller.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension,
    body::to_bytes,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    error::Problem,
    session::{COOKIE, secret},
};
use crate::{
    api::caller::Crowd,
    app::{App, Error, people::sessions},
};

/// The most bytes of a login.
const MOST_BYTES: usize = 16 << 10;

/// An address for which this many answers to wrong logins wait cannot log in. Each password costs
/// the controller a hash, so a delay after it is not enough.
const CROWD: usize = 8;

/// What opens a session.
#[derive(Deserialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) enum Login {
    /// A user and the user's password.
    Password {
        /// The name of the user.
        user: String,
        /// The password.
        password: String,
    },
    /// A key, or the controller's own token.
    Key {
        /// The key.
        key: String,
    },
}

/// Opens a session.
pub(super) async fn open(
    State(app): State<Arc<App>>,
    Extension(Crowd(waiting)): Extension<Crowd>,
    headers: HeaderMap,
    request: Request,
) -> Result<impl IntoResponse, Problem> {
    if waiting >= CROWD {
        return Err(Error::busy("too many wrong logins came from your address")
            .hint("try again in a few seconds")
            .into());
    }
    let opened = match read(request).await? {
        Login::Password { user, password } => sessions::open(&app, user, password).await?,
        Login::Key { key } => sessions::open_with(&app, key.trim()).await?,
    };
    Ok(answer(is_encrypted(&app, &headers), &opened.secret, opened.lasts))
}

/// Ends the session of the caller, if there is one.
pub(super) async fn close(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    if let Some(secret) = secret(&headers) {
        sessions::close(&app, secret).await?;
    }
    Ok(answer(is_encrypted(&app, &headers), "", Duration::ZERO))
}

/// Reads a login.
///
/// # Errors
/// Fails if the body is no login. The error repeats nothing of the body, because it may hold a
/// secret.
async fn read(request: Request) -> Result<Login, Problem> {
    let wrong = || {
        Problem::wrong("the body is no login")
            .hint("send JSON: {\"user\": ..., \"password\": ...} or {\"key\": ...}")
    };
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("application/json")) {
        return Err(wrong());
    }
    let body = to_bytes(request.into_body(), MOST_BYTES).await.map_err(|_| wrong())?;
    serde_json::from_slice(&body).map_err(|_| wrong())
}

/// Returns whether the browser reaches the controller over TLS. A proxy may do the encryption.
fn is_encrypted(app: &App, headers: &HeaderMap) -> bool {
    let proxied = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    app.settings.tls.is_some() || proxied
}

/// Answers with the cookie. A cookie that lasts no time is removed.
fn answer(is_encrypted: bool, secret: &str, lasts: Duration) -> Response {
    let (seconds, secure) = (lasts.as_secs(), if is_encrypted { "; Secure" } else { "" });
    let cookie =
        format!("{COOKIE}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    (StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response()
}
