//! Reads what a request asks for: the parameters of its query, and its body. A name that the API
//! does not know is an error, because a misspelt filter would otherwise answer another question.

use axum::{
    body::to_bytes,
    extract::{FromRequest, Request},
    http::Uri,
};
use serde::{Deserialize, de::DeserializeOwned};

use super::error::Problem;

/// The most bytes of a body.
const BODY_BYTES: usize = 1 << 20;

/// The query of a request that takes no parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Reads the parameters of a query.
///
/// # Errors
/// Fails if a parameter has a wrong form, or if there is no parameter of its name.
pub(super) fn query<Q: DeserializeOwned>(uri: &Uri) -> Result<Q, Problem> {
    serde_html_form::from_str(uri.query().unwrap_or_default())
        .map_err(|error| Problem::wrong(format!("the query is wrong: {error}")))
}

/// The body of a request, which is JSON. An absent body is an empty object.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = to_bytes(request.into_body(), BODY_BYTES).await.map_err(|error| {
            let source = std::error::Error::source(&error);
            match source.is_some_and(|source| source.is::<http_body_util::LengthLimitError>()) {
                true => Problem::too_large(format!("the body has more than {BODY_BYTES} bytes")),
                false => Problem::torn(format!("the body did not arrive whole: {error}")),
            }
        })?;
        let json = if bytes.is_empty() { b"{}".as_slice() } else { &bytes };
        serde_json::from_slice(json)
            .map(Self)
            .map_err(|error| Problem::wrong(format!("the body is wrong: {error}")))
    }
}
