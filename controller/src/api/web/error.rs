//! Maps each kind of error to a problem, as RFC 9457 defines it: a status of HTTP, and a body of
//! JSON that says what is wrong and what to do about it.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::app::error::{Error, Why};

/// An error for the caller.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(super) struct Problem {
    /// The status of HTTP.
    status: u16,
    /// The kind of the problem.
    title: &'static str,
    /// One sentence that says what is wrong.
    detail: String,
    /// The advice on what to do about it.
    hint: Option<String>,
}

impl Problem {
    fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status: status.as_u16(), title, detail: detail.into(), hint: None }
    }

    /// Makes the problem of a request that has a wrong form.
    pub(super) fn wrong(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", detail)
    }

    /// Makes the problem of a request for something that does not exist.
    pub(super) fn missing(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "missing", detail)
    }

    /// Makes the problem of a method that the path does not take.
    pub(super) fn wrong_method(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "wrong method", detail)
    }

    /// Makes the problem of a body that is too large.
    pub(super) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too large", detail)
    }

    /// Makes the problem of a request that did not arrive whole.
    pub(super) fn torn(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
    }

    /// Adds advice to the problem.
    #[must_use]
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// Returns the status and the title of each kind of error.
fn kind(error: &Error) -> (StatusCode, &'static str) {
    match error {
        Error::Invalid(_) => (StatusCode::BAD_REQUEST, "invalid"),
        Error::Missing(_) => (StatusCode::NOT_FOUND, "missing"),
        Error::Refused(Why::Unknown, _) => (StatusCode::UNAUTHORIZED, "unknown caller"),
        Error::Refused(Why::Forbidden, _) => (StatusCode::FORBIDDEN, "forbidden"),
        Error::Refused(Why::State | Why::Fenced | Why::Blob | Why::Gap { .. }, _) => {
            (StatusCode::CONFLICT, "refused")
        }
        Error::Refused(Why::Room, _) => (StatusCode::INSUFFICIENT_STORAGE, "no room"),
        Error::Busy(_) | Error::Disk(_) | Error::Gone(_) | Error::Torn(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, "busy")
        }
        Error::Damaged(_) => (StatusCode::INTERNAL_SERVER_ERROR, "damaged"),
        Error::Bug(_) => (StatusCode::INTERNAL_SERVER_ERROR, "bug"),
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, title) = kind(&error);
        if let Error::Bug(reason) = &error {
            // The reason may contain other people's data, so it goes to the log and not to the
            // caller.
            tracing::error!("{reason}");
            return Self::new(status, title, "a bug in the controller; its log says more");
        }
        let hint = error.words().and_then(|words| words.hint.clone());
        Self { hint, ..Self::new(status, title, error.to_string()) }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or_default();
        let mut answer = (status, Json(self)).into_response();
        let headers = answer.headers_mut();
        let kind = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, kind);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, 1.into());
        }
        answer
    }
}
