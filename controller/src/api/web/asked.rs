//! Reads what a request asks for: the parameters of its query. A name that the API does not know is
//! an error, because a misspelt filter would otherwise answer another question.

use axum::http::Uri;
use serde::{Deserialize, de::DeserializeOwned};

use super::error::Problem;

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
