//! Maps each kind of error to a status of HTTP, in one table. The client tries a request again
//! after 429 and 5xx. After any other status it gives up, and drops the rows that it wanted to
//! send.

use axum::{
    Json,
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::app::error::{Error, Why};

/// An error for the client.
#[derive(Debug)]
pub(super) struct Fault {
    status: StatusCode,
    message: String,
}

impl Fault {
    /// Makes the error of a request that has a wrong form.
    pub(super) fn wrong(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    /// Makes the error of a request that did not arrive whole. The client sends it again.
    pub(super) fn torn(message: impl Into<String>) -> Self {
        Self { status: StatusCode::SERVICE_UNAVAILABLE, message: message.into() }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::Invalid(_) => StatusCode::BAD_REQUEST,
            Error::Missing(_) => StatusCode::NOT_FOUND,
            Error::Refused(Why::Unknown, _) => StatusCode::UNAUTHORIZED,
            Error::Refused(Why::Forbidden, _) => StatusCode::FORBIDDEN,
            Error::Refused(Why::State | Why::Fenced | Why::Blob, _) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            // A person can make room while the client tries again.
            Error::Refused(Why::Room, _) => StatusCode::INSUFFICIENT_STORAGE,
            Error::Refused(Why::Gap { .. }, _) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::Busy(_) | Error::Disk(_) | Error::Gone(_) | Error::Torn(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Error::Damaged(_) | Error::Bug(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if let Error::Bug(reason) = &error {
            // The reason may contain other people's data, so it goes to the log and not to the
            // caller.
            tracing::error!("{reason}");
            return Self {
                status,
                message: "a bug in the controller; its log says more".to_owned(),
            };
        }
        let hint = error.words().and_then(|words| words.hint.as_deref());
        let message = hint.map_or_else(|| error.to_string(), |hint| format!("{error} ({hint})"));
        Self { status, message }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let body = json!({ "errors": [{ "message": self.message }], "data": null });
        let mut answer = (self.status, Json(body)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            answer.headers_mut().insert(RETRY_AFTER, 1.into());
        }
        answer
    }
}
